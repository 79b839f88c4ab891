"""The table of functions that balls understand: one row is one function.

Columns: SymPy class; the range over a ball; the power series; +1 or -1 where the function is
monotone on its domain, so that a wide ball is evaluated at its two ends.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import sympy
from flint import arb, arb_series

__all__ = ["FUNCTIONS", "Op", "pow_int", "pow_series", "range_of"]

Ball = Callable[[arb], arb]
Pair = Callable[[list[arb], list[arb], int], arb]
Series = Callable[[arb_series], arb_series]

_WIDE = arb(2) ** -30
_NARROW = arb(2) ** -60


@dataclass(frozen=True, slots=True)
class Op:
    """One function of one variable on balls and on power series of balls."""

    ball: Ball
    series: Series
    monotone: int = 0


def range_of(op: Op, x: arb) -> arb:
    """An enclosure of the function over the ball; at the ends where it is monotone."""
    if op.monotone and x.is_finite() and x.rad() > _WIDE:
        return op.ball(x.lower()).union(op.ball(x.upper()))
    return op.ball(x)


def pow_int(x: arb, n: int) -> arb:
    """x**n over a ball, with even powers never negative and odd ones taken at the ends."""
    if n < 0:
        return 1 / pow_int(x, -n)
    if not x.is_finite() or x.rad() <= _WIDE:
        return _power(x, n)
    if n % 2 == 0:
        return _power(x.abs_lower(), n).union(_power(x.abs_upper(), n))
    return _power(x.lower(), n).union(_power(x.upper(), n))


def _power(x: Any, n: int) -> Any:
    """x**n, n >= 0, by squaring: flint's own power is nan on a ball around zero."""
    result, square = 1 + 0 * x, x
    while n:
        if n & 1:
            result = result * square
        n >>= 1
        if n:
            square = square * square
    return result


def pow_series(x: arb_series, n: int) -> arb_series:
    """x**n for a power series and any integer n."""
    return _power(x, n) if n >= 0 else 1 / _power(x, -n)


def _coupled(x: arb_series, y0: arb, z0: arb, dy: Pair, dz: Pair) -> tuple[arb_series, arb_series]:
    """The series y(x), z(x) of dy/dx = Y(y, z), dz/dx = Z(y, z), products of at most two series.

    Taylor coefficients by the differential equation stay narrow on wide balls and do not cancel in
    the tails, since they are built from the values y0, z0 alone.
    """
    n = x.prec
    u = [(k + 1) * x[k + 1] for k in range(n - 1)]
    y, z, rates = [y0], [z0], ([], [])
    for k in range(n - 1):
        for rate, law in zip(rates, (dy, dz), strict=True):
            rate.append(law(y, z, k))
        for values, rate in zip((y, z), rates, strict=True):
            values.append(sum((rate[i] * u[k - i] for i in range(k + 1)), arb(0)) / (k + 1))
    return arb_series(y, prec=n), arb_series(z, prec=n)


def _times(a: list[arb], b: list[arb], k: int) -> arb:
    return sum((a[i] * b[k - i] for i in range(k + 1)), arb(0))


def _tanh_sech(x: arb_series) -> tuple[arb_series, arb_series]:
    if x[0].rad() < _NARROW:  # in e = exp(-|x|), where no coefficient past the first cancels
        negative = bool(x[0] < 0)
        e = x.exp() if negative else (-x).exp()
        square = e * e
        y = 1 - 2 * square / (1 + square)
        return -y if negative else y, 2 * e / (1 + square)
    # y = tanh, z = sech: y' = z², z' = -yz
    y0, z0 = range_of(FUNCTIONS[sympy.tanh], x[0]), _even(arb.sech)(x[0])
    return _coupled(x, y0, z0, lambda y, z, k: _times(z, z, k), lambda y, z, k: -_times(y, z, k))


def _sinh_cosh(x: arb_series) -> tuple[arb_series, arb_series]:
    if x[0].rad() < _NARROW and bool(abs(x[0]) > 1):
        e = x.exp()
        return (e - 1 / e) / 2, (e + 1 / e) / 2
    y0, z0 = range_of(FUNCTIONS[sympy.sinh], x[0]), _even(arb.cosh)(x[0])
    return _coupled(x, y0, z0, lambda y, z, k: z[k], lambda y, z, k: y[k])


def _series_tanh(x: arb_series) -> arb_series:
    return _tanh_sech(x)[0]


def _series_sech(x: arb_series) -> arb_series:
    return _tanh_sech(x)[1]


def _series_sinh(x: arb_series) -> arb_series:
    return _sinh_cosh(x)[0]


def _series_cosh(x: arb_series) -> arb_series:
    return _sinh_cosh(x)[1]


def _series_asinh(x: arb_series) -> arb_series:
    root = (x * x + 1).sqrt()
    if bool(x[0] < 0):
        return -(root - x).log()
    return (x + root).log()


def _even(f: Ball) -> Ball:
    """Range of an even function that falls in |x|."""

    def ball(x: arb) -> arb:
        if x.is_finite() and x.rad() > _WIDE:
            return f(x.abs_lower()).union(f(x.abs_upper()))
        return f(x)

    return ball


def _reciprocal(f: Ball) -> Ball:
    return lambda x: 1 / f(x)


FUNCTIONS: dict[type, Op] = {
    # class          ball              series                                      monotone
    sympy.exp:    Op(arb.exp,          arb_series.exp,                             +1),
    sympy.log:    Op(arb.log,          arb_series.log,                             +1),
    sympy.sin:    Op(arb.sin,          arb_series.sin),
    sympy.cos:    Op(arb.cos,          arb_series.cos),
    sympy.tan:    Op(arb.tan,          arb_series.tan),
    sympy.cot:    Op(arb.cot,          lambda x: x.cos() / x.sin()),
    sympy.sec:    Op(arb.sec,          lambda x: 1 / x.cos()),
    sympy.csc:    Op(arb.csc,          lambda x: 1 / x.sin()),
    sympy.asin:   Op(arb.asin,         arb_series.asin,                            +1),
    sympy.acos:   Op(arb.acos,         arb_series.acos,                            -1),
    sympy.atan:   Op(arb.atan,         arb_series.atan,                            +1),
    sympy.sinh:   Op(arb.sinh,         _series_sinh,                               +1),
    sympy.cosh:   Op(_even(arb.cosh),  _series_cosh),
    sympy.tanh:   Op(arb.tanh,         _series_tanh,                               +1),
    sympy.coth:   Op(arb.coth,         lambda x: 1 / _series_tanh(x)),
    sympy.sech:   Op(_even(arb.sech),  _series_sech),
    sympy.csch:   Op(arb.csch,         lambda x: 1 / _series_sinh(x)),
    sympy.asinh:  Op(arb.asinh,        _series_asinh,                              +1),
    sympy.acosh:  Op(arb.acosh,        lambda x: (x + (x * x - 1).sqrt()).log(),   +1),
    sympy.atanh:  Op(arb.atanh,        lambda x: ((1 + x) / (1 - x)).log() / 2,    +1),
    sympy.erf:    Op(arb.erf,          arb_series.erf,                             +1),
    sympy.erfc:   Op(arb.erfc,         arb_series.erfc,                            -1),
    sympy.erfi:   Op(arb.erfi,         arb_series.erfi,                            +1),
    sympy.sinc:   Op(arb.sinc,         lambda x: x.sin() / x),
    sympy.LambertW: Op(arb.lambertw,   arb_series.lambertw,                        +1),
}  # fmt: skip
