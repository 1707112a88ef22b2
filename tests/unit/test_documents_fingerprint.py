from datetime import date

import pyarrow as pa
import pytest

from lake.documents.fingerprint import UNKNOWN, fingerprint, row_hashes

ROW = {"_id": "AAPL|1d|1", "symbol": "AAPL", "close": 10.0, "ts": 5, "session": date(2013, 3, 1), "ok": True}


def one(**changes: object) -> pa.Table:
    return pa.Table.from_pylist([{**ROW, **changes}])


@pytest.mark.parametrize(
    "changes",
    [
        {"symbol": "MSFT"},
        {"close": 10.000000000000002},
        {"ts": 6},
        {"session": date(2013, 3, 4)},
        {"ok": False},
    ],
)
def test_any_changed_value_changes_the_hash(changes: dict[str, object]) -> None:
    assert row_hashes(one(**changes))[0] != row_hashes(one())[0]


def test_the_same_value_in_another_column_is_another_row() -> None:
    swapped = pa.table({"high": [1.0], "low": [2.0]})
    assert row_hashes(swapped)[0] != row_hashes(pa.table({"high": [2.0], "low": [1.0]}))[0]


def test_chunks_and_encodings_do_not_count() -> None:
    whole = pa.table({"_id": ["a", "b", "c"], "symbol": ["A", None, "B"], "close": [1.0, None, -0.0]})
    parts = pa.concat_tables([whole.slice(0, 1), whole.slice(1)])
    assert fingerprint(parts) == fingerprint(whole)
    assert fingerprint(whole.slice(1)).hashes == {k: fingerprint(whole).hashes[k] for k in ("b", "c")}


def test_numbers_that_make_equal_documents_have_equal_hashes() -> None:
    hashes = row_hashes(pa.table({"x": [float("nan"), None, float("inf"), 0.0, -0.0]}))
    assert len(set(hashes[:3].tolist())) == 1
    assert hashes[3] == hashes[4]


def test_no_row_has_the_hash_that_means_unknown_and_few_collide() -> None:
    hashes = row_hashes(pa.table({"x": pa.array(range(100_000)), "y": pa.array(range(100_000, 0, -1))}))
    assert UNKNOWN not in hashes
    assert len(set(hashes.tolist())) == 100_000


def test_another_order_of_rows_is_another_digest() -> None:
    rows = pa.table({"_id": ["a", "b"], "x": [1.0, 2.0]})
    assert fingerprint(rows).digest != fingerprint(rows.take([1, 0])).digest
