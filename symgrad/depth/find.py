"""`depth_law`: find the attractor, prove it, and read off the law; the cases in a fixed order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import Any

import sympy
from flint import arb
from sympy import Contains, Eq, Expr, Interval, Le, Limit, Lt, Rational, S, Symbol

from symgrad.bounds import extrema
from symgrad.depth.hyperbolic import Attractor, attractor, koenigs, sided
from symgrad.depth.law import DepthLaw, N, P, undecided
from symgrad.depth.map import LayerMap, equal, exact_number, tidy
from symgrad.depth.parabolic import Parabolic, is_translation, leading_constant, log_term, parabolic
from symgrad.errors import InputError
from symgrad.fact import Derivation, Fact, Proved, Step
from symgrad.rigor import Enclosure, constant, precision, sign
from symgrad.tails import tail

__all__ = ["depth_law"]

_K = Symbol("k", integer=True, nonnegative=True)
_Z, _T, _SLOPE = (sympy.Function(name) for name in ("z", "T", "T'"))
_R, _M = Symbol("r", real=True), Symbol("m")
_ALGEBRA = Proved("exact algebra")
_NEUTRAL_STEPS = 4096


@dataclass(frozen=True)
class _Problem:
    T: LayerMap
    at: Expr
    start: arb
    digits: int
    prec: int
    hint: Expr | None

    @cached_property
    def balls(self) -> Proved:
        return Proved(f"balls of {self.prec} bits")

    @cached_property
    def late(self) -> arb:
        """z_256."""
        return next(islice(self.T.orbit(self.start, self.prec), 256, 257))[0]

    @cached_property
    def fixed(self) -> Expr | None:
        """A fixed point next to the orbit, known exactly."""
        if self.hint is not None:
            return self.hint
        return self.T.exact_fixed_point(self.late, self.prec) if self.late.is_finite() else None

    def fact(self, steps: list[Step], source: str = "chain rule") -> Fact:
        """The claim of the last step, by all of them."""
        name = f"{self.T.name}.depth"
        return Fact(name, steps[-1].claim, Derivation(tuple(steps)), (), source)


def depth_law(
    g: Any,
    w: Any,
    b: Any = 0,
    at: Any = 1,
    *,
    digits: int = 20,
    fixed_point: Any = None,
) -> DepthLaw:
    """The law of P_n = (Tⁿ)'(z¹), T(z) = w g(z) + b, n = L − 1: δ¹/δᴸ in a chain of equal layers.

    `at` is z¹; `digits` is how many digits of the constants are asked for; `fixed_point` names a
    fixed point exactly where the search (small rational numbers, and the closed forms of the zeros
    of T' ∓ 1 and T') cannot find it. Multiplier, exponent and the constants are proved by balls, or
    the law is `Undecided` with the reason.

    Raises `InputError` where w, b or z¹ is not a finite real number.

    >>> from symgrad.catalogue import tanh
    >>> depth_law(tanh, 1, at=1).exponent
    -3/2

    Source: Milnor 2006, Dynamics in One Complex Variable, theorems 8.2 and 10.1.
    """
    if digits < 1:
        raise InputError(f"digits must be at least 1, got {digits}")
    T = LayerMap.of(g, w, b)
    start = exact_number(at, "the start z¹")
    prec = max(128, int(3.33 * digits) + 128)
    hint = None if fixed_point is None else exact_number(fixed_point, "the fixed point")
    if hint is not None and not T.fixes(hint):
        raise InputError(f"{hint} is not a fixed point of T, or exact algebra does not show it")
    problem = _Problem(T, start, constant(start, prec), digits, prec, hint)
    cases: tuple[Callable[[_Problem], DepthLaw | None], ...] = (
        _powers,
        _dead,
        _neutral,
        _superattracting,
        _geometric,
        _escaping,
    )
    for case in cases:
        law = case(problem)
        if law is not None:
            return law
    return undecided(T.name, _why_not(problem))


def _why_not(q: _Problem) -> str:
    """What is known where no case applies: the slope where the orbit is."""
    if q.late.is_finite():
        slope = q.T.slope_at(q.late, q.prec)
        if slope.is_finite() and abs(abs(slope) - 1) < arb(1) / 10:
            return (
                f"z_256 ≈ {q.late.str(8, radius=False)} has the slope {slope.str(8, radius=False)},"
                " close to ±1: if a fixed point there is neutral, give it exactly as fixed_point="
            )
    return "no attracting cycle of period up to 8 was proved from this start"


def _powers(q: _Problem) -> DepthLaw | None:
    """Every factor is the same number m, as T' is constant or z¹ a fixed point: P_n = mⁿ."""
    m: Any = q.T.slope
    resting = m.free_symbols
    first = Step(Eq(_SLOPE(_Z(_K)), m), "T' does not depend on z", _ALGEBRA)
    if resting:
        if not q.T.fixes(q.at):
            return None
        m = tidy(m.xreplace({q.T.z: q.at}).doit())
        first = Step(Eq(_Z(_K), q.at), "z¹ is a fixed point of T", _ALGEBRA)
    kind = {-1: "geometric", 0: "constant", 1: "exploding"}[sign(sympy.Abs(m) - 1)]
    steps = [first, Step(Eq(P(N), m**N), "every factor of the product is m", _ALGEBRA, (1,))]
    return DepthLaw(
        "zero" if m == 0 else kind,
        q.fact(steps),
        q.at if resting else None,
        1,
        sympy.sympify(m),
        constants=(S.One,),
        exact=m**N,
    )


