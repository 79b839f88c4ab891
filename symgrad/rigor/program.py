"""A SymPy expression as a straight-line program on balls.

Every distinct subexpression is computed once. No recursion is used, so depth is no limit. The
program is exact about what it does not know: where a value is not real, not defined, or a branch is
not decided without a finite hull, the ball is non-finite.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache
from typing import Any

import flint
import sympy
from flint import arb, arb_series, fmpq
from sympy import Basic, Expr, Symbol
from sympy.logic.boolalg import And, Boolean, BooleanFalse, BooleanTrue, Not, Or

from symgrad.errors import UnsupportedError
from symgrad.rigor.balls import contains_zero, precision
from symgrad.rigor.ops import FUNCTIONS, pow_int, pow_series, range_of

__all__ = ["Program", "program"]

_NUMBERS: dict[Basic, Callable[[], arb]] = {
    sympy.pi: arb.pi,
    sympy.E: arb.const_e,
    sympy.EulerGamma: arb.const_euler,
    sympy.Catalan: arb.const_catalan,
    sympy.GoldenRatio: lambda: (1 + arb(5).sqrt()) / 2,
}

Operand = tuple[int, ...]


@dataclass(frozen=True)
class Program:
    """Straight-line code for `expr` in `symbols`; instruction k writes register k.

    >>> from flint import arb
    >>> from sympy import Symbol, exp
    >>> x = Symbol("x")
    >>> f = program(1 / (1 + exp(-x)), x)
    >>> f.ball(arb(0)).contains(arb(1) / 2)
    True
    """

    expr: Expr
    symbols: tuple[Symbol, ...]
    code: tuple[tuple[Basic, Operand], ...] = field(repr=False)

    def ball(self, *box: arb, prec: int = 64) -> arb:
        """A ball that contains f(X) for every X in the box, at `prec` bits."""
        with precision(prec):
            return self._run(_Balls(dict(zip(self.symbols, box, strict=True))))

    def jet(self, at: arb, n: int, prec: int = 64) -> list[arb]:
        """Balls for f(X), f'(X), ..., f^(n-1)(X)/(n-1)! that hold at every point X of `at`."""
        (symbol,) = self.symbols
        with precision(prec, terms=n):
            variable = arb_series([at, 1], prec=n)
            try:
                result = self._run(_Jets({symbol: variable}, n))
            except ValueError:  # flint refuses to divide by a series that may start with zero
                return [self.ball(at, prec=prec)] + [arb.nan()] * (n - 1)
            return [result[k] for k in range(n)]

    def _run(self, machine: _Machine) -> Any:
        registers: list[Any] = []
        for node, operands in self.code:
            registers.append(machine.step(node, [registers[k] for k in operands]))
        return registers[-1]


@lru_cache(maxsize=2048)
def program(expr: Expr, *symbols: Symbol) -> Program:
    """Straight-line code of an elementary expression; raises `UnsupportedError` otherwise."""
    number: dict[Basic, int] = {}
    code: list[tuple[Basic, Operand]] = []
    stack: list[tuple[Basic, bool]] = [(sympy.sympify(expr, strict=True), False)]
    while stack:
        node, ready = stack.pop()
        if node in number:
            continue
        operands = _operands(node, symbols)
        if ready or not operands:
            number[node] = len(code)
            code.append((node, tuple(number[k] for k in operands)))
        else:
            stack.append((node, True))
            stack.extend((k, False) for k in reversed(operands) if k not in number)
    return Program(expr, symbols, tuple(code))


def _operands(node: Basic, symbols: Sequence[Symbol]) -> tuple[Basic, ...]:
    if node in symbols or node.is_Number or node in _NUMBERS or isinstance(node, _CONDITIONS_LEAF):
        return ()
    if hasattr(node, "_arb_"):
        return ()
    if isinstance(node, sympy.Pow) and node.exp.is_Rational:
        return (node.base,)
    if isinstance(node, sympy.Piecewise):
        return tuple(part for pair in node.args for part in pair.args)
    known = (sympy.Add, sympy.Mul, sympy.Pow, sympy.Abs, sympy.sign, sympy.Max, sympy.Min)
    if isinstance(node, known + _CONDITIONS) or type(node) in FUNCTIONS:
        return node.args
    if isinstance(node, sympy.Heaviside):
        return (node.args[0],)
    raise UnsupportedError(
        f"no ball arithmetic for {node} of type {type(node).__name__}; "
        "write the expression in elementary functions, erf and Piecewise"
    )


