"""Why an alert was raised: worked out anew from the bars as they were known then, and as they are now."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import duckdb
import numpy as np
import orjson

from lake.alerts.alert import Alert, alert_of_row
from lake.alerts.changes import Difference
from lake.alerts.keep import says_the_same
from lake.config import Settings
from lake.errors import BadConfiguration, BadInput
from lake.live.history import no_bars
from lake.market.bars import VALUES, Actions
from lake.market.sessions import calendar
from lake.rules.elsewhere import asks_of
from lake.rules.identity import column_parameters, rule_version
from lake.rules.language import parse_rules, read_rules
from lake.rules.rule import Rule
from lake.steps.derivation import Basis, Derivation, changes, derived, shown_bars
from lake.store.catalog import connect
from lake.store.lake import Lake
from lake.store.reads import read_history

_LANDING = timedelta(microseconds=999)
"""Versions of one landing lie closer together than this, and landings further apart."""

_ID = re.compile(r"[0-9a-f]{4,64}")

_LISTED = '`lake sql "select alert_id, rule, symbol, ts from alerts"` lists them'


@dataclass(frozen=True, slots=True)
class Why:
    """An alert with what it was raised by, then and now.

    `stored` is the version that is explained, as the lake keeps it: of an alert that was taken back
    the last one that stood. `seen_at` is the moment whose bars it is worked out from.
    """

    stored: Alert
    status: str
    revision: int
    seen_at: datetime
    rule: Rule | None
    then: Derivation
    now: Derivation
    bars: tuple[tuple[str, Mapping[str, float | bool]], ...]
    changes: tuple[Difference, ...]
    rule_change: str | None

    @property
    def is_rederived(self) -> bool:
        """Return whether the same alert with the same values came out of the bars as known then."""
        return _says(self.then, self.stored)

    @property
    def is_unchanged(self) -> bool:
        """Return whether the same comes out of the bars as known now, by the same rule."""
        return _says(self.now, self.stored) and self.rule_change is None


class Explainer:
    """Explains alerts of one lake; what it has read it keeps for the next one."""

    def __init__(self, settings: Settings) -> None:
        self._lake = Lake.open(settings)
        self._now = connect(self._lake)
        self._then = connect(self._lake, datetime.now(UTC))
        self._rules = read_rules(settings.conf_folder)
        self._read: dict[tuple[Any, ...], Basis] = {}
        self._known: dict[tuple[str, str], Rule | None] = {}

    def why(self, alert_id: str) -> Why:
        """Return why an alert was raised.

        Raises:
            BadInput: no alert has an id that begins so, or several have.
        """
        row = self._find(alert_id)
        stored, known_at = self._version(row)
        rule, change = self._rule(stored)
        now = self._basis(None, rule, stored)
        if stored.status == "provisional" and not now.has_bar_of(stored):
            now = self._forming(now, stored)
        then_at, seen, then = self._derived_then(rule, stored, known_at)
        basis = seen.until(stored)
        differences = changes(basis, now.until(stored))
        later = derived(rule, stored, now) if differences else then
        shown = tuple(shown_bars(rule, basis))
        revision = int(row["revision"])
        return Why(
            stored, row["status"], revision, then_at, rule, then, later, shown, tuple(differences), change
        )

    def _find(self, alert_id: str) -> dict[str, Any]:
        text = alert_id.strip().lower()
        if not _ID.fullmatch(text):
            raise BadInput(
                f"expected an alert's id or at least its first 4 characters of 0-9 and a-f, found "
                f"{alert_id!r}; {_LISTED}"
            )
        rows = self._now.execute(
            "SELECT * FROM alerts WHERE starts_with(alert_id, ?) ORDER BY alert_id LIMIT 4", [text]
        )
        found: list[dict[str, Any]] = rows.to_arrow_table().to_pylist()
        if not found:
            raise BadInput(
                f"expected an alert of this lake, found none whose id begins with {text!r}; {_LISTED}"
            )
        if len(found) > 1:
            ids = ", ".join(row["alert_id"][: len(text) + 6] for row in found[:3])
            raise BadInput(
                f"expected one alert, found several whose ids begin with {text!r}: {ids}"
                f"{' …' if len(found) > 3 else ''}; give more characters"
            )
        return found[0]

    def _version(self, row: Mapping[str, Any]) -> tuple[Alert, datetime]:
        """Return the newest confirmed version of an alert, else of its forming bar, and when it was known."""
        versions = self._now.execute(
            "SELECT * FROM lake.alerts WHERE alert_id = ? AND timeframe = ? "
            "ORDER BY status = 'confirmed' DESC, status = 'provisional' DESC, known_at DESC LIMIT 1",
            [row["alert_id"], row["timeframe"]],
        )
        [found] = versions.to_arrow_table().to_pylist()
        return alert_of_row(found), found["known_at"].astimezone(UTC)

    def _rule(self, alert: Alert) -> tuple[Rule | None, str | None]:
        """Return the rule that raised an alert, None where it was not kept, and how today's differs."""
        today = self._rules.get(alert.rule)
        version = rule_version(today) if today else None
        if today and version == alert.rule_version:
            return today, None
        kept = self._kept(alert.rule, alert.rule_version)
        then = f"{alert.rule_version}" + (f": {_meaning(kept)}" if kept else ", whose text was not kept")
        now = f"{version}: {_meaning(today)}" if today else "there is no such rule in conf/rules.yaml"
        parameters = self._parameters(alert, today) if today else ""
        return kept or today, f"rule {alert.rule} changed: {then} -> {now}{parameters}"

    def _kept(self, name: str, version: str) -> Rule | None:
        """Return a rule as the lake kept it with its alerts; None where that cannot be read any more."""
        if (name, version) not in self._known:
            row = self._now.execute(
                "SELECT definition FROM rule_versions WHERE rule = ? AND rule_version = ?", [name, version]
            ).fetchone()
            try:
                rule = parse_rules(row[0], f"rule {name} {version}")[name] if row else None
            except BadConfiguration:  # it reads a column that is not there any more
                rule = None
            self._known[name, version] = rule
        return self._known[name, version]

    def _parameters(self, alert: Alert, today: Rule) -> str:
        """Return which parameters of the columns of a rule are not what they were."""
        row = self._now.execute(
            "SELECT columns FROM rule_versions WHERE rule = ? AND rule_version = ?",
            [alert.rule, alert.rule_version],
        ).fetchone()
        before, after = (orjson.loads(row[0]) if row else {}), column_parameters(today)
        changed = [name for name in before if name in after and before[name] != after[name]]
        return "".join(f"; {name} {before[name]} -> {after[name]}" for name in changed)

    def _derived_then(
        self, rule: Rule | None, alert: Alert, known_at: datetime
    ) -> tuple[datetime, Basis, Derivation]:
        """Return the moment, the bars and what comes of them for the version that an alert was raised by.

        The stream keeps its alerts before it lands their bars, so these may be known a little later.
        """
        basis = self._seen(known_at, rule, alert)
        first = (known_at, basis, derived(rule, alert, basis))
        landed = None if _says(first[2], alert) else self._landed_after(alert, known_at)
        if landed is None:
            return first
        basis = self._seen(landed, rule, alert)
        later = (landed, basis, derived(rule, alert, basis))
        return later if _says(later[2], alert) or alert.origin == "stream" else first

    def _landed_after(self, alert: Alert, known_at: datetime) -> datetime | None:
        row = self._now.execute(
            "SELECT min(known_at) FROM bar_versions WHERE symbol = ? AND timeframe = ? AND known_at > ?",
            [alert.symbol, alert.timeframe, known_at],
        ).fetchone()
        return row[0].astimezone(UTC) + _LANDING if row and row[0] else None

    def _seen(self, moment: datetime, rule: Rule | None, alert: Alert) -> Basis:
        """Return what was there at a moment; of a forming bar what the alert itself keeps of it."""
        basis = self._basis(moment, rule, alert)
        return self._forming(basis, alert) if alert.status == "provisional" else basis

    def _forming(self, basis: Basis, alert: Alert) -> Basis:
        if not alert.values.keys() >= set(VALUES):  # of before alerts kept their forming bar
            return basis
        (exchange,) = self._now.execute(
            "SELECT exchange FROM symbols WHERE symbol = ?", [alert.symbol]
        ).fetchone() or ("",)
        days = calendar(exchange)
        start = np.datetime64(alert.ts.replace(tzinfo=None), "us")
        session = days.sessions[int(np.searchsorted(days.opens_at, start, side="right")) - 1]
        return basis.with_forming(alert, session)

    def _basis(self, moment: datetime | None, rule: Rule | None, alert: Alert) -> Basis:
        """Return the symbol's bars as known at a moment, or now; those that are kept serve again."""
        asked = tuple(asks_of([rule])) if rule else ()
        key = (moment, alert.symbol, alert.timeframe, asked)
        if key not in self._read:
            con = self._now if moment is None else self._then
            if moment is not None:
                con.execute("SET VARIABLE as_of = ?::TIMESTAMPTZ", [moment])
            self._read[key] = _read(con, alert.symbol, alert.timeframe, asked)
        return self._read[key]


def _says(found: Derivation, alert: Alert) -> bool:
    return found.alert is not None and says_the_same(found.alert, alert)


def _read(con: duckdb.DuckDBPyConnection, symbol: str, timeframe: str, asked: Sequence[str]) -> Basis:
    found = {name: history for name in (timeframe, *asked) for history in read_history(con, name, [symbol])}
    if timeframe not in found:
        return Basis(no_bars(symbol, timeframe), Actions.none())
    bars, actions = found[timeframe]
    return Basis(bars, actions, tuple(found[name][0] for name in asked if name in found))


def _meaning(rule: Rule) -> str:
    """Return what decides when a rule fires, on one line."""
    cases = [f"{case.variant} if {case.condition}" for case in rule.cases]
    if rule.levels is not None:
        when = f" when {rule.levels.condition}" if rule.levels.condition is not None else ""
        cases.append(f"{rule.levels.event} at levels of {', '.join(rule.levels.methods)}{when}")
    return f"{rule.fires}, " + "; ".join(cases)
