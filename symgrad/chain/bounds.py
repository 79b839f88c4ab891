"""Bounds on δˡ, proved: at all points, beyond a distance, in a box, by the signal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import sympy
from flint import arb
from sympy import Abs, Basic, Expr, Interval, Mul, Reals, S, Symbol

from symgrad.activation import X
from symgrad.bounds import Extrema, extrema, saturation, signs
from symgrad.bounds.numbers import compare
from symgrad.chain.chain import Chain
from symgrad.chain.gradient import slope
from symgrad.chain.layer import Layer
from symgrad.chain.notation import a_, delta_, e_, exact, real, z_
from symgrad.chain.state import run
from symgrad.errors import InputError, SymgradError, UndecidedError
from symgrad.fact import Derivation, Fact, Proved, Result, Step, Undecided, Verdict
from symgrad.render import Block, Formula, Para
from symgrad.rigor import constant, interval, lower, precision, upper
from symgrad.rigor.constants import exact as as_rational

__all__ = ["DeltaBound", "Threshold", "bound", "box_bound", "signal_bound", "threshold"]

# SymPy's relations are typed more narrowly than they are used.
And: Any = sympy.And
Eq: Any = sympy.Eq
Ge: Any = sympy.Ge
Le: Any = sympy.Le
Ne: Any = sympy.Ne

_PRODUCT = "Hochreiter 1991, section 4; Bengio, Simard, Frasconi 1994, theorem 1"


@dataclass(frozen=True)
class DeltaBound(Result):
    """`lower` ≤ `value` ≤ `upper`, proved by `fact`, under its conditions.

    `value` is |δˡ| (or another quantity that `fact` names).
    """

    value: Expr
    lower: Expr
    upper: Expr
    fact: Fact

    def _blocks(self) -> Iterable[Block]:
        yield from self.fact._blocks()


@lru_cache(maxsize=512)


def _slopes(layer: Layer, beyond: Expr | None) -> tuple[Expr, Expr, tuple[Step, ...]]:
    """inf |g'| and sup |g'| over ℝ, or over |z| ≥ beyond, with their proofs."""
    whole = [Reals] if beyond is None else [
        Interval(-sympy.oo, -beyond), Interval(beyond, sympy.oo)
    ]  # fmt: skip
    found = [extrema(layer.g.d(1), on) for on in whole]
    highs: list[Expr] = [_largest(e.sup.value, -e.inf.value) for e in found]
    lows: list[Expr] = [_least(e) for e in found]
    d = layer.g.d(1)(X)
    steps = []
    for on, e in zip(whole, found, strict=True):
        claim = And(Le(e.inf.value, d, evaluate=False), Le(d, e.sup.value, evaluate=False))
        under = () if on is Reals else (sympy.Contains(X, on),)
        steps.append(Step(claim, "the extrema of g'", e.verdict, (), under))
    for kink in layer.kinks:
        high = _largest(*highs)
        fits = kink.slope.is_number and bool(Abs(kink.slope) <= high)
        verdict: Verdict = (
            Proved("exact numbers")
            if fits
            else Undecided(f"the stated slope {kink.slope} at the kink {kink.at} is above sup |g'|")
        )
        steps.append(Step(Le(Abs(kink.slope), high, evaluate=False), "the stated slope", verdict))
        lows.append(Abs(kink.slope))
    return sympy.Min(*lows), _largest(*highs), tuple(steps)


def _least(e: Extrema) -> Expr:
    """inf |g'|: 0 where g' changes sign, else its end nearest 0."""
    low, high = e.inf.value, e.sup.value
    if low is S.NaN:
        return S.Zero
    return low if bool(low >= 0) else -high if bool(high <= 0) else S.Zero


def _largest(first: Expr, *others: Expr) -> Expr:
    """The largest of exact numbers, as one of them; oo where one is not known."""
    best = first
    for other in others:
        if S.NaN in (best, other) or S.Infinity in (best, other):
            return S.Infinity
        try:
            best = best if compare(best, other) >= 0 else other
        except UndecidedError:
            return sympy.Max(first, *others)
    return best


def bound(chain: Chain, l: int, beyond: Any = None) -> DeltaBound:
    """∏|wᵏ| ∏ inf|g'ₖ| |δᴸ| ≤ |δˡ| ≤ ∏|wᵏ| ∏ sup|g'ₖ| |δᴸ|; with `beyond` = Z where all |zᵏ| ≥ Z.

    A skip connection turns the factor |w| sup|g'| into 1 + |w| sup|g'|, and its lower bound into
    max(0, 1 − |w| sup|g'|).

    >>> from symgrad.catalogue import sigmoid
    >>> bound(Chain(sigmoid, depth=3), 1).upper
    Abs(delta__3)*Abs(w__2)*Abs(w__3)/16
    """
    l, depth = chain._index(l), chain.depth
    start = None if beyond is None else exact(beyond, "the distance Z")
    if start is not None and start.is_nonnegative is not True:
        raise InputError(f"the distance Z from which |z| is counted is not negative, got {beyond}")
    if l == depth:
        return _last(chain, start)
    steps: list[Step] = []
    known: set[Layer] = set()
    high, low = S.One, S.One
    end = e_(depth) if chain.layers[-1].skip else delta_(depth)
    for k in range(l, depth + 1):
        layer = chain.layers[k - 1].bare
        if k == depth and not layer.skip:
            high, low = high * Abs(chain.w(k)), low * Abs(chain.w(k))
            continue
        least, most, found = _slopes(layer, start)
        if layer not in known:
            known.add(layer)
            steps += found
        weight = S.One if k == l else Abs(chain.w(k))
        if layer.skip and k > l:
            high, low = high * (1 + weight * most), low * sympy.Max(0, 1 - weight * most)
        else:
            high, low = high * weight * most, low * weight * least
    value, tail = Abs(delta_(l)), Abs(end)
    upper_, lower_ = high * tail, low * tail
    product = Mul(*chain.delta(l).factors)
    under = () if start is None else tuple(
        Ge(Abs(z_(k)), start, evaluate=False) for k in range(l, depth)
    )  # fmt: skip
    steps.append(Step(Eq(delta_(l), product, evaluate=False), "the product form of δ",
                      chain.delta(l).verdict))  # fmt: skip
    claim = And(Le(lower_, value, evaluate=False), Le(value, upper_, evaluate=False))
    if lower_ == 0:
        claim = Le(value, upper_, evaluate=False)
    steps.append(Step(claim, "each factor of the product is bounded", Proved("monotone product"),
                      tuple(range(1, len(steps) + 1)), under))  # fmt: skip
    name = f"chain.delta.{l}.bound" + ("" if start is None else f"[|z|>={start}]")
    return DeltaBound(
        value, lower_, upper_, Fact(name, claim, Derivation(tuple(steps)), under, _PRODUCT)
    )


def _last(chain: Chain, start: Expr | None) -> DeltaBound:
    """δᴸ itself: the residual times the last slope."""
    depth = chain.depth
    least, most, steps = _slopes(chain.layers[-1].bare, start)
    residual = Abs(chain.loss.da.xreplace({real("a"): a_(depth)}))  # type: ignore[arg-type]
    value = Abs(delta_(depth))
    claim: Any = Le(value, residual * most, evaluate=False)
    if least != 0:
        claim = And(Le(residual * least, value, evaluate=False), claim)
    under = () if start is None else (Ge(Abs(z_(depth)), start, evaluate=False),)
    given = tuple(range(1, len(steps) + 1))
    last = Step(
        claim, f"δ = ∂c/∂a · {slope(chain, depth)}", Proved("monotone product"), given, under
    )
    fact = Fact(f"chain.delta.{depth}.bound", claim, Derivation((*steps, last)), under, _PRODUCT)
    return DeltaBound(value, residual * least, residual * most, fact)


def box_bound(
    chain: Chain, box: Mapping[Any, Any], of: str = "delta__1", bits: int = 64
) -> DeltaBound:
    """Enclosure of δˡ (or w__l, b__l, x: a gradient; C: the cost) where every symbol lies in a box.

    `box` gives (lo, hi) or a number for each symbol, by symbol or name; `w` and `b` alone stand for
    all layers. Raises `InputError` for what is missing, unknown, or upside down.
    """
    sides = _sides(chain, box)
    with precision(bits):
        balls = {
            s: interval(constant(lo, bits), constant(hi, bits)) for s, (lo, hi) in sides.items()
        }
    state = run(chain, balls, bits, pieces=64)
    letter, _, number = of.partition("__")
    l = chain._index(int(number)) if number.isdigit() else 0
    with precision(bits):
        found: arb | None = {
            "delta": state.delta[l], "b": state.delta[l], "w": state.delta[l] * state.before[l],
            "x": state.e[0], "C": state.cost,
        }.get(letter)  # fmt: skip
    if found is None or (l == 0 and letter in "deltawb"):
        raise InputError(f"a bound is of delta__l, w__l, b__l, x or C, got {of!r}")
    value: Expr = delta_(l) if letter in ("delta", "b") else sympy.Derivative(
        sympy.Function("C", real=True)(real(of)), real(of), evaluate=False
    ) if letter != "C" else real("C")  # fmt: skip
    under = tuple(_inside(s, lo, hi) for s, (lo, hi) in sides.items())
    if found.is_finite():
        with precision(bits):
            lo, hi = as_rational(lower(found)), as_rational(upper(found))
        verdict: Verdict = Proved("ball arithmetic through the chain, outward rounding")
    else:
        lo, hi = -sympy.oo, sympy.oo
        verdict = Undecided("the box is too wide for ball arithmetic; make it smaller or cut it")
    claim = And(Le(lo, value, evaluate=False), Le(value, hi, evaluate=False))
    step = Step(claim, "forward and backward sweep on balls", verdict, (), under)
    source = "Moore, Kearfott, Cloud 2009, Introduction to Interval Analysis, theorem 5.1"
    return DeltaBound(
        value, lo, hi, Fact(f"chain.{of}.box", claim, Derivation((step,)), under, source)
    )


def _sides(chain: Chain, box: Mapping[Any, Any]) -> dict[Symbol, tuple[Expr, Expr]]:
    """(lo, hi) of every symbol of the chain."""
    ends: list[dict[Any, Any]] = [{}, {}]
    names = {s.name: s for s in chain.symbols}
    for key, value in box.items():
        name = key.name if isinstance(key, Symbol) else str(key)
        members = [name] if name in names else [n for n in names if n.startswith(f"{name}__")]
        if not members:
            raise InputError(f"the chain has no '{name}'")
        pair = value if isinstance(value, (tuple, list)) else (value, value)
        if len(pair) != 2:
            raise InputError(f"the box of {name} is (lo, hi) or a number, got {value!r}")
        for member in members:
            for end, number in zip(ends, pair, strict=True):
                end[member] = number
    low, high = (chain.point(end) for end in ends)
    for s in low:
        if not bool(low[s] <= high[s]):
            raise InputError(f"the box of {s} has its ends exchanged: {low[s]} > {high[s]}")
    return {s: (low[s], high[s]) for s in low}


def _inside(s: Symbol, lo: Expr, hi: Expr) -> Basic:
    return Eq(s, lo) if lo == hi else And(Le(lo, s), Le(s, hi))


@dataclass(frozen=True)
class Threshold(Result):
    """|δ¹| ≤ eps |δᴸ| where all |wᵏ| ≤ weight: from `depth` on, or beyond |z| ≥ `distance`.

    `depth` is None where weight · sup|g'| ≥ 1: then depth alone does not make it vanish.
    `distance` (for the chain's own depth) is None where g' does not tend to 0 on both sides.
    """

    eps: Expr
    weight: Expr
    depth: int | None
    distance: Expr | None
    fact: Fact

    def _blocks(self) -> Iterable[Block]:
        yield from self.fact._blocks()
        if self.distance is not None:
            yield Para("With every |z| at least")
            yield Formula(self.distance)


def threshold(chain: Chain, eps: Any, weight: Any) -> Threshold:
    """The depth from which, and the |z| beyond which, |δ¹| ≤ eps |δᴸ| whenever all |wᵏ| ≤ weight.

    >>> from sympy import Rational
    >>> from symgrad.catalogue import sigmoid
    >>> threshold(Chain(sigmoid, depth=5), Rational(1, 10**6), 1).depth
    11
    """
    small, size = exact(eps, "eps"), exact(weight, "the weight")
    layers = {layer.bare for layer in chain.layers}
    if len(layers) > 1 or chain.layers[0].skip:
        raise InputError("the threshold is for chains of equal layers without skip connections")
    if not (small.is_positive and small < 1 and size.is_positive):
        raise InputError(f"a threshold needs 0 < eps < 1 and weight > 0, got {eps} and {weight}")
    (layer,) = layers
    _, most, steps = _slopes(layer, None)
    rate: Any = size * most
    depth, L = None, Symbol("L", integer=True, positive=True)
    ratio = Abs(delta_(1)) / Abs(Symbol("delta__L", real=True))
    if most.is_finite and bool(rate < 1):
        depth = int(sympy.ceiling(sympy.log(small) / sympy.log(rate))) + 1
        while depth > 1 and bool(rate ** (depth - 2) <= small):
            depth -= 1
    distance = _distance(chain, layer, small, size)
    claim: Basic = Le(ratio, rate ** (L - 1), evaluate=False)
    last = Step(claim, "the bound of the product form with every |w| ≤ W",
    Proved("monotone product"),
                tuple(range(1, len(steps) + 1)))  # fmt: skip
    k = Symbol("k", integer=True, positive=True)
    every_weight = Le(Abs(sympy.Indexed("w", k)), size, evaluate=False)
    every = Derivation((*steps, last))
    fact = Fact("chain.threshold", claim, every, (every_weight,), _PRODUCT)
    return Threshold(small, size, depth, distance, fact)


def _distance(chain: Chain, layer: Layer, eps: Expr, weight: Expr) -> Expr | None:
    if chain.depth < 2:
        return None
    each: Any = sympy.root(eps, chain.depth - 1) / weight
    if not each.is_Rational:  # a short rational below it: the threshold stays a sure one
        with precision(40):
            each = as_rational((constant(each, 40) * (1 - arb(2) ** -30)).lower())
    ends = []
    for toward, side in ((sympy.oo, 1), (-sympy.oo, -1)):
        try:
            found = saturation(layer.g, each, toward)
        except SymgradError:
            return None
        if not found.verdict or found.value is None:
            return None
        ends.append(side * found.value)
    return _largest(S.Zero, *ends)


def signal_bound(chain: Chain) -> DeltaBound:
    """|∏_{k<L} wᵏ⁺¹ g'ₖ(zᵏ)| ≤ |zᴸ/z¹| for z¹ ≠ 0: no bias, and |z g'(z)| ≤ |g(z)| for every z.

    So without biases the gradient does not grow unless the signal itself does.
    """
    if (
        any(layer.has_bias or layer.skip for layer in chain.layers[:-1])
        or chain.layers[-1].has_bias
    ):
        raise InputError("this bound is for chains without biases and without skip connections")
    depth = chain.depth
    steps = [
        step
        for layer in dict.fromkeys(k.bare for k in chain.layers[:-1])
        for step in _contracts(layer)
    ]
    product = Mul(*(chain.w(k + 1) * slope(chain, k) for k in range(1, depth)))
    value, upper_ = Abs(product), Abs(z_(depth) / z_(1))
    claim = Le(value, upper_, evaluate=False)
    steps.append(Step(
        claim, "|w g'(z)| ≤ |w g(z)/z| = |next z / z| for each layer, and the product telescopes; "
        "once a z is zero both sides are zero", Proved("telescoping product"),
        tuple(range(1, len(steps) + 1)), (Ne(z_(1), 0),),
    ))  # fmt: skip
    fact = Fact(
        "chain.signal", claim, Derivation(tuple(steps)), (Ne(z_(1), 0),), "docs/theorems/chain"
    )
    return DeltaBound(value, S.Zero, upper_, fact)


def _contracts(layer: Layer) -> list[Step]:
    """|z g'(z)| ≤ |g(z)|: g − z g' and g + z g' have one and the same sign on each side of 0."""
    g, h = layer.g(X), X * layer.g.d(1)(X)
    claim = Le(Abs(h), Abs(g), evaluate=False)
    found: list[Step] = []
    together: list[dict[int, set[int]]] = []
    for difference in (g - h, g + h):
        sides: dict[int, set[int]] = {1: set(), -1: set()}
        try:
            chart = signs(difference, x=X)
        except SymgradError as why:
            return [Step(claim, f"the sign of {difference}", Undecided(str(why)))]
        for on, sign in chart.rows:
            if on.sup > 0:
                sides[1].add(sign)
            if on.inf < 0:
                sides[-1].add(sign)
        found.append(Step(chart.fact.statement, f"the sign of {difference}", chart.verdict))
        together.append(sides)
    holds = all(len((together[0][s] | together[1][s]) - {0}) <= 1 for s in (1, -1))
    verdict: Verdict = (
        Proved("a² − b² = (a − b)(a + b)")
        if holds
        else Undecided(f"|z g'(z)| ≤ |g(z)| fails somewhere for {layer.g}")
    )
    return [*found, Step(claim, "g² − z²g'² is the product of both", verdict, (), ())]
