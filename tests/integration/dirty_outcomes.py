"""Print what comes of every dirty case as a Markdown table.

Run `python -m tests.integration.dirty_outcomes FOLDER` with the folder of the shared data.
"""

from __future__ import annotations

import sys
import tempfile
from collections import Counter
from pathlib import Path

from tests.dirty import Outcome, cases, load


def described(found: Outcome) -> str:
    """Return an outcome in words."""
    if found.error:
        return f"refused: {found.error}"
    parts = [f"{found.bars:,} bars"]
    parts += [f"{count:,} rows {reason}" for reason, count in found.quarantined.items()]
    if len(found.suspect_bars) <= 5:
        parts += [f"bar {day} {why}" for (_, day), why in sorted(found.suspect_bars.items())]
    else:
        parts += [f"{count} bars {why}" for why, count in Counter(found.suspect_bars.values()).items()]
    for (day, kind), (value, why, is_applied) in sorted(found.suspect_actions.items()):
        parts.append(f"{kind} {value:g} of {day} {why}{', applied' if is_applied else ', waits'}")
    return "; ".join(parts)


def main() -> None:
    """Load every case into its own throw-away lake and print the table."""
    shared_data = Path(sys.argv[1])
    print("| case | class | outcome |\n|---|---|---|")
    for name, case in cases(shared_data).items():
        with tempfile.TemporaryDirectory() as folder:
            text = described(load(case, shared_data, Path(folder))).replace(folder, "").replace("|", "/")
        print(f"| {name} | {case['class']} | {text} |", flush=True)


if __name__ == "__main__":
    main()
