"""One smooth branch of a function: which method on which part of it.

Inside, a grid of polynomials whose cells grow with |x|; outside, what the function becomes there: a
polynomial, a power times a series in 1/x, or a decay (growth) from which exp(slope·t) is taken out
cell by cell, up to the place where the float is zero (infinite). One line of NumPy is used instead
wherever its measured error is small enough.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from flint import arb

from symgrad.errors import UnsupportedError
from symgrad.kernels import emit
from symgrad.kernels.far import (
    Far,
    exponent,
    far,
    horner,
    in_floats,
    in_reciprocals,
    last_finite,
    log2_size,
    log_line,
)
from symgrad.kernels.fit import EPS, Cell, Grid, cell, rounding, table
from symgrad.kernels.forms import candidates, outward
from symgrad.kernels.judge import Judge
from symgrad.kernels.smooth import BITS, Smooth, as_float
from symgrad.rigor import constant, precision

__all__ = ["Design", "Noted", "Stretch"]

GOOD = 1.9
"""A line of NumPy is used where its measured error is at most this many ulp."""
CENTRAL_DEGREE = 10
OUTER_DEGREE = 13
_GRIDS = ((5, 2.0), (6, 2.0), (5, 0.5), (6, 0.5), (6, 0.0625), (7, 0.015625), (7, 2.0**-10))
"""Bits and step of the central grid, tried in this order; the second where the first ends early."""
_WAVE_GRIDS = (*((bits, 2.0) for bits in (5, 6, 7)), *_GRIDS[2:])
_LOWEST, _TINY, _TOP = -1075.0, -985.0, 1000.0


@dataclass(frozen=True, slots=True)
class Noted:
    """A regime lower ≤ x < upper with its method, and why it is there."""

    lower: float
    upper: float
    method: Any
    why: str


@dataclass
class Design:
    """The regimes of one function of one variable, with what was found on the way."""

    symmetry: int = 0
    regimes: list[Noted] = field(default_factory=list)
    points: list[tuple[float, float]] = field(default_factory=list)
    zeros: list[float] = field(default_factory=list)
    amplitude_beyond: float | None = None

    @property
    def switch_points(self) -> tuple[float, ...]:
        """The finite ends of the regimes, in order."""
        ends = {e for r in self.regimes for e in (r.lower, r.upper) if math.isfinite(e)}
        if self.symmetry:
            ends |= {-e for e in ends}
        return tuple(sorted(e + 0.0 for e in ends))

    @property
    def by_use(self) -> list[Noted]:
        """The regimes, that which has most of −4 ≤ x ≤ 4 first, the others by distance from 0."""

        def share(r: Noted) -> tuple[float, float]:
            low, high = max(r.lower, -4.0), min(r.upper, 4.0)
            return -max(high - low, 0.0), min(abs(r.lower), abs(r.upper))

        return sorted(self.regimes, key=share)


@dataclass
class Stretch:
    """One smooth branch on [low, high)."""

    plan: Design
    f: Smooth
    low: float
    high: float

    def add(self, lower: float, upper: float, method: Any, why: str) -> None:
        if lower < upper:
            self.plan.regimes.append(Noted(lower, upper, method, why))

    def cover(self) -> None:
        self.far = [
            far(self.f, sign) for sign, end in ((1, self.high), (-1, self.low)) if math.isinf(end)
        ]
        for end in self.far:
            self.plan.points.append((end.sign * math.inf, end.limit))
        line = self.line(self.low, self.high)
        if line is not None:
            self.add(self.low, self.high, *line)
            return
        self.tabulate()

    def line(self, low: float, high: float, limit: float = GOOD) -> tuple[Any, str] | None:
        """The best line of NumPy on [low, high), if it is good enough."""
        expr, x = self.f.expr, self.f.x
        if not expr.has(x):
            value = as_float(constant(expr, 160)) if expr.is_finite else -math.inf
            return value, "constant"
        lines = candidates(expr, {x: "x"})
        if not lines:
            return None
        judge = Judge(self.f, low, high)
        best = min(((judge.worst(emit.line(t))[0], t) for t in lines), default=(math.inf, ""))
        if best[0] > limit:
            return None
        why = f"one line of NumPy: {best[0]:.2f} ulp at worst of {len(judge.points)} points"
        return best[1], why

    # the grid

    def tabulate(self) -> None:
        if self.decaying_line():
            return
        inner = self.inner()
        if inner is None:
            raise UnsupportedError(
                f"no table of polynomials was found for {self.f.expr} on [{self.low}, {self.high})"
            )
        reach = inner
        for end in self.far:
            self.outside(end, reach[end.sign])

    def decaying_line(self) -> bool:
        """One line up to where the result leaves the normal floats, if f decays at both ends."""
        if any(end.kind != "decay" for end in self.far) or not self.far:
            return False
        reach = {end.sign: self.crossing(end, 1.0, _TINY) for end in self.far}
        low, high = -reach.get(-1, -self.low), reach.get(1, self.high)
        line = self.line(low, high)
        if line is None:
            return False
        self.add(low, high, *line)
        for end in self.far:
            self.vanishing(end, reach[end.sign])
        return True

    @property
    def waves(self) -> bool:
        """Whether f oscillates, or is of no known kind, toward an end."""
        return any(end.kind == "line" for end in self.far)

    def inner(self) -> dict[int, float] | None:
        """The central table; how far it reaches on each side."""
        signs = [s for s, end in ((1, self.high), (-1, self.low)) if s * end > 0]
        nearest = max(0.0, self.low, -self.high)
        limits = {1: self.high, -1: -self.low}
        wanted = {s: self.wanted(s, limits[s]) for s in signs}
        goal = min(max(wanted[s], nearest) for s in signs)
        best: tuple[Grid, list[list[Cell]], float] | None = None
        waves = self.waves
        for bits, step in _WAVE_GRIDS if waves else _GRIDS:
            grid = Grid(step, bits)
            found = self.octaves(grid, signs, nearest, limits, wanted)
            if found is not None and (best is None or found[1] > best[2]):
                best = grid, *found
            if best is not None and best[2] >= min(goal, 30.0 if waves else 5.0):
                break
            if best is not None and not waves and (bits, step) != _GRIDS[0]:
                break
        if best is None:
            return None
        grid, sides, end = best
        degree = max(c.degree(EPS) for side in sides for c in side)
        low = max(self.low, -end) if -1 in signs else self.low
        high = min(self.high, end) if 1 in signs else self.high
        self.note_zeros(sides)
        line = self.line(low, high)
        first = grid.edges(nearest, end)[0]
        if line is not None:
            self.add(low, high, *line)
        else:
            p = table(grid, first, sides, degree)
            bound = rounding(p, [c for pair in zip(*sides, strict=True) for c in pair])
            why = f"{self.why_table(grid, sides, degree)}; rounding below {bound:.1f} ulp"
            self.add(low, high, p, why)
        return {s: min(limits[s], end) for s in signs}

    def wanted(self, sign: int, limit: float) -> float:
        """How far out the central table should go for what follows it."""
        if not math.isinf(limit):
            return limit
        end = next(e for e in self.far if e.sign == sign)
        if end.kind == "poly":
            return self.settled(end)
        if end.kind == "power":
            return 30.0
        return 30.0 if end.kind in ("wave", "line") else 14.0

    def settled(self, end: Far) -> float:
        """Where f is its polynomial to 2^-58, on a scale of √2."""
        near = self.low if end.sign > 0 else -self.high
        u = max(4.0, near * 1.0625 if math.isfinite(near) else 0.0)
        while u < 2.0**40:
            at = arb(end.sign * u)
            with precision(BITS):
                p = horner(end.coefficients, at)
                value = self.f.value(at, 100)
                if value is not None and bool(abs(value - p) <= abs(p) * arb(2) ** -58):
                    return u
            u *= math.sqrt(2)
        raise UnsupportedError(f"{self.f.expr} does not settle to a polynomial")

    def octaves(
        self, grid: Grid, signs: Sequence[int], nearest: float, limits: dict[int, float],
        wanted: dict[int, float],
    ) -> tuple[list[list[Cell]], float] | None:  # fmt: skip
        """Cells on both sides, octave by octave, while the degree stays small."""
        sides: list[list[Cell]] = [[] for _ in signs]
        goal = min(max(wanted[s], nearest) for s in signs)
        last = max(grid.octave(nearest), grid.octave(min(goal, 2.0**30)))
        reached = nearest
        for octave in range(grid.octave(nearest), last + 1):
            start = max(nearest, grid.step * (2.0**octave - 1))
            stop = grid.step * (2.0 ** (octave + 1) - 1)
            if reached >= goal:
                break
            edges = grid.edges(start, min(stop, max(goal, start * 1.001 + 1e-9)))
            more = [
                _cells(
                    self.f,
                    s,
                    edges,
                    start,
                    limits[s],
                    False,
                    CENTRAL_DEGREE + (octave > 0) + 2 * self.waves,
                )
                for s in signs
            ]
            if any(m is None for m in more):
                return (sides, reached) if reached > nearest else None
            for side, m in zip(sides, more, strict=True):
                side.extend(m or ())
            reached = edges[-1]
        return sides, reached

    def note_zeros(self, sides: Sequence[Sequence[Cell]]) -> None:
        for side in sides:
            for c in side:
                if c.order:
                    zero = float(c.centre)
                    if self.low <= zero < self.high and zero not in self.plan.zeros:
                        self.plan.zeros.append(zero)

    def why_table(self, grid: Grid, sides: Sequence[Sequence[Cell]], degree: int) -> str:
        count = sum(map(len, sides))
        centred = sorted({float(c.centre) for side in sides for c in side if c.order})
        text = (
            f"{count} cells of width {grid.step * 2.0**-grid.bits:g}·2^octave, each of "
            f"degree {degree} within 2^{math.log2(EPS):.0f} of f"
        )
        if centred:
            text += "; about the zeros " + ", ".join(f"{z:.17g}" for z in centred[:8])
            text += " the cells are centred on them, in two floats"
        return text

    # outside

    def outside(self, end: Far, start: float) -> None:
        if end.kind in ("decay", "growth"):
            self.exponential(end, start)
        elif end.kind == "poly":
            self.to_polynomial(end, start)
        elif end.kind == "power":
            self.to_power(end, start)
        elif end.kind == "log":
            self.to_logarithm(end, start)
        else:
            self.to_line(end, start)

    def put(self, sign: int, lower: float, upper: float, method: Any, why: str) -> None:
        if sign > 0:
            self.add(lower, upper, method, why)
        else:
            self.add(-upper, -lower, method, why)

    def run(
        self,
        sign: int,
        low: float,
        high: float,
        tilt: bool,
        scale: int,
        why: str,
        halvings: int = 5,
    ) -> None:
        """A table with the fewest cells that will do on low ≤ |x| < high, or two tables."""
        for bits in range(1, 10):
            grid = Grid(2.0, bits)
            edges = grid.edges(low, high)
            if len(edges) > 150:
                break
            cells = _cells(self.f, sign, edges, low, high, tilt, OUTER_DEGREE)
            if cells is not None:
                self.note_zeros([cells])
                degree = max(c.degree(EPS) for c in cells)
                p = table(grid, edges[0], [cells], degree, scale)
                why += f": {len(cells)} cells of degree {degree}"
                bound = rounding(p, cells)
                self.put(sign, low, high, p, f"{why}, rounding below {bound:.1f} ulp")
                return
        if not halvings:
            raise UnsupportedError(f"no cells for {self.f.expr} on {low} ≤ |x| < {high}")
        middle = _short((low + 1) * math.sqrt((high + 1) / (low + 1)) - 1, low, high)
        self.run(sign, low, middle, tilt, scale, why, halvings - 1)
        self.run(sign, middle, high, tilt, scale, why, halvings - 1)

    def exponential(self, end: Far, start: float) -> None:
        mark = _TINY if end.kind == "decay" else _TOP
        inner = self.crossing(end, start, mark)
        word = "falls" if end.kind == "decay" else "grows"
        self.run(end.sign, start, inner, True, 0,
                 f"f {word} like an exponential: exp(slope·t) is taken out of each cell; the bound "
                 f"is where |f| is 2^{mark:.0f}")  # fmt: skip
        if end.kind == "decay":
            self.vanishing(end, inner)
            return
        outer = math.nextafter(last_finite(self.f, end.sign, inner), math.inf)
        self.run(
            end.sign,
            inner,
            outer,
            True,
            64,
            "the result may overflow: a scaled product; the bound is where |f| is 2^1024",
        )
        self.put(end.sign, outer, math.inf, end.limit, "beyond the largest float")

    def vanishing(self, end: Far, inner: float) -> None:
        outer = self.crossing(end, inner, _LOWEST)
        self.run(end.sign, inner, outer, True, -200,
                 "the result leaves the normal floats: a scaled product whose last step alone "
                 "rounds there; the bound is where |f| is 2^-1075")  # fmt: skip
        self.put(end.sign, outer, math.inf, end.limit, "less than half the least float: zero")

    def crossing(self, end: Far, start: float, mark: float) -> float:
        """The float u beyond which log2|f(±u)| is beyond the mark."""
        side = -1 if end.kind == "decay" else 1

        def beyond(u: float) -> bool:
            size = log2_size(self.f, end.sign * u)
            return side * (size - mark) > 0

        low, high = start, max(2 * start, 1.0)
        while not beyond(high):
            low, high = high, 2 * high
            if high > 2.0**60:
                raise UnsupportedError(f"{self.f.expr} does not pass 2^{mark} in range")
        sharp = mark == _LOWEST
        while True:
            middle = (low + high) / 2
            if not low < middle < high or (not sharp and high - low < high / 1024):
                return high
            low, high = (low, middle) if beyond(middle) else (middle, high)

    def to_polynomial(self, end: Far, start: float) -> None:
        begin = max(self.settled(end), start)
        if begin > start:
            self.run(end.sign, start, begin, False, 0, "between the grid and the polynomial")
        n = len(end.coefficients) - 1
        last = last_finite(self.f, end.sign, begin) if n > 0 else math.inf
        method = in_floats(n, end.coefficients[::-1], last)
        self.put(
            end.sign, begin, math.inf, method, "f is its asymptotic polynomial to 2^-58 from here"
        )

    def to_logarithm(self, end: Far, start: float) -> None:
        """Beyond 64 the sum of powers and log|x|, judged where balls still reach."""
        text, begin = log_line(end), max(start, 64.0)
        low, high = (begin, 2 * begin) if end.sign > 0 else (-2 * begin, -begin)
        worst, at = Judge(self.f, low, high, 40).worst(emit.line(text))
        if worst > 3:
            raise UnsupportedError(f"{self.f.expr} toward {end.sign}·oo: {worst:.1f} ulp at {at}")
        if begin > start:
            self.run(end.sign, start, begin, False, 0, "between the grid and the logarithm")
        why = f"powers, a logarithm, a series in 1/x: {worst:.2f} ulp at worst up to {2 * begin:g}"
        self.put(end.sign, begin, math.inf, text, why)

    def to_power(self, end: Far, start: float) -> None:
        begin = start
        for _ in range(12):
            found = in_reciprocals(self.f, end, begin)
            if found is not None:
                break
            begin = 2 * begin + 2
        else:
            raise UnsupportedError(f"no series in 1/x for {self.f.expr} toward {end.sign}·oo")
        if begin > start:
            self.run(end.sign, start, begin, False, 0, "between the grid and the series in 1/x")
        self.put(end.sign, begin, math.inf, found,
                 f"x^({end.power}) times a polynomial of degree "
                 f"{len(found.coefficients) - 1} in 1/x within 2^-57 of f")  # fmt: skip

    def logarithmic(self, end: Far, low: float, high: float) -> tuple[Any, str] | None:
        """A line in log|x|, where logarithms of powers come in."""
        x = self.f.x
        expr = outward(self.f.expr, x, lambda u: exponent(Smooth(u, x), end.sign))
        if expr is None:
            return None
        lines = candidates(expr, {x: "x"})
        judge = Judge(self.f, low, high)
        best = min(((judge.worst(emit.line(t))[0], t) for t in lines), default=(math.inf, ""))
        if best[0] > 3.0:
            return None
        return best[1], f"logarithms of powers split off: {best[0]:.2f} ulp at worst"

    def to_line(self, end: Far, start: float) -> None:
        low, high = (start, math.inf) if end.sign > 0 else (-math.inf, -start)
        line = self.line(low, high, 3.0) or self.logarithmic(end, low, high)
        if line is None:
            lines = candidates(self.f.expr, {self.f.x: "x"})
            judge = Judge(self.f, low, high, 80)
            best = min(
                ((judge.worst_of_wave(emit.line(t)), t) for t in lines), default=(math.inf, "")
            )
            if not best[0] < 64:
                raise UnsupportedError(f"no method for {self.f.expr} toward {end.sign}·oo")
            line = best[1], f"one line of NumPy: {best[0]:.2f} ulp of the amplitude at worst"
            self.plan.amplitude_beyond = start
        self.add(low, high, *line)


def _short(x: float, low: float, high: float) -> float:
    """A float of few bits near x, between low and high."""
    for bits in range(2, 53):
        unit = 2.0 ** (math.frexp(x)[1] - bits)
        near = round(x / unit) * unit
        if low < near < high and abs(near - x) <= min(x - low, high - x) / 2:
            return near
    return (low + high) / 2


def _cells(
    f: Smooth, sign: int, edges: Sequence[float], low: float, high: float, tilt: bool, degree: int
) -> list[Cell] | None:
    cells: list[Cell] = []
    for a, b in pairwise(edges):
        a, b = max(a, low), min(b, high)
        if not a < b:
            a, b = edges[0], edges[1]
        made = cell(f, *((a, b) if sign > 0 else (-b, -a)), tilt=tilt)
        if made is None or made.degree(EPS) > degree:
            return None
        cells.append(made)
    return cells
