"""conf/quality.yaml: when a possible bar or action is suspect."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from lake.errors import BadConfiguration

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
    bars: BarThresholds
    dividends: DividendThresholds


def read_thresholds(conf_folder: Path) -> Thresholds:
    """Return conf/quality.yaml.

    Raises:
        BadConfiguration: it is missing, not YAML, or has a value that cannot be used.
    """
    path = conf_folder / "quality.yaml"
    try:
        return Thresholds.model_validate(yaml.safe_load(path.read_text()))
    except (OSError, yaml.YAMLError) as error:
        raise BadConfiguration(f"{path}: expected readable YAML, found: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise BadConfiguration(f"{path}: {where}: {first['msg']}; found {first['input']!r}") from error
