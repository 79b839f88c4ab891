"""Binary floating-point formats, true values too fine or too far for them, rounding and ulp.

A true value is held as (hi + lo)·2^exp, some 100 bits of it in two floats, so that rounding and the
distance of a computed number from the *real* value are NumPy expressions over whole arrays.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from symgrad.errors import InputError

__all__ = [
    "BFLOAT16",
    "FLOAT16",
    "FLOAT32",
    "FLOAT64",
    "Floats",
    "Format",
    "Kind",
    "Values",
    "format_of",
    "round_fraction",
    "rounded",
    "same_length",
    "ulps",
]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_CLIP = 1 << 14
_LARGEST = float(np.finfo(np.float64).max)


class Kind(IntEnum):
    """What is known of one true value."""

    ZERO = 0
    """Exactly zero, proved."""
    FINITE = 1
    """(hi + lo)·2^exp, to the relative accuracy that `Values.bits` states."""
    TINY = 2
    """Smaller in magnitude than 2^exp; hi holds the sign where it is known, else 0."""
    HUGE = 3
    """Larger in magnitude than 2^exp; hi holds the sign."""
    UNDEFINED = 4
    """The function has no real value here."""
    UNDECIDED = 5
    """The stated working precision did not suffice."""


@dataclass(frozen=True, slots=True)
class Format:
    """Binary floats m·2^e with |m| of `precision` bits; 2^emin is the least normal number.

    >>> FLOAT64.least, FLOAT64.largest == 2.0**1023 * (2 - 2.0**-52)
    (5e-324, True)
    """

    name: str
    precision: int
    emin: int
    emax: int
    dtype: str
    """The NumPy type that carries it (float32 for bfloat16)."""

    @property
    def bottom(self) -> int:
        """The exponent of the least positive number."""
        return self.emin - self.precision + 1

    @property
    def least(self) -> float:
        return float(np.ldexp(1.0, self.bottom))

    @property
    def largest(self) -> float:
        return float(np.ldexp(2.0 - 2.0 ** (1 - self.precision), self.emax))

    @property
    def width(self) -> int:
        """The number of bits of one number."""
        return 16 if self.name == "bfloat16" else 8 * np.dtype(self.dtype).itemsize

    @property
    def floor(self) -> int:
        """So far below the least number that a value less than 2^floor is as good as nothing."""
        return self.bottom - 14

    def spacing(self, exponent: Ints) -> Ints:
        """The exponent of the spacing of floats in [2^exponent, 2^(exponent + 1))."""
        return np.clip(exponent, self.emin, self.emax) - (self.precision - 1)

    def ordinal(self, x: Any) -> Ints:
        """The place of each number in the order of all of them; both zeros are 0."""
        bits = np.asarray(x, self.dtype).view(f"i{np.dtype(self.dtype).itemsize}").astype(np.int64)
        if self.name == "bfloat16":
            bits >>= 16
        low = (1 << (self.width - 1)) - 1
        return np.where(bits < 0, -(bits & low), bits)

    def at(self, ordinal: Any) -> NDArray[Any]:
        """The numbers at these places, in the carrying NumPy type; the inverse of `ordinal`."""
        place = np.asarray(ordinal, np.int64)
        bits = np.abs(place)
        if self.name == "bfloat16":
            bits <<= 16
        unsigned = np.dtype(f"u{np.dtype(self.dtype).itemsize}")
        x = bits.astype(unsigned).view(self.dtype)
        return np.where(place < 0, -x, x)

    def cast(self, x: Any) -> NDArray[Any]:
        """x rounded to this format (to nearest, ties to even), in the carrying NumPy type."""
        with np.errstate(over="ignore"):
            y = np.asarray(x).astype(self.dtype)
        if self.name != "bfloat16":
            return y
        # typed, since NumPy 1 makes a float of uint64 + int
        one, half, high = map(np.uint64, (1, 0x7FFF, 0xFFFF0000))
        bits = y.view(np.uint32).astype(np.uint64)
        even = (bits + half + ((bits >> np.uint64(16)) & one)) & high
        return np.where(np.isfinite(y), even.astype(np.uint32).view(np.float32), y)


FLOAT16 = Format("float16", 11, -14, 15, "float16")
BFLOAT16 = Format("bfloat16", 8, -126, 127, "float32")
FLOAT32 = Format("float32", 24, -126, 127, "float32")
FLOAT64 = Format("float64", 53, -1022, 1023, "float64")
_FORMATS = {f.name: f for f in (FLOAT16, BFLOAT16, FLOAT32, FLOAT64)}


def format_of(dtype: DTypeLike | Format | None) -> Format:
    """The format of a NumPy type or a name; float64 for None. Raises `InputError` for others."""
    if isinstance(dtype, Format):
        return dtype
    name = dtype if isinstance(dtype, str) else np.dtype(dtype or np.float64).name
    if name not in _FORMATS:
        raise InputError(f"values are known for {', '.join(_FORMATS)}; got {name!r}")
    return _FORMATS[name]


@dataclass(frozen=True, slots=True, eq=False)
class Values:
    """True values: |f − (hi + lo)·2^exp| ≤ 2^−bits·|f| where `kind` is FINITE."""

    kind: NDArray[np.int8]
    hi: Floats
    lo: Floats
    exp: Ints
    bits: int

    @classmethod
    def empty(cls, n: int, bits: int) -> Values:
        """n undecided values, to be filled in."""
        kind = np.full(n, Kind.UNDECIDED, np.int8)
        return cls(kind, np.zeros(n), np.zeros(n), np.zeros(n, np.int64), bits)

    def __len__(self) -> int:
        return len(self.kind)

    def __getitem__(self, index: Any) -> Values:
        return Values(self.kind[index], self.hi[index], self.lo[index], self.exp[index], self.bits)

    def put(self, index: Any, other: Values) -> None:
        """Fill these places with the values of `other`."""
        self.kind[index], self.exp[index] = other.kind, other.exp
        self.hi[index], self.lo[index] = other.hi, other.lo

    def put_exact(self, place: int, mantissa: int, exponent: int) -> None:
        """Fill one place with mantissa·2^exponent, to the bits that two floats hold."""
        if mantissa == 0:
            self.kind[place] = Kind.ZERO
            return
        size = mantissa.bit_length()
        exp = exponent + size
        if abs(exp) >= 1 << 40:
            self.kind[place] = Kind.HUGE if exp > 0 else Kind.TINY
            self.hi[place] = 1.0 if mantissa > 0 else -1.0
            self.exp[place] = (1 << 40) - 1 if exp > 0 else 1 - (1 << 40)
            return
        if size > 128:
            mantissa >>= size - 128
            size = 128
        high = mantissa >> (size - 53) if size > 53 else mantissa << (53 - size)
        rest = mantissa - (high << (size - 53)) if size > 53 else 0
        self.kind[place] = Kind.FINITE
        self.hi[place] = np.ldexp(float(high), -53)
        self.lo[place] = np.ldexp(float(rest), -size)
        self.exp[place] = exp

    def sign(self) -> NDArray[np.int8]:
        """The sign of each value, 0 where it is zero or not known."""
        return np.where(self.kind <= Kind.HUGE, np.sign(self.hi), 0).astype(np.int8)

    def known(self) -> NDArray[np.bool_]:
        """Where the value is known well enough to judge a float by."""
        return self.kind <= Kind.HUGE

    def exponent(self) -> Ints:
        """e with 2^e ≤ |f| < 2^(e+1), for finite values."""
        below = (np.abs(self.hi) == 0.5) & (self.lo * self.hi < 0)
        return self.exp - 1 - below

    def fraction(self, place: int) -> Fraction:
        """The held part of one finite or zero value."""
        if self.kind[place] == Kind.ZERO:
            return Fraction(0)
        if self.kind[place] != Kind.FINITE:
            raise InputError(f"value {place} is {Kind(self.kind[place]).name}, not a number")
        scale = Fraction(2) ** int(self.exp[place])
        return (Fraction(float(self.hi[place])) + Fraction(float(self.lo[place]))) * scale

    def show(self, place: int, digits: int = 17) -> str:
        """One value in decimal, whatever its size."""
        kind, exp = Kind(self.kind[place]), int(self.exp[place])
        if kind in (Kind.TINY, Kind.HUGE):
            sign = "-" if self.hi[place] < 0 else ""
            return f"{sign}0 (below 2^{exp})" if kind is Kind.TINY else f"{sign}oo (beyond 2^{exp})"
        if kind not in (Kind.ZERO, Kind.FINITE):
            return kind.name.lower()
        from mpmath.libmp import from_rational, to_str

        if not -5000 < exp < 5000:
            return f"{float(self.hi[place])!r}·2^{exp}"
        value = self.fraction(place)
        return str(to_str(from_rational(value.numerator, value.denominator, 120), digits))


def same_length(args: Sequence[Any], points: Sequence[Floats]) -> tuple[list[Floats], int]:
    """The points as contiguous float64 arrays, and how many there are."""
    columns = [np.ascontiguousarray(p, np.float64) for p in points]
    if len(columns) != len(args) or len({len(c) for c in columns}) > 1:
        raise InputError(f"{len(args)} arguments need as many arrays of one length")
    return columns, len(columns[0]) if columns else 1


def _units(values: Values, fmt: Format) -> tuple[NDArray[np.intc], Floats, Floats]:
    """The exponent q of the spacing at each finite value, and hi, lo in units of 2^q."""
    q = fmt.spacing(values.exponent()).astype(np.intc)
    shift = np.clip(values.exp - q, -_CLIP, _CLIP).astype(np.intc)
    with np.errstate(over="ignore", under="ignore"):
        return q, np.ldexp(values.hi, shift), np.ldexp(values.lo, shift)


def rounded(values: Values, fmt: Format) -> tuple[Floats, NDArray[np.bool_]]:
    """The values rounded to nearest, ties to even; and where the known bits do not decide it.

    The second array marks values within 2^-36 of a unit of the midpoint between two floats. Unknown
    values become nan; tiny and huge ones the zero or infinity of their sign.
    """
    q, hi, lo = _units(values, fmt)
    with np.errstate(over="ignore", invalid="ignore"):
        n = np.rint(hi)
        rest = (hi - n) + lo
        doubt = np.abs(np.abs(rest) - 0.5) <= 2.0**-36
        up, down = rest > 0.5, rest < -0.5
        even = np.fmod(n, 2.0) == 0
        up, down = up | (doubt & (rest > 0)), down | (doubt & (rest < 0))
        n = n + np.where(doubt & even, 0.0, up * 1.0 - down * 1.0)
        near = np.copysign(np.ldexp(n, q), values.hi)
        near = np.where(np.abs(near) > fmt.largest, np.copysign(np.inf, near), near)
    finite = values.kind == Kind.FINITE
    result = np.where(finite, near, np.nan)
    result[values.kind == Kind.ZERO] = 0.0
    tiny, huge = values.kind == Kind.TINY, values.kind == Kind.HUGE
    result[tiny] = np.copysign(0.0, values.hi[tiny])
    result[huge] = np.copysign(np.inf, values.hi[huge])
    return result, doubt & finite


def ulps(got: Any, values: Values, fmt: Format) -> Floats:
    """|got − f| in units of the spacing of floats at the real value f, subnormals honest.

    A correctly rounded result is at most 0.5 away. An infinity counts as 2^(emax+1), the float that
    would follow the largest; a nan is infinitely far; nan comes back where f itself is not known.
    """
    computed = np.asarray(got, np.float64)
    q, hi, lo = _units(values, fmt)
    finite = values.kind == Kind.FINITE
    beyond = (values.kind == Kind.HUGE) | (finite & (values.exponent() > fmt.emax))
    known = values.known()
    small = known & ~finite & ~beyond
    q = np.where(beyond, fmt.emax - fmt.precision + 1, np.where(small, fmt.bottom, q)).astype(
        np.intc
    )
    hi = np.where(beyond, np.copysign(2.0**fmt.precision, values.hi), np.where(small, 0.0, hi))
    lo = np.where(beyond | small, 0.0, lo)
    with np.errstate(over="ignore", invalid="ignore", under="ignore"):
        end = np.ldexp(1.0, fmt.emax + 1 - q)
        scaled = np.where(np.isinf(computed), np.copysign(end, computed), np.ldexp(computed, -q))
        error = np.abs((scaled - hi) - lo)
    error = np.where(np.isnan(computed), np.inf, np.minimum(error, _LARGEST))
    return np.where(known, error, np.nan)


def round_fraction(value: Fraction, fmt: Format) -> float:
    """An exact rational rounded to nearest, ties to even, through integers alone.

    >>> round_fraction(Fraction(1, 3), FLOAT64) == 1 / 3
    True
    """
    if value == 0:
        return 0.0
    size = abs(value)
    e = size.numerator.bit_length() - size.denominator.bit_length()
    e -= size < Fraction(2) ** e
    q = max(e, fmt.emin) - fmt.precision + 1
    n = round(size / Fraction(2) ** q)
    if n == 0:
        return -0.0 if value < 0 else 0.0
    if n.bit_length() + q - 1 > fmt.emax:
        return float("-inf") if value < 0 else float("inf")
    return float(np.ldexp(float(n), q)) * (1 if value > 0 else -1)
