"""g and g' of one activation together, as a few lines of NumPy that share their exponential.

A line is taken only if its error, measured on the stretch where it is used, is small; beyond that
stretch, and for activations without such lines, the kernels of `symgrad.kernels` are used.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np
import sympy
from sympy import Expr

from symgrad.activation import X
from symgrad.chain.layer import Layer
from symgrad.errors import SymgradError
from symgrad.kernels import emit
from symgrad.kernels.forms import candidates, literal
from symgrad.kernels.judge import Judge
from symgrad.kernels.smooth import Smooth

__all__ = ["MOST_ULPS", "pair_source"]

MOST_ULPS = 4.0
"""The largest error that a shared line may show."""

_REACHES = (700.0, 340.0, 30.0)
_POINTS = 240


@lru_cache(maxsize=256)
def pair_source(layer: Layer) -> tuple[str, float] | None:
    """(body, reach): lines that set `g` and `d` from `x` for |x| ≤ reach, if there are any."""
    for reach in _REACHES:
        try:
            found = [_best(layer.formula(n), reach) for n in (0, 1)]
        except (SymgradError, ArithmeticError):
            continue
        if None in found:
            continue
        judges, lines = zip(*(f for f in found if f is not None), strict=True)
        body = _shared(list(lines))
        if all(
            _error(body, judge, name) <= MOST_ULPS for judge, name in zip(judges, "gd", strict=True)
        ):
            return body, reach
    return None


def _best(expr: Expr, reach: float) -> tuple[Judge, str] | None:
    """The shortest line for a function on [-reach, reach] that is accurate enough."""
    judge = Judge(Smooth(expr, X), -reach, math.nextafter(reach, math.inf), _POINTS)
    for line in sorted(_lines(expr), key=lambda line: (line.count("np.exp(x)"), len(line))):
        if judge.worst(emit.line(line))[0] <= MOST_ULPS:
            return judge, line
    return None


def _error(body: str, judge: Judge, name: str) -> float:
    """The largest error of `g` or `d` as the body computes it, in ulp."""
    text = "".join(f"    {line}\n" for line in body.splitlines())
    both = emit.build(f"def both(x, g, d):\n{text}", "both")["both"]

    def method(x: Any) -> Any:
        results = {"g": np.empty(x.shape), "d": np.empty(x.shape)}
        both(x, **results)
        return results[name]

    return judge.worst(method)[0]


def _lines(expr: Any) -> list[str]:
    if isinstance(expr, sympy.Piecewise):
        line = _where(expr)
        return [] if line is None else [line]
    forms = dict.fromkeys((expr, expr.rewrite(sympy.exp)))
    return list(dict.fromkeys(line for form in forms for line in candidates(form, {X: "x"})))


def _where(expr: Any) -> str | None:
    """Pieces of the axis as nested `np.where`."""
    text: str | None = None
    for piece, condition in reversed(expr.args):
        lines = _lines(piece)
        if not lines:
            return None
        if text is None:
            if condition is not sympy.true:
                return None
            text = lines[0]
            continue
        left, right = getattr(condition, "args", (None, None))[:2]
        sign = {sympy.Gt: ">", sympy.Ge: ">=", sympy.Lt: "<", sympy.Le: "<=", sympy.Eq: "=="}.get(
            type(condition)
        )
        if sign is None or left != X or right is None or not right.is_Rational:
            return None
        text = f"np.where(x {sign} {literal(right)}, {lines[0]}, {text})"
    return text


def _shared(lines: list[str]) -> str:
    """The two lines, with exp(-c x) computed once and exp(c x) as its reciprocal."""
    body = []
    for c, one in (("1.0", "x"), ("2.0", "(2.0 * x)")):
        falling, rising = f"np.exp((-{c} * x))", f"np.exp({one})"
        if falling in "".join(lines) or rising in "".join(lines):
            name = f"u{c[0]}"
            body.append(f"{name} = {falling}")
            lines = [t.replace(falling, name).replace(rising, f"(1.0 / {name})") for t in lines]
    return "\n".join([*body, f"g[...] = {lines[0]}", f"d[...] = {lines[1]}"])
