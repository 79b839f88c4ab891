"""g and g' of one activation from one table: the derivative of a polynomial is a polynomial.

On each cell of a grid g' is interpolated at Chebyshev nodes (Trefethen 2013, Approximation Theory
and Approximation Practice, theorem 8.2) and g is the integral of that; Horner's rule gives both
from the same gathered coefficients. A cell about a zero of g' has it as its centre.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np
from flint import arb, arb_poly

from symgrad.kernels.smooth import BITS, Smooth, as_float, shifted, zeros_near
from symgrad.rigor import precision

__all__ = ["EDGE", "decay", "tables"]

EDGE, _RIGHT = 8.0, 12.0
_TERMS, _LAST = 14, 40.0
_SHAPES = ((1 / 32, 9), (1 / 16, 11), (1 / 64, 9))
_SHORT = 6
"""The degree for float32, of which fewer digits are asked."""


def tables(value: Smooth, slope: Smooth) -> Iterable[str]:
    """Sources of the table, by width and degree; the outer cells are lines that g may tend to."""
    for width, degree in _SHAPES:
        first, last = round(-EDGE / width), round(_RIGHT / width)
        places = range(first, last + 1)
        cells = [_cell(value, slope, k * width, width / 2, degree) for k in places]
        left, right = (_line(value, slope, sign) for sign in (-1, 1))
        if left and right and all(cells):
            inner = [c for c in cells if c]
            yield _source([left, *inner, right], (first - 1.5) * width, 1 / width)


def _cell(
    value: Smooth, slope: Smooth, middle: float, half: float, degree: int
) -> tuple[arb, list[arb]] | None:
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
        slopes = [arb(0)] * order + [poly[k] for k in range(count + 1)]
        centre = (arb(middle) + moved).mid()
        start = value.value(centre)
        return (
            None if start is None else (centre, [start, *(c / k for k, c in enumerate(slopes, 1))])
        )


def _line(value: Smooth, slope: Smooth, sign: int) -> tuple[arb, list[arb]] | None:
    """c₀ + c₁ x from one point far out; whether g is that line is measured."""
    at = sign * arb(2) ** 20
    a, b = value.value(at), slope.value(at)
    if a is None or b is None:
        return None
    with precision(BITS):
        rise = arb(as_float(b))
        return arb(0), [arb(as_float(a - rise * at)), rise]


def decay(value: Smooth, slope: Smooth, c: float, sign: int) -> str | None:
    """Coefficients of h in f = exp(c x²)·x·h(1/x) for g and g', from |x| = `EDGE` on.

    h is interpolated at Chebyshev nodes in 1/x.
    """
    ends = 1 / EDGE, 1 / _LAST
    middle, half = (ends[0] + ends[1]) / 2, (ends[0] - ends[1]) / 2
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
    return "(" + ",\n".join(rows) + ")"


def _source(cells: list[tuple[arb, list[arb]]], low: float, per: float) -> str:
    """The table as NumPy source; `batch.Jets` says what its parts are."""
    height = max(len(c) for _, c in cells)
    rows = np.zeros((height, len(cells)))
    centre, rest = np.zeros(len(cells)), np.zeros(len(cells))
    for j, (c, coefficients) in enumerate(cells):
        centre[j] = as_float(c)
        with precision(BITS):
            rest[j] = as_float(c - arb(centre[j]))
        rows[: len(coefficients), j] = [as_float(v) for v in coefficients]
    parts = [_array(part) for part in (centre, rest)]
    body = ",\n".join(_array(row) for row in rows)
    return f"Jets({low!r}, {per!r},\n{parts[0]},\n{parts[1]},\nnp.array([\n{body}]), {_SHORT})"


def _array(values: Any) -> str:
    texts = [repr(float(v)) for v in values]
    lines = [", ".join(texts[k : k + 4]) for k in range(0, len(texts), 4)]
    return "np.array([" + ",\n".join(lines) + "])"
