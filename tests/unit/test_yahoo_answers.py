"""What is read out of Yahoo's answers, and what of them is refused."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from lake.errors import BadAnswer, UnknownSymbol
from lake.sources.yahoo import windows, yahoo_name
from lake.sources.yahoo_rows import Splits
from lake.sources.yahoo_session import judge
from tests.charts import made_book, opening

DAY = date(2024, 1, 2)
NOW = datetime(2024, 1, 2, 12, tzinfo=UTC)


def body(**meta: Any) -> dict[str, Any]:
    answer = made_book("AAA", [DAY]).answer("1d", opening(DAY), opening(DAY) + 1)
    answer["chart"]["result"][0]["meta"].update(meta)
    return answer


def test_an_answer_about_the_symbol_passes_and_so_does_one_without_bars() -> None:
    judge(body(), "AAA", "1d")
    judge(made_book("AAA", [DAY]).answer("1d", 0, 1), "AAA", "1d")


@pytest.mark.parametrize("wrong", [None, [], "text", {}, {"chart": None}, {"chart": {"result": None}}])
def test_what_is_no_chart_is_refused(wrong: Any) -> None:
    with pytest.raises(BadAnswer, match="expected an answer of Yahoo about AAA, found"):
        judge(wrong, "AAA", "1d")


def test_an_error_is_told_in_yahoos_words() -> None:
    gone = {"chart": {"result": None, "error": {"code": "Not Found", "description": "No data found"}}}
    with pytest.raises(UnknownSymbol, match=r"found AAA \(No data found\)"):
        judge(gone, "AAA", "1d")
    unfit = {"chart": {"result": None, "error": {"code": "Unprocessable Entity", "description": "too long"}}}
    with pytest.raises(BadAnswer, match="found the error 'too long'"):
        judge(unfit, "AAA", "1d")


def test_a_column_of_another_length_is_refused() -> None:
    answer = body()
    answer["chart"]["result"][0]["indicators"]["quote"][0]["open"].append(1.0)
    with pytest.raises(BadAnswer, match="1 values each, found another number of open"):
        judge(answer, "AAA", "1d")


def test_splits_after_a_day_are_multiplied() -> None:
    dates = np.array(["2014-06-09", "2020-08-31"], dtype="datetime64[D]")
    days = np.array(["2014-06-06", "2014-06-09", "2020-08-30", "2020-08-31"], dtype="datetime64[D]")
    assert Splits(dates, np.array([7.0, 4.0])).after(days).tolist() == [28.0, 4.0, 4.0, 1.0]
    assert Splits(dates[:0], np.empty(0)).after(days).tolist() == [1.0] * 4


def test_windows_cover_every_day_once_and_are_a_week_at_most() -> None:
    for length in range(1, 30):
        first, last = DAY, DAY + timedelta(days=length - 1)
        found = windows(first, last, "1m")
        days = [start + timedelta(days=n) for start, end in found for n in range((end - start).days + 1)]
        assert days == [first + timedelta(days=n) for n in range(length)]
        assert max((end - start).days for start, end in found) < 7


def test_a_class_of_shares_in_new_york_has_a_dash_at_yahoo() -> None:
    assert yahoo_name("BRK.B", "XNYS") == "BRK-B"
    assert yahoo_name("VOD.L", "XLON") == "VOD.L"
    assert yahoo_name("^GSPC", "XNYS") == "^GSPC"
    assert yahoo_name("0700.HK", "XHKG") == "0700.HK"
