"""sup f and inf f on an interval, with where they are taken: the candidates of a proved sign chart.

Between two neighbouring zeros of f', breaks and ends, f is monotone; so sup f is the largest of its
values at the zeros of f' and of its limits at breaks and ends, and it is attained where one of the
largest is a value of f.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import sympy
from sympy import Expr, FiniteSet, Interval, Reals, S, Set, Symbol

from symgrad.activation import Univariate, univariate
from symgrad.bounds.breaks import Break, Piece, breaks, limit_at, pieces_on
from symgrad.bounds.chart import Chart, chart
from symgrad.bounds.closed import identically_zero
from symgrad.bounds.ends import Oscillates, end_of
from symgrad.bounds.numbers import Valued, compare, is_closed, value_at
from symgrad.bounds.waves import over_one_period, period_of, shifts, wave_limit
from symgrad.errors import UndecidedError, UnsupportedError
from symgrad.fact import Derivation, Fact, Proved, Result, Step, Undecided
from symgrad.pieces import locate
from symgrad.render import Block, Para, Shown
from symgrad.rigor import constant
from symgrad.rigor.search import Budget, Meter

__all__ = ["Extrema", "Extremum", "extrema"]

METHOD = "sign chart of f' (interval Newton on a compact part, tail models beyond it)"
SOURCE = "Moore, Kearfott, Cloud 2009, Introduction to Interval Analysis, chapters 5 and 8"


@dataclass(frozen=True, slots=True)
class Extremum(Valued, Shown):
    """`value` = sup f or inf f, exact; `where` the set of points that take it.

    `toward` lists the ends and one-sided points at which f tends to the value without taking it.
    """

    kind: str
    value: Expr
    where: Set
    attained: bool
    toward: tuple[Expr, ...] = ()

    def _blocks(self) -> list[Block]:
        if self.value is S.NaN:
            return [Para(f"{self.kind} is not decided.")]
        if self.attained:
            how: list[Any] = ["attained on ", self.where]
        else:
            how = ["not attained"]
        if self.toward:
            how += [", approached toward ", FiniteSet(*self.toward)]
        return [Para(f"{self.kind} = ", self.value, ", ", *how)]


@dataclass(frozen=True, slots=True)
class Extrema(Result):
    """inf.value ≤ f(x) ≤ sup.value for all x in `on`, and neither can be improved."""

    f: Univariate
    on: Set
    sup: Extremum
    inf: Extremum
    fact: Fact

    def _blocks(self) -> list[Block]:
        return [*self.sup._blocks(), *self.inf._blocks(), *self.fact._blocks()]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A value that f takes on `where`, or tends to from one side at `toward`."""

    value: Expr
    where: Set
    toward: tuple[Expr, ...]
    expr: Expr


def extrema(
    f: Any, on: Set = Reals, *, x: Symbol | None = None, budget: Budget | None = None
) -> Extrema:
    """sup f and inf f over an interval, exact, with the points that take them, proved.

    For a derivative `g.d(n)` the statement is about the function off the kinks of g, where the
    limits from both sides count. Raises `DomainError` at a pole in the interval, `InputError` for a
    second free symbol. What the budget does not decide is `Undecided`, with the open intervals.

    >>> from symgrad.catalogue import activation
    >>> bounds = extrema(activation("sigmoid").d(1))
    >>> bounds.sup.value, bounds.sup.where, bounds.inf.value, bounds.inf.attained
    (1/4, {0}, 0, False)
    """
    u = f if isinstance(f, Univariate) else univariate(f, x)
    meter = Meter(budget)
    try:
        candidates, steps = _candidates(u, on, meter)
        sup = _pick("sup", candidates, 1, u.x)
        inf = _pick("inf", candidates, -1, u.x)
    except (UndecidedError, UnsupportedError) as why:
        return _undecided(u, on, str(why))
    return Extrema(u, on, sup, inf, _fact(u, on, sup, inf, steps))


