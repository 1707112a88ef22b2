"""The standard scaler of a training set: mean and deviation of each feature, of train rows only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from lake.market.bars import Floats

_ROUNDING = 1e-12
"""Relative deviation below which a feature is a constant plus rounding."""


@dataclass(frozen=True, slots=True)
class Moments:
    """Count, means and sums of squared deviations of rows seen so far, one value a feature."""

    count: int
    mean: Floats
    squares: Floats

    @classmethod
    def of(cls, rows: Floats) -> Self:
        """Return the moments of `rows`, shaped (rows, features)."""
        if not len(rows):
            return cls(0, np.zeros(rows.shape[1]), np.zeros(rows.shape[1]))
        mean = rows.mean(axis=0)
        return cls(len(rows), mean, ((rows - mean) ** 2).sum(axis=0))

    def merged(self, other: Moments) -> Moments:
        """Return the moments of both sets of rows together (Chan, Golub and LeVeque 1979)."""
        count = self.count + other.count
        if not count:
            return self
        gap = other.mean - self.mean
        mean = self.mean + gap * (other.count / count)
        squares = self.squares + other.squares + gap**2 * (self.count * other.count / count)
        return Moments(count, mean, squares)


@dataclass(frozen=True, slots=True)
class Scaler:
    """What brings features to mean 0 and deviation 1: (value - mean) / std."""

    names: tuple[str, ...]
    mean: Floats
    std: Floats

    @classmethod
    def fitted(cls, names: tuple[str, ...], moments: Moments) -> Self:
        """Return the scaler of train's moments; `std` divides by the count, and is 1 for a constant."""
        std = np.sqrt(moments.squares / max(moments.count, 1))
        is_constant = std <= _ROUNDING * np.abs(moments.mean)
        return cls(names, moments.mean, np.where(is_constant, 1.0, std))

    def scaled(self, rows: Floats) -> Floats:
        """Return `rows`, shaped (rows, features), scaled."""
        result: Floats = (rows - self.mean) / self.std
        return result

    def to_json(self) -> dict[str, dict[str, float]]:
        """Return {feature: {mean, std}}."""
        return {
            name: {"mean": float(mean), "std": float(std)}
            for name, mean, std in zip(self.names, self.mean, self.std, strict=True)
        }

    @classmethod
    def from_json(cls, stored: dict[str, dict[str, float]]) -> Self:
        """Return the scaler that `to_json` gave."""
        mean = np.array([entry["mean"] for entry in stored.values()])
        return cls(tuple(stored), mean, np.array([entry["std"] for entry in stored.values()]))
