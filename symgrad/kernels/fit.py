"""Cells of a grid: an interval, its centre, and a short polynomial with the rounding bound it has.

A cell about a zero r of multiplicity m has r as its centre (in two floats) and no terms below
t^m, so that the relative error stays small up to the zero. The polynomial interpolates the Taylor
series at Chebyshev nodes (Trefethen 2013, Approximation Theory and Approximation Practice, theorem
8.2); the
rounding bound is the running error analysis of Horner's rule (Higham 2002, section 5.1).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
from flint import arb, arb_poly

from symgrad.kernels.runtime import Pieces
from symgrad.kernels.smooth import (
    BITS,
    TERMS,
    LogAbs,
    Smooth,
    as_float,
    log2_abs,
    shifted,
    tilted,
    zeros_near,
)
from symgrad.rigor import precision

__all__ = ["Cell", "Grid", "cell", "horner", "rounding", "table"]

EPS = 2.0**-57
"""What a cell's polynomial may differ from f, relative to f: a sixteenth of an ulp at most."""
_WIDE, _HIGH = 10, 13
EPS_SHORT = 2.0**-31
"""The same for float32, where one rounding follows."""


@dataclass(frozen=True, slots=True)
class Grid:
    """Cells whose width is step·2^(−bits) at 0 and doubles with each octave of |x| + step."""

    step: float
    bits: int

    def edges(self, low: float, high: float) -> list[float]:
        """The ends of the cells that meet [low, high), 0 ≤ low < high."""
        cells = 1 << self.bits
        ends: list[float] = []
        for octave in range(self.octave(low), self.octave(high) + 1):
            ends += [self.step * (2.0**octave * (1 + j / cells) - 1) for j in range(cells)]
        ends.append(self.step * (2.0 ** (self.octave(high) + 1) - 1))
        first = max(k for k, end in enumerate(ends) if end <= low)
        last = min(k for k, end in enumerate(ends) if end >= high)
        return ends[first : last + 1]

    def octave(self, u: float) -> int:
        """The octave that holds u ≥ 0."""
        return math.frexp(u / self.step + 1)[1] - 1

    @property
    def shift(self) -> int:
        return 52 - self.bits

    def first(self, low: float) -> int:
        """The number of the cell that begins at low, as `Pieces.first` wants it."""
        return int(np.float64(low + self.step).view(np.int64) >> self.shift)


@dataclass(frozen=True, slots=True)
class Cell:
    """f(x) = exp(slope·t)·t^order·Σ series[k]·t^k on [low, high], t = x − centre.

    With `log`, f is the logarithm of the absolute value of that, order·log|t| kept apart.
    """

    low: float
    high: float
    centre: arb
    order: int
    series: tuple[arb, ...]
    slope: float
    sizes: tuple[float, ...]
    log: bool = False

    def degree(self, eps: float) -> int:
        """The least degree of an interpolant within eps, by the Chebyshev tails; TERMS if none."""
        if not self.sizes:
            return TERMS
        tails = np.asarray(self.sizes) @ _tails()
        good = np.nonzero(tails <= eps)[0]
        return int(good[0]) + self.order if good.size else TERMS

    def short_degree(self, eps: float) -> int:
        """The least degree to which the polynomial may be cut off."""
        reach = max(abs(self.low - float(self.centre)), abs(self.high - float(self.centre)))
        with precision(64):
            low = min(abs(horner(self.series, t)) for t in self._nodes(4))
            sizes = [
                as_float(abs(c.mid()) * arb(reach) ** k / low) for k, c in enumerate(self.series)
            ]
        tails = np.cumsum(sizes[::-1])[::-1]
        good = np.nonzero(np.append(tails[1:], 0.0) <= eps)[0]
        return int(good[0]) + self.order

    def _nodes(self, n: int) -> list[arb]:
        middle, half = (self.low + self.high) / 2, (self.high - self.low) / 2
        shift = middle - self.centre
        return [shift + half * math.cos((2 * j + 1) * math.pi / (2 * n + 2)) for j in range(n + 1)]

    def coefficients(self, degree: int, scale: int = 0) -> list[arb]:
        """The degree + 1 coefficients of t^order times the interpolant, times 2^(−scale)."""
        with precision(BITS):
            n = degree if self.log else degree - self.order
            nodes = self._nodes(n)
            poly = arb_poly.interpolate(nodes, [horner(self.series, t) for t in nodes])
            unit = arb(2) ** -scale
            before = [] if self.log else [arb(0)] * self.order
            return before + [poly[k].mid() * unit for k in range(n + 1)]


