"""Attracting cycles with multiplier |m| < 1, proved by balls, and Koenigs' constant enclosed.

Koenigs (Milnor 2006, Dynamics in One Complex Variable, theorem 8.2): near a fixed point r of S
with 0 < |m| < 1 there is φ with φ∘S = mφ, φ'(r) = 1. Hence
(Sⁿ)'(z) = mⁿ φ'(z)/φ'(Sⁿz) → mⁿ φ'(z), where φ'(z) = ∏ S'(z_k)/m. With |S''| ≤ M and |S'| ≤ ρ < 1
on a ball B around r that contains z_N at distance d, every later factor is 1 + ε_k with
|ε_k| ≤ M ρᵏ d/|m|, and so

    |log φ'(z_N)| ≤ 2 Σ |ε_k| ≤ 2 M d/(|m|(1 − ρ))   as soon as every |ε_k| ≤ 1/2.

The same with half of M bounds log(φ(z_N)/(z_N − r)). The next term is
P_n = φ'(z) mⁿ [1 − S''(r)/(m(1 − m)) φ(z) mⁿ + O(m²ⁿ)].
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice

from flint import arb
from sympy import Expr

from symgrad.depth.map import LayerMap
from symgrad.rigor import constant, precision

__all__ = ["Attractor", "attractor", "koenigs", "sided"]

_PERIODS = (1, 2, 3, 4, 6, 8)
_CHECKPOINTS = (16, 64, 256, 1024, 4096, 16384)
_LONGEST = 200_000


@dataclass(frozen=True, slots=True)
class Attractor:
    """A cycle of `period` layers: `at` encloses its point in `basin`, `multiplier` is (T^q)' there.

    On `basin` the map T^q contracts by `contraction` < 1, and z_steps lies in it; `at` is what z_n
    tends to for n ≡ 0 mod q. At a kink `local` is the smooth map of the side the orbit is on.
    """

    period: int
    at: arb
    multiplier: arb
    basin: arb
    contraction: arb
    steps: int
    local: LayerMap
    side: int = 0


def attractor(T: LayerMap, start: arb, prec: int) -> Attractor | None:
    """The attracting cycle that the orbit of `start` is proved to reach, or None."""
    points: list[arb] = []
    orbit = T.orbit(start, prec)
    for checkpoint in _CHECKPOINTS:
        points += [z for z, _ in islice(orbit, checkpoint + 1 - len(points))]
        if not points[-1].is_finite():
            return None
        for q in _PERIODS:
            k = checkpoint - checkpoint % q
            if abs(points[k] - points[k - q]) < arb(2) ** -6:
                found = _certify(T.iterate(q), q, points[k], k, prec)
                if found is not None:
                    return found
    return None


def _certify(S: LayerMap, q: int, near: arb, steps: int, prec: int) -> Attractor | None:
    with precision(prec):
        at = _newton(S, near.mid(), prec)
        if at is None:
            return None
        multiplier = S.slope_at(at, prec)
        if not multiplier.abs_upper() < 1:
            return None
        distance = (near - at).abs_upper()
        radius = 2 * distance + arb(2) ** (-prec // 2)
        basin = at + arb(0, radius)
        contraction = S.slope_at(basin, prec).abs_upper()
        if contraction < 1:
            return Attractor(q, at, multiplier, basin, contraction, steps, S)
        return None


def sided(
    S: LayerMap, local: LayerMap, side: int, q: int, r: Expr, start: arb, prec: int
) -> Attractor | None:
    """The same at a fixed point r of S = T^q where T has a kink and the orbit stays on one side.

    It does from the first point on that side on at which `local`, the smooth map of it, has a slope
    in (0, 1) all the way to r.
    """
    with precision(prec):
        at = constant(r, prec)
        multiplier = local.slope_at(at, prec)
        for steps, (z, _) in enumerate(islice(S.orbit(start, prec), 1024)):
            basin = at + arb(0, 2 * (z - at).abs_upper())
            slope = local.slope_at(basin, prec)
            right = side * (z - at) > 0 and local.reaches(z, side)
            if right and slope > 0 and slope < 1:
                rho = slope.abs_upper()
                return Attractor(q, at, multiplier, basin, rho, q * steps, local, side)
    return None


def _newton(S: LayerMap, guess: arb, prec: int) -> arb | None:
    """An enclosure of a fixed point next to `guess`, with proof of existence: N(X) inside X."""
    c = guess
    for _ in range(60):
        step = (S.value(c, prec) - c) / (1 - S.slope_at(c, prec))
        if not step.is_finite():
            return None
        c = (c + step).mid()
        if step.abs_upper() < arb(2) ** (8 - prec) * (1 + abs(c)):
            break
    residue = S.value(c, prec) - c
    for spread in (4, 64, 1024, 1 << 20):
        box = c + arb(0, spread * (residue.abs_upper() + arb(2) ** (-prec)))
        image = c + residue / (1 - S.slope_at(box, prec))
        if image.is_finite() and box.contains_interior(image):
            return image
    return None


def koenigs(T: LayerMap, start: arb, a: Attractor, digits: int, prec: int) -> tuple[arb, arb, arb]:
    """Enclosures of φ'(start), φ(start) and S''(r)/2 for S = T^q.

    The orbit is followed until the theorem's bound is below 10^-digits.
    """
    S = T.iterate(a.period)
    with precision(prec):
        curvature = 2 * a.local.jet(a.basin, 3, prec)[2].abs_upper()
        m = a.multiplier.abs_lower()
        product, power, slack, z = arb(1), arb(1), arb.nan(), start
        target, least = arb(10) ** -digits, arb(2) ** (16 - prec)
        orbit = islice(S.orbit(start, prec), _LONGEST)
        for k, (z, slope) in enumerate(orbit):
            d = (z - a.at).abs_upper()
            if k * a.period >= a.steps and curvature * d <= m / 2:
                slack = 2 * curvature * d / (m * (1 - a.contraction))
                if slack < target or d < least or k == _LONGEST - 1:
                    break
            product *= slope / a.multiplier
            power *= a.multiplier
        if not slack.is_finite():
            return slack, slack, slack
        phi_prime = product * arb(0, slack).exp()
        phi = (z - a.at) / power * arb(0, slack / 2).exp()
        return phi_prime, phi, a.local.jet(a.at, 3, prec)[2]
