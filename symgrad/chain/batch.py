"""What an emitted chain runs on: one forward and one backward sweep over blocks of samples.

NumPy alone; an exported module holds this text. The results themselves hold what the forward sweep
finds (aˡ⁻¹ where ∂C/∂wˡ will be, g' where δˡ will be): no array of the batch's size is made.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from symgrad.kernels.runtime import exp_square

BLOCK = 8192
"""Samples that are taken through all layers at a time."""


class Jets(NamedTuple):
    """g(x) = Σ rows[k]·tᵏ, t = x − centre − rest, an entry per cell; cell (x − low)·per, clipped.

    In float32 the terms up to t^short do.
    """

    low: float
    per: float
    centre: Any
    rest: Any
    rows: Any
    short: int


def both_types(table: Jets) -> tuple[Jets, Jets]:
    """The table for float64 and for float32."""
    centre = table.centre.astype(np.float32)
    rest = (table.centre - centre + table.rest).astype(np.float32)
    rows = table.rows[: table.short + 1].astype(np.float32)
    return table, table._replace(centre=centre, rest=rest, rows=rows)


def jets(x: Any, g: Any, d: Any, table: Jets) -> None:
    """Horner's rule for g and g' at once."""
    cell = ((x - table.low) * table.per).astype(np.intp)
    room = table.centre.take(cell, mode="clip")
    t = x - room
    t -= table.rest.take(cell, out=room, mode="clip")
    rows = table.rows
    rows[-1].take(cell, out=d, mode="clip")
    rows[-2].take(cell, out=g, mode="clip")
    g += np.multiply(d, t, out=room)
    for row in rows[-3::-1]:
        d *= t
        d += g
        g *= t
        g += row.take(cell, out=room, mode="clip")


def decay(x: Any, g: Any, d: Any, c: float, rows: Any) -> None:
    """g = exp(c·x²)·x·Σ rows[0][k]·x^(−k), and g' with rows[1], in float64."""
    x = x.astype(np.float64, copy=False)
    e, w = exp_square(x, c / 2), 1.0 / x  # its square is the factor: the last product may underflow
    for coefficients, out in zip(rows, (g, d), strict=True):
        total = coefficients[-1] * w
        for value in coefficients[-2:0:-1]:
            total += value
            total *= w
        total += coefficients[0]
        total *= x
        total *= e
        np.multiply(total, e, out=out, casting="same_kind")


def column(value: Any, start: int, stop: int) -> Any:
    """The part of a weight that belongs to a block: a scalar, or one number for each sample."""
    return value if isinstance(value, float) else value[start:stop]


def activate(layer: Any, z: Any, a: Any, d: Any) -> None:
    """a = g(z) and d = g'(z): by what they share where it reaches, the kernels on what is left."""
    g, slope, _, pairs = layer
    for k, (both, reach) in enumerate(pairs):
        low, high = reach[z.dtype == np.float32]
        above = z.max(initial=low)  # nan is not inside
        if above <= high and (low == -np.inf or z.min(initial=high) >= low):
            both(z, a, d)
            return
        inside = (z >= low) & (z <= high)
        rest = np.flatnonzero(~inside)
        if rest.size == z.size:
            continue
        if 2 * rest.size < z.size:  # the few that are wrong are written over
            both(z, a, d)
        else:
            some = np.flatnonzero(inside)
            values = z[some], np.empty(some.size, z.dtype), np.empty(some.size, z.dtype)
            both(*values)
            a[some], d[some] = values[1:]
        left = z[rest], np.empty(rest.size, z.dtype), np.empty(rest.size, z.dtype)
        activate((g, slope, _, pairs[k + 1 :]), *left)
        a[rest], d[rest] = left[1:]
        return
    g(z, a)
    slope(z, d)


def forward(layers: Any, w: Any, b: Any, start: int, a: Any, d: Any, last: Any) -> None:
    """From a[0] all aˡ, the last of them in `last`, and d[l] = g'(z), for one block."""
    stop = start + last.size
    z = np.empty_like(last)
    for l, layer in enumerate(layers):
        np.multiply(a[l], column(w[l], start, stop), out=z)
        if b[l] is not None:
            z += column(b[l], start, stop)
        above = a[l + 1] if l + 1 < len(layers) else last
        activate(layer, z, above, d[l])
        if layer[2]:
            above += a[l]


def backward(layers: Any, w: Any, start: int, a: Any, d: Any, e: Any) -> None:
    """d[l] becomes δ, a[l] becomes ∂C/∂w of the layer above it, e becomes ∂C/∂x."""
    stop = start + e.size
    for l in range(len(layers) - 1, -1, -1):
        here = d[l]
        here *= e
        a[l] *= here
        weight = column(w[l], start, stop)
        if layers[l][2]:
            e += weight * here
        else:
            np.multiply(here, weight, out=e)


def sweep(layers: Any, cost: Any, x: Any, y: Any, w: Any, b: Any, out: Any, total: bool) -> None:
    """Fill out = (C, ∂C/∂x, ∂C/∂w by layer, δ by layer); sums over the samples if `total`."""
    depth, count = len(layers), x.size
    value, e, a, d = out
    sums = [np.zeros(part.shape) for part in out] if total else []
    if total:
        a, d = np.empty((2, depth, min(BLOCK, count)), x.dtype)
    with np.errstate(all="ignore"):
        for start in range(0, count, BLOCK):
            stop = min(start + BLOCK, count)
            here = slice(0, stop - start) if total else slice(start, stop)
            rows, slopes, last = a[:, here], d[:, here], np.empty(stop - start, x.dtype)
            rows[0] = x[start:stop]
            forward(layers, w, b, start, rows, slopes, last)
            c, error = cost(last, column(y, start, stop))
            error = np.full_like(last, error)  # not in `last`, which may be c itself
            backward(layers, w, start, rows, slopes, error)
            if total:
                for part, result in zip(sums, (c, error, rows, slopes), strict=True):
                    part += np.sum(result, axis=-1)
            else:
                value[start:stop], e[start:stop] = c, error
    if total:
        for part, result in zip(out, sums, strict=True):
            part[...] = result
