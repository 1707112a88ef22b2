"""The folder of the lake: of any name but one that Delta Lake would read otherwise."""

from __future__ import annotations

from pathlib import Path

import pytest

from lake.config import load_settings
from lake.errors import BadConfiguration


def test_a_folder_with_percent_is_refused_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(BadConfiguration) as found:
        load_settings(lake_root=str(tmp_path / "p%20c"))
    assert "LAKE_ROOT was" in str(found.value)
    assert "p%20c': expected a folder without % in its path" in str(found.value)


def test_so_is_the_default_folder_of_such_a_checkout(tmp_path: Path) -> None:
    with pytest.raises(BadConfiguration, match="LAKE_ROOT was"):
        load_settings(lake_home=tmp_path / "100%", lake_root="")


@pytest.mark.parametrize("root", ["the läke, it's #1", "a?b", "a+b", "a;b"])
def test_any_other_folder_is_taken(tmp_path: Path, root: str) -> None:
    assert load_settings(lake_root=str(tmp_path / root)).lake_root == str(tmp_path / root)


def test_an_address_may_have_escapes() -> None:
    assert load_settings(lake_root="s3://bucket/a%20b").lake_root == "s3://bucket/a%20b"
