"""Simulated bars through `ingest`: daily ones of made-up symbols, and minutes."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from lake.config import Settings
from lake.errors import BadInput
from lake.sources.base import IngestRequest
from lake.sources.simulated import SimulatedSource
from lake.steps.derive import derive_longer_bars
from lake.steps.ingest import default_request, ingest
from lake.steps.verify import verify
from lake.store.catalog import connect
from lake.store.lake import Lake

SPAN = {"start": date(2015, 11, 23), "end": date(2015, 12, 4)}


def ask(settings: Settings, query: str) -> list[tuple[Any, ...]]:
    return connect(Lake.open(settings)).execute(query).fetchall()


def load(settings: Settings, **request: Any) -> dict[str, Any]:
    return ingest(settings, default_request(settings, **{"source": "simulated", **SPAN, **request}))


def test_daily_bars_are_the_aggregates_of_the_minutes_and_pass_every_check(settings: Settings) -> None:
    load(settings, symbols=("SIM01", "SIM02"))
    counts = load(settings, symbols=("SIM01", "SIM02"), timeframe="1m")
    assert counts["quarantine"]["staged"] == 0
    differing = ask(
        settings,
        """
        SELECT symbol, session, m.*, d.open, d.close FROM (
            SELECT symbol, session, first(open ORDER BY ts) AS o, max(high) AS h, min(low) AS l,
                   last(close ORDER BY ts) AS c, sum(volume) AS v
            FROM candles WHERE timeframe = '1m' GROUP BY ALL
        ) AS m FULL JOIN (SELECT * FROM bars WHERE timeframe = '1d') AS d USING (symbol, session)
        WHERE (o = open AND h = high AND l = low AND c = close AND v = volume) IS NOT TRUE
        """,
    )
    assert differing == []
    assert ask(settings, "SELECT count(*) FROM bars WHERE timeframe = '1d'") == [(18,)]
    half_day = "SELECT max(closes_at)::VARCHAR FROM candles WHERE session = '2015-11-27'"
    assert ask(settings, half_day)[0][0].startswith("2015-11-27 18:00")
    derive_longer_bars(settings)
    assert all(audit.is_clean for audit in verify(settings))


def test_loading_again_changes_nothing(settings: Settings) -> None:
    load(settings, symbols=("SIM01",))
    assert load(settings, symbols=("SIM01",))["bars"] == {"staged": 9, "inserted": 0, "closed": 0}


def test_daily_bars_of_a_symbol_that_another_source_has_are_refused(settings: Settings) -> None:
    ingest(settings, default_request(settings, source="sample", symbols=("FB",)))
    with pytest.raises(
        BadInput, match=r"expected symbols that no other source has .* found FB \(from sample\)"
    ):
        load(settings, symbols=("FB", "SIM01"))
    assert load(settings, symbols=("FB",), timeframe="1m")["candles"]["inserted"] > 3000


def test_daily_bars_of_a_real_source_drive_out_simulated_ones(settings: Settings) -> None:
    load(settings, symbols=("FB", "SIM01"))
    ingest(settings, default_request(settings, source="sample", symbols=("FB",)))
    found = ask(settings, "SELECT DISTINCT symbol, source FROM bars ORDER BY ALL")
    assert found == [("FB", "sample"), ("SIM01", "simulated")]


def test_without_dates_days_begin_in_2015_and_minutes_are_of_five_sessions_that_have_closed() -> None:
    source = SimulatedSource(clock=lambda: datetime(2015, 1, 14, 20, 59, tzinfo=UTC))
    for timeframe, days in (("1d", 8), ("1m", 5)):
        request = IngestRequest("simulated", ("SIM01",), timeframe=timeframe)
        (fetched,) = source.fetch(request, ["SIM01"])
        sessions = sorted({moment.date() for moment in fetched.bars["ts"].to_pylist()})
        assert len(sessions) == days
        assert sessions[-1] == date(2015, 1, 13)


def test_dates_without_sessions_give_no_bars() -> None:
    request = IngestRequest("simulated", ("SIM01",), start=date(2010, 1, 1), end=date(2010, 2, 1))
    (fetched,) = SimulatedSource().fetch(request, ["SIM01"])
    assert fetched.bars.num_rows == 0


@pytest.mark.parametrize("changes", [{"timeframe": "5m"}, {"price_basis": "split"}])
def test_what_is_not_simulated_is_refused(settings: Settings, changes: dict[str, str]) -> None:
    with pytest.raises(BadInput, match="of source simulated"):
        load(settings, symbols=("SIM01",), **changes)
