"""What the nodes of an expression do to enclosures: balls, power series of balls, pairs of ends.

The rules that all three share (branches, comparisons, powers with any exponent) are said once, in
terms of `span`: two balls below and above which the value does not go.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import flint
import sympy
from flint import arb, arb_series, fmpq
from sympy import Basic
from sympy.logic.boolalg import ITE, And, Boolean, BooleanFalse, BooleanTrue, Not, Or

from symgrad.rigor.balls import union
from symgrad.rigor.ops import FUNCTIONS, SIDES, Op, pow_int, pow_series

__all__ = ["BALLS", "CONDITIONS", "ENDS", "JETS", "Algebra", "is_leaf"]

Act = Callable[..., Any]
_WORD = 1 << 62  # the orders of roots that flint takes

_NUMBERS: dict[Basic, Callable[[], arb]] = {
    sympy.pi: arb.pi,
    sympy.E: arb.const_e,
    sympy.EulerGamma: arb.const_euler,
    sympy.Catalan: arb.const_catalan,
    sympy.GoldenRatio: lambda: (1 + arb(5).sqrt()) / 2,
}

_RELATIONS = {
    # class: (the first operand comes first, equal ones count)
    sympy.StrictLessThan: (True, False),
    sympy.LessThan: (True, True),
    sympy.StrictGreaterThan: (False, False),
    sympy.GreaterThan: (False, True),
}
_LOGIC: dict[type, Act] = {
    And: lambda *c: False if False in c else None if None in c else True,
    Or: lambda *c: True if True in c else None if None in c else False,
    Not: lambda c: None if c is None else not c,
    ITE: lambda c, a, b: a if c or (c is None and a is b) else None if c is None else b,
}
CONDITIONS = (*_RELATIONS, sympy.Eq, sympy.Ne, *_LOGIC)
_TRUTHS = (BooleanTrue, BooleanFalse)


def is_leaf(node: Basic) -> bool:
    """Whether the node is a constant: a number, a truth, or what encloses itself by `_arb_`."""
    return (
        bool(node.is_Number) or node in _NUMBERS or isinstance(node, _TRUTHS)
        or hasattr(node, "_arb_")
    )  # fmt: skip


def _constant(node: Basic) -> Callable[[], arb]:
    if isinstance(node, (sympy.Rational, sympy.Float)):
        exact: Any = sympy.Rational(node)
        fraction = fmpq(int(exact.p), int(exact.q))
        return lambda: arb(fraction)
    if node in _NUMBERS:
        return _NUMBERS[node]
    enclosed: Any = getattr(node, "_arb_", lambda bits: arb.nan())
    return lambda: enclosed(flint.ctx.prec)


class Algebra:
    """One kind of value; `act(node)` is what a node does to the values of its operands."""

    add: Act
    mul: Act

    def act(self, node: Basic) -> Act:
        for kind, act in ((sympy.Add, self.add), (sympy.Mul, self.mul)):
            if isinstance(node, kind):
                return act
        if isinstance(node, sympy.Pow):
            return self._power(node.args[1])
        if isinstance(node, Boolean):
            return self._condition(node)
        if isinstance(node, sympy.Piecewise):
            return lambda *a: self.choose(*zip(a[::2], a[1::2], strict=True))
        if is_leaf(node):
            constant = _constant(node)
            return lambda: self.lift(constant())
        if isinstance(node, sympy.Abs):
            return self.absolute
        if isinstance(node, sympy.sign):
            return lambda x: self.by_sign(x, *(self.lift(arb(s)) for s in (-1, 0, 1)))
        if isinstance(node, sympy.Heaviside):
            return lambda x, middle: self.by_sign(x, self.lift(arb(0)), middle, self.lift(arb(1)))
        if isinstance(node, (sympy.Max, sympy.Min)):
            largest = isinstance(node, sympy.Max)
            return lambda x, y: self.extreme(largest, x, y)
        op = FUNCTIONS[type(node)]
        return lambda x: self.function(op, x)

    def _power(self, exponent: Basic) -> Act:
        if isinstance(exponent, sympy.Integer):
            n = int(exponent)
            return lambda x: self.power(x, n)
        if isinstance(exponent, sympy.Rational):
            q = Fraction(int(exponent.p), int(exponent.q))
            return lambda x: self.root(x, q)
        exp, log = FUNCTIONS[sympy.exp], FUNCTIONS[sympy.log]
        return lambda x, y: self.function(exp, self.mul(y, self.function(log, x)))

    def _condition(self, node: Boolean) -> Act:
        if isinstance(node, _TRUTHS):
            return lambda: bool(node)
        if type(node) in _LOGIC:
            return _LOGIC[type(node)]
        if isinstance(node, (sympy.Eq, sympy.Ne)):
            wanted = isinstance(node, sympy.Eq)
            return lambda x, y: None if (same := self.same(x, y)) is None else same is wanted
        forward, equal = _RELATIONS[type(node)]
        if forward:
            return lambda x, y: self.less(x, y, equal)
        return lambda x, y: self.less(y, x, equal)

    def less(self, x: Any, y: Any, equal: bool) -> bool | None:
        """Whether x < y, or x ≤ y, for all that the values may be; None where it depends."""
        (x_low, x_high), (y_low, y_high) = self.span(x), self.span(y)
        if (x_high <= y_low) if equal else (x_high < y_low):
            return True
        return False if ((x_low > y_high) if equal else (x_low >= y_high)) else None

    def same(self, x: Any, y: Any) -> bool | None:
        (x_low, x_high), (y_low, y_high) = self.span(x), self.span(y)
        if x_high < y_low or x_low > y_high:
            return False
        return True if x_low == y_high and x_high == y_low else None

    def by_sign(self, x: Any, negative: Any, zero: Any, positive: Any) -> Any:
        low, high = self.span(x)
        if high < 0:
            return negative
        if low > 0:
            return positive
        if not (low.is_finite() and high.is_finite()):
            return self.lift(arb.nan())
        possible = [] if low >= 0 else [negative]
        possible += [zero] if high <= 0 else [zero, positive]
        return possible[0] if len(possible) == 1 else self.hull(possible)

    def choose(self, *branches: tuple[Any, bool | None]) -> Any:
        """The value of the first branch that holds; the hull of what may hold before it."""
        possible: list[Any] = []
        for value, holds in branches:
            if holds is not False:
                possible.append(value)
            if holds is True:
                return possible[0] if len(possible) == 1 else self.hull(possible)
        return self.lift(arb.nan())

    # what each kind of value must say for itself

    def lift(self, c: arb) -> Any:
        raise NotImplementedError

    def span(self, value: Any) -> tuple[arb, arb]:
        raise NotImplementedError

    def hull(self, values: list[Any]) -> Any:
        raise NotImplementedError

    def power(self, x: Any, n: int) -> Any:
        raise NotImplementedError

    def root(self, x: Any, q: Fraction) -> Any:
        raise NotImplementedError

    def function(self, op: Op, x: Any) -> Any:
        raise NotImplementedError

    def absolute(self, x: Any) -> Any:
        raise NotImplementedError

    def extreme(self, largest: bool, x: Any, y: Any) -> Any:
        raise NotImplementedError


class _Balls(Algebra):
    add = staticmethod(operator.add)
    mul = staticmethod(operator.mul)

    def act(self, node: Basic) -> Act:
        return FUNCTIONS.get(type(node)) or super().act(node)

    def lift(self, c: arb) -> arb:
        return c

    def span(self, value: arb) -> tuple[arb, arb]:
        return value, value

    def hull(self, values: list[arb]) -> arb:
        return union(*values)

    def power(self, x: arb, n: int) -> arb:
        return pow_int(x, n)

    def root(self, x: arb, q: Fraction) -> arb:
        if not x >= 0:
            return arb.nan()
        sharp = x > 0 and x.rel_accuracy_bits() > 30
        ends = [x] if sharp else [x.lower().max(arb(0)), x.upper()]
        return pow_int(union(*(_root(end, q.denominator) for end in ends)), q.numerator)

    def function(self, op: Op, x: arb) -> arb:
        return op(x)

    def absolute(self, x: arb) -> arb:
        return abs(x)

    def extreme(self, largest: bool, x: arb, y: arb) -> arb:
        return x.max(y) if largest else x.min(y)


def _root(x: arb, k: int) -> arb:
    """The k-th root of a ball that does not reach below zero; flint's own is nan at zero."""
    if k == 2:
        return x.sqrt()
    if x.is_zero():
        return x
    return x.root(k) if k < _WORD else (x.log() / k).exp()


