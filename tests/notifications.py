"""Alerts, clocks and installations with channels, for tests of notifications."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from lake.alerts.alert import Alert
from lake.config import Settings, load_settings
from lake.notify.notifier import Notifier
from tests.lakes import ODD_FOLDER

CHECKOUT = Path(__file__).resolve().parent.parent
NOON = datetime(2026, 11, 20, 17, 0, tzinfo=UTC)
"""Friday noon in New York."""


@dataclass
class Clock:
    """A clock that stands still until a test moves it."""

    now: datetime = NOON

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **span: float) -> None:
        """Let time pass."""
        self.now += timedelta(**span)


def alert(number: int = 0, **changes: Any) -> Alert:
    """Return the alert of one 5-minute bar; `number` counts bars from 10:00 in New York on."""
    start = datetime(2026, 11, 20, 15, 0, tzinfo=UTC) + timedelta(minutes=5 * number)
    fields: dict[str, Any] = {
        "rule": "hammer",
        "rule_version": "abcdefabcdef",
        "variant": "bullish",
        "symbol": "AAPL",
        "timeframe": "5m",
        "ts": start,
        "closes_at": start + timedelta(minutes=5),
        "side": "bullish",
        "price": 189.5,
        "severity": "info",
        "status": "confirmed",
        "level_id": None,
        "values": {"close": 189.5},
        "reason": "AAPL made a hammer at 189.5",
        "origin": "stream",
        "fired_at": start + timedelta(minutes=5),
        **changes,
    }
    identity = "\x1f".join(str(fields[name]) for name in ("rule", "variant", "symbol", "timeframe", "ts"))
    return Alert(**{"alert_id": hashlib.sha256(identity.encode()).hexdigest(), **fields})


def installation(folder: Path, channels: str) -> Settings:
    """Return the settings of a throw-away installation with its own channels and the checkout's rules."""
    home = folder / "home"
    (home / "conf").mkdir(parents=True)
    (home / "sql").symlink_to(CHECKOUT / "sql")
    for path in (CHECKOUT / "conf").iterdir():
        (home / "conf" / path.name).write_bytes(path.read_bytes())
    (home / "conf" / "channels.yaml").write_text(channels)
    return load_settings(lake_home=home, lake_root=str(folder / ODD_FOLDER))


def notifier_of(
    settings: Settings, clock: Clock, monkeypatch: pytest.MonkeyPatch, **secrets: str
) -> Notifier:
    """Return a notifier whose addresses are those given."""
    for name, value in secrets.items():
        monkeypatch.setenv(name, value)
    return Notifier(settings, clock)


def lines(settings: Settings) -> list[str]:
    """Return the lines of the message file."""
    path = settings.local_folder / "_messages" / "alerts.log"
    return path.read_text().splitlines() if path.exists() else []
