"""Which method on which stretch of the axis, by proved sizes and measured errors.

Inside, a grid of polynomials whose cells grow with |x|; outside, what the function becomes there: a
polynomial, a power times a series in 1/x, or a decay (growth) from which exp(slope·t) is taken out
cell by cell, up to the place where the float is zero (infinite). One line of NumPy is used instead
wherever its measured error is small enough.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

import numpy as np
from flint import arb, arb_poly
from sympy import Expr, FiniteSet, S, Symbol

from symgrad.errors import UnsupportedError
from symgrad.kernels import emit
from symgrad.kernels.fit import EPS, Cell, Grid, cell, table
from symgrad.kernels.forms import candidates, outward
from symgrad.kernels.judge import Judge
from symgrad.kernels.runtime import Laurent
from symgrad.kernels.smooth import BITS, Smooth, as_float, log2_abs, shifted
from symgrad.pieces import branches
from symgrad.rigor import constant, precision

__all__ = ["Design", "Noted", "design"]

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


@dataclass(frozen=True, slots=True)
class _Far:
    """What f becomes toward sign·∞: 'poly', 'power', 'decay', 'growth', 'line' or 'wave'."""

    kind: str
    sign: int
    limit: float
    power: int = 0
    coefficients: tuple[arb, ...] = ()


def design(expr: Expr, x: Symbol, kinks: Sequence[tuple[float, float]] = ()) -> Design:
    """The regimes for f(x) = expr; `kinks` are points with a value by convention."""
    parts = branches(expr, x)
    plan = Design(_symmetry(parts, x, kinks))
    for domain, formula in parts:
        if isinstance(domain, FiniteSet):
            at, value = (as_float(constant(c, 160)) for c in (domain.args[0], formula))
            if at or value or not plan.symmetry < 0:
                plan.points.append((at, value))
            continue
        low = -math.inf if domain.inf is S.NegativeInfinity else _edge(domain.inf, domain.left_open)
        high = math.inf if domain.sup is S.Infinity else _edge(domain.sup, not domain.right_open)
        if plan.symmetry:
            low = max(low, 0.0)
            if low <= 5e-324 and not any(at == 0 for at, _ in plan.points):
                low = 0.0  # a removable singularity at 0 whose value the series gives
        if plan.symmetry < 0 and domain.contains(0) == S.true:
            middle = formula.subs(x, 0)
            value = as_float(constant(middle, 160)) if middle.is_finite else 0.0
            if value:  # odd but for the value by convention at 0
                plan.points.append((0.0, value))
        if low < high and not (plan.symmetry and high <= 0):
            _Stretch(plan, Smooth(formula, x), low, high).cover()
    plan.points += kinks
    if plan.symmetry:
        plan.zeros = [s * z + 0.0 for z in plan.zeros for s in ((1.0, -1.0) if z else (1.0,))]
        plan.points += [
            (-at, plan.symmetry * value) for at, value in plan.points if at == math.inf
        ]
    plan.zeros = sorted(set(plan.zeros))
    plan.regimes.sort(key=lambda r: r.lower)
    _merge_lines(plan)
    _unfold(plan)
    _drop_points(plan)
    return plan


def _method(method: Any) -> Any:
    return emit.line(method) if isinstance(method, str) else method


def _merge_lines(plan: Design) -> None:
    """One line with `np.where` instead of several regimes that are lines and constants."""
    for at, value in list(plan.points):  # a kink's own value may be that of the left side
        for left, right in pairwise(plan.regimes):
            if at == left.upper and left.method == value and right.method != value:
                place = plan.regimes.index(left)
                edge = math.nextafter(at, math.inf)
                plan.regimes[place : place + 2] = [
                    replace(left, upper=edge), replace(right, lower=edge)
                ]  # fmt: skip
    regimes = plan.regimes
    if not 2 <= len(regimes) <= 6 or not all(isinstance(r.method, (str, float)) for r in regimes):
        return
    if any(a.upper != b.lower for a, b in pairwise(regimes)):
        return
    texts = [r.method if isinstance(r.method, str) else repr(r.method) for r in regimes]
    text = texts[-1]
    for r, t in zip(regimes[-2::-1], texts[-2::-1], strict=True):
        text = f"np.where(x < {r.upper!r}, {t}, {text})"
    if "x" not in texts[-1].replace("exp", ""):
        text = f"np.where(x == x, {text}, x)"
    why = "; ".join(f"from {r.lower!r}: {r.why}" for r in regimes)
    plan.regimes = [Noted(regimes[0].lower, regimes[-1].upper, text, why)]


def _unfold(plan: Design) -> None:
    """No detour by |x| where one line does the whole axis and has the symmetry by itself."""
    if not plan.symmetry or len(plan.regimes) != 1 or not isinstance(plan.regimes[0].method, str):
        return
    x = np.ldexp(np.linspace(1.0, 1.97, 400), np.arange(-1074, 1023, 5.25).astype(int)[:400])
    x = np.concatenate([[0.0], x, np.linspace(0.01, 30, 200)])
    method = emit.line(plan.regimes[0].method)
    with np.errstate(all="ignore"):
        ahead, back = (np.broadcast_to(method(v), x.shape) for v in (x, -x))
    if np.array_equal(np.copysign(1.0, back), plan.symmetry * np.copysign(1.0, ahead)) and (
        np.array_equal(back, plan.symmetry * ahead)
    ):
        plan.symmetry = 0
        plan.regimes = [replace(plan.regimes[0], lower=-math.inf)]


def _drop_points(plan: Design) -> None:
    """Leave out the single points where the regime in force gives the value by itself."""
    kept: dict[float, float] = {}
    for at, value in plan.points:
        for r in plan.regimes:
            if r.lower <= at < r.upper or at == r.upper == math.inf:
                if not isinstance(r.method, (str, float)):
                    continue
                method = _method(r.method)
                with np.errstate(all="ignore"):
                    got = float(method(np.float64(at))) if callable(method) else method
                if got == value and (at or not plan.symmetry):
                    break
        else:
            kept[at] = value
    plan.points = list(kept.items())


def _edge(c: Expr, open_left: bool) -> float:
    """The least float that is at least c (or above it)."""
    ball = constant(c, 200)
    near = as_float(ball)
    while bool(arb(near) < ball):
        near = math.nextafter(near, math.inf)
    if open_left and not bool(arb(near) > ball):
        near = math.nextafter(near, math.inf)
    return near


def _symmetry(
    parts: Sequence[tuple[Any, Expr]], x: Symbol, kinks: Sequence[tuple[float, float]]
) -> int:
    """−1, 1 or 0: the Taylor series at ±p agree to 100 bits, at points p of every stretch."""
    ends = sorted({abs(float(e)) for d, _ in parts for e in (d.inf, d.sup) if e.is_finite})
    places = [0.3701171875, 1.318359375, 2.89453125, 5.1640625, 23.109375]
    places += [(a + b) / 2 for a, b in pairwise(ends)] + [
        e + 0.7109375 for e in ends
    ]
    for sign in (-1, 1):
        if all(_mirrored(parts, x, p, sign) for p in places) and all(
            (-a, sign * v) in kinks for a, v in kinks
        ):
            return sign
    return 0


def _mirrored(parts: Sequence[tuple[Any, Expr]], x: Symbol, p: float, sign: int) -> bool:
    formulas = [next((e for d, e in parts if d.contains(q) == S.true), None) for q in (S(p), S(-p))]
    if formulas[0] is None or formulas[1] is None:
        return False
    here = Smooth(formulas[0], x).series(arb(p), arb(1) / 64)
    there = Smooth(formulas[1], x).series(arb(-p), arb(1) / 64)
    if here is None or there is None:
        return False
    with precision(BITS):
        size = max((abs(c.mid()) for c in here), key=float)
        gaps = [
            abs((a - sign * (-1) ** k * b).mid())
            for k, (a, b) in enumerate(zip(here, there, strict=True))
        ]
        return all(bool(g <= size * arb(2) ** (5 * k - 100)) for k, g in enumerate(gaps[:10]))


@dataclass
class _Stretch:
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
            value = as_float(constant(expr, 160))
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
        """One line up to where the result leaves the normal floats, where f decays on both sides."""
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
            self.add(
                low, high, table(grid, first, sides, degree), self.why_table(grid, sides, degree)
            )
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

    def settled(self, end: _Far) -> float:
        """Where f is its polynomial to 2^-58, on a scale of √2."""
        u = max(4.0, self.low * 1.0625 if math.isfinite(self.low) and end.sign > 0 else 0.0,
                -self.high * 1.0625 if math.isfinite(self.high) and end.sign < 0 else 0.0)  # fmt: skip
        while u < 2.0**40:
            at = arb(end.sign * u)
            with precision(BITS):
                p = _horner(end.coefficients, at)
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
                _cells(self.f, s, edges, start, limits[s], False, CENTRAL_DEGREE + (octave > 0) + 2 * self.waves)
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
            f"{count} cells of width {grid.step * 2.0**-grid.bits:g}·2^octave, each a polynomial of degree "
            f"{degree} within 2^{math.log2(EPS):.0f} of f"
        )
        if centred:
            text += "; about the zeros " + ", ".join(f"{z:.17g}" for z in centred[:8])
            text += " the cells are centred on them, in two floats"
        return text

    # outside

    def outside(self, end: _Far, start: float) -> None:
        if end.kind in ("decay", "growth"):
            self.exponential(end, start)
        elif end.kind == "poly":
            self.to_polynomial(end, start)
        elif end.kind == "power":
            self.to_power(end, start)
        else:
            self.to_line(end, start)

    def put(self, sign: int, lower: float, upper: float, method: Any, why: str) -> None:
        if sign > 0:
            self.add(lower, upper, method, why)
        else:
            self.add(-upper, -lower, method, why)

    def run(
        self, sign: int, low: float, high: float, tilt: bool, scale: int, why: str, halvings: int = 5
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
                self.put(sign, low, high, p, f"{why}: {len(cells)} cells of degree {degree}")
                return
        if not halvings:
            raise UnsupportedError(f"no cells for {self.f.expr} on {low} ≤ |x| < {high}")
        middle = _short((low + 1) * math.sqrt((high + 1) / (low + 1)) - 1, low, high)
        self.run(sign, low, middle, tilt, scale, why, halvings - 1)
        self.run(sign, middle, high, tilt, scale, why, halvings - 1)

    def exponential(self, end: _Far, start: float) -> None:
        mark = _TINY if end.kind == "decay" else _TOP
        inner = self.crossing(end, start, mark)
        word = "falls" if end.kind == "decay" else "grows"
        self.run(end.sign, start, inner, True, 0,
                 f"f {word} like an exponential: exp(slope·t) is taken out of each cell; the bound is "
                 f"where |f| is 2^{mark:.0f}")  # fmt: skip
        if end.kind == "decay":
            self.vanishing(end, inner)
            return
        outer = math.nextafter(_last_finite(self.f, end.sign, inner), math.inf)
        self.run(end.sign, inner, outer, True, 64,
                 "the result may overflow: a scaled product; the bound is where |f| is 2^1024")  # fmt: skip
        self.put(end.sign, outer, math.inf, end.limit, "beyond the largest float")

    def vanishing(self, end: _Far, inner: float) -> None:
        outer = self.crossing(end, inner, _LOWEST)
        self.run(end.sign, inner, outer, True, -200,
                 "the result leaves the normal floats: a scaled product whose last step alone "
                 "rounds there; the bound is where |f| is 2^-1075")  # fmt: skip
        self.put(end.sign, outer, math.inf, end.limit, "less than half the least float: zero")

    def crossing(self, end: _Far, start: float, mark: float) -> float:
        """The float u beyond which log2|f(±u)| is beyond the mark."""
        side = -1 if end.kind == "decay" else 1

        def beyond(u: float) -> bool:
            size = _size(self.f, end.sign * u)
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

    def to_polynomial(self, end: _Far, start: float) -> None:
        begin = max(self.settled(end), start)
        if begin > start:
            self.run(end.sign, start, begin, False, 0, "between the grid and the polynomial")
        n = len(end.coefficients) - 1
        last = _last_finite(self.f, end.sign, begin) if n > 0 else math.inf
        method = _laurent(n, end.coefficients[::-1], last)
        self.put(
            end.sign, begin, math.inf, method, "f is its asymptotic polynomial to 2^-58 from here"
        )

    def to_power(self, end: _Far, start: float) -> None:
        begin = start
        for _ in range(12):
            found = _in_reciprocals(self.f, end, begin)
            if found is not None:
                break
            begin = 2 * begin + 2
        else:
            raise UnsupportedError(f"no series in 1/x for {self.f.expr} toward {end.sign}·oo")
        if begin > start:
            self.run(end.sign, start, begin, False, 0, "between the grid and the series in 1/x")
        self.put(end.sign, begin, math.inf, found,
                 f"x^({end.power}) times a polynomial of degree {len(found.coefficients) - 1} in 1/x, "
                 "within 2^-57 of f")  # fmt: skip

    def logarithmic(self, end: _Far, low: float, high: float) -> tuple[Any, str] | None:
        """A line in log|x|, where logarithms of powers come in."""
        x = self.f.x
        expr = outward(self.f.expr, x, lambda u: _exponent(Smooth(u, x), end.sign))
        if expr is None:
            return None
        lines = candidates(expr, {x: "x"})
        judge = Judge(self.f, low, high)
        best = min(((judge.worst(emit.line(t))[0], t) for t in lines), default=(math.inf, ""))
        if best[0] > 3.0:
            return None
        return best[1], f"logarithms of powers split off: {best[0]:.2f} ulp at worst"

    def to_line(self, end: _Far, start: float) -> None:
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


def _horner(coefficients: Sequence[arb], x: arb) -> arb:
    total = coefficients[-1]
    for c in reversed(coefficients[:-1]):
        total = total * x + c
    return total


def _last_finite(f: Smooth, sign: int, start: float) -> float:
    """The largest u with |f(±u)| below 2^1024: up to there the kernel stays finite."""
    edge = arb(2) ** 1024

    def finite(u: float) -> bool:
        for bits in (90, 1200):
            value = f.value(arb(sign * u), bits)
            with precision(bits):
                if value is None or bool(abs(value) < edge):
                    return True
                if bool(abs(value) > edge * (1 + arb(2) ** -70)):
                    return False
        return False

    low, high = start, math.nextafter(math.inf, 0)
    if finite(high):
        return high
    while True:
        middle = low + (high - low) / 2
        if high / low > 4:
            middle = math.sqrt(low) * math.sqrt(high)
        if not low < middle < high:
            return low
        low, high = (middle, high) if finite(middle) else (low, middle)


def _laurent(power: int, coefficients: Sequence[arb], last: float) -> Laurent:
    with precision(BITS):
        head = as_float(coefficients[0])
        low = as_float(coefficients[0] - arb(head))
    floats = tuple(as_float(c) for c in coefficients)
    while len(floats) > 1 and floats[-1] == 0:
        floats = floats[:-1]
    return Laurent(power, floats, low, last)


def _size(f: Smooth, x: float) -> float:
    value = f.value(arb(x), 30)
    if value is not None:
        return log2_abs(value)
    ball = f.program.ball(arb(x), prec=256)
    return log2_abs(ball.abs_upper()) if ball.is_finite() else math.inf


def far(f: Smooth, sign: int) -> _Far:
    """What f becomes toward sign·∞, told from its values and Taylor series far out."""
    found = _exponential(f, sign, range(2, 14))
    if found is not None:
        return found
    poly = _polynomial(f, sign)
    if poly is not None:
        n = len(poly) - 1
        top = as_float(poly[-1])
        return _Far("poly", sign, math.copysign(math.inf, top * sign**n) if n else top, n, poly)
    power = _exponent(f, sign)
    if power is not None:
        head = f.value(arb(sign) * arb(2) ** 200, 80)
        lead = 0 if head is None else (1 if head > 0 else -1)
        if power > 0:
            limit = math.copysign(math.inf, lead)
        else:
            limit = math.copysign(0.0, lead) if power < 0 else as_float(head)
        return _Far("power", sign, limit, power)
    return _exponential(f, sign, range(14, 41)) or _Far("line", sign, _limit(f, sign))


def _exponential(f: Smooth, sign: int, octaves: Sequence[int]) -> _Far | None:
    """A decay or growth that leaves the floats at 2^k for one of the octaves k."""
    for k in octaves:
        size = _size(f, sign * 2.0**k)
        if size < -1100:
            near = _last_sign(f, sign, 2.0**k)
            return _Far("decay", sign, math.copysign(0.0, near))
        if 1100 < size < math.inf:
            return _Far("growth", sign, math.copysign(math.inf, _last_sign(f, sign, 2.0**k)))
    return None


def _last_sign(f: Smooth, sign: int, u: float) -> int:
    while u > 1e-3:
        value = f.value(arb(sign * u), 30)
        if value is not None and not value.is_zero():
            return 1 if value > 0 else -1
        u *= 0.9
    return 1


def _polynomial(f: Smooth, sign: int) -> tuple[arb, ...] | None:
    at = arb(sign) * 512
    series = f.series(at, arb(64))
    if series is None:
        return None
    with precision(BITS):
        sizes = [log2_abs(c) + 9 * k for k, c in enumerate(series)]
        top = max(sizes)
        degree = max((k for k, s in enumerate(sizes) if s > top - 100), default=0)
        if degree > 4 or top == -math.inf:
            return None
        exact = shifted([c.mid() for c in series[: degree + 1]], -at)
        scale = max(log2_abs(c) for c in exact)
        return tuple(c.mid() if log2_abs(c) > scale - 80 else arb(0) for c in exact)


def _exponent(f: Smooth, sign: int) -> int | None:
    """The integer a with x·f'/f → a."""
    at = arb(sign) * arb(2) ** 200
    jet = f.program.jet(at, 2, prec=1024)
    if not all(c.is_finite() for c in jet) or jet[0].contains(0):
        return None
    with precision(256):
        ratio = at * jet[1] / jet[0]
        near = round(float(ratio.mid())) if abs(float(ratio.mid())) < 60 else None
        if near is None or not bool(abs(ratio - near) < arb(2) ** -100):
            return None
        return near


