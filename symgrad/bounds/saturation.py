"""Lipschitz constants, and the place from which on a derivative stays small."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sympy
from flint import arb
from sympy import Expr, Interval, Reals, S, Set, Symbol

from symgrad.activation import Univariate, univariate
from symgrad.bounds.breaks import breaks, open_pieces, pieces_on
from symgrad.bounds.chart import chart
from symgrad.bounds.ends import End, Oscillates, amplitude_beyond, end_of
from symgrad.bounds.extrema import extrema
from symgrad.bounds.numbers import Valued, compare, enclosure
from symgrad.bounds.waves import is_wavy, period_of
from symgrad.bounds.zeros import derivative_of
from symgrad.errors import InputError, UndecidedError, UnsupportedError
from symgrad.fact import Derivation, Fact, Proved, Result, Step, Undecided
from symgrad.pieces import order
from symgrad.render import Block, Formula, Para
from symgrad.rigor import Enclosure, Program, constant, precision, program
from symgrad.rigor.constants import rational_upper
from symgrad.rigor.search import Budget, Meter

__all__ = ["Lipschitz", "Saturation", "lipschitz", "saturation"]

METHOD = "sign charts of g' − ε and g' + ε (interval Newton, tail models)"
Window = tuple[Expr, Expr]
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
        because = "g' stays in [−ε, ε] beyond the last crossing, and leaves it just before"
    last = Step(claim, because, Proved(METHOD), tuple(range(1, len(steps) + 1)), under)
    return Fact(_id(u, end), claim, Derivation((*steps, last)), under)


def _threshold(
    slope: Univariate, eps: Expr, end: Expr, meter: Meter
) -> tuple[Expr | None, list[Step]]:
    """The end, nearest to `end`, of the set where |g'| > ε."""
    x, outward = slope.x, end is S.Infinity
    pieces = open_pieces(slope, Reals)
    steps: list[Step] = []
    for piece in reversed(pieces) if outward else pieces:
        lo, hi = piece.lo, piece.hi
        if end in (lo, hi) and not is_wavy(piece.expr, x):
            windows = _last_windows(piece.expr, x, eps, (lo, hi), end, meter, steps)
            if not windows:
                return None, steps
        elif end in (lo, hi):
            period = period_of(piece.expr, x)
            if period is not None:
                start = hi - period if hi.is_finite else lo if lo.is_finite else S.Zero
                if _outside(slope, piece.expr, eps, (start, start + period), meter, steps):
                    return None, steps
            windows = _windows(piece.expr, x, eps, lo, hi, end)
        else:
            windows = [(lo, hi)]
        for window in windows:
            spans = _outside(slope, piece.expr, eps, window, meter, steps)
            ends = [b if outward else a for a, b, _ in spans]
            if ends:
                last = ends[0]
                for c in ends[1:]:
                    last = c if (order(c, last) > 0) == outward else last
                return (None if last.is_infinite else last), steps
    return (S.NegativeInfinity if outward else S.Infinity), steps


def _last_windows(
    expr: Expr, x: Symbol, eps: Expr, whole: Window, end: Expr, meter: Meter, steps: list[Step]
) -> list[Window]:
    """Windows, outermost first, that hold the last point where |g'| > ε; none if it goes on to end.

    Beyond the last zero c of g'' the slope is monotone: it crosses ±ε at most once between c and
    the end, and two numbers around the crossing are found by bisection. The cost hangs on the
    number of digits of the threshold, not on its size.
    """
    outward = end is S.Infinity
    try:
        limit = sympy.Abs(end_of(expr, x, end, 1 if outward else -1).limit)
        settled = compare(limit, eps)
        span = chart(sympy.diff(expr, x), x, *whole, meter).spans[-1 if outward else 0]
    except (UndecidedError, UnsupportedError):
        return [whole]
    if settled >= 0:
        return [whole] if settled == 0 else []
    beyond = sympy.Ne(sympy.diff(expr, x), 0, evaluate=False)
    place = sympy.Contains(x, Interval.open(*span[:2]), evaluate=False)
    steps.append(Step(beyond, "sign chart of g''", Proved(METHOD), (), (place,)))
    inner, side = (span[0], 1) if outward else (span[1], -1)
    over, under = _around(program(expr, x), constant(eps, 256), inner, side)
    window = (inner if over is None else over), under
    windows = [window if outward else (window[1], window[0])]
    if over is None and inner.is_finite:
        windows.append((whole[0], inner) if outward else (inner, whole[1]))
    return windows


