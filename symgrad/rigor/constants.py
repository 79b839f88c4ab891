"""Exact constants: their balls, and their proved signs."""

from __future__ import annotations

from functools import lru_cache, partial
from typing import Any

import sympy
from flint import arb
from sympy import Expr, S

from symgrad.errors import DomainError, LimitError, UndecidedError
from symgrad.rigor.balls import precision, sign_of
from symgrad.rigor.program import program

__all__ = ["Digits", "constant", "exact", "rational_upper", "sign"]

_MAX_BITS = 8192
_MAX_EXPONENT = 1 << 22
_FACTORED = 1 << 64
"""Integers inside logarithms are factored below this size; beyond it that may take for ever."""


def constant(c: Expr, prec: int = 64) -> arb:
    """An enclosure of an exact constant with about `prec` relative bits where it is not zero."""
    return program(c).ball(prec=prec)


@lru_cache(maxsize=4096)
def sign(c: Expr) -> int:
    """The sign -1, 0 or 1 of an exact real constant, proved.

    A ball that excludes zero proves a sign; zero itself is proved by exact algebra only.

    Raises `UndecidedError` where neither succeeds.

    >>> from sympy import E, pi, sqrt
    >>> sign(E**pi - pi**E), sign(sqrt(6) - sqrt(2) * sqrt(3))
    (1, 0)
    """
    if c.is_Rational:
        return int(sympy.sign(c))
    if c.free_symbols:
        names = ", ".join(sorted(map(str, c.free_symbols)))
        raise UndecidedError(f"the sign of {c} depends on {names}; give a number for it")
    bits = 64
    while bits <= _MAX_BITS:
        ball = program(c).ball(prec=bits)
        if ball.is_nan() and bits > 512:
            raise DomainError(f"{c} is not a real constant")
        found = sign_of(ball)
        if found is not None:
            return found
        if bits == 256 and _is_zero(c):
            return 0
        bits *= 4
    raise UndecidedError(f"the sign of {c} is not decided at {_MAX_BITS} bits nor by exact algebra")


def _is_zero(c: Expr) -> bool:
    forms = [sympy.expand, sympy.radsimp, sympy.powsimp, sympy.cancel]
    inside = [n for e in c.atoms(sympy.log) for n in e.atoms(sympy.Rational)]
    if all(max(abs(n.p), n.q) < _FACTORED for n in inside):
        forms.append(partial(sympy.expand_log, factor=True))
    if any(form(c) == 0 for form in forms):
        return True
    if c.is_algebraic:
        return sympy.minimal_polynomial(c, sympy.Symbol("t")) == sympy.Symbol("t")
    return False


class Digits(sympy.AtomicExpr):
    """An exact real constant that a subclass encloses by `_arb_(bits)`, shown by its first digits.

    It is made of its `parts`, which take no part in substitutions.
    """

    __slots__ = ("parts",)
    is_real = True
    is_number = True
    is_commutative = True
    parts: tuple[Any, ...]

    def __new__(cls, *parts: Any) -> Any:
        self = super().__new__(cls)
        self.parts = parts
        return self

    def _arb_(self, bits: int) -> arb:
        raise NotImplementedError

    def _hashable_content(self) -> tuple[Any, ...]:
        return self.parts

    def __getnewargs__(self) -> tuple[Any, ...]:
        return self.parts

    def __getstate__(self) -> None:
        return None

    @property
    def free_symbols(self) -> set[Any]:
        return set()

    def _eval_evalf(self, prec: int) -> Expr:
        return sympy.Float(exact(self._arb_(prec + 8).mid()), precision=prec)

    def _eval_is_positive(self) -> bool | None:
        side = sign_of(self._arb_(64))
        return side > 0 if side else None

    def _eval_is_negative(self) -> bool | None:
        side = sign_of(self._arb_(64))
        return side < 0 if side else None

    def sort_key(self, order: str | None = None) -> Any:
        return self.class_key(), (1, (sympy.srepr(self.parts),)), S.One.sort_key(), S.One

    def _sympystr(self, printer: Any) -> str:
        return self._arb_(64).str(12, radius=False) + "…"

    def _latex(self, printer: Any) -> str:
        return self._arb_(64).str(12, radius=False) + r"\ldots"


def exact(b: arb) -> Any:
    """The rational number that an exact ball (radius zero) holds."""
    mantissa, exponent = b.mid().man_exp()
    if abs(int(exponent)) > _MAX_EXPONENT:
        raise LimitError(
            f"a number of size 2^{int(exponent)} has no rational of fewer than {_MAX_EXPONENT} "
            "bits; ask for its logarithm"
        )
    return sympy.Rational(int(mantissa)) * sympy.Integer(2) ** int(exponent)


def rational_upper(b: arb, bits: int = 24) -> Any:
    """A short rational at least the upper end of `b`."""
    with precision(bits):
        return exact((+b.upper()).upper())
