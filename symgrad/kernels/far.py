"""What a function becomes far out, told from its values and Taylor series there.

A decay or growth that leaves the floats; a polynomial; a power times a series in 1/x; or none of
these. The place where each description is good to 2^-57 is found, not assumed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from flint import arb, arb_mat, arb_poly

from symgrad.kernels.fit import EPS
from symgrad.kernels.runtime import Laurent
from symgrad.kernels.smooth import BITS, LogAbs, Smooth, as_float, log2_abs, shifted
from symgrad.rigor import constant, precision

__all__ = [
    "Far", "exponent", "far", "horner", "in_floats", "in_reciprocals", "last_finite", "log2_size",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Far:
    """What f becomes toward sign·∞: 'poly', 'power', 'decay', 'growth', 'line' or 'wave'."""

    kind: str
    sign: int
    limit: float
    power: int = 0
    coefficients: tuple[arb, ...] = ()


def far(f: Smooth, sign: int) -> Far:
    """What f becomes toward sign·∞, told from its values and Taylor series far out."""
    if isinstance(f, LogAbs):
        if f.inner.expr == 0 or not f.expr.has(f.x):
            top = -math.inf if f.inner.expr == 0 else as_float(constant(f.expr, 160))
            return Far("poly", sign, top, 0, (arb(top),))
        small = _exponential(f, sign, range(2, 12))
        end = small or _polynomial_end(f, sign)
        return end or _power_end(f, sign, 0) or _logarithm(f, sign)
    found = _exponential(f, sign, range(2, 14))
    if found is not None:
        return found
    found = _polynomial_end(f, sign)
    if found is not None:
        return found
    found = _power_end(f, sign, 60)
    if found is not None:
        return found
    return _exponential(f, sign, range(14, 41)) or Far("line", sign, _limit(f, sign))


def _power_end(f: Smooth, sign: int, most: int) -> Far | None:
    power = exponent(f, sign)
    if power is None or power > most:
        return None
    head = f.value(arb(sign) * arb(2) ** 200, 80)
    if head is None:
        return None
    lead = 1 if head > 0 else -1
    if power > 0:
        limit = math.copysign(math.inf, lead)
    else:
        limit = math.copysign(0.0, lead) if power < 0 else as_float(head)
    return Far("power", sign, limit, power)


def _polynomial_end(f: Smooth, sign: int) -> Far | None:
    poly = _polynomial(f, sign)
    if poly is None:
        return None
    n = len(poly) - 1
    top = as_float(poly[-1])
    return Far("poly", sign, math.copysign(math.inf, top * sign**n) if n else top, n, poly)


_NEAR, _POWERS, _TERMS = 64, (3, 2, 1), 22


def _logarithm(f: Smooth, sign: int) -> Far:
    """log|u| = Σ s_k x^k + b·log|x| + Σ q_j x^(−j): s, b, q by interpolation on [64, 128].

    First all are solved for; then b is rounded to the integer it is near, what is negligible is
    left out, and the others are solved for again.
    """
    limit = _limit_of_log(f, sign)
    powers, b = list(_POWERS), None
    found: list[arb] = []
    for _ in range(2):
        count = len(powers) + (b is None) + _TERMS
        with precision(900):
            w = [sign * (3 + _cosine(2 * j + 1, 2 * count)) / 256 for j in range(count)]
            points = [(1 / v).mid() for v in w]
        values = [f.value(p, 700) for p in points]
        sure = [v for v in values if v is not None]
        if len(sure) < count:
            return Far("line", sign, limit)
        with precision(900):
            rows = []
            for p in points:
                row = [p**k for k in powers] + ([abs(p).log()] if b is None else [])
                rows.append(row + [p**-j for j in range(_TERMS)])
            known = [v - (b or 0) * abs(p).log() for v, p in zip(sure, points, strict=True)]
            solution = arb_mat(rows).solve(arb_mat([[v.mid()] for v in known]))
            found = [solution[k, 0].mid() for k in range(count)]
            if b is None:
                b = round(as_float(found[len(powers)]))
                if abs(as_float(found[len(powers)]) - b) > 1e-6:
                    return Far("line", sign, limit)
                powers = [k for k, c in zip(powers, found, strict=False) if log2_abs(c) > -30]
    head = dict(zip(powers, found, strict=False))
    coefficients = tuple(head.get(k, arb(0)) for k in _POWERS) + tuple(found[len(powers) :])
    return Far("log", sign, limit, b or 0, coefficients)


def _cosine(above: int, below: int) -> arb:
    return (arb.pi() * above / below).cos()


def _limit_of_log(f: Smooth, sign: int) -> float:
    near, beyond = (f.value(arb(sign * u), 40) for u in (64.0, 250.0))
    if near is None or beyond is None:
        return math.nan
    if abs(as_float(beyond) - as_float(near)) < 0.1:
        return math.nan
    return math.inf if beyond > near else -math.inf


def log_line(end: Far) -> str:
    """The line Σ s_k x^k + b·log|x| + Σ q_j x^(−j), the small terms first."""
    floats = [as_float(c) for c in end.coefficients]
    head, tail = floats[: len(_POWERS)], floats[len(_POWERS) :]
    while len(tail) > 1 and abs(tail[-1]) * float(_NEAR) ** -(len(tail) - 1) < 2.0**-70:
        tail.pop()
    text = repr(tail[-1])
    for q in reversed(tail[:-1]):
        text = f"({q!r} + {text} / x)"
    if end.power:
        text = f"({text} + {float(end.power)!r} * np.log(np.absolute(x)))"
    for k, s in zip(reversed(_POWERS), reversed(head), strict=True):
        if s:
            text = f"({text} + {s!r} * {' * '.join(['x'] * k)})"
    return text


def _exponential(f: Smooth, sign: int, octaves: Sequence[int]) -> Far | None:
    """A decay or growth that leaves the floats at 2^k for one of the octaves k."""
    for k in octaves:
        size = log2_size(f, sign * 2.0**k)
        if size < -1100:
            near = _last_sign(f, sign, 2.0**k)
            return Far("decay", sign, math.copysign(0.0, near))
        if 1100 < size < math.inf:
            return Far("growth", sign, math.copysign(math.inf, _last_sign(f, sign, 2.0**k)))
    return None


def _last_sign(f: Smooth, sign: int, u: float) -> int:
    while u > 1e-3:
        value = f.value(arb(sign * u), 30)
        if value is not None and not value.is_zero():
            return 1 if value > 0 else -1
        u *= 0.9
    return 1


def _polynomial(f: Smooth, sign: int) -> tuple[arb, ...] | None:
    at = arb(sign) * 512
    series = f.series(at, arb(64))
    if series is None:
        return None
    with precision(BITS):
        sizes = [log2_abs(c) + 9 * k for k, c in enumerate(series)]
        top = max(sizes)
        degree = max((k for k, s in enumerate(sizes) if s > top - 100), default=0)
        if degree > 4 or top == -math.inf:
            return None
        exact = shifted([c.mid() for c in series[: degree + 1]], -at)
        scale = max(log2_abs(c) for c in exact)
        return tuple(c.mid() if log2_abs(c) > scale - 80 else arb(0) for c in exact)


def exponent(f: Smooth, sign: int) -> int | None:
    """The integer a with x·f'/f → a."""
    at = arb(sign) * arb(2) ** 200
    jet = f.program.jet(at, 2, prec=1024)
    if not all(c.is_finite() for c in jet) or jet[0].contains(0):
        return None
    with precision(256):
        ratio = at * jet[1] / jet[0]
        near = round(float(ratio.mid())) if abs(float(ratio.mid())) < 60 else None
        if near is None or not bool(abs(ratio - near) < arb(2) ** -100):
            return None
        return near


