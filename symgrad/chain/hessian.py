"""The Hessian of the chain: O(L) numbers hold it, O(L) operations apply it.

With s = 1 at a skip connection and 0 elsewhere, tᵏ = sₖ + wᵏ g'ₖ, E = ∂²C/∂a² downstream:

    κʲ = Eʲ g'ⱼ² + eʲ g''ⱼ      Eʲ⁻¹ = Eʲ (tʲ)² + eʲ (wʲ)² g''ⱼ      μʲ = κʲ wʲ + sⱼ Eʲ g'ⱼ

and with u = (aʲ⁻¹, 1) for (wʲ, bʲ) and P^{ij} = g'ᵢ ∏_{i<k<j} tᵏ, for i < j

    H_{jj} = κʲ u uᵀ,      H_{ij} = P^{ij} uⁱ (μʲ uʲ + δʲ (1, 0))ᵀ.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import sympy
from flint import arb
from sympy import Eq, Expr, Symbol

from symgrad.activation import Head
from symgrad.chain.cases import And
from symgrad.chain.chain import Chain
from symgrad.chain.gradient import equal, off_kinks, partial, slope
from symgrad.chain.notation import a_, b_, delta_, e_, kappa_, put, real, z_
from symgrad.chain.state import accurate
from symgrad.errors import InputError
from symgrad.fact import Derivation, Fact, Proved, Refuted, Step, Verdict
from symgrad.render import Block, Formula, Para, Shown
from symgrad.rigor import precision

__all__ = ["Hessian", "HessianAt"]

_SOURCE = "Pearlmutter 1994, Fast exact multiplication by the Hessian; Bishop 1992, section 3"


def curvature_(l: int) -> Symbol:
    """Eˡ = ∂²C/∂(aˡ)² of the layers above l."""
    return real(f"E__{l}")


def mu_(l: int) -> Symbol:
    """μˡ, the derivative of δˡ in aˡ⁻¹."""
    return real(f"mu__{l}")


@dataclass(frozen=True)
class _Jets:
    """What holds the Hessian, by layer, as symbols or as balls; index 0 of most is unused."""

    names: tuple[str, ...]
    """The parameters: weights (w alone where they are tied), then biases."""
    kappa: Sequence[Any]
    mu: Sequence[Any]
    delta: Sequence[Any]
    slope: Sequence[Any]
    step: Sequence[Any]
    before: Sequence[Any]
    in_x: Any
    """∂²C/∂x²."""

    @property
    def depth(self) -> int:
        return len(self.kappa) - 1

    def apply(self, vector: Mapping[str, Any], zero: Any, last: int = 0) -> dict[str, Any]:
        """H v in O(L), for v by name, x among them: tangents upwards, their adjoints downwards.

        With `last` only the rows up to that layer, for a v that is zero beyond it.
        """
        for name in vector.keys() - {*self.names, "x"}:
            few = ", ".join(self.names[:6])
            raise InputError(f"an entry is named by a parameter, {few}, ..., or by x, got {name}")
        shared, layers = vector.get("w", zero), range(1, (last or self.depth) + 1)
        vw = [zero, *(vector.get(f"w__{l}", shared) for l in layers)]
        own, carried = [zero], [zero, vector.get("x", zero)]
        for l in layers:
            own.append(self.before[l] * vw[l] + vector.get(f"b__{l}", zero))
            carried.append(self.step[l] * carried[l] + self.slope[l] * own[l])
        found, above, total = dict[str, Any](), zero, zero
        for l in reversed(layers):
            row = self.kappa[l] * own[l] + self.mu[l] * carried[l] + self.slope[l] * above
            found[f"b__{l}"] = row
            found[f"w__{l}"] = self.before[l] * row + self.delta[l] * carried[l]
            total += found[f"w__{l}"]
            above = self.step[l] * above + self.mu[l] * own[l] + self.delta[l] * vw[l]
        found |= {"w": total, "x": self.in_x * carried[1] + above}
        return found

    def _entry(self, p: Any, q: Any, one: Any) -> Any:
        """∂²C/∂p∂q; p and q are symbols or names."""
        row, column = (v.name if isinstance(v, Symbol) else str(v) for v in (p, q))
        layers = [int(n) if n.isdigit() else 0 for n in (row[3:], column[3:])]
        last = self.depth if "w" in (row, column) else max(*layers, 1)
        return self.apply({column: one * 0, row: one}, one * 0, min(last, self.depth))[column]


@dataclass(frozen=True)
class Hessian(Shown):
    """∂²C/∂θ∂θ' in the parameters θ of the chain (and x), in closed form.

    >>> from symgrad.catalogue import tanh
    >>> Chain(tanh, depth=2).hessian().entry("b__1", "b__2")
    kappa__2*w__2*tanh'(z__1)
    """

    chain: Chain

    @cached_property
    def recurrences(self) -> tuple[Eq, ...]:
        """κˡ (and Eˡ, μˡ at skip connections) from L down to 1."""
        rows: list[Any] = [
            Eq(kappa_(l), self._kappa(l), evaluate=False) for l in range(self.chain.depth, 0, -1)
        ]
        return tuple(rows)

    @cached_property
    def _claim(self) -> Any:
        return And(*self.recurrences, evaluate=False)

    def _kappa(self, l: int) -> Expr:
        chain, d1, d2 = self.chain, slope(self.chain, l), self.chain.layers[l - 1].g.d(2)(z_(l))
        if l == chain.depth:
            at = {real("a"): a_(l)}
            return put(chain.loss.daa, at) * d1**2 + put(chain.loss.da, at) * d2
        if chain.layers[l].skip:
            return curvature_(l) * d1**2 + e_(l) * d2
        w = chain.w(l + 1)
        return (w * d1) ** 2 * kappa_(l + 1) + w * d2 * delta_(l + 1)

    @cached_property
    def _jets(self) -> _Jets:
        chain, none = self.chain, sympy.S.NaN
        layers = range(1, chain.depth + 1)
        skip = [False, *(layer.skip for layer in chain.layers)]
        step = [chain.w(l) * slope(chain, l) + int(skip[l]) for l in layers]
        return _Jets(
            self.slots, [none, *map(kappa_, layers)],
            [none, *(mu_(l) if skip[l] else kappa_(l) * chain.w(l) for l in layers)],
            [none, *map(delta_, layers)], [none, *(slope(chain, l) for l in layers)],
            [none, *step], [none, *(a_(l - 1) for l in layers)],
            curvature_(0) if skip[1] else chain.w(1) ** 2 * kappa_(1),
        )  # fmt: skip

    def entry(self, p: Any, q: Any) -> Expr:
        """∂²C/∂p∂q in κ, δ, w, g'(z), a; for a tied w the sum over the layers where it enters."""
        return self._jets._entry(p, q, sympy.S.One)

    @cached_property
    def slots(self) -> tuple[str, ...]:
        """The names of rows and columns: the weights (w alone where they are tied), the biases."""
        return tuple(s.name for s in self.chain.parameters)

    @property
    def matrix(self) -> sympy.Matrix:
        """All entries as one symbolic matrix, rows and columns as in `slots`."""
        rows = (self._jets.apply({p: sympy.S.One}, sympy.S.Zero) for p in self.slots)
        return sympy.Matrix([[row[q] for q in self.slots] for row in rows])

    def at(self, values: Mapping[Any, Any] | None = None, bits: int = 64) -> HessianAt:
        """The Hessian at exact numbers, as O(L) balls: one sweep downwards."""
        chain, state = self.chain, accurate(self.chain, self.chain.point(values), bits)
        second, none = state.curvature, arb.nan()
        kappa, mu = ([none] * (chain.depth + 1) for _ in range(2))
        with precision(state.prec):
            for l in range(chain.depth, 0, -1):
                d1, w, t = state.slope[l], state.w[l], state.step[l]
                bend = state.e[l] * state.curve[l]
                kappa[l] = second * d1 * d1 + bend
                mu[l] = second * t * d1 + bend * w
                second = second * t * t + bend * w * w
        rows = (kappa, mu, state.delta, state.slope, state.step, state.before)
        return HessianAt(self.slots, *rows, second, state.prec)

    @cached_property
    def derivation(self) -> Derivation:
        """Each layer's second derivatives checked by SymPy, then carried down the chain."""
        chain, at = self.chain, {real("a"): a_(self.chain.depth)}
        steps = [_local_step(chain, l) for l in _kinds(chain)]
        by = "SymPy differentiation of the cost"
        steps.append(Step(
            Eq(curvature_(chain.depth), put(chain.loss.daa, at), evaluate=False),
            "the second derivative of the cost",
            equal(chain.loss.daa, off_kinks(chain.loss.formula.diff(real("a"), 2)), by),
        ))  # fmt: skip
        steps.append(Step(
            self._claim,
            "what lies above a layer acts on it through its second-order jet, and what lies below "
            "acts through the one number aˡ⁻¹",
            Proved("induction over the layers, from the last to the first"),
            tuple(range(1, len(steps) + 1)),
        ))  # fmt: skip
        if chain.tie_weights:
            w, i, j = real("w"), *sympy.symbols("i j", integer=True, positive=True)
            shares: Any = sympy.IndexedBase("H", real=True)
            total: Any = sympy.Sum(shares[i, j], (i, 1, chain.depth), (j, 1, chain.depth))
            steps.append(Step(
                Eq(partial("C", w, w), total, evaluate=False),
                "w enters at every layer: H[i, j] are the second derivatives in the weights of the "
                "layers i and j, each held fixed while the other is moved, at equal weights",
                Proved("the sum rule, twice"), (len(steps),),
            ))  # fmt: skip
        return Derivation(tuple(steps))

    @property
    def fact(self) -> Fact:
        """The recurrences of κ as a claim."""
        return Fact("chain.hessian", self._claim, self.derivation, (), _SOURCE)

    @property
    def verdict(self) -> Verdict:
        return self.derivation.verdict

    def _blocks(self) -> Iterable[Block]:
        yield Para(
            f"The Hessian in {len(self.slots)} parameters, held by κ, δ, w g' of each layer:"
        )
        depth = self.chain.depth
        for l in range(depth, max(depth - 4, 0), -1):
            yield Formula(kappa_(l), self._kappa(l))
        p = self.slots[0]
        for q in self.slots[:2] if p != "w" or self.chain.depth <= 4 else ():
            yield Formula(partial("C", real(p), real(q)), self.entry(p, q))