def _undecided(u: Univariate, on: Set, why: str) -> Extrema:
    nothing = Extremum("sup", S.NaN, S.EmptySet, False)
    step = Step(sympy.Contains(u.x, on), METHOD, Undecided(why))
    fact = Fact(_id(u, on, "extrema"), sympy.Contains(u.x, on), Derivation((step,)), source=SOURCE)
    return Extrema(u, on, nothing, replace(nothing, kind="inf"), fact)


def _id(u: Univariate, on: Set, what: str) -> str:
    return f"{u.name}.{what}" + ("" if on is Reals else f"[{on.inf},{on.sup}]")


def _fact(u: Univariate, on: Set, sup: Extremum, inf: Extremum, steps: list[Step]) -> Fact:
    bounds = [
        sympy.Ge(u.expr, inf.value, evaluate=False),
        sympy.Le(u.expr, sup.value, evaluate=False),
    ]
    statement = sympy.And(*bounds, evaluate=False)  # type: ignore[call-arg]
    last = Step(
        statement,
        "f is monotone between neighbouring candidates: the largest and the smallest bound it",
        Proved(METHOD),
        tuple(range(1, len(steps) + 1)),
    )
    under = () if on is Reals else (sympy.Contains(u.x, on),)
    return Fact(_id(u, on, "extrema"), statement, Derivation((*steps, last)), under, SOURCE)


def _candidates(u: Univariate, on: Set, meter: Meter) -> tuple[list[Candidate], list[Step]]:
    found: list[Candidate] = []
    steps: list[Step] = []
    pieces = pieces_on(u, on)
    for piece in pieces:
        if piece.is_point:
            continue
        try:
            signs = chart(piece.expr.diff(u.x), u.x, piece.lo, piece.hi, meter)
        except Oscillates:
            more, because = _wave_candidates(piece, u.x, meter)
            found += more
            claim = sympy.Contains(u.x, piece.on)
            steps.append(Step(claim, because, Proved(METHOD)))
            continue
        found += _critical(piece.expr, u.x, signs)
        if signs.signs != (0,):
            for end, side in ((piece.lo, -1), (piece.hi, 1)):
                if end.is_infinite:
                    limit = limit_at(piece.expr, u.x, end, side)
                    found.append(Candidate(limit, S.EmptySet, (end,), piece.expr))
        steps.append(_step(u, piece, signs))
    for point in breaks(u, on, pieces):
        found += _at_break(point)
    return found, steps


def _critical(expr: Expr, x: Symbol, signs: Chart) -> list[Candidate]:
    if signs.signs == (0,):
        inner = Interval.open(signs.lo, signs.hi)
        value = value_at(expr, x, locate(signs.lo, signs.hi))
        return [Candidate(value, inner, (), expr)]
    sides = zip(signs.zeros, signs.signs, signs.signs[1:], strict=False)
    turns = [z.at for z, a, b in sides if a != b]
    return [Candidate(value_at(expr, x, c), FiniteSet(c), (), expr) for c in turns]


def _at_break(point: Break) -> list[Candidate]:
    """One point with its one-sided limits; a limit equal to the value adds nothing."""
    value = point.value
    found = []
    if value is not None:
        expr = point.limits[0][1] if point.limits else S.Zero
        found.append(Candidate(value, FiniteSet(point.at), (), expr))
    for limit, side in point.limits:
        if value is None or compare(limit, value) != 0:
            found.append(Candidate(limit, S.EmptySet, (point.at,), side))
    return found


