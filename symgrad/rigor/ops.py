"""The table of functions that balls understand: one row is one function.

Columns: SymPy class; the ball; the power series; how it runs (+1 rises, -1 falls, `SIDES` monotone
on each side of zero), so that a wide ball is evaluated at its ends; and what takes its place where
Arb's own overflows, beyond exp(2^64) or so, in x and u = exp(-|x|): the exponent of a ball may be
any integer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import flint
import sympy
from flint import arb, arb_series

from symgrad.rigor.balls import precision, union

__all__ = ["FUNCTIONS", "SIDES", "Op", "pow_int", "pow_series"]

Ball = Callable[[arb], arb]
Pair = Callable[[arb, arb], arb]
Series = Callable[[arb_series], arb_series]

SIDES = 2
_WIDE = arb(2) ** -30
_SHARP = 30


@dataclass(frozen=True, slots=True)
class Op:
    """One function of one variable on balls and on power series of balls."""

    ball: Ball
    series: Series
    runs: int = 0
    far: Pair | None = None

    def __call__(self, x: arb) -> arb:
        """An enclosure of the function over the ball; at the ends where it is monotone."""
        y = self.ball(x)
        if y.rel_accuracy_bits() > _SHARP:
            return y
        if not x.is_finite():  # what is not defined stays so; flint's sinc of it is at most 1
            return x if x.is_nan() else y
        if not self.runs or x.rad() <= _WIDE:
            return self._at(x, y)
        ends = [x.lower(), x.upper()]
        if self.runs == SIDES and x.contains(0):
            ends.append(arb(0))
        return union(*(self._at(end, self.ball(end)) for end in ends))

    def _at(self, x: arb, y: arb) -> arb:
        if self.far is None or y.rel_accuracy_bits() > 1 or not abs(x) > _NEAR:
            return y
        return self.far(x, _far_exp(-abs(x)))


def pow_int(x: arb, n: int) -> arb:
    """x**n over a ball, with even powers never negative and odd ones taken at the ends."""
    size = abs(n)
    y = x * x if size == 2 else _power(x, size)
    if size > 1 and y.rel_accuracy_bits() <= _SHARP and x.is_finite() and x.rad() > _WIDE:
        ends = (x.lower(), x.upper()) if n % 2 else (x.abs_lower(), x.abs_upper())
        y = _power(ends[0], size).union(_power(ends[1], size))
    return y if n >= 0 else 1 / y


def _power(x: Any, n: int) -> Any:
    """x**n, n >= 0, by squaring: flint's own power is nan on a ball around zero."""
    if n == 0:
        return 1 + 0 * x
    result = None
    while True:
        if n & 1:
            result = x if result is None else result * x
        n >>= 1
        if not n:
            return result
        x = x * x


def pow_series(x: arb_series, n: int) -> arb_series:
    """x**n for a power series and any integer n."""
    return _power(x, n) if n >= 0 else 1 / _power(x, -n)


def _from_middle(x: arb_series) -> tuple[arb_series, arb_series]:
    """sinh and cosh of u = x − x₀, the series without its constant term.

    With the addition theorems, a wide x₀ enters by the values of the function there alone, which
    are narrow, and nothing cancels in the tails.
    """
    e = arb_series([0, *(x[k] for k in range(1, x.prec))], prec=x.prec).exp()
    return (e - 1 / e) / 2, (e + 1 / e) / 2


def _series_sinh(x: arb_series) -> arb_series:
    s, c = _from_middle(x)
    return FUNCTIONS[sympy.sinh](x[0]) * c + FUNCTIONS[sympy.cosh](x[0]) * s


def _series_cosh(x: arb_series) -> arb_series:
    s, c = _from_middle(x)
    return FUNCTIONS[sympy.cosh](x[0]) * c + FUNCTIONS[sympy.sinh](x[0]) * s


def _series_tanh(x: arb_series) -> arb_series:
    s, c = _from_middle(x)
    at = FUNCTIONS[sympy.tanh](x[0])
    return at + FUNCTIONS[sympy.sech](x[0]) ** 2 * s / (c + at * s)


def _series_sech(x: arb_series) -> arb_series:
    s, c = _from_middle(x)
    return FUNCTIONS[sympy.sech](x[0]) / (c + FUNCTIONS[sympy.tanh](x[0]) * s)


