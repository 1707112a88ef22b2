"""Making one alert: identity, values, reason."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from math import isfinite

from lake.alerts.alert import Alert, Origin
from lake.alerts.scene import CLOSE, Operands, Prepared, Scene
from lake.market.bars import Floats
from lake.rules.identity import alert_id
from lake.rules.messages import filled_in
from lake.rules.rule import Side
from lake.rules.truth import measured

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Seen:
    """The values of some operands on all rows, each worked out once, and those of other timeframes."""

    def __init__(self, scene: Scene, *operands: Operands) -> None:
        frame = scene.rows.frame
        own = {name: measured(each, frame)[0] for some in operands for name, each in some.items()}
        self._values: Mapping[str, Floats] = {**frame.elsewhere.values, **own}

    def value(self, row: int, name: str) -> float:
        """Return an operand's value on a row."""
        return float(self._values[name][row])

    def of(self, row: int, names: tuple[str, ...]) -> dict[str, float]:
        """Return the operands' values on a row by name; what is missing is left out."""
        found = {name: float(self._values[name][row]) for name in names if name in self._values}
        return {name: value for name, value in found.items() if isfinite(value)}


@dataclass(frozen=True, slots=True)
class Firing:
    """That a rule fires on a row: as what, and what it saw.

    `texts` is what its message may name besides values: of a rule about levels the event, for example.
    """

    row: int
    variant: str
    side: Side
    values: Mapping[str, float]
    level_id: str | None = None
    texts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Maker:
    """Makes the alerts of one rule over a scene; `now` and `origin` are stamped on them."""

    each: Prepared
    scene: Scene
    seen: Seen
    origin: Origin
    now: datetime

    def alert(self, firing: Firing) -> Alert:
        """Return the alert that the rule fires."""
        rule, scene, row = self.each.rule, self.scene, firing.row
        symbol, ts = scene.symbols[int(scene.rows.series[row])], moment(int(scene.ts[row]))
        return Alert(
            alert_id=alert_id(rule.name, self.each.version, firing.variant, symbol, scene.timeframe, ts),
            rule=rule.name,
            rule_version=self.each.version,
            variant=firing.variant,
            symbol=symbol,
            timeframe=scene.timeframe,
            ts=ts,
            closes_at=moment(int(scene.closes_at[row])),
            side=firing.side,
            price=self.seen.value(row, CLOSE),
            severity=rule.severity,
            status="confirmed",
            level_id=firing.level_id,
            values=firing.values,
            reason=self._reason(firing, symbol),
            origin=self.origin,
            fired_at=self.now,
        )

    def _reason(self, firing: Firing, symbol: str) -> str:
        rule, scene, row = self.each.rule, self.scene, firing.row
        if rule.message is None:
            return rule.description
        known: dict[str, str | float] = {
            "rule": rule.name,
            "variant": firing.variant,
            "side": firing.side,
            "symbol": symbol,
            "timeframe": scene.timeframe,
            **firing.texts,
            **firing.values,
            "price": self.seen.value(row, CLOSE),
        }
        times = {"ts": scene.ts, "closes_at": scene.closes_at}

        def value_of(name: str) -> str | float:
            if name in times:
                return f"{moment(int(times[name][row])):%Y-%m-%d %H:%M} UTC"
            return known[name] if name in known else self.seen.value(row, name)

        return filled_in(rule.message, value_of)


def moment(micros: int) -> datetime:
    """Return a time from microseconds since 1970, UTC."""
    return _EPOCH + timedelta(microseconds=micros)
