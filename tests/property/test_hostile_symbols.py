"""No string that is offered as a symbol reaches a path outside the lake."""

from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lake.errors import BadSymbol
from lake.market.symbols import file_name, parse_symbol, symbol_of_file_name

HOSTILE = [
    "../x",
    "..",
    "%2e%2e",
    "A/B",
    "A\\B",
    "A\0",
    "CON",
    "NUL.TXT",
    "~",
    "$HOME",
    "`id`",
    "А",
    "ＡＡＰＬ",
]


@settings(max_examples=5_000, deadline=None)
@given(
    st.one_of(
        st.text(max_size=25), st.text(alphabet="AB./\\%^=-~ \0é", max_size=25), st.sampled_from(HOSTILE)
    )
)
@example("../../etc/passwd")
@example("A/../../B")
def test_a_string_is_refused_or_its_file_lies_in_the_folder(text: str) -> None:
    folder = Path("/lake/folder")
    try:
        symbol = parse_symbol(text)
    except BadSymbol:
        return
    path = folder / file_name(symbol)
    assert path.parent == folder
    assert path.name not in (".", "..")
    assert symbol_of_file_name(path.name) == text


@pytest.mark.parametrize("device", ["CON", "NUL", "AUX"])
def test_names_of_devices_are_symbols_but_never_file_names(device: str) -> None:
    assert file_name(device).upper() != device
