"""Lipschitz constants, and the place from which on a derivative stays small."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import sympy
from sympy import Expr, Interval, Rational, Reals, S, Set, Symbol

from symgrad.activation import Univariate, univariate
from symgrad.bounds.breaks import Piece, breaks, limit_at, open_pieces, pieces_on
from symgrad.bounds.chart import Chart, chart
from symgrad.bounds.closed import exact_zeros
from symgrad.bounds.ends import Oscillates, amplitude, end_of
from symgrad.bounds.extrema import extrema
from symgrad.bounds.numbers import Valued, compare, enclosure
from symgrad.bounds.waves import over_one_period, period_of
from symgrad.bounds.zeros import derivative_of
from symgrad.calculus import factors
from symgrad.errors import InputError, UndecidedError, UnsupportedError
from symgrad.fact import Derivation, Fact, Proved, Result, Step, Undecided
from symgrad.pieces import locate
from symgrad.render import Block, Formula, Para
from symgrad.rigor import Enclosure, constant, precision, program
from symgrad.rigor.constants import exact
from symgrad.rigor.roots import RealRoot
from symgrad.rigor.search import Budget, Meter, point_sign

__all__ = ["Lipschitz", "Saturation", "lipschitz", "saturation"]

METHOD = "sign chart of g'' (interval Newton, tail models), values of g' between its zeros"
Mark = tuple[Expr, Expr]
_PARTS = (S.Half, Rational(3, 8), Rational(9, 16))
_MOST_WINDOWS = 40
_MOST_HALVINGS = 4096
EPSILON = Symbol("epsilon", positive=True)


@dataclass(frozen=True, slots=True)
class Lipschitz(Valued, Result):
    """`value` is the least K with |g(u) − g(v)| ≤ K·|u − v| on the set; `where` |g'| takes it."""

    f: Univariate
    on: Set
    value: Expr
    where: Set
    fact: Fact

    def _blocks(self) -> list[Block]:
        return list(self.fact._blocks())


def lipschitz(
    g: Any, on: Set = Reals, *, x: Symbol | None = None, budget: Budget | None = None
) -> Lipschitz:
    """The least Lipschitz constant on an interval: sup |g'|, or oo where g jumps.

    A continuous g that is smooth off finitely many points satisfies the mean value theorem piece by
    piece, so sup |g'| is a Lipschitz constant, and difference quotients show that none is smaller.

    >>> from symgrad.catalogue import activation
    >>> lipschitz(activation("sigmoid")).value
    1/4
    """
    u = univariate(g, x)
    jump = _jump(u, on)
    if jump is not None:
        step = Step(
            sympy.Ne(u.expr, u.expr.subs(u.x, jump)), f"g jumps at {jump}", Proved("limits")
        )
        return _lipschitz(u, on, S.Infinity, S.EmptySet, (step,))
    slope = extrema(derivative_of(u), on, budget=budget)
    if not slope.verdict:
        return _lipschitz(u, on, S.NaN, S.EmptySet, slope.derivation.steps)
    high, low = slope.sup, slope.inf
    try:
        which = compare(high.value, -low.value)
    except UndecidedError:  # equal to thousands of bits: an odd g' has sup = −inf
        which = 0 if low.value.n(40) == -high.value.n(40) else 1
    where = high.where if which > 0 else low.where if which < 0 else high.where.union(low.where)
    value = high.value if which >= 0 else -low.value
    return _lipschitz(u, on, value, where, slope.derivation.steps)


def _jump(u: Univariate, on: Set) -> Expr | None:
    """A point where the function is not continuous."""
    for point in breaks(u, on, pieces_on(u, on)):
        values = [limit for limit, _ in point.limits] + (
            [point.value] if point.value is not None else []
        )
        if any(compare(v, values[0]) != 0 for v in values[1:]):
            return point.at
    return None


