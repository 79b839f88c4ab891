"""True values by Arb, for many points at once: the ball of each point is narrowed until it decides.

The straight-line program of the expression runs one instruction at a time over a whole column of
balls. A first pass at 128 bits settles most points; those whose ball is still too wide, because the
expression cancels there, go on at more bits. The expression is run as it is written: a kernel's own
form plays no part.

Functions that overflow Arb's own exp (beyond exp(2^64) or so) are enclosed here by argument
reduction, since the exponent of a ball may be any integer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from itertools import repeat
from operator import add, mul, neg, pow, sub, truediv
from typing import Any

import flint
import numpy as np
import sympy
from flint import arb, fmpq
from sympy import Basic, Expr, Symbol
from sympy.logic.boolalg import And, Boolean, BooleanFalse, BooleanTrue, Not, Or

from symgrad.errors import InputError
from symgrad.oracle.formats import FLOAT64, Floats, Format, Kind, Values, round_fraction, rounded
from symgrad.rigor import precision, program
from symgrad.rigor.ops import FUNCTIONS
from symgrad.rigor.program import Program

__all__ = [
    "WANTED_BITS",
    "apply_function",
    "arb_values",
    "ball_values",
    "constant_ball",
    "exact_value",
    "nearest",
    "run_program",
]

WANTED_BITS = 92
"""Relative bits of a settled value: 2^-39 of a float64 ulp."""

_LADDER = (128, 320, 1280, 4096, 16384)
_CHUNK = 4096

Column = Any
"""A list with one entry per point, or a single value that is the same for all of them."""


def arb_values(
    expr: Expr,
    args: Sequence[Symbol],
    points: Sequence[Floats],
    fmt: Format = FLOAT64,
    max_bits: int = _LADDER[-1],
) -> Values:
    """f at float points, each FINITE one proved to `WANTED_BITS`; one array for each argument.

    Values below 2^fmt.floor come back as TINY. A point that `max_bits` do not settle is UNDECIDED,
    or UNDEFINED where no ball was finite.

    >>> from sympy import Symbol, tanh
    >>> x = Symbol("x", real=True)
    >>> arb_values(1 - tanh(x) ** 2, [x], [np.array([20.0])]).show(0)
    '1.6993417021166356e-17'
    """
    code = program(expr, *args)
    columns = [np.ascontiguousarray(p, np.float64) for p in points]
    if len(columns) != len(args) or len({len(c) for c in columns}) > 1:
        raise InputError(f"{len(args)} arguments need as many arrays of one length")
    count = len(columns[0]) if columns else 1
    result = Values.empty(count, WANTED_BITS)
    for start in range(0, count, _CHUNK):
        part = slice(start, min(start + _CHUNK, count))
        with precision(64):
            balls = [[*map(arb, c[part].tolist())] for c in columns]
        result.put(part, ball_values(code, balls, part.stop - start, fmt, max_bits))
    return result


def ball_values(
    code: Program,
    columns: Sequence[list[arb]],
    count: int,
    fmt: Format,
    max_bits: int = _LADDER[-1],
) -> Values:
    """The same at points that are given as exact balls, of any size."""
    result = Values.empty(count, WANTED_BITS)
    places = np.arange(count)
    for bits in _LADDER:
        if bits > max_bits or not len(places):
            break
        with precision(bits):
            chosen = columns if len(places) == count else [[c[k] for k in places] for c in columns]
            places = _settle(run_program(code, chosen, len(places)), places, result, fmt)
    for place in places[result.kind[places] == Kind.UNDEFINED]:
        if not _undefined(code, [c[place] for c in columns]):
            result.kind[place] = Kind.UNDECIDED
    return result


def _settle(balls: list[arb], places: Any, result: Values, fmt: Format) -> Any:
    """Write down what the balls decide; return the places that need more bits."""
    middle = np.fromiter(map(float, balls), np.float64, len(balls))
    bits = np.fromiter(map(arb.rel_accuracy_bits, balls), np.float64, len(balls))
    size = np.abs(middle)
    plain = (bits >= WANTED_BITS) & (size > 2.0**-900) & (size < 2.0**1000)
    chosen = np.flatnonzero(plain)
    picked = [balls[k] for k in chosen]
    rest = np.fromiter(
        map(float, map(sub, picked, map(arb, middle[plain].tolist()))), np.float64, len(picked)
    )
    mantissa, exponent = np.frexp(middle[plain])
    where = places[plain]
    result.kind[where] = Kind.FINITE
    result.hi[where], result.exp[where] = mantissa, exponent
    result.lo[where] = np.ldexp(rest, -exponent)
    floor = arb(2) ** fmt.floor
    others = np.flatnonzero(~plain)
    open_ = [k for k in others if not _settle_one(balls[k], int(places[k]), result, fmt, floor)]
    return places[np.array(open_, np.int64)]


def _settle_one(ball: arb, place: int, result: Values, fmt: Format, floor: arb) -> bool:
    if not ball.is_finite():
        result.kind[place] = Kind.UNDEFINED
        return False
    if ball.is_zero():
        result.kind[place] = Kind.ZERO
        return True
    if ball.rel_accuracy_bits() >= WANTED_BITS:
        mantissa, exponent = ball.mid().man_exp()
        result.put_exact(place, int(mantissa), int(exponent))
        return True
    if ball.abs_upper() < floor:
        result.kind[place] = Kind.TINY
        result.hi[place] = 1.0 if ball > 0 else -1.0 if ball < 0 else 0.0
        result.exp[place] = fmt.floor
        return True
    result.kind[place] = Kind.UNDECIDED
    return False


def _undefined(code: Program, at: Sequence[arb]) -> bool:
    """Whether the first operation without a finite value had operands that were all well known."""
    point: dict[Basic, arb] = dict(zip(code.symbols, at, strict=True))
    registers: list[Any] = []
    with precision(_LADDER[1]):
        for node, operands in code.code:
            a = [registers[k] for k in operands]
            value = point[node] if node in point else _step(node, a, 1)
            registers.append(value)
            pieces = isinstance(node, sympy.Piecewise)
            if isinstance(value, arb) and not value.is_finite() and not pieces:
                return type(node) not in _FAR and all(map(_sharp, a))
    return isinstance(code.code[-1][0], sympy.Piecewise)


def _sharp(value: Any) -> bool:
    return not isinstance(value, arb) or value.is_zero() or value.rel_accuracy_bits() > 30


# one instruction over a column


def run_program(code: Program, columns: Sequence[list[arb]], count: int) -> list[arb]:
    """The program's result at every point, at the current precision."""
    given: dict[Basic, list[arb]] = dict(zip(code.symbols, columns, strict=True))
    registers: list[Column] = []
    last_use = {k: at for at, (_, operands) in enumerate(code.code) for k in operands}
    for at, (node, operands) in enumerate(code.code):
        if node in given:
            registers.append(given[node])
        else:
            registers.append(_step(node, [registers[k] for k in operands], count))
        for k in operands:
            if last_use[k] == at:
                registers[k] = None
    result = registers[-1]
    return result if isinstance(result, list) else [result] * count


