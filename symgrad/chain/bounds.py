"""Bounds on δˡ, proved: at all points, beyond a distance, in a box, by the signal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import sympy
from flint import arb
from sympy import Abs, Basic, Expr, Interval, Mul, Reals, S, Symbol

from symgrad.activation import X, univariate
from symgrad.bounds import Extrema, extrema, saturation, signs
from symgrad.bounds.breaks import limit_at, pieces_on
from symgrad.bounds.closed import identically_zero
from symgrad.bounds.numbers import compare, is_closed
from symgrad.chain.cases import And, Eq, Ge, Le, Ne
from symgrad.chain.chain import Chain
from symgrad.chain.gradient import partial, slope
from symgrad.chain.layer import Layer
from symgrad.chain.notation import COST, a_, delta_, e_, exact, put, real, z_
from symgrad.chain.state import run
from symgrad.errors import InputError, SymgradError, UndecidedError
from symgrad.fact import Derivation, Fact, Proved, Result, Step, Undecided, Verdict
from symgrad.render import Block
from symgrad.rigor import constant, interval, lower, precision, upper
from symgrad.rigor.constants import exact as as_rational

__all__ = ["DeltaBound", "Threshold", "bound", "box_bound", "signal_bound", "threshold"]

_PRODUCT = "Hochreiter 1991, section 4; Bengio, Simard, Frasconi 1994, theorem 1"


@dataclass(frozen=True)
class DeltaBound(Result):
    """`lower` ≤ `value` ≤ `upper`, proved by `fact`, under its conditions.

    `value` is |δˡ| (or another quantity that `fact` names). A formula in a symbol Z holds for
    Z ≥ `valid_from`.
    """

    value: Expr
    lower: Expr
    upper: Expr
    fact: Fact
    valid_from: Expr = S.Zero

    def _blocks(self) -> Iterable[Block]:
        yield from self.fact._blocks()


@dataclass(frozen=True)
class _Slopes:
    """least ≤ |g'(z)| ≤ most, over ℝ or where |z| ≥ Z ≥ `since`, proved by `steps`."""

    least: Expr
    most: Expr
    steps: tuple[Step, ...]
    since: Expr = S.Zero


@lru_cache(maxsize=512)
def _slopes(layer: Layer, beyond: Expr | None) -> _Slopes:
    if beyond is not None and beyond.free_symbols:
        return _slopes_beyond(layer, beyond)
    whole = [Reals] if beyond is None else [
        Interval(-sympy.oo, -beyond), Interval(beyond, sympy.oo)
    ]  # fmt: skip
    found = [extrema(layer.g.d(1), on) for on in whole]
    high = _largest(*(end for e in found for end in (e.sup.value, -e.inf.value)))
    lows: list[Expr] = [_least(e) for e in found]
    d = layer.g.d(1)(X)
    steps = []
    for on, e in zip(whole, found, strict=True):
        under = () if on is Reals else (sympy.Contains(X, on),)
        claim = between(e.inf.value, d, e.sup.value)
        steps.append(Step(claim, "the extrema of g'", e.verdict, (), under))
    for kink in layer.kinks:
        verdict: Verdict = Proved("exact numbers")
        if not (kink.slope.is_number and bool(Abs(kink.slope) <= high)):
            why = f"the stated slope {kink.slope} at the kink {kink.at} is above sup |g'|"
            verdict = Undecided(why)
        steps.append(Step(Le(Abs(kink.slope), high, evaluate=False), "the stated slope", verdict))
        lows.append(Abs(kink.slope))
    return _Slopes(sympy.Min(*lows), high, tuple(steps))


def _slopes_beyond(layer: Layer, far: Expr) -> _Slopes:
    """For a symbol Z: beyond the last zeros of g' and g'' |g'| is monotone on either side."""
    d = layer.g.d(1)
    charts = signs(d), signs(layer.g.d(2))
    pieces = pieces_on(univariate(d), Reals)
    left, right = pieces[0].expr, pieces[-1].expr
    even = identically_zero(left.subs(X, -X) - right, X)
    ends, steps, since = list[tuple[Expr, Expr]](), list[Step](), S.Zero
    for side, row in ((1, -1), (-1, 0)):
        (on, way), (bend_on, bend) = (chart.rows[row] for chart in charts)
        for last in (on.inf, bend_on.inf) if side > 0 else (-on.sup, -bend_on.sup):
            if last.is_finite:  # a short number is enough: it need not be the least
                last = last if is_closed(last) else sympy.ceiling(100 * last.n(20)) / 100
                since = _largest(since, last)
        limit = Abs(limit_at(pieces[row].expr, X, side * sympy.oo, side))
        here = Abs(d(far if even else side * far)) if way * bend else limit
        ends.append((here, limit) if way * bend * side > 0 else (limit, here))
        claim = between(ends[-1][0], Abs(d(X)), ends[-1][1])
        because = "|g'| is monotone there, by the signs of g' and g''"
        verdict = Derivation((*charts[0].derivation, *charts[1].derivation)).verdict
        steps.append(Step(claim, because, verdict, (), (Ge(side * X, far), Ge(far, since))))
    lows, highs = zip(*ends, strict=True)
    return _Slopes(sympy.Min(*lows), sympy.Max(*highs), tuple(steps), since)


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


