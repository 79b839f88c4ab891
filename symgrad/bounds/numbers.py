"""Exact constants that have no short closed form: shown by digits, known to any precision."""

from __future__ import annotations

from typing import Any

import sympy
from flint import arb
from sympy import Expr, S

from symgrad.bounds.closed import factors, neat
from symgrad.bounds.ends import end_of
from symgrad.errors import LimitError, UndecidedError
from symgrad.pieces import order
from symgrad.rigor import Enclosure, constant, precision, program
from symgrad.rigor.constants import Digits

__all__ = ["Real", "Valued", "compare", "digits", "is_closed", "value_at"]

_MAX_BITS = 2048


class Real(Digits):
    """The exact constant that an expression is, printed by its first digits.

    >>> c = Real(sympy.exp(sympy.pi) - sympy.pi)
    >>> c, c.n(25)
    (19.9990999792…, 19.99909997918947576726644)
    """

    __slots__ = ()

    def _arb_(self, bits: int) -> arb:
        return digits(self.parts[0], bits)


def digits(c: Expr, bits: int) -> arb:
    """A ball for an exact constant with at least `bits` relative bits, or an exact zero."""
    code = program(c)
    work = bits + 32
    while work <= 8 * bits + (1 << 14):
        ball = code.ball(prec=work)
        if ball.is_zero() or (ball.is_finite() and ball.rel_accuracy_bits() >= bits):
            return ball
        work *= 2
    raise LimitError(f"{c} is not enclosed to {bits} relative bits; it may be zero")


def enclosure(c: Expr, wanted: int = 30) -> Enclosure:
    """The constant between two rationals that agree to `wanted` significant digits."""
    bits = int(wanted * 3.33) + 8
    if c.is_Rational:
        return Enclosure(c, c)  # type: ignore[arg-type]
    with precision(bits + 16):
        return Enclosure.of_ball(+digits(c, bits))


class Valued:
    """A record whose `value` is an exact constant."""

    __slots__ = ()
    value: Any

    @property
    def closed(self) -> bool:
        """Whether the value is a closed form, not digits alone."""
        return self.value is not None and is_closed(self.value)

    def enclosure(self, digits: int = 30) -> Enclosure:
        """The value between two rationals that agree to `digits` significant digits."""
        return enclosure(self.value, digits)


def is_closed(c: Expr) -> bool:
    """Whether the constant is written without isolated zeros."""
    return not c.has(Digits)


def value_at(f: Expr, x: sympy.Symbol, at: Expr) -> Expr:
    """f(at) in a closed form where `at` has one, else the exact constant shown by its digits.

    At a removable singularity it is the limit.
    """
    if not is_closed(at):
        return Real(f.subs(x, at))
    plain = f.subs(x, at)
    if plain.is_Rational:
        return plain
    if plain.has(S.NaN, S.ComplexInfinity):
        return end_of(f, x, at, -1).limit
    short = neat(plain)
    if not at.is_Rational:
        product = sympy.Mul(*(neat(p.subs(x, at)) ** n for p, n in factors(f, x)))
        short = min(short, neat(_without_exp_of_w(product)), key=sympy.count_ops)
    if short.count_ops() > 30:
        return Real(f.subs(x, at))
    if not constant(short, 128).overlaps(constant(f.subs(x, at), 128)):
        raise AssertionError(f"{short} is not {f} at {at}: an exact rewrite changed the value")
    return short


def _without_exp_of_w(c: Any) -> Any:
    """exp(r + k·W(z)) as exp(r)·(z/W(z))^k, by W·exp(W) = z."""
    table: dict[Expr, Expr] = {}
    atoms: Any = c.atoms(sympy.exp)
    for e in atoms:
        for w in e.exp.atoms(sympy.LambertW):
            k = e.exp.coeff(w)
            rest = sympy.expand(e.exp - k * w)
            if k.is_Rational and not rest.has(sympy.LambertW):
                table[e] = sympy.exp(rest) * (w.args[0] / w) ** k
    if not table:
        return c
    names = {w: sympy.Dummy() for w in c.atoms(sympy.LambertW)}
    flat = sympy.powsimp(c.xreplace(table)).xreplace(names)
    return sympy.factor(sympy.powsimp(sympy.cancel(flat))).xreplace(
        {d: w for w, d in names.items()}
    )


def compare(a: Expr, b: Expr) -> int:
    """-1, 0, 1 as a < b, a = b, a > b; raises `UndecidedError` where no proof is found."""
    if a == b:
        return 0
    if a.is_infinite or b.is_infinite:
        return order(a, b)
    for bits in (64, 256, _MAX_BITS):
        first, second = constant(a, bits), constant(b, bits)
        if bool(first < second):
            return -1
        if bool(first > second):
            return 1
    if is_closed(a) and is_closed(b):
        return order(a, b)
    raise UndecidedError(f"{a} and {b} agree to {_MAX_BITS} bits; equal or not is not decided")
