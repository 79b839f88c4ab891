"""Neutral fixed points: multiplier 1 (or −1 through T²), power laws with an enclosed constant.

Let S(r + h) = r + h(1 − a h^p + ...) with a h^p > 0 on the side the orbit comes from (the other
side is mirrored), u = h^{-p}. Then (Milnor 2006, lemma 10.1; de Bruijn 1981, Asymptotic Methods in
Analysis, 8.6) u_{k+1} − u_k → α = p a, h_n ~ (α n)^{-1/p}, and with V(h) = (S(r + h) − r)/h

    G_k = P_k/h_k^{p+1},  log G_{k+1} − log G_k = D(h_k),  D = log S' − (p + 1) log V.

D is analytic with D(h) = O(h^q), q ≥ p + 1, so G_k → G and P_n ~ G α^{-(p+1)/p} n^{-(p+1)/p}. By
Lagrange D(h) = h^q D_q(ξ), u_{k+1} − u_k = U_p(ξ) with coefficients that hold over the whole ball
[0, h_N]; hence Σ_{k≥N} h_k^q lies between two integrals, and log G − log G_N in a ball.
The Taylor coefficients of V over a ball are those of S shifted by one, since
V(h) = ∫ S'(r + th) dt over 0 ≤ t ≤ 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import Any

import sympy
from flint import arb, arb_series, fmpq
from sympy import Expr, Rational
from sympy import S as One
from sympy.polys.fields import sfield

from symgrad.calculus import smooth_derivative
from symgrad.depth.map import LayerMap, tidy
from symgrad.errors import UndecidedError
from symgrad.rigor import constant, precision, sign

__all__ = ["Parabolic", "is_translation", "leading_constant", "log_term", "parabolic"]

_ORDERS = (8, 16)
_DOUBLING = (4, 8, 16, 32, 64, 128, 256, 512)


@dataclass(frozen=True, slots=True)
class Parabolic:
    """S(r + h) = r + h − a h^{p+1} + ...: the orbit tends to r from the side `side`.

    `a` > 0 and `taylor` (c_0 = 0, c_1 = 1, ...) are of the mirrored map on h > 0; from z_steps on
    the orbit lies in `zone`.
    """

    at: Expr
    side: int
    p: int
    a: Expr
    taylor: tuple[Expr, ...]
    zone: arb
    steps: int
    local: LayerMap


def _taylor(T: LayerMap, r: Expr, side: int, order: int) -> list[Expr]:
    """Exact coefficients c_0, ..., c_{order-1} of h ↦ T(r + h) − r on one side of r = T(r)."""
    f = (T.side(r, side) or T).expr
    at = lambda k: smooth_derivative(f, T.z, k).xreplace({T.z: r}).doit() / sympy.factorial(k)
    return [One.Zero, *(tidy(at(k)) for k in range(1, order))]


def _composed(outer: list[Expr], inner: list[Expr]) -> list[Expr]:
    """Coefficients of outer(inner(h)), both without a constant term, by Horner's rule."""
    n = len(outer)
    made: Any = sfield([*outer, *inner])
    field, known = made
    total: list[Any] = [field.zero] * n
    for c in reversed(known[:n]):
        total = [sum((total[i] * known[n + k - i] for i in range(k)), field.zero) for k in range(n)]
        total[0] += c
    return [tidy(t.as_expr()) for t in total]


def _iterate_taylor(T: LayerMap, r: Expr, side: int, period: int, order: int) -> list[Expr]:
    """Exact coefficients of h ↦ T^period(r + h) − r on one side."""
    total = _taylor(T, r, side, order)
    for _ in range(period - 1):
        side *= sign(total[1])
        total = _composed(_taylor(T, r, side, order), total)
    return total


def parabolic(T: LayerMap, period: int, r: Expr, start: arb, prec: int) -> Parabolic | None:
    """The proof that the orbit of `start` under S = T^period tends to its neutral fixed point r."""
    S = T.iterate(period)
    with precision(prec):
        at = constant(r, prec)
        orbit = list(islice(S.orbit(start, prec), _DOUBLING[-1] + 1))
        last = orbit[-1][0] - at
        side = 1 if last > 0 else -1 if last < 0 else 0
        if side == 0:
            return None
        smooth = S.side(r, side) or S
        for order in _ORDERS:
            taylor = _mirrored(_iterate_taylor(T, r, side, period, order), side)
            p = _order(taylor)
            if p is not None and 2 * p + 2 < order:
                break
        else:
            return None
        if sign(taylor[p + 1]) > 0:
            return None
        for steps in _DOUBLING:
            h = (side * (orbit[steps][0] - at)).upper()
            c = _coefficients_over(smooth, side, at, h, p + 2, prec)
            inside = side * (orbit[steps][0] - at) > 0 and smooth.reaches(at + side * h, side)
            if inside and c[p + 1] < 0 and c[1] > 0:
                return Parabolic(r, side, p, -taylor[p + 1], taylor, arb(0).union(h), steps, smooth)
    return None


