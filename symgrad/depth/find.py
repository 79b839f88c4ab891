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
from symgrad.depth.map import LayerMap, exact_number
from symgrad.depth.parabolic import Parabolic, is_translation, leading_constant, parabolic
from symgrad.errors import InputError, UndecidedError
from symgrad.fact import Derivation, Fact, Proved, Step
from symgrad.rigor import Enclosure, constant, precision, sign
from symgrad.tails import tail

__all__ = ["depth_law"]

_K = Symbol("k", integer=True, nonnegative=True)
_Z = sympy.Function("z")
_R = Symbol("r", real=True)
_SLOPE = sympy.Function("T'")
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
    def fixed(self) -> Expr | None:
        """A fixed point next to the orbit, known exactly."""
        if self.hint is not None:
            return self.hint
        near = next(islice(self.T.orbit(self.start, self.prec), 256, 257))[0]
        return self.T.exact_fixed_point(near, self.prec) if near.is_finite() else None

    def slope_is(self, wanted: int) -> bool:
        """Whether T has exactly that slope at the fixed point, and no kink there."""
        if self.fixed is None or self.T.side(self.fixed, 1) is not None:
            return False
        try:
            slope: Any = self.T.slope.xreplace({self.T.z: self.fixed}).doit()
            return sign(slope - wanted) == 0
        except UndecidedError:
            return False

    def fact(self, statement: Any, steps: list[Step], source: str) -> Fact:
        return Fact(f"{self.T.name}.depth", statement, Derivation(tuple(steps)), (), source)


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
    fixed point exactly where the search by small rational numbers cannot find it. Multiplier,
    exponent and the constants are proved by balls, or the law is `Undecided` with the reason.

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
    hint = None if fixed_point is None else sympy.sympify(fixed_point, strict=True)
    if hint is not None and not T.fixes(hint):
        raise InputError(f"{hint} is not a fixed point of T, or exact algebra does not show it")
    problem = _Problem(T, start, constant(start, prec), digits, prec, hint)
    cases: tuple[Callable[[_Problem], DepthLaw | None], ...] = (
        _linear,
        _dead,
        _resting,
        _kinked,
        _neutral,
        _flipped,
        _superattracting,
        _geometric,
        _escaping,
    )
    for case in cases:
        law = case(problem)
        if law is not None:
            return law
    return undecided(T.name, "no attracting cycle of period up to 8 was proved from this start")


def _size(m: Expr) -> str:
    """The kind of law that P_n = c mⁿ is."""
    gap = sign(sympy.Abs(m) - 1) if m != 0 else -1
    return "zero" if m == 0 else {-1: "geometric", 0: "constant", 1: "exploding"}[gap]


def _linear(q: _Problem) -> DepthLaw | None:
    """T' is a constant: P_n = mⁿ."""
    m = q.T.slope
    if m.free_symbols:
        return None
    step = Step(Eq(q.T.slope, m), "T' does not depend on z", Proved("exact algebra"))
    power = Step(Eq(P(N), m**N), "the chain rule", Proved("exact algebra"), (1,))
    fact = q.fact(Eq(P(N), m**N), [step, power], "chain rule")
    return DepthLaw(_size(m), fact, multiplier=m, constants=(S.One,), exact=m**N)


def _dead(q: _Problem) -> DepthLaw | None:
    """T'(z_k) is exactly zero at some k: P_n = 0 for every n > k."""
    for k, (_, slope) in enumerate(islice(q.T.orbit(q.start, q.prec), 64)):
        if slope.is_zero() and not q.T.fixes(q.at):
            steps = [
                Step(
                    Eq(_SLOPE(_Z(k)), 0),
                    "the ball of the slope is exactly zero on the piece that holds the point",
                    Proved(f"balls of {q.prec} bits"),
                ),
                Step(
                    Eq(P(N), 0),
                    "one factor of the product is zero",
                    Proved("exact algebra"),
                    (1,),
                    (k < N,),
                ),
            ]
            fact = q.fact(Eq(P(N), 0), steps, "chain rule")
            return DepthLaw("zero", fact, multiplier=S.Zero, constants=(S.Zero,))
    return None


