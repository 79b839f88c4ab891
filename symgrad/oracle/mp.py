"""True values by mpmath, a second road that shares nothing with the balls.

An interpreter of its own on SymPy's nodes computes with mpmath's intervals, whose two ends are
rounded down and up by number-level functions that take their precision as an argument, so there is
no context to leak. A result whose ends do not agree to enough bits is computed again with as many
more as are missing. It proves nothing, since mpmath's rounding is not proved, and shares no rule
with the road that does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any

import mpmath
import numpy as np
import sympy
from mpmath import libmp
from mpmath.libmp import fone, fzero, libmpi, mpf_add, mpf_cmp, mpf_div, mpf_mul, mpf_neg
from sympy import Basic, Expr, Symbol
from sympy.core.relational import Relational
from sympy.logic.boolalg import ITE, And, BooleanFalse, BooleanTrue, Not, Or

from symgrad.errors import UnsupportedError
from symgrad.oracle.formats import FLOAT64, Floats, Format, Kind, Values, same_length

__all__ = ["WANTED_BITS", "mp_values"]

WANTED_BITS = 72
"""Relative bits of a settled value: 2^-19 of a float64 ulp."""

_FIRST, _LAST = 96, 12000
_ENORMOUS = 1 << 16

_LEAST = libmp.from_man_exp(1, -(1 << _ENORMOUS))  # above exp(-2^_ENORMOUS)

Number = Any
"""An mpmath number; `Interval` is the pair of its ends, lower first."""
Interval = tuple[Number, Number]
Act = Callable[..., Any]


class _Lost(Exception):
    """More bits are needed."""


class _Undefined(Exception):
    """There is no real value."""


def mp_values(
    expr: Expr,
    args: Sequence[Symbol],
    points: Sequence[Floats],
    fmt: Format = FLOAT64,
    max_bits: int = _LAST,
) -> Values:
    """f at float points, to `WANTED_BITS` as mpmath's intervals have it; nothing is proved.

    >>> from sympy import Symbol, tanh
    >>> x = Symbol("x", real=True)
    >>> mp_values(1 - tanh(x) ** 2, [x], [np.array([20.0])]).show(0)
    '1.6993417021166356e-17'
    """
    code = _compile(_by_sech(expr), tuple(args))
    columns, count = same_length(args, points)
    result = Values.empty(count, WANTED_BITS)
    bits = _FIRST
    order = np.argsort(columns[0], kind="stable") if columns else np.zeros(1, np.int64)
    for place in order.tolist():
        at = [libmp.from_float(float(c[place])) for c in columns]
        # Neighbouring points need about the same precision: start from what the last one took.
        bits = max(_FIRST, _one(code, at, place, result, fmt, bits, max_bits))
    return result


def _by_sech(expr: Any) -> Any:
    """The expression with tanh² as 1 - sech²: no number of bits shows 1 - tanh(e^x)² far out."""
    squares = [p for p in expr.atoms(sympy.Pow) if p.exp == 2 and isinstance(p.base, sympy.tanh)]
    return expr.xreplace({p: 1 - sympy.sech(p.base.args[0]) ** 2 for p in squares})


def _one(
    code: Code, at: list[Number], place: int, result: Values, fmt: Format, bits: int, max_bits: int
) -> int:
    """Settle one point; the bits that would have been enough."""
    while bits <= max_bits:
        missing = bits + 64
        try:
            low, high = _evaluate(code, at, bits)
        except _Undefined:
            result.kind[place] = Kind.UNDEFINED
            return bits
        except _Lost:
            bits += missing
            continue
        width = libmp.mpf_sub(high, low, 30, "c")
        one_sign = bool(low[1] and high[1]) and low[0] == high[0]
        spare = min(_mag(low), _mag(high)) - _mag(width) - WANTED_BITS if one_sign else -1
        if not width[1] or spare >= 0:
            sign, mantissa, exponent, _ = low
            result.put_exact(place, -int(mantissa) if sign else int(mantissa), int(exponent))
            return bits - min(spare, bits) + 16
        if max(_mag(low), _mag(high)) < fmt.floor:
            result.kind[place], result.exp[place] = Kind.TINY, fmt.floor
            result.hi[place] = (-1.0 if low[0] else 1.0) if one_sign else 0.0
            return bits
        bits += 8 - spare if one_sign and spare < -1 else missing
    result.kind[place] = Kind.UNDECIDED
    return _FIRST


def _mag(x: Number) -> int:
    """m with |x| < 2^m; very small for zero."""
    return x[2] + x[3] if x[1] else -(1 << 62)


# the interpreter

Code = tuple[tuple[Act | None, tuple[int, ...]], ...]


def _compile(expr: Expr, args: tuple[Symbol, ...]) -> Code:
    number: dict[Basic, int] = {}
    code: list[tuple[Act | None, tuple[int, ...]]] = []
    stack: list[tuple[Basic, bool]] = [(sympy.sympify(expr, strict=True), False)]
    while stack:
        node, ready = stack.pop()
        if node in number:
            continue
        act, operands = (None, ()) if node in args else _plan(node)
        if ready or not operands:
            number[node] = len(code)
            places = (args.index(node),) if act is None else tuple(number[k] for k in operands)  # type: ignore[arg-type]
            code.append((act, places))
        else:
            stack.append((node, True))
            stack.extend((k, False) for k in operands if k not in number)
    return tuple(code)


def _plan(node: Any) -> tuple[Act, tuple[Basic, ...]]:
    """What the node does, given the bits and its operands' intervals; and the operands."""
    if isinstance(node, (sympy.Rational, sympy.Float)):
        exact: Any = sympy.Rational(node)
        p, q = int(exact.p), int(exact.q)
        return lambda bits: _outward(libmp.from_rational, p, q, bits), ()
    if node in _CONSTANTS:
        return lambda bits: _outward(_CONSTANTS[node], bits), ()
    if isinstance(node, sympy.Pow) and node.exp.is_Rational:
        exponent: Any = node.exp
        return _rational_power(int(exponent.p), int(exponent.q)), (node.base,)
    if isinstance(node, sympy.Piecewise):
        return _piecewise, tuple(part for pair in node.args for part in pair.args)
    if isinstance(node, (BooleanTrue, BooleanFalse)):
        return lambda bits: bool(node), ()
    if isinstance(node, Relational):
        holds = _RELATION[type(node)]
        return lambda bits, a, b: holds(_order(a, b)), node.args
    if isinstance(node, sympy.sign):
        return lambda bits, x: (_ZERO, _ONE, libmpi.mpi_neg(_ONE))[_order(x, _ZERO)], node.args
    if isinstance(node, sympy.Heaviside):
        return lambda bits, x, middle: (middle, _ONE, _ZERO)[_order(x, _ZERO)], node.args
    for kind, act in _NODES.items():
        if isinstance(node, kind):
            return act, node.args
    if type(node) in _FUNCTIONS:
        return _FUNCTIONS[type(node)], node.args
    raise UnsupportedError(f"no mpmath value for {node} of type {type(node).__name__}")