def _coefficients_over(S: LayerMap, side: int, at: arb, h: arb, n: int, prec: int) -> list[arb]:
    """Taylor coefficients of the mirrored map, enclosed over 0 ≤ h' ≤ h."""
    ends = (at, at + h) if side > 0 else (at - h, at)
    return [c * arb(side) ** (k + 1) for k, c in enumerate(S.jet_over(*ends, n, prec))]


def _mirrored(taylor: list[Expr], side: int) -> tuple[Expr, ...]:
    """The coefficients of h ↦ side·(S(r + side·h) − r)."""
    return tuple(c * side ** (k + 1) for k, c in enumerate(taylor))


def _order(taylor: tuple[Expr, ...]) -> int | None:
    """p of the first coefficient c_{p+1} ≠ 0 after c_1 = 1, where the signs are decided."""
    try:
        return next((k - 1 for k in range(2, len(taylor)) if sign(taylor[k]) != 0), None)
    except UndecidedError:
        return None


def is_translation(w: Parabolic) -> bool:
    """Whether S is u ↦ u + p a in u = h^{-p} on the whole side, by exact algebra."""
    h = sympy.Symbol("h", positive=True)
    image = w.side * (w.local.expr.xreplace({w.local.z: w.at + w.side * h}).doit() - w.at)
    step = sympy.cancel(sympy.powdenest(image ** (-w.p), force=True) - h ** (-w.p))
    return sympy.expand(step - w.p * w.a) == 0


def leading_constant(S: LayerMap, w: Parabolic, start: arb, steps: int, prec: int) -> arb:
    """A ball for the limit of P_n n^{(p+1)/p}, after `steps` layers in balls."""
    p = w.p
    with precision(prec):
        at, product = constant(w.at, prec), arb(1)
        *before, (z, _) = islice(S.orbit(start, prec), steps + 1)
        for _, slope in before:
            product *= slope
        h = w.side * (z - at)
        log_g = abs(product).log() - (p + 1) * h.log()
        alpha, power = p * constant(w.a, prec), arb(fmpq(p + 1, p))
        if is_translation(w):
            return product.sgn() * (log_g - power * alpha.log()).exp()
        q = _defect_order(w)
        d, step = _coefficients(
            _coefficients_over(w.local, w.side, at, h.upper(), q + 2, prec), p, q, prec
        )
        rest = _rest(h, p, Rational(q, p), step)
        return product.sgn() * (log_g + d * rest - power * alpha.log()).exp()


def _defect_order(w: Parabolic) -> int:
    """The first q with a nonzero coefficient of D, by exact algebra."""
    slope = [k * c for k, c in enumerate(w.taylor)][1:]
    quotient = list(w.taylor[1:])
    for q in range(w.p + 1, len(quotient)):
        n = q + 1
        log_slope = _log_series(slope[:n])
        log_quotient = _log_series(quotient[:n])
        gap = sympy.expand(log_slope[q] - (w.p + 1) * log_quotient[q])
        if sign(gap) != 0:
            return q
    raise UndecidedError(f"the defect D of {w.local.name} vanishes to order {len(quotient)}")


def _log_series(c: list[Expr]) -> list[Expr]:
    """Coefficients of log(1 + c_1 h + ...): n l_n = n c_n − Σ k l_k c_{n−k}."""
    out: list[Expr] = [One.Zero]
    for n in range(1, len(c)):
        total = n * c[n] - sum((k * out[k] * c[n - k] for k in range(1, n)), One.Zero)
        out.append(tidy(total / n))
    return out


def log_term(w: Parabolic) -> Expr | None:
    """The coefficient of log(n)/n: −((p+1)/p) γ/α² of u' = u + α + γ/u + ..., where it is first."""
    logs = [-w.p * c for c in _log_series(list(w.taylor[1 : 2 * w.p + 2]))]
    steps: list[Expr] = [One.One]  # of exp: n e_n = Σ k l_k e_{n−k}
    for n in range(1, len(logs)):
        total = sum((k * logs[k] * steps[n - k] for k in range(1, n + 1)), One.Zero)
        steps.append(tidy(total / n))
    if any(c != 0 for c in steps[w.p + 1 : 2 * w.p]):
        return None
    return tidy(-Rational(w.p + 1, w.p) * steps[2 * w.p] / (w.p * w.a) ** 2)


def _coefficients(c: list[arb], p: int, q: int, prec: int) -> tuple[arb, arb]:
    """Balls for the coefficient q of D and the coefficient p of V^{-p}, from those of S."""
    with precision(prec, terms=q + 1):
        slope = arb_series([(k + 1) * c[k + 1] for k in range(q + 1)], prec=q + 1)
        quotient = arb_series(c[1:], prec=q + 1)
        defect = slope.log() - (p + 1) * quotient.log()
        step = (-p * quotient.log()).exp()
        return defect[q], step[p]


def _rest(h: arb, p: int, s: Any, step: arb) -> arb:
    """Σ_{k≥N} u_k^{-s} for u_N = h^{-p} and steps in the ball `step`: between two integrals."""
    u = h ** (-p)
    decay = arb(fmpq(int((s - 1).p), int((s - 1).q)))
    integral = (-decay * u.log()).exp() / (decay * step)
    first = (-(decay + 1) * u.log()).exp()
    return integral.union(integral + first)
