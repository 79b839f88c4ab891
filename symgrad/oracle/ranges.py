"""The range of an expression over an interval by its two ends, however far apart their sizes are.

A ball has one radius: exp over [100, 200] as a ball reaches below zero. Here an interval is the
pair of its ends, so that e/(1 + e)² is seen to be small on all of it. Coarse where a variable
occurs often, and right at any size, which is what a saturated tail needs.
"""

from __future__ import annotations

from typing import Any

import sympy
from flint import arb
from sympy import Basic, Expr, Symbol
from sympy.logic.boolalg import And, Boolean, Not, Or

from symgrad.oracle.enclosed import apply_function, constant_ball
from symgrad.rigor import program
from symgrad.rigor.ops import FUNCTIONS

__all__ = ["enclose"]

Interval = tuple[arb, arb]


def enclose(expr: Expr, x: Symbol, low: arb, high: arb) -> Interval:
    """Two balls between which f lies on all of [low, high]; not finite where that is not seen."""
    registers: list[Any] = []
    for node, operands in program(expr, x).code:
        a = [registers[k] for k in operands]
        registers.append((low, high) if node == x else _step(node, a))
    return registers[-1]


_ONE_SIDED = (sympy.cosh, sympy.sech, sympy.csch, sympy.coth)
"""Monotone on each side of zero."""

_NONE: Interval = (arb.nan(), arb.nan())


def _hull(*ends: arb) -> Interval:
    if not all(e.is_finite() for e in ends):
        return _NONE
    low = high = ends[0]
    for e in ends[1:]:
        low, high = low.min(e), high.max(e)
    return low.lower(), high.upper()


def _step(node: Basic, a: list[Any]) -> Any:
    if isinstance(node, Boolean):
        return _condition(node, a)
    if isinstance(node, sympy.Piecewise):
        return _choose(a)
    if not node.args:
        c = constant_ball(node)
        return c.lower(), c.upper()
    if isinstance(node, sympy.Add):
        total = a[0]
        for other in a[1:]:
            total = _hull(total[0] + other[0], total[1] + other[1])
        return total
    if isinstance(node, sympy.Mul):
        total = a[0]
        for other in a[1:]:
            total = _hull(*(p * q for p in total for q in other))
        return total
    if isinstance(node, sympy.Pow):
        return _power(node, a)
    if isinstance(node, sympy.Abs):
        return _even(_hull(*map(abs, a[0])), a[0])
    if isinstance(node, (sympy.Max, sympy.Min)):
        pick = arb.max if isinstance(node, sympy.Max) else arb.min
        total = a[0]
        for other in a[1:]:
            total = (pick(total[0], other[0]).lower(), pick(total[1], other[1]).upper())
        return total
    if isinstance(node, (sympy.sign, sympy.Heaviside)):
        shift = isinstance(node, sympy.Heaviside)
        signs = [e.sgn() for e in a[0]]
        return _hull(*((s + 1) / 2 if shift else s for s in signs))
    return _function(type(node), a[0])


def _straddles(i: Interval) -> bool:
    return not (i[0] > 0 or i[1] < 0)


def _even(ends: Interval, inner: Interval) -> Interval:
    return (arb(0), ends[1]) if _straddles(inner) else ends


def _power(node: Basic, a: list[Interval]) -> Interval:
    exponent = node.args[1]
    if isinstance(exponent, sympy.Integer):
        n = int(exponent)
        if n < 0 and _straddles(a[0]):
            return _NONE
        ends = _hull(*(e ** abs(n) for e in a[0]))
        ends = _even(ends, a[0]) if n % 2 == 0 else ends
        return ends if n > 0 else _hull(*(1 / e for e in ends))
    if isinstance(exponent, sympy.Rational):
        if not a[0][0] > 0:
            return _NONE
        roots = [e.root(int(exponent.q)) for e in a[0]]
        powers = [r ** abs(int(exponent.p)) for r in roots]
        return _hull(*(powers if exponent > 0 else [1 / p for p in powers]))
    logarithm = _function(sympy.log, a[0])
    return _function(sympy.exp, _hull(*(p * q for p in a[1] for q in logarithm)))


def _function(kind: type, i: Interval) -> Interval:
    if not (i[0].is_finite() and i[1].is_finite()):
        return _NONE
    if FUNCTIONS[kind].monotone or (kind in _ONE_SIDED and not _straddles(i)):
        return _hull(*(apply_function(kind, e) for e in i))
    whole = apply_function(kind, i[0].union(i[1]))
    return _hull(whole.lower(), whole.upper()) if whole.is_finite() else _NONE


def _choose(a: list[Any]) -> Interval:
    possible: list[arb] = []
    for value, holds in zip(a[::2], a[1::2], strict=True):
        if holds is not False:
            possible += value
        if holds is True:
            return _hull(*possible)
    return _NONE


def _condition(node: Boolean, a: list[Any]) -> bool | None:
    if not node.args:
        return bool(node)
    if isinstance(node, And):
        return False if False in a else None if None in a else True
    if isinstance(node, Or):
        return True if True in a else None if None in a else False
    if isinstance(node, Not):
        return None if a[0] is None else not a[0]
    (p, q), (r, s) = a
    if isinstance(node, sympy.Ne | sympy.Eq):
        apart = True if q < r or s < p else None
        return apart if isinstance(node, sympy.Ne) or apart is None else not apart
    if isinstance(node, sympy.StrictGreaterThan | sympy.GreaterThan):
        (p, q), (r, s) = (r, s), (p, q)
    if isinstance(node, sympy.StrictLessThan | sympy.StrictGreaterThan):
        return True if q < r else False if p >= s else None
    return True if q <= r else False if p > s else None
