"""Exact Taylor coefficients F⁽ᵏ⁾(c)/k! of the elementary functions at an exact centre c."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import sympy
from flint import fmpq
from sympy import Expr

from symgrad.errors import DomainError
from symgrad.tails.constants import Number, number

__all__ = ["coefficient"]

_Y = sympy.Dummy("y", real=True)
_POLES = (sympy.nan, sympy.zoo, sympy.oo, -sympy.oo, sympy.AccumBounds)


@lru_cache(maxsize=8192)
def coefficient(kind: type, center: Expr, k: int) -> Number:
    """F⁽ᵏ⁾(c)/k!, exact; raises `DomainError` at a pole or branch point of F.

    >>> coefficient(sympy.atan, sympy.S.One, 3)
    1/12
    """
    if kind is sympy.LambertW and center == 0:
        return fmpq(-k) ** (k - 1) / int(sympy.factorial(k)) if k else fmpq(0)
    value = _derivative(kind, k).subs(_Y, center) / sympy.factorial(k)
    if center.has(sympy.log):
        plain = sympy.expand(value.rewrite(sympy.exp))
        value = plain if plain.is_Rational else value
    if value.has(*_POLES):
        raise DomainError(f"{kind.__name__} has no Taylor series of order {k} at {center}")
    return number(value)


@lru_cache(maxsize=512)
def _derivative(kind: Any, k: int) -> Expr:
    return kind(_Y) if k == 0 else sympy.expand_mul(_derivative(kind, k - 1).diff(_Y))
