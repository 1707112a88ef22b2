"""The folder of the lake: of any name but one that Delta Lake would read otherwise."""

from __future__ import annotations

from pathlib import Path

import pytest

from lake.config import load_settings
from lake.errors import BadConfiguration


@pytest.mark.parametrize("root", ["p%20c", "a[1]", "a^b", "a|b", "a\\b", "a\nb"])
def test_a_folder_that_delta_lake_misreads_is_refused_in_a_sentence(tmp_path: Path, root: str) -> None:
    with pytest.raises(BadConfiguration) as found:
        load_settings(lake_root=str(tmp_path / root))
    assert str(found.value).startswith(
        f"LAKE_ROOT was {str(tmp_path / root)!r}: expected a path without % [ ]"
    )


def test_so_is_the_default_folder_of_such_a_checkout(tmp_path: Path) -> None:
    with pytest.raises(BadConfiguration, match="LAKE_ROOT was"):
        load_settings(lake_home=tmp_path / "100%", lake_root="")


@pytest.mark.parametrize("root", ["the läke, it's #1", "a?b*", "a+b", "a;b", "日本"])
def test_any_other_folder_is_taken(tmp_path: Path, root: str) -> None:
    assert load_settings(lake_root=str(tmp_path / root)).lake_root == str(tmp_path / root)


def test_an_address_may_have_escapes() -> None:
    assert load_settings(lake_root="s3://bucket/a%20b").lake_root == "s3://bucket/a%20b"