def _in_reciprocals(f: Smooth, end: _Far, start: float) -> Laurent | None:
    """x^power·Σ c_k·x^(−k) for |x| ≥ start by interpolation in w = 1/x; None where 12 terms fail."""
    with precision(BITS):
        half = arb(end.sign) / (2 * arb(start))
        for n in (2, 4, 6, 8, 10, 12):
            nodes = [
                half * (1 + math.cos((2 * j + 1) * math.pi / (2 * n + 2))) for j in range(n + 1)
            ]
            values = []
            for w in nodes:
                value = f.value((1 / w).mid(), 140)
                if value is None:
                    return None
                values.append(value * ((1 / w).mid()) ** -end.power)
            nodes = [1 / (1 / w).mid() for w in nodes]
            poly = arb_poly.interpolate(nodes, values)
            worst = 0.0
            for j in range(2 * n + 5):
                w = half * (1 + math.cos((j + 0.37) * math.pi / (2 * n + 6)))
                u = (1 / w).mid()
                value = f.value(u, 140)
                if value is None:
                    return None
                value = value * u**-end.power
                worst = max(worst, as_float(abs(poly(1 / u) / value - 1)))
            if worst <= EPS:
                last = _last_finite(f, end.sign, start) if end.power > 0 else math.inf
                return _laurent(end.power, [poly[k] for k in range(n + 1)], last)
    return None


def _limit(f: Smooth, sign: int) -> float:
    """The limit toward sign·∞ as far as three points far out show it; nan where they disagree."""
    with precision(64):
        places = [sign * 3 * arb(2) ** k for k in (1000, 4000, 16000)]
    values = [f.value(p, 60) for p in places]
    if any(v is None for v in values):
        return math.nan
    sizes = [log2_abs(v) for v in values if v is not None]
    signs = {bool(v > 0) for v in values if v is not None}
    if max(sizes) < -900 and sizes[2] < sizes[1] < sizes[0]:
        return 0.0
    if len(signs) > 1:
        return math.nan
    if sizes[0] + 0.5 < sizes[1] and sizes[1] + 0.5 < sizes[2]:
        return math.copysign(math.inf, 1 if True in signs else -1)
    with precision(64):
        last = values[2]
        assert last is not None
        return (
            as_float(last) if bool(abs(last - values[1]) <= abs(last) * arb(2) ** -50) else math.nan
        )