class _Jets(Algebra):
    """Power series of balls, of flint.ctx.cap terms.

    Where two values may be equal there may be a kink: no branch is taken, even at an exact point.
    """

    add = staticmethod(operator.add)

    @staticmethod
    def mul(x: arb_series, y: arb_series) -> arb_series:
        product = x * y
        if product.length() or (x[0] * y[0]).is_finite():
            return product
        return arb_series([arb.nan()] * flint.ctx.cap, prec=flint.ctx.cap)  # flint's is zero

    def lift(self, c: arb) -> arb_series:
        return arb_series([c], prec=flint.ctx.cap)

    def span(self, value: arb_series) -> tuple[arb, arb]:
        return value[0], value[0]

    def less(self, x: arb_series, y: arb_series, equal: bool) -> bool | None:
        return None if x[0] == y[0] else super().less(x, y, equal)

    def same(self, x: arb_series, y: arb_series) -> bool | None:
        return False if super().same(x, y) is False else None

    def by_sign(self, x: Any, negative: Any, zero: Any, positive: Any) -> arb_series:
        if x[0].is_zero():
            return self.hull([negative, zero, positive])
        return super().by_sign(x, negative, zero, positive)

    def hull(self, values: list[arb_series]) -> arb_series:
        return self._kink(union(*(v[0] for v in values)))

    def _kink(self, head: arb) -> arb_series:
        # A Taylor coefficient across a kink has no meaning; the value itself still has a hull.
        return arb_series([head, *[arb.nan()] * (flint.ctx.cap - 1)], prec=flint.ctx.cap)

    def power(self, x: arb_series, n: int) -> arb_series:
        return self._with_head(pow_series(x, n), pow_int(x[0], n))

    def root(self, x: arb_series, q: Fraction) -> arb_series:
        if q.denominator == 2:
            power = pow_series(x.sqrt(), q.numerator)
        else:
            power = (x.log() * arb(fmpq(q.numerator, q.denominator))).exp()
        return self._with_head(power, BALLS.root(x[0], q))

    def function(self, op: Op, x: arb_series) -> arb_series:
        return self._with_head(op.series(x), op(x[0]))

    def _with_head(self, series: arb_series, head: arb) -> arb_series:
        n = flint.ctx.cap
        return arb_series([head, *(series[k] for k in range(1, n))], prec=n)

    def absolute(self, x: arb_series) -> arb_series:
        return x if x[0] > 0 else -x if x[0] < 0 else self._kink(abs(x[0]))

    def extreme(self, largest: bool, x: arb_series, y: arb_series) -> arb_series:
        first = self.less(y, x, False) if largest else self.less(x, y, False)
        if first is None:
            return self._kink(BALLS.extreme(largest, x[0], y[0]))
        return x if first else y