def in_reciprocals(f: Smooth, end: Far, start: float) -> Laurent | None:
    """x^power·Σ c_k·x^(−k) for |x| ≥ start, interpolated in 1/x; None where 12 terms fail."""
    with precision(BITS):
        half = arb(end.sign) / (2 * arb(start))
        for n in (2, 4, 6, 8, 10, 12):
            nodes = [
                half * (1 + math.cos((2 * j + 1) * math.pi / (2 * n + 2))) for j in range(n + 1)
            ]
            values = []
            for w in nodes:
                value = f.value((1 / w).mid(), 140)
                if value is None:
                    return None
                values.append(value * ((1 / w).mid()) ** -end.power)
            nodes = [1 / (1 / w).mid() for w in nodes]
            poly = arb_poly.interpolate(nodes, values)
            worst = 0.0
            for j in range(2 * n + 5):
                w = half * (1 + math.cos((j + 0.37) * math.pi / (2 * n + 6)))
                u = (1 / w).mid()
                value = f.value(u, 140)
                if value is None:
                    return None
                value = value * u**-end.power
                worst = max(worst, as_float(abs(poly(1 / u) / value - 1)))
            if worst <= EPS:
                last = last_finite(f, end.sign, start) if end.power > 0 else math.inf
                return in_floats(end.power, [poly[k] for k in range(n + 1)], last)
    return None