_CONDITIONS_LEAF = (BooleanTrue, BooleanFalse)
_CONDITIONS = (sympy.StrictLessThan, sympy.LessThan, sympy.StrictGreaterThan, sympy.GreaterThan,
               sympy.Eq, sympy.Ne, And, Or, Not)  # fmt: skip


def _number(node: Basic) -> arb:
    if isinstance(node, sympy.Rational):
        return arb(fmpq(int(node.p), int(node.q)))
    if isinstance(node, sympy.Float):
        exact: Any = sympy.Rational(node)
        return arb(fmpq(int(exact.p), int(exact.q)))
    if node in _NUMBERS:
        return _NUMBERS[node]()
    enclosed = getattr(node, "_arb_", None)  # an exact constant that encloses itself
    return enclosed(flint.ctx.prec) if enclosed is not None else arb.nan()


class _Machine:
    """One way of running a program: what a value is, and how each node acts on values."""

    def __init__(self, values: dict[Symbol, Any]) -> None:
        self.values = values

    def step(self, node: Basic, a: list[Any]) -> Any:
        if node in self.values:
            return self.values[node]  # pyright: ignore[reportArgumentType]
        if isinstance(node, sympy.Add):
            return self._sum(a)
        if isinstance(node, sympy.Mul):
            total = a[0]
            for factor in a[1:]:
                total = total * factor
            return total
        if isinstance(node, sympy.Pow):
            return self._power(node, a)
        if isinstance(node, Boolean):
            return self._condition(node, a)
        if isinstance(node, sympy.Piecewise):
            return self._choose(list(zip(a[::2], a[1::2], strict=True)))
        if not node.args:
            return self.lift(_number(node))
        return self._function(node, a)

    def _sum(self, a: list[Any]) -> Any:
        total = a[0]
        for term in a[1:]:
            total = total + term
        return total

    def _power(self, node: Basic, a: list[Any]) -> Any:
        exponent = node.args[1]
        if isinstance(exponent, sympy.Integer):
            return self.power(a[0], int(exponent))
        if isinstance(exponent, sympy.Rational):
            return self.root(a[0], Fraction(int(exponent.p), int(exponent.q)))
        return self.unary(sympy.exp, a[1] * self.unary(sympy.log, a[0]))

    def _function(self, node: Basic, a: list[Any]) -> Any:
        if isinstance(node, sympy.Abs):
            return self._choose([(-a[0], _less(self.head(a[0]), True)), (a[0], True)])
        if isinstance(node, sympy.sign):
            one = self.lift(arb(1))
            head = self.head(a[0])
            return self._by_sign(head, (-one, 0 * one, one))
        if isinstance(node, (sympy.Max, sympy.Min)):
            best = a[0]
            for other in a[1:]:
                which = 1 if isinstance(node, sympy.Max) else -1
                best = self._extreme(best, other, which * self.head(best - other), which)
            return best
        if isinstance(node, sympy.Heaviside):
            head = self.head(a[0])
            one = self.lift(arb(1))
            return self._by_sign(head, (0 * one, one / 2, one))
        return self.unary(type(node), a[0])

    def _condition(self, node: Boolean, a: list[Any]) -> bool | None:
        if isinstance(node, _CONDITIONS_LEAF):
            return bool(node)
        if isinstance(node, And):
            return False if False in a else (None if None in a else True)
        if isinstance(node, Or):
            return True if True in a else (None if None in a else False)
        if isinstance(node, Not):
            return None if a[0] is None else not a[0]
        gap = self.head(a[0] - a[1])
        if isinstance(node, (sympy.Eq, sympy.Ne)):
            same = True if gap.is_zero() else None if contains_zero(gap) else False
            return same if isinstance(node, sympy.Eq) or same is None else not same
        if isinstance(node, (sympy.StrictGreaterThan, sympy.GreaterThan)):
            gap = -gap
        return _less(gap, isinstance(node, (sympy.StrictLessThan, sympy.StrictGreaterThan)))

    def _by_sign(self, head: arb, values: tuple[Any, Any, Any]) -> Any:
        negative, zero, positive = values
        below, above = _less(head, True), _less(-head, True)
        return self._choose([(negative, below), (positive, above), (zero, True)])

    def _choose(self, branches: list[tuple[Any, bool | None]]) -> Any:
        possible: list[Any] = []
        for value, holds in branches:
            if holds is not False:
                possible.append(value)
            if holds is True:
                return possible[0] if len(possible) == 1 else self.hull(possible)
        return self.lift(arb.nan())

    # what the two kinds of value must say for themselves

    def lift(self, c: arb) -> Any:
        raise TypeError

    def head(self, value: Any) -> arb:
        raise TypeError

    def hull(self, values: list[Any]) -> Any:
        raise TypeError

    def power(self, x: Any, n: int) -> Any:
        raise TypeError

    def root(self, x: Any, q: Fraction) -> Any:
        raise TypeError

    def unary(self, kind: type, x: Any) -> Any:
        raise TypeError

    def _extreme(self, first: Any, second: Any, gap: arb, which: int) -> Any:
        raise TypeError


