"""Independent random weights: the Lyapunov exponent of δ, its spread, the chance of a dead chain.

log|δ¹/δᴸ| = Σ log|w^{k+1} g'(z^k)| over n = L − 1 layers. Where the terms are independent with mean
λ and variance v, the strong law gives log|P_n|/n → λ (the typical size e^{λn}) and the central
limit theorem a spread of √(v n); the mean square (E w²g'²)ⁿ belongs to rare large products and is
another number: E log|w| ≤ log(E w²)/2 by Jensen's inequality (Hanin, Nica 2020, Products of many
large random matrices and gradients in deep neural networks).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy
from sympy import EulerGamma, Expr, Rational, S, log, pi, sqrt

from symgrad.activation import Univariate, univariate
from symgrad.bounds import extrema
from symgrad.bounds.closed import identically_zero
from symgrad.depth.find import depth_law
from symgrad.depth.law import DepthLaw, N, P
from symgrad.depth.map import exact_number
from symgrad.depth.mean import Mean, log_size
from symgrad.errors import InputError, UndecidedError
from symgrad.fact import Derivation, Evidence, Fact, Proved, Result, Step, Undecided
from symgrad.kernels import lambdify
from symgrad.pieces import branches
from symgrad.render import Block, Para, Shown, Table, line
from symgrad.rigor import sign
from symgrad.tails import tail

__all__ = [
    "Comparison",
    "RandomLaw",
    "Weights",
    "compare_initialisations",
    "constant_weight",
    "distributed",
    "initialisations",
    "normal",
    "random_law",
    "sampled",
    "signs",
    "simulate",
    "uniform",
]

ALGEBRA = Proved("exact algebra")
LAMBDA = sympy.Symbol("lambda", real=True)


@dataclass(frozen=True)
class Weights:
    """A law of one weight by its moments E log|w|, Var log|w|, E w² (None where not known).

    `scale` is the s of a family s·w; `sample` draws n weights with a NumPy generator.

    >>> normal(1).mean_log
    -log(2)/2 - EulerGamma/2
    """

    name: str
    mean_log: Expr | None
    var_log: Expr | None
    mean_square: Expr | None
    symmetric: bool
    sample: Callable[[np.random.Generator, int], np.ndarray] | None
    density: Callable[[Expr], Expr] | None = None
    scale: Expr = S.One


def normal(s: Any) -> Weights:
    """w ~ N(0, s²): E log|w| = log s − (γ + log 2)/2, Var log|w| = π²/8."""
    s = _positive(s, "the standard deviation s")
    return Weights(
        f"N(0, {line(s**2)})",
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
        f"U(-{line(a)}, {line(a)})",
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
    draw = lambda rng, n: float(c) * rng.choice([-1.0, 1.0], n)
    return Weights(f"±{c}", log(c), S.Zero, c**2, True, draw, scale=c)


def constant_weight(w: Any) -> Weights:
    """The weight w itself, not random."""
    w = exact_number(w, "the weight")
    size = _positive(abs(w), "the size of the weight")
    draw = lambda rng, n: np.full(n, float(w))
    return Weights(f"w = {w}", log(size), S.Zero, size**2, False, draw, scale=size)


def distributed(
    density: Expr,
    w: sympy.Symbol,
    on: Any = S.Reals,
    *,
    name: str = "",
    sample: Callable[[np.random.Generator, int], np.ndarray] | None = None,
) -> Weights:
    """Weights with a density of your own on an interval; the moments are proved enclosures.

    `sample(generator, n)` is needed for simulation alone. E w² is oo where it is shown to be,
    None where that is not decided.

    Raises `InputError` where the density is negative somewhere or its mass is not 1.

    >>> w = sympy.Symbol("w", real=True)
    >>> distributed(sympy.exp(-sympy.Abs(w)) / 2, w).mean_log
    -0.577215664901533

    Source: adaptive Taylor quadrature in balls, remainders by Lagrange and the tail engine.
    """
    mass = Mean(S.One, density, w, on).enclose()
    if S.One not in mass:
        raise InputError(f"a density has mass 1, got {density} with mass {mass}")
    lowest = extrema(density, on, x=w)
    if not lowest.verdict or sign(lowest.inf.value) < 0:
        raise InputError(f"a density is at least 0, and {density} is not shown to be")
    size = log_size(w)
    mean = Mean(size, density, w, on)
    square: Expr | None = Mean(w**2, density, w, on)
    try:
        square.enclose()
    except UndecidedError:
        ends = [end for end in (on.inf, on.sup) if end.is_infinite]
        far = [tail(density * w**3, end, terms=1, x=w) for end in ends]
        diverges = any(t.verdict and t.tail_class.kind in ("constant", "growing") for t in far)
        square = S.Infinity if diverges else None
    even = identically_zero(density - density.xreplace({w: -w}), w) and on == _mirror(on)
    spread = Mean(size**2, density, w, on) - mean**2
    shown = name or f"density {density}"
    at: Any = lambda v: density.xreplace({w: v})
    return Weights(shown, mean, spread, square, even, sample, at)


def sampled(name: str, sample: Callable[[np.random.Generator, int], np.ndarray]) -> Weights:
    """Weights of which a sampler alone is known: every law of theirs is measured, none proved."""
    return Weights(name, None, None, None, False, sample)


def _mirror(on: Any) -> Any:
    return sympy.Interval(-on.sup, -on.inf, on.right_open, on.left_open)


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
    unknown. `equal_layers` is the law of P_n itself where all weights have one size.
    `critical_scale` is the scale of the weights at which λ = 0.
    """

    weights: Weights
    name: str
    exponent: Expr | None
    variance: Expr | None
    mean_square: Expr | None
    alive: Expr
    fact: Fact
    equal_layers: DepthLaw | None = None

    @property
    def critical_scale(self) -> Expr | None:
        """The scale s of the weights with λ(s) = 0, where λ is log s plus a constant."""
        moved = self.equal_layers is not None and self.equal_layers.fixed_point not in (None, 0)
        if self.exponent is None or moved:
            return None
        return sympy.exp(log(self.weights.scale) - self.exponent)

    def dead(self, n: int) -> Expr:
        """The chance that P_n = 0 after n layers."""
        return 1 - self.alive**n

    def _blocks(self) -> Iterable[Block]:
        yield Para(f"Weights {self.weights.name}, activation {self.name}.")
        if self.exponent is not None:
            shown = f" = {sympy.N(self.exponent, 10)}" if not self.exponent.is_Number else ""
            yield Para("typical: log|P_n|/n tends to ", self.exponent, shown)
        if self.variance is not None:
            yield Para("variance of log|P_n| per layer: ", self.variance)
        if self.mean_square is not None:
            yield Para(
                "mean square, ruled by rare large products: E P_n^2 is the n-th power of ",
                self.mean_square,
            )
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
    if weights.mean_log is None or weights.var_log is None:
        return _measured_law(weights, f)
    slopes = _homogeneous(f)
    if slopes is not None and (weights.symmetric or slopes[0] == slopes[1]):
        return _homogeneous_law(weights, f, *slopes)
    return _one_size_law(weights, f) or _contracting_law(weights, f) or _measured_law(weights, f)


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
    square = None if weights.mean_square is None else weights.mean_square * (left**2 + right**2) / 2
    exponent = sympy.expand(weights.mean_log + mean)
    claim = sympy.Eq(LAMBDA, exponent)
    why = coin if len(sides) > 1 else "the slope has one size"
    steps.append(Step(claim, f"{why}; the mean of log|w g'| where it is finite", by, (1,)))
    fact = Fact(f"{f.name}.random", claim, Derivation(tuple(steps)), (), "Hanin, Nica 2020")
    variance = sympy.expand(weights.var_log + spread)
    return RandomLaw(weights, f.name, exponent, variance, square, alive, fact)


