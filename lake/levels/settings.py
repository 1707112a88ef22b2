"""conf/levels.yaml: how levels are found, and what counts as an event at one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, field_validator

from lake.conf_file import read_conf
from lake.config import load_settings

Count = Annotated[int, Field(ge=1, le=10_000)]
Atr = Annotated[float, Field(gt=0, le=10)]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Events(_Section):
    """What a bar does at a level; each is explained in conf/levels.yaml."""

    touch_atr: Atr
    bounce_bars: Count
    retest_bars: Count
    most_active: Count
    half_life_bars: Count


class Cluster(_Section):
    """Which swings are one zone."""

    within_atr: Atr
    remembered: Annotated[int, Field(ge=2, le=10_000)]


class VolumeProfile(_Section):
    """What a node of traded volume is."""

    window_bars: Count
    bins: Annotated[int, Field(ge=3, le=10_000)]
    beside: Count
    means: Annotated[float, Field(gt=0, le=100)]


class Fibonacci(_Section):
    """Which shares of a leg are levels, in percent."""

    retracements_pct: Annotated[tuple[Annotated[float, Field(gt=0, lt=100)], ...], Field(min_length=1)]

    @field_validator("retracements_pct")
    @classmethod
    def _have_names(cls, shares: tuple[float, ...]) -> tuple[float, ...]:
        if len({f"{share:.1f}" for share in shares}) < len(shares):
            raise ValueError("expected shares that differ by 0.1 at least")
        return shares


class LevelSettings(_Section):
    """All of conf/levels.yaml."""

    events: Events
    cluster: Cluster
    volume_profile: VolumeProfile
    fibonacci: Fibonacci

    def meaning(self, methods: Iterable[str]) -> dict[str, object]:
        """Return what decides about levels of some methods and the events at them."""
        return self.model_dump(mode="json", include={"events", *methods})


LEVELS = read_conf(LevelSettings, load_settings().conf_folder / "levels.yaml")
"""The settings of this installation."""
