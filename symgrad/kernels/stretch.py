"""One smooth branch of a function: which method on which part of it.

Inside, a grid of polynomials whose cells grow with |x|; outside, what the function becomes there: a
power times a series in 1/x with a logarithm, or a decay (growth) from which exp(slope·t) is taken
out cell by cell, up to the place where the float is zero (infinite). One line of NumPy is used
instead wherever its measured error is small enough.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

import numpy as np

from symgrad.errors import UnsupportedError
from symgrad.kernels import emit
from symgrad.kernels.far import Far, bisect, far, in_reciprocals, last_finite, log2_size
from symgrad.kernels.fit import EPS, Cell, Grid, cell, rounding, table
from symgrad.kernels.forms import candidates
from symgrad.kernels.judge import Judge, in_float32
from symgrad.kernels.runtime import Laurent
from symgrad.kernels.smooth import LogAbs, Smooth
from symgrad.oracle import FLOAT32, FLOAT64, Format

__all__ = ["Design", "Noted", "Stretch"]

GOOD = 1.9
"""A line of NumPy is used where its measured error is at most this many ulp."""
ENOUGH = 3.0
"""The same where there is no other method, or where the line has one function at most: a table
takes three to ten times as long."""
SHORT = 0.01
"""The same in units of float32 for a line in float64 that is rounded to float32 in the end."""
_WORDS = re.compile(r"\b(?!np\.(?:sqrt|absolute|clip)\b)(?:np\.\w+|exp_square|broken_power)")
_ALONE = re.compile(r"np\.\w+\(x\)")
_SQUARE = re.compile(r"exp_square\(x, (.*?)\)")
CENTRAL_DEGREE = 10
OUTER_DEGREE = 13
_GRIDS = ((5, 2.0), (6, 2.0), (5, 0.5), (6, 0.5), (6, 0.0625), (7, 0.015625), (7, 2.0**-10))
"""Bits and step of the central grid, tried in this order; the second where the first ends early."""
_WAVE_GRIDS = (*((bits, 2.0) for bits in (5, 6, 7)), *_GRIDS[2:])
_LOWEST, _TINY, _TOP = -1075.0, -985.0, 1000.0
_TURNS = 2.0**1020
"""Beyond it a few times x leaves the floats."""
_DECAY_FROM, _WAVE_FROM = 14.0, 30.0
"""How far out the central table goes before a decay, and before a wave."""


@dataclass(frozen=True, slots=True)
class Noted:
    """A regime lower ≤ x < upper with its method, and why it is there."""

    lower: float
    upper: float
    method: Any
    why: str


@dataclass
class Design:
    """The regimes of one function of one variable, with what was found on the way.

    `short` is a line for all float32 (and float16) x; `own` says that it is good in float32 itself.
    """

    symmetry: int = 0
    regimes: list[Noted] = field(default_factory=list)
    points: list[tuple[float, float]] = field(default_factory=list)
    zeros: list[float] = field(default_factory=list)
    amplitude_beyond: float | None = None
    short: Noted | None = None
    own: bool = True

    @property
    def switch_points(self) -> tuple[float, ...]:
        """The finite ends of the regimes, in order."""
        ends = {e for r in self.regimes for e in (r.lower, r.upper) if math.isfinite(e)}
        if self.symmetry:
            ends |= {-e for e in ends}
        return tuple(sorted(e + 0.0 for e in ends))

    @property
    def fast(self) -> bool:
        """Whether a line does the regime that is used most, without symmetry or single points."""
        main = self.by_use[0]
        inside = (p for p, _ in self.points if main.lower <= p <= main.upper)
        return isinstance(main.method, str) and not self.symmetry and next(inside, None) is None

    @property
    def by_use(self) -> list[Noted]:
        """The regimes, that which has most of −4 ≤ x ≤ 4 first, the others by distance from 0."""

        def share(r: Noted) -> tuple[float, float]:
            low, high = max(r.lower, -4.0), min(r.upper, 4.0)
            return -max(high - low, 0.0), min(abs(r.lower), abs(r.upper))

        return sorted(self.regimes, key=share)


@dataclass
class Stretch:
    """One smooth branch on [low, high), for points of a type; with `lines`, by one line alone."""

    plan: Design
    f: Smooth
    low: float
    high: float
    fmt: Format = FLOAT64
    lines: bool = False

    def add(self, lower: float, upper: float, method: Any, why: str) -> None:
        if lower < upper:
            self.plan.regimes.append(Noted(lower, upper, method, why))

    def cover(self) -> None:
        signs = [s for s, end in ((1, self.high), (-1, self.low)) if math.isinf(end)]
        self.far = {s: far(self.f, s) for s in signs}
        self.plan.points += [(s * math.inf, end.limit) for s, end in self.far.items()]
        for top in (math.inf, _TURNS) if self.waves else (math.inf,):
            low, high = max(self.low, -top), min(self.high, top)
            line = self.line(low, high, ENOUGH if self.waves else GOOD)
            if line is not None:
                self.add(low, high, *line)
                for end in self.far.values() if top < math.inf else ():
                    self.by_amplitude(end, top)
                return
        if self.lines:
            raise UnsupportedError(f"no line of NumPy is accurate enough for {self.f.expr}")
        if not self.decaying_line():
            self.tabulate()

    def line(self, low: float, high: float, limit: float = GOOD) -> tuple[Any, str] | None:
        """The best line of NumPy on [low, high), if it is good enough; right at ±inf if one is."""
        if not self.f.expr.has(self.f.x):
            return self.f.constant, "constant"
        judge = Judge(self.f, low, high, fmt=self.fmt)
        found = [line for t in self.texts() if (line := self.judged(judge, t, limit))]
        if not found:
            return None
        _, narrow, error, _, text = min(found)
        self.plan.own &= not narrow
        self.plan.zeros += [] if self.waves else map(float, judge.zeros)
        return text, f"one line of NumPy: {error:.2f} ulp at worst of {judge.size} points"

    def texts(self) -> list[str]:
        """The lines to try."""
        lines = candidates(self.f.expr, {self.f.x: "x"})
        if isinstance(self.f, LogAbs):
            lines += map(_log_of, candidates(self.f.inner.expr, {self.f.x: "x"}))
        if self.fmt is FLOAT32:  # whose squares are exact in float64
            lines = [_SQUARE.sub(_plain_square, t) for t in lines]
        return lines

    def judged(
        self, judge: Judge, text: str, limit: float
    ) -> tuple[bool, bool, float, int, str] | None:
        """Of a line: if it misses a limit at ±inf, if it needs float64, error, size and text."""
        words = len(_WORDS.findall(text))
        method = emit.line(text)
        allowed = SHORT if self.fmt is FLOAT32 else limit if words > 1 else ENOUGH
        error = judge.worst(method)[0]
        if error <= allowed:
            error = max(error, judge.worst(method, judge.bends)[0])
        if error > allowed:
            return None
        with np.errstate(all="ignore"):
            ends = [(float(method(np.float64(s * math.inf))), e.limit) for s, e in self.far.items()
                    if math.isinf(judge.high if s > 0 else judge.low)]  # fmt: skip
        wrong = any(got != limit and limit == limit for got, limit in ends)
        own = self.fmt is FLOAT32 and (not words or bool(_ALONE.fullmatch(text)))
        if own:
            narrow = in_float32(method, judge.low, judge.high)
            own = narrow <= (GOOD if words else ENOUGH)
            error = narrow if own else error
        return wrong, not own, round(error, 2), len(text), text

    def decaying_line(self) -> bool:
        """One line up to where the result leaves the normal floats, if f decays at both ends."""
        ends = self.far.values()
        if any(end.kind != "decay" for end in ends) or not ends:
            return False
        for mark in (_LOWEST, _TINY):
            reach = {end.sign: self.crossing(end, 1.0, mark) for end in ends}
            low, high = -reach.get(-1, -self.low), reach.get(1, self.high)
            line = self.line(low, high)
            if line is not None:
                self.add(low, high, *line)
                for end in ends:
                    self.vanishing(end, reach[end.sign])
                return True
        return False

    # the grid

    def tabulate(self) -> None:
        self.series: dict[int, tuple[float, Laurent]] = {}
        for sign, end in self.far.items():
            if end.kind == "power":
                found = self.settled(end)
                if found is None:
                    self.far[sign] = replace(end, kind="wave")
                else:
                    self.series[sign] = found
        reach = self.inner()
        if reach is None:
            line = self.line(self.low, self.high, ENOUGH)
            if line is not None:
                self.add(self.low, self.high, *line)
                return
            raise UnsupportedError(
                f"no table of polynomials was found for {self.f.expr} on [{self.low}, {self.high})"
            )
        for sign, end in self.far.items():
            if end.kind == "wave":
                self.to_line(end, reach[sign])
            elif end.kind == "power":
                self.to_series(end, reach[sign])
            else:
                self.exponential(end, reach[sign])

    def settled(self, end: Far) -> tuple[float, Laurent] | None:
        """From where f is a power times a series in 1/x, and that series."""
        near = self.low if end.sign > 0 else -self.high
        start = max(4.0, near * 1.0625 if math.isfinite(near) else 0.0)
        while start < 2.0**40 and not (end.waves and start > _WAVE_FROM):
            found = in_reciprocals(self.f, end, start)
            if found is not None:
                return start, found
            start = _short(1.5 * start, start, 2 * start)
        return None

    @property
    def waves(self) -> bool:
        """Whether f oscillates, or is of no known kind, toward an end."""
        return any(end.kind == "wave" for end in self.far.values())

    def inner(self) -> dict[int, float] | None:
        """The central table; how far it reaches on each side."""
        signs = [s for s, end in ((1, self.high), (-1, self.low)) if s * end > 0]
        nearest = max(0.0, self.low, -self.high)
        limits = {1: self.high, -1: -self.low}
        wanted = {s: self.wanted(s, limits[s]) for s in signs}
        goal = min(max(wanted[s], nearest) for s in signs)
        best: tuple[Grid, list[list[Cell]], float] | None = None
        for bits, step in _WAVE_GRIDS if self.waves else _GRIDS:
            grid = Grid(step, bits)
            found = self.octaves(grid, signs, nearest, limits, wanted)
            if found is not None and (best is None or found[1] > best[2]):
                best = grid, *found
            if best is not None and best[2] >= min(goal, 30.0 if self.waves else 5.0):
                break
            if best is not None and not self.waves and (bits, step) != _GRIDS[0]:
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
        kind = self.far[sign].kind
        if kind == "power":
            return self.series[sign][0]
        return _WAVE_FROM if kind == "wave" else _DECAY_FROM

    def octaves(
        self, grid: Grid, signs: Sequence[int], nearest: float, limits: dict[int, float],
        wanted: dict[int, float],
    ) -> tuple[list[list[Cell]], float] | None:  # fmt: skip
        """Cells on both sides, octave by octave, while the degree stays small."""
        sides: list[list[Cell]] = [[] for _ in signs]
        goal = min(max(wanted[s], nearest) for s in signs)
        last = max(grid.octave(nearest), grid.octave(min(goal, 2.0**30)))
        reached, most = nearest, CENTRAL_DEGREE + 2 * self.waves
        for octave in range(grid.octave(nearest), last + 1):
            start = max(nearest, grid.step * (2.0**octave - 1))
            stop = grid.step * (2.0 ** (octave + 1) - 1)
            if reached >= goal:
                break
            edges = grid.edges(start, min(stop, max(goal, start * 1.001 + 1e-9)))
            more = [
                _cells(self.f, s, edges, start, limits[s], False, most + (octave > 0))
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

    def put(self, sign: int, lower: float, upper: float, method: Any, why: str) -> None:
        if sign > 0:
            self.add(lower, upper, method, why)
        else:
            self.add(-upper, -lower, method, why)

    def run(
        self, sign: int, low: float, high: float, why: str, tilt: bool = False, scale: int = 0,
        halvings: int = 5,
    ) -> None:  # fmt: skip
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
        self.run(sign, low, middle, why, tilt, scale, halvings - 1)
        self.run(sign, middle, high, why, tilt, scale, halvings - 1)

    def exponential(self, end: Far, start: float) -> None:
        decays = end.kind == "decay"
        mark, word = (_TINY, "falls") if decays else (_TOP, "grows")
        inner = self.crossing(end, start, mark)
        why = (
            f"f {word} like an exponential: exp(slope·t) is taken out of each cell; the bound is "
            f"where |f| is 2^{mark:.0f}"
        )
        self.run(end.sign, start, inner, why, tilt=True)
        if decays:
            self.vanishing(end, inner)
            return
        outer = math.nextafter(last_finite(self.f, end.sign, inner), math.inf)
        why = "the result may overflow: a scaled product; the bound is where |f| is 2^1024"
        self.run(end.sign, inner, outer, why, tilt=True, scale=64)
        self.put(end.sign, outer, math.inf, end.limit, "beyond the largest float")

    def vanishing(self, end: Far, inner: float) -> None:
        outer = self.crossing(end, inner, _LOWEST)
        why = (
            "the result leaves the normal floats: a scaled product whose last step alone rounds "
            "there; the bound is where |f| is 2^-1075"
        )
        if inner < outer:
            self.run(end.sign, inner, outer, why, tilt=True, scale=-200)
        self.put(end.sign, outer, math.inf, end.limit, "less than half the least float: zero")

    def crossing(self, end: Far, start: float, mark: float) -> float:
        """A float u (the first one for the lowest mark) from which log2|f(±u)| is beyond."""
        side = -1 if end.kind == "decay" else 1

        def before(u: float) -> bool:
            return side * (log2_size(self.f, end.sign * u) - mark) <= 0

        low, high = start, max(2 * start, 1.0)
        while before(high):
            low, high = high, 2 * high
            if high > 2.0**60:
                raise UnsupportedError(f"{self.f.expr} does not pass 2^{mark} in range")
        if mark > _LOWEST:
            return bisect(before, low, high, 2.0**-10)
        return math.nextafter(bisect(before, low, high), math.inf) if before(low) else low

    def to_series(self, end: Far, start: float) -> None:
        begin, series = self.series[end.sign]
        if begin > start:
            self.run(end.sign, start, begin, "between the grid and the series in 1/x")
        why = (
            f"|x|^({end.power}) times a polynomial of degree {len(series.coefficients) - 1} in "
            f"1/|x|{f' + ({end.logs})·log|x|' if end.logs else ''} within 2^-57 of f"
        )
        self.put(end.sign, max(begin, start), math.inf, series, why)

    def to_line(self, end: Far, start: float) -> None:
        low, high = sorted((end.sign * start, end.sign * math.inf))
        line = self.line(low, high, ENOUGH)
        if line is None:
            self.by_amplitude(end, start)
        else:
            self.put(end.sign, start, math.inf, *line)

    def by_amplitude(self, end: Far, start: float) -> None:
        low, high = sorted((end.sign * start, end.sign * math.inf))
        judge = Judge(self.f, low, high, 80)
        errors = [(judge.worst_of_wave(emit.line(t)), t) for t in self.texts()]
        worst, text = min(errors, default=(math.inf, ""))
        if not worst < 64:
            raise UnsupportedError(f"no method for {self.f.expr} toward {end.sign}·oo")
        why = f"one line of NumPy: {worst:.2f} ulp of the amplitude at worst"
        self.put(end.sign, start, math.inf, text, why)
        self.plan.amplitude_beyond = start


def _log_of(line: str) -> str:
    """The line of log|.| for that of a function; of waves it is accurate at both ends."""
    wave = re.fullmatch(r"np\.(sin|cos)(\(.*\))", line)
    if wave:
        return f"log_wave({line}, np.{'cos' if wave[1] == 'sin' else 'sin'}{wave[2]})"
    return f"log_{line}" if line.startswith("one_plus(") else f"np.log(np.absolute({line}))"


def _plain_square(found: re.Match[str]) -> str:
    """`exp_square` where x·x is exact."""
    c, *p = found[1].split(", ")
    text = p.pop() if p else ""
    while p:
        text = f"({p.pop()} + x * x * {text})"
    return f"{text}{' * ' if text else ''}np.exp({c} * x * x)"


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
