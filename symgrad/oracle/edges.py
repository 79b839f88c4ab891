"""Where a function of one variable changes its nature on a float grid: zeros, kinks, overflow,
underflow, ends of the domain; found from the oracle's own values and narrowed to adjacent floats.

Sign changes and changes of range are found between the points of a first scan; a double zero
between two of them is not, and of very many changes 60 are followed up.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

import numpy as np
import sympy
from numpy.typing import NDArray
from sympy import Expr, Symbol
from sympy.core.relational import Relational

from symgrad.oracle.enclosed import arb_values
from symgrad.oracle.formats import Floats, Format, Kind, Values
from symgrad.oracle.points import points

__all__ = ["Edge", "edges"]

_SCAN = 1500
_MOST = 60

Signature = Callable[[Values, Format], NDArray[np.int64]]


@dataclass(frozen=True, slots=True)
class Edge:
    """A float next to which the function changes its nature, and how."""

    at: float
    reason: str


def edges(expr: Expr, x: Symbol, fmt: Format, seed: int = 0) -> tuple[Edge, ...]:
    """The edges of an elementary expression on the grid of `fmt`, in order.

    >>> from sympy import exp
    >>> from symgrad.oracle.formats import FLOAT64
    >>> x = Symbol("x", real=True)
    >>> found = edges(exp(-x) - 2, x, FLOAT64)
    >>> [(round(e.at, 3), e.reason) for e in found]
    [(-709.783, 'overflow'), (-709.783, 'overflow'), (-0.693, 'zero'), (-0.693, 'zero')]
    """
    scan = points(_SCAN, fmt, seed)
    found = _changes(expr, x, scan, fmt, _nature)
    for condition in sorted(_conditions(expr, x), key=str):
        left, right = (cast("Expr", side) for side in condition.args)
        gap = left - right
        found |= {Edge(e.at, "kink") for e in _changes(gap, x, scan, fmt, _sign)}
    return tuple(sorted(found, key=lambda e: (e.at, e.reason)))


def _conditions(expr: Expr, x: Symbol) -> set[Relational]:
    bent = {
        sympy.Lt(
            b.args[0], b.args[1] if len(b.args) > 1 and not isinstance(b, sympy.Heaviside) else 0
        )
        for b in expr.atoms(sympy.Abs, sympy.sign, sympy.Max, sympy.Min, sympy.Heaviside)
        if b.has(x)
    }
    inside = {c for piece in expr.atoms(sympy.Piecewise) for c in piece.atoms(Relational)}
    return {c for c in inside | bent if isinstance(c, Relational) and c.has(x)}


def _sign(values: Values, fmt: Format) -> NDArray[np.int64]:
    return values.sign().astype(np.int64)


def _nature(values: Values, fmt: Format) -> NDArray[np.int64]:
    """Sign and range of each value as one number."""
    exponent = values.exponent()
    finite = values.kind == Kind.FINITE
    cases = {
        0: values.kind == Kind.ZERO,
        6: ~values.known(),
        5: (values.kind == Kind.HUGE) | (finite & (exponent > fmt.emax)),
        4: finite & (exponent >= fmt.emin),
        3: finite & (exponent >= fmt.bottom - 1),
    }
    size = np.select(list(cases.values()), list(cases), 2)
    sign = np.where((size == 6) | (size == 2), 0, values.sign())
    return size * 3 + sign + 1


def _changes(expr: Expr, x: Symbol, scan: Floats, fmt: Format, signature: Signature) -> set[Edge]:
    def signs(place: NDArray[np.int64]) -> NDArray[np.int64]:
        values = arb_values(expr, [x], [fmt.at(place).astype(np.float64)], fmt, max_bits=1280)
        return signature(values, fmt)

    place = np.unique(fmt.ordinal(scan))
    nature = signs(place)
    change = np.flatnonzero(nature[1:] != nature[:-1])
    if len(change) > _MOST:  # an oscillating function: those nearest to 1 in magnitude
        far = np.abs(np.log2(np.maximum(np.abs(fmt.at(place[change]).astype(np.float64)), 1e-300)))
        change = np.sort(change[np.argsort(far, kind="stable")[:_MOST]])
    low, high = place[change], place[change + 1]
    left, right = nature[change], nature[change + 1]
    while len(low) and int((high - low).max()) > 1:
        middle = low + (high - low) // 2
        at = signs(middle)
        same = at == left
        low, high = np.where(same, middle, low), np.where(same, high, middle)
        right = np.where(same, right, at)
    found = set()
    for a, b, before, after in zip(low, high, left, right, strict=True):
        reason = _between({int(before) // 3, int(after) // 3})
        found |= {Edge(float(fmt.at(a)), reason), Edge(float(fmt.at(b)), reason)}
    return found


def _between(sizes: set[int]) -> str:
    for size, reason in (
        (6, "domain"),
        (5, "overflow"),
        (0, "zero"),
        (2, "underflow"),
        (3, "subnormal"),
    ):
        if size in sizes:
            return reason
    return "zero"
