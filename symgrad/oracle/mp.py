"""True values by mpmath, a second road that shares nothing with the balls.

An interpreter of its own on SymPy's nodes calls mpmath's number-level functions, each with its
precision as an argument, so there is no context to leak. Beside each value runs a first-order bound
of its error (running error analysis: Wilkinson 1963, chapter 1); a result that has not enough known
bits is computed again with as many more as are missing. It proves nothing, and shares no rule with
the road that does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import mpmath
import numpy as np
import sympy
from mpmath import libmp
from mpmath.libmp import finf, fnan, fninf, fone, fzero, mpf_add, mpf_cmp, mpf_mul, mpf_neg
from sympy import Basic, Expr, Symbol
from sympy.core.relational import Relational
from sympy.logic.boolalg import And, BooleanFalse, BooleanTrue, Not, Or

from symgrad.errors import InputError, UnsupportedError
from symgrad.oracle.formats import FLOAT64, Floats, Format, Kind, Values

__all__ = ["WANTED_BITS", "mp_values"]

WANTED_BITS = 72
"""Relative bits of a settled value: 2^-19 of a float64 ulp."""

_FIRST, _LAST = 96, 12000
_HUGE = 60
_ENORMOUS = 1 << 16
_DEEP = -(1 << 40)

Number = tuple[Any, int | None]
"""A value with the exponent of its error bound; None where it is exact."""

_LOST = "lost"
_UNDEFINED = "undefined"
Handler = Callable[..., Any]


def mp_values(
    expr: Expr,
    args: Sequence[Symbol],
    points: Sequence[Floats],
    fmt: Format = FLOAT64,
    max_bits: int = _LAST,
) -> Values:
    """f at float points, to `WANTED_BITS` by a running error estimate; nothing is proved.

    >>> from sympy import Symbol, tanh
    >>> x = Symbol("x", real=True)
    >>> mp_values(1 - tanh(x) ** 2, [x], [np.array([20.0])]).show(0)
    '1.6993417021166356e-17'
    """
    code = _compile(expr, tuple(args))
    columns = [np.ascontiguousarray(p, np.float64) for p in points]
    if len(columns) != len(args) or len({len(c) for c in columns}) > 1:
        raise InputError(f"{len(args)} arguments need as many arrays of one length")
    count = len(columns[0]) if columns else 1
    result = Values.empty(count, WANTED_BITS)
    bits = _FIRST
    order = np.argsort(columns[0], kind="stable") if columns else np.zeros(1, np.int64)
    for place in order.tolist():
        at = [libmp.from_float(float(c[place])) for c in columns]
        # Neighbouring points need about the same precision: start from what the last one took.
        bits = _one(code, at, place, result, fmt, max(_FIRST, bits // 2), max_bits)
    return result


def _one(
    code: Code, at: list[Any], place: int, result: Values, fmt: Format, bits: int, max_bits: int
) -> int:
    while True:
        value = _evaluate(code, at, bits)
        missing = bits + 64
        if value is _UNDEFINED:
            result.kind[place] = Kind.UNDEFINED
            return bits
        if value is not _LOST:
            number, error = value
            if error is None or (number[1] and _mag(number) - error >= WANTED_BITS):
                sign, mantissa, exponent, _ = number
                result.put_exact(place, -int(mantissa) if sign else int(mantissa), int(exponent))
                return bits
            if max(error, _mag(number) + 1 if number[1] else error) < fmt.floor:
                result.kind[place], result.exp[place] = Kind.TINY, fmt.floor
                known = number[1] and _mag(number) > error + 2
                result.hi[place] = (-1.0 if number[0] else 1.0) if known else 0.0
                return bits
            if number[1] and _mag(number) > error:
                missing = WANTED_BITS - (_mag(number) - error) + 8
        bits += missing
        if bits > max_bits:
            result.kind[place] = Kind.UNDECIDED
            return _FIRST


def _mag(x: Any) -> int:
    """m with |x| < 2^m, for x that is not zero."""
    return x[2] + x[3]


# the interpreter

Code = tuple[tuple[Handler, tuple[int, ...], Any], ...]


def _compile(expr: Expr, args: tuple[Symbol, ...]) -> Code:
    number: dict[Basic, int] = {}
    code: list[tuple[Handler, tuple[int, ...], Any]] = []
    stack: list[tuple[Basic, bool]] = [(sympy.sympify(expr, strict=True), False)]
    while stack:
        node, ready = stack.pop()
        if node in number:
            continue
        handler, operands, extra = _plan(node, args)
        if ready or not operands:
            number[node] = len(code)
            code.append((handler, tuple(number[k] for k in operands), extra))
        else:
            stack.append((node, True))
            stack.extend((k, False) for k in operands if k not in number)
    return tuple(code)


def _plan(node: Any, args: tuple[Symbol, ...]) -> tuple[Handler, tuple[Basic, ...], Any]:
    if node in args:
        return _argument, (), args.index(node)  # type: ignore[arg-type]
    if isinstance(node, (sympy.Rational, sympy.Float)):
        exact: Any = sympy.Rational(node)
        return _rational, (), (int(exact.p), int(exact.q))
    if node in _CONSTANTS:
        return _named, (), _CONSTANTS[node]
    if isinstance(node, sympy.Pow) and node.args[1].is_Rational:
        base, exponent = node.args
        p, q = exponent.as_numer_denom()
        if q == 1:
            return _integer_power, (base,), int(p)
        return _root, (base,), (int(p), int(q))
    if isinstance(node, sympy.Piecewise):
        return _piecewise, tuple(part for pair in node.args for part in pair.args), None
    if isinstance(node, Relational):
        return _compare, node.args, _RELATION[type(node)]
    if isinstance(node, sympy.Heaviside):
        return _heaviside, node.args[:1], None
    for kind, handler in _NODES.items():
        if isinstance(node, kind):
            return handler, node.args, node
    if type(node) in _SLOPES:
        return _function, node.args, type(node)
    raise UnsupportedError(f"no mpmath value for {node} of type {type(node).__name__}")


def _evaluate(code: Code, at: list[Any], bits: int) -> Any:
    registers: list[Any] = []
    for handler, operands, extra in code:
        a = [registers[k] for k in operands]
        if handler is _argument:
            registers.append((at[extra], None))
        elif handler is _piecewise or handler in _LOGIC:
            registers.append(handler(bits, extra, *a))
        elif _UNDEFINED in a or _LOST in a:
            registers.append(_UNDEFINED if _UNDEFINED in a else _LOST)
        else:
            registers.append(handler(bits, extra, *a))
    return registers[-1]


def _argument(bits: int, extra: Any) -> Number:
    raise TypeError


def _rational(bits: int, extra: tuple[int, int]) -> Number:
    p, q = extra
    if q & (q - 1) == 0 and p.bit_length() <= bits:
        return libmp.from_man_exp(p, 1 - q.bit_length()), None
    value = libmp.from_rational(p, q, bits)
    return value, _mag(value) - bits


def _named(bits: int, make: Callable[..., Any]) -> Number:
    value = make(bits, "n")
    return value, _mag(value) - bits


def _rounding(value: Any, bits: int, *errors: int | None) -> Number:
    """The value with the largest of the errors carried into it and its own rounding."""
    known = [e for e in errors if e is not None]
    if value[1]:
        known.append(_mag(value) - bits)
    return value, (max(known) + len(known) - 1 if known else None)


def _add(bits: int, node: Any, *a: Number) -> Number:
    total, error = a[0]
    for value, other in a[1:]:
        if error is None and other is None and abs(total[2] - value[2]) < 4 * bits:
            exact = mpf_add(total, value)
            if exact[3] <= bits:
                total = exact
                continue
        total, error = _rounding(mpf_add(total, value, bits, "n"), bits, error, other)
    return total, error


def _mul(bits: int, node: Any, *a: Number) -> Number:
    total, error = a[0]
    for value, other in a[1:]:
        product = mpf_mul(total, value)
        if error is None and other is None and product[3] <= bits:
            total = product
            continue
        carried = [] if error is None else [error + _mag(value)] if value[1] else []
        carried += [] if other is None else [other + _mag(total)] if total[1] else []
        if error is not None and other is not None:
            carried.append(error + other)
        product = libmp.mpf_pos(product, bits, "n")
        zero = (error is None and not total[1]) or (other is None and not value[1])
        total, error = (fzero, None) if zero else _rounding(product, bits, *carried)
    return total, error


def _integer_power(bits: int, n: int, x: Number) -> Any:
    value, error = x
    if not value[1]:
        if n > 0:
            return (fzero, None) if error is None else (fzero, error * n)
        return _UNDEFINED if error is None else _LOST
    if error is not None and error > _mag(value) - 4 - abs(n).bit_length():
        return _LOST if n < 0 else (fzero, n * (max(error, _mag(value)) + 1))
    power = libmp.mpf_pow_int(value, n, bits, "n")
    carried = None if error is None else _mag(power) + error - _mag(value) + abs(n).bit_length() + 1
    if error is None and n > 0 and value[3] * n <= bits:
        return power, None
    return _rounding(power, bits, carried)


def _root(bits: int, extra: tuple[int, int], x: Number) -> Any:
    (value, error), (p, q) = x, extra
    if not value[1]:
        return _LOST if error is not None else (fzero, None) if p > 0 else _UNDEFINED
    if error is not None and error > _mag(value) - 4:
        return _LOST
    if value[0]:
        return _UNDEFINED
    root = libmp.mpf_pow(value, libmp.from_rational(p, q, bits + 20), bits, "n") if q != 2 else (
        libmp.mpf_pow_int(libmp.mpf_sqrt(value, bits + 8, "n"), p, bits, "n"))  # fmt: skip
    slack = _mag(root) - bits + 20 if q != 2 else None
    carried = None if error is None else _mag(root) + error - _mag(value) + abs(p).bit_length() + 1
    return _rounding(root, bits, carried, slack)


def _power(bits: int, node: Any, base: Number, exponent: Number) -> Any:
    logarithm = _function(bits + 32, sympy.log, base)
    if logarithm in (_LOST, _UNDEFINED):
        return logarithm
    return _function(bits, sympy.exp, _mul(bits + 32, None, exponent, logarithm))


# comparisons and pieces: True, False, or lost where the errors do not decide


def _compare(bits: int, relation: str, left: Number, right: Number) -> Any:
    (a, e), (b, f) = left, right
    if e is None and f is None:
        order = mpf_cmp(a, b)
    else:
        gap, error = _add(bits, None, left, (mpf_neg(b), f))
        if error is not None and (not gap[1] or _mag(gap) <= error + 1):
            return _LOST
        order = 0 if not gap[1] else -1 if gap[0] else 1
    return {"<": order < 0, "<=": order <= 0, ">": order > 0, ">=": order >= 0,
            "==": order == 0, "!=": order != 0}[relation]  # fmt: skip


def _and(bits: int, node: Any, *a: Any) -> Any:
    return False if False in a else next((v for v in a if v is not True), True)


def _or(bits: int, node: Any, *a: Any) -> Any:
    return True if True in a else next((v for v in a if v is not False), False)


def _not(bits: int, node: Any, a: Any) -> Any:
    return not a if isinstance(a, bool) else a


def _truth(bits: int, node: Any) -> bool:
    return bool(node)


def _piecewise(bits: int, extra: Any, *a: Any) -> Any:
    for value, holds in zip(a[::2], a[1::2], strict=True):
        if holds is True:
            return value
        if holds is not False:
            return holds
    return _UNDEFINED


def _sign_of(x: Number) -> int | None:
    value, error = x
    if error is not None and (not value[1] or _mag(value) <= error + 1):
        return None
    return 0 if not value[1] else -1 if value[0] else 1


def _abs(bits: int, node: Any, x: Number) -> Number:
    return libmp.mpf_abs(x[0]), x[1]


def _sign(bits: int, node: Any, x: Number) -> Any:
    sign = _sign_of(x)
    return _LOST if sign is None else (libmp.from_int(sign), None)


def _heaviside(bits: int, extra: Any, x: Number) -> Any:
    sign = _sign_of(x)
    return _LOST if sign is None else (libmp.from_man_exp(1 + sign, -1), None)


def _extreme(bits: int, node: Any, *a: Number) -> Number:
    best, error = a[0]
    for value, other in a[1:]:
        larger = mpf_cmp(value, best) > 0
        best = value if larger is isinstance(node, sympy.Max) else best
        error = other if error is None else error if other is None else max(error, other)
    return best, error


# functions of one variable

_CONTEXT = mpmath.MPContext()


def _by_context(name: str) -> Callable[..., Any]:
    def call(x: Any, bits: int, rounding: str) -> Any:
        with _CONTEXT.workprec(bits):
            return getattr(_CONTEXT, name)(_CONTEXT.make_mpf(x))._mpf_

    return call


def _one_minus_square(x: Any) -> int:
    """The magnitude of 1 − x², or of x² − 1."""
    gap = mpf_add(fone, mpf_neg(mpf_mul(x, x)), 64, "n")
    return _mag(gap) if gap[1] else _DEEP


def _exp(x: Any, bits: int, rounding: str) -> Any:
    if not x[1] or _mag(x) < 20:
        return libmp.mpf_exp(x, bits, rounding)
    # mpmath's own takes a slow way here: exp(x) = 2^n·exp(x - n·log 2).
    wp = bits + _mag(x) + 20
    log2 = libmp.mpf_ln2(wp)
    n = libmp.to_int(libmp.mpf_div(x, log2, wp))
    rest = mpf_add(x, mpf_neg(mpf_mul(log2, libmp.from_int(n))), wp, "n")
    return libmp.mpf_shift(libmp.mpf_exp(rest, bits, rounding), n)


def _erfc(x: Any, bits: int, rounding: str) -> Any:
    if x[0] or _mag(x) < 100:
        return libmp.mpf_erfc(x, bits, rounding)
    # mpmath's own overflows here; DLMF 7.12.1, with as many terms as the precision asks for.
    wp = bits + 20
    u = libmp.mpf_div(fone, mpf_mul(mpf_mul(x, x), libmp.from_int(-2)), wp, "n")
    term = total = fone
    n = 1
    while _mag(term) > -wp:
        term = mpf_mul(mpf_mul(term, u), libmp.from_int(n), wp, "n")
        total = mpf_add(total, term, wp, "n")
        n += 2
    scale = mpf_mul(x, libmp.mpf_sqrt(libmp.mpf_pi(wp), wp, "n"), wp, "n")
    e = _exp(mpf_neg(mpf_mul(x, x)), wp, "n")
    return libmp.mpf_div(mpf_mul(e, total), scale, bits, rounding)


def _reciprocal(f: Callable[..., Any]) -> Callable[..., Any]:
    return lambda x, bits, rounding: libmp.mpf_div(fone, f(x, bits + 10, "n"), bits, rounding)


def _up(m: int) -> int:
    return max(0, m)


#: SymPy class: (mpmath's function, log2 of a bound of |f'| from x and the magnitude of x and f(x)).
_SLOPES: dict[type, tuple[Callable[..., Any], Callable[[Any, int, int], int]]] = {
    sympy.exp: (_exp, lambda x, m, y: y),
    sympy.log: (libmp.mpf_log, lambda x, m, y: 1 - m),
    sympy.sin: (libmp.mpf_sin, lambda x, m, y: 0),
    sympy.cos: (libmp.mpf_cos, lambda x, m, y: 0),
    sympy.tan: (libmp.mpf_tan, lambda x, m, y: 2 * _up(y) + 1),
    sympy.cot: (_reciprocal(libmp.mpf_tan), lambda x, m, y: 2 * _up(y) + 1),
    sympy.sec: (_reciprocal(libmp.mpf_cos), lambda x, m, y: 2 * _up(y)),
    sympy.csc: (_reciprocal(libmp.mpf_sin), lambda x, m, y: 2 * _up(y)),
    sympy.asin: (libmp.mpf_asin, lambda x, m, y: 2 - _one_minus_square(x) // 2),
    sympy.acos: (libmp.mpf_acos, lambda x, m, y: 2 - _one_minus_square(x) // 2),
    sympy.atan: (libmp.mpf_atan, lambda x, m, y: -2 * _up(m - 1)),
    sympy.sinh: (libmp.mpf_sinh, lambda x, m, y: _up(y) + 1),
    sympy.cosh: (libmp.mpf_cosh, lambda x, m, y: y),
    sympy.tanh: (libmp.mpf_tanh, lambda x, m, y: 2 - (1 << min(m, 40)) if m > 2 else 0),
    sympy.coth: (_reciprocal(libmp.mpf_tanh), lambda x, m, y: 2 * _up(y)),
    sympy.sech: (_reciprocal(libmp.mpf_cosh), lambda x, m, y: y),
    sympy.csch: (_reciprocal(libmp.mpf_sinh), lambda x, m, y: y + _up(y) + 1),
    sympy.asinh: (libmp.mpf_asinh, lambda x, m, y: -_up(m - 1)),
    sympy.acosh: (libmp.mpf_acosh, lambda x, m, y: 2 - _one_minus_square(x) // 2),
    sympy.atanh: (libmp.mpf_atanh, lambda x, m, y: 2 - _one_minus_square(x)),
    sympy.erf: (libmp.mpf_erf, lambda x, m, y: 1 - (1 << min(2 * m - 2, 40)) if m > 2 else 1),
    sympy.erfc: (_erfc, lambda x, m, y: 1 if x[0] else y + _up(m) + 2),
    sympy.erfi: (_by_context("erfi"), lambda x, m, y: _up(y) + _up(m) + 2),
    sympy.sinc: (_by_context("sinc"), lambda x, m, y: 0),
    sympy.LambertW: (_by_context("lambertw"), lambda x, m, y: 4 - min(0, y)),
}


def _saturated(kind: type, negative: int) -> Any:
    """f at an argument beyond 2^60, where mpmath would build an integer of that many bits."""
    if kind in (sympy.tanh, sympy.erf, sympy.coth):
        return (mpf_neg(fone) if negative else fone), _DEEP
    if kind in (sympy.sech, sympy.csch) or (kind is sympy.erfc and not negative):
        return fzero, _DEEP
    return (libmp.ftwo, _DEEP) if kind is sympy.erfc else _LOST


def _function(bits: int, kind: type, x: Number) -> Any:
    """f(x) with the error of x carried through a bound of the slope; lost where that is no use."""
    value, error = x
    f, slope = _SLOPES[kind]
    size = _mag(value) if value[1] else 0
    vague = error is not None and (not value[1] or error > size - 4)
    loose = error is not None and error > 0 and kind not in _SCALE_FREE
    below = kind is sympy.exp and size > 44 and value[0] and not vague
    if below and (loose or size > _ENORMOUS):
        return fzero, _DEEP
    if size > _ENORMOUS if kind in _BY_RANGE else size > _HUGE and kind not in _ANY_SIZE:
        return _LOST if vague else _saturated(kind, value[0])
    calm = kind in _SLOPE_AT_MOST_1 or (size <= 0 and not loose and kind not in _POLE_AT_0)
    if (vague or loose) and not calm:
        return _LOST
    try:
        y = f(value, bits, "n")
    except (libmp.ComplexResult, ZeroDivisionError, ValueError):
        return _UNDEFINED
    if not isinstance(y, tuple) or len(y) != 4 or y in (finf, fninf, fnan):
        return _UNDEFINED
    if error is None and (not y[1] or (not value[1] and y == fone)):
        return y, None
    carried = None
    if error is not None:
        result = _mag(y) if y[1] else error
        carried = error + (3 if vague or loose else slope(value, size, result))
    y, total = _rounding(y, bits, carried)
    return y, None if total is None else total + 2


#: Functions whose relative error is what counts, and those that never enlarge an absolute one.
_SCALE_FREE = (sympy.log, sympy.asinh, sympy.acosh, sympy.LambertW)
_BY_RANGE = (sympy.exp, sympy.sin, sympy.cos, sympy.tan)
_ANY_SIZE = (sympy.log, sympy.atan, sympy.asinh, sympy.acosh)
_POLE_AT_0 = (sympy.log, sympy.cot, sympy.csc, sympy.coth, sympy.csch, sympy.acosh, sympy.LambertW)
_SLOPE_AT_MOST_1 = (
    sympy.sin, sympy.cos, sympy.tanh, sympy.erf, sympy.atan, sympy.asinh, sympy.sinc,
)  # fmt: skip

_CONSTANTS: dict[Basic, Callable[..., Any]] = {
    sympy.pi: libmp.mpf_pi,
    sympy.E: libmp.mpf_e,
    sympy.EulerGamma: libmp.mpf_euler,
    sympy.Catalan: libmp.mpf_catalan,
    sympy.GoldenRatio: libmp.mpf_phi,
}

_RELATION: dict[type, str] = {
    sympy.StrictLessThan: "<",
    sympy.LessThan: "<=",
    sympy.StrictGreaterThan: ">",
    sympy.GreaterThan: ">=",
    sympy.Eq: "==",
    sympy.Ne: "!=",
}

_NODES: dict[type, Handler] = {
    sympy.Add: _add,
    sympy.Mul: _mul,
    sympy.Pow: _power,
    sympy.Abs: _abs,
    sympy.sign: _sign,
    sympy.Max: _extreme,
    sympy.Min: _extreme,
    And: _and,
    Or: _or,
    Not: _not,
    BooleanTrue: _truth,
    BooleanFalse: _truth,
}
_LOGIC = (_and, _or, _not)
