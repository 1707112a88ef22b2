"""Symbols with names, listing days, aliases and dated membership, through the command line."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from lake.errors import UnknownSymbol
from tests.commands import Commands, home_with

IBM = """
symbols:
  - symbol: IBM
    name: IBM
    delisted: 2013-03-01
    aliases: [CTR]
"""
BOTH = """
symbols:
  - symbol: IBM
    aliases: [CTR]
    member:
      - {from: 2003-01-02, to: 2006-12-29}
      - {from: 2009-01-02}
  - symbol: META
    name: Meta Platforms, Inc.
    exchange: XNAS
    listed: 2012-05-18
    aliases: [FB]
    member:
      - {from: 2012-10-01, to: 2012-12-14}
"""


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Commands:
    """A lake of two sample symbols; what the sample still calls FB is META here."""
    home = home_with(tmp_path_factory.mktemp("home"), BOTH)
    commands = Commands(tmp_path_factory.mktemp("dated") / "lake", home)
    commands.run("ingest", "--source", "sample", "--symbols", "FB,IBM")
    return commands


def test_a_delivery_under_the_old_ticker_enters_under_the_new_one(lake: Commands) -> None:
    rows = lake.sql("select symbol, name, exchange, currency, zone, listed, aliases from symbols order by 1")
    assert [tuple(row.values()) for row in rows] == [
        (
            "IBM",
            "International Business Machines Corporation",
            "XNYS",
            "USD",
            "America/New_York",
            None,
            "CTR",
        ),
        ("META", "Meta Platforms, Inc.", "XNAS", "USD", "America/New_York", "2012-05-18", "FB"),
    ]
    assert lake.sql("select count(*) as n from bars where symbol = 'FB'") == [{"n": 0}]


def test_the_default_of_ingest_is_the_universe(lake: Commands, tmp_path: Path) -> None:
    other = Commands(tmp_path / "lake", lake.home)
    other.run("ingest")
    assert other.sql("select distinct symbol from bars order by 1") == [{"symbol": "IBM"}, {"symbol": "META"}]
    before_membership = Commands(tmp_path / "earlier", lake.home)
    before_membership.run("ingest", "--to", "2012-06-29")
    assert before_membership.sql("select distinct symbol from bars") == [{"symbol": "IBM"}]


@pytest.mark.parametrize(
    "command",
    [
        ("ingest", "--source", "sample"),
        ("derive", "--timeframe", "1wk"),
        ("enrich", "--timeframe", "1d"),
        ("alerts", "--timeframe", "1d", "--dry-run", "--format", "json"),
        ("levels", "--timeframe", "1d"),
        ("sandbox", "--strategy", "dual_channel"),
        ("training", "build", "--horizons", "1"),
        ("quarantine", "list", "--format", "json"),
        ("quarantine", "list", "--suspect", "--format", "json"),
    ],
    ids=" ".join,
)
def test_an_alias_means_its_symbol_in_every_command(lake: Commands, command: tuple[str, ...]) -> None:
    clocks = r"known at [^,\n]+|fired_at\":\"[^\"]+|is new \w+|(inserted|written|replaced) [\d,]+"

    def printed(name: str) -> str:
        return re.sub(clocks, "", lake.run(*command, "--symbols", name))

    # Of META the sample has less than a year, which warms no training set up.
    symbol, alias = ("IBM", "CTR") if command[0] == "training" else ("META", "FB")
    # What a command changed is left out: the second has nothing left to change.
    assert printed(symbol) == printed(alias) != ""


def test_a_name_that_means_nothing_is_refused(lake: Commands) -> None:
    with pytest.raises(UnknownSymbol, match="found NOPE"):
        lake.run("derive", "--symbols", "NOPE")


def trades_outside(lake: Commands, printed: str) -> int:
    run = re.search(r"run id (\w+)", printed)
    assert run is not None
    entries = f"select count(*) as n from sandbox_trades where run_id = '{run[1]}' and symbol = 'META' and "
    assert lake.sql(f"{entries} true")[0]["n"] > 0
    # A signal of the last day of membership fills on the next day.
    outside = "entry_ts::date not between '2012-10-02' and '2012-12-17'"
    return int(lake.sql(entries + outside)[0]["n"])


def test_the_sandbox_buys_a_symbol_only_while_it_belongs_to_the_universe(lake: Commands) -> None:
    rule = "always_up:\n  description: Bought whenever it may be.\n  timeframes: [1d]\n  fires: every_bar\n"
    rule += "  severity: info\n  precedence: [bearish, bullish]\n"
    rule += '  bullish: "close > open"\n  bearish: "close < open"\n'
    with (lake.home / "conf" / "rules.yaml").open("a") as rules:
        rules.write("\n" + rule)
    with (lake.home / "conf" / "strategies.yaml").open("a") as strategies:
        strategies.write(
            "\nups:\n  description: Buys after every rise.\n  timeframe: 1d\n"
            "  enter: {rule: always_up, side: bullish}\n  leave: {rule: always_up, side: bearish}\n"
        )
    assert trades_outside(lake, lake.run("sandbox", "--strategy", "ups")) == 0
    assert trades_outside(lake, lake.run("sandbox", "--strategy", "ups", "--symbols", "META,IBM")) > 0
    # On days on which it did not belong to the universe it is not there to trade.
    printed = lake.run("sandbox", "--strategy", "ups", "--to", "2012-09-28")
    assert "symbols 1," in printed


def test_training_rows_are_of_members_and_a_rebuild_keeps_to_its_own_universe(lake: Commands) -> None:
    printed = lake.run("training", "build", "--horizons", "1")
    identity, path = (re.search(rf"{name} ([^,\s]+)", printed) for name in ("training set id", "path"))
    assert identity is not None and path is not None
    files = f"read_parquet('{path[1]}/**/*.parquet')"
    rows = lake.sql(f"select year(ts) as y, count(*) as n from {files} where symbol = 'IBM' group by 1")
    by_year = {row["y"]: row["n"] for row in rows}
    assert set(by_year) == {2003, 2004, 2005, 2006, 2009, 2010, 2011, 2012, 2013}
    everything = lake.run("training", "build", "--horizons", "1", "--symbols", "IBM,META")
    assert "not member 0" in everything and identity[1] not in everything
    # A rebuild has the universe of its day, whatever the file says now.
    universe = lake.home / "conf" / "universe.yaml"
    text = universe.read_text()
    universe.write_text(text.replace("2006-12-29", "2004-12-31"))
    try:
        assert "rebuilt" in lake.run("training", "rebuild", identity[1])
    finally:
        universe.write_text(text)


def test_what_the_universe_file_says_of_a_known_symbol_enters_with_the_next_ingest(
    lake: Commands, tmp_path: Path
) -> None:
    own = Commands(tmp_path / "lake", home_with(tmp_path / "home", "symbols: [IBM]\n"))
    few = ("--source", "sample", "--to", "2000-12-29")
    own.run("ingest", *few, "--symbols", "IBM")
    ask = "select name, delisted::varchar as delisted, aliases from symbols"
    path = own.home / "conf" / "universe.yaml"
    path.write_text(path.read_text().replace("symbols: [IBM]\n", IBM))
    own.run("ingest", *few, "--symbols", "CTR")
    assert own.sql(ask) == [{"name": "IBM", "delisted": "2013-03-01", "aliases": "CTR"}]
    path.write_text(path.read_text().replace(IBM, "symbols: [{symbol: IBM, name: Big Blue}]\n"))
    own.run("ingest", *few, "--symbols", "IBM")
    assert own.sql(ask) == [{"name": "Big Blue", "delisted": None, "aliases": None}]
