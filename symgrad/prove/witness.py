"""Witnesses: the simplest rational number in an interval, and the proof that it serves."""

from __future__ import annotations

from fractions import Fraction

import sympy
from sympy import Expr, Rational, S, Symbol

from symgrad.rigor import constant, precision, program, sign_of
from symgrad.rigor.constants import exact

__all__ = ["between", "fails_at", "simplest"]


def simplest(lo: Fraction, hi: Fraction) -> Fraction:
    """The rational with the smallest denominator in the open interval (lo, hi) (Stern and Brocot).

    >>> simplest(Fraction(31, 10), Fraction(32, 10))
    Fraction(19, 6)
    """
    whole = lo.numerator // lo.denominator
    if whole + 1 < hi:
        return Fraction(whole + 1)
    low, high = lo - whole, hi - whole
    if low == 0:
        return whole + Fraction(1, high.denominator // high.numerator + 1)
    return whole + 1 / simplest(1 / high, 1 / low)


def between(lo: Expr, hi: Expr) -> Expr:
    """The simplest rational strictly between two exact ends, near 0 where an end is infinite."""
    if lo is S.NegativeInfinity and hi is S.Infinity:
        return S.Zero
    bits = 64
    while True:
        low = _end(lo, bits, 1) if lo.is_finite else None
        high = _end(hi, bits, -1) if hi.is_finite else None
        if low is None and high is not None:
            return S.Zero if high > 0 else Rational(-(-high.numerator // high.denominator) - 1)
        if high is None and low is not None:
            return S.Zero if low < 0 else Rational(low.numerator // low.denominator + 1)
        if low is not None and high is not None and low < high:
            if low < 0 < high:
                return S.Zero
            if high <= 0:
                found = -simplest(-high, -low)
            else:
                found = simplest(low, high)
            return Rational(found.numerator, found.denominator)
        bits *= 2


def _end(c: Expr, bits: int, side: int) -> Fraction:
    """The end of an enclosure that points into the interval."""
    if c.is_Rational:
        return Fraction(int(c.p), int(c.q))  # type: ignore[attr-defined]
    with precision(bits):
        ball = constant(c, bits)
        q = exact(ball.upper() if side > 0 else ball.lower())
    return Fraction(int(q.p), int(q.q))


def fails_at(h: Expr, x: Symbol, at: Expr) -> bool:
    """Whether h(at) < 0 is shown by a ball."""
    f = program(h, x)
    for bits in (64, 256, 1024, 4096):
        found = sign_of(f.ball(constant(sympy.sympify(at), bits), prec=bits))
        if found:
            return found < 0
    return False
