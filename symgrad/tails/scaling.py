"""Parameters that only stretch: f(x) = C·h(λx) with h free of them.

One proved tail of h then serves every positive value of the parameters, with K, X as formulas in
them: swish'(x) = h(βx), softplus(x) = h(βx)/β, isru(x) = h(√α·x)/√α.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

import sympy
from sympy import Expr, S, Symbol

__all__ = ["Stretch", "stretched"]


@dataclass(frozen=True, slots=True)
class Stretch:
    """f(x) = factor·inner(rate·x), rate > 0 and factor real; `inner` is written in `y`."""

    factor: Expr
    rate: Expr
    inner: Expr
    y: Symbol


def stretched(f: Expr, x: Symbol, names: Collection[Symbol]) -> Stretch | None:
    """The stretch that takes every one of the named symbols out of f, None where there is none.

    >>> x, b = Symbol("x", real=True), Symbol("b", positive=True)
    >>> found = stretched(x / sympy.sqrt(1 + b * x**2), x, [b])
    >>> found.factor, found.rate
    (1/sqrt(b), sqrt(b))
    """
    y = Symbol("y" if x.name != "y" else "t", real=True)
    for rate in dict.fromkeys((S.One, *_rates(f, x, set(names)))):
        moved: Any = f.subs(x, y / rate)
        for form in (moved, sympy.factor_terms(moved), sympy.factor_terms(sympy.expand(moved))):
            factor, inner = form.as_independent(y, as_Add=False)
            if not inner.free_symbols & set(names) and factor.is_real:
                return Stretch(factor, rate, inner, y)
    return None


def _rates(f: Expr, x: Symbol, names: set[Any]) -> Iterator[Expr]:
    """The positive λ that some part c·xᵏ, or c·xᵏ + d, of f writes as (λx)ᵏ."""
    for part in sorted(f.atoms(sympy.Mul, sympy.Add), key=sympy.default_sort_key):
        against: Any = S.One
        if part.is_Add:
            against, rest = part.as_independent(x, as_Add=True)
            part = sympy.expand(rest)
        size, power = part.as_independent(x, as_Add=False)
        base, degree = power.as_base_exp()
        if base == x and degree.is_Rational and against != 0:
            for each in (size / against, -size / against):
                rate = sympy.root(each, degree)
                if rate.is_positive and rate.free_symbols & names:
                    yield rate / abs(rate.as_coeff_Mul()[0])