def _lipschitz(
    u: Univariate, on: Set, value: Expr, where: Set, steps: tuple[Step, ...]
) -> Lipschitz:
    a, b = Symbol("u", real=True), Symbol("v", real=True)
    gap = sympy.Abs(u.expr.subs(u.x, a) - u.expr.subs(u.x, b))
    claim = sympy.Le(gap, value * sympy.Abs(a - b), evaluate=False)
    last = Step(claim, "mean value theorem on each smooth piece", Proved("mean value theorem"))
    name = f"{u.name}.lipschitz" + ("" if on is Reals else f"[{on.inf},{on.sup}]")
    return Lipschitz(u, on, value, where, Fact(name, claim, Derivation((*steps, last))))


@dataclass(frozen=True, slots=True)
class Saturation(Valued, Result):
    """|g'(x)| ≤ eps for every x beyond `value`, and for no smaller bound.

    `value` is −oo (oo toward −oo) if every x will do, and None where |g'| does not stay below eps.
    `law` is an expression in ε that `value` is asymptotic to as ε → 0, or None.
    """

    f: Univariate
    eps: Expr
    toward: Expr
    value: Expr | None
    law: Expr | None
    fact: Fact

    def enclosure(self, digits: int = 30) -> Enclosure:
        """The threshold between two rationals that agree to `digits` significant digits."""
        if self.value is None or self.value.is_infinite:
            raise InputError(f"{self.f.name} has no finite threshold for eps = {self.eps}")
        return enclosure(self.value, digits)

    def _blocks(self) -> list[Block]:
        if self.law is None:
            return list(self.fact._blocks())
        asymptotic = Para("as ε → 0 the threshold is asymptotic to")
        return [*self.fact._blocks(), asymptotic, Formula(self.law)]


def saturation(
    g: Any,
    eps: Any,
    toward: Any = S.Infinity,
    *,
    x: Symbol | None = None,
    budget: Budget | None = None,
) -> Saturation:
    """The least x beyond which |g'(x)| ≤ eps for good (the greatest toward −oo), off the kinks.

    A float eps means its exact binary value. Raises `InputError` for eps ≤ 0.

    >>> from sympy import Rational
    >>> from symgrad.catalogue import activation
    >>> found = saturation(activation("sigmoid"), Rational(1, 16))
    >>> found.value, found.law
    (2*log(sqrt(3) + 2), log(1/epsilon))
    """
    end = sympy.sympify(toward, strict=True)
    small = sympy.sympify(eps, strict=True)
    small = sympy.Rational(small) if small.is_Float else small
    if end not in (S.Infinity, S.NegativeInfinity):
        raise InputError(f"saturation runs toward oo or -oo, got {toward}")
    if not (small.is_number and small.is_positive):
        raise InputError(f"saturation needs a number eps > 0, got {eps}")
    u = univariate(g, x)
    slope = derivative_of(u)
    try:
        value, steps = _threshold(slope, small, end, Meter(budget))
    except (UndecidedError, UnsupportedError) as why:
        step = Step(sympy.Le(sympy.Abs(slope.expr), small), METHOD, Undecided(str(why)))
        return Saturation(
            u, small, end, S.NaN, None, Fact(_id(u, end), step.claim, Derivation((step,)))
        )
    law = _law(slope, end) if value is not None else None
    return Saturation(u, small, end, value, law, _fact(u, slope, small, end, value, steps))


def _id(u: Univariate, end: Expr) -> str:
    return f"{u.name}.saturation{'+' if end is S.Infinity else '-'}"


def _fact(
    u: Univariate, slope: Univariate, eps: Expr, end: Expr, value: Expr | None, steps: list[Step]
) -> Fact:
    claim: Any = sympy.Le(sympy.Abs(slope.expr), eps, evaluate=False)
    under: tuple[Any, ...] = ()
    if value is None:
        claim = sympy.Not(claim, evaluate=False)
        because = f"|g'| exceeds ε arbitrarily far toward {end}"
    else:
        beyond = sympy.Ge if end is S.Infinity else sympy.Le
        under = () if value.is_infinite else (beyond(u.x, value, evaluate=False),)
        because = (
            "g' is monotone between the zeros of g''; beyond the last crossing it stays in [−ε, ε]"
        )
    last = Step(claim, because, Proved(METHOD), tuple(range(1, len(steps) + 1)), under)
    return Fact(_id(u, end), claim, Derivation((*steps, last)), under)


