"""The dirty set through real ingestion: every case comes out as its `expected` says, value for value."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lake.config import Settings, load_settings
from lake.store.catalog import connect
from lake.store.lake import Lake
from tests.dirty import Outcome, cases, converted, ingest_file, load

Load = Callable[[str], Outcome]


@pytest.fixture(scope="module")
def loaded(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Load:
    """Return what comes of a case, loaded once."""
    known: dict[str, Outcome] = {}
    all_cases = cases(shared_data)

    def outcome(name: str) -> Outcome:
        if name not in known:
            known[name] = load(all_cases[name], shared_data, tmp_path_factory.mktemp("dirty"))
        return known[name]

    return outcome


def days(outcome: Outcome) -> list[str]:
    """Return the days of suspect bars."""
    return sorted(day for _, day in outcome.suspect_bars)


def dividends(outcome: Outcome) -> dict[str, float]:
    """Return the suspect dividends by day."""
    return {day: value for (day, _), (value, _, _) in outcome.suspect_actions.items()}


BARS = {
    "AET-L-1d-100x-error": ["2022-05-09", "2022-05-20"],
    "4063-T-1d-bad-stock-split": ["2023-03-29"],
    "AV-L-1wk-bad-stock-split": ["2022-05-16"],
    # The fall of 2023-05-16 is real, a return of capital, and looks like the split of that day.
    "CNE-L-1d-bad-stock-split": ["2023-05-09", "2023-05-10", "2023-05-16"],
    "DEX-AX-1d-bad-stock-split": ["2023-05-22"],
    "CLC-L-1d-bad-div": ["2024-07-29", "2024-08-06"],
    "SCR-TO-1d-bad-div": ["2023-10-05"],
    "cat-missing-split": ["1964-07-06"],
    # One day each without volume, where every other day has some.
    "1398-HK-1d-bad-div": ["2022-01-31"],
    "KAP-IL-1d-bad-div": ["2024-04-19"],
}
"""Every suspect bar of the cases that are not named elsewhere; those that are missing have none."""

DIVIDENDS: dict[str, dict[str, tuple[float, bool]]] = {
    "4063-T-1d-bad-div": {"2023-03-30": (275.0, True)},
    "ABDP-L-1d-bad-div": {
        "2022-05-05": (1.76, False),
        "2022-12-29": (3.54, False),
        "2023-05-04": (1.94, False),
        "2024-02-08": (4.42, False),
        "2024-05-02": (2.33, False),
    },
    "CLC-L-1d-bad-div": {
        "2022-06-30": (0.0306, True),
        "2023-07-27": (0.0295, True),
        "2024-08-08": (0.0277, True),
    },
    "LSC-L-1d-bad-div": {
        "2022-06-09": (0.42, False),
        "2022-11-03": (0.42, False),
        "2023-06-08": (0.42, False),
        "2023-11-09": (0.82, False),
    },
    "1398-HK-1d-bad-div": {"2024-07-08": (0.335715, True)},
    "KAP-IL-1d-bad-div": {"2022-07-13": (1.95426, False)},
    "SCR-TO-1d-bad-div": {
        "2023-03-14": (0.441, False),
        "2023-06-14": (0.441, False),
        "2023-09-14": (0.441, False),
    },
    "SAND-1d-bad-div": {"2024-01-12": (0.015, True), "2024-01-16": (0.015, False)},
    "8TRA-DE-1d-missing-div-adjust": {"2023-06-02": (0.7, True)},
    "DODFX-1d-cg-double-count": {"2025-12-18": (0.837, True)},
    "CNE-L-1d-bad-stock-split": {"2023-05-16": (243.93939, False)},
}
"""Every suspect dividend: its value, and whether it is applied because it only disagrees."""

USED = {
    ("4063-T-1d-bad-div", "2023-03-30"): 55.0,
    ("ABDP-L-1d-bad-div", "2022-05-05"): 0.0176,
    ("CLC-L-1d-bad-div", "2022-06-30"): 0.000306,
    ("DODFX-1d-cg-double-count", "2025-12-18"): 1.254,
    ("8TRA-DE-1d-missing-div-adjust", "2023-06-02"): 0.0,
    ("SAND-1d-bad-div", "2024-01-12"): 0.0,
}
"""What the source's own adjusted close used instead."""

