"""What enters the lake, what is set aside, and why."""

from datetime import UTC, date, datetime

import pyarrow as pa
import pytest

from lake.market.sessions import calendar
from lake.sources.base import ACTIONS_SCHEMA, BARS_SCHEMA, Fetched, IngestRequest
from lake.sources.intake import Intake, take_in

NOW = datetime(2013, 6, 1, tzinfo=UTC)
GOOD = {"open": 10.0, "high": 11.0, "low": 9.0, "close": 10.5, "volume": 100.0}


def take(*rows: dict[str, object], now: datetime = NOW, exchange: str = "XNYS", **request: object) -> Intake:
    bars = pa.Table.from_pylist([{**GOOD, "delivered": None, **row} for row in rows], schema=BARS_SCHEMA)
    fetched = Fetched("AAPL", None, bars, ACTIONS_SCHEMA.empty_table())
    return take_in(fetched, IngestRequest("files", **request), calendar(exchange), now)  # type: ignore[arg-type]


def at(day: str, clock: str = "00:00") -> datetime:
    return datetime.fromisoformat(f"{day}T{clock}+00:00")


def test_a_daily_bar_gets_its_session_and_the_close_of_the_exchange() -> None:
    row = take({"ts": at("2012-11-23")}).bars.to_pylist()[0]
    assert row["session"] == date(2012, 11, 23)
    assert row["closes_at"] == at("2012-11-23", "18:00")
    assert (row["quality"], row["price_basis"], row["year"]) == ("ok", "raw", 2012)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"ts": None}, "blank"),
        ({"close": None}, "blank"),
        ({"close": float("inf")}, "not_finite"),
        ({"volume": float("nan")}, "not_finite"),
        ({"open": 0.0}, "not_positive"),
        ({"low": -1.0}, "not_positive"),
        ({"volume": -1.0}, "negative_volume"),
        ({"high": 8.0, "low": 9.0, "open": 8.5, "close": 8.5}, "high_below_low"),
        ({"close": 11.2}, "outside_range"),
        ({"open": 8.8}, "outside_range"),
        ({"ts": at("1985-09-27")}, "off_session"),
        ({"ts": at("2012-01-03", "14:30")}, "misaligned"),
        ({"ts": at("2013-06-03")}, "future"),
    ],
)
def test_an_impossible_row_is_set_aside_with_its_reason_and_itself(
    row: dict[str, object], reason: str
) -> None:
    intake = take({"ts": at("2012-01-03"), **row}, {"ts": at("2012-01-04")})
    assert intake.bars.num_rows == 1
    (aside,) = intake.quarantine.to_pylist()
    assert (aside["reason"], aside["status"], aside["symbol"]) == (reason, "held", "AAPL")
    assert '"volume"' in aside["row"]


def test_an_auction_slightly_outside_the_range_is_noted_and_kept() -> None:
    (row,) = take({"ts": at("2012-01-03"), "close": 11.05}).bars.to_pylist()
    assert (row["quality"], row["quality_reason"]) == ("ok", "outside_range_within_1pct")


def test_a_bar_of_today_is_not_history_before_the_exchange_closes() -> None:
    row = {"ts": at("2012-01-03")}
    assert take(row, now=at("2012-01-03", "20:59")).bars.num_rows == 0
    assert take(row, now=at("2012-01-03", "21:00")).bars.num_rows == 1


def test_prices_are_rounded_to_eight_decimals_and_volume_is_not() -> None:
    (row,) = take({"ts": at("2012-01-03"), "open": 10.123456789, "volume": 0.123456789}).bars.to_pylist()
    assert (row["open"], row["volume"]) == (10.12345679, 0.123456789)


def test_dates_of_the_request_limit_the_rows_both_ends_included() -> None:
    days = [{"ts": at(day)} for day in ("2012-01-03", "2012-01-04", "2012-01-05", "2012-01-06")]
    kept = take(*days, start=date(2012, 1, 4), end=date(2012, 1, 5)).bars
    assert kept["session"].to_pylist() == [date(2012, 1, 4), date(2012, 1, 5)]


def test_the_dates_of_candles_are_those_of_their_exchange() -> None:
    # Sydney opens at 23:00 of the day before, by the clock of Greenwich.
    times = [
        ("2012-01-04", "22:55"),
        ("2012-01-04", "23:00"),
        ("2012-01-05", "04:55"),
        ("2012-01-05", "23:00"),
    ]
    rows = [{"ts": at(*time)} for time in times]
    asked = date(2012, 1, 5)
    kept = take(*rows, exchange="XASX", timeframe="5m", start=asked, end=asked)
    assert kept.bars["session"].to_pylist() == [asked, asked]
    assert kept.extended_hours == 1  # the minutes before the open are that day's too


def test_intraday_rows_outside_the_session_are_counted_and_dropped() -> None:
    times = ["14:29", "14:30", "20:59", "21:00"]  # the opening print at 09:29 and an after-hours minute
    intake = take(*({"ts": at("2012-01-03", clock)} for clock in times), timeframe="1m")
    assert intake.extended_hours == 2
    assert intake.quarantine.num_rows == 0
    assert [row["ts"] for row in intake.bars.to_pylist()] == [
        at("2012-01-03", "14:30"),
        at("2012-01-03", "20:59"),
    ]


def test_an_intraday_bar_closes_after_its_length_cut_at_the_session_end() -> None:
    rows = take({"ts": at("2012-11-23", "14:30")}, {"ts": at("2012-11-23", "17:45")}, timeframe="30m")
    assert [row["closes_at"] for row in rows.bars.to_pylist()] == [at("2012-11-23", "15:00")]
    assert rows.quarantine["reason"].to_pylist() == ["misaligned"]


def test_an_intraday_row_on_a_holiday_is_set_aside() -> None:
    assert take({"ts": at("2012-12-25", "15:00")}, timeframe="5m").quarantine["reason"].to_pylist() == [
        "off_session"
    ]


def test_a_week_starts_on_its_monday_and_closes_with_its_last_session() -> None:
    (row,) = take({"ts": at("2012-11-19")}, timeframe="1wk").bars.to_pylist()
    assert (row["session"], row["closes_at"]) == (date(2012, 11, 23), at("2012-11-23", "18:00"))
    aside = take({"ts": at("2012-11-20")}, {"ts": at("2013-05-27")}, timeframe="1wk").quarantine
    assert aside["reason"].to_pylist() == ["misaligned"]


def test_the_week_that_is_not_over_is_set_aside() -> None:
    early = take({"ts": at("2013-05-27")}, now=datetime(2013, 5, 30, tzinfo=UTC), timeframe="1wk")
    assert early.quarantine["reason"].to_pylist() == ["future"]
