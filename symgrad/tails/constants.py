"""Exact real constants in normal form: rationals, and expanded SymPy sums of products.

Two rationals add and multiply as flint's; everything else as SymPy expressions, whose flattening
collects like terms, roots of primes and exponentials.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import product
from typing import Any

import sympy
from flint import fmpq
from sympy import Expr
from sympy.simplify.fu import TR8

__all__ = ["ONE", "WAVES", "ZERO", "Number", "add", "expr", "mul", "number", "power"]

ZERO = fmpq(0)
ONE = fmpq(1)
WAVES = (sympy.sin, sympy.cos)

Number = fmpq | Expr


def expr(c: Number) -> Any:
    """The constant as a SymPy expression."""
    return sympy.Rational(int(c.p), int(c.q)) if isinstance(c, fmpq) else c


@lru_cache(maxsize=8192)
def number(e: Expr | int) -> Number:
    """The normal form of an exact constant: no product of sums, and none of waves."""
    e = sympy.Rational(e) if isinstance(e, (int, sympy.Float)) else e
    if not e.is_Rational:
        sums = {p: sympy.expand(p) for p in e.atoms(sympy.Pow) if p.base.is_Add and _whole(p.exp)}
        e = sympy.expand_mul(e.xreplace(sums))
    return _plain(e)


def _whole(p: Expr) -> bool:
    return bool(p.is_Integer and p.is_positive)


def _plain(e: Any) -> Number:
    if e.is_Rational:
        return fmpq(int(e.p), int(e.q))
    return sympy.expand_mul(TR8(e)) if e.has(*WAVES) else e


def add(a: Number, b: Number) -> Number:
    """a + b"""
    if isinstance(a, fmpq) and isinstance(b, fmpq):
        return a + b
    return _plain(expr(a) + expr(b))


def mul(a: Number, b: Number) -> Number:
    """a·b, products of sums distributed."""
    if isinstance(a, fmpq) and isinstance(b, fmpq):
        return a * b
    return _product(a, b)


@lru_cache(maxsize=8192)
def _product(a: Number, b: Number) -> Number:
    terms = (sympy.Add.make_args(expr(c)) for c in (a, b))
    return _plain(sympy.Add(*(s * t for s, t in product(*terms))))


def power(c: Number, p: Number) -> Number:
    """c**p for c > 0, or for an integer p."""
    if isinstance(c, fmpq) and isinstance(p, fmpq) and p.q == 1:
        return c ** int(p.p)
    return number(expr(c) ** expr(p))
