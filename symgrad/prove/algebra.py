"""What the checker knows by exact algebra: statements and identities."""

from __future__ import annotations

from typing import Any

import sympy
from sympy import Basic, Expr
from sympy.core.relational import Relational

from symgrad.errors import InputError

__all__ = ["identical", "relations"]

_HYPERBOLIC = (sympy.tanh, sympy.cosh, sympy.sinh, sympy.sech, sympy.coth, sympy.csch)


def relations(statement: Basic) -> list[Relational]:
    """The statement as h ≥ 0, h > 0 or h = 0, one for each that And joins.

    |u| ≤ v becomes u ≤ v and −u ≤ v, or u² ≤ w² for v = |w|, where u is a wave.

    >>> x = sympy.Symbol("x", real=True)
    >>> relations(abs(sympy.sin(x)) < x)
    [x - sin(x) > 0, x + sin(x) > 0]
    """
    if isinstance(statement, sympy.And):
        return [r for part in statement.args for r in relations(part)]
    if isinstance(statement, sympy.Eq):
        left: Any = statement.lhs
        equation: Any = sympy.Eq(left - statement.rhs, 0, evaluate=False)
        return [equation]
    if not isinstance(statement, (sympy.Le, sympy.Lt, sympy.Ge, sympy.Gt)):
        raise InputError(f"prove takes <, <=, >, >=, = and And of these, got {statement}")
    small: Any = statement.lts
    large: Any = statement.gts
    gaps = [large - small]
    if isinstance(small, sympy.Abs) and small.atoms(sympy.sin, sympy.cos, sympy.tan):
        (u,) = small.args
        gaps = [large - u, large + u]
        if isinstance(large, sympy.Abs):
            gaps = [large.args[0] ** 2 - u**2]
    above: Any = sympy.Gt if isinstance(statement, (sympy.Lt, sympy.Gt)) else sympy.Ge
    return [above(h, 0, evaluate=False) for h in gaps]


def identical(f: Expr, g: Expr) -> bool:
    """f = g as functions, by expansion of the numerator of the difference in exponentials."""
    gap = (f - g).replace(sympy.sinc, lambda v: sympy.sin(v) / v)
    if gap.has(*_HYPERBOLIC):
        gap = gap.rewrite(_HYPERBOLIC, sympy.exp)
    above = sympy.fraction(sympy.together(gap))[0]
    if sympy.expand(above) == 0:
        return True
    for u in {w.args[0] for w in above.atoms(sympy.sin)}:  # the circle, by a rational parameter
        t = sympy.Dummy("t")
        table = {sympy.sin(u): 2 * t / (1 + t**2), sympy.cos(u): (1 - t**2) / (1 + t**2)}
        above = sympy.fraction(sympy.together(above.xreplace(table)))[0]
    return sympy.expand(above) == 0
