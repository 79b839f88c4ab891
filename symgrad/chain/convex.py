"""Costs that are convex in the activation a, shown by exact algebra."""

from __future__ import annotations

from typing import Any

import sympy
from sympy.core.relational import Relational

from symgrad.bounds.closed import guarded
from symgrad.loss import A, Loss, Y

__all__ = ["is_convex"]


def is_convex(loss: Loss) -> bool:
    """c is convex in a; for 0 < a, y < 1 where logarithms leave no other a."""
    second: Any = loss.daa
    nodes = guarded(loss.formula, A)  # c is finite for every a, or for 0 < a < 1
    poles = {n.args[0] for n in nodes if n.is_Pow or isinstance(n, sympy.log)}
    if loss.formula.has(sympy.log(A)) and loss.formula.has(sympy.log(1 - A)):
        p, q, r, s = sympy.symbols("p q r s", positive=True)
        if poles - {A, 1 - A}:
            return False
        inside = second.xreplace({A: p / (p + q), Y: r / (r + s)})
        return bool(sympy.factor(sympy.together(inside)).is_nonnegative)
    if poles or not second.is_nonnegative:
        return False
    bent = loss.formula.atoms(sympy.Abs, sympy.sign)
    gaps: list[Any] = [b.args[0] for b in bent]
    for pieces in loss.formula.atoms(sympy.Piecewise):
        gaps += [r.args[0] - r.args[1] for r in pieces.atoms(Relational)]  # type: ignore[operator]
    return all(_bends_up(loss, gap) for gap in gaps)


def _bends_up(loss: Loss, gap: Any) -> bool:
    """Where the pieces of c meet, at gap = 0, c is continuous and its slope does not fall.

    For y > 0 and for y < 0, hence for y = 0 as well: a limit of convex functions is convex.
    """
    epsilon, p = sympy.symbols("epsilon p", positive=True)
    for y in (p, -p):
        line: Any = sympy.expand(gap.xreplace({Y: y}))
        if not line.is_polynomial(A) or sympy.Poly(line, A).degree() != 1:
            return False
        at = -line.coeff(A, 0) / line.coeff(A, 1)

        def beside(expr: Any, side: int, y: Any = y, at: Any = at) -> Any:
            moved = expr.xreplace({A: at + side * epsilon, Y: y})
            rows = moved.atoms(Relational)
            table = {r: r.func(sympy.expand(r.lhs - r.rhs), 0) for r in rows}
            return sympy.expand(moved.xreplace(table)).subs(epsilon, 0)

        jump = beside(loss.formula, 1) - beside(loss.formula, -1)
        rise = beside(loss.da, 1) - beside(loss.da, -1)
        if jump != 0 or not rise.is_nonnegative:
            return False
    return True