Ends = tuple[arb, arb]
_NONE: Ends = (arb.nan(), arb.nan())


def _hull(*ends: arb) -> Ends:
    if not all(e.is_finite() for e in ends):
        return _NONE
    low = high = ends[0]
    for e in ends[1:]:
        low, high = low.min(e), high.max(e)
    return low.lower(), high.upper()


class _Ends(Algebra):
    """Pairs of ends, low and high."""

    @staticmethod
    def add(x: Ends, y: Ends) -> Ends:
        return _hull(x[0] + y[0], x[1] + y[1])

    @staticmethod
    def mul(x: Ends, y: Ends) -> Ends:
        return _hull(*(p * q for p in x for q in y))

    def lift(self, c: arb) -> Ends:
        return c.lower(), c.upper()

    def span(self, value: Ends) -> tuple[arb, arb]:
        return value

    def hull(self, values: list[Ends]) -> Ends:
        return _hull(*(end for v in values for end in v))

    def power(self, x: Ends, n: int) -> Ends:
        around = not (x[0] > 0 or x[1] < 0)
        if n < 0 and around:
            return _NONE
        ends = [pow_int(e, n) for e in x]
        return _hull(*ends, arb(0)) if around and n % 2 == 0 else _hull(*ends)

    def root(self, x: Ends, q: Fraction) -> Ends:
        return _hull(*(BALLS.root(e, q) for e in x))

    def function(self, op: Op, x: Ends) -> Ends:
        if not (x[0].is_finite() and x[1].is_finite()):
            return _NONE
        if op.runs in (1, -1) or (op.runs == SIDES and (x[0] > 0 or x[1] < 0)):
            return _hull(*map(op, x))
        return _hull(*(end(op(x[0].union(x[1]))) for end in (arb.lower, arb.upper)))

    def absolute(self, x: Ends) -> Ends:
        around = not (x[0] > 0 or x[1] < 0)
        return _hull(*map(abs, x), *([arb(0)] if around else []))

    def extreme(self, largest: bool, x: Ends, y: Ends) -> Ends:
        pick = arb.max if largest else arb.min
        return _hull(pick(x[0], y[0]), pick(x[1], y[1]))


BALLS, JETS, ENDS = _Balls(), _Jets(), _Ends()