def _evaluate(code: Code, at: list[Number], bits: int) -> Interval:
    """The last register. A lost or undefined operand counts where a branch that holds takes it."""
    registers: list[Any] = []
    for act, operands in code:
        if act is None:
            registers.append((at[operands[0]],) * 2)
            continue
        a = [registers[k] for k in operands]
        try:
            if act not in _LAZY:
                for failed in (v for v in a if isinstance(v, Exception)):
                    raise failed
            registers.append(act(bits, *a))
        except (_Lost, _Undefined) as error:
            registers.append(error.with_traceback(None))
    if isinstance(registers[-1], Exception):
        raise registers[-1]
    return registers[-1]


def _outward(f: Act, *a: Any) -> Interval:
    return f(*a, "f"), f(*a, "c")


def _finite(x: Interval) -> Interval:
    if any(not end[1] and end[2] for end in x):  # an infinity or nan
        raise _Lost
    return x


def _order(a: Interval, b: Interval) -> int:
    """-1, 0 or 1 as a is less than, equal to or greater than b."""
    first, last = mpf_cmp(a[0], b[1]), mpf_cmp(a[1], b[0])
    if first > 0 or last < 0:
        return 1 if first > 0 else -1
    if first == last == 0:
        return 0
    raise _Lost


def _invert(bits: int, x: Interval) -> Interval:
    if x == (fzero, fzero):
        raise _Undefined
    return _finite(libmpi.mpi_div((fone, fone), x, bits))


def _rational_power(p: int, q: int) -> Act:
    root = _rising(lambda x, bits, rounding: libmp.mpf_nthroot(x, q, bits, rounding))

    def power(bits: int, x: Interval) -> Interval:
        base = x if q == 1 else root(bits + 8, x)
        y = libmpi.mpi_pow_int(base, abs(p), bits)
        return y if p > 0 else _invert(bits, y)

    return power


def _power(bits: int, base: Interval, exponent: Interval) -> Interval:
    logarithm = _FUNCTIONS[sympy.log](bits + 32, base)
    return _FUNCTIONS[sympy.exp](bits, libmpi.mpi_mul(exponent, logarithm, bits + 32))


def _piecewise(bits: int, *a: Any) -> Interval:
    for value, holds in zip(a[::2], a[1::2], strict=True):
        if isinstance(holds, Exception):
            raise holds
        if holds:
            if isinstance(value, Exception):
                raise value
            return value
    raise _Undefined


