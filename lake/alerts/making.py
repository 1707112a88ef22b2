"""Making one alert: identity, values, reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np

from lake.alerts.alert import Alert, Origin
from lake.alerts.scene import CLOSE, Operand, Prepared, Scene
from lake.rules.identity import alert_id
from lake.rules.messages import filled_in
from lake.rules.rule import Side
from lake.rules.truth import measured

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Seen:
    """The values of some operands on all rows, each worked out once."""

    def __init__(self, scene: Scene, operands: Sequence[Operand]) -> None:
        frame = scene.rows.frame
        self._values = {each: measured(each, frame)[0] for each in dict.fromkeys((*operands, CLOSE))}

    def value(self, row: int, operand: Operand) -> float:
        """Return an operand's value on a row."""
        return float(self._values[operand][row])

    def of(self, row: int, operands: Sequence[Operand]) -> dict[str, float]:
        """Return the operands' values on a row by name, and its close; what is missing is left out."""
        found = {str(each): self.value(row, each) for each in (*operands, CLOSE)}
        return {name: value for name, value in found.items() if np.isfinite(value)}


def alert_of(
    each: Prepared,
    scene: Scene,
    row: int,
    variant: str,
    side: Side,
    level_id: str | None,
    values: dict[str, float],
    seen: Seen,
    texts: dict[str, str],
    origin: Origin,
    now: datetime,
) -> Alert:
    """Return one rule's alert of one row."""
    rule = each.rule
    symbol, ts = scene.symbols[int(scene.rows.series[row])], moment(int(scene.ts[row]))
    alert = Alert(
        alert_id=alert_id(rule.name, each.version, variant, symbol, scene.timeframe, ts),
        rule=rule.name,
        rule_version=each.version,
        variant=variant,
        symbol=symbol,
        timeframe=scene.timeframe,
        ts=ts,
        closes_at=moment(int(scene.closes_at[row])),
        side=side,
        price=seen.value(row, CLOSE),
        severity=rule.severity,
        status="confirmed",
        level_id=level_id,
        values=values,
        reason=rule.description,
        origin=origin,
        fired_at=now,
    )
    if rule.message is None:
        return alert
    numbers = {str(operand): seen.value(row, operand) for operand in each.shown} | values
    return replace(alert, reason=_reason(rule.message, alert, texts, numbers))


def _reason(message: str, alert: Alert, texts: dict[str, str], numbers: dict[str, float]) -> str:
    own = {name: str(getattr(alert, name)) for name in ("rule", "variant", "side", "symbol", "timeframe")}
    times = {name: f"{getattr(alert, name):%Y-%m-%d %H:%M} UTC" for name in ("ts", "closes_at")}
    return filled_in(message, own | times | texts, numbers | {"price": alert.price})


def moment(micros: int) -> datetime:
    """Return a time from microseconds since 1970, UTC."""
    return _EPOCH + timedelta(microseconds=micros)
