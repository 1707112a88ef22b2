"""Memory that arrays leave stays with the process, and is left as soon as it can be."""

from __future__ import annotations

import subprocess
import sys
import weakref
from collections import deque
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from lake.market.bars import Actions, Bars, Floats
from lake.memory import keep_freed_memory
from lake.steps.feature_files import _row_groups
from lake.steps.feature_rows import Work
from lake.store.rewrite import Rewrite
from lake.store.tables import TABLES

LOOP = """
import resource, sys
import numpy as np
from lake.memory import keep_freed_memory
if sys.argv[1] == "kept":
    assert keep_freed_memory()
faults = []
for _ in range(20):
    arrays = [np.ones(100_000) for _ in range(10)]
    del arrays
    faults.append(resource.getrusage(resource.RUSAGE_SELF).ru_minflt)
print(faults[-1] - faults[9])
"""


def pages_asked_for(how: str) -> int:
    done = subprocess.run([sys.executable, "-c", LOOP, how], stdout=subprocess.PIPE, text=True, check=True)
    return int(done.stdout)


def test_arrays_take_the_pages_of_those_before() -> None:
    if not keep_freed_memory():
        pytest.skip("this is not glibc")
    assert pages_asked_for("kept") < 100 < pages_asked_for("given back")


def test_columns_are_free_once_they_are_written_and_bars_once_they_are_computed(tmp_path: Path) -> None:
    """Else two row groups of each thread are in memory, and the bars of all series that wait."""
    count = 12_000
    days = np.datetime64("1980-01-01") + np.arange(count)
    moments, closes = days.astype("datetime64[us]"), np.full(count, 10.0)
    no, yes = np.zeros(count, dtype=bool), np.ones(count, dtype=bool)

    def work(number: int) -> Work:
        bars = Bars(
            f"S{number}", "1d", moments, moments, days, *[closes.copy() for _ in range(5)], yes, no
        )  # fmt: skip
        return Work(bars, Actions.none())

    works = deque(work(number) for number in range(9))
    waiting = [weakref.ref(each.bars.close) for each in works]
    written: list[weakref.ref[Floats]] = []

    def watched() -> Iterator[pa.Table]:
        for rows in _row_groups(works):
            values = np.ones(rows.num_rows)
            column = pa.Array.from_buffers(pa.float64(), len(values), [None, pa.py_buffer(values)])
            written.append(weakref.ref(values))
            del values
            yield rows.set_column(rows.schema.get_field_index("sma_7"), "sma_7", column)
            del rows, column
            alive = sum(each() is not None for each in waiting)
            assert alive == len(works) and written[-1]() is None

    action = Rewrite(str(tmp_path), TABLES["features"]).write("1d", watched())
    assert action is not None and len(written) == 3 and not works
