"""Small words on Arb balls, and the one place that changes flint's precision.

flint's context is global and leaks across threads: everything that computes with balls runs inside
`precision(bits)`, which holds a re-entrant lock and puts the old precision back.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import flint
from flint import arb

__all__ = [
    "contains_zero",
    "interval",
    "lower",
    "precision",
    "sign_of",
    "union",
    "upper",
]

_LOCK = threading.RLock()


@contextmanager
def precision(bits: int, terms: int | None = None) -> Iterator[None]:
    """Run with `bits` of ball precision (and power series of `terms` terms), then restore both."""
    with _LOCK:
        before, cap = flint.ctx.prec, flint.ctx.cap
        flint.ctx.prec = bits
        if terms is not None:
            flint.ctx.cap = terms
        try:
            yield
        finally:
            flint.ctx.prec, flint.ctx.cap = before, cap


def interval(lo: arb, hi: arb) -> arb:
    """The smallest ball at the current precision that contains [lo, hi]."""
    return lo.union(hi)


def lower(b: arb) -> arb:
    """The lower end of the ball, rounded down."""
    return b.lower()


def upper(b: arb) -> arb:
    """The upper end of the ball, rounded up."""
    return b.upper()


def contains_zero(b: arb) -> bool:
    """Whether zero may be the value; true for a non-finite ball."""
    return not b.is_finite() or b.contains(0)


def sign_of(b: arb) -> int | None:
    """The sign that every point of the ball has, or None."""
    if b > 0:
        return 1
    if b < 0:
        return -1
    return 0 if b.is_zero() else None


def union(*balls: arb) -> arb:
    """One ball that contains all of `balls`."""
    whole = balls[0]
    for b in balls[1:]:
        whole = whole.union(b)
    return whole
