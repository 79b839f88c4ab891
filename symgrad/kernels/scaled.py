"""Numbers m·2^e with an exponent of 64 bits: products that neither underflow nor overflow.

The product of ten thousand factors of 1/4 is 2^-20000: far below the least float, and still a
number with sixteen digits. Nothing is ever divided. The relative error is counted in roundings.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from symgrad.errors import InputError, LimitError

__all__ = ["Scaled"]

_LOG2_HIGH = float.fromhex("0x1.62e42fee00000p-1")
"""The first 32 bits of log 2: times an exponent below 2^21 it is exact."""
_LOG2_LOW = float.fromhex("0x1.a39ef35793c76p-33")
_MOST = 1 << 61


@dataclass(frozen=True, slots=True, eq=False)
class Scaled:
    """|mantissa·2^exponent − true| ≤ γ_n |true|, γ_n = n·u/(1 − n·u), u = 2^-53, n = `roundings`.

    Proved by the standard model of floating-point arithmetic (Higham 2002, Lemma 3.1): a product of
    mantissas in [1/2, 1) is never subnormal, so that every multiplication is one rounding. They
    are in ±[1/2, 1), or ±0, inf, nan with exponent 0.

    >>> deep = Scaled.of(np.full(10_000, 0.25)).prod()
    >>> deep
    0.5·2^-19999
    >>> float(deep.log()), deep.relative_error < 2e-12
    (-13862.9436111989..., True)
    """

    mantissa: NDArray[np.float64]
    exponent: NDArray[np.int64]
    roundings: int = 0

    @classmethod
    def of(cls, x: ArrayLike, roundings: int = 0) -> Scaled:
        """The numbers of a float array, each within γ_roundings of what it stands for.

        A number that is k ulp off, and not subnormal, is 2k roundings off.
        """
        if roundings < 0:
            raise InputError(f"a count of roundings is not negative, got {roundings}")
        array = np.asarray(x)
        if array.dtype.kind == "f" and array.dtype.itemsize > 8:
            raise InputError(f"numbers up to float64 are kept exactly, got {array.dtype}")
        return cls._normal(array.astype(np.float64), np.zeros(array.shape, np.int64), roundings)

    @classmethod
    def _normal(cls, value: Any, exponent: Any, roundings: int) -> Scaled:
        mantissa, shift = np.frexp(value)
        plain = np.isfinite(mantissa) & (mantissa != 0)
        moved = np.where(plain, exponent + shift, 0)
        if moved.size and max(int(moved.max()), -int(moved.min())) > _MOST:
            raise LimitError("the exponent of a scaled number stays below 2^61")
        return cls(np.asarray(mantissa), np.asarray(moved, np.int64), roundings)

    # arithmetic

    def __mul__(self, other: Scaled | ArrayLike) -> Scaled:
        right = other if isinstance(other, Scaled) else Scaled.of(other)
        with np.errstate(invalid="ignore"):
            product = self.mantissa * right.mantissa
        return self._normal(
            product, self.exponent + right.exponent, self.roundings + right.roundings + 1
        )

    __rmul__ = __mul__
    __array_ufunc__ = None

    def __neg__(self) -> Scaled:
        return Scaled(-self.mantissa, self.exponent, self.roundings)

    def __abs__(self) -> Scaled:
        return Scaled(np.abs(self.mantissa), self.exponent, self.roundings)

    def __pow__(self, n: int) -> Scaled:
        """The n-th power, n ≥ 0: n copies and n − 1 products, counted as such."""
        if not isinstance(n, (int, np.integer)) or n < 0:
            raise InputError(f"a scaled number has powers n = 0, 1, 2, ..., got {n!r}")
        result, square, left = Scaled.of(np.ones(self.shape)), self, int(n)
        while left:
            result = result * square if left & 1 else result
            left >>= 1
            square = square * square if left else square
        return Scaled(result.mantissa, result.exponent, max(0, int(n) * (self.roundings + 1) - 1))

    def prod(self, axis: int = -1) -> Scaled:
        """The product along an axis, in pairs: n factors cost n − 1 roundings in any order."""
        if not self.shape:
            raise InputError("a product runs along an axis; this is a single number")
        m = np.moveaxis(self.mantissa, axis, -1)
        e = np.moveaxis(self.exponent, axis, -1)
        count = m.shape[-1]
        if count == 0:
            return Scaled.of(np.ones(m.shape[:-1]))
        level = Scaled(m, e)
        while level.shape[-1] > 1:
            half = level.shape[-1] // 2
            pairs = level[..., : 2 * half : 2] * level[..., 1 : 2 * half : 2]
            level = pairs if level.shape[-1] % 2 == 0 else pairs._beside(level[..., -1:])
        return Scaled(
            level.mantissa[..., 0], level.exponent[..., 0], count * self.roundings + count - 1
        )

    def cumprod(self, axis: int = -1) -> Scaled:
        """The products of the first 1, 2, ..., n numbers along an axis (Hillis and Steele 1986)."""
        if not self.shape:
            raise InputError("a product runs along an axis; this is a single number")
        m = np.moveaxis(self.mantissa, axis, -1)
        e = np.moveaxis(self.exponent, axis, -1)
        count, step = m.shape[-1], 1
        running = Scaled(m, e)
        while step < count:
            later = running[..., step:] * running[..., :-step]
            running = running[..., :step]._beside(later)
            step *= 2
        return Scaled(
            np.moveaxis(running.mantissa, -1, axis), np.moveaxis(running.exponent, -1, axis),
            max(0, count * self.roundings + count - 1),
        )  # fmt: skip

    def _beside(self, other: Scaled) -> Scaled:
        return Scaled(
            np.concatenate([self.mantissa, other.mantissa], -1),
            np.concatenate([self.exponent, other.exponent], -1),
            max(self.roundings, other.roundings),
        )

    # what it is worth

    @property
    def shape(self) -> tuple[int, ...]:
        return self.mantissa.shape

    def __getitem__(self, index: Any) -> Scaled:
        return Scaled(
            np.asarray(self.mantissa[index]), np.asarray(self.exponent[index]), self.roundings
        )

    def __len__(self) -> int:
        return len(self.mantissa)

    @property
    def relative_error(self) -> float:
        """γ_n, rounded up; infinite from 2^53 roundings on."""
        part = self.roundings * 2.0**-53
        if part >= 1:
            return math.inf
        return (
            math.nextafter(math.nextafter(part / (1 - part), math.inf), math.inf) if part else 0.0
        )

    def sign(self) -> NDArray[np.float64]:
        """−1, 0 or 1; nan for nan."""
        return np.sign(self.mantissa)

    def log(self) -> NDArray[np.float64]:
        """log|.|, to two units in the last place beside the error that the number carries.

        That error moves the logarithm by at most −log(1 − `relative_error`). −inf for zero.
        """
        near = np.abs(self.exponent) <= 1000
        size = np.abs(self.mantissa)
        with np.errstate(divide="ignore"):
            direct = np.log(np.ldexp(size, np.where(near, self.exponent, 0).astype(np.intc)))
        e = self.exponent.astype(np.float64)
        far = e * _LOG2_HIGH + (e * _LOG2_LOW + direct)
        return np.where(near, direct, far)

    def log10(self) -> NDArray[np.float64]:
        """The decimal logarithm of the magnitude, for display."""
        return self.log() / math.log(10)

    def to_float(self, dtype: DTypeLike = np.float64) -> NDArray[Any]:
        """The nearest float of the type, ties to even, one rounding also where it is subnormal."""
        kind = np.dtype(dtype)
        if kind.kind != "f" or kind.itemsize > 8:
            raise InputError(f"a scaled number becomes float16, float32 or float64, got {kind}")
        with np.errstate(over="ignore", under="ignore"):
            wide = np.ldexp(self.mantissa, np.clip(self.exponent, -5000, 5000).astype(np.intc))
            return wide.astype(kind)

    def __float__(self) -> float:
        return float(self.to_float())

    def __repr__(self) -> str:
        if self.shape:
            first = ", ".join(map(_show, self.mantissa.ravel()[:3], self.exponent.ravel()[:3]))
            return f"<Scaled {self.shape}: {first}{', ...' if self.mantissa.size > 3 else ''}>"
        return _show(self.mantissa, self.exponent)


def _show(mantissa: Any, exponent: Any) -> str:
    return f"{float(mantissa)!r}·2^{int(exponent)}" if exponent else repr(float(mantissa))
