from pathlib import Path

import numpy as np
import pytest

from lake.errors import BadInput
from lake.market.sessions import calendar


def test_new_york_equals_the_recorded_calendar(shared_data: Path) -> None:
    import pyarrow.parquet as pq

    recorded = pq.read_table(shared_data / "calendar" / "nyse_sessions.parquet")
    days = calendar("XNYS")
    count = recorded.num_rows
    assert np.array(recorded["session"].to_pylist(), dtype="datetime64[D]").tolist() == (
        days.sessions[:count].tolist()
    )
    assert (recorded["open_utc"].cast("int64").to_numpy() == days.opens_at[:count].astype("int64")).all()
    assert (recorded["close_utc"].cast("int64").to_numpy() == days.closes_at[:count].astype("int64")).all()


def test_a_half_day_closes_early_and_daylight_saving_moves_the_close_in_utc() -> None:
    days = calendar("XNYS")
    found = days.ordinals(np.array(["2012-11-23", "2012-03-09", "2012-03-12"], dtype="datetime64[D]"))
    closes = [str(moment) for moment in days.closes_at[found].astype("datetime64[m]")]
    assert closes == ["2012-11-23T18:00", "2012-03-09T21:00", "2012-03-12T20:00"]


def test_days_without_a_session_have_no_ordinal() -> None:
    closed = np.array(["1985-09-27", "2012-12-25", "2012-01-07"], dtype="datetime64[D]")
    assert calendar("XNYS").ordinals(closed).tolist() == [-1, -1, -1]


def test_an_unknown_exchange_is_refused() -> None:
    with pytest.raises(BadInput, match="expected an exchange .* found 'NOWHERE'"):
        calendar("NOWHERE")