def _threshold(
    slope: Univariate, eps: Expr, end: Expr, meter: Meter
) -> tuple[Expr | None, list[Step]]:
    """The end, nearest to `end`, of the set where |g'| > ε, from the outermost cell inwards."""
    x, side = slope.x, 1 if end is S.Infinity else -1
    steps: list[Step] = []
    for piece in open_pieces(slope, Reals)[::-side]:
        for window, again in _windows(piece, x, eps, end, meter):
            steps.append(_step(slope, window))
            ends = {window[0]: -1, window[-1]: 1}
            marks = ((c, limit_at(piece.expr, x, c, ends.get(c, side))) for c in window[::-side])
            for outer, inner in pairwise(marks):
                value = _last_beyond(piece.expr, x, eps, outer, inner)
                if value is not None:
                    return (None if value.is_infinite or again else value), steps
    return -side * S.Infinity, steps


def _windows(
    piece: Piece, x: Symbol, eps: Expr, end: Expr, meter: Meter
) -> Iterator[tuple[tuple[Expr, ...], bool]]:
    """Points of a piece between which g' is monotone, from the outermost window inwards.

    The second of a pair tells whether it is one period, which comes again for ever.
    """
    f, lo, hi = piece.expr, piece.lo, piece.hi
    try:
        yield _marks(chart(f.diff(x), x, lo, hi, meter)), False
        return
    except Oscillates:
        period = over_one_period(f.diff(x), x, lo, hi, meter) if period_of(f, x) else None
    if period is not None:
        yield _marks(period), True
        return
    side = 1 if end is S.Infinity else -1
    inner = lo if side > 0 else hi
    at, width = side * _start_of_calm(f, x, eps, end), sympy.Integer(16)
    for _ in range(_MOST_WINDOWS):
        if side * (at - inner) <= 0:
            return
        stop = at - side * width
        stop = stop if inner.is_infinite or side * (stop - inner) > 0 else inner
        ends = (stop - at, S.Zero)[::side]
        moved = chart(f.diff(x).subs(x, x + at), x, ends[0], ends[1], meter)
        yield tuple(at + c for c in _marks(moved)), False
        at, width = stop, 2 * width
    raise UndecidedError(f"|{f}| exceeds {eps} nowhere between {at} and where it must be below")


def _marks(slope: Chart) -> tuple[Expr, ...]:
    return (slope.lo, *(z.at for z in slope.zeros), slope.hi)


def _start_of_calm(f: Expr, x: Symbol, eps: Expr, end: Expr) -> Expr:
    """The least integer that is seen to have |f| < ε for all |x| beyond it."""
    wave, bound = amplitude(f, x, end), constant(eps)
    low: Any = sympy.Integer(1)
    high: Any = sympy.Integer(2)
    while not wave.bound(high) < bound:
        low, high = high, 2 * high
        if high > 2**200:
            raise UnsupportedError(f"{f} oscillates toward {end}; no bound below {eps} is found")
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if wave.bound(middle) < bound else (middle, high)
    return high


def _side_of(value: Expr, eps: Expr) -> int:
    """1 above ε, −1 below −ε, 0 between."""
    return 1 if compare(value, eps) > 0 else -1 if compare(value, -eps) < 0 else 0


