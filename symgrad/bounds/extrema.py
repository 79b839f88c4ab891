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
from symgrad.bounds.chart import Chart, Open, chart, locate
from symgrad.bounds.closed import identically_zero
from symgrad.bounds.ends import end_of
from symgrad.bounds.numbers import compare, enclosure, is_closed, value_at
from symgrad.errors import InputError, UndecidedError
from symgrad.fact import Derivation, Fact, Proved, Step, Undecided, Verdict
from symgrad.pieces import branches
from symgrad.render import Block, Para, Shown
from symgrad.rigor import Enclosure, constant, program
from symgrad.rigor.search import Budget, Meter

__all__ = ["Extrema", "Extremum", "Piece", "extrema", "pieces_on"]

METHOD = "sign chart of f' (interval Newton on a compact part, tail models beyond it)"
SOURCE = "Moore, Kearfott, Cloud 2009, Introduction to Interval Analysis, chapters 5 and 8"


@dataclass(frozen=True, slots=True)
class Extremum(Shown):
    """`value` = sup f or inf f, exact; `where` the set of points that take it.

    `toward` lists the ends and one-sided points at which f tends to the value without taking it.
    """

    kind: str
    value: Expr
    where: Set
    attained: bool
    toward: tuple[Expr, ...] = ()

    @property
    def closed(self) -> bool:
        """Whether the value is a closed form, not digits alone."""
        return is_closed(self.value)

    def enclosure(self, digits: int = 30) -> Enclosure:
        """The value between two rationals that agree to `digits` significant digits."""
        return enclosure(self.value, digits)

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
class Extrema(Shown):
    """inf.value ≤ f(x) ≤ sup.value for all x in `on`, and neither can be improved."""

    f: Univariate
    on: Set
    sup: Extremum
    inf: Extremum
    fact: Fact

    @property
    def verdict(self) -> Verdict:
        return self.fact.verdict

    @property
    def derivation(self) -> Derivation:
        return self.fact.derivation

    def _blocks(self) -> list[Block]:
        return [*self.sup._blocks(), *self.inf._blocks(), *self.fact._blocks()]


@dataclass(frozen=True, slots=True)
class Piece:
    """The smooth expression that f is on a set: an interval, or one point."""

    expr: Expr
    on: Set

    @property
    def lo(self) -> Expr:
        return self.on.inf

    @property
    def hi(self) -> Expr:
        return self.on.sup


@dataclass(frozen=True, slots=True)
class Candidate:
    """A value that f takes on `where`, or tends to from one side at `toward`."""

    value: Expr
    where: Set
    toward: tuple[Expr, ...]
    expr: Expr


def check_one_variable(f: Univariate) -> None:
    """One error where the expression has a second free symbol."""
    others = sorted(map(str, f.elementary.free_symbols - {f.x}))
    if others:
        raise InputError(
            f"{f.name} has the free symbols {', '.join(others)} beside {f.x}; "
            "give them values: .subs(...) or g.bind(...)"
        )


def pieces_on(f: Univariate, on: Set) -> list[Piece]:
    """f on an interval as smooth pieces from left to right."""
    check_one_variable(f)
    if not isinstance(on, (Interval, FiniteSet)) and on is not Reals:
        raise InputError(f"bounds are asked on an interval or Reals, got {on}")
    whole = Interval(S.NegativeInfinity, S.Infinity) if on is Reals else on
    parts = (Piece(e, d.intersect(whole)) for d, e in branches(f.elementary, f.x))
    return [p for p in parts if p.on is not S.EmptySet]