def between(low: Expr, value: Expr, high: Expr) -> Any:
    """low ≤ value ≤ high, without the part that says nothing."""
    upper_ = Le(value, high, evaluate=False)
    return upper_ if low == 0 else And(Le(low, value, evaluate=False), upper_)


def bound(chain: Chain, l: int, beyond: Any = None) -> DeltaBound:
    """∏|wᵏ| ∏ inf|g'ₖ| |δᴸ| ≤ |δˡ| ≤ ∏|wᵏ| ∏ sup|g'ₖ| |δᴸ|; with `beyond` = Z where all |zᵏ| ≥ Z.

    Z is a number, or a positive symbol: then the bound is a formula in Z that holds for
    Z ≥ `valid_from`. |δᴸ| itself is bounded by ∂c/∂a. A skip connection turns the factor
    |w| sup|g'| into 1 + |w| sup|g'|, and its lower bound into max(0, 1 − |w| sup|g'|).

    >>> from symgrad.catalogue import sigmoid
    >>> bound(Chain(sigmoid, depth=3), 1).upper
    Abs(delta__3)*Abs(w__2)*Abs(w__3)/16
    >>> found = bound(Chain(sigmoid, depth=2), 1, Symbol("Z", positive=True))
    >>> found.lower, found.valid_from
    (0, 0)
    """
    l, depth = chain._index(l), chain.depth
    start = None if beyond is None else exact(beyond, "the distance Z")
    if start is not None and start.is_nonnegative is not True:
        raise InputError(
            f"the distance Z from which |z| is counted is not negative, got {beyond}; "
            'for a formula in Z use Symbol("Z", positive=True)'
        )
    skip = chain.layers[-1].skip
    end: Expr = e_(depth) if skip else delta_(depth)
    if l == depth:
        end = put(chain.loss.da, {real("a"): a_(depth)})
    last = depth if skip or l == depth else depth - 1
    steps, since = dict[Step, None](), S.Zero
    highs: list[Any] = [Abs(end), *([] if last == depth else [Abs(chain.w(depth))])]
    lows = list(highs)
    for k in range(l, last + 1):
        layer = chain.layers[k - 1].bare
        slopes = _slopes(layer, start)
        steps |= dict.fromkeys(slopes.steps)
        since = _largest(since, slopes.since)
        weight = S.One if k == l else Abs(chain.w(k))
        if layer.skip and k > l:
            highs.append(1 + weight * slopes.most)
            lows.append(sympy.Max(0, 1 - weight * slopes.most))
        else:
            highs += [weight, slopes.most]
            lows += [weight, slopes.least]
    value, upper_, lower_ = Abs(delta_(l)), Mul(*highs), Mul(*lows)
    under = () if start is None else tuple(
        Ge(Abs(z_(k)), start, evaluate=False) for k in range(l, last + 1)
    )  # fmt: skip
    if since.is_positive:
        under = (*under, Ge(start, since, evaluate=False))
    product = Eq(delta_(l), Mul(*chain.delta(l).factors), evaluate=False)
    form = Step(product, "the product form of δ", chain.delta(l).verdict)
    claim = between(lower_, value, upper_)
    given = tuple(range(1, len(steps) + 2))
    every = (*steps, form, Step(claim, "each factor of the product is bounded",
                                Proved("monotone product"), given, under))  # fmt: skip
    name = f"chain.delta.{l}.bound" + ("" if start is None else f"[|z|>={start}]")
    fact = Fact(name, claim, Derivation(every), under, _PRODUCT)
    return DeltaBound(value, lower_, upper_, fact, since)


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
    state = run(chain, balls, bits, pieces=min(64, 1 + 2000 // chain.depth))
    letter, _, number = of.partition("__")
    l = chain._index(int(number)) if number.isdigit() else 0
    with precision(bits):
        found: arb | None = {
            "delta": state.delta[l], "b": state.delta[l], "w": state.delta[l] * state.before[l],
            "x": state.e[0], "C": state.cost,
        }.get(letter)  # fmt: skip
    if found is None or (l == 0 and letter in "deltawb"):
        raise InputError(f"a bound is of delta__l, w__l, b__l, x or C, got {of!r}")
    value: Expr = COST if letter == "C" else partial("C", real(of))
    if letter in ("delta", "b"):
        value = delta_(l)
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
    pairs = {k: v if isinstance(v, (tuple, list)) else (v, v) for k, v in box.items()}
    for key, pair in pairs.items():
        if len(pair) != 2:
            raise InputError(f"the box of {key} is (lo, hi) or a number, got {pair!r}")
    low, high = (chain.point({k: pair[end] for k, pair in pairs.items()}) for end in (0, 1))
    for s in low:
        if not bool(low[s] <= high[s]):
            raise InputError(f"the box of {s} has its ends exchanged: {low[s]} > {high[s]}")
    return {s: (low[s], high[s]) for s in low}


def _inside(s: Symbol, lo: Expr, hi: Expr) -> Basic:
    sides = (Le(lo, s, evaluate=False), Le(s, hi, evaluate=False))
    return Eq(s, lo) if lo == hi else And(*sides, evaluate=False)


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
    slopes = _slopes(layer, None)
    rate: Any = size * slopes.most
    L, k = (Symbol(name, integer=True, positive=True) for name in "Lk")
    ratio = Abs(delta_(1)) / Abs(Symbol("delta__L", real=True))
    claims = [Le(ratio, rate ** (L - 1), evaluate=False)]
    because = "the bound of the product form with every |w| ≤ W"
    given = tuple(range(1, len(slopes.steps) + 1))
    steps = [*slopes.steps, Step(claims[0], because, Proved("monotone product"), given)]
    depth = None
    if rate.is_finite and bool(rate < 1):
        depth = int(sympy.ceiling(sympy.log(small) / sympy.log(rate))) + 1
        while depth > 1 and bool(rate ** (depth - 2) <= small):
            depth -= 1
        claims.append(sympy.Implies(Ge(L, depth), Le(ratio, small, evaluate=False)))
        by = Proved("exact numbers: the power falls with L")
        steps.append(Step(claims[-1], f"{rate}^(L - 1) ≤ {small} first at L = {depth}", by,
                          (len(steps),)))  # fmt: skip
    distance, ends = _distance(chain.depth, layer, small, size)
    if distance is not None:
        beyond = Ge(Abs(sympy.Indexed("z", k)), distance, evaluate=False)
        own = Abs(delta_(1)) / Abs(delta_(chain.depth))
        claims.append(sympy.Implies(beyond, Le(own, small, evaluate=False)))
        first, steps = len(steps) + 1, [*steps, *ends]
        given = tuple(range(first, len(steps) + 1))
        because = f"{chain.depth - 1} factors |w g'|, each at most the root of {small}"
        steps.append(Step(claims[-1], because, Proved("monotone product"), given))
    every_weight = Le(Abs(sympy.Indexed("w", k)), size, evaluate=False)
    claim = And(*claims, evaluate=False) if len(claims) > 1 else claims[0]
    fact = Fact("chain.threshold", claim, Derivation(tuple(steps)), (every_weight,), _PRODUCT)
    return Threshold(small, size, depth, distance, fact)


def _distance(depth: int, layer: Layer, eps: Expr, weight: Expr) -> tuple[Expr | None, list[Step]]:
    """The |z| beyond which (W |g'(z)|)^(L − 1) ≤ eps, and what proves it; None where none does."""
    if depth < 2:
        return None, []
    each: Any = sympy.root(eps, depth - 1) / weight
    if not each.is_Rational:  # a short rational below it: the threshold stays a sure one
        with precision(40):
            each = as_rational((constant(each, 40) * (1 - arb(2) ** -30)).lower())
    ends, steps = list[Expr](), list[Step]()
    for toward, side in ((sympy.oo, 1), (-sympy.oo, -1)):
        try:
            found = saturation(layer.g, each, toward)
        except SymgradError:
            return None, []
        if not found.verdict or found.value is None:
            return None, []
        ends.append(side * found.value)
        because, under = f"the tail of g' toward {toward}", found.fact.under
        steps.append(Step(found.fact.statement, because, found.verdict, (), under))
    distance = _largest(S.Zero, *ends)
    if any(bool(Abs(k.at) >= distance) and bool(Abs(k.slope) > each) for k in layer.kinks):
        return None, []  # the stated slope at a kink is no limit of slopes beside it
    return distance, steps


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
    verdict: Verdict = Proved("a² − b² = (a − b)(a + b)")
    if not holds:
        verdict = Undecided(f"|z g'(z)| ≤ |g(z)| fails somewhere for {layer.g}")
    return [*found, Step(claim, "g² − z²g'² is the product of both", verdict, (), ())]
