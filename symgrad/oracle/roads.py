"""One true value by two roads, and the error that they disagree."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from sympy import Expr, Symbol

from symgrad.errors import InputError, SymgradError
from symgrad.oracle.enclosed import arb_values
from symgrad.oracle.formats import FLOAT64, Floats, Format, Kind, Values
from symgrad.oracle.mp import mp_values

__all__ = ["DisagreementError", "Road", "compare_roads", "true_values"]

Road = Literal["both", "mpmath", "arb"]

_AGREED_BITS = 60


class DisagreementError(SymgradError):
    """The two roads to a true value give different numbers: one of them is wrong."""


def true_values(
    expr: Expr,
    args: Sequence[Symbol],
    points: Sequence[Floats],
    fmt: Format = FLOAT64,
    road: Road = "both",
    second: int | None = None,
) -> tuple[Values, int]:
    """f at float points, and at how many of them mpmath was asked.

    With "both" the values are Arb's, and mpmath's are compared with them at `second` points spread
    evenly over the list (None: at all). Raises `DisagreementError` where the roads differ.
    """
    if road == "mpmath":
        return mp_values(expr, args, points, fmt), len(points[0])
    if road not in ("arb", "both"):
        raise InputError(f"the oracle is 'both', 'mpmath' or 'arb', got {road!r}")
    values = arb_values(expr, args, points, fmt)
    if road == "arb":
        return values, 0
    count = len(values)
    chosen = np.arange(count)
    if second is not None and second < count:
        chosen = np.unique(np.linspace(0, count - 1, second).astype(np.int64))
    picked = [np.asarray(p)[chosen] for p in points]
    compare_roads(values[chosen], mp_values(expr, args, picked, fmt), picked, str(expr))
    return values, len(chosen)


def compare_roads(first: Values, other: Values, points: Sequence[Floats], name: str) -> None:
    """Raise `DisagreementError` at the first point where two values cannot both be right."""
    wrong = np.flatnonzero(_differ(first, other))
    if len(wrong):
        k = int(wrong[0])
        at = ", ".join(repr(float(p[k])) for p in points)
        raise DisagreementError(
            f"{name} at {at}: Arb gives {first.show(k, 25)}, mpmath gives {other.show(k, 25)}; "
            f"{len(wrong)} of {len(first)} points disagree"
        )


def _differ(first: Values, other: Values) -> np.ndarray:
    both = first.known() & other.known()
    signs = both & (first.sign() * other.sign() < 0)
    near = (first.kind == Kind.FINITE) & (other.kind == Kind.FINITE)
    shift = np.clip(other.exp - first.exp, -3, 3).astype(np.intc)
    gap = (first.hi - np.ldexp(other.hi, shift)) + (first.lo - np.ldexp(other.lo, shift))
    apart = near & (np.abs(gap) > 2.0**-_AGREED_BITS)
    zero = first.kind == Kind.ZERO
    lost = (zero & (other.kind == Kind.FINITE)) | (
        (other.kind == Kind.ZERO) & (first.kind == Kind.FINITE)
    )
    return signs | apart | lost | _outside(first, other) | _outside(other, first)


def _outside(bound: Values, value: Values) -> np.ndarray:
    finite = value.kind == Kind.FINITE
    large = (bound.kind == Kind.TINY) & finite & (value.exp - 1 > bound.exp)
    return large | ((bound.kind == Kind.HUGE) & finite & (value.exp < bound.exp))