def _dead(q: _Problem) -> DepthLaw | None:
    """T'(z_k) is exactly zero at some k: P_n = 0 for every n > k."""
    for k, (_, slope) in enumerate(islice(q.T.orbit(q.start, q.prec), 64)):
        if slope.is_zero():
            why = "the ball of the slope is exactly zero on the piece that holds the point"
            product = "one factor of the product is zero"
            steps = [
                Step(Eq(_SLOPE(_Z(k)), 0), why, q.balls),
                Step(Eq(P(N), 0), product, _ALGEBRA, (1,), (k < N,)),
            ]
            return DepthLaw("zero", q.fact(steps), multiplier=S.Zero, constants=(S.Zero,))
    return None


def _neutral(q: _Problem) -> DepthLaw | None:
    """The law at an exact fixed point where T has a kink, or slope 1 (or −1: slope 1 of T∘T).

    It is read off the smooth map of the side from which the orbit of T, or of T∘T, comes.
    """
    r = q.fixed
    if r is None:
        return None
    for period in (1, 2):
        map_ = q.T.iterate(period)
        with precision(q.prec):
            gap = next(islice(map_.orbit(q.start, q.prec), 64, 65))[0] - constant(r, q.prec)
        if gap.contains(0):
            return None
        side = 1 if gap > 0 else -1
        kinked = map_.side(r, side) or (map_ if q.T.side(r, side) else None)
        m = (kinked or map_).slope_at(constant(r, q.prec), q.prec)
        if m.contains(1) and equal(q.T.slope_from(r, side, period), S.One):
            found = parabolic(q.T, period, r, q.start, q.prec)
            return None if found is None else _algebraic(q, map_, found, period)
        if kinked and m > 0 and m < 1:
            a = sided(map_, kinked, side, period, r, q.start, q.prec)
            return None if a is None else _koenigs_law(q, a)
        if not kinked and not m.contains(-1):
            return None
    return None


def _geometric(q: _Problem) -> DepthLaw | None:
    """An attracting cycle with 0 < |m| < 1: Koenigs."""
    a = attractor(q.T, q.start, q.prec)
    return None if a is None or not a.multiplier.abs_lower() > 0 else _koenigs_law(q, a)


def _koenigs_law(q: _Problem, a: Attractor) -> DepthLaw | None:
    phi_prime, phi, half_curvature = koenigs(q.T, q.start, a, q.digits, q.prec)
    if not phi_prime.is_finite() or phi_prime.contains(0):
        return None
    with precision(q.prec):
        constants, z, slope = [], a.at, arb(1)
        for j in range(a.period):
            if a.side and q.fixed is not None:
                slope = constant(q.T.slope_from(q.fixed, a.side, j), q.prec)
            constants.append(Enclosure.of_ball(phi_prime * slope))
            slope *= q.T.slope_at(z, q.prec)
            z = q.T.value(z, q.prec)
        m = a.multiplier
        following = -2 * half_curvature / (m * (1 - m)) * phi
    multiplier = Enclosure.of_ball(m)
    steps = [
        *_cycle_steps(q, a, multiplier),
        Step(
            Contains(Limit(P(a.period * N) / _M**N, N, sympy.oo), constants[0].decimal()),
            "Koenigs' limit φ'(z¹) as a product, the rest of it bounded by the theorem",
            Proved(f"{q.balls.by} and Koenigs' theorem"),
            (1, 2, 3),
        ),
    ]
    return DepthLaw(
        "geometric",
        q.fact(steps, "Milnor 2006, theorem 8.2 (Koenigs)"),
        Enclosure.of_ball(a.at),
        a.period,
        multiplier,
        constants=tuple(constants),
        next_term=Enclosure.of_ball(following),
    )


