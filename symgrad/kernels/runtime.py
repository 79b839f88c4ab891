"""What an emitted kernel runs on: NumPy alone; an exported module holds this text.

A kernel is a list of regimes, each good on one stretch of the axis. Points are taken in blocks that
stay in the cache; within a block the loop is over the coefficients, never over the points.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

BLOCK, WHOLE, FEW = 15360, 131072, 2048  # a block stays below the 128 kB that are mapped anew
UPPER, SIGN = np.int64(-(2**27)), np.int64(-(2**63))
LARGEST = 1.7976931348623157e308


class Pieces(NamedTuple):
    """exp(slope·t)·2^scale·Σ rows[k]·t^k, t = x − centre, an entry per cell of a grid; where `logs`
    is m ≥ 0, the value is log|.| of that plus m·log|t|.

    Cell number: the bits of |x| + step from bit `shift` upwards, less `first`; so cells have one
    width near 0 and double with each octave of |x| + step. `sides` 2: even cells x ≥ 0, odd x < 0.
    For results in float32 the rows up to `short` are enough. A centre and the constant terms have
    a low part each: what a float leaves of them.
    """

    step: float
    shift: int
    first: int
    sides: int
    scale: int
    short: int
    rows: Any
    centre: Any
    constant_low: Any
    centre_low: Any = None
    slope: Any = None
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

    The method is a table, a series in 1/x, a constant, or a function made of one line of NumPy;
    `light` is a line of so few operations that large arrays need no blocks.
    """

    lower: float
    upper: float
    method: Any
    light: bool = False

    def holds(self, x: Any) -> bool:
        """Whether all of x is in it; nan is not, unless it is the whole axis."""
        if -self.lower == self.upper == np.inf:
            return True
        return bool(x.size) and bool(self.lower <= x.min() and x.max() < self.upper)


class Plan(NamedTuple):
    """Regimes, the most used first; values at single points; symmetry −1 odd, 1 even, 0 none.

    `fast`: the first regime is a line, without single points. `short`: the same for x in float32 or
    float16, computed in float64, or with `own` in float32 itself.
    """

    regimes: tuple[Regime, ...]
    points: tuple[tuple[float, float], ...]
    symmetry: int
    fast: bool = False
    short: Regime | None = None
    own: bool = False


def horner(p: Any, s: Any) -> Any:
    """p₀ + p₁s + ... of one degree at least."""
    value = s * p[-1] + p[-2]
    for a in p[-3::-1]:
        value *= s
        value += a
    return value


def exp_square(x: Any, c: float, *p: float) -> Any:
    """P(x²)·exp(c·x²) for a power of two |c| and P = p₀ + p₁x² + ... (1 if there are none).

    With x² = s + d in two floats (Dekker 1971; the upper part of x has 26 bits, so that products of
    parts are exact) it is exp(c·s)·(P + d·(P' + c·P)) at s.
    """
    if not x.ndim:
        return exp_square(x[None], c, *p)[0]
    high = (x.view(np.int64) & UPPER).view(np.float64)
    low = x - high
    d = high + (high if p else x)
    d *= low
    high *= high
    s = np.multiply(x, x, out=None if p else low)
    high -= s
    d += high
    e = np.multiply(s, c, out=high)
    np.exp(e, out=e)
    if not p:
        d *= e
        if c != -1.0:
            d *= -c
        e -= d
        return e
    low *= low  # near a zero of P the last digits of d count
    d += low
    slopes = [(k + 1) * b for k, b in enumerate(p[1:])]
    d *= horner([c * a + b for a, b in zip(p, [*slopes, 0.0], strict=True)], s)
    d += horner(p, s)
    e *= d
    return e


def select(condition: Any, yes: Any, no: Any) -> Any:
    """np.where by bits: no branch to foretell, which is five times as fast where x changes sign."""
    if condition.size < FEW:
        return np.where(condition, yes, no)
    dtype = np.result_type(yes, no)
    wide = np.int64 if dtype == np.float64 else np.int32
    a, b = np.asarray(yes, dtype).view(wide), np.asarray(no, dtype).view(wide)
    mask = condition.astype(wide)
    np.negative(mask, out=mask)
    mask &= a ^ b
    mask ^= b
    return mask.view(dtype)


def one_plus(s: Any, c: Any) -> Any:
    """1 + s for s = ±sin v and c = cos v: (1 − s²)/(1 − s) where s is next to −1."""
    return select(s > -0.5, 1.0 + s, c * c / (1.0 - s))


def log_one_plus(s: Any, c: Any) -> Any:
    """The logarithm of `one_plus`."""
    return select(s > -0.5, np.log1p(s), 2.0 * np.log(np.absolute(c)) - np.log1p(-s))


def log_wave(c: Any, s: Any) -> Any:
    """log|c| for c = cos v and s = sin v, or the other way round."""
    return select(c * c > 0.5, 0.5 * np.log1p(-s * s), np.log(np.absolute(c)))


def broken_power(y: Any, high: float, low: float) -> Any:
    """y^(high + low) for y ≥ 0."""
    r = y**high
    return r + r * (low * np.log(np.where(y > 0.0, y, 1.0))) if low else r