def _kinds(chain: Chain) -> list[int]:
    """One layer of each kind: the same g, skip and bias give the same check."""
    found: dict[Any, int] = {}
    for l, layer in enumerate(chain.layers, 1):
        found.setdefault((layer.g, layer.skip, layer.has_bias), l)
    return list(found.values())


def _local_step(chain: Chain, l: int) -> Step:
    """The six second derivatives of G(s t + g(w t + b)) in (t, w, b), G any second-order jet."""
    layer = chain.layers[l - 1]
    t, w, b, base = real("t"), chain.w(l), b_(l), real("base")
    e, second, s = e_(l), curvature_(l), int(layer.skip)
    z = w * t + (b if layer.has_bias else 0)
    out = s * t + layer.g(z)
    jet = e * (out - base) + second * (out - base) ** 2 / 2
    d1, d2 = layer.g.d(1)(z), layer.g.d(2)(z)
    kappa, delta = second * d1**2 + e * d2, e * d1
    step = s + w * d1
    mu = second * step * d1 + e * w * d2
    claims = {
        (t, t): second * step**2 + e * w**2 * d2,
        (t, w): mu * t + delta,
        (w, w): kappa * t**2,
    }
    if layer.has_bias:
        claims |= {(t, b): mu, (w, b): kappa * t, (b, b): kappa}
    wrong = [
        pair for pair, claim in claims.items()
        if not equal(claim, put(jet.diff(*pair), {base: out}), "SymPy")
    ]  # fmt: skip
    by = "SymPy differentiation of a general second-order jet through the layer"
    verdict = equal(mu, kappa * w + s * second * d1, by)
    if wrong:
        verdict = Refuted(None, f"the second derivatives in {wrong} differ")
    at_layer = {
        layer.g.d(1)(z): slope(chain, l),
        layer.g.d(2)(z): layer.g.d(2)(z_(l)),
        t: a_(l - 1),
    }
    claim = Eq(mu_(l), put(mu, at_layer), evaluate=False)
    heads = sorted({str(h) for h in mu.atoms(Head)})
    return Step(
        claim, f"layer {l}: all second derivatives, in {', '.join(heads) or 'constants'}", verdict
    )