def _over(f: Callable[..., Any], *columns: Column) -> Column:
    """f at every point; once only where no operand depends on the point."""
    if not any(isinstance(c, list) for c in columns):
        return f(*columns)
    return list(map(f, *(c if isinstance(c, list) else repeat(c) for c in columns)))


def _step(node: Basic, a: list[Column], count: int) -> Column:
    if isinstance(node, sympy.Add):
        return _fold(add, a)
    if isinstance(node, sympy.Mul):
        return _over(neg, _fold(mul, a[1:])) if node.args[0] == -1 else _fold(mul, a)
    if isinstance(node, sympy.Pow):
        return _power(node, a)
    if isinstance(node, Boolean):
        return _condition(node, a)
    if isinstance(node, sympy.Piecewise):
        return _over(_choose, *a)
    if not node.args:
        return constant_ball(node)
    if isinstance(node, sympy.Abs):
        return _over(abs, a[0])
    if isinstance(node, (sympy.Max, sympy.Min)):
        return _fold(arb.max if isinstance(node, sympy.Max) else arb.min, a)
    if isinstance(node, sympy.sign):
        return _over(arb.sgn, a[0])
    if isinstance(node, sympy.Heaviside):
        return _over(lambda x: (1 + x.sgn()) / 2, a[0])
    return apply_function(type(node), a[0])


def constant_ball(node: Basic) -> arb:
    """A number or named constant at the current precision."""
    if isinstance(node, (sympy.Rational, sympy.Float)):
        exact: Any = sympy.Rational(node)
        return arb(fmpq(int(exact.p), int(exact.q)))
    return program(node).ball(prec=flint.ctx.prec)