def _all(bits: int, *a: Any) -> bool:
    return _any_of(False, a)


def _any(bits: int, *a: Any) -> bool:
    return _any_of(True, a)


def _any_of(decisive: bool, a: Sequence[Any]) -> bool:
    if decisive in a:
        return decisive
    for failed in (v for v in a if isinstance(v, Exception)):
        raise failed
    return not decisive


def _fold(f: Act) -> Act:
    return lambda bits, *a: reduce(lambda x, y: _finite(f(x, y, bits)), a)


def _largest(a: Number, b: Number) -> Number:
    return a if mpf_cmp(a, b) > 0 else b


def _smallest(a: Number, b: Number) -> Number:
    return b if mpf_cmp(a, b) > 0 else a


_NODES: dict[type, Act] = {
    sympy.Add: _fold(libmpi.mpi_add),
    sympy.Mul: _fold(libmpi.mpi_mul),
    sympy.Pow: _power,
    sympy.Abs: lambda bits, x: libmpi.mpi_abs(x, bits),
    sympy.Max: _fold(lambda x, y, bits: tuple(map(_largest, x, y))),
    sympy.Min: _fold(lambda x, y, bits: tuple(map(_smallest, x, y))),
    And: _all,
    Or: _any,
    Not: lambda bits, a: not a,
    ITE: lambda bits, c, a, b: a if c else b,
}
_LAZY = (_piecewise, _all, _any)

_RELATION: dict[type, Callable[[int], bool]] = {
    sympy.StrictLessThan: lambda order: order < 0,
    sympy.LessThan: lambda order: order <= 0,
    sympy.StrictGreaterThan: lambda order: order > 0,
    sympy.GreaterThan: lambda order: order >= 0,
    sympy.Eq: lambda order: order == 0,
    sympy.Ne: lambda order: order != 0,
}

_CONSTANTS: dict[Basic, Act] = {
    sympy.pi: libmp.mpf_pi,
    sympy.E: libmp.mpf_e,
    sympy.EulerGamma: libmp.mpf_euler,
    sympy.Catalan: libmp.mpf_catalan,
    sympy.GoldenRatio: libmp.mpf_phi,
}


# functions of one variable


def _rising(f: Act) -> Act:
    """A function that rises where it is defined, by its ends."""

    def ends(bits: int, x: Interval) -> Interval:
        y = _end(f, x[0], bits, "f"), _end(f, x[1], bits, "c")
        if None in y:
            raise _Undefined if y == (None, None) else _Lost
        return y

    return ends


def _falling(f: Act) -> Act:
    minus = _rising(lambda x, bits, rounding: f(mpf_neg(x), bits, rounding))
    return lambda bits, x: minus(bits, libmpi.mpi_neg(x))


def _end(f: Act, x: Number, bits: int, rounding: str) -> Number | None:
    """f at one end, moved outward by a unit unless it is exact; None where it is no real number."""
    try:
        y = f(x, bits, rounding)
    except (libmp.ComplexResult, ZeroDivisionError, ValueError):
        return None
    if not isinstance(y, tuple) or len(y) != 4 or (y[2] and not y[1]):
        return None
    if not y[1] or (not x[1] and y == fone):
        return y
    step = libmp.from_man_exp(-1 if rounding == "f" else 1, _mag(y) - bits)
    return mpf_add(y, step, bits, rounding)


_CONTEXT = mpmath.MPContext()


def _by_context(name: str) -> Act:
    def call(x: Number, bits: int, rounding: str) -> Number:
        with _CONTEXT.workprec(bits + 8):
            y = getattr(_CONTEXT, name)(_CONTEXT.make_mpf(x))
        return libmp.fnan if isinstance(y, _CONTEXT.mpc) else y._mpf_

    return call


def _calm(f: Act) -> Act:
    """A function that is ±1 to every bit asked for, beyond 2^60."""

    def call(x: Number, bits: int, rounding: str) -> Number:
        if _mag(x) < 60:
            return f(x, bits, rounding)
        return mpf_neg(fone) if x[0] else fone

    return call


def _exp(x: Number, bits: int, rounding: str) -> Number:
    if not x[1] or _mag(x) < 20:
        return libmp.mpf_exp(x, bits, rounding)
    if _mag(x) > _ENORMOUS:
        if not x[0]:
            raise _Lost
        return fzero if rounding == "f" else _LEAST
    # mpmath's own takes a slow way here: exp(x) = 2^n·exp(x - n·log 2).
    wp = bits + _mag(x) + 20
    log2 = libmp.mpf_ln2(wp)
    n = libmp.to_int(mpf_div(x, log2, wp))
    rest = mpf_add(x, mpf_neg(mpf_mul(log2, libmp.from_int(n))), wp, "n")
    return libmp.mpf_shift(libmp.mpf_exp(rest, bits, rounding), n)


