"""The same expression in words that do not cancel: log1p, expm1, erfc of either sign, sech.

1 + erf(u) far to the left needs a working precision of u² bits; as erfc(−u) it needs none. SymPy
turns erfc(−u) into 2 − erfc(u), so these words are classes of their own, which only balls know.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import sympy
from flint import arb, arb_series
from sympy import Expr, Function, S, Symbol

from symgrad.rigor.ops import FUNCTIONS, Op
from symgrad.rigor.program import program

__all__ = ["led", "sharpened"]


class Log1p(Function):
    """log(1 + u)."""


class Expm1(Function):
    """exp(u) − 1."""


class Complement(Function):
    """erfc(u) of either sign."""


FUNCTIONS[Log1p] = Op(arb.log1p, lambda u: (1 + u).log(), +1)
FUNCTIONS[Expm1] = Op(arb.expm1, lambda u: u.exp() - 1, +1)
FUNCTIONS[Complement] = Op(arb.erfc, arb_series.erfc, -1)

_expm1: Any = Expm1
_log1p: Any = Log1p
_PAIRS: dict[type, Any] = {
    # c + s c f(u), with s = ±1, is c times
    sympy.exp:  lambda s, u: -_expm1(u) if s < 0 else None,
    sympy.erf:  lambda s, u: Complement(-s * u),
    sympy.tanh: lambda s, u: 2 / (1 + sympy.exp(-2 * s * u)),
}  # fmt: skip


@lru_cache(maxsize=1024)
def sharpened(expr: Expr) -> Expr:
    """The expression with each 1 ± erf, 1 ± tanh, 1 − tanh², e^u − 1 and log(1 + u) as one word."""
    if not expr.args:
        return expr
    args: list[Any] = [sharpened(a) for a in expr.args]  # type: ignore[arg-type]
    if isinstance(expr, sympy.Add):
        return _sum(args)
    if isinstance(expr, sympy.log) and isinstance(args[0], sympy.Add) and S.One in args[0].args:
        return _log1p(args[0] - 1)
    return expr.func(*args)  # type: ignore[return-value]


def _sum(terms: list[Any]) -> Any:
    for k, term in enumerate(terms):
        for factor in sympy.Mul.make_args(term):
            square = isinstance(factor, sympy.Pow) and factor.exp == 2
            f = factor.args[0] if square else factor
            if type(f) not in _PAIRS or (square and not isinstance(f, sympy.tanh)):
                continue
            c = term / factor
            for s in (-1,) if square else (1, -1):
                word = sympy.sech(f.args[0]) ** 2 if square else _PAIRS[type(f)](s, f.args[0])
                if word is not None and s * c in terms:
                    rest = [t for j, t in enumerate(terms) if j != k]
                    rest.remove(s * c)
                    return _sum([*rest, s * c * word])
    return sympy.Add(*terms)


@lru_cache(maxsize=1024)
def led(expr: Expr, x: Symbol, at: float) -> Expr:
    """The expression with the exponential that leads each sum at a point taken out of it.

    1/(1 + e^x) is e^-x/(1 + e^-x), and log(1 + e^x) is x + log(1 + e^-x): written so, where e^x is
    large, no quotient of two large numbers is left for intervals to lose themselves in.

    >>> x = Symbol("x", real=True)
    >>> led(sympy.log(1 + sympy.exp(x)), x, 9.0)
    x + log(1 + exp(-x))
    """
    if not expr.has(sympy.exp):
        return expr
    args: Any = [led(a, x, at) if isinstance(a, Expr) else a for a in expr.args]
    whole: Any = expr.func(*args)
    if isinstance(whole, sympy.log):
        inside: Any = sympy.Mul.make_args(whole.args[0])
        powers = _exponents(inside)
        rest = sympy.Mul(*(f for f in inside if not isinstance(f, sympy.exp)))
        return sympy.Add(*powers, sympy.log(rest)) if powers else whole
    if not isinstance(whole, sympy.Add):
        return whole
    terms: list[Any] = [sympy.Mul.make_args(t) for t in whole.args]
    exponents = [sympy.Add(*_exponents(t)) for t in terms]
    lead = max(exponents, key=lambda u: float(program(u, x).ball(arb(at)).mid()))
    if not program(lead, x).ball(arb(at)) > 0:
        return whole
    return sympy.exp(lead) * sympy.Add(*(t * sympy.exp(-lead) for t in whole.args))


def _exponents(factors: Any) -> list[Any]:
    return [f.args[0] for f in factors if isinstance(f, sympy.exp)]
