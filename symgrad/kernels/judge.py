"""Measuring one method of evaluation against the oracle, at points where it is likely to fail."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
from sympy import Expr, Symbol

from symgrad.kernels.smooth import LogAbs, Smooth
from symgrad.oracle import (
    FLOAT32,
    FLOAT64,
    Format,
    Values,
    arb_values,
    around,
    edges,
    points,
    rounded,
    ulps,
)  # fmt: skip

__all__ = ["Judge", "in_float32"]

_SEED = 20240501
_SPANS = ((40.0, 2), (3.0, 2), (1000.0, 4))
"""Half-widths about 0 that get points besides the binades, and what share of `count` they get."""
_HOPELESS = 100.0
_NEAR = 8


@lru_cache(maxsize=128)
def _edges(expr: Expr, x: Symbol, fmt: Format) -> tuple[float, ...]:
    return tuple(sorted({e.at for e in edges(expr, x, fmt)}))


@dataclass(frozen=True)
class Judge:
    """f on [low, high): true values at points of every binade, of the plotting range, and edges.

    Points and units are those of `fmt`; methods are given float64 all the same. Values that are not
    decided, and places where f is not defined, are not judged.
    """

    f: Smooth
    low: float
    high: float
    count: int = 160
    fmt: Format = FLOAT64

    @cached_property
    def spread(self) -> tuple[Any, Values]:
        """Points uniform over the floats, over the spans about 0, powers of two, both ends."""
        rng = np.random.default_rng(_SEED)
        first, last = self.fmt.ordinal(self.fmt.cast([self.low, self.high]))
        chosen = [self.fmt.at(rng.integers(first, last, self.count))]
        for half, share in _SPANS:
            low, high = max(self.low, -half), min(self.high, half)
            if low < high:
                chosen.append(rng.uniform(low, high, self.count // share))
        chosen.append(points(1, self.fmt)[:: max(1, 400 // self.count)])
        top = self.fmt.largest
        chosen.append(around((max(self.low, -top), min(self.high, top)), self.fmt))
        return self._known(np.concatenate(chosen))

    @cached_property
    def special(self) -> tuple[Any, Values]:
        """Points around zeros, and where f overflows or leaves the normal floats."""
        found = [_edges(self.f.expr, self.f.x, self.fmt)]
        if isinstance(self.f, LogAbs):
            found.append(_edges(self.f.inner.expr, self.f.x, self.fmt))
        return self.near(at for places in found for at in places)

    @cached_property
    def bends(self) -> tuple[float, ...]:
        """Where the function turns, double zeros among it."""
        f = self.f.inner if isinstance(self.f, LogAbs) else self.f
        return _edges(f.expr.diff(f.x), f.x, self.fmt)

    def near(self, places: Iterable[float]) -> tuple[Any, Values]:
        """Points around these places, with their true values."""
        return self._known(around([p for p in places if self.low <= p <= self.high], self.fmt))

    def _known(self, x: Any) -> tuple[Any, Values]:
        x = np.unique(self.fmt.cast(x).astype(np.float64))
        x = x[(x >= self.low) & (x < self.high)]
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
                got = np.where(np.abs(got) < 2 * self.fmt.largest, got, got * math.inf)
                errors = ulps(got, values, self.fmt)
                errors[(got == 0) & (rounded(values, self.fmt)[0] != 0)] = math.inf
            k = int(np.argmax(errors))
            if errors[k] >= worst:
                worst, at = float(errors[k]), float(x[k])
            if worst > _HOPELESS:
                break
        return (worst, at) if len(self.spread[0]) else (math.inf, math.nan)

    @property
    def zeros(self) -> list[float]:
        """The floats nearest to where f changes its sign."""
        x, values = self.special
        sign, size = values.sign().astype(int), np.abs(rounded(values, self.fmt)[0])
        first = np.flatnonzero(sign[1:] * sign[:-1] < 0)
        return [*x[sign == 0], *x[first + (size[first + 1] < size[first])]]

    @property
    def size(self) -> int:
        """The number of points."""
        return len(self.spread[0]) + len(self.special[0])

    def worst_of_wave(self, method: Callable[[Any], Any]) -> float:
        """The largest error in units of the spacing at the amplitude: the largest |f| near by.

        For log|u| the amplitude is that of u, where the spacing at the logarithm is less.
        """
        x, values = self.spread
        order = np.argsort(np.abs(x))
        x, true = x[order], rounded(values, self.fmt)[0][order]
        logs = isinstance(self.f, LogAbs)
        window = np.pad(true if logs else np.abs(true), _NEAR, mode="edge")
        top = np.lib.stride_tricks.sliding_window_view(window, 2 * _NEAR + 1).max(-1)
        with np.errstate(all="ignore"):
            unit = np.maximum(np.spacing(np.abs(true)), 2.0**-52 * np.exp(top - true))
            errors = np.abs(_run(method, x) - true) / (unit if logs else np.spacing(top))
        return float(np.max(np.where(np.isnan(errors), math.inf, errors)))


def in_float32(method: Callable[[Any], Any], low: float, high: float) -> float:
    """The largest error, in ulp, of a line in float32 against itself in float64.

    At 2^18 numbers uniform over the bits, and as many of each sign between 2^-6 and 2^6.
    """
    x = np.concatenate([_uniform(low, high), *(s * _uniform(2.0**-6, 2.0**6) for s in (-1, 1))])
    x = x[(x >= low) & (x < high)]
    with np.errstate(all="ignore"):
        true, got = _run(method, x.astype(np.float64)), _run(method, x)
        error = np.abs(got - true) / np.spacing(np.abs(true.astype(np.float32)))
    same = (got == true.astype(np.float32)) | (np.isnan(got) & np.isnan(true))
    return float(np.max(np.where(same, 0.0, np.where(np.isnan(error), math.inf, error))))


def _uniform(low: float, high: float) -> Any:
    first, last = FLOAT32.ordinal(FLOAT32.cast([low, high]))
    return FLOAT32.at(np.linspace(first, last, 1 << 18).astype(np.int64))


def _run(method: Callable[[Any], Any], x: Any) -> Any:
    with np.errstate(all="ignore"):
        return np.broadcast_to(np.asarray(method(x), np.float64), x.shape)
