"""Exact Taylor coefficients F⁽ᵏ⁾(c)/k! of the elementary functions at an exact centre c.

Most come from the differential equation of F, one product of short series for each new coefficient;
the rest from SymPy's derivative.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import sympy
from flint import fmpq
from sympy import Expr, S

from symgrad.errors import DomainError
from symgrad.tails.constants import ONE, ZERO, Number, add, mul, number, power

__all__ = ["coefficients", "inverse_factorial"]

_Y = sympy.Dummy("y", real=True)
_POLES = (S.NaN, S.ComplexInfinity, S.Infinity, S.NegativeInfinity, sympy.AccumBounds)


@lru_cache(maxsize=256)
def inverse_factorial(k: int) -> fmpq:
    """1/k!"""
    return ONE if k == 0 else inverse_factorial(k - 1) / k


@lru_cache(maxsize=8192)
def coefficients(kind: type, center: Expr, k: int) -> Number:
    """F⁽ᵏ⁾(c)/k!, exact; raises `DomainError` at a pole or branch point of F.

    >>> coefficients(sympy.atan, S.One, 3)
    1/12
    """
    if k == 0:
        return _value(kind, center)
    law = _LAWS.get(kind)
    if law is not None:
        return law(center, k)
    value = _derivative(kind, k).subs(_Y, center)
    if value.has(*_POLES):
        raise DomainError(f"{kind.__name__} has no Taylor series at {center}")
    return mul(number(value), inverse_factorial(k))


def _value(kind: type, center: Expr) -> Number:
    value = kind(center)
    if kind in _BY_EXP and center.has(sympy.log):
        plain = sympy.expand(value.rewrite(sympy.exp))
        value = plain if plain.is_Rational else value
    if value.has(*_POLES):
        raise DomainError(f"{kind.__name__} is not defined at {center}")
    return number(value)


@lru_cache(maxsize=512)
def _derivative(kind: type, k: int) -> Expr:
    return kind(_Y) if k == 0 else _derivative(kind, k - 1).diff(_Y)


def _from_slope(slope: Callable[[Expr, int], Number]) -> Callable[[Expr, int], Number]:
    """F from its derivative: fₖ = slopeₖ₋₁/k."""
    return lambda c, k: mul(slope(c, k - 1), fmpq(1, k))


@lru_cache(maxsize=4096)
def _inverse_quadratic(c: Expr, k: int, sign: int) -> Number:
    """The coefficients of 1/(1 + sign·y²) at c: (1 + sign c²) s_k + sign(2c s_{k-1} +
    s_{k-2}) = 0."""
    exact = number(c)
    front = add(ONE, mul(fmpq(sign), mul(exact, exact)))
    if front == 0:
        raise DomainError(f"a pole at {c}")
    rest: Number = ONE if k == 0 else ZERO
    if k >= 1:
        rest = add(rest, mul(fmpq(-2 * sign), mul(exact, _inverse_quadratic(c, k - 1, sign))))
    if k >= 2:
        rest = add(rest, mul(fmpq(-sign), _inverse_quadratic(c, k - 2, sign)))
    return mul(rest, power(front, fmpq(-1)))


@lru_cache(maxsize=4096)
def _gauss(c: Expr, k: int) -> Number:
    """The coefficients of 2/√π·exp(−y²) at c: k s_k = −2c s_{k−1} − 2 s_{k−2}."""
    if k == 0:
        return number(2 * sympy.exp(-(c**2)) / sympy.sqrt(sympy.pi))
    total = mul(number(c), _gauss(c, k - 1))
    if k >= 2:
        total = add(total, _gauss(c, k - 2))
    return mul(fmpq(-2, k), total)


def _tanh(c: Expr, k: int) -> Number:
    """t' = 1 − t²."""
    at = [coefficients(sympy.tanh, c, i) for i in range(k)]
    total: Number = ONE if k == 1 else ZERO
    for a, b in zip(at, reversed(at), strict=True):
        total = add(total, mul(fmpq(-1), mul(a, b)))
    return mul(total, fmpq(1, k))


def _log(c: Expr, k: int) -> Number:
    return mul(power(number(-1 / c), fmpq(k)), fmpq(-1, k))


def _lambertw(c: Expr, k: int) -> Number:
    """At 0: (−k)^{k−1}/k!."""
    if c != 0:
        return mul(number(_derivative(sympy.LambertW, k).subs(_Y, c)), inverse_factorial(k))
    return fmpq(-k) ** (k - 1) * inverse_factorial(k)


_BY_EXP = (sympy.tanh, sympy.sinh, sympy.cosh, sympy.sech, sympy.csch, sympy.coth)

_LAWS: dict[type, Callable[[Expr, int], Number]] = {
    sympy.exp: lambda c, k: mul(_value(sympy.exp, c), inverse_factorial(k)),
    sympy.log: _log,
    sympy.tanh: _tanh,
    sympy.LambertW: _lambertw,
    sympy.atan: _from_slope(lambda c, k: _inverse_quadratic(c, k, 1)),
    sympy.atanh: _from_slope(lambda c, k: _inverse_quadratic(c, k, -1)),
    sympy.erf: _from_slope(_gauss),
    sympy.erfc: _from_slope(lambda c, k: mul(fmpq(-1), _gauss(c, k))),
}  # fmt: skip
