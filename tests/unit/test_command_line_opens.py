"""The command line opens at once: what computes is imported by the command that needs it."""

import subprocess
import sys

HEAVY = ("duckdb", "deltalake", "talib", "lake.features.registry", "lake.store.lake")


def test_opening_it_reads_no_columns_and_opens_no_store() -> None:
    loaded = f"import sys, lake.cli; print([name for name in {HEAVY} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