def pieces(x: Any, out: Any, p: Pieces, short: bool) -> None:
    """Horner's rule on gathered coefficients; the constant term in two floats is added last."""
    at = np.absolute(x)
    at += p.step
    cell = np.right_shift(at.view(np.int64), p.shift)
    cell -= p.first
    if p.sides == 2:
        cell += cell
        cell -= x.view(np.int64) >> 63
    t = x - p.centre.take(cell, mode="clip")
    if p.centre_low is not None:
        t -= p.centre_low.take(cell, mode="clip")
    rows = p.rows[p.short :: -1] if short else p.rows[::-1]
    if x.size > FEW:
        terms = (row.take(cell, out=at, mode="clip") for row in rows)
    else:
        terms = iter(rows.take(cell, axis=1, mode="clip"))
    out[...] = next(terms)
    for k, term in zip(range(len(rows) - 2, -1, -1), terms, strict=True):
        out *= t
        if k == 0 and not short:
            out += p.constant_low.take(cell, mode="clip")
        out += term
    if p.slope is not None:
        tilt = p.slope.take(cell, mode="clip")
        tilt *= t
        out *= np.exp(tilt, out=tilt)
    if p.logs is not None:
        order = p.logs.take(cell, mode="clip")
        np.log(np.absolute(out), out=out, where=order >= 0.0)
        out += np.where(order > 0.0, order * np.log(np.absolute(t)), 0.0)
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


def block(x: Any, out: Any, plan: Plan, k: int, short: bool) -> Any:
    """Regime k, the sign of an odd function and the single points; where regime k does not hold.

    Beyond the last regime only nan is left, and infinities, which have their own values.
    """
    u = np.absolute(x) if plan.symmetry else x
    low, high = 0.0 if plan.symmetry else u.min(), u.max()  # nan where there is a nan
    rest = None
    if k == len(plan.regimes):
        out[...] = u
    else:
        lower, upper, method = plan.regimes[k][:3]
        endless = upper == np.inf
        if low >= lower and (high < upper or endless) and high == high:
            apply(u, out, method, short)
        else:
            inside = u >= lower
            if not endless:
                inside &= u < upper
            rest = np.flatnonzero(~inside)
            if 2 * rest.size < u.size:
                apply(u, out, method, short)
            elif rest.size < u.size:
                some = np.flatnonzero(inside)
                values = np.empty(some.size)
                apply(u[some], values, method, short)
                out[some] = values
    if plan.symmetry < 0:
        bits = out.view(np.int64)
        bits ^= x.view(np.int64) & SIGN
    for point, value in plan.points:
        at = abs(point) if plan.symmetry else point
        if not (at < low or at > high):
            np.copyto(out, value, where=x == point)
    return rest


def fill(x: Any, out: Any, plan: Plan, k: int, short: bool) -> None:
    """Regime k, block by block; then the others on the points that are left of all blocks."""
    wide = out.dtype == np.float64
    scratch = np.empty(0 if wide else min(x.size, BLOCK))
    left = []
    for start in range(0, x.size, BLOCK):
        part = x[start : start + BLOCK].astype(np.float64, copy=False)
        place = out[start : start + BLOCK]
        values = place if wide else scratch[: part.size]
        rest = block(part, values, plan, k, short)
        if not wide:
            place[...] = values
        if rest is not None and rest.size:
            left.append((rest + start, part[rest]))
    if left:
        places, points = (np.concatenate(c) for c in zip(*left, strict=True))
        values = np.empty(places.size)
        fill(points, values, plan, k + 1, short)
        out[places] = values


def float_type(dtype: Any) -> Any:
    """The type of the result: that of the arguments, float64 for integers; NumPy's byte order."""
    if dtype.kind in "biu":
        return np.dtype(np.float64)
    if dtype.type not in (np.float64, np.float32, np.float16):
        raise TypeError(f"a kernel takes float16, float32, float64 or integers; got {dtype}")
    return np.dtype(dtype.type)


def evaluate(plan: Plan, x: Any, out: Any = None) -> Any:
    """The kernel at x: float64 inside, rounded once to the type of x (integers: float64).

    As with NumPy's own functions what is masked stays masked.
    """
    if isinstance(x, np.ma.MaskedArray):
        return np.ma.array(evaluate(plan, x.data, out), mask=x.mask)
    x = np.asarray(x)
    dtype = float_type(x.dtype)
    if out is not None and out.shape != x.shape:
        raise ValueError(f"out has the shape {out.shape}, the input has {x.shape}")
    with np.errstate(all="ignore"):
        short = np.float64 not in (dtype, dtype if out is None else out.dtype)
        only = plan.short if short else plan.regimes[0] if plan.fast else None
        line = only.method if only and only.holds(x) else None
        inside = np.float32 if short and plan.own and dtype == np.float32 else np.float64
        light = only and only.light and x.dtype == inside
        if line and x.size <= (WHOLE if light else BLOCK):
            result = line(x.astype(inside, copy=False))
            if out is None:
                copied = result is x or result.dtype != dtype
                return (result.astype(dtype) if copied else result)[()]
            out[...] = result
            return out
        flat = np.ascontiguousarray(x).reshape(-1)
        type_out = dtype if out is None else out.dtype
        result = np.empty(flat.size, type_out if type_out.isnative else dtype)
        if line:
            for start in range(0, flat.size, BLOCK):
                part = flat[start : start + BLOCK].astype(inside, copy=False)
                result[start : start + BLOCK] = line(part)
        else:
            fill(flat, result, plan, 0, short)
        if out is None:
            return result.reshape(x.shape)[()]
        out[...] = result.reshape(x.shape)
        return out


def common_type(values: Any) -> Any:
    """The type of the result of several arguments together."""
    kinds = [v if isinstance(v, (int, float)) else np.asarray(v) for v in values]
    return float_type(np.result_type(*kinds))


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
    masks = [np.ma.getmaskarray(v) for v in given if isinstance(v, np.ma.MaskedArray)]
    if masks:
        results = in_blocks(f, [np.ma.getdata(v) for v in given], out)
        mask = np.logical_or.reduce(np.broadcast_arrays(*masks, results[0])[:-1])
        return [np.ma.array(r, mask=mask) for r in results]
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