def _limit(f: Smooth, sign: int) -> float:
    """The limit toward sign·∞ as far as three points far out show it; nan where they disagree."""
    with precision(64):
        places = [sign * 3 * arb(2) ** k for k in (1000, 4000, 16000)]
    values = [f.value(p, 60) for p in places]
    known = [v for v in values if v is not None]
    if len(known) < 3:
        return math.nan
    sizes = [log2_abs(v) for v in known]
    signs = {bool(v > 0) for v in known}
    if max(sizes) < -900 and sizes[2] < sizes[1] < sizes[0]:
        return 0.0
    if len(signs) > 1:
        return math.nan
    if sizes[0] + 0.5 < sizes[1] and sizes[1] + 0.5 < sizes[2]:
        return math.copysign(math.inf, 1 if True in signs else -1)
    with precision(64):
        before, last = known[1:]
        near = bool(abs(last - before) <= abs(last) * arb(2) ** -50)
        return as_float(last) if near else math.nan


def log2_size(f: Smooth, x: float) -> float:
    value = f.value(arb(x), 30)
    if value is not None:
        return log2_abs(value)
    ball = f.program.ball(arb(x), prec=256)
    return log2_abs(ball.abs_upper()) if ball.is_finite() else math.inf


def last_finite(f: Smooth, sign: int, start: float) -> float:
    """The largest u with |f(±u)| below 2^1024: up to there the kernel stays finite."""
    edge = arb(2) ** 1024

    def finite(u: float) -> bool:
        for bits in (90, 1200):
            value = f.value(arb(sign * u), bits)
            with precision(bits):
                if value is None or bool(abs(value) < edge):
                    return True
                if bool(abs(value) > edge * (1 + arb(2) ** -70)):
                    return False
        return False

    low, high = start, math.nextafter(math.inf, 0)
    if finite(high):
        return high
    while True:
        middle = low + (high - low) / 2
        if high / low > 4:
            middle = math.sqrt(low) * math.sqrt(high)
        if not low < middle < high:
            return low
        low, high = (middle, high) if finite(middle) else (low, middle)


def in_floats(power: int, coefficients: Sequence[arb], last: float) -> Laurent:
    with precision(BITS):
        head = as_float(coefficients[0])
        low = as_float(coefficients[0] - arb(head))
    floats = tuple(as_float(c) for c in coefficients)
    while len(floats) > 1 and floats[-1] == 0:
        floats = floats[:-1]
    return Laurent(power, floats, low, last)


def horner(coefficients: Sequence[arb], x: arb) -> arb:
    total = coefficients[-1]
    for c in reversed(coefficients[:-1]):
        total = total * x + c
    return total
