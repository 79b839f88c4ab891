"""Plateaus: where Newton's step leads there, and how long gradient flow stays."""

from __future__ import annotations

from typing import Any

import sympy
from sympy import Expr, S, Symbol

from symgrad.errors import UnsupportedError
from symgrad.tails import tail

__all__ = ["escape_time", "newton_step"]


def newton_step(f: Expr, x: Symbol, toward: Expr, terms: int = 2) -> Any:
    """The tail of Newton's step −f'/f'' toward ±oo: where a plateau sends it.

    >>> from sympy import Rational, Symbol, exp, oo
    >>> z = Symbol("z", real=True)
    >>> newton_step((1 / (1 + exp(-z)) - Rational(9, 10)) ** 2 / 2, z, -oo, 1).terms
    (-1,)
    """
    return tail(-f.diff(x) / f.diff(x, 2), toward, terms=terms, x=x)


def escape_time(slope: Expr, x: Symbol, toward: Expr) -> Expr:
    """The time ∫ dx/|slope| gradient flow takes to come in from x in the tail, to leading order.

    For an exponentially small slope m(x) = c x^a e^{S} the integral is ~ 1/(|m| |S'|) (one
    integration by parts); for a power c x^{-a} it is x^{a+1}/(c (a + 1)); oo where the slope is 0.
    """
    leading = tail(slope, toward, terms=1, x=x)
    if not leading.terms or leading.terms[0] == 0:
        return S.Infinity
    m = leading.terms[0]
    factors = sympy.Mul.make_args(m)
    exponents: Any = [e.args[0] for e in factors if isinstance(e, sympy.exp)]
    S_ = sympy.Add(*exponents)
    if S_ != 0:
        return 1 / (sympy.Mul(*[_size(e) for e in factors]) * _size(S_.diff(x)))
    t = Symbol("t", positive=True)
    side = 1 if toward is S.Infinity else -1
    size = abs(m.subs(x, side * t))
    power = -sympy.cancel(t * size.diff(t) / size)
    if power.has(t):
        raise UnsupportedError(f"the time is known for exponential and power tails, got {m}")
    return sympy.powsimp(t / (size * (power + 1))).subs(t, side * x)


def _size(e: Any) -> Any:
    """|e| with no bars around what is positive, and -x for |x| toward −oo left as it is."""
    return abs(e) if e.is_number or e.is_Symbol or not isinstance(e, sympy.exp) else e