def _less(gap: arb, strict: bool) -> bool | None:
    """Whether gap < 0 (or <= 0) on the whole ball; None where it is not decided."""
    if not gap.is_finite():
        return None
    if (gap < 0) if strict else (gap <= 0):
        return True
    if (gap >= 0) if strict else (gap > 0):
        return False
    return None


class _Balls(_Machine):
    def lift(self, c: arb) -> arb:
        return c

    def head(self, value: arb) -> arb:
        return value

    def hull(self, values: list[arb]) -> arb:
        whole = values[0]
        for value in values[1:]:
            whole = whole.union(value)
        return whole

    def power(self, x: arb, n: int) -> arb:
        return pow_int(x, n)

    def root(self, x: arb, q: Fraction) -> arb:
        if x < 0 or not (x >= 0):
            return arb.nan()
        low = x.lower().root(q.denominator) if x.lower() > 0 else arb(0)
        return pow_int(low.union(x.upper().root(q.denominator)), q.numerator)

    def unary(self, kind: type, x: arb) -> arb:
        return range_of(FUNCTIONS[kind], x)

    def _extreme(self, first: arb, second: arb, gap: arb, which: int) -> arb:
        return first.max(second) if which > 0 else first.min(second)


class _Jets(_Machine):
    def __init__(self, values: dict[Symbol, Any], terms: int) -> None:
        super().__init__(values)
        self.terms = terms

    def lift(self, c: arb) -> arb_series:
        return arb_series([c], prec=self.terms)

    def head(self, value: arb_series) -> arb:
        return value[0]

    def hull(self, values: list[arb_series]) -> arb_series:
        # A Taylor coefficient across a kink has no meaning; the value itself still has a hull.
        value = values[0][0]
        for other in values[1:]:
            value = value.union(other[0])
        return arb_series([value] + [arb.nan()] * (self.terms - 1), prec=self.terms)

    def power(self, x: arb_series, n: int) -> arb_series:
        return self._with_head(pow_series(x, n), pow_int(x[0], n))

    def root(self, x: arb_series, q: Fraction) -> arb_series:
        head = _Balls({}).root(x[0], q)
        if q.denominator == 2:
            return self._with_head(self.power(x.sqrt(), q.numerator), head)
        power = (x.log() * arb(fmpq(q.numerator, q.denominator))).exp()
        return self._with_head(power, head)

    def unary(self, kind: type, x: arb_series) -> arb_series:
        op = FUNCTIONS[kind]
        return self._with_head(op.series(x), range_of(op, x[0]))

    def _with_head(self, series: arb_series, head: arb) -> arb_series:
        return arb_series([head] + [series[k] for k in range(1, self.terms)], prec=self.terms)

    def _extreme(self, first: arb_series, second: arb_series, gap: arb, which: int) -> arb_series:
        if gap > 0:
            return first
        if gap < 0:
            return second
        return self.hull([first, second])