def extrema(
    f: Any, on: Set = Reals, *, x: Symbol | None = None, budget: Budget | None = None
) -> Extrema:
    """sup f and inf f over an interval, exact, with the points that take them, proved.

    For a derivative `g.d(n)` the statement is about the function off the kinks of g, where the limits
    from both sides count. Raises `DomainError` at a pole in the interval, `InputError` for a second
    free symbol. What the budget does not decide is `Undecided`, with the open intervals.

    >>> from symgrad.catalogue import activation
    >>> bounds = extrema(activation("sigmoid").d(1))
    >>> bounds.sup.value, bounds.sup.where, bounds.inf.value, bounds.inf.attained
    (1/4, {0}, 0, False)
    """
    u = univariate(f, x)
    meter = Meter(budget)
    try:
        candidates, steps = _candidates(u, on, meter)
        sup = _pick("sup", candidates, 1, u.x)
        inf = _pick("inf", candidates, -1, u.x)
    except Open as open_part:
        return _undecided(u, on, str(open_part))
    except UndecidedError as why:
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
    statement = sympy.And(*bounds, evaluate=False)
    last = Step(
        statement,
        "f is monotone between neighbouring candidates, so the largest and the smallest of them bound it",
        Proved(METHOD),
        tuple(range(1, len(steps) + 1)),
    )
    under = () if on is Reals else (sympy.Contains(u.x, on),)
    return Fact(_id(u, on, "extrema"), statement, Derivation((*steps, last)), under, SOURCE)


def _candidates(u: Univariate, on: Set, meter: Meter) -> tuple[list[Candidate], list[Step]]:
    found: list[Candidate] = []
    steps: list[Step] = []
    sides: dict[Expr, list[tuple[Expr, Expr]]] = {}
    pieces = pieces_on(u, on)
    for piece in pieces:
        if isinstance(piece.on, FiniteSet):
            sides.setdefault(piece.lo, [])
            continue
        signs = chart(piece.expr.diff(u.x), u.x, piece.lo, piece.hi, meter)
        found += _critical(piece, signs, u.x)
        for end, side in ((piece.lo, -1), (piece.hi, 1)):
            limit = _limit(piece.expr, u.x, end, side)
            if end.is_infinite:
                if signs.signs != (0,):
                    found.append(Candidate(limit, S.EmptySet, (end,), piece.expr))
            else:
                sides.setdefault(end, []).append((limit, piece.expr))
        steps.append(_step(u, piece, signs))
    for at, limits in sides.items():
        found += _at_break(u, on, at, limits)
    return found, steps


def _critical(piece: Piece, signs: Chart, x: Symbol) -> list[Candidate]:
    if signs.signs == (0,):
        inner = Interval.open(piece.lo, piece.hi)
        value = value_at(piece.expr, x, locate(piece.lo, piece.hi))
        return [Candidate(value, inner, (), piece.expr)]
    turns = [
        z.at for z, a, b in zip(signs.zeros, signs.signs, signs.signs[1:], strict=False) if a != b
    ]
    return [Candidate(value_at(piece.expr, x, c), FiniteSet(c), (), piece.expr) for c in turns]


def _limit(expr: Expr, x: Symbol, end: Expr, side: int) -> Expr:
    if end.is_finite and program(expr, x).ball(constant(end, 128), prec=128).is_finite():
        return value_at(expr, x, end)
    return end_of(expr, x, end, side).limit


def _at_break(u: Univariate, on: Set, at: Expr, limits: list[tuple[Expr, Expr]]) -> list[Candidate]:
    """One point with its one-sided limits: the value counts for g, and for g⁽ⁿ⁾ where they agree."""
    within = bool(on.contains(at) == True)  # noqa: E712
    expr = limits[0][1] if limits else S.Zero
    agree = all(compare(a, limits[0][0]) == 0 for a, _ in limits[1:]) if limits else False
    value = None
    if within and u.order == 0:
        value = _value(u, at)
    elif within and agree:
        value = limits[0][0]
    found = [Candidate(value, FiniteSet(at), (), expr)] if value is not None else []
    for limit, side in limits:
        if value is None or compare(limit, value) != 0:
            found.append(Candidate(limit, S.EmptySet, (at,), side))
    return found


def _value(u: Univariate, at: Expr) -> Expr | None:
    for domain, expr in branches(u.elementary, u.x):
        if domain.contains(at) == True and constant(expr.subs(u.x, at)).is_finite():  # noqa: E712
            return value_at(expr, u.x, at)
    return None


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
    boxes = sum(len(p.isolation.leaves) for p in signs.parts if p.isolation)
    if boxes:
        said.append(f"{boxes} boxes on the compact part")
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
    toward = tuple(dict.fromkeys(e for c in best for e in c.toward))
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
