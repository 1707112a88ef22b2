"""What `make bench` runs: benchmarks that stand alone, not their parts."""

from __future__ import annotations

import ast
import re
import subprocess

import pytest

from tests.stacks import CHECKOUT

FILES = {path.stem: path for path in (CHECKOUT / "benchmarks").glob("[a-z]*.py")}


def test_make_bench_runs_every_benchmark() -> None:
    done = subprocess.run(["make", "-n", "bench"], cwd=CHECKOUT, capture_output=True, text=True, check=True)
    named = set(re.findall(r"benchmarks/(\w+)\.py", done.stdout)) | {"stream"}
    assert "benchmarks.stream" in done.stdout
    assert named == set(FILES)


@pytest.mark.parametrize("name", sorted(FILES))
def test_each_stands_alone(name: str) -> None:
    module = ast.parse(FILES[name].read_text())
    said = ast.get_docstring(module) or ""
    assert said.startswith("Print ")
    # How the docstring says that it is run: nothing has to come after the name.
    assert re.search(rf"^    \S+ -m benchmarks\.{name}(?: \[.*\])*$", said, re.M)
    assert any(isinstance(each, ast.FunctionDef) and each.name == "main" for each in module.body)
