"""Witnesses: the simplest rational number in an interval."""

from __future__ import annotations

from fractions import Fraction

from sympy import Expr, Rational, S

from symgrad.pieces import order
from symgrad.rigor import constant, precision
from symgrad.rigor.constants import exact

__all__ = ["between", "simplest"]


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
    if order(hi, S.Zero) <= 0:
        return -between(-hi, -lo)
    if order(lo, S.Zero) < 0:
        return S.Zero
    bits = 64
    while True:
        low = _inward(lo, bits)
        high = -_inward(-hi, bits) if hi.is_finite else low + 2
        if low < high:
            found = simplest(low, high)
            return Rational(found.numerator, found.denominator)
        bits *= 2


def _inward(c: Expr, bits: int) -> Fraction:
    """The upper end of an enclosure."""
    with precision(bits):
        q = exact(constant(c, bits).upper())
    return Fraction(int(q.p), int(q.q))
