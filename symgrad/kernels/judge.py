"""Measuring one method of evaluation against balls, at points where it is likely to fail."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
from flint import arb

from symgrad.kernels.smooth import Smooth, as_float, floor_log2, log2_abs
from symgrad.rigor import precision

__all__ = ["Judge", "truth_ulps"]

_SEED = 20240501


def truth_ulps(got: float, truth: arb) -> float:
    """|got − truth| in units of the spacing of floats at the true value."""
    if truth.is_zero():
        return 0.0 if got == 0 else math.inf
    power = max(floor_log2(truth), -1022)
    if power > 1023:
        return 0.0 if got == math.copysign(math.inf, as_float(truth)) else math.inf
    if math.isnan(got) or (got == 0 and as_float(truth) != 0):
        return math.inf
    with precision(128):
        near = arb(2) ** 1024 * math.copysign(1, got) if math.isinf(got) else arb(got)
        return min(as_float(abs(near - truth) * arb(2) ** (52 - power)), 1e300)


@dataclass
class Judge:
    """f on [low, high): true values at points of every binade, of the plotting range, and edges."""

    f: Smooth
    low: float
    high: float
    count: int = 160
    points: list[float] = field(init=False)
    truths: list[arb] = field(init=False)

    def __post_init__(self) -> None:
        self.points, self.truths = [], []
        for p in self._places():
            value = self.f.value(arb(p))
            if value is not None:
                self.points.append(p)
                self.truths.append(value)
        self._approach_zeros()
        self._approach_edges()

    def _places(self) -> list[float]:
        rng = np.random.default_rng(_SEED)
        ends = [_ordinal(self.low), _ordinal(self.high)]
        chosen = {_float(int(n)) for n in rng.integers(ends[0], ends[1], self.count)}
        low, high = max(self.low, -40.0), min(self.high, 40.0)
        if low < high:
            chosen |= {float(v) for v in rng.uniform(low, high, self.count // 2)}
            low, high = max(low, -3.0), min(high, 3.0)
        if low < high:
            chosen |= {float(v) for v in rng.uniform(low, high, self.count // 2)}
        low, high = max(self.low, -1000.0), min(self.high, 1000.0)
        if low < high:
            chosen |= {float(v) for v in rng.uniform(low, high, self.count // 4)}
        chosen |= {s * k * 5e-324 for s in (1, -1) for k in (1, 2, 3, 7)}
        for k in (-1074, -1022, -540, -537, -512, -100, -30, 30, 100, 511, 512, 537, 1000, 1022):
            chosen |= {s * 2.0**k * m for s in (1, -1) for m in (1.0, 1.4142135)}
        for end in ends:
            chosen |= {_float(end + k) for k in range(-3, 4)}
        return sorted(p for p in chosen if self.low <= p < self.high and math.isfinite(p))

    def _approach_zeros(self) -> None:
        signs = [0 if t.is_zero() else (1 if t > 0 else -1) for t in self.truths]
        changes = [k for k in range(len(signs) - 1) if signs[k] * signs[k + 1] < 0]
        for k in changes[:6]:
            a, b = _ordinal(self.points[k]), _ordinal(self.points[k + 1])
            while b - a > 1:
                middle = (a + b) // 2
                value = self.f.value(arb(_float(middle)))
                if value is None or value.is_zero():
                    break
                a, b = (middle, b) if (value > 0) == (signs[k] > 0) else (a, middle)
            for n in {a - 40, a - 2, a, b, b + 3, b + 100, a - 10**6, b + 10**9, b + 10**13}:
                p = _float(n)
                value = self.f.value(arb(p)) if self.low <= p < self.high else None
                if value is not None:
                    self.points.append(p)
                    self.truths.append(value)

    def _approach_edges(self) -> None:
        """Points where the result is subnormal, and where it is about to overflow."""
        order = sorted(range(len(self.points)), key=self.points.__getitem__)
        sizes = [(self.points[k], _size(self.truths[k])) for k in order]
        for (p, a), (q, b) in pairwise(sizes):
            for mark in (-1074.5, -1060, -1040, -1024, -1021, 1023.99):
                if (a - mark) * (b - mark) < 0:
                    self._meet(p, q, mark, a > mark)

    def _meet(self, p: float, q: float, mark: float, above: bool) -> None:
        low, high = _ordinal(p), _ordinal(q)
        for _ in range(64):
            middle = (low + high) // 2
            if high - low <= 1:
                break
            value = self.f.value(arb(_float(middle)), 30)
            if value is None:
                return
            low, high = (middle, high) if (_size(value) > mark) == above else (low, middle)
        for n in (low - 1000, low, high, high + 1, high + 5000):
            at = _float(n)
            value = self.f.value(arb(at)) if self.low <= at < self.high else None
            if value is not None:
                self.points.append(at)
                self.truths.append(value)

    def worst(self, method: Callable[[Any], Any]) -> tuple[float, float]:
        """The largest error in ulp, and where."""
        if not self.points:
            return math.inf, math.nan
        x = np.array(self.points)
        with np.errstate(all="ignore"):
            got = np.broadcast_to(np.asarray(method(x), np.float64), x.shape)
        errors = [truth_ulps(float(g), t) for g, t in zip(got, self.truths, strict=True)]
        k = int(np.argmax(errors))
        return errors[k], self.points[k]

    def worst_of_wave(self, method: Callable[[Any], Any]) -> float:
        """The largest error in units of the spacing at the amplitude: |f| at x, x + 1 and x + 2."""
        x = np.array(self.points)
        with np.errstate(all="ignore"):
            got = np.broadcast_to(np.asarray(method(x), np.float64), x.shape)
        worst = 0.0
        for p, g, truth in zip(self.points, got, self.truths, strict=True):
            with precision(4096):
                near = [self.f.value(arb(p) + k, 30) for k in (1, 2)]
            sizes = [as_float(abs(v)) for v in (truth, *near) if v is not None]
            unit = float(np.spacing(max(sizes)))
            worst = max(
                worst, abs(float(g) - as_float(truth)) / unit if math.isfinite(g) else math.inf
            )
        return worst


def _size(b: arb) -> float:
    return max(min(log2_abs(b), 1e6), -1e6)


def _ordinal(x: float) -> int:
    n = int(np.float64(abs(x)).view(np.int64))
    return n if math.copysign(1.0, x) > 0 else -n


def _float(n: int) -> float:
    top = 0x7FEFFFFFFFFFFFFF
    value = float(np.int64(min(abs(n), top)).view(np.float64))
    return value if n >= 0 else -value
