"""A real number of which two rational ends are known: what a proof by balls hands to the reader."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sympy
from flint import arb, fmpq
from sympy import Float, Rational

from symgrad.errors import InputError
from symgrad.rigor.balls import precision
from symgrad.rigor.constants import exact

__all__ = ["Enclosure"]


@dataclass(frozen=True, slots=True)
class Enclosure:
    """The number c with lo ≤ c ≤ hi, both ends exact.

    >>> from flint import arb
    >>> Enclosure.of_ball(arb(2).sqrt())
    1.4142135623730949 ± 3e-16
    """

    lo: Rational
    hi: Rational

    def __post_init__(self) -> None:
        if not self.lo <= self.hi:
            raise InputError(f"an enclosure needs lo <= hi, got [{self.lo}, {self.hi}]")

    @classmethod
    def of_ball(cls, b: arb) -> Enclosure:
        """The enclosure with exactly the ends of a finite ball."""
        mid: Any = exact(b.mid())
        rad: Any = exact(b.rad())
        return cls(mid - rad, mid + rad)

    @property
    def mid(self) -> Any:
        return (self.lo + self.hi) / 2

    @property
    def rad(self) -> Any:
        return (self.hi - self.lo) / 2

    @property
    def digits(self) -> int:
        """Significant decimal digits that are known."""
        if self.lo == self.hi:
            return 50
        if self.lo <= 0 <= self.hi:
            return 0
        return max(0, _power(abs(self.mid) / self.rad))

    def ball(self, prec: int = 64) -> arb:
        """The enclosure as a ball, rounded outward at `prec` bits."""
        with precision(prec):
            lo, hi = (arb(fmpq(int(q.p), int(q.q))) for q in (self.lo, self.hi))
            return lo.union(hi)

    def decimal(self) -> sympy.Set:
        """An interval with decimal ends that contains the enclosure and is little wider."""
        if self.lo == self.hi:
            return sympy.Interval(self.lo, self.hi)
        places = 2 - _power(self.rad)
        scale = Rational(10) ** places
        digits = max(1, places + _power(abs(self.mid) + self.rad) + 2)
        lo, hi = sympy.floor(self.lo * scale) - 1, sympy.ceiling(self.hi * scale) + 1
        return sympy.Interval(Float(lo / scale, digits), Float(hi / scale, digits))

    def __contains__(self, number: sympy.Expr) -> bool:
        return bool(self.lo <= number) and bool(number <= self.hi)

    def __float__(self) -> float:
        return float(self.mid)

    def __str__(self) -> str:
        if self.lo == self.hi:
            return str(self.mid)
        shown = str(Float(self.mid, min(50, self.digits + 2)))
        return f"{shown} ± {_round_up(self.rad + abs(Rational(shown) - self.mid))}"

    def __repr__(self) -> str:
        return str(self)


def _round_up(q: Rational) -> str:
    """One significant digit, at least q."""
    power = _power(q)
    lead = int(sympy.ceiling(q / Rational(10) ** power))
    return f"1e{power + 1}" if lead == 10 else f"{lead}e{power}"


def _power(q: Any) -> int:
    """The n with 10^n ≤ q < 10^(n+1)."""
    n = (int(q.p).bit_length() - int(q.q).bit_length()) * 3 // 10
    while q < Rational(10) ** n:
        n -= 1
    while q >= Rational(10) ** (n + 1):
        n += 1
    return n
