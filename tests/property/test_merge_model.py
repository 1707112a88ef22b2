"""Any sequence of batches leaves the table that a few lines of plain Python predict."""

import tempfile
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from lake.config import load_settings
from lake.store.catalog import connect
from lake.store.lake import Lake
from tests.builders import bar_rows

DAYS = ("2011-12-30", "2012-01-03", "2012-01-04")
RANKS = {"files": 0, "yahoo": 1, "sample": 2, "simulated": 3, "derived": 4}

versions = st.fixed_dictionaries(
    {
        "symbol": st.sampled_from(["A", "B"]),
        "day": st.sampled_from(DAYS),
        "close": st.sampled_from([10.0, 10.000001, 11.0, 1e-3, 123456.0]),
        "volume": st.sampled_from([None, 0.0, 5.0]),
        "price_basis": st.sampled_from(["raw", "split"]),
    }
)
batches = st.lists(
    st.tuples(st.sampled_from(list(RANKS)), st.lists(versions, min_size=1, max_size=6)), max_size=6
)


def same(a: dict, b: dict) -> bool:  # type: ignore[type-arg]
    if a["price_basis"] != b["price_basis"] or (a["volume"] is None) != (b["volume"] is None):
        return False
    pairs = [(a["close"], b["close"]), (a["volume"] or 0.0, b["volume"] or 0.0)]
    return all(abs(x - y) <= 1e-6 * max(abs(x), abs(y)) for x, y in pairs)


def changes(old: dict, new: dict) -> bool:  # type: ignore[type-arg]
    """Return whether a row is another version: of a better source always, of a lesser one never."""
    lead = RANKS[old["source"]] - RANKS[new["source"]]
    return lead > 0 or (lead == 0 and not same(old, new))


class Model:
    """The bitemporal table as a dictionary of version lists."""

    def __init__(self) -> None:
        self.rows: dict[tuple[str, str], list[dict]] = {}  # type: ignore[type-arg]

    def upsert(self, batch: list[dict]) -> None:  # type: ignore[type-arg]
        by_key: dict[tuple[str, str], list[dict]] = {}  # type: ignore[type-arg]
        for row in batch:
            by_key.setdefault((row["symbol"], row["day"]), []).append(row)
        for key, arrived in by_key.items():
            known = self.rows.setdefault(key, [])
            settled = known and not changes(known[-1], arrived[-1])
            for row in [] if settled else arrived:
                if not known or changes(known[-1], row):
                    known.append(row)


@settings(max_examples=30)
@given(batches)
def test_the_table_equals_the_model_after_any_batches_and_repeats_change_nothing(
    loads: list[tuple[str, list[dict]]],  # type: ignore[type-arg]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        lake, model = Lake.open(load_settings(lake_root=folder)), Model()
        moment = datetime(2026, 1, 1, tzinfo=UTC)
        for source, rows in loads:
            batch = [{**row, "source": source} for row in rows]
            moment += timedelta(hours=1)
            lake.upsert("bars", bar_rows(*batch), moment)
            model.upsert(batch)
            version = lake.table("bars").version()
            assert lake.upsert("bars", bar_rows(*batch), moment + timedelta(minutes=1)).is_empty
            assert lake.table("bars").version() == version
        found = connect(lake).execute(
            """
            SELECT symbol, strftime(ts, '%Y-%m-%d') AS day, close, volume, price_basis, source,
                   superseded_at IS NULL AS is_current
            FROM bar_versions ORDER BY symbol, ts, known_at
            """
        )
        expected = [
            (*key, row["close"], row["volume"], row["price_basis"], row["source"], number == len(known))
            for key, known in sorted(model.rows.items())
            for number, row in enumerate(known, start=1)
        ]
        assert found.fetchall() == expected
