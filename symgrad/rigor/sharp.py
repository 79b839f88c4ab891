"""The same expression in words that do not cancel: log1p, expm1, erfc of either sign, sech.

1 + erf(u) far to the left needs a working precision of u² bits; as erfc(−u) it needs none. SymPy
turns erfc(−u) into 2 − erfc(u), so these words are classes of their own, which only balls know.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import sympy
from flint import arb, arb_series
from sympy import Expr, Function, S

from symgrad.rigor.ops import FUNCTIONS, Op

__all__ = ["sharpened"]


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
