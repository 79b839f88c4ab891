"""What an emitted kernel runs on: NumPy alone; an exported module holds this text.

A kernel is a list of regimes, each good on one stretch of the axis. Points are taken in blocks that
stay in the cache; within a block the loop is over the coefficients, never over the points.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

BLOCK, WHOLE = 8192, 12288
LARGEST = 1.7976931348623157e308


class Pieces(NamedTuple):
    """exp(slope·t)·2^scale·Σ rows[k]·t^k, t = x − centre, an entry per cell of a grid; where `logs`
    is m ≥ 0, the value is log|.| of that plus m·log|t|.

    Cell number: the bits of |x| + step from bit `shift` upwards, less `first`; so cells have one
    width near 0 and double with each octave of |x| + step. `sides` 2: even cells x ≥ 0, odd x < 0.
    """

    step: float
    shift: int
    first: int
    sides: int
    centre: Any
    centre_low: Any
    constant_low: Any
    rows: Any
    slope: Any = None
    scale: int = 0
    short: int = 0
    logs: Any = None


class Laurent(NamedTuple):
    """y^power·Σ coefficients[k]·y^(−k) + logs·log y, y = |x|, the constant term in two floats.

    `root` is a broken power beside the whole one, in two floats; finite for y ≤ last.
    """

    power: int
    coefficients: tuple[float, ...]
    low: float
    last: float
    logs: float = 0.0
    root: tuple[float, float] | None = None


class Regime(NamedTuple):
    """lower ≤ x < upper (|x| where the kernel has a symmetry): the method that is used there.

    The method is a table, a series in 1/x, a constant, or a function made of one line of NumPy.
    """

    lower: float
    upper: float
    method: Any


class Plan(NamedTuple):
    """Regimes, the most used first; values at single points; symmetry −1 odd, 1 even, 0 none."""

    regimes: tuple[Regime, ...]
    points: tuple[tuple[float, float], ...]
    symmetry: int

    @property
    def whole(self) -> bool:
        """Whether one method does the whole axis by itself."""
        return len(self.regimes) == 1 and not self.symmetry and not self.points


def exp_square(x: Any, c: float) -> Any:
    """exp(c·x²) for a power of two c: what rounding x² loses is found from x in two halves."""
    square = x * x
    high = x.astype(np.float32).astype(np.float64)
    lost = high * high
    lost -= square
    rest = x - high
    high += x
    rest *= high
    lost += rest
    square *= c
    lost *= c
    e = np.exp(square)
    lost *= e
    e += lost
    return e


def broken_power(y: Any, high: float, low: float) -> Any:
    """y^(high + low) for y ≥ 0."""
    r = y**high
    return r + r * (low * np.log(np.where(y > 0.0, y, 1.0))) if low else r


def pieces(x: Any, out: Any, p: Pieces, short: bool) -> None:
    """Horner's rule on gathered coefficients; the constant term in two floats is added last."""
    at = np.absolute(x, out=np.empty_like(x))
    at += p.step
    cell = np.right_shift(at.view(np.int64), p.shift)
    cell -= p.first
    if p.sides == 2:
        cell += cell
        cell += x < 0.0
    c = at

    def gather(row: Any) -> Any:
        return row.take(cell, out=c, mode="clip")

    t = x - gather(p.centre)
    if p.centre_low is not None:
        t -= gather(p.centre_low)
    rows = p.rows[: p.short + 1] if short else p.rows
    rows[-1].take(cell, out=out, mode="clip")
    for k in range(len(rows) - 2, -1, -1):
        out *= t
        if k == 0 and not short:
            out += gather(p.constant_low)
        out += gather(rows[k])
    if p.slope is not None:
        gather(p.slope)
        c *= t
        out *= np.exp(c, out=c)
    if p.logs is not None:
        gather(p.logs)
        some = c >= 0.0
        np.log(np.absolute(out), out=out, where=some)
        out += np.where(c > 0.0, c * np.log(np.absolute(t)), 0.0)
    if p.scale:
        out *= 2.0**p.scale
        np.clip(out, -LARGEST, LARGEST, out=out)


def laurent(x: Any, out: Any, p: Laurent) -> None:
    """Horner's rule in 1/|x|, then factor by factor: the last product alone leaves the range."""
    y = np.absolute(x)
    w = 1.0 / y
    coefficients = p.coefficients
    out[...] = coefficients[-1]
    for k in range(len(coefficients) - 2, -1, -1):
        out *= w
        if k == 0:
            out += p.low
        out += coefficients[k]
    for _ in range(abs(p.power)):
        if p.power > 0:
            out *= y
        else:
            out /= y
    if p.root:
        out *= broken_power(y, *p.root)
    if p.logs:
        out += p.logs * np.log(y)
    if p.power > 0:
        beyond = np.isinf(out) & (y <= p.last)
        np.copyto(out, np.copysign(LARGEST, out), where=beyond)


def apply(x: Any, out: Any, method: Any, short: bool) -> None:
    """One method on all of x."""
    if callable(method):
        out[...] = method(x)
    elif isinstance(method, Pieces):
        pieces(x, out, method, short)
    elif isinstance(method, Laurent):
        laurent(x, out, method)
    else:
        out[...] = method


