"""What a function becomes far out, told from its values and Taylor series there.

A decay or growth that leaves the floats; a polynomial; a power times a series in 1/x; or none of
these. The place where each description is good to 2^-57 is found, not assumed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from flint import arb, arb_poly

from symgrad.kernels.fit import EPS
from symgrad.kernels.runtime import Laurent
from symgrad.kernels.smooth import BITS, Smooth, as_float, log2_abs, shifted
from symgrad.rigor import precision

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
    found = _exponential(f, sign, range(2, 14))
    if found is not None:
        return found
    poly = _polynomial(f, sign)
    if poly is not None:
        n = len(poly) - 1
        top = as_float(poly[-1])
        return Far("poly", sign, math.copysign(math.inf, top * sign**n) if n else top, n, poly)
    power = exponent(f, sign)
    head = f.value(arb(sign) * arb(2) ** 200, 80) if power is not None else None
    if power is not None and head is not None:
        lead = 1 if head > 0 else -1
        if power > 0:
            limit = math.copysign(math.inf, lead)
        else:
            limit = math.copysign(0.0, lead) if power < 0 else as_float(head)
        return Far("power", sign, limit, power)
    return _exponential(f, sign, range(14, 41)) or Far("line", sign, _limit(f, sign))


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