@dataclass(frozen=True)
class HessianAt(_Jets, Shown):
    """The Hessian at one point: `kappa`, `mu`, `delta`, `slope`, `step`, `before` by layer."""

    prec: int

    def entry(self, p: Any, q: Any) -> arb:
        """∂²C/∂p∂q, enclosed, in O(L)."""
        with precision(self.prec):
            return self._entry(p, q, arb(1))

    def product(self, v: Mapping[str, Any] | Sequence[Any]) -> dict[str, arb]:
        """H v in O(L); v by name or in the order of `names`."""
        if not isinstance(v, Mapping) and len(v) != len(self.names):
            raise InputError(f"a vector has {len(self.names)} entries here, got {len(v)}")
        vector = v if isinstance(v, Mapping) else dict(zip(self.names, v, strict=True))
        with precision(self.prec):
            found = self.apply({name: arb(value) for name, value in vector.items()}, arb(0))
        return {name: found[name] for name in self.names}

    def dense(self) -> list[list[arb]]:
        """All entries; O(L²) numbers."""
        return [list(self.product({p: 1}).values()) for p in self.names]

    def _blocks(self) -> Iterable[Block]:
        yield Para(
            f"The Hessian at a point, {len(self.names)} parameters, from {6 * self.depth} numbers."
        )
