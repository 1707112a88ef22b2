from datetime import UTC, date, datetime

import pyarrow as pa

from lake.documents.values import documents


def test_times_and_dates_become_utc_datetimes() -> None:
    rows = pa.table(
        {
            "ts": pa.array([datetime(2013, 3, 1, 21, tzinfo=UTC), None], pa.timestamp("us", "UTC")),
            "session": pa.array([date(2013, 3, 1), None], pa.date32()),
        }
    )
    assert documents(rows) == [
        {"ts": datetime(2013, 3, 1, 21), "session": datetime(2013, 3, 1)},
        {"ts": None, "session": None},
    ]


def test_numbers_that_are_missing_or_not_finite_become_null() -> None:
    rows = pa.table({"ratio": pa.array([1.5, float("nan"), None, float("inf")], pa.float64())})
    assert [row["ratio"] for row in documents(rows)] == [1.5, None, None, None]


def test_other_values_keep_their_type() -> None:
    rows = pa.table(
        {"_id": ["a"], "is_open": [True], "bars_held": [3], "name": pa.array([None], pa.string())}
    )
    assert documents(rows) == [{"_id": "a", "is_open": True, "bars_held": 3, "name": None}]


def test_nested_json_becomes_a_sub_document() -> None:
    rows = pa.table({"manifest": ['{"rows": {"train": 3}}', None]})
    assert documents(rows, nested=("manifest",)) == [{"manifest": {"rows": {"train": 3}}}, {"manifest": None}]


def test_a_table_without_rows_makes_no_documents() -> None:
    assert documents(pa.table({"_id": pa.array([], pa.string())})) == []