def _one_size_law(weights: Weights, f: Univariate) -> RandomLaw | None:
    """|w| is one number c, and w > 0 or g is odd: |P_n| is that of equal layers with w = ±c."""
    odd = identically_zero(f.elementary + f.elementary.xreplace({f.x: -f.x}), f.x)
    if weights.var_log != 0 or not (odd or weights.name == f"w = {weights.scale}"):
        return None
    law = depth_law(f.expr, weights.scale)
    m = law.multiplier
    if law.kind == "undecided" or not isinstance(m, Expr) or m == 0:
        return None
    exponent = log(abs(m)) / law.period
    step = Step(
        sympy.Eq(sympy.Abs(P(N)), sympy.Abs(sympy.Function("P_c")(N)), evaluate=False),
        "all weights have one size, and their signs drop out where g is odd",
        ALGEBRA,
    )
    fact = Fact(f"{f.name}.random", law.fact.statement, Derivation((*law.derivation.steps, step)))
    square = m**2 if law.exact == m**N else None
    return RandomLaw(weights, f.name, exponent, S.Zero, square, S.One, fact, law)


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
    """log|P_n| of `samples` random chains without biases, n = `depth`, −inf where P_n = 0.

    Raises `InputError` where the weights have no sampler.
    """
    return _paths(weights, g, depth, samples, seed=seed, start=start)[-1]