QUARANTINED: dict[str, dict[str, int]] = {
    "ABDP-L-1d-bad-div": {"outside_range": 7},
    "CLC-L-1d-bad-div": {"blank": 1, "outside_range": 8},
    "LSC-L-1d-bad-div": {"outside_range": 108},
    "1398-HK-1d-bad-div": {"blank": 1},
    "orcl-google-dash": {"blank": 1},
    "skender-mismatch": {"off_session": 1},
}

YFINANCE_AND_OTHER = [
    "AET-L-1d-100x-error",
    "4063-T-1d-bad-stock-split",
    "4063-T-1d-bad-div",
    "AV-L-1wk-bad-stock-split",
    "CNE-L-1d-bad-stock-split",
    "DEX-AX-1d-bad-stock-split",
    "ABDP-L-1d-bad-div",
    "CLC-L-1d-bad-div",
    "LSC-L-1d-bad-div",
    "1398-HK-1d-bad-div",
    "KAP-IL-1d-bad-div",
    "SCR-TO-1d-bad-div",
    "SAND-1d-bad-div",
    "8TRA-DE-1d-missing-div-adjust",
    "DODFX-1d-cg-double-count",
    "CALM-1d-no-bad-divs",
    "EWG-1d-no-bad-divs",
    "orcl-google-dash",
    "skender-mismatch",
    "cat-missing-split",
]
"""Cases whose every suspect and quarantined row is named above."""


@pytest.mark.parametrize("name", YFINANCE_AND_OTHER)
def test_the_bars_actions_and_rows_that_are_flagged_are_those_and_no_others(name: str, loaded: Load) -> None:
    found = loaded(name)
    assert found.error == ""
    if name != "LSC-L-1d-bad-div":
        assert days(found) == BARS.get(name, [])
    wanted = DIVIDENDS.get(name, {})
    assert dividends(found) == pytest.approx({day: value for day, (value, _) in wanted.items()})
    applied = {day: on for (day, _), (_, _, on) in found.suspect_actions.items()}
    assert applied == {day: on for day, (_, on) in wanted.items()}
    assert found.quarantined == QUARANTINED.get(name, {})


@pytest.mark.parametrize(("name", "day"), list(USED))
def test_a_disagreement_says_what_the_source_used(name: str, day: str, loaded: Load) -> None:
    _, reason, _ = loaded(name).suspect_actions[(day, "dividend")]
    used = float(reason.split("(used ")[1].rstrip(")"))
    assert used == pytest.approx(USED[name, day], rel=1e-3, abs=1e-6)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("AET-L-1d-100x-error", "step_100x"),
        ("AV-L-1wk-bad-stock-split", "split_step"),
        ("SCR-TO-1d-bad-div", "step_10x"),
        ("CLC-L-1d-bad-div", "step_100x"),
        ("cat-missing-split", "jump"),
    ],
)
def test_a_suspect_bar_says_why(name: str, reason: str, loaded: Load) -> None:
    assert set(loaded(name).suspect_bars.values()) == {reason}


def test_every_change_of_unit_is_seen_on_the_first_bar_after_it(loaded: Load) -> None:
    found = loaded("LSC-L-1d-bad-div")
    assert len(found.suspect_bars) == 14
    assert set(found.suspect_bars.values()) == {"step_100x"}
    assert days(found)[0] == "2024-02-05"


def test_the_blank_row_goes_and_the_rest_of_its_file_stays(loaded: Load) -> None:
    found = loaded("1398-HK-1d-bad-div")
    assert found.quarantined_days == {"blank": ["2024-07-05"]}
    assert found.bars == 647
    assert loaded("orcl-google-dash").bars == 251
    assert loaded("orcl-google-dash").quarantined_days == {"blank": ["2010-12-30"]}


def test_a_wrong_year_is_a_row_on_a_holiday(loaded: Load) -> None:
    found = loaded("skender-mismatch")
    assert found.quarantined_days == {"off_session": ["2016-01-18"]}
    assert found.bars == 501


def test_rows_without_a_date_or_a_price_are_set_aside_and_jumps_that_remain_are_suspect(loaded: Load) -> None:
    found = loaded("skender-blank-rows")
    assert found.quarantined_days["blank"].count("None") == 50
    assert found.bars + sum(found.quarantined.values()) == 502
    assert set(found.suspect_bars.values()) == {"jump"}
    assert days(found) == ["2017-05-26", "2017-08-08", "2018-01-09", "2018-03-14"]