def _resting(q: _Problem) -> DepthLaw | None:
    """z¹ is itself a fixed point: P_n = T'(z¹)ⁿ, attracting or not."""
    if not q.T.fixes(q.at):
        return None
    m = sympy.expand(q.T.slope.xreplace({q.T.z: q.at}).doit())
    steps = [
        Step(Eq(_Z(_K), q.at), "z¹ is a fixed point of T", Proved("exact algebra")),
        Step(
            Eq(P(N), m**N), "every factor of the product is T'(z¹)", Proved("exact algebra"), (1,)
        ),
    ]
    fact = q.fact(Eq(P(N), m**N), steps, "chain rule")
    return DepthLaw(_size(m), fact, q.at, 1, m, constants=(S.One,), exact=m**N)


def _kinked(q: _Problem) -> DepthLaw | None:
    """A fixed point at a kink of T: the law of the side where the orbit of T, or of T², stays."""
    r = q.fixed
    if r is None:
        return None
    for period in (1, 2):
        S = q.T.iterate(period)
        with precision(q.prec):
            gap = next(islice(S.orbit(q.start, q.prec), 64, 65))[0] - constant(r, q.prec)
        side = 1 if gap > 0 else -1
        local = S.side(r, side)
        if local is None or gap.contains(0):
            return None
        m: Any = local.slope.xreplace({S.z: r}).doit()
        if sign(m) > 0 and sign(m - 1) < 0:
            a = sided(S, local, period, r, q.start, q.prec)
            return None if a is None else _koenigs_law(q, a)
        if sign(m - 1) == 0:
            found = parabolic(q.T, period, r, q.start, q.prec)
            return None if found is None else _algebraic(q, S, found, period)
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
        for _ in range(a.period):
            constants.append(Enclosure.of_ball(phi_prime * slope))
            slope *= q.T.slope_at(z, q.prec)
            z = q.T.value(z, q.prec)
        m = a.multiplier
        following = -2 * half_curvature / (m * (1 - m)) * phi
    multiplier = Enclosure.of_ball(m)
    limit = Limit(P(a.period * N) / Symbol("m") ** N, N, sympy.oo)
    statement = Contains(limit, constants[0].decimal())
    steps = [
        *_cycle_steps(q, a, multiplier),
        Step(
            statement,
            "Koenigs' limit φ'(z¹) as a product, the rest of it bounded by the theorem",
            Proved(f"balls of {q.prec} bits and Koenigs' theorem"),
            (1, 2, 3),
        ),
    ]
    return DepthLaw(
        "geometric",
        q.fact(statement, steps, "Milnor 2006, theorem 8.2 (Koenigs)"),
        Enclosure.of_ball(a.at),
        a.period,
        multiplier,
        constants=tuple(constants),
        next_term=Enclosure.of_ball(following),
    )


def _cycle_steps(q: _Problem, a: Attractor, multiplier: Enclosure) -> list[Step]:
    by = Proved(f"balls of {q.prec} bits")
    at = Enclosure.of_ball(a.at).decimal()
    rho = Enclosure.of_ball(a.contraction).decimal().sup
    return [
        Step(
            Contains(_R, at),
            f"T^{a.period} has one fixed point here: Newton's operator maps "
            "a ball around it into its interior",
            by,
        ),
        Step(
            Contains(Symbol("m"), multiplier.decimal()),
            f"m is the slope of T^{a.period} there",
            by,
            (1,),
        ),
        Step(
            Le(sympy.Abs(_SLOPE(_Z(_K))), rho),
            f"z_{a.steps} lies in a ball around it "
            f"that T^{a.period} maps into itself with at most this slope, so the orbit tends to it",
            by,
            (1,),
        ),
    ]


def _neutral(q: _Problem) -> DepthLaw | None:
    """m = 1 exactly: a power law."""
    if q.fixed is None or not q.slope_is(1):
        return None
    found = parabolic(q.T, 1, q.fixed, q.start, q.prec)
    return None if found is None else _algebraic(q, q.T, found, 1)


