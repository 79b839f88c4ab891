"""Every float of a stretch at once: f proved to a stated part of an ulp by a few balls per stretch.

On a stretch of adjacent floats f is a Taylor polynomial about its centre, with a remainder bounded
by a ball over the whole stretch (Makino and Berz 2003, the idea of a Taylor model), or a constant
where f hardly moves. The polynomial is evaluated by Horner's scheme, whose rounding is bounded by
the standard model (Higham 2002, section 5.1: 2n + 1 roundings). Floats where that bound is not good
enough, next to a zero or a kink, get a ball of their own. So every value is proved, given IEEE 754
arithmetic, at the price of a few float64 operations per point.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from flint import arb
from sympy import Expr, Symbol

from symgrad.oracle.formats import Floats, Format, Kind
from symgrad.rigor import precision, program
from symgrad.rigor.sharp import led, sharpened

__all__ = ["PROVED_ULP", "Piece", "errors_on", "pieces"]

PROVED_ULP = 2.0**-11
"""Every value is known to this part of an ulp."""

_ORDER = 14
_SMALLEST = 1 << 10
_MOST = 1500
_BITS = (192, 640)
_ROUND = 2.0**-53
_FAR = 4000


@dataclass(frozen=True)
class Piece:
    """f at ordinals low ≤ n < high: |f(x) − 2^exp·p((x − centre)/2^step)| ≤ 2^exp·error.

    `coefficients` go from the constant up; with none of them every float is left to its own ball.
    `kind` is TINY, HUGE or ZERO where one word says all.
    """

    low: int
    high: int
    kind: Kind
    coefficients: tuple[float, ...] = ()
    centre: float = 0.0
    step: int = 0
    exp: int = 0
    error: float = 0.0
    sign: float = 1.0


def pieces(expr: Expr, x: Symbol, fmt: Format, low: int, high: int) -> Iterator[Piece]:
    """The stretch low ≤ ordinal < high, all of one sign and one binade, cut into pieces.

    Where more than 1,500 would be needed, as for a sine at 10^9, the rest is left to balls, float
    by float.
    """
    expr = sharpened(led(expr, x, float(fmt.at((low + high) // 2))))
    stack, count = [(low, high)], 0
    while stack:
        count += 1
        a, b = stack.pop()
        piece = _piece(expr, x, fmt, a, b) if count <= 2 * _MOST else Piece(a, b, Kind.UNDECIDED)
        if piece is not None:
            yield piece
        elif b - a <= _SMALLEST:
            yield Piece(a, b, Kind.UNDECIDED)
        else:
            middle = (a + b) // 2
            stack += [(middle, b), (a, middle)]


def _piece(expr: Expr, x: Symbol, fmt: Format, low: int, high: int) -> Piece | None:
    ends = sorted(float(fmt.at(n)) for n in (low, high - 1))
    for bits in _BITS:
        with precision(bits):
            bottom, top = program(expr, x).ends(arb(ends[0]), arb(ends[1]), bits)
            flat = _flat(bottom, top, fmt, low, high)
        found = flat or _taylor(expr, x, fmt, low, high, ends, bits)
        if found is not None:
            return found
    return None


def _flat(bottom: arb, top: arb, fmt: Format, low: int, high: int) -> Piece | None:
    """The piece where the range of f alone is enough."""
    if not (bottom.is_finite() and top.is_finite()):
        return None
    if bottom.is_zero() and top.is_zero():
        return Piece(low, high, Kind.ZERO)
    sign = 1.0 if bottom > 0 else -1.0 if top < 0 else 0.0
    size = abs(bottom).max(abs(top))
    if size < arb(2) ** fmt.floor:
        return Piece(low, high, Kind.TINY, exp=fmt.floor, sign=sign)
    least = abs(bottom).min(abs(top))
    if sign and least > arb(2) ** (fmt.emax + 2):
        return Piece(low, high, Kind.HUGE, exp=fmt.emax + 2, sign=sign)
    if not sign or not top - bottom < least * arb(2) ** -(fmt.precision + 14):
        return None
    exp = _exponent(least)
    middle = float((bottom + top) * arb(2) ** -(exp + 1))
    error = _up((top - bottom) * arb(2) ** -exp) + 2 * _ROUND
    return Piece(low, high, Kind.FINITE, (middle,), exp=exp, error=error)


def _taylor(
    expr: Expr, x: Symbol, fmt: Format, low: int, high: int, ends: list[float], bits: int
) -> Piece | None:
    # The centre is a number of the format, so that x - centre and its scaling are exact in float64.
    centre = float(fmt.at((low + high) // 2))
    reach = max(centre - ends[0], ends[1] - centre, fmt.least)
    step = int(np.frexp(reach)[1])
    f = program(expr, x)
    with precision(bits):
        whole = arb(ends[0]).union(arb(ends[1]))
        local = f.jet(arb(centre), _ORDER, prec=bits)
        last = f.jet(whole, _ORDER + 1, prec=bits)[_ORDER]
        if not last.is_finite() or not all(c.is_finite() for c in local):
            return None
        scaled = [c * arb(2) ** (step * k) for k, c in enumerate(local)]
        exp = max((_exponent(abs(c).upper()) for c in scaled if not c.is_zero()), default=None)
        if exp is None or abs(exp) > _FAR:
            return None
        unit = arb(2) ** -exp
        coefficients = [float((c * unit).mid()) for c in scaled]
        spread = sum(
            (_up(abs(c * unit - arb(m))) for c, m in zip(scaled, coefficients, strict=True)), 0.0
        )
        remainder = _up(abs(last) * arb(2) ** (step * _ORDER) * unit)
    while len(coefficients) > 1 and abs(coefficients[-1]) < 2.0**-58:
        spread += abs(coefficients.pop())
    roundings = (2 * len(coefficients) + 2) * _ROUND * 1.01
    error = (spread + remainder + roundings * sum(map(abs, coefficients)) + 2.0**-900) * (
        1 + 2.0**-40
    )
    piece = Piece(low, high, Kind.FINITE, tuple(coefficients), centre, step, exp, error)
    return piece if high - low <= _SMALLEST or _good(piece, fmt, ends) else None


def _good(piece: Piece, fmt: Format, ends: list[float]) -> bool:
    """Whether the error is small against the spacing at two of the ends and the middle."""
    values = _horner(piece, np.array([*ends, piece.centre]))
    return int(_settled(piece, values, fmt).sum()) >= 2


def _exponent(size: arb) -> int:
    mantissa, exponent = size.mid().man_exp()
    return int(exponent) + int(mantissa).bit_length()


def _up(size: arb) -> float:
    """A float at least the upper end of a ball."""
    return float(np.nextafter(float(size.upper()), np.inf)) * (1 + 2.0**-52)


def _horner(piece: Piece, x: Floats) -> Floats:
    t = np.ldexp(x - piece.centre, -piece.step)
    total = np.full_like(t, piece.coefficients[-1])
    for c in reversed(piece.coefficients[:-1]):
        total *= t
        total += c
    return total


def _settled(piece: Piece, p: Floats, fmt: Format) -> Any:
    """Where 2^exp·error is at most PROVED_ULP times the spacing at every value it allows."""
    least = np.maximum(np.abs(p) - piece.error, 0.0)
    exponent = np.frexp(least)[1].astype(np.int64) - 1 + piece.exp
    spacing = np.where(least > 0, fmt.spacing(exponent), fmt.bottom) - piece.exp
    with np.errstate(over="ignore"):
        units = np.ldexp(piece.error / PROVED_ULP, -np.clip(spacing, -900, 900).astype(np.intc))
    return units <= 1.0


def errors_on(piece: Piece, x: Floats, got: Floats, fmt: Format) -> tuple[Floats, Floats, Any]:
    """|got − f| in ulp and |f| itself, at floats of the piece; and where they are not proved.

    The first is within `PROVED_ULP` of the truth where the mask is false; else a ball must decide.
    """
    if piece.kind in (Kind.TINY, Kind.ZERO):
        return np.abs(got) / fmt.least, np.zeros_like(got), np.isnan(got)
    if not piece.coefficients or abs(piece.exp) > 800:
        return np.zeros_like(got), np.zeros_like(got), np.ones(len(got), np.bool_)
    p = _horner(piece, x)
    scale = 2.0**piece.exp
    with np.errstate(over="ignore", invalid="ignore"):
        gap = np.abs(got * (1 / scale) - p)
        size = np.abs(p, out=p)
        below = _binade(np.maximum(size - piece.error, 0.0))
        # Where the binade of f is not sure, only a result that is next to f is judged here.
        unsure = (size + piece.error >= 2 * below) & (gap > 4 * piece.error)
        unsure &= below > 2.0 ** (fmt.emin - 2) / scale
        below *= 2.0 ** (1 - fmt.precision)
        unit = np.maximum(below, fmt.least / scale, out=below)
        unsure |= unit < piece.error / PROVED_ULP
        size *= scale
        unsure |= size > fmt.largest * (1 - 2.0**-20)
        gap /= unit
    if not np.isfinite(gap).all():
        unsure |= ~np.isfinite(gap)
    return gap, size, unsure


def _binade(size: Floats) -> Floats:
    """The power of two at or below each number, 0 for subnormals."""
    return (size.view(np.int64) & (0x7FF << 52)).view(np.float64)