def _cycle_steps(q: _Problem, a: Attractor, multiplier: Enclosure) -> list[Step]:
    at = Enclosure.of_ball(a.at).decimal()
    rho = Enclosure.of_ball(a.contraction).decimal().sup
    one = "Newton's operator maps a ball around it into its interior"
    basin = "that it maps into itself with at most this slope, so the orbit tends to it"
    return [
        Step(Contains(_R, at), f"T^{a.period} has one fixed point here: {one}", q.balls),
        Step(Contains(_M, multiplier.decimal()), f"m is the slope of T^{a.period}", q.balls, (1,)),
        Step(
            Le(sympy.Abs(_SLOPE(_Z(_K))), rho),
            f"z_{a.steps} lies in a ball around it {basin}",
            q.balls,
            (1,),
        ),
    ]


def _algebraic(q: _Problem, map_: LayerMap, w: Parabolic, period: int) -> DepthLaw | None:
    """P_n ~ c n^{-(p+1)/p}; the law itself where the map is a translation in u = h^{-p}."""
    power: Any = Rational(w.p + 1, w.p)
    steps = _neutral_steps(q, w, period)
    start = w.side * (q.at - w.at)
    inside = sign(start) > 0 and w.local.reaches(q.start, w.side)
    if period == 1 and inside and is_translation(w):
        exact = (1 + N * w.p * w.a * start**w.p) ** -power
        why = "1/h^p grows by exactly p a each layer"
        steps.append(Step(Eq(P(N), exact), why, _ALGEBRA, (1, 2)))
        first = start ** (-(w.p + 1)) * (w.p * w.a) ** -power
        fact = q.fact(steps, "translation in u = h^(-p)")
        return DepthLaw("algebraic", fact, w.at, 1, S.One, -power, (first,), S.Zero, exact)
    ball = leading_constant(map_, w, q.start, _NEUTRAL_STEPS, q.prec)
    with precision(q.prec):
        ball *= constant(Rational(period) ** power, q.prec)
        if not ball.is_finite():
            return None
        # z_2n comes to r from one side, where one more layer has this slope
        odd = ball * constant(q.T.slope_from(w.at, w.side, 1), q.prec)
    leading, mirrored = Enclosure.of_ball(ball), Enclosure.of_ball(odd)
    scaled = P(period * N) * (period * N) ** power
    steps.append(
        Step(
            Contains(Limit(scaled, N, sympy.oo), leading.decimal()),
            "the defects of P_n/h_n^(p+1) are summed between two integrals",
            Proved(f"{q.balls.by} and the lemma of the parabolic case"),
            (1, 2, 3),
        )
    )
    return DepthLaw(
        "algebraic",
        q.fact(steps, "Milnor 2006, lemma 10.1; de Bruijn 1981, section 8.6"),
        w.at,
        period,
        S.One,
        -power,
        (leading,) if period == 1 else (leading, mirrored),
        log_term(w) if period == 1 else None,
    )


def _neutral_steps(q: _Problem, w: Parabolic, period: int) -> list[Step]:
    """r is a neutral fixed point, the first coefficient after 1 there, and the orbit tends to r."""
    h = Symbol("h", positive=True)
    zone = sympy.ceiling(Enclosure.of_ball(w.zone.upper()).hi * 1000) / 1000
    name, slope = "T" if period == 1 else "T∘T", q.T.slope_from(w.at, w.side, 1)
    falls = Lt(w.side * (sympy.Function("S")(w.at + w.side * h) - w.at), h)
    return [
        Step(Eq(_T(w.at), w.at), f"{w.at} is a fixed point of T with slope {slope}", _ALGEBRA),
        Step(
            Eq(Symbol(f"c_{w.p + 1}"), w.taylor[w.p + 1]),
            f"the first coefficient of {name} past the linear one",
            _ALGEBRA,
            (1,),
        ),
        Step(
            falls,
            f"the coefficient of h^{w.p + 1} of S = {name} is negative on the whole zone and "
            f"S' > 0 there, so the orbit, which enters it at step {w.steps}, decreases to the "
            "fixed point",
            q.balls,
            (2,),
            (h <= zone,),
        ),
    ]


