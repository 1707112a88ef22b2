"""conf/columns.yaml: periods and thresholds of the registered columns."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from lake.conf_file import read_conf
from lake.config import load_settings

Period = Annotated[int, Field(ge=2, le=2_000)]
Periods = Annotated[tuple[Period, ...], Field(min_length=1)]
Share = Annotated[float, Field(gt=0, lt=1)]
Times = Annotated[float, Field(gt=0, le=100)]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    @field_validator("*")
    @classmethod
    def _are_distinct(cls, value: object) -> object:
        if isinstance(value, tuple) and len(set(value)) < len(value):
            raise ValueError("expected every period once")
        return value


class MovingAverages(_Section):
    """Periods of the averages of the close."""

    sma: Periods
    ema: Periods


class Macd(_Section):
    """Periods of the two averages and of the signal."""

    fast: Period
    slow: Period
    signal: Period

    @model_validator(mode="after")
    def _is_in_order(self) -> Self:
        if self.fast >= self.slow:
            raise ValueError(f"expected fast below slow, found {self.fast} and {self.slow}")
        return self


class Stochastic(_Section):
    """Bars of the range, and of each of the two means."""

    period: Period
    smoothing: Period


class Momentum(_Section):
    """Periods of how fast the close moves."""

    rsi: Periods
    macd: Macd
    stochastic: Stochastic
    mfi: Period
    cci: Period
    roc: Period


class Bands(_Section):
    """The period of the channels around an average, and their width in deviations or ATR."""

    period: Period
    width: Times


class Volatility(_Section):
    """Periods of ranges and channels; of several the first is stored."""

    atr: Periods
    atr_mean: Period
    bands: Bands
    keltner_atr: Period
    donchian: Annotated[Periods, Field(min_length=2)]


class Supertrend(_Section):
    """The ATR of the trailing line, and how many of it lie between."""

    atr: Period
    times: Times


class Trend(_Section):
    """Periods of trend columns, and the band of the longest average in percent."""

    adx: Period
    aroon: Period
    supertrend: Supertrend
    band_pct: Annotated[float, Field(gt=0, lt=100)]


class Volume(_Section):
    """The period of the average volume."""

    average: Period


class Returns(_Section):
    """The period of the deviation of returns."""

    volatility: Period


class Hammer(_Section):
    """Shares of the range."""

    body_most: Share
    shadow_least: Share
    other_shadow_most: Share


class Engulfing(_Section):
    """How much longer a body is than the one before, and how near to its high it closes."""

    body_times: Times
    close_near_high: Times


class StrictPatterns(_Section):
    """Limits of the strict candle patterns."""

    hammer: Hammer
    third: Share
    engulfing: Engulfing


class ColumnSettings(_Section):
    """All of conf/columns.yaml."""

    moving_averages: MovingAverages
    momentum: Momentum
    volatility: Volatility
    trend: Trend
    volume: Volume
    returns: Returns
    strict_patterns: StrictPatterns

    @model_validator(mode="after")
    def _has_what_columns_rest_on(self) -> Self:
        for name, period, among in (
            ("volatility.bands.period", self.volatility.bands.period, self.moving_averages.sma),
            ("volatility.bands.period", self.volatility.bands.period, self.moving_averages.ema),
            ("volatility.keltner_atr", self.volatility.keltner_atr, self.volatility.atr),
            ("trend.adx", self.trend.adx, self.volatility.atr),
            ("trend.supertrend.atr", self.trend.supertrend.atr, self.volatility.atr),
        ):
            if period not in among:
                listed = ", ".join(map(str, among))
                raise ValueError(
                    f"{name} expected one of {listed}, on which it rests, found {period}; add it there"
                )
        return self


COLUMNS = read_conf(ColumnSettings, load_settings().conf_folder / "columns.yaml")
"""The settings of this installation."""
