"""conf/quality.yaml: when a possible bar or action is suspect."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from lake.conf_file import read_conf
from lake.market.timeframes import kind_of

Fraction = Annotated[float, Field(gt=0, lt=1)]
Factor = Annotated[float, Field(gt=1)]
Count = Annotated[int, Field(ge=1)]


class BarThresholds(BaseModel):
    """When a bar is suspect; each is explained in conf/quality.yaml."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    jump_return: Annotated[float, Field(gt=0)]
    jump_medians: Factor
    least_returns: Count
    step_within: Annotated[float, Field(gt=1, lt=3)]
    least_split: Factor
    split_step_within: Fraction
    split_shown_within: Annotated[float, Field(gt=0, lt=0.5)] = 0.4
    widest_range: Factor = 6.25
    zero_volume_bars: Count


class DividendThresholds(BaseModel):
    """When a dividend is suspect; each is explained in conf/quality.yaml."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    largest: Fraction
    noticeable: Fraction
    matching_fall: Fraction
    medians: Factor
    neighbours: Count
    least_neighbours: Count
    neighbour_days: Count
    visible: Fraction
    sessions_apart: Count
    disagreement: Fraction
    rounding: Fraction


class Thresholds(BaseModel):
    """Every threshold, and how far back a verdict looks."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    window_days: Count
    intraday_window_days: Count = 14
    bars: BarThresholds
    dividends: DividendThresholds

    def days_seen(self, timeframe: str) -> int:
        """Return how many days before a bar its verdict may rest on."""
        return self.intraday_window_days if kind_of(timeframe) == "intraday" else self.window_days


def read_thresholds(conf_folder: Path) -> Thresholds:
    """Return conf/quality.yaml.

    Raises:
        BadConfiguration: it is missing, not YAML, or has a value that cannot be used.
    """
    return read_conf(Thresholds, conf_folder / "quality.yaml")
