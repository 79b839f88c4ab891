"""Measuring one method of evaluation against the oracle, at points where it is likely to fail."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
from sympy import Expr, Symbol

from symgrad.kernels.smooth import Smooth
from symgrad.oracle import FLOAT64, Values, arb_values, around, edges, points, rounded, ulps

__all__ = ["Judge"]

_SEED = 20240501
_SPANS = ((40.0, 2), (3.0, 2), (1000.0, 4))
"""Half-widths about 0 that get points besides the binades, and what share of `count` they get."""
_HOPELESS = 100.0
_NEAR = 8


@lru_cache(maxsize=128)
def _edges(expr: Expr, x: Symbol) -> tuple[float, ...]:
    return tuple(sorted({e.at for e in edges(expr, x, FLOAT64)}))


@dataclass(frozen=True)
class Judge:
    """f on [low, high): true values at points of every binade, of the plotting range, and edges.

    Values that are not decided, and places where f is not defined, are not judged.
    """

    f: Smooth
    low: float
    high: float
    count: int = 160

    @cached_property
    def spread(self) -> tuple[Any, Values]:
        """Points uniform over the floats, over the spans about 0, powers of two, both ends."""
        rng = np.random.default_rng(_SEED)
        first, last = FLOAT64.ordinal([self.low, self.high])
        chosen = [FLOAT64.at(rng.integers(first, last, self.count))]
        for half, share in _SPANS:
            low, high = max(self.low, -half), min(self.high, half)
            if low < high:
                chosen.append(rng.uniform(low, high, self.count // share))
        chosen.append(points(1, FLOAT64)[:: max(1, 400 // self.count)])
        top = FLOAT64.largest
        chosen.append(around((max(self.low, -top), min(self.high, top)), FLOAT64))
        return self._known(np.concatenate(chosen))

    @cached_property
    def special(self) -> tuple[Any, Values]:
        """Points around zeros, and where f overflows or leaves the normal floats."""
        return self.near(_edges(self.f.expr, self.f.x))

    def near(self, places: Iterable[float]) -> tuple[Any, Values]:
        """Points around these places, with their true values."""
        return self._known(around([p for p in places if self.low <= p <= self.high], FLOAT64))

    def _known(self, x: Any) -> tuple[Any, Values]:
        x = np.unique(x[(x >= self.low) & (x < self.high)])
        values = arb_values(self.f.expr, [self.f.x], [x], FLOAT64)
        known = np.flatnonzero(values.known())
        return x[known], values[known]

    def worst(
        self, method: Callable[[Any], Any], places: Iterable[float] = ()
    ) -> tuple[float, float]:
        """The largest error in ulp, and where; a result of 0 that should be none is infinite."""
        worst, at = 0.0, math.nan
        for x, values in (self.spread, self.special, self.near(places)):
            if not len(x):
                continue
            got = _run(method, x)
            with np.errstate(all="ignore"):
                errors = ulps(got, values, FLOAT64)
                errors[(got == 0) & (rounded(values, FLOAT64)[0] != 0)] = math.inf
            k = int(np.argmax(errors))
            if errors[k] >= worst:
                worst, at = float(errors[k]), float(x[k])
            if worst > _HOPELESS:
                break
        return (worst, at) if len(self.spread[0]) else (math.inf, math.nan)

    @property
    def size(self) -> int:
        """The number of points."""
        return len(self.spread[0]) + len(self.special[0])

    def worst_of_wave(self, method: Callable[[Any], Any]) -> float:
        """The largest error in units of the spacing at the amplitude: the largest |f| near by."""
        x, values = self.spread
        true, _ = rounded(values, FLOAT64)
        order = np.argsort(np.abs(x))
        window = np.pad(np.abs(true[order]), _NEAR, mode="edge")
        amplitude = np.lib.stride_tricks.sliding_window_view(window, 2 * _NEAR + 1).max(-1)
        with np.errstate(all="ignore"):
            errors = np.abs(_run(method, x) - true)[order] / np.spacing(amplitude)
        return float(np.max(np.where(np.isnan(errors), math.inf, errors)))


def _run(method: Callable[[Any], Any], x: Any) -> Any:
    with np.errstate(all="ignore"):
        return np.broadcast_to(np.asarray(method(x), np.float64), x.shape)