def _wave_candidates(piece: Piece, x: Symbol, meter: Meter) -> tuple[list[Candidate], str]:
    """A piece whose derivative changes sign for ever: one period, or a compact part and ends."""
    expr, lo, hi = piece.expr, piece.lo, piece.hi
    slope = over_one_period(expr.diff(x), x, lo, hi, meter) if period_of(expr, x) else None
    if slope is not None:
        period = slope.hi - slope.lo
        found = _critical(expr, x, slope)
        found.append(Candidate(value_at(expr, x, slope.lo), FiniteSet(slope.lo), (), expr))
        shifted = [replace(c, where=shifts(c.where, period, piece.on)) for c in found]
        return shifted, f"f has the period {period}; one period is decided by its sign chart"
    far = [e for e in (lo, hi) if e.is_infinite]
    found = [Candidate(v, S.EmptySet, (e,), expr) for e in far for v in wave_limit(expr, x, e)]
    if {c.value for c in found} >= {S.Infinity, S.NegativeInfinity}:
        return found, "f is unbounded above and below"
    near = [
        Candidate(limit_at(expr, x, e, side), S.EmptySet, (), expr)
        for e, side in ((lo, -1), (hi, 1))
        if e.is_finite
    ]
    start = 8
    while start <= 4096:
        left, right = sympy.Max(lo, -start), sympy.Min(hi, start)
        inner = _critical(expr, x, chart(expr.diff(x), x, left, right, meter))
        values = [c.value for c in (*inner, *near)]
        if values and all(_settled(expr, x, c, start, values) for c in found):
            return found + inner, f"f beyond |x| = {start} lies between values that it takes inside"
        start *= 4
    raise UndecidedError(f"{expr} does not settle below its values inside before |x| = {start}")


def _settled(expr: Expr, x: Symbol, limit: Candidate, start: int, values: list[Expr]) -> bool:
    """Whether f beyond `start` stays between the least and the greatest value and its limit."""
    (end,) = limit.toward
    for which, side in ((min, 1), (max, -1)):
        best = which(values, key=lambda v: float(v.n(20)))
        if limit.value != -side * S.Infinity:
            far = end_of(expr - best, x, end, 1 if end is S.Infinity else -1)
            if far.sign != side or not bool(abs(far.start) <= start):
                return False
    return True


def _step(u: Univariate, piece: Piece, signs: Chart) -> Step:
    slope = sympy.Derivative(u.expr, u.x)
    zeros = FiniteSet(*(z.at for z in signs.zeros))
    if signs.signs == (0,):
        claim: sympy.Basic = sympy.Eq(slope, 0, evaluate=False)
        because = f"f is constant on {piece.on}"
    else:
        claim = sympy.Eq(
            sympy.ConditionSet(u.x, sympy.Eq(slope, 0), piece.on), zeros, evaluate=False
        )
        because = _because(signs)
    return Step(claim, because, Proved(METHOD))


def _because(signs: Chart) -> str:
    """How the chart was proved, in one sentence."""
    said = [f"{len(signs.parts)} factors" if len(signs.parts) > 1 else "one factor"]
    if signs.boxes:
        said.append(f"{signs.boxes} boxes on the compact part")
    tails = sum(e is not None for p in signs.parts for e in p.ends)
    if tails:
        said.append(f"{tails} tail models")
    return "zeros of f' isolated and proved complete: " + ", ".join(said)


def _pick(kind: str, candidates: list[Candidate], side: int, x: Symbol) -> Extremum:
    """The largest candidate, with all that equal it."""
    same: Callable[[Candidate, Candidate], bool] = lambda a, b: _mirrored(a, b, x)
    best: list[Candidate] = []
    for c in candidates:
        if not best:
            best = [c]
            continue
        which = 0 if same(c, best[0]) else side * compare(c.value, best[0].value)
        if which > 0:
            best = [c]
        elif which == 0:
            best.append(c)
    if not best:
        raise UndecidedError("the function has no value on the set")
    where = sympy.Union(*(c.where for c in best))
    ends = dict.fromkeys(e for c in best for e in c.toward)
    toward = tuple(e for e in ends if e.is_infinite or where.closure.contains(e) is not S.true)
    value = min((c.value for c in best), key=sympy.count_ops)
    return Extremum(kind, value, where, where is not S.EmptySet, toward)


def _mirrored(a: Candidate, b: Candidate, x: Symbol) -> bool:
    """Whether a and b are the values of an even function at zeros ±c of its derivative."""
    if not (isinstance(a.where, FiniteSet) and isinstance(b.where, FiniteSet)):
        return False
    p, q = a.where.args[0], b.where.args[0]
    if is_closed(p) or is_closed(q):  # type: ignore[arg-type]
        return False
    if not constant(p, 128).overlaps(constant(-q, 128)):  # type: ignore[operator,arg-type]
        return False
    return identically_zero(a.expr.subs(x, -x) - b.expr, x)