def _fold(f: Callable[[Any, Any], Any], a: Sequence[Column]) -> Column:
    total = a[0]
    for other in a[1:]:
        total = _over(f, total, other)
    return total


def _power(node: Basic, a: list[Column]) -> Column:
    exponent = node.args[1]
    if isinstance(exponent, sympy.Integer):
        n = abs(int(exponent))
        power = a[0] if n == 1 else _over(mul, a[0], a[0]) if n == 2 else _over(pow, a[0], n)
        return power if exponent > 0 else _over(truediv, 1, power)
    if isinstance(exponent, sympy.Rational):
        return _over(_Root(int(exponent.p), int(exponent.q)), a[0])
    return apply_function(sympy.exp, _over(mul, a[1], _over(arb.log, a[0])))


class _Root:
    def __init__(self, p: int, q: int) -> None:
        self.p, self.q = p, q

    def __call__(self, x: arb) -> arb:
        if not x >= 0:
            return arb.nan()
        root = x.sqrt() if self.q == 2 else x.root(self.q)
        return root**self.p if self.p > 0 else 1 / root**-self.p


def _condition(node: Boolean, a: list[Column]) -> Column:
    if isinstance(node, (BooleanTrue, BooleanFalse)):
        return bool(node)
    if isinstance(node, And):
        return _over(lambda *c: False if False in c else None if None in c else True, *a)
    if isinstance(node, Or):
        return _over(lambda *c: True if True in c else None if None in c else False, *a)
    if isinstance(node, Not):
        return _over(lambda c: None if c is None else not c, a[0])
    return _over(_RELATIONS[type(node)], *a)


def _decide(yes: Any, no: Any) -> bool | None:
    return True if yes else False if no else None


_RELATIONS: dict[type, Callable[[arb, arb], bool | None]] = {
    sympy.StrictLessThan: lambda x, y: _decide(x < y, x >= y),
    sympy.LessThan: lambda x, y: _decide(x <= y, x > y),
    sympy.StrictGreaterThan: lambda x, y: _decide(x > y, x <= y),
    sympy.GreaterThan: lambda x, y: _decide(x >= y, x < y),
    sympy.Eq: lambda x, y: _decide((x - y).is_zero(), not (x - y).contains(0)),
    sympy.Ne: lambda x, y: _decide(not (x - y).contains(0), (x - y).is_zero()),
}


def _choose(*branches: Any) -> arb:
    possible = None
    for value, holds in zip(branches[::2], branches[1::2], strict=True):
        if holds is not False:
            possible = value if possible is None else possible.union(value)
        if holds is True:
            return possible if isinstance(possible, arb) else arb.nan()
    return arb.nan()


# functions, with those that overflow Arb


def apply_function(kind: type, x: Column) -> Column:
    """A function of the table over a column or one ball, also where Arb's own overflows."""
    y = _over(FUNCTIONS[kind].ball, x)
    mend = _FAR.get(kind)
    if mend is None:
        return y
    if not isinstance(x, list):
        return mend(x) if _lost(y) else y
    if min(map(arb.rel_accuracy_bits, y)) < 2:
        return [mend(a) if _lost(b) else b for a, b in zip(x, y, strict=True)]
    return y


def _lost(ball: arb) -> bool:
    return not ball.is_zero() and ball.rel_accuracy_bits() < 2


_NEAR = arb(2) ** 60


def _far(formula: Callable[[arb], arb], usual: Callable[[arb], arb]) -> Callable[[arb], arb]:
    """`formula` for |x| > 2^60, the usual function elsewhere."""
    return lambda x: formula(x) if abs(x) > _NEAR else usual(x)


def _exp(x: arb) -> arb:
    """exp by x = n·log 2 + r, for arguments of up to 2^20 bits before the point."""
    if not x.is_finite() or not abs(x) > _NEAR or abs(x) > _LIMIT:
        return x.exp()
    bits = flint.ctx.prec
    wide = bits + int(x.mid().man_exp()[1]) + x.mid().bits() + 16
    with precision(max(bits, wide)):
        log2 = arb(2).log()
        n = int((x.mid() / log2).mid().floor().unique_fmpz() or 0)
        rest = x - n * log2
    return rest.exp() * arb(2) ** n if rest.rad() < 1 else x.exp()


_LIMIT = arb(2) ** (1 << 20)


