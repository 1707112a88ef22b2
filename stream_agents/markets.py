"""The live state of the partitions that this worker owns, rebuilt from the lake whenever they change."""

from __future__ import annotations

from collections.abc import Iterable

from lake.alerts.keep_rules import keep_rules
from lake.feed.listing import Listing
from lake.feed.partitions import partition_of
from lake.live.landing import ClosedBar
from lake.live.market import LiveMarket, Symbol
from lake.live.restore import (
    LongerBars,
    asks_longer,
    bring_states_forward,
    histories_of,
    live_rules,
    longer_bars,
    save_states,
)
from lake.market.buckets import MINUTE
from lake.rules.language import read_rules
from lake.store.catalog import connect
from lake.store.lake import Lake, now_utc
from lake.thresholds import read_thresholds

DAY = 24 * 60 * MINUTE
"""A day in microseconds."""

SYMBOLS_A_LANDING = 25
"""So many symbols' states are brought forward at once: landing waits for it."""


class Markets:
    """One live market a partition, each with the symbols that belong there."""

    def __init__(self, lake: Lake, partitions: int) -> None:
        self._lake, self._count = lake, partitions
        self._rules = read_rules(lake.settings.conf_folder)
        self._limits = read_thresholds(lake.settings.conf_folder)
        self._listing = Listing(lake)
        self._markets: dict[int, LiveMarket] = {}
        self._closed_until: dict[int, int] = {}
        self._prepared: tuple[int, ...] | None = None
        self._days: dict[Symbol, int] = {}
        self._due: dict[Symbol, None] = {}
        self._asks_longer = asks_longer(self._rules)
        self._bars_version = -1

    @property
    def exchanges(self) -> dict[Symbol, str]:
        """Return the exchange of every symbol that the lake knew when last asked."""
        return self._listing.exchanges

    def prepare(self) -> None:
        """Rebuild the state of all partitions ahead of time: joining the group takes longer than that."""
        version = self._version()
        self._closed_until = self._rebuild(range(self._count))
        self._prepared = version

    def restore(self, partitions: Iterable[int]) -> dict[int, int]:
        """Rebuild the state of these partitions and return how far event time had come in each."""
        wanted = set(partitions)
        if self._prepared is None or self._prepared != self._version():
            self._closed_until = self._rebuild(wanted)
        self._prepared = None
        self._markets = {partition: self._markets[partition] for partition in wanted}
        return {partition: self._closed_until[partition] for partition in wanted}

    def _version(self) -> tuple[int, ...]:
        """Return the versions of the tables that the state is rebuilt from."""
        return tuple(self._lake.table(name).version() for name in self._read_from)

    @property
    def _read_from(self) -> tuple[str, ...]:
        return ("candles", "actions", "symbols", *(("bars",) if self._asks_longer else ()))

    def _rebuild(self, partitions: Iterable[int]) -> dict[int, int]:
        self._listing.refresh()
        keep_rules(self._lake, live_rules(self._rules), now_utc())
        self._markets, closed_until = {}, {}
        names = {partition: self._symbols_of(partition) for partition in partitions}
        if self._asks_longer:
            self._bars_version = self._lake.table("bars").version()
        with connect(self._lake) as con:
            wanted = sorted(name for own in names.values() for name in own)
            found = histories_of(con, self._rules, wanted)
            for partition, own in names.items():
                exchanges = {name: self.exchanges[name] for name in own}
                histories = {name: found[name] for name in own}
                market = LiveMarket.restored(self._rules, exchanges, self._limits, histories, now_utc())
                self._markets[partition] = market
                closed_until[partition] = max((each.closed_until for each in histories.values()), default=0)
                save_states(self._lake, con, self._rules, market, histories)
        return closed_until

    def bring_states_forward(self, landed: Iterable[ClosedBar]) -> None:
        """Store what some series carry of the sessions that are over; called after each landing.

        A symbol is due once a day of event time, and a landing takes care of only so many.
        """
        for symbol, candle, _ in landed:
            day = candle.ts // DAY
            if self._days.get(symbol, day) < day:
                self._due[symbol] = None
            self._days[symbol] = max(day, self._days.get(symbol, day))
        if some := list(self._due)[:SYMBOLS_A_LANDING]:
            for symbol in some:
                del self._due[symbol]
            exchanges = {symbol: self.exchanges[symbol] for symbol in some}
            bring_states_forward(self._lake, self._rules, exchanges, self._limits, now_utc())

    def longer_news(self) -> LongerBars | None:
        """Return the daily and longer bars that rules ask, if there are new ones since the last time."""
        if not self._asks_longer or (version := self._lake.table("bars").version()) == self._bars_version:
            return None
        names = sorted(name for partition in self._markets for name in self._symbols_of(partition))
        with connect(self._lake) as con:
            found = longer_bars(con, self._rules, names)
        self._bars_version = version
        return found

    def know(self, found: LongerBars) -> None:
        """Let the markets see daily and longer bars from their next bars on."""
        for symbol, (longer, actions) in found.items():
            market = self._markets.get(partition_of(symbol, self._count))
            if market is not None:
                market.know(symbol, longer, actions)

    def of(self, partition: int) -> LiveMarket | None:
        """Return the market of a partition; None if the partition is not ours."""
        return self._markets.get(partition)

    def unknown(self, symbols: set[Symbol]) -> set[Symbol]:
        """Enter symbols that are new to the lake, and return those that it does not know at all."""
        if symbols <= self.exchanges.keys() or self._enter(symbols):
            return set()
        return symbols - self.exchanges.keys()

    def _enter(self, symbols: set[Symbol]) -> bool:
        """Look at the lake's symbols again and return whether all are known by now."""
        before = set(self.exchanges)
        if self._listing.refresh():
            for symbol in self.exchanges.keys() - before:
                market = self._markets.get(partition_of(symbol, self._count))
                if market is not None:
                    market.add(symbol, self.exchanges[symbol])
        return symbols <= self.exchanges.keys()

    def _symbols_of(self, partition: int) -> list[Symbol]:
        return [name for name in self.exchanges if partition_of(name, self._count) == partition]