def _series_asinh(x: arb_series) -> arb_series:
    root = (x * x + 1).sqrt()
    if bool(x[0] < 0):
        return -(root - x).log()
    return (x + root).log()


# where Arb's own overflow: u = exp(-|x|), |x| > 2^60

_NEAR = arb(2) ** 60
_LIMIT = arb(2) ** (1 << 15)
_ONE = arb(1, arb(2) ** -(1 << 60))
"""1 ± u²."""


def _far_exp(x: arb) -> arb:
    """exp(x) = 2^n·exp(x - n·log 2), for x < 0 of up to 2^15 bits before the point.

    Farther left, exp lies between 0 and its value at the end of that range.
    """
    if x < -_LIMIT:
        return union(arb(0), _far_exp(-_LIMIT))
    with precision(flint.ctx.prec + int(x.mid().man_exp()[1]) + x.mid().bits() + 16):
        log2 = arb(2).log()
        n: Any = (x.mid() / log2).mid().floor().unique_fmpz()
        rest = x - n * log2
    return rest.exp() * arb((1, int(n))) if rest.rad() < 1 else x.exp()


def _far_erfc(x: arb, _: arb) -> arb:
    """DLMF 7.12.1: the remainder of the alternating series is below the first omitted term."""
    square = x * x
    tail = _far_exp(-square) / (abs(x) * arb.pi().sqrt()) * (1 - arb(0.25, 0.25) / square)
    return tail if x > 0 else 2 - tail


FUNCTIONS: dict[type, Op] = {
    # class          ball         series                                      runs
    sympy.exp:    Op(arb.exp,     arb_series.exp,                             +1),
    sympy.log:    Op(arb.log,     arb_series.log,                             +1),
    sympy.sin:    Op(arb.sin,     arb_series.sin),
    sympy.cos:    Op(arb.cos,     arb_series.cos),
    sympy.tan:    Op(arb.tan,     arb_series.tan),
    sympy.cot:    Op(arb.cot,     lambda x: x.cos() / x.sin()),
    sympy.sec:    Op(arb.sec,     lambda x: 1 / x.cos()),
    sympy.csc:    Op(arb.csc,     lambda x: 1 / x.sin()),
    sympy.asin:   Op(arb.asin,    arb_series.asin,                            +1),
    sympy.acos:   Op(arb.acos,    arb_series.acos,                            -1),
    sympy.atan:   Op(arb.atan,    arb_series.atan,                            +1),
    sympy.sinh:   Op(arb.sinh,    _series_sinh,                               +1),
    sympy.cosh:   Op(arb.cosh,    _series_cosh,                               SIDES),
    sympy.tanh:   Op(arb.tanh,    _series_tanh,                               +1),
    sympy.coth:   Op(arb.coth,    lambda x: 1 / _series_tanh(x),              SIDES),
    sympy.sech:   Op(arb.sech,    _series_sech,                               SIDES),
    sympy.csch:   Op(arb.csch,    lambda x: 1 / _series_sinh(x),              SIDES),
    sympy.asinh:  Op(arb.asinh,   _series_asinh,                              +1),
    sympy.acosh:  Op(arb.acosh,   lambda x: (x + (x * x - 1).sqrt()).log(),   +1),
    sympy.atanh:  Op(arb.atanh,   lambda x: ((1 + x) / (1 - x)).log() / 2,    +1),
    sympy.erf:    Op(arb.erf,     arb_series.erf,                             +1),
    sympy.erfc:   Op(arb.erfc,    arb_series.erfc,                            -1),
    sympy.erfi:   Op(arb.erfi,    arb_series.erfi,                            +1),
    sympy.sinc:   Op(arb.sinc,    lambda x: x.sin() / x),
    sympy.LambertW: Op(arb.lambertw, arb_series.lambertw,                     +1),
}  # fmt: skip
_FAR: dict[type, Pair] = {
    sympy.exp:  lambda x, u: u if x < 0 else 1 / u,
    sympy.sinh: lambda x, u: _ONE / (2 * u) * x.sgn(),
    sympy.cosh: lambda x, u: _ONE / (2 * u),
    sympy.sech: lambda x, u: _ONE * (2 * u),
    sympy.csch: lambda x, u: _ONE * (2 * u) * x.sgn(),
    sympy.erfc: _far_erfc,
}  # fmt: skip
FUNCTIONS |= {name: replace(FUNCTIONS[name], far=far) for name, far in _FAR.items()}
