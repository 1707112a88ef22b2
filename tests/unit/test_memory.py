"""Memory that arrays leave stays with the process."""

from __future__ import annotations

import subprocess
import sys

import pytest

from lake.memory import keep_freed_memory

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