def horner(series: Sequence[arb], t: arb) -> arb:
    """Σ series[k]·t^k."""
    total = series[-1]
    for c in reversed(series[:-1]):
        total = total * t + c
    return total


@lru_cache(maxsize=1)
def _tails() -> np.ndarray[Any, Any]:
    """[k, n]: the sum of the Chebyshev coefficients of t^k beyond degree n (DLMF 18.18.21)."""
    tails = np.zeros((TERMS, TERMS))
    for k in range(TERMS):
        for n in range(min(k, TERMS)):
            beyond = [math.comb(k, i) for i in range(k // 2 + 1) if k - 2 * i > n]
            tails[k, n] = 2.0 ** (1 - k) * sum(beyond)
    return tails


def cell(f: Smooth, low: float, high: float, tilt: bool = False) -> Cell | None:
    """The cell [low, high] of f; None where no Taylor series is good on it.

    With `tilt`, exp(slope·t) is taken out, with a slope near f'/f of so few bits
    that slope·t is exact.
    """
    made = _plain_cell(f, low, high, tilt)
    if isinstance(f, LogAbs) and (made is None or made.degree(EPS) > _WIDE):
        inner = _plain_cell(f.inner, low, high, False)
        if inner is not None and inner.sizes and _is_small(inner):
            return replace(inner, log=True)
    return made


def _is_small(made: Cell) -> bool:
    """Whether the cell's function is below e^{-1}, so that its logarithm is not near a zero."""
    places = [made.low + (made.high - made.low) * k / 16 - made.centre for k in range(17)]
    with precision(64):
        return all(
            bool(abs(t) ** made.order * abs(horner(made.series, t)) < arb(-1).exp()) for t in places
        )


def _plain_cell(f: Smooth, low: float, high: float, tilt: bool) -> Cell | None:
    with precision(BITS):
        middle, reach = arb((low + high) / 2), arb((high - low) / 2)
        series = f.series(middle, reach)
    if series is None:
        return None
    slope = _slope(series, low, high) if tilt else 0.0
    made = _cell(f, series, slope, low, high)
    if made.order > 1 and made.degree(EPS) > _WIDE:  # a multiple zero further off is left alone
        made = min(made, _cell(f, series, slope, low, high, 2), key=lambda c: c.degree(EPS))
    if slope and made.degree(EPS) >= _HIGH:  # next to a zero f'/f says nothing of the decay
        plain = _cell(f, series, 0.0, low, high)
        return min(made, plain, key=lambda c: c.degree(EPS))
    return made


def _cell(
    f: Smooth, series: Sequence[arb], slope: float, low: float, high: float, span: float = 6
) -> Cell:
    with precision(BITS):
        middle, reach = arb((low + high) / 2), arb((high - low) / 2)
        if slope:
            series = tilted(series, slope)
        centre, order = middle, 0
        for t, m in zeros_near(series, reach):
            if abs(t) <= min(2 * m, span) * reach and (order == 0 or m > order):
                centre, order = f.exact_zero((middle + t).mid(), reach), m
        if abs(centre) < reach * arb(2) ** -60:
            centre = arb(0)
        if order:
            if slope:  # the exponential is taken about the zero as well
                series = [c * (arb(slope) * (centre - middle)).exp() for c in series]
            moved = shifted(series, centre - middle)
            series = moved[order:]
            base = shifted([*series, *[arb(0)] * order], middle - centre)
        else:
            base = list(series)
        sizes = _sizes(base, reach, series, low, high, centre)
        return Cell(low, high, centre, order, tuple(c.mid() for c in series), slope, sizes)


def _sizes(
    base: Sequence[arb], reach: arb, series: Sequence[arb], low: float, high: float, centre: arb
) -> tuple[float, ...]:
    """|c_k|·reach^k over the least |value| on the cell; () where the series does not converge."""
    points = [low + (high - low) * j / 8 for j in range(9)]
    least = None
    for p in points:
        v = abs(horner(series, arb(p) - centre)).mid()
        least = v if least is None or v < least else least
    if least is None or not least > 0:
        return ()
    sizes, power = [], arb(1)
    for c in base:
        sizes.append(min(as_float(abs(c.mid()) * power / least), 1e300))
        power *= reach
    sizes += [0.0] * (TERMS - len(sizes))
    last = len(base)
    if max(sizes[last - 3 : last]) > 2.0**-63:
        return ()
    return tuple(sizes)


def _slope(series: Sequence[arb], low: float, high: float) -> float:
    """f'/f at the centre to as many bits as leave slope·t exact."""
    if log2_abs(series[0]) == -math.inf:
        return 0.0
    slope = as_float(series[1] / series[0])
    far = max(abs(low), abs(high))
    bits = math.frexp(far)[1] - math.frexp((high - low) / 2)[1]
    bits = max(bits, 1)
    if not math.isfinite(slope) or slope == 0.0:
        return 0.0
    m, e = math.frexp(slope)
    rounded = math.ldexp(round(m * 2**bits), e - bits)
    return rounded if abs(rounded) * (high - low) > 0.25 else 0.0


def table(
    grid: Grid, first: float, sides: Sequence[Sequence[Cell]], degree: int, scale: int = 0
) -> Pieces:
    """The gathered table of one run of cells on each side, the first of which begins at `first`."""
    cells = [c for pair in zip(*sides, strict=True) for c in pair]
    cells += cells[-2:] if len(sides) == 2 else []  # |x| + step may round up to the next cell
    rows = np.zeros((degree + 1, len(cells)))
    centre, centre_low, low, slope = (np.zeros(len(cells)) for _ in range(4))
    for j, c in enumerate(cells):
        with precision(BITS):
            coefficients = c.coefficients(degree, scale)
            centre[j] = as_float(c.centre)
            centre_low[j] = as_float(c.centre - arb(centre[j]))
            rows[:, j] = [as_float(v) for v in coefficients]
            low[j] = as_float(coefficients[0] - arb(rows[0, j]))
        slope[j] = c.slope
    rows[rows == 0] = -0.0  # −0 is what may be added to any float, to −0 as well
    low[low == 0] = -0.0
    logs = np.array([c.order if c.log else -1.0 for c in cells])
    short = max(max(c.short_degree(EPS_SHORT) for c in cells), 1)
    return Pieces(
        grid.step, grid.shift, grid.first(first), len(sides), scale, min(short, degree), rows,
        centre, low,
        centre_low=centre_low if centre_low.any() else None,
        slope=slope if slope.any() else None,
        logs=logs if any(c.log for c in cells) else None,
    )  # fmt: skip


def rounding(p: Pieces, cells: Sequence[Cell]) -> float:
    """A bound for the rounding errors of `pieces`, in ulp, at nine points of each cell."""

    def half(z: Any) -> Any:
        return np.where(z == 0, 0.0, 0.5 * np.spacing(np.abs(z)))

    cells = [*cells, *cells[-2:]] if p.sides == 2 else cells
    low = np.array([c.low for c in cells])
    high = np.array([c.high for c in cells])
    worst = 0.0
    for share in (0.0, 0.02, 0.1, 0.25, 0.5, 0.75, 0.9, 0.98, 1.0):
        t = low + (high - low) * share - p.centre
        r = p.rows[-1].copy()
        error = half(r)
        for k in range(len(p.rows) - 2, 0, -1):
            c, product = p.rows[k], r * t
            r = product + c
            added = np.where((c == 0) | (product == 0), 0.0, half(r))
            error = np.abs(t) * error + half(product) + half(c) + added
        product = r * t
        small = product + p.constant_low
        value = small + p.rows[0]
        # t itself is rounded where x − centre is not exact or the centre has a low part
        error = np.abs(t) * error + half(product) + np.abs(r) * half(t)
        error += np.where(p.constant_low == 0, 0.0, half(small))
        error += np.where(p.rows[0] == 0, 0.0, half(value))
        if p.slope is not None:
            error += 2.1 * half(value)  # the exponential to 0.55 ulp, and the product with it
        if p.logs is not None:  # the logarithm of what is below e^{-1} is above 1 in magnitude
            with np.errstate(all="ignore"):
                size = np.log(np.abs(value)) + np.where(t == 0, 0.0, p.logs * np.log(np.abs(t)))
                moved = error / np.abs(value) + np.abs(p.logs) * half(size)
            error = np.where(p.logs >= 0, moved + 1.6 * half(size), error)
            value = np.where(p.logs >= 0, size, value)
        ratio = np.where(value != 0, error / np.maximum(2 * half(value), 5e-324), 0.0)
        worst = max(worst, float(np.max(ratio)))
    return worst
