"""Critical points without biases: zero weights, signs passed from layer to layer, one weight."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import sympy
from sympy import Expr, S

from symgrad.activation import Activation, X
from symgrad.chain.cases import (
    And,
    CriticalCase,
    Eq,
    Ne,
    Or,
    ZeroCount,
    nonzero,
    sided,
)
from symgrad.chain.chain import Chain
from symgrad.chain.layer import Layer
from symgrad.chain.notation import a_, delta_, put, z_
from symgrad.chain.path import Path
from symgrad.errors import UndecidedError
from symgrad.fact import Proved, Step

if TYPE_CHECKING:
    from symgrad.chain.critical import Cases

__all__ = ["one_weight", "pairs", "signed", "signs_of"]

_T2 = Proved("theorem 2a: C − C₀ is a product of the weights to first order")
_T2B = Proved("theorem 2b: without biases the sign of aᴸ is that of a product of weights")
_T2C = Proved("theorem 2c: C is a function of the one weight")
MOST_NESTED = 3
"""The depth up to which a chain of one weight is taken as one function of it."""


def pairs(cases: Cases, j: int, above: Any, given: list[Step]) -> Iterator[CriticalCase]:
    """wʲ = 0 and weights below: two zero weights are a strict saddle, more a degenerate one."""
    chain, w = cases.chain, cases.chain.w(j)
    hessian = chain.hessian()
    lower = [chain.w(i) for i in range(1, j)]
    for i in range(1, j):
        others = (Ne(chain.w(k), 0) for k in range(1, j) if k != i)
        at = {z_(k): S.Zero for k in range(i, cases.depth + 1)}
        size = put(hessian.entry(chain.w(i), w), {w: S.Zero, delta_(j): _error_at_zero(cases, j)})
        size = put(size, at)
        yield cases.case(
            f"w{i} = w{j} = 0", And(Eq(chain.w(i), 0), Eq(w, 0), *others, above, *cases.moving(1)),
            (chain.w(i), w), "strict saddle",
            "the one entry of the Hessian that is not zero is off the diagonal", _T2,
            note=f"the eigenvalues are 0 and ±H, H = {sympy.sstr(size)}", given=given,
        )  # fmt: skip
    if j > 2:
        count: Any = ZeroCount(*lower)
        yield cases.case(
            f"w{j} = 0 and two or more weights below",
            And(Eq(w, 0), sympy.Ge(count, 2), above, *cases.moving(1)), (w, *lower),
            "degenerate saddle",
            "H = 0, and C - C(0) takes both signs nearby, with the sign of δʲ wʲ aʲ⁻¹", _T2,
            given=given,
        )  # fmt: skip


def _error_at_zero(cases: Cases, j: int) -> Expr:
    """δʲ where zʲ = ... = zᴸ = 0."""
    layers = range(j, cases.depth + 1)
    slopes = sympy.Mul(*(cases.shapes[k - 1].value(1, S.Zero) for k in layers))
    weights = sympy.Mul(*(cases.chain.w(k) for k in layers[1:]))
    return weights * slopes * cases.residual(cases.shapes[-1].value(0, S.Zero))


# --- kinks at 0: aᴸ has the sign of a product of weights, or is zero ------------------------------


def signs_of(cases: Cases) -> list[int] | None:
    """Layer by layer: ±1 where g has the sign of ±z, 0 where it is zero for z ≤ 0, positive beyond.

    None where a layer has a bias, a skip connection or another g, or none has a kink at 0.
    """
    layers = cases.chain.layers
    if any(layer.has_bias or layer.skip for layer in layers) or cases.chain.tie_weights:
        return None
    if not any(shape.kinked_at_zero for shape in cases.shapes):
        return None
    found = [0 if shape.one_sided else shape.crosses or None for shape in cases.shapes]
    return None if None in found else [s for s in found if s is not None]


def signed(cases: Cases) -> Iterator[CriticalCase]:
    """aᴸ ≠ 0 exactly if every product of weights up to a one-sided layer is positive."""
    marks = signs_of(cases) or []
    weights = [cases.chain.w(1) * cases.x, *(cases.chain.w(l) for l in range(2, cases.depth + 1))]
    gates, run = list[Expr](), S.One
    for mark, weight in zip(marks, weights, strict=True):
        run = run * weight * (mark or 1)
        if mark == 0:
            gates.append(run)
            run = S.One
    rho = cases.residual(S.Zero)
    count: Any = ZeroCount(*weights)
    live = And(*(v >= 0 for v in gates), *cases.moving(1))
    for spot in cases.shapes[-1].spots:
        if S.Zero not in spot.on and not (marks[-1] == 0 and spot.at.is_negative):
            yield from cases.typed(Path(cases.depth).at(spot), S.Zero)
    if gates:
        slopes = tuple(g.g.d(1)(z_(l)) for l, g in enumerate(cases.chain.layers, 1))
        yield cases.case(
            "a layer is dead", And(Or(*(v < 0 for v in gates)), nonzero(rho), *cases.moving(1)),
            slopes, "flat",
            "aᴸ = 0 in a neighbourhood, so C is constant there", _T2B,
            note="" if run != 1 else "a global minimum where the residual at a = 0 is ≥ 0",
        )  # fmt: skip
    if run != 1 and cases.depth > 1:
        yield cases.case(
            "two or more zero weights" if gates else f"{count} ≥ 2",
            And(live, count >= 2, Eq(run, 0) if gates else S.true, nonzero(rho)), tuple(weights),
            "saddle", "aᴸ = O(|θ|²), so ∇C = 0, and C - C(0) takes both signs nearby", _T2B,
            note="z is on a kink; there is no Hessian",
        )  # fmt: skip
    for side in (1, -1) if gates else ():
        lowest = "global minimum" if run == 1 and cases.convex else "weak local minimum"
        kind = lowest if side > 0 else "weak local maximum"
        one = sided(rho, side) if run == 1 else sided(rho * run, side)
        if one == S.false:
            continue
        word = f"residual{'' if run == 1 else ' × last weights'} {'>' if side > 0 else '<'} 0"
        if cases.depth > 1:
            yield cases.case(
                f"two or more zero weights, {word}", And(live, count >= 2, one), tuple(weights),
                kind, "aᴸ = O(|θ|²) has one sign, so ∇C = 0; H does not exist", _T2B,
                one if run == 1 else S.true,
            )  # fmt: skip
        yield cases.case(
            f"one zero weight, {word}", And(live, Eq(count, 1), one), (), "kink",
            "the one-sided slopes are 0 and residual × product of the others", _T2B,
            one if run == 1 else S.true,
            f"not differentiable, zero lies between the one-sided slopes; a {kind}",
        )  # fmt: skip


# --- one weight for all layers --------------------------------------------------------------------


def one_weight(cases: Cases) -> Iterator[CriticalCase]:
    """Tied weights without biases: C is a function of w alone."""
    chain, depth, x = cases.chain, cases.depth, cases.x
    layers = chain.layers
    if any(layer.has_bias for layer in layers):
        raise UndecidedError("tied weights, and biases at some layers but not at the last ones")
    w, rho = chain.w(1), cases.residual(cases.shapes[-1].value(0, S.Zero))
    rises = all(
        s.crosses > 0 and s.stationary == S.EmptySet
        and all(min(s.sides(k.at)) > 0 for k in s.layer.kinks) and not s.layer.skip
        for s in cases.shapes
    )  # fmt: skip
    if rises:
        for side in (1, -1) if depth % 2 == 0 else (0,) if depth > 1 else ():
            at = And(Eq(w, 0), sided(rho * x, side) if side else nonzero(rho), *cases.moving(1))
            kind = f"weak local {'minimum' if side > 0 else 'maximum'}" if side else ""
            yield cases.case(
                "w = 0", at, (w,), kind or "degenerate saddle",
                "aᴸ increases with |w| and ~ ∏ g'(0) x wᴸ at 0: a strict extremum for even L, a "
                "point of inflection for odd L", _T2C,
            )  # fmt: skip
        return
    if x.free_symbols or depth > MOST_NESTED:
        raise UndecidedError(
            "tied weights without biases: C is a function of w alone, and its critical points are "
            f"listed for a number x up to L = {MOST_NESTED}, or where every g increases through 0"
        )
    whole = x
    for layer in layers:
        whole = layer.formula().subs(X, w * whole) + (whole if layer.skip else 0)
    f = Layer(Activation.from_expr("F", whole, w), bias=False)
    one = Chain([f], loss=chain.loss, x=1, y=cases.y)
    names = {z_(1): w, a_(1): a_(depth)}
    for case in type(cases)(one).all():
        if case.name != "zero residual":
            yield replace(case, condition=put(case.condition, names), vanishing=())
