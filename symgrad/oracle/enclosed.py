"""True values by Arb, for many points at once: the ball of each point is narrowed until it decides.

A first pass at 128 bits settles most points; those whose ball is still too wide, because the
expression cancels there, go on at more bits. The expression is run as it is written, and again in
words that do not cancel where no number of bits is enough: a kernel's own form plays no part.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from operator import sub
from typing import Any

import numpy as np
import sympy
from flint import arb
from sympy import Expr, Symbol

from symgrad.oracle.formats import (
    FLOAT64,
    Floats,
    Format,
    Kind,
    Values,
    round_fraction,
    rounded,
    same_length,
)
from symgrad.rigor import precision, program
from symgrad.rigor.algebra import BALLS
from symgrad.rigor.ops import FUNCTIONS
from symgrad.rigor.program import Program
from symgrad.rigor.sharp import sharpened

__all__ = ["WANTED_BITS", "arb_values", "ball_values", "exact_value", "nearest"]

WANTED_BITS = 92
"""Relative bits of a settled value: 2^-39 of a float64 ulp."""

_LADDER = (128, 320, 1280, 4096, 16384)
_CHUNK = 4096


def arb_values(
    expr: Expr,
    args: Sequence[Symbol],
    points: Sequence[Floats],
    fmt: Format = FLOAT64,
    max_bits: int = _LADDER[-1],
) -> Values:
    """f at float points, each FINITE one proved to `WANTED_BITS`; one array for each argument.

    Values below 2^fmt.floor come back as TINY. A point that `max_bits` do not settle is UNDECIDED,
    or UNDEFINED where no ball was finite.

    >>> from sympy import Symbol, tanh
    >>> x = Symbol("x", real=True)
    >>> arb_values(1 - tanh(x) ** 2, [x], [np.array([20.0])]).show(0)
    '1.6993417021166356e-17'
    """
    columns, count = same_length(args, points)
    result = Values.empty(count, WANTED_BITS)
    left = np.arange(count)
    for form in dict.fromkeys([expr, sharpened(expr)]):
        for start in range(0, len(left), _CHUNK):
            part = left[start : start + _CHUNK]
            balls = [[*map(arb, c[part].tolist())] for c in columns]
            found = ball_values(program(form, *args), balls, len(part), fmt, max_bits)
            result.put(part, found)
        left = np.flatnonzero(result.kind == Kind.UNDECIDED)
    return result


def ball_values(
    code: Program,
    columns: Sequence[list[arb]],
    count: int,
    fmt: Format,
    max_bits: int = _LADDER[-1],
) -> Values:
    """The same at points that are given as exact balls, of any size."""
    result = Values.empty(count, WANTED_BITS)
    places = np.arange(count)
    for bits in _LADDER:
        if bits > max_bits or not len(places):
            break
        with precision(bits):
            chosen = columns if len(places) == count else [[c[k] for k in places] for c in columns]
            places = _settle(code.column(chosen, len(places)), places, result, fmt)
    for place in places[result.kind[places] == Kind.UNDEFINED]:
        if not _undefined(code, [c[place] for c in columns]):
            result.kind[place] = Kind.UNDECIDED
    return result


def _settle(balls: list[arb], places: Any, result: Values, fmt: Format) -> Any:
    """Write down what the balls decide; return the places that need more bits."""
    middle = np.fromiter(map(float, balls), np.float64, len(balls))
    bits = np.fromiter(map(arb.rel_accuracy_bits, balls), np.float64, len(balls))
    size = np.abs(middle)
    plain = (bits >= WANTED_BITS) & (size > 2.0**-900) & (size < 2.0**1000)
    picked = [balls[k] for k in np.flatnonzero(plain)]
    rest = np.fromiter(
        map(float, map(sub, picked, map(arb, middle[plain].tolist()))), np.float64, len(picked)
    )
    mantissa, exponent = np.frexp(middle[plain])
    where = places[plain]
    result.kind[where] = Kind.FINITE
    result.hi[where], result.exp[where] = mantissa, exponent
    result.lo[where] = np.ldexp(rest, -exponent)
    floor = arb(2) ** fmt.floor
    others = np.flatnonzero(~plain)
    open_ = [k for k in others if not _settle_one(balls[k], int(places[k]), result, fmt, floor)]
    return places[np.array(open_, np.int64)]


def _settle_one(ball: arb, place: int, result: Values, fmt: Format, floor: arb) -> bool:
    if not ball.is_finite():
        result.kind[place] = Kind.UNDEFINED
        return False
    if ball.is_zero():
        result.kind[place] = Kind.ZERO
        return True
    if ball.rel_accuracy_bits() >= WANTED_BITS:
        mantissa, exponent = ball.mid().man_exp()
        result.put_exact(place, int(mantissa), int(exponent))
        return True
    if ball.abs_upper() < floor:
        result.kind[place] = Kind.TINY
        result.hi[place] = 1.0 if ball > 0 else -1.0 if ball < 0 else 0.0
        result.exp[place] = fmt.floor
        return True
    result.kind[place] = Kind.UNDECIDED
    return False


def _undefined(code: Program, at: Sequence[arb]) -> bool:
    """Whether the first operation without a finite value had operands that were all well known.

    At both ends of them, too, it has none: asin is defined at the lower end of a ball around 1.
    """
    with precision(_LADDER[1]):
        registers = code.registers(BALLS, at)
        for (node, operands), value in zip(code.code, registers, strict=True):
            pieces = isinstance(node, sympy.Piecewise)
            if isinstance(value, arb) and not value.is_finite() and not pieces:
                overflows = type(node) in FUNCTIONS and FUNCTIONS[type(node)].far is not None
                a = [registers[k] for k in operands]
                if overflows or not all(map(_sharp, a)):
                    return False
                act = BALLS.act(node)
                ends = (act(*map(end, a)) for end in (arb.lower, arb.upper))
                return not any(e.is_finite() for e in ends)
    return isinstance(code.code[-1][0], sympy.Piecewise)


def _sharp(value: arb) -> bool:
    return value.is_zero() or value.rel_accuracy_bits() > 30


# exact values and correct rounding


def exact_value(expr: Expr, args: Sequence[Symbol], at: Iterable[float]) -> Fraction | None:
    """f(at) as a fraction where SymPy's arithmetic of rationals reaches it, else None."""
    point: Any = {s: sympy.Rational(Fraction(v)) for s, v in zip(args, at, strict=True)}
    value = sympy.nsimplify(expr, rational=True) if expr.has(sympy.Float) else expr
    value = value.xreplace(point)
    return Fraction(int(value.p), int(value.q)) if isinstance(value, sympy.Rational) else None


