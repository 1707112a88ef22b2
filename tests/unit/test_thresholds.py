from pathlib import Path

import pytest

from lake.config import CHECKOUT
from lake.errors import BadConfiguration
from lake.thresholds import read_thresholds


def test_the_thresholds_of_the_checkout_are_readable() -> None:
    limits = read_thresholds(CHECKOUT / "conf")
    assert (limits.bars.jump_return, limits.bars.jump_medians, limits.window_days) == (0.4, 10, 365)


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("jump_return: 0.4", "jump_return: -1", "bars.jump_return: Input should be greater than 0"),
        ("largest: 0.5", "largest: half", "dividends.largest: Input should be a valid number"),
        ("window_days: 365", "window_day: 365", "window_days: Field required"),
        ("window_days: 365", "window_days: [", "expected readable YAML"),
    ],
)
def test_a_threshold_that_cannot_be_used_is_named(tmp_path: Path, old: str, new: str, sentence: str) -> None:
    text = (CHECKOUT / "conf" / "quality.yaml").read_text()
    (tmp_path / "quality.yaml").write_text(text.replace(old, new, 1))
    with pytest.raises(BadConfiguration, match=sentence):
        read_thresholds(tmp_path)