def _last_beyond(f: Expr, x: Symbol, eps: Expr, outer: Mark, inner: Mark) -> Expr | None:
    """The outer end of {|f| > ε} between two points with their values, where f is monotone."""
    above = _side_of(inner[1], eps)
    if _side_of(outer[1], eps) or (above and compare(outer[1], above * eps) == 0):
        return outer[0]
    if not above:
        return None
    h = f - above * eps
    lo, hi = sorted(_bracket(h, x, inner[0], outer[0], above))
    with precision(128):
        box = constant(lo).union(constant(hi))
    for c in (c for p, n in factors(h, x) if n > 0 and p.has(x) for c in exact_zeros(p, x)):
        if constant(c, 128) in box:
            return c
    return RealRoot(h, x, lo, hi)


def _bracket(h: Expr, x: Symbol, inner: Expr, outer: Expr, above: int) -> tuple[Any, Any]:
    """Two dyadic numbers beside the one zero of h between two points, where `inner` has `above`."""
    f = program(h, x)
    for k in range(_MOST_HALVINGS):
        tried = [locate(inner, outer, part, part * 2 ** (k - 3)) for part in _PARTS]
        signs = ((at, point_sign(f, at)) for at in (constant(c, 128).mid() for c in tried))
        at, which = next((pair for pair in signs if pair[1]), (None, None))
        if at is None:
            raise UndecidedError(f"the sign of {h} at {x} = {tried} is not decided")
        inner, outer = (exact(at), outer) if which == above else (inner, exact(at))
        size = abs(outer - inner) * 2**40  # type: ignore[operator]
        if inner.is_Rational and outer.is_Rational and bool(size < 1 + abs(inner)):
            return inner, outer
    raise UndecidedError(f"the sign of {h} does not change before {x} = {inner}")


def _step(slope: Univariate, window: tuple[Expr, ...]) -> Step:
    bend = sympy.Eq(sympy.Derivative(slope.expr, slope.x), 0, evaluate=False)
    inside = sympy.ConditionSet(slope.x, bend, Interval.open(window[0], window[-1]))
    claim = sympy.Eq(inside, sympy.FiniteSet(*window[1:-1]), evaluate=False)
    return Step(claim, "sign chart of g''", Proved(METHOD))


def _law(slope: Univariate, end: Expr) -> Expr | None:
    """x ~ law(ε) from g' ~ c·x^p·exp(−S): S(x) = log(1/ε), or c·x^p = ε where S = 0."""
    side = 1 if end is S.Infinity else -1
    piece = open_pieces(slope, Reals)[::side][-1]
    try:
        found = end_of(piece.expr, slope.x, end, side)
    except (Oscillates, UnsupportedError, UndecidedError):
        return None
    if found.limit != 0 or found.sign == 0:
        return None
    t = Symbol("t", positive=True)
    law = _inverted(sympy.powsimp(found.law.subs(slope.x, side * t)), t, EPSILON)
    return None if law is None else side * law


def _inverted(law: Any, t: Symbol, eps: Expr) -> Expr | None:
    """The leading behaviour of the large t with law(t) = eps → 0."""
    exponents: Any = [e.exp for e in sympy.Mul.make_args(law) if isinstance(e, sympy.exp)]
    if not exponents:
        c, rest = law.as_independent(t)
        power = rest.as_base_exp()[1] if rest.as_base_exp()[0] == t else None
        return (abs(c) / eps) ** (-1 / power) if power is not None else None
    decay = -sympy.expand(sympy.Add(*exponents))
    return _large(decay, t, sympy.log(1 / eps))


def _large(decay: Any, t: Symbol, goal: Expr) -> Expr | None:
    """The leading behaviour of t with decay(t) = goal → oo."""
    terms = sympy.Add.make_args(decay)
    inner = [(e, term) for term in terms for e in term.atoms(sympy.exp) if e.has(t)]
    if inner:
        return _large(inner[0][0].exp, t, sympy.log(goal)) if len(inner) == 1 else None
    poly = sympy.Poly(decay, t) if decay.is_polynomial(t) else None
    if poly is None:
        return None
    lead, degree = poly.LC(), poly.degree()
    return (goal / lead) ** sympy.Rational(1, degree)
