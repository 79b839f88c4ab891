"""Values of an elementary expression at one point to a wanted relative accuracy, by Arb."""

from __future__ import annotations

from flint import arb
from mpmath.libmp import from_man_exp
from sympy import Expr, Float, Symbol

from symgrad.errors import DomainError, LimitError
from symgrad.rigor import constant, precision, program
from symgrad.rigor.sharp import sharpened

__all__ = ["digits_of", "enclosure"]

_MAX_BITS = 1 << 20


def enclosure(
    expr: Expr, x: Symbol, at: Expr | arb, bits: int = 53, max_bits: int = _MAX_BITS
) -> arb:
    """A ball for f(at) with at least `bits` relative bits, or an exact zero.

    Raises `DomainError` where f is not defined at the point, `LimitError` where `max_bits` of
    working precision do not give the wanted bits (an exact zero that no ball can prove, for one).
    """
    f = program(expr, x)
    work = bits + 32
    while work <= max_bits:
        point = at if isinstance(at, arb) else constant(at, work)
        value = f.ball(point, prec=work)
        if value.is_nan() and work > 16 * (bits + 32):
            raise DomainError(f"{expr} is not defined at {x} = {at}")
        if value.is_zero() or (value.is_finite() and value.rel_accuracy_bits() >= bits):
            return value
        work *= 2
    raise LimitError(
        f"{expr} at {x} = {at}: {bits} bits are not reached with {max_bits} bits of work"
    )


def digits_of(expr: Expr, x: Symbol, at: Expr, prec: int) -> Float | Expr:
    """f(at) as a SymPy Float that is right to `prec` bits."""
    value = enclosure(sharpened(expr), x, at, prec + 8, max_bits=max(1 << 16, 8 * prec))
    with precision(prec + 8):
        mantissa, exponent = value.mid().man_exp()
    # never through an integer: the exponent alone may have a billion bits' worth of value
    return Float._new(from_man_exp(int(mantissa), int(exponent), prec, "n"), prec)
