"""Independent random weights: the Lyapunov exponent of δ, its spread, the chance of a dead chain.

log|δ¹/δᴸ| = Σ log|w^{k+1} g'(z^k)| over n = L − 1 layers. Where the terms are independent with mean
λ and variance v, the strong law gives log|P_n|/n → λ (the typical size e^{λn}) and the central
limit theorem a spread of √(v n); the mean square (E w²g'²)ⁿ belongs to rare large products and is
another number: E log|w| ≤ log(E w²)/2 by Jensen's inequality (Hanin, Nica 2020, Products of many
large random matrices and gradients in deep neural networks).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy
from sympy import EulerGamma, Expr, Rational, S, log, pi, sqrt

from symgrad.activation import Univariate, univariate
from symgrad.bounds import extrema
from symgrad.depth.law import N, P
from symgrad.depth.map import exact_number
from symgrad.errors import InputError
from symgrad.fact import Derivation, Evidence, Fact, Proved, Result, Step, Undecided
from symgrad.pieces import branches
from symgrad.render import Block, Para
from symgrad.rigor import sign

__all__ = [
    "RandomLaw",
    "Weights",
    "constant_weight",
    "initialisations",
    "normal",
    "random_law",
    "signs",
    "simulate",
    "uniform",
]

LAMBDA = sympy.Symbol("lambda", real=True)


@dataclass(frozen=True)
class Weights:
    """A law of one weight, symmetric or not, by its moments: E log|w|, Var log|w| and E w².

    >>> normal(1).mean_log
    -log(2)/2 - EulerGamma/2
    """

    name: str
    mean_log: Expr
    var_log: Expr
    mean_square: Expr
    symmetric: bool
    sample: Callable[[np.random.Generator, int], np.ndarray]
    density: Callable[[Expr], Expr] | None = None
    scale: Expr = S.One


def normal(s: Any) -> Weights:
    """w ~ N(0, s²): E log|w| = log s − (γ + log 2)/2, Var log|w| = π²/8."""
    s = _positive(s, "the standard deviation s")
    return Weights(
        f"N(0, {s}^2)",
        log(s) - (EulerGamma + log(2)) / 2,
        pi**2 / 8,
        s**2,
        True,
        lambda rng, n: float(s) * rng.standard_normal(n),
        lambda w: sympy.exp(-(w**2) / (2 * s**2)) / (s * sqrt(2 * pi)),
        s,
    )


def uniform(a: Any) -> Weights:
    """w uniform on (−a, a): E log|w| = log a − 1, Var log|w| = 1, E w² = a²/3."""
    a = _positive(a, "the half width a")
    return Weights(
        f"U(-{a}, {a})",
        log(a) - 1,
        S.One,
        a**2 / 3,
        True,
        lambda rng, n: rng.uniform(-float(a), float(a), n),
        lambda w: sympy.Piecewise((1 / (2 * a), sympy.Abs(w) < a), (0, True)),
        a,
    )


def signs(c: Any = 1) -> Weights:
    """w = ±c with equal chance."""
    c = _positive(c, "the size c")
    return Weights(
        f"±{c}",
        log(c),
        S.Zero,
        c**2,
        True,
        lambda rng, n: float(c) * rng.choice([-1.0, 1.0], n),
        scale=c,
    )


def constant_weight(w: Any) -> Weights:
    """The weight w itself, not random."""
    w = exact_number(w, "the weight")
    size = _positive(abs(w), "the size of the weight")
    sample = lambda rng, n: np.full(n, float(w))
    return Weights(f"w = {w}", log(size), S.Zero, size**2, False, sample, scale=size)


def initialisations() -> tuple[Weights, ...]:
    """The usual ways to draw a weight where fan-in is 1, and the critical one of a linear chain.

    N(0, 1) is LeCun's and Glorot's, N(0, 2) He's; ±√3 is the uniform law with E w² = 1.
    """
    critical = sqrt(2) * sympy.exp(EulerGamma / 2)
    return (
        constant_weight(1),
        normal(1),
        normal(sqrt(2)),
        uniform(sqrt(3)),
        signs(1),
        normal(critical),
    )


def _positive(value: Any, name: str) -> Expr:
    number = exact_number(value, name)
    if sign(number) <= 0:
        raise InputError(f"{name} must be positive, got {value}")
    return number


@dataclass(frozen=True, slots=True)
class RandomLaw(Result):
    """log|P_n| ≈ λ n ± √(v n) where P_n ≠ 0, and P(P_n ≠ 0) = `alive`ⁿ.

    `exponent` is λ, `variance` is v, `mean_square` the factor of E P_n² per layer; None where
    unknown. `critical_scale` is the scale of the weights at which λ = 0.
    """

    weights: Weights
    name: str
    exponent: Expr | None
    variance: Expr | None
    mean_square: Expr | None
    alive: Expr
    fact: Fact

    @property
    def critical_scale(self) -> Expr | None:
        """The scale s of the weights with λ(s) = 0: λ is log s plus a constant."""
        if self.exponent is None:
            return None
        return sympy.exp(log(self.weights.scale) - self.exponent)

    def _blocks(self) -> Iterable[Block]:
        yield Para(f"Weights {self.weights.name}, activation {self.name}.")
        if self.exponent is not None:
            shown = sympy.N(self.exponent, 10)
            yield Para("typical: log|P_n|/n tends to ", self.exponent, f" = {shown}")
        if self.variance is not None:
            yield Para("variance of log|P_n| per layer: ", self.variance)
        if self.mean_square is not None:
            yield Para("mean square: E P_n^2 is the n-th power of ", self.mean_square)
        if self.alive != 1:
            yield Para("the chance that P_n is not zero is the n-th power of ", self.alive)
        yield from self.fact._blocks()


def random_law(weights: Weights, g: Any, *, x: sympy.Symbol | None = None) -> RandomLaw:
    """The law of P_n = δ¹/δᴸ for independent weights and no biases.

    Proved for g homogeneous on each side of 0 (identity, ReLU, leaky ReLU, |x|), and below the
    critical scale for g with g(0) = 0 and |g'| largest at 0 (tanh, arctan, ...); measured by
    simulation, and so `Undecided`, elsewhere.

    >>> from symgrad.catalogue import identity
    >>> law = random_law(normal(1), identity)
    >>> law.critical_scale.equals(sympy.sqrt(2 * sympy.exp(sympy.EulerGamma)))
    True
    """
    f = univariate(g, x)
    slopes = _homogeneous(f)
    if slopes is not None and (weights.symmetric or slopes[0] == slopes[1]):
        return _homogeneous_law(weights, f, *slopes)
    return _contracting_law(weights, f) or _measured_law(weights, f)


def _homogeneous(f: Univariate) -> tuple[Expr, Expr] | None:
    """The slopes of g left and right of 0 where g(x) = c x on each side."""
    pieces = branches(f.elementary, f.x)
    if any(end not in (-sympy.oo, 0, sympy.oo) for d, _ in pieces for end in (d.inf, d.sup)):
        return None
    found = [
        sympy.expand(next(e for d, e in pieces if side in d) / f.x)
        for side in (S.NegativeOne, S.One)
    ]
    return None if any(slope.has(f.x) for slope in found) else (found[0], found[1])


def _homogeneous_law(weights: Weights, f: Univariate, left: Expr, right: Expr) -> RandomLaw:
    sides = sorted({abs(left), abs(right)}, key=sympy.default_sort_key)
    live = [abs(c) for c in (left, right) if c != 0]
    alive = Rational(len(live), 2)
    by = Proved("exact algebra and the strong law of large numbers")
    coin = "the sign of w is a fair coin, independent of |w|, and so is the side of every z = w a"
    steps = [
        Step(
            sympy.Eq(sympy.Symbol("c"), sympy.Tuple(left, right), evaluate=False),
            "g(x) = c x on each side of 0",
            Proved("exact algebra"),
        )
    ]
    if not live:
        steps.append(Step(sympy.Eq(P(N), 0), "g' = 0 on both sides", by, (1,)))
        fact = Fact(f"{f.name}.random", sympy.Eq(P(N), 0), Derivation(tuple(steps)))
        return RandomLaw(weights, f.name, None, None, S.Zero, alive, fact)
    mean = sum((log(c) for c in live), S.Zero) / len(live)
    spread = sum((log(c) ** 2 for c in live), S.Zero) / len(live) - mean**2
    square = weights.mean_square * (left**2 + right**2) / 2
    exponent = sympy.expand(weights.mean_log + mean)
    claim = sympy.Eq(LAMBDA, exponent)
    why = coin if len(sides) > 1 else "the slope has one size"
    steps.append(Step(claim, f"{why}; the mean of log|w g'| where it is finite", by, (1,)))
    fact = Fact(f"{f.name}.random", claim, Derivation(tuple(steps)), (), "Hanin, Nica 2020")
    variance = sympy.expand(weights.var_log + spread)
    return RandomLaw(weights, f.name, exponent, variance, square, alive, fact)


def _contracting_law(weights: Weights, f: Univariate) -> RandomLaw | None:
    """|g(z)| ≤ |g'(0) z| and λ = E log|w g'(0)| < 0: then z → 0 and g'(z) → g'(0) almost surely."""
    slope = sympy.Dummy("c")
    at_zero = f.elementary.xreplace({f.x: S.Zero}).doit()
    c: Any = f.elementary.diff(f.x).xreplace({f.x: S.Zero}).doit()
    if at_zero != 0 or c in (S.Zero, S.NaN) or len(branches(f.elementary, f.x)) > 1:
        return None
    exponent = sympy.expand(weights.mean_log + log(abs(c)))
    if sign(exponent) >= 0:
        return None
    top = extrema(sympy.Abs(f.elementary.diff(f.x)), x=f.x)
    if not top.verdict or not isinstance(top.sup.value, Expr) or sign(top.sup.value - abs(c)) != 0:
        return None
    by = Proved("exact algebra and the strong law of large numbers")
    claim = sympy.Eq(LAMBDA, exponent)
    steps = (
        Step(
            sympy.Eq(slope, c, evaluate=False), "|g'| is largest at 0, where it is c", top.verdict
        ),
        Step(
            exponent < 0,
            "|z_n| ≤ |z_0| ∏|w c|, so z → 0 almost surely, and g'(z_k) → c",
            by,
            (1,),
        ),
        Step(claim, "Cesàro: log|g'(z_k)| → log|c|", by, (1, 2)),
    )
    fact = Fact(f"{f.name}.random", claim, Derivation(steps), (), "strong law of large numbers")
    return RandomLaw(weights, f.name, exponent, weights.var_log, None, S.One, fact)


def _measured_law(weights: Weights, f: Univariate) -> RandomLaw:
    depth, samples = 400, 2000
    logs = simulate(weights, f, depth, samples, seed=0)
    finite = logs[np.isfinite(logs)] / depth
    shown = f"{finite.mean():.4f} ± {finite.std() / np.sqrt(max(1, len(finite))):.4f}"
    evidence = Evidence(
        samples, f"mean of log|P_n|/n = {shown} at n = {depth}", "simulation, seed 0"
    )
    why = "no stationary law of z is known in closed form for this activation and scale"
    step = Step(S.true, "simulation", Undecided(why), evidence=evidence)
    fact = Fact(f"{f.name}.random", S.true, Derivation((step,)), evidence=evidence)
    return RandomLaw(weights, f.name, None, None, None, S.One, fact)


def simulate(
    weights: Weights, g: Any, depth: int, samples: int, *, seed: int = 0, start: float = 1.0
) -> np.ndarray:
    """log|P_n| of `samples` random chains without biases, n = `depth`, −inf where P_n = 0."""
    from symgrad.kernels import lambdify

    f = g if isinstance(g, Univariate) else univariate(g)
    value = lambdify(f.x, f.elementary)
    slope = lambdify(f.x, f.elementary.diff(f.x))
    rng = np.random.default_rng(seed)
    z, total = np.full(samples, start), np.zeros(samples)
    for _ in range(depth):
        w = weights.sample(rng, samples)
        with np.errstate(divide="ignore"):  # log 0 = −inf is what a dead chain is
            total += np.log(np.abs(w)) + np.log(np.abs(slope(z)))
        z = w * value(z)
    return total
