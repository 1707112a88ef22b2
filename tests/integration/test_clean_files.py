"""Every file of the shared data through `lake ingest`, each into its own empty lake.

Every row is accounted for, every alarm named here, and few of them on clean files.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.commands import Commands
from tests.dirty import Outcome, observed
from tests.lakes import settings_of

Rows = dict[tuple[str, str], str]
"""Reasons by symbol and start of the bar, a date where it starts with the day."""


@dataclass(frozen=True)
class Expected:
    """What is to be said of a file: suspect, noted and quarantined bars, suspect actions, hours outside."""

    suspect: Rows = field(default_factory=dict)
    noted: Rows = field(default_factory=dict)
    aside: Rows = field(default_factory=dict)
    actions: Rows = field(default_factory=dict)
    outside: int = 0


WITHIN_1PCT, OUTSIDE = "outside_range_within_1pct", "outside_range"
CLEAN = Expected()
FILES: dict[str, Expected] = {
    "daily/AAPL": Expected(
        suspect={("AAPL", "2000-09-29"): "jump"},  # a real fall, not a split
        aside={("AAPL", "1985-09-27"): "off_session"},  # closed by Hurricane Gloria
    ),
    "daily/BA": Expected(noted={("BA", "1962-01-23"): WITHIN_1PCT}),
    "daily/CAT": Expected(
        suspect={("CAT", "1964-07-06"): "jump"},  # a split that the source is missing
        aside={("CAT", "1963-01-11"): OUTSIDE, ("CAT", "1968-02-07"): OUTSIDE},
    ),
    "daily/F": CLEAN,
    "daily/IBM": CLEAN,
    "daily/MSFT": CLEAN,
    "daily/SPY": Expected(noted={("SPY", day): WITHIN_1PCT for day in ("2015-03-05", "2015-03-30")}),
    "daily/XOM": Expected(suspect={("XOM", "1977-11-18"): "repeat"}),
    "daily_short/eqker_2018-2019": CLEAN,
    "breadth/panel_2015-03_2017-03": Expected(
        suspect={
            ("BAX", "2015-07-01"): "jump",  # a spin-off without a value
            ("BMRN", "2015-11-24"): "zero_volume",
            ("CF", "2015-06-18"): "jump",  # a split that the source is missing
            ("ETE", "2016-02-08"): "jump",  # a real fall
            ("SBAC", "2017-01-17"): "zero_volume",
            ("UA", "2016-04-08"): "jump",  # a split that the source is missing
            ("VRX", "2016-03-15"): "jump",  # a real fall
        },
        actions={
            ("MAS", "2015-07-09"): "second_within_5_sessions",
            ("NSC", "2015-05-06"): "second_within_5_sessions",
        },
    ),
    "weekly/weekly": Expected(
        suspect={
            ("CAT", "1964-07-06"): "jump",  # as in its daily file
            ("F", "2008-11-24"): "jump",  # a real rise, from 1.43 to 2.69
        }
    ),
    "intraday/1m/eqker_2019-02": CLEAN,
    "intraday/5m/eqker_2019-02": CLEAN,
    "intraday/15m/eqker_2019-02": CLEAN,
    "intraday/15m_vendor/eqker_2019-01_02": CLEAN,
    # The opening print of each of 21 sessions, at 09:29.
    "intraday/1m/google_AAPL_2016-04_05": Expected(outside=21),
    "intraday/5m/google_AAPL_2016-04_05": Expected(outside=21),
    "intraday/15m/google_AAPL_2016-04_05": Expected(outside=21),
    "intraday/1m/nse_JUNIORBEES": CLEAN,
    "intraday/5m/nse_JUNIORBEES": CLEAN,
    "intraday/15m/nse_JUNIORBEES": CLEAN,
    # From 04:00 to 20:00 in New York; in winter that is 01:00 of the next day in UTC, after a Friday too.
    "intraday/1m_vendor/lwc_2023": Expected(outside=1303),
    "intraday/5m_vendor/lwc_2023": Expected(outside=1077),
    "intraday/30m_vendor/lwc_2023": Expected(outside=1408),
}
SPLIT_BASIS = ("daily/SPY", "daily/XOM", "weekly/weekly")


def loaded(path: Path, root: Path, is_split_basis: bool) -> tuple[str, Outcome]:
    """Load a file by the command line; return what that printed and what the lake holds."""
    printed = Commands(root).run(
        "ingest",
        *("--source", "files", "--path", path),
        *("--timeframe", pq.read_table(path, columns=["interval"])["interval"][0].as_py()),
        *("--price-basis", "split" if is_split_basis else "raw"),
        *("--exchange", "XNSE" if "nse" in path.name else "XNYS"),
    )
    return printed, observed(settings_of(root))


def test_no_file_with_bars_is_left_out(shared_data: Path) -> None:
    folders = ("daily", "daily_short", "breadth", "weekly", "intraday")
    found = {
        str(path.relative_to(shared_data).with_suffix(""))
        for folder in folders
        for path in (shared_data / folder).rglob("*.parquet")
    }
    assert found == set(FILES)


@pytest.mark.parametrize("name", list(FILES))
def test_every_row_of_a_file_is_accounted_for_and_every_alarm_is_a_known_one(
    name: str, shared_data: Path, tmp_path: Path
) -> None:
    path, expected = shared_data / f"{name}.parquet", FILES[name]
    printed, found = loaded(path, tmp_path / "lake", name in SPLIT_BASIS)
    rows = pq.read_metadata(path).num_rows
    assert found.bars + sum(found.quarantined.values()) + expected.outside == rows
    assert f"extended hours {expected.outside:,}\n" in printed
    assert found.suspect_bars == expected.suspect
    assert found.noted == expected.noted
    assert found.set_aside == expected.aside
    assert {key: why for key, (_, why, _) in found.actions_by_symbol.items()} == expected.actions
    assert len(found.suspect_bars) < 0.005 * found.bars