def _paths(
    weights: Weights, g: Any, depth: int, samples: int, *, seed: int = 0, start: float = 1.0
) -> np.ndarray:
    """log|P_n| for n = 0, ..., `depth` (rows) and each chain (columns)."""
    if weights.sample is None:
        raise InputError(f"{weights.name} has no sampler: give sample=, a function of (rng, n)")
    if depth < 1 or samples < 1:
        raise InputError(f"depth and samples are at least 1, got {depth} and {samples}")
    f = g if isinstance(g, Univariate) else univariate(g)
    value, slope = lambdify(f.x, f.elementary), lambdify(f.x, f.elementary.diff(f.x))
    rng = np.random.default_rng(seed)
    z, rows = np.full(samples, start), np.zeros((depth + 1, samples))
    for n in range(depth):
        w = weights.sample(rng, samples)
        with np.errstate(divide="ignore"):  # log 0 = −inf is what a dead chain is
            rows[n + 1] = rows[n] + np.log(np.abs(w)) + np.log(np.abs(slope(z)))
        z = w * value(z)
    return rows


@dataclass(frozen=True, slots=True)
class Comparison(Shown):
    """The same one-neuron chain under several laws of its weights, fan-in 1.

    `laws` has one `RandomLaw` each; `measured[k][n]` is the median of log₁₀|P_n| over `samples`
    simulated chains, −inf where more than half of them are dead.
    """

    name: str
    laws: tuple[RandomLaw, ...]
    measured: tuple[tuple[float, ...], ...]
    samples: int

    def _blocks(self) -> Iterable[Block]:
        depth = len(self.measured[0]) - 1
        head = (
            "weights", "E w^2", "lambda", "factor per layer", "spread per layer", "alive",
            "mean square", f"median log10|P_{depth}|",
        )  # fmt: skip
        brief = lambda e: "not known" if e is None else str(sympy.N(e, 5))
        rows = tuple(
            (
                law.weights.name,
                brief(law.weights.mean_square),
                brief(law.exponent),
                brief(None if law.exponent is None else sympy.exp(law.exponent)),
                brief(None if law.variance is None else sqrt(law.variance)),
                brief(law.alive),
                brief(law.mean_square),
                f"{points[-1]:.2f}",
            )
            for law, points in zip(self.laws, self.measured, strict=True)
        )
        yield Table(head, rows, f"{self.name}, no biases; medians of {self.samples} chains")


def compare_initialisations(
    g: Any,
    weights: Sequence[Weights] = (),
    *,
    depth: int = 100,
    samples: int = 1000,
    seed: int = 0,
) -> Comparison:
    """The laws of δ¹/δᴸ under the usual initialisations (or those given), with medians measured.

    >>> from symgrad.catalogue import identity
    >>> found = compare_initialisations(identity, depth=10, samples=10)
    >>> [sympy.N(law.exponent, 3) for law in found.laws]
    [0, -0.635, -0.289, -0.451, 0, 0]
    """
    f = univariate(g)
    laws = tuple(random_law(w, f.expr, x=f.x) for w in weights or initialisations())
    paths = (_paths(law.weights, f, depth, samples, seed=seed) for law in laws)
    medians = (np.median(rows, axis=1) / np.log(10) for rows in paths)
    measured = tuple(tuple(float(h) for h in median) for median in medians)
    return Comparison(f.name, laws, measured, samples)