def _erfc(x: arb) -> arb:
    """DLMF 7.12.1: the remainder of the alternating series is below the first omitted term."""
    if x < 0:
        return 2 - _erfc(-x)
    u = 1 / (2 * x * x)
    return _exp(-x * x) / (x * arb.pi().sqrt()) * (1 - u + (3 * u * u) * arb(0.5, 0.5))


def _even_exp(sign: int, odd: bool) -> Callable[[arb], arb]:
    def hyperbolic(x: arb) -> arb:
        e = _exp(abs(x))
        y = (e + sign / e) / 2
        return -y if odd and x < 0 else y

    return hyperbolic


_COSH, _SINH = _even_exp(+1, odd=False), _even_exp(-1, odd=True)

_FAR: dict[type, Callable[[arb], arb]] = {
    sympy.exp: _exp,
    sympy.erfc: _far(_erfc, arb.erfc),
    sympy.cosh: _far(_COSH, arb.cosh),
    sympy.sinh: _far(_SINH, arb.sinh),
    sympy.sech: _far(lambda x: 1 / _COSH(x), arb.sech),
    sympy.csch: _far(lambda x: 1 / _SINH(x), arb.csch),
}


# exact values and correct rounding


def exact_value(expr: Expr, args: Sequence[Symbol], at: Iterable[float]) -> Fraction | None:
    """f(at) as a fraction where it is reached by rational operations alone, else None."""
    point: dict[Basic, Any] = {
        s: sympy.Rational(Fraction(v)) for s, v in zip(args, at, strict=True)
    }
    registers: list[Any] = []
    for node, operands in program(expr, *args).code:
        a = [registers[k] for k in operands]
        registers.append(_exact_step(node, a, point))
    value = registers[-1]
    return Fraction(int(value.p), int(value.q)) if isinstance(value, sympy.Rational) else None


def _exact_step(node: Basic, a: list[Any], point: dict[Basic, Any]) -> Any:
    if node in point:
        return point[node]
    if isinstance(node, sympy.Float):
        return sympy.Rational(node)
    if not node.args:
        return node if isinstance(node, (sympy.Rational, BooleanTrue, BooleanFalse)) else None
    if isinstance(node, sympy.Piecewise):
        for value, holds in zip(a[::2], a[1::2], strict=True):
            if holds is None or holds == True:  # noqa: E712  SymPy's true
                return value if holds is not None else None
        return None
    if any(v is None for v in a):
        return None
    if isinstance(node, sympy.Pow) and len(a) == 1:
        value = node.func(a[0], node.args[1])
    else:
        value = node.func(*a)
    return value if isinstance(value, (sympy.Rational, BooleanTrue, BooleanFalse)) else None


def nearest(
    expr: Expr, args: Sequence[Symbol], points: Sequence[Floats], fmt: Format = FLOAT64
) -> tuple[Floats, Any]:
    """f rounded correctly to `fmt`, and a mask of the exact ties (rounded to even).

    nan where f is not known or a rounding is not decided at 4096 bits.
    """
    values = arb_values(expr, args, points, fmt)
    result, doubt = rounded(values, fmt)
    tie = np.zeros(len(values), np.bool_)
    for place in np.flatnonzero(doubt):
        at = [float(p[place]) for p in points]
        exact = exact_value(expr, args, at)
        if exact is not None:
            result[place] = round_fraction(exact, fmt)
            tie[place] = _is_tie(exact, fmt)
        else:
            result[place] = _round_ball(expr, args, at, fmt)
    return result, tie


def _is_tie(exact: Fraction, fmt: Format) -> bool:
    near = Fraction(round_fraction(exact, fmt)) if abs(exact) < Fraction(fmt.largest) else None
    if near is None:
        return False
    gap = abs(exact - near)
    sides = [fmt.ordinal(float(near)) + step for step in (-1, 1)]
    return gap > 0 and any(abs(Fraction(float(fmt.at(s))) - exact) == gap for s in sides)


def _round_ball(expr: Expr, args: Sequence[Symbol], at: Sequence[float], fmt: Format) -> float:
    for bits in (256, 1024, 4096):
        with precision(bits):
            (ball,) = run_program(program(expr, *args), [[arb(v)] for v in at], 1)
            ends = [round_fraction(_fraction(end), fmt) for end in (ball.lower(), ball.upper())]
        if ends[0] == ends[1]:
            return ends[0]
    return float("nan")


def _fraction(exact: arb) -> Fraction:
    mantissa, exponent = exact.mid().man_exp()
    return Fraction(int(mantissa)) * Fraction(2) ** int(exponent)
