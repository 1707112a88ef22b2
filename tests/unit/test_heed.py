"""A request to end that comes in a finalizer, where Python ignores the exception it raises."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

GUARD_SECONDS = 60
"""Only so that a program which never ends fails the test and does not hang it."""

ASKED_WHILE_IT_LETS_GO = """
import os, signal, sys, time, weakref

class Connection:
    pass

def let_go(reference):
    {deed}

signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))
connection = Connection()
watched = weakref.ref(connection, let_go)
del connection
print("runs on with", sys.argv[1:], flush=True)
{then}
"""
FOR_EVER = "while True: time.sleep(0.01)"


@pytest.fixture
def program(tmp_path: Path) -> Path:
    return tmp_path / "a program.py"


def heeded(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "stack.heed", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=GUARD_SECONDS)


def test_a_request_to_end_that_python_ignored_is_made_again(program: Path) -> None:
    deed = "os.kill(os.getpid(), signal.SIGTERM)"
    program.write_text(ASKED_WHILE_IT_LETS_GO.format(deed=deed, then=FOR_EVER))
    done = heeded(str(program), "--an", "argument")
    assert done.stdout == "runs on with ['--an', 'argument']\n"
    assert done.returncode == 7


def test_other_ignored_exceptions_are_told_and_end_nothing(program: Path) -> None:
    program.write_text(ASKED_WHILE_IT_LETS_GO.format(deed="raise ValueError('lost')", then="time.sleep(0.3)"))
    done = heeded(str(program))
    assert done.returncode == 0
    assert "ValueError: lost" in done.stderr


def test_no_program_is_refused_in_a_sentence() -> None:
    done = heeded()
    assert done.returncode == 1
    assert done.stderr == "expected: python -m stack.heed PROGRAM [ARGUMENT …]\n"
