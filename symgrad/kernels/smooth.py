"""A smooth function on balls, at the precision each point needs: values, Taylor series, zeros."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import sympy
from flint import arb, arb_poly, arb_series
from sympy import Expr, Rational, Symbol
from sympy.polys.polyerrors import NotAlgebraic

from symgrad.errors import DomainError, UndecidedError
from symgrad.rigor import Program, constant, precision, program, sign

__all__ = [
    "BITS",
    "TERMS",
    "LogAbs",
    "Smooth",
    "as_float",
    "floor_log2",
    "log2_abs",
    "log_series",
    "shifted",
    "tilted",
    "zeros_near",
]

BITS = 160
"""Working bits of the fits: 100 more than a float needs, for what cancels in them."""
TERMS = 30
"""Terms of each Taylor series; a cell whose last terms are not negligible is made narrower."""
_MAX_BITS = 1 << 15
_GOOD = 110
_SPAN = 6.0


def log2_abs(b: arb) -> float:
    """log2 |b| of the middle of a ball, of whatever size; -inf for zero."""
    mantissa, exponent = b.mid().man_exp()
    m = abs(int(mantissa))
    if m == 0:
        return -math.inf
    size = m.bit_length()
    top = m >> (size - 64) if size > 64 else m << (64 - size)
    power = size + int(exponent)
    if abs(power) > 1 << 60:
        return math.inf if power > 0 else -math.inf
    return math.log2(top) - 64 + power


def floor_log2(b: arb) -> int:
    """e with 2^e ≤ |b| < 2^(e+1) for the middle of a ball that is not zero."""
    mantissa, exponent = b.mid().man_exp()
    return abs(int(mantissa)).bit_length() - 1 + int(exponent)


def as_float(b: arb) -> float:
    """The middle of a ball rounded once to a float, subnormals included."""
    mantissa, exponent = (int(v) for v in b.mid().man_exp())
    if mantissa == 0 or exponent < -(1 << 40):
        return 0.0
    if exponent > 1 << 40:
        return math.inf if mantissa > 0 else -math.inf
    keep = min(53, mantissa.bit_length() + exponent + 1074)
    drop = abs(mantissa).bit_length() - keep
    if keep < 0:
        return 0.0
    if drop > 0:
        half, sign = 1 << (drop - 1), 1 if mantissa > 0 else -1
        whole, rest = divmod(abs(mantissa), 1 << drop)
        whole += rest > half or (rest == half and whole & 1)
        mantissa, exponent = sign * whole, exponent + drop
    try:
        return math.ldexp(mantissa, exponent)
    except OverflowError:
        return math.inf if mantissa > 0 else -math.inf


@dataclass
class Smooth:
    """f and its Taylor series at exact points, to some 110 bits relative to the largest term."""

    expr: Expr
    x: Symbol
    program: Program = field(init=False)
    work: int = 128

    def __post_init__(self) -> None:
        self.program = program(_steady(self.expr), self.x)

    @property
    def constant(self) -> float:
        """The value of an expression without x, -inf for the logarithm of zero."""
        return as_float(constant(self.expr, BITS)) if self.expr.is_finite else -math.inf

    def value(self, at: arb, bits: int = 80) -> arb | None:
        """A ball with `bits` relative bits (or exact zero), None where none is reached."""
        work = max(bits + 32, 96)
        while work <= _MAX_BITS:
            ball = self.program.ball(at, prec=work)
            if ball.is_zero() or (ball.is_finite() and ball.rel_accuracy_bits() >= bits):
                return ball
            work *= 2
        return None

    def exact_zero(self, near: arb, reach: arb) -> arb:
        """The float next to a zero, where exact algebra shows f to vanish there; else `near`."""
        at = 0.0 if bool(abs(near) < reach * arb(2) ** -60) else as_float(near)
        if not math.isfinite(at) or abs(near - arb(at)) > reach * arb(2) ** -60:
            return near
        try:
            exact = sign(self.expr.xreplace({self.x: Rational(at)})) == 0
        except (UndecidedError, DomainError, NotAlgebraic):
            return near
        return arb(at) if exact else near

    def series(self, at: arb, reach: arb) -> list[arb] | None:
        """Taylor coefficients of f(at + t) in t, good for |t| ≤ reach; None if there are none."""
        work = self.work
        while work <= _MAX_BITS:
            jet = self.program.jet(at, TERMS, prec=work)
            if _sharp(jet, reach):
                self.work = max(128, work // 2)
                return jet
            work *= 2
        return None


@dataclass
class LogAbs(Smooth):
    """log|u| for the smooth u that it is made of, `inner`: values and series by those of u."""

    inner: Smooth = field(init=False)

    def __post_init__(self) -> None:
        self.inner = Smooth(self.expr, self.x)
        self.expr = sympy.log(self.expr**2) / 2 if self.expr != 0 else sympy.S.NegativeInfinity
        self.program = program(self.expr, self.x) if self.inner.expr != 0 else self.inner.program

    def value(self, at: arb, bits: int = 80) -> arb | None:
        work = bits
        while work <= 1 << 13:
            u = self.inner.value(at, work)
            if u is None or u.is_zero():
                return None
            with precision(work + 32):
                ball = abs(u).log()
            if ball.is_zero() or ball.rel_accuracy_bits() >= bits:
                return ball
            work *= 2
        return None

    def series(self, at: arb, reach: arb) -> list[arb] | None:
        jet = self.inner.series(at, reach)
        if jet is None or jet[0].contains(0):
            return None
        found = log_series(jet)
        return found if _sharp(found, reach) else super().series(at, reach)


def _steady(expr: Any) -> Any:
    """c + c·erf(u) as c·erfc(−u), c + c·tanh(u) as 2c/(1 + exp(−2u)): what cancels far out."""
    if not expr.args:
        return expr
    parts = [_steady(a) for a in expr.args]
    if isinstance(expr, sympy.Add):
        for k, part in enumerate(parts):
            for f in sympy.Mul.make_args(part):
                c = part / f
                if isinstance(f, (sympy.erf, sympy.tanh)) and (c in parts or -c in parts):
                    inner: Any = f.args[0]
                    u = inner if c in parts else -inner
                    c = c if c in parts else -c
                    rest = [p for j, p in enumerate(parts) if j != k]
                    rest.remove(c)
                    erf = isinstance(f, sympy.erf)
                    word = sympy.erfc(-u, evaluate=False) if erf else 2 / (1 + sympy.exp(-2 * u))
                    return _steady(sympy.Add(c * word, *rest))
    return (
        expr.func(*parts)
        if any(p is not a for p, a in zip(parts, expr.args, strict=True))
        else expr
    )


def log_series(series: Sequence[arb]) -> list[arb]:
    """The Taylor coefficients of log|u| from those of u, u(0) ≠ 0."""
    with precision(BITS, terms=len(series)):
        signed = [-c for c in series] if series[0] < 0 else list(series)
        result = arb_series(signed, prec=len(series)).log()
        return [result[k] for k in range(len(series))]


def tilted(series: Sequence[arb], slope: float) -> list[arb]:
    """The Taylor coefficients of the same function times exp(−slope·t)."""
    with precision(BITS, terms=TERMS):
        tilt = arb_series([0, -slope], prec=TERMS).exp()
        product = arb_series(list(series), prec=TERMS) * tilt
        return [product[k] for k in range(TERMS)]


def _sharp(jet: Sequence[arb], reach: arb) -> bool:
    if not all(c.is_finite() for c in jet):
        return False
    if all(c.rel_accuracy_bits() >= _GOOD for c in jet):
        return True
    with precision(64):
        power, top, blur = arb(1), arb(0), arb(0)
        for c in jet:
            top = top.max(abs(c.mid()) * power)
            blur = blur.max(c.rad() * power)
            power *= reach
        return bool(blur * arb(2) ** _GOOD <= top)


def shifted(series: Sequence[arb], by: arb) -> list[arb]:
    """The Taylor coefficients at the point that is `by` further on."""
    with precision(BITS):
        moved = arb_poly(list(series))(arb_poly([by, 1]))
        return [moved[k] for k in range(len(series))]


def zeros_near(series: Sequence[arb], reach: arb) -> list[tuple[arb, int]]:
    """The real zeros t of a Taylor polynomial with |t| ≤ 2m·reach, m ≤ 3: (t, multiplicity m)."""
    with precision(BITS):
        scaled, power = [], arb(1)
        for c in series:
            scaled.append(c.mid() * power)
            power *= reach
        top = max(log2_abs(c) for c in scaled)
        if top == -math.inf:
            return []
        unit = arb(2) ** -int(top)
        rough = np.array([as_float(c * unit) for c in scaled])
    if abs(rough[0]) > np.sum(np.abs(rough[1:]) * _SPAN ** np.arange(1, len(rough))):
        return []
    found: list[tuple[arb, int]] = []
    for guess in np.roots(rough[16::-1]):
        if abs(guess.real) <= _SPAN and abs(guess.imag) <= 0.02:
            zero = _polished(series, reach * float(guess.real), reach)
            if zero and not any(abs(zero[0] - z) < reach * 2.0**-40 for z, _ in found):
                found.append(zero)
    return found


def _polished(series: Sequence[arb], t: arb, reach: arb) -> tuple[arb, int] | None:
    """Newton's method on f, f', f'', ...: quadratic on f^(m−1) at a zero of multiplicity m."""
    for order in range(6):
        z = _newton(series, t, reach, order)
        if z is None:
            continue
        with precision(BITS):
            power, sizes = arb(1), []
            for c in shifted(series, z):
                sizes.append(abs(c.mid()) * power)
                power *= reach
            top = max(sizes[: order + 4], key=log2_abs)
            if all(bool(s <= top * arb(2) ** -90) for s in sizes[: order + 1]):
                small = [bool(s <= top * arb(2) ** -90) for s in sizes]
                return z, small.index(False)
    return None


def _newton(series: Sequence[arb], z: arb, reach: arb, order: int) -> arb | None:
    with precision(BITS):
        for _ in range(10):
            local = shifted(series, z)
            below, slope = local[order].mid(), local[order + 1].mid() * (order + 1)
            if not slope:
                return None
            step = (below / slope).mid()
            z = (z - step).mid()
            if abs(z) > 2 * _SPAN * reach:
                return None
            if abs(step) <= reach * arb(2) ** -100:
                return z
    return None
