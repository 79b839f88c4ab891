"""What a function tends to at an infinity, as a float: read off far beyond the float range."""

from __future__ import annotations

import numpy as np
from flint import arb
from sympy import Expr, Symbol

from symgrad.oracle.enclosed import ball_values
from symgrad.oracle.formats import FLOAT64, Floats, Format, rounded
from symgrad.rigor import precision, program

__all__ = ["limit_float"]

_POWERS = (1100, 2200, 4400, 8800)


def limit_float(expr: Expr, x: Symbol, side: int, fmt: Format = FLOAT64) -> float | None:
    """The float that f tends to at side·oo; nan where f keeps swinging, None where it is not clear.

    Measured, not proved: f at side·2^1100, ..., side·2^8800 must round to one float, or grow by a
    factor from each to the next as log(x) does. `tail` proves what a limit is.

    >>> from sympy import tanh
    >>> x = Symbol("x", real=True)
    >>> limit_float(tanh(x), x, -1), limit_float(x * (1 + tanh(x)), x, -1)
    (-1.0, 0.0)
    """
    with precision(64):
        far = [side * arb(2) ** k for k in _POWERS]
    values = ball_values(program(expr, x), [far], len(far), fmt, max_bits=16384)
    if not values.known().all():
        return None
    seen: Floats = rounded(values, fmt)[0] + 0.0
    if len(set(seen.tolist())) == 1:
        return float(seen[0])
    size = np.abs(seen)
    if ((size[1:] > 1.9 * size[:-1]) | np.isinf(size[1:])).all() and len(
        {*np.sign(seen).tolist()}
    ) == 1:
        return float(np.copysign(np.inf, seen[0]))
    steps = np.diff(np.clip(seen, -fmt.largest, fmt.largest) / 4)
    return float("nan") if (steps > 0).any() and (steps < 0).any() else None
