"""g and g' of one activation from one table: the derivative of a polynomial is a polynomial.

On each cell of a grid g' is interpolated at Chebyshev nodes (Trefethen 2013, Approximation Theory
and Approximation Practice, theorem 8.2) and g is the integral of that; Horner's rule gives both
from the same gathered coefficients. A cell about a zero of g' has the float next to it as centre.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np
from flint import arb, arb_poly

from symgrad.kernels.smooth import BITS, Smooth, as_float, shifted, zeros_near
from symgrad.rigor import precision

__all__ = ["EDGE", "LAST", "asymptote", "decay", "tables"]

EDGE, LAST = 8.0, 40.0
"""How far tables go where no line is reached, and how far the series of a tail do."""
_TERMS = 14
_SHAPES = ((1 / 64, 7), (1 / 32, 9), (1 / 64, 9))
_SHORT = 5
"""The degree for float32, of which fewer digits are asked."""


def tables(value: Smooth, slope: Smooth, low: float, high: float) -> Iterable[str]:
    """Sources of the table on [low, high], by width and degree."""
    for width, degree in _SHAPES:
        places = range(round(low / width), round(high / width) + 1)
        cells = [_cell(value, slope, k * width, width / 2, degree) for k in places]
        if all(cells):
            inner = [c for c in cells if c]
            yield _source(inner, (places[0] - 0.5) * width, 1 / width)


def _cell(
    value: Smooth, slope: Smooth, middle: float, half: float, degree: int
) -> tuple[float, list[float]] | None:
    """The centre, and the coefficients of g about it."""
    series = slope.series(arb(middle), arb(half))
    if series is None:
        return None
    with precision(BITS):
        moved, order = arb(0), 0
        for t, m in zeros_near(series, arb(half)):
            if abs(t) <= arb(half):
                moved, order = t, m
        series = shifted(series, moved)[order:]
        count = degree - order
        nodes = [
            half * math.cos((2 * j + 1) * math.pi / (2 * count + 2)) - moved
            for j in range(count + 1)
        ]
        poly = arb_poly.interpolate(nodes, [arb_poly(series)(node) for node in nodes])
        centre = as_float(arb(middle) + moved)
        shift = arb(centre) - middle - moved
        slopes = (poly * arb_poly([0, 1]) ** order)(arb_poly([shift, 1]))
        start = value.value(arb(centre))
        if start is None:
            return None
        return centre, [
            as_float(start),
            *(as_float(slopes[k] / (k + 1)) for k in range(degree + 1)),
        ]


def asymptote(value: Smooth, slope: Smooth, sign: int) -> tuple[float, float] | None:
    """c₀ and c₁ of the line c₀ + c₁ x that g is far out; from where on is measured."""
    at = sign * arb(2) ** 20
    a, b = value.value(at), slope.value(at)
    if a is None or b is None:
        return None
    with precision(BITS):
        rise = as_float(b)
        return as_float(a - arb(rise) * at), rise


def decay(value: Smooth, slope: Smooth, c: float, sign: int) -> str | None:
    """Coefficients of h in f = exp(c x²)·x·h(1/x) for g and g', from |x| = `EDGE` to `LAST`.

    h is interpolated at Chebyshev nodes in 1/x.
    """
    middle, half = (1 / EDGE + 1 / LAST) / 2, (1 / EDGE - 1 / LAST) / 2
    nodes = [
        arb(sign * (middle + half * math.cos((2 * j + 1) * math.pi / (2 * _TERMS))))
        for j in range(_TERMS)
    ]
    rows = []
    for f in (value, slope):
        with precision(2 * BITS):
            places = [(1 / w).mid() for w in nodes]
            found = [f.value(x, BITS) for x in places]
            scaled = [
                v / (x * (arb(c) * x * x).exp())
                for x, v in zip(places, found, strict=True) if v is not None
            ]  # fmt: skip
            if len(scaled) < _TERMS:
                return None
            poly = arb_poly.interpolate([1 / x for x in places], scaled)
            rows.append(_array(as_float(poly[k]) for k in range(_TERMS)))
    return "np.array([" + ",\n".join(rows) + "])"


def _source(cells: list[tuple[float, list[float]]], low: float, per: float) -> str:
    """The table as NumPy source; `batch.Jets` says what its parts are."""
    rows = ",\n".join(_array(row) for row in np.transpose([c for _, c in cells]))
    centre = _array(c for c, _ in cells)
    return f"both_types(Jets({low!r}, {per!r},\n{centre},\nnp.array([\n{rows}])), {_SHORT})"


def _array(values: Any) -> str:
    texts = [repr(float(v)) for v in values]
    lines = [", ".join(texts[k : k + 4]) for k in range(0, len(texts), 4)]
    return "np.array([" + ",\n".join(lines) + "])"