def _superattracting(q: _Problem) -> DepthLaw | None:
    """T'(r) = 0 exactly at an attracting fixed point: |h_{n+1}| ~ c |h_n|^k with k ≥ 2."""
    r = q.fixed
    if r is None or q.T.side(r, 1) is not None:
        return None
    if not equal(q.T.slope.xreplace({q.T.z: r}).doit(), S.Zero):
        return None
    with precision(q.prec):
        at = constant(r, q.prec)
        orbit = enumerate(islice(q.T.orbit(q.start, q.prec), 64))
        sizes = ((k, 2 * (z - at).abs_upper() + arb(2) ** (-q.prec)) for k, (z, _) in orbit)
        slopes = ((k, q.T.slope_at(at + arb(0, d), q.prec).abs_upper()) for k, d in sizes)
        steps, rho = next(((k, rho) for k, rho in slopes if rho < 1), (None, None))
    if rho is None:
        return None
    bound = Enclosure.of_ball(rho).decimal().sup
    inside = f"z_{steps} lies in a ball around it that T contracts"
    ratio = Limit(P(N) / Symbol("q", positive=True) ** N, N, sympy.oo)
    null = Proved("the mean of a null sequence")
    derivation = [
        Step(Eq(_SLOPE(r), 0), f"{r} is a fixed point with slope 0", _ALGEBRA),
        Step(Le(sympy.Abs(_SLOPE(_Z(_K))), bound), inside, q.balls, (1,)),
        Step(Eq(ratio, 0), "the factors T'(z_k) tend to T'(r) = 0", null, (1, 2)),
    ]
    fact = q.fact(derivation, "Milnor 2006, theorem 9.1 (Böttcher)")
    return DepthLaw("superattracting", fact, r, 1, S.Zero)


def _escaping(q: _Problem) -> DepthLaw | None:
    """The orbit goes to ±oo where |T'| ≥ ρ > 1 for good: P_n grows at least like ρⁿ."""
    for steps, (z, slope) in enumerate(islice(q.T.orbit(q.start, q.prec), 256)):
        if not z.is_finite():
            return None
        if abs(z) > 4 and slope > 1:
            side = 1 if z > 0 else -1
            with precision(q.prec):
                if not side * (q.T.value(z, q.prec) - z) > 0:
                    continue
                edge: Any = side * sympy.floor(Enclosure.of_ball(side * z).lo)
            law = _exploding(q, edge, side, steps)
            if law is not None:
                return law
    return None


def _exploding(q: _Problem, edge: Any, side: int, steps: int) -> DepthLaw | None:
    """The law where the orbit is beyond `edge` from z_steps on, if the slope there is above 1."""
    beyond = Interval(edge, sympy.oo) if side > 0 else Interval(-sympy.oo, edge)
    lowest = extrema(q.T.slope, beyond, x=q.T.z)
    low = lowest.inf.value
    if not lowest.verdict or sign(low - 1) <= 0:
        return None
    z = Symbol("z", real=True)
    where = z >= edge if side > 0 else z <= edge
    away = f"z_{steps} moves away, and so does every later point since T' > 1"
    grows = sympy.Abs(P(N)) >= sympy.Abs(P(steps)) * low ** (N - steps)
    derivation = [
        Step(_SLOPE(z) >= low, "the infimum of the slope there", lowest.verdict, (), (where,)),
        Step(side * (_Z(_K + 1) - _Z(_K)) > 0, away, q.balls, (1,), (steps <= _K,)),
        Step(grows, "every later factor is at least the infimum", _ALGEBRA, (1, 2), (steps <= N,)),
    ]
    far = tail(q.T.slope, side * sympy.oo, terms=1, x=q.T.z).terms
    m = far[0] if far and not far[0].has(q.T.z) else low
    return DepthLaw("exploding", q.fact(derivation), multiplier=m)