def _around(f: Program, eps: arb, inner: Expr, side: int) -> tuple[Expr | None, Expr]:
    """Two numbers beyond `inner` with |f| > ε (None where none is seen) and |f| < ε."""

    def size(p: Expr) -> int:
        with precision(256):
            value = abs(f.ball(constant(p, 256), prec=256))
        return 1 if bool(value > eps) else -1 if bool(value < eps) else 0

    base = S.Zero if inner.is_infinite else side * rational_upper(constant(side * inner, 64), 64)
    over, k = None, -4
    while size(under := base + side * sympy.Integer(2) ** k) >= 0:
        over, k = (under if size(under) > 0 else over), k + 1
        if k > 4096:
            raise UndecidedError(f"no x up to 2**4096 is seen where |g'| is below {eps}")
    for _ in range(80 if over is not None else 0):
        middle = (over + under) / 2
        where = size(middle)
        if not where:
            break
        over, under = (middle, under) if where > 0 else (over, middle)
    return over, under


def _outside(
    slope: Univariate,
    expr: Expr,
    eps: Expr,
    window: Window,
    meter: Meter,
    steps: list[Step],
) -> list[tuple[Expr, Expr, int]]:
    """The open intervals of the window on which |g'| > ε; a step for each chart."""
    found: list[tuple[Expr, Expr, int]] = []
    for shifted, side in ((expr - eps, 1), (expr + eps, -1)):
        spans = [s for s in chart(shifted, slope.x, *window, meter).spans if s[2] == side]
        steps.append(_step(slope, shifted, side, window, spans))
        found += spans
    return found


def _step(
    slope: Univariate,
    shifted: Expr,
    side: int,
    window: Window,
    spans: list[tuple[Expr, Expr, int]],
) -> Step:
    inner = sympy.Union(*(Interval.open(a, b) for a, b, _ in spans)) if spans else S.EmptySet
    above = sympy.Gt(shifted, 0) if side > 0 else sympy.Lt(shifted, 0)
    every = sympy.ConditionSet(slope.x, above, Interval.open(*window))
    return Step(sympy.Eq(every, inner, evaluate=False), "sign chart", Proved(METHOD))


def _windows(expr: Expr, x: Symbol, eps: Expr, lo: Expr, hi: Expr, end: Expr) -> list[Window]:
    """Windows that cover (lo, hi) up to a point beyond which |g'| < ε, the outermost first."""
    bound = constant(eps)

    def settled(start: int) -> bool:
        return bool(amplitude_beyond(expr, x, end, sympy.Integer(start)) < bound)

    high = 2
    while not settled(high):
        high *= 2
        if high > 2**200:
            raise UnsupportedError(f"{expr} oscillates toward {end}; no bound below {eps} is found")
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if settled(middle) else (middle, high)
    side = 1 if end is S.Infinity else -1
    inner = lo if side > 0 else hi
    windows, at, width = [], sympy.Integer(side * high), 16
    while side * (at - inner) > 0:
        step = at - side * width
        stop = step if inner.is_infinite or side * (step - inner) > 0 else inner
        windows.append((stop, at) if side > 0 else (at, stop))
        if len(windows) > 40:
            break
        at, width = stop, 2 * width
    return windows


def _law(slope: Univariate, end: Expr) -> Expr | None:
    """x ~ law(ε) from g' ~ c·x^p·exp(−S): S(x) = log(1/ε), or c·x^p = ε where S = 0."""
    outward = end is S.Infinity
    pieces = open_pieces(slope, Reals)
    piece = pieces[-1 if outward else 0]
    try:
        found: End = end_of(piece.expr, slope.x, end, 1 if outward else -1)
    except (Oscillates, UnsupportedError, UndecidedError):
        return None
    if found.limit != 0 or found.sign == 0:
        return None
    t = Symbol("t", positive=True)
    law = sympy.powsimp(found.law.subs(slope.x, t if outward else -t))
    return _inverted(law, t, EPSILON) if outward else _negated(_inverted(law, t, EPSILON))


def _negated(law: Expr | None) -> Expr | None:
    return None if law is None else -law


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
