"""Making one alert: identity, values, reason."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from math import isfinite

from lake.alerts.alert import Alert, Origin
from lake.alerts.scene import CLOSE, Operands, Prepared, Scene
from lake.rules.identity import alert_id
from lake.rules.messages import filled_in
from lake.rules.rule import Side
from lake.rules.truth import measured

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Seen:
    """The values of some operands on all rows, each worked out once."""

    def __init__(self, scene: Scene, *operands: Operands) -> None:
        frame = scene.rows.frame
        self._values = {name: measured(each, frame)[0] for some in operands for name, each in some.items()}

    def value(self, row: int, name: str) -> float:
        """Return an operand's value on a row."""
        return float(self._values[name][row])

    def of(self, row: int, operands: Operands) -> dict[str, float]:
        """Return the operands' values on a row by name; what is missing is left out."""
        found = {name: float(self._values[name][row]) for name in operands}
        return {name: value for name, value in found.items() if isfinite(value)}


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
    rule, timeframe = each.rule, scene.timeframe
    symbol = scene.symbols[int(scene.rows.series[row])]
    ts, closes_at = moment(int(scene.ts[row])), moment(int(scene.closes_at[row]))
    price = seen.value(row, CLOSE)
    reason = rule.description
    if rule.message is not None:
        own = {"rule": rule.name, "variant": variant, "side": side, "symbol": symbol, "timeframe": timeframe}
        known: dict[str, str | float] = {**own, **texts, **values, "price": price}
        times = {"ts": ts, "closes_at": closes_at}

        def value_of(name: str) -> str | float:
            if name in times:
                return f"{times[name]:%Y-%m-%d %H:%M} UTC"
            return known[name] if name in known else seen.value(row, name)

        reason = filled_in(rule.message, value_of)
    return Alert(
        alert_id=alert_id(rule.name, each.version, variant, symbol, timeframe, ts),
        rule=rule.name,
        rule_version=each.version,
        variant=variant,
        symbol=symbol,
        timeframe=timeframe,
        ts=ts,
        closes_at=closes_at,
        side=side,
        price=price,
        severity=rule.severity,
        status="confirmed",
        level_id=level_id,
        values=values,
        reason=reason,
        origin=origin,
        fired_at=now,
    )


def moment(micros: int) -> datetime:
    """Return a time from microseconds since 1970, UTC."""
    return _EPOCH + timedelta(microseconds=micros)
