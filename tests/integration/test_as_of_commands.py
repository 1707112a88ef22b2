"""As of X through the command line: whatever is derived is as it was before a restatement, or after it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from tests.builders import sessions
from tests.commands import Commands

DAYS = sessions("2008-01-02", 700)
SPLIT_ROW = 350
"""Prices halve on this day; that it was a split is told by the second delivery only."""
RESTATED = range(500, 510)
"""Bars that the second delivery has 6% higher."""

QUERIES = {
    "bars": "select * exclude (known_at) from bars where {} order by all",
    "adjusted": "select * exclude (known_at) from bars_adjusted where {} order by all",
    "actions": "select * exclude (known_at) from actions where {} order by all",
}
ASSUMED = "known_at_assumed"


def deliver(path: Path, is_second: bool) -> Path:
    """Write the daily bars of two symbols as CSV, as they were told first or as restated.

    ACME pays dividends; of PLAIN the split is the only action, so that at first there was none.
    """
    random = np.random.default_rng(11)
    closes = 80 * np.exp(np.cumsum(random.normal(0, 0.015, len(DAYS))))
    closes[SPLIT_ROW:] /= 2
    lines = ["symbol,ts,open,high,low,close,volume,split,dividend"]
    for symbol, rows in (("ACME", range(len(DAYS))), ("PLAIN", range(300, 450))):
        for row in rows:
            price = closes[row] * 1.06 if is_second and row in RESTATED else closes[row]
            split = 2.0 if is_second and row == SPLIT_ROW else 1.0
            dividend = 0.2 if symbol == "ACME" and row % 63 == 60 else 0.0
            values = (price * 0.995, price * 1.01, price * 0.99, price, 1000 + row, split, dividend)
            lines.append(f"{symbol},{DAYS[row]}," + ",".join(f"{value:.6f}" for value in values))
    path.write_text("\n".join(lines) + "\n")
    return path


@dataclass
class Known:
    """Everything that commands say of the lake, as known at a moment or, without one, now."""

    answers: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    @classmethod
    def at(cls, lake: Commands, folder: Path, moment: str | None = None) -> Known:
        as_of = ("--as-of", moment) if moment else ()
        found = cls()
        for name, query in QUERIES.items():
            rows = lake.sql(query.format("true"), *as_of)
            found.answers[name] = [{k: v for k, v in row.items() if k != ASSUMED} for row in rows]
        out = folder / f"features-{len(list(folder.glob('features-*')))}.parquet"
        lake.run("enrich", "--timeframe", "1d,1wk", "--out", out, *as_of)
        found.answers["features"] = pq.read_table(out).to_pylist()
        alerts = json.loads(lake.run("alerts", "--dry-run", "--format", "json", *as_of))
        found.answers["alerts"] = [{k: v for k, v in row.items() if k != "fired_at"} for row in alerts]
        found.answers["trades"] = found._trades(lake, as_of)
        return found

    @staticmethod
    def _trades(lake: Commands, as_of: tuple[str, ...]) -> list[dict[str, Any]]:
        lake.run("sandbox", "--strategy", "dual_channel", *as_of)
        newest = "(select arg_max(run_id, run_at) from lake.sandbox_runs)"
        return lake.sql(
            "select t.* exclude (run_id), e.equity from sandbox_trades t join sandbox_equity e "
            f"on e.run_id = t.run_id and e.ts = t.entry_ts where t.run_id = {newest} order by all"
        )

    def differing(self, other: Known) -> list[str]:
        """Return the names of what the two do not say alike; a value that is missing equals itself."""
        return [name for name, rows in self.answers.items() if repr(rows) != repr(other.answers[name])]


@dataclass
class Restated:
    """A lake that was told otherwise later, with what its commands said before and after."""

    lake: Commands
    folder: Path
    before: Known
    moment: str
    after: Known


@pytest.fixture(scope="module")
def restated(tmp_path_factory: pytest.TempPathFactory) -> Restated:
    folder = tmp_path_factory.mktemp("as_of")
    lake = Commands(folder / "lake")

    def load(is_second: bool) -> Known:
        path = deliver(folder / "acme.csv", is_second)
        lake.run("ingest", "--source", "files", "--path", path)
        lake.run("derive", "--timeframe", "1wk")
        return Known.at(lake, folder)

    before = load(is_second=False)
    (newest,) = lake.sql("select max(known_at)::varchar as moment from bar_versions")
    return Restated(lake, folder, before, newest["moment"].replace(" ", "T"), load(is_second=True))


def test_the_restatement_changed_everything_that_commands_say(restated: Restated) -> None:
    assert set(restated.before.differing(restated.after)) == set(restated.before.answers)
    assert all(restated.before.answers.values())


def test_before_the_restatement_every_command_says_what_it_said_then(restated: Restated) -> None:
    then = Known.at(restated.lake, restated.folder, restated.moment)
    assert then.differing(restated.before) == []


def test_after_the_restatement_every_command_says_what_it_says_now(restated: Restated) -> None:
    (newest,) = restated.lake.sql("select max(known_at)::varchar as moment from bar_versions")
    now = Known.at(restated.lake, restated.folder, newest["moment"].replace(" ", "T"))
    assert now.differing(restated.after) == []


def test_training_sets_as_of_a_moment_have_what_was_known_then(restated: Restated) -> None:
    def content(*options: str) -> str:
        printed = restated.lake.run("training", "build", "--horizons", "1", *options)
        return next(part for part in printed.split(", ") if part.startswith("content hash"))

    now, then = content(), content("--as-of", restated.moment)
    assert now != then
    assert content("--as-of", "2100-01-01") == now


def test_before_the_first_load_its_closed_rows_stand_in_and_say_so(restated: Restated) -> None:
    rows = restated.lake.sql(
        f"select timeframe, max(ts)::date::varchar as last, bool_and({ASSUMED}) as assumed from bars "
        "group by all order by all",
        "--as-of",
        DAYS[400],
    )
    assert [(row["timeframe"], row["assumed"]) for row in rows] == [
        ("1d", True),
        ("1wk", True),
    ]
    assert rows[0]["last"] == DAYS[400]
    # That the price halved because of a split was not in the first load.
    assert restated.lake.sql("select * from actions where kind = 'split'", "--as-of", DAYS[400]) == []
    assert restated.lake.sql("select * from actions where symbol = 'ACME'", "--as-of", DAYS[400]) != []


def test_revisions_show_what_was_restated_and_when(restated: Restated) -> None:
    rows = restated.lake.sql(
        "select ts::date::varchar as day, close, quality, superseded_at is null as is_now "
        "from revisions where timeframe = '1d' and symbol = 'ACME' order by day, revision"
    )
    days = sorted({row["day"] for row in rows})
    assert days == [DAYS[SPLIT_ROW], *(DAYS[row] for row in RESTATED)]
    for day in days:
        first, second = (row for row in rows if row["day"] == day)
        assert (first["is_now"], second["is_now"]) == (False, True)
        if day == DAYS[SPLIT_ROW]:  # the same values, but a split explains them now
            assert (first["quality"], second["quality"]) == ("suspect", "ok")
        else:
            assert second["close"] == pytest.approx(first["close"] * 1.06, rel=1e-6)