def _flipped(q: _Problem) -> DepthLaw | None:
    """m = −1 exactly: T² is parabolic."""
    if q.fixed is None or not q.slope_is(-1):
        return None
    found = parabolic(q.T, 2, q.fixed, q.start, q.prec)
    return None if found is None else _algebraic(q, q.T.iterate(2), found, 2)


def _algebraic(q: _Problem, T: LayerMap, w: Parabolic, period: int) -> DepthLaw:
    power: Any = Rational(w.p + 1, w.p)
    by = Proved(f"balls of {q.prec} bits")
    h = Symbol("h", positive=True)
    zone = sympy.ceiling(Enclosure.of_ball(w.zone.upper()).hi * 1000) / 1000
    name = "T" if period == 1 else "T∘T"
    steps = [
        Step(
            Eq(sympy.Function("T")(w.at), w.at),
            f"{w.at} is a fixed point of T with slope {'1' if period == 1 else '-1'}",
            Proved("exact algebra"),
        ),
        Step(
            Eq(Symbol(f"c_{w.p + 1}"), w.taylor[w.p + 1]),
            f"the first coefficient of {name} past the linear one",
            Proved("exact algebra"),
            (1,),
        ),
        Step(
            Lt(w.side * (sympy.Function("S")(w.at + w.side * h) - w.at), h),
            f"the coefficient of h^{w.p + 1} "
            f"of S = {name} is negative on the whole zone and S' > 0 there, so the orbit, "
            f"which enters it at step {w.steps}, decreases to the fixed point",
            by,
            (2,),
            (h <= zone,),
        ),
    ]
    exact = _exact_law(q, w) if period == 1 else None
    if exact is not None:
        first = (w.side * (q.at - w.at)) ** (-(w.p + 1)) * (w.p * w.a) ** (-power)
        steps.append(
            Step(
                Eq(P(N), exact),
                "1/h^p grows by exactly p a each layer",
                Proved("exact algebra"),
                (1, 2),
            )
        )
        fact = q.fact(Eq(P(N), exact), steps, "translation in u = h^(-p)")
        return DepthLaw("algebraic", fact, w.at, 1, S.One, -power, (first,), S.Zero, exact)
    ball = leading_constant(T, w, q.start, _NEUTRAL_STEPS, q.prec)
    with precision(q.prec):
        ball *= constant(Rational(period) ** power, q.prec)
    leading = Enclosure.of_ball(ball)
    constants = (leading,) if period == 1 else (leading, Enclosure.of_ball(-ball))
    statement = Contains(
        Limit(P(period * N) * (period * N) ** power, N, sympy.oo), leading.decimal()
    )
    steps.append(
        Step(
            statement,
            "the defects of P_n/h_n^(p+1) are summed between two integrals",
            Proved(f"balls of {q.prec} bits and the lemma of the parabolic case"),
            (1, 2, 3),
        )
    )
    fact = q.fact(statement, steps, "Milnor 2006, lemma 10.1; de Bruijn 1981, section 8.6")
    multiplier = S.One if period == 1 else S.NegativeOne
    return DepthLaw(
        "algebraic",
        fact,
        w.at,
        period,
        multiplier**period,
        -power,
        constants,
        _log_term(w) if period == 1 else None,
    )


def _log_term(w: Parabolic) -> Expr | None:
    """The coefficient of log(n)/n: −((p+1)/p) γ/α² of u' = u + α + γ/u + ..., where it is first."""
    h = Symbol("h", positive=True)
    quotient = sum(c * h**k for k, c in enumerate(w.taylor[1 : 2 * w.p + 2]))
    inverse = sympy.series(quotient ** (-w.p), h, 0, 2 * w.p + 1).removeO()
    steps = sympy.Poly(inverse, h).all_coeffs()[::-1]
    between = steps[w.p + 1 : 2 * w.p]
    if any(sympy.expand(c) != 0 for c in between):
        return None
    gamma = steps[2 * w.p] if len(steps) > 2 * w.p else S.Zero
    alpha = w.p * w.a
    return -Rational(w.p + 1, w.p) * sympy.nsimplify(gamma) / alpha**2