def nearest(
    expr: Expr, args: Sequence[Symbol], points: Sequence[Floats], fmt: Format = FLOAT64
) -> tuple[Floats, Any]:
    """f rounded correctly to `fmt`, and a mask of the exact ties (rounded to even).

    nan where f is not known or a rounding is not decided at 4096 bits.
    """
    values = arb_values(expr, args, points, fmt)
    result, doubt = rounded(values, fmt)
    tie = np.zeros(len(values), np.bool_)
    for place in np.flatnonzero(doubt):
        at = [float(p[place]) for p in points]
        exact = exact_value(expr, args, at)
        if exact is not None:
            result[place] = round_fraction(exact, fmt)
            tie[place] = _is_tie(exact, fmt)
        else:
            result[place] = _round_ball(program(expr, *args), at, fmt)
    return result, tie


def _is_tie(exact: Fraction, fmt: Format) -> bool:
    if abs(exact) >= Fraction(fmt.largest):
        return False
    near = round_fraction(exact, fmt)
    gap = abs(exact - Fraction(near))
    sides = (float(fmt.at(fmt.ordinal(near) + step)) for step in (-1, 1))
    return gap > 0 and any(abs(Fraction(side) - exact) == gap for side in sides)


def _round_ball(code: Program, at: Sequence[float], fmt: Format) -> float:
    for bits in (256, 1024, 4096):
        ball = code.ball(*map(arb, at), prec=bits)
        with precision(bits):
            ends = [round_fraction(_fraction(end), fmt) for end in (ball.lower(), ball.upper())]
        if ends[0] == ends[1]:
            return ends[0]
    return float("nan")


def _fraction(exact: arb) -> Fraction:
    mantissa, exponent = exact.mid().man_exp()
    return Fraction(int(mantissa)) * Fraction(2) ** int(exponent)