def test_an_empty_file_is_refused_in_one_sentence_and_nothing_is_written(
    loaded: Load, shared_data: Path, tmp_path: Path
) -> None:
    case: dict[str, Any] = cases(shared_data)["eod-batch-20150610"]
    found = load(case, shared_data, tmp_path)
    assert "found an empty file; fetch it again" in found.error
    assert "\n" not in found.error
    assert not list((tmp_path / "lake").glob("bars/*.parquet"))


BATCHES = ("20150402", "20150406", "20150407", "20150408", "20150409", "20150410")


def load_batches(
    shared_data: Path, folder: Path, names: tuple[str, ...], symbols: set[str] | None = None
) -> tuple[Settings, list[dict[str, Any]]]:
    """Load daily batches one after the other into one lake, all of their rows or those of some symbols."""
    settings = load_settings(lake_root=str(folder / "lake"))
    counts = []
    for name in names:
        case = cases(shared_data)[f"eod-batch-{name}"]
        path = converted(shared_data / case["file"], folder, "")
        if symbols is not None:
            lines = path.read_text().splitlines()
            path.write_text("\n".join(line for line in lines if line.split(",")[0] in symbols) + "\n")
        counts.append(ingest_file(settings, path, case))
    return settings, counts


def ask(settings: Settings, query: str) -> list[tuple[Any, ...]]:
    return connect(Lake.open(settings)).execute(query).fetchall()


def check_the_split_that_is_only_in_the_adjusted_close(settings: Settings) -> None:
    rows = ask(
        settings,
        "SELECT ts::DATE::VARCHAR, close, quality FROM bars "
        "WHERE symbol = 'SBUX' AND ts::DATE BETWEEN '2015-04-08' AND '2015-04-09' ORDER BY ts",
    )
    # As traded; that a split halved it and no crash, nobody said: the day waits for a person.
    assert rows[0] == ("2015-04-08", 95.23, "ok")
    assert rows[1][0] == "2015-04-09" and rows[1][2] == "suspect"


def test_batches_of_some_symbols_load_like_the_whole(shared_data: Path, tmp_path: Path) -> None:
    symbols = {"symbol", "SBUX", "CH", "XXII", "FAX", "MEILW", "SSE"}
    settings, counts = load_batches(shared_data, tmp_path, BATCHES, symbols)
    assert counts[1]["quarantine"]["staged"] >= 1
    assert ask(settings, "SELECT count(*) FROM quarantine WHERE reason = 'bad_symbol'") == [(1,)]
    check_the_split_that_is_only_in_the_adjusted_close(settings)
    days = ask(settings, "SELECT count(*) FROM bars WHERE symbol = 'CH'")
    assert days == [(7,)]


@pytest.mark.slow
def test_six_whole_batches_of_six_thousand_symbols(shared_data: Path, tmp_path: Path) -> None:
    settings, counts = load_batches(shared_data, tmp_path, BATCHES)
    delivered = [count["bars"]["staged"] + count["quarantine"]["staged"] for count in counts]
    assert delivered == [12062, 36261, 12061, 12062, 12025, 12066]
    assert [count["quarantine"]["staged"] for count in counts] == [2, 75, 2, 2, 2, 2]
    # The 38 volumes of 2015-04-08 that the next batch restated.
    assert counts[4]["bars"]["closed"] == 38
    restated = "SELECT count(DISTINCT symbol) FROM revisions WHERE ts::DATE = '2015-04-08' AND revision > 1"
    assert ask(settings, restated) == [(38,)]
    assert ask(settings, "SELECT count(*) FROM bars WHERE ts::DATE = '2015-04-03'") == [(0,)]
    check_the_split_that_is_only_in_the_adjusted_close(settings)


@pytest.mark.slow
def test_a_scrape_of_a_holiday_brings_the_day_before_and_stubs(shared_data: Path, tmp_path: Path) -> None:
    settings, (counts,) = load_batches(shared_data, tmp_path, ("20150703",))
    assert counts["bars"]["staged"] == 6078
    held = "SELECT reason, count(*) FROM quarantine WHERE ts::DATE = '2015-07-03' GROUP BY ALL"
    assert ask(settings, held) == [("off_session", 22)]