def _erfc(x: Number, bits: int, rounding: str) -> Number:
    if x[0] and _mag(x) > 60:
        return libmp.ftwo
    if x[0] or _mag(x) < 100:
        return libmp.mpf_erfc(x, bits, rounding)
    # mpmath's own overflows here; DLMF 7.12.1, with as many terms as the precision asks for.
    wp = bits + 20
    u = mpf_div(fone, mpf_mul(mpf_mul(x, x), libmp.from_int(-2)), wp, "n")
    term = total = fone
    n = 1
    while _mag(term) > -wp:
        term = mpf_mul(mpf_mul(term, u), libmp.from_int(n), wp, "n")
        total = mpf_add(total, term, wp, "n")
        n += 2
    scale = mpf_mul(x, libmp.mpf_sqrt(libmp.mpf_pi(wp), wp, "n"), wp, "n")
    e = _exp(mpf_neg(mpf_mul(x, x)), wp, "n")
    return mpf_div(mpf_mul(e, total), scale, bits, rounding)


def _cosh(bits: int, x: Interval) -> Interval:
    e = _FUNCTIONS[sympy.exp](bits + 8, x)
    return libmpi.mpi_shift(libmpi.mpi_add(e, _invert(bits + 8, e), bits), -1)


def _sech(bits: int, x: Interval) -> Interval:
    e = _FUNCTIONS[sympy.exp](bits + 8, libmpi.mpi_neg(libmpi.mpi_abs(x, bits + 8)))
    whole = libmpi.mpi_add(_ONE, libmpi.mpi_mul(e, e, bits + 8), bits + 8)
    return libmpi.mpi_shift(libmpi.mpi_div(e, whole, bits), 1)


def _sinh(x: Number, bits: int, rounding: str) -> Number:
    if _mag(x) < 20:
        return libmp.mpf_sinh(x, bits, rounding)
    e = _exp(libmp.mpf_abs(x), bits + 8, rounding)
    half = libmp.mpf_shift(libmp.mpf_sub(e, mpf_div(fone, e, 30, "n"), bits, rounding), -1)
    return mpf_neg(half) if x[0] else half


def _wave(f: Act) -> Act:
    """A function of sine and cosine."""

    def wave(bits: int, x: Interval) -> Interval:
        if max(map(_mag, x)) > _ENORMOUS:
            raise _Lost
        return _finite(f(libmpi.mpi_cos(x, bits), libmpi.mpi_sin(x, bits), bits))

    return wave


def _sinc(bits: int, x: Interval) -> Interval:
    if x == (fzero, fzero):
        return fone, fone
    return libmpi.mpi_mul(_FUNCTIONS[sympy.sin](bits, x), _invert(bits, x), bits)


def _one_over(kind: type) -> Act:
    return lambda bits, x: _invert(bits, _FUNCTIONS[kind](bits + 8, x))


_ZERO, _ONE = (fzero, fzero), (fone, fone)
_FUNCTIONS: dict[type, Act] = {
    sympy.exp: _rising(_exp),
    sympy.log: _rising(libmp.mpf_log),
    sympy.sin: _wave(lambda c, s, bits: s),
    sympy.cos: _wave(lambda c, s, bits: c),
    sympy.tan: _wave(lambda c, s, bits: libmpi.mpi_div(s, c, bits)),
    sympy.cot: _wave(lambda c, s, bits: libmpi.mpi_div(c, s, bits)),
    sympy.sec: _wave(lambda c, s, bits: libmpi.mpi_div(_ONE, c, bits)),
    sympy.csc: _wave(lambda c, s, bits: libmpi.mpi_div(_ONE, s, bits)),
    sympy.asin: _rising(libmp.mpf_asin),
    sympy.acos: _falling(libmp.mpf_acos),
    sympy.atan: _rising(libmp.mpf_atan),
    sympy.sinh: _rising(_sinh),
    sympy.cosh: _cosh,
    sympy.tanh: _rising(_calm(libmp.mpf_tanh)),
    sympy.coth: _one_over(sympy.tanh),
    sympy.sech: _sech,
    sympy.csch: _one_over(sympy.sinh),
    sympy.asinh: _rising(libmp.mpf_asinh),
    sympy.acosh: _rising(libmp.mpf_acosh),
    sympy.atanh: _rising(libmp.mpf_atanh),
    sympy.erf: _rising(_calm(libmp.mpf_erf)),
    sympy.erfc: _falling(_erfc),
    sympy.erfi: _rising(_by_context("erfi")),
    sympy.sinc: _sinc,
    sympy.LambertW: _rising(_by_context("lambertw")),
}