def fill(u: Any, out: Any, regimes: Any, short: bool, low: float, high: float) -> None:
    """The first regime on all points, where most of them lie in it; the others on what is left.

    low ≤ u ≤ high; both are nan where u holds nan.
    """
    if not regimes:
        out[...] = u  # nan stays; infinities have their own values
        return
    lower, upper, method = regimes[0]
    endless = upper == np.inf
    if low >= lower and (high < upper or endless):
        apply(u, out, method, short)
        return
    if high < lower or (low >= upper and not endless):
        fill(u, out, regimes[1:], short, low, high)
        return
    inside = u >= lower
    if not endless:
        inside &= u < upper
    rest = np.flatnonzero(~inside)
    if 2 * rest.size < u.size:
        apply(u, out, method, short)
    else:
        some = np.flatnonzero(inside)
        values = np.empty(some.size)
        if some.size:
            apply(u[some], values, method, short)
        out[some] = values
    if rest.size:
        values, left = np.empty(rest.size), u[rest]
        fill(left, values, regimes[1:], short, left.min(), left.max())
        out[rest] = values


def block(x: Any, out: Any, plan: Plan, short: bool) -> None:
    """All regimes, the sign of an odd function, and the single points."""
    u = np.absolute(x) if plan.symmetry else x
    low, high = u.min(), u.max()
    fill(u, out, plan.regimes, short, low, high)
    if plan.symmetry < 0:
        bits = out.view(np.int64)
        bits ^= x.view(np.int64) & np.int64(-(2**63))
    for point, value in plan.points:
        at = abs(point) if plan.symmetry else point
        if not (at < low or at > high):
            np.copyto(out, value, where=x == point)


def evaluate(plan: Plan, x: Any, out: Any = None) -> Any:
    """The kernel at x: float64 inside, rounded once to the type of x (integers: float64)."""
    x = np.asarray(x)
    if x.dtype.kind in "biu":
        x = x.astype(np.float64)
    if x.dtype not in (np.float64, np.float32, np.float16):
        raise TypeError(f"a kernel takes float16, float32, float64 or integers; got {x.dtype}")
    if out is None:
        result = np.empty(x.shape, x.dtype)
    else:
        result = out
        if out.shape != x.shape:
            raise ValueError(f"out has the shape {out.shape}, the input has {x.shape}")
    flat = np.ascontiguousarray(x).reshape(-1)
    if out is not None and np.may_share_memory(out, flat):
        flat = flat.copy()
    short = x.dtype != np.float64 and result.dtype != np.float64
    direct = result.dtype == np.float64 and result.flags.c_contiguous
    target = result.reshape(-1) if direct else np.empty(flat.size, np.float64)
    with np.errstate(all="ignore"):
        if plan.whole:
            method = plan.regimes[0].method
            for start in range(0, flat.size, WHOLE):
                part = flat[start : start + WHOLE].astype(np.float64, copy=False)
                apply(part, target[start : start + WHOLE], method, short)
        else:
            for start in range(0, flat.size, BLOCK):
                part = flat[start : start + BLOCK].astype(np.float64, copy=False)
                block(part, target[start : start + BLOCK], plan, short)
        if not direct:
            result[...] = target.reshape(result.shape)
    return result[()] if out is None else result


def common_type(values: Any) -> Any:
    """The type of the result: that of the arguments together, float64 for integers."""
    kinds = [v if isinstance(v, (int, float)) else np.asarray(v) for v in values]
    dtype = np.result_type(*kinds)
    if dtype.kind in "biu":
        return np.dtype(np.float64)
    if dtype not in (np.float64, np.float32, np.float16):
        raise TypeError(f"a kernel takes float16, float32, float64 or integers; got {dtype}")
    return dtype


def product(*factors: Any) -> Any:
    """The product, mantissas and exponents apart: only the last step may leave the range."""
    mantissa, exponent = np.frexp(factors[0])
    for f in factors[1:]:
        m, e = np.frexp(f)
        mantissa, shift = np.frexp(mantissa * m)
        exponent = exponent + e + shift
    return np.ldexp(mantissa, exponent)


def in_blocks(f: Any, given: Any, out: Any = None) -> Any:
    """The results of f at the arguments together, in blocks, in the type of the arguments."""
    dtype = common_type(given)
    arrays = [np.asarray(v, np.float64) for v in given]
    shape = np.broadcast_shapes(*(a.shape for a in arrays))
    size = int(np.prod(shape))
    with np.errstate(all="ignore"):
        if size <= BLOCK:
            results = [np.broadcast_to(r, shape) for r in f(*arrays)]
        else:
            flat = [
                a.reshape(()) if a.size == 1 else np.broadcast_to(a, shape).reshape(-1)
                for a in arrays
            ]
            columns: Any = None
            for start in range(0, size, BLOCK):
                part = slice(start, start + BLOCK)
                values = f(*(a[part] if a.ndim else a for a in flat))
                columns = columns or [np.empty(size) for _ in values]
                for column, value in zip(columns, values, strict=True):
                    column[part] = value
            results = [column.reshape(shape) for column in columns]
        if out is None:
            return [r.astype(dtype)[()] for r in results]
        if out.shape != shape:
            raise ValueError(f"out has the shape {out.shape}, the arguments have {shape}")
        out[...] = results[0]
        return [out]