def _exact_law(q: _Problem, w: Parabolic) -> Expr | None:
    """P_n = (1 + n p a h^p)^{-(p+1)/p} where T is a translation in u = h^{-p} and z¹ there."""
    start = w.side * (q.at - w.at)
    if sign(start) <= 0 or not is_translation(w):
        return None
    return (1 + N * w.p * w.a * start**w.p) ** (-Rational(w.p + 1, w.p))


def _superattracting(q: _Problem) -> DepthLaw | None:
    """T'(r) = 0 exactly at an attracting fixed point: |h_{n+1}| ~ c |h_n|^k with k ≥ 2."""
    r = q.fixed
    if r is None or not q.slope_is(0):
        return None
    with precision(q.prec):
        at = constant(r, q.prec)
        for steps, (z, _) in enumerate(islice(q.T.orbit(q.start, q.prec), 64)):
            basin = at + arb(0, 2 * (z - at).abs_upper() + arb(2) ** (-q.prec))
            rho = q.T.slope_at(basin, q.prec).abs_upper()
            if rho < 1:
                claim = Le(sympy.Abs(_SLOPE(_Z(_K))), Enclosure.of_ball(rho).decimal().sup)
                derivation = [
                    Step(
                        Eq(_SLOPE(r), 0),
                        f"{r} is a fixed point with slope 0",
                        Proved("exact algebra"),
                    ),
                    Step(
                        claim,
                        f"z_{steps} lies in a ball around it that T contracts",
                        Proved(f"balls of {q.prec} bits"),
                        (1,),
                    ),
                    Step(
                        Eq(Limit(P(N) / Symbol("q", positive=True) ** N, N, sympy.oo), 0),
                        "the factors T'(z_k) tend to T'(r) = 0",
                        Proved("the mean of a null sequence"),
                        (1, 2),
                    ),
                ]
                fact = q.fact(
                    derivation[-1].claim, derivation, "Milnor 2006, theorem 9.1 (Böttcher)"
                )
                return DepthLaw("superattracting", fact, r, 1, S.Zero)
    return None


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
            found = _slope_beyond(q, edge, side)
            if found is not None:
                return _exploding(q, edge, side, steps, found)
    return None


def _slope_beyond(q: _Problem, edge: Any, side: int) -> tuple[Expr | Enclosure, Fact] | None:
    beyond = Interval(edge, sympy.oo) if side > 0 else Interval(-sympy.oo, edge)
    lowest = extrema(q.T.slope, beyond, x=q.T.z)
    value = lowest.inf.value
    low = value.lo if isinstance(value, Enclosure) else value
    return (value, lowest.fact) if lowest.verdict and sign(low - 1) > 0 else None


def _exploding(
    q: _Problem, edge: Any, side: int, steps: int, found: tuple[Expr | Enclosure, Fact]
) -> DepthLaw:
    rho, fact = found
    low = rho.decimal().inf if isinstance(rho, Enclosure) else rho
    z = Symbol("z", real=True)
    where = z >= edge if side > 0 else z <= edge
    derivation = [
        Step(_SLOPE(z) >= low, "the infimum of the slope there", fact.verdict, (), (where,)),
        Step(
            side * (_Z(_K + 1) - _Z(_K)) > 0,
            f"z_{steps} moves away, and so does every later point since T' > 1",
            Proved(f"balls of {q.prec} bits"),
            (1,),
            (steps <= _K,),
        ),
        Step(
            sympy.Abs(P(N)) >= sympy.Abs(P(steps)) * low ** (N - steps),
            "every later factor is at least the infimum",
            Proved("exact algebra"),
            (1, 2),
            (steps <= N,),
        ),
    ]
    whole = q.fact(derivation[-1].claim, derivation, "chain rule")
    return DepthLaw("exploding", whole, multiplier=_slope_at_infinity(q, side) or rho)


def _slope_at_infinity(q: _Problem, side: int) -> Expr | None:
    """lim T' in the tail where the orbit goes, if it is a constant."""
    far = tail(q.T.slope, side * sympy.oo, terms=1, x=q.T.z)
    return far.terms[0] if far.terms and not far.terms[0].has(q.T.z) else None
