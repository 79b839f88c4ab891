"""What an emitted chain runs on: one forward and one backward sweep over blocks of samples.

NumPy alone; an exported module holds this text. No array of the batch's size is made per layer but
the results themselves.
"""

from __future__ import annotations

from typing import Any

import numpy as np

CACHE = 1 << 17
"""Numbers that one block of all layers may hold, so that it stays in the cache."""


def column(value: Any, start: int, stop: int) -> Any:
    """The part of a weight that belongs to a block: a scalar, or one number for each sample."""
    return value if np.ndim(value) == 0 else value[start:stop]


def forward(layers: Any, x: Any, w: Any, b: Any, start: int, a: Any, d: Any, z: Any) -> None:
    """a[l] and d[l] = g'(z) for one block that starts at sample `start`."""
    stop = start + z.size
    a[0] = x[start:stop]
    for l, (g, slope, skip, both, reach) in enumerate(layers):
        np.multiply(a[l], column(w[l], start, stop), out=z)
        if b[l] is not None:
            np.add(z, column(b[l], start, stop), out=z)
        if both is not None and z.max() <= reach and z.min() >= -reach:
            both(z, a[l + 1], d[l])
        else:
            g(z, a[l + 1])
            slope(z, d[l])
        if skip:
            np.add(a[l + 1], a[l], out=a[l + 1])


def backward(layers: Any, w: Any, start: int, a: Any, d: Any, e: Any) -> None:
    """d[l] becomes δ, a[l] becomes ∂C/∂w of the layer above it, e becomes ∂C/∂x."""
    stop = start + e.size
    for l in range(len(layers) - 1, -1, -1):
        np.multiply(d[l], e, out=d[l])
        np.multiply(a[l], d[l], out=a[l])
        if layers[l][2]:
            e += column(w[l], start, stop) * d[l]
        else:
            np.multiply(d[l], column(w[l], start, stop), out=e)


def sweep(layers: Any, cost: Any, x: Any, y: Any, w: Any, b: Any, out: Any, total: bool) -> None:
    """Fill out = (C, ∂C/∂x, ∂C/∂w by layer, δ by layer); sums over the samples if `total`."""
    depth, count = len(layers), x.size
    size = max(256, min(8192, CACHE // (depth + 1)))
    a, d, z = np.empty((depth + 1, size)), np.empty((depth, size)), np.empty(size)
    if total:
        for part in out:
            part[...] = 0.0
    with np.errstate(all="ignore"):
        for start in range(0, count, size):
            stop = min(start + size, count)
            n = stop - start
            if n < size:
                a, d, z = (np.empty((*part.shape[:-1], n)) for part in (a, d, z))
            forward(layers, x, w, b, start, a, d, z)
            value, slope = cost(a[depth], column(y, start, stop))
            e = np.empty(n)
            e[...] = slope
            backward(layers, w, start, a, d, e)
            results = (value, e, a[:depth], d)
            for part, result in zip(out, results, strict=True):
                if total:
                    part += np.sum(np.broadcast_to(result, (*part.shape, n)), axis=-1)
                else:
                    part[..., start:stop] = result
