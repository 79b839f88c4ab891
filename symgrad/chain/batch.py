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
WIDE, NARROW = np.dtype(np.float64), np.dtype(np.float32)


def constants(wide: Any, narrow: Any) -> Any:
    """The same constants for both types: arrays without axes, which ufuncs take up fastest."""
    return {k: tuple(np.array(v, k) for v in c) for k, c in ((WIDE, wide), (NARROW, narrow))}


class Jets(NamedTuple):
    """g(x) = Σ rows[k]·tᵏ, t = x − centre, an entry per cell; cell (x − low)·per."""

    low: float
    per: float
    centre: Any
    rows: Any


def both_types(table: Jets, short: int) -> Any:
    """The table for float64, and about centres that are float32 up to t^short."""
    centre = table.centre.astype(NARROW)
    shift, rows = centre - table.centre, table.rows.copy()
    for k in range(len(rows)):
        for j in range(len(rows) - 2, k - 1, -1):
            rows[j] += shift * rows[j + 1]
    rows = rows[: short + 1].astype(NARROW)
    return {WIDE: table, NARROW: table._replace(centre=centre, rows=rows)}


def jets(x: Any, g: Any, d: Any, table: Jets) -> None:
    """Horner's rule for g and g' at once."""
    cell = ((x - table.low) * table.per).astype(np.intp)
    room = table.centre.take(cell, mode="clip")
    t = x - room
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
    x = x.astype(WIDE, copy=False)
    e = exp_square(x, c / 2)  # its square is the factor: the last product may underflow
    totals = np.einsum("nk,rk->rn", np.vander(1.0 / x, len(rows[0]), increasing=True), rows)
    totals *= x
    totals *= e
    for total, out in zip(totals, (g, d), strict=True):
        np.multiply(total, e, out=out, casting="same_kind")


def line(x: Any, g: Any, d: Any, start: float, rise: float) -> None:
    """g = start + rise·x."""
    np.multiply(x, rise, out=g)
    g += start
    d.fill(rise)


def spread(x: Any, g: Any, d: Any, parts: Any) -> None:
    """Each part (low, high, function) where it holds, the most used first; nan elsewhere."""
    if not parts:
        g.fill(np.nan)
        d.fill(np.nan)
        return
    low, high, both = parts[0]
    if np.minimum.reduce(x) >= low and (high == np.inf or np.maximum.reduce(x) < high):
        both(x, g, d)
        return
    inside = (x >= low) & (x < high)  # nan is not inside
    count = np.count_nonzero(inside)
    if 2 * count > x.size:
        both(x, g, d)  # what is wrong is written over
    elif count:
        at = np.flatnonzero(inside)
        values = np.empty((2, count), x.dtype)
        both(x[at], *values)
        g[at], d[at] = values
    at = np.flatnonzero(~inside)
    values = np.empty((2, at.size), x.dtype)
    spread(x[at], values[0], values[1], parts[1:])
    g[at], d[at] = values


def forward(layers: Any, w: Any, b: Any, a: Any, d: Any, last: Any, shared: bool) -> None:
    """From a[0] all aˡ, the last of them in `last`, and d[l] = g'(z), for one block.

    `shared`: by what g and g' share, which says nan where it does not reach; else by the kernels.
    """
    z = np.empty_like(last)
    for l, (g, slope, skip, both) in enumerate(layers):
        np.multiply(a[l], w[l], out=z)
        if b[l] is not None:
            z += b[l]
        above = a[l + 1] if l + 1 < len(layers) else last
        if shared and both is not None:
            both(z, above, d[l])
        else:
            g(z, above)
            slope(z, d[l])
        if skip:
            above += a[l]


def backward(layers: Any, w: Any, a: Any, d: Any, e: Any) -> None:
    """d[l] becomes δ, a[l] becomes ∂C/∂w of the layer above it, e becomes ∂C/∂x."""
    for l in range(len(layers) - 1, -1, -1):
        here, weight = d[l], w[l]
        here *= e
        a[l] *= here
        if layers[l][2]:
            e += weight * here
        else:
            np.multiply(here, weight, out=e)


def both_ways(
    layers: Any, cost: Any, given: Any, value: Any, e: Any, a: Any, d: Any, shared: bool = True
) -> None:
    """One block: C in `value`, ∂C/∂x in e, ∂C/∂w in a, δ in d; x, y, w, b are `given`."""
    x, y, w, b = given
    a[0] = x
    last = np.empty(x.size, a.dtype)
    forward(layers, w, b, a, d, last, shared)
    cost(last, y, value, e)
    backward(layers, w, a, d, e)
    if not shared:
        return
    check = e.dot(last)
    at = np.flatnonzero(np.isnan(e) | np.isnan(last)) if check != check else np.empty(0)
    if at.size:
        results = [part[..., at] for part in (value, e, a, d)]
        both_ways(layers, cost, columns(given, at), *results, shared=False)
        for part, result in zip((value, e, a, d), results, strict=True):
            part[..., at] = result


def columns(given: Any, at: Any) -> Any:
    """x, y, w, b of some samples: of what is one number for all of them, that."""
    if isinstance(given, (list, tuple)):
        return [columns(part, at) for part in given]
    return given if given is None or not given.ndim else given[at]


def sweep(layers: Any, cost: Any, x: Any, y: Any, w: Any, b: Any, out: Any, total: bool) -> None:
    """Fill out = (C, ∂C/∂x, ∂C/∂w by layer, δ by layer); sums over the samples if `total`."""
    array = lambda v: v if v is None else np.asarray(v, x.dtype)
    given = x, array(y), [array(v) for v in w], [array(v) for v in b]
    depth, count = len(layers), x.size
    sums, results = [np.zeros(part.shape) for part in out] if total else [], out
    if total:
        size = min(BLOCK, count)
        shapes = (size,), (size,), (depth, size), (depth, size)
        out = tuple(np.empty(s, x.dtype) for s in shapes)
    with np.errstate(all="ignore"):
        for start in range(0, count, BLOCK):
            here = slice(start, min(start + BLOCK, count))
            there = slice(here.stop - start) if total else here
            whole = count <= BLOCK
            parts = out if whole else [part[..., there] for part in out]
            both_ways(layers, cost, given if whole else columns(given, here), *parts)
            for k, part in enumerate(parts if total else ()):
                sums[k] += part.sum(axis=-1)
    if total:
        for part, result in zip(results, sums, strict=True):
            part[...] = result
