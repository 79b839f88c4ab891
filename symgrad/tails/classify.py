"""Tail classes: how a function behaves towards the end, with its constants."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import sympy
from sympy import Expr, S, Symbol

from symgrad.tails.constants import WAVES, Number, expr
from symgrad.tails.model import Model
from symgrad.tails.monomial import Monomial, Scale, to_expr

__all__ = ["TailClass", "classify"]


@dataclass(frozen=True, slots=True)
class TailClass:
    """f ~ leading; `kind` names the class, the other fields hold its constants where it has them.

    zero
        exactly zero from some point on
    double-exponential
        exp(−e^{...}) up to smaller factors
    exponential
        f ~ c·x^power·exp(−rate·x^degree + smaller); degree 1 is the plain kind
    algebraic
        f ~ c·x^power (times logarithms), power < 0
    logarithmic
        f → 0 slower than any power
    constant
        f → limit ≠ 0
    growing
        f → ±oo
    oscillating
        f = mean + a wave of at most `amplitude` (None: not known), no germ
    """

    kind: str
    leading: Expr
    rate: Expr | None = None
    degree: Expr | None = None
    power: Expr | None = None
    limit: Expr | None = None
    amplitude: Expr | None = None
    mean: Expr | None = None

    @property
    def vanishes(self) -> bool:
        """Whether f → 0."""
        return self.limit == 0

    def __str__(self) -> str:
        parts = [f"{k} {v}" for k in ("rate", "degree", "power", "limit", "amplitude", "mean")
                 if (v := getattr(self, k)) is not None]  # fmt: skip
        return f"{self.kind}: {self.leading}" + (f" ({', '.join(parts)})" if parts else "")


def classify(scale: Scale, model: Model, x: Expr, write: Callable[[Expr], Expr]) -> TailClass:
    """The class of a model, written in x = ±y by `write`."""
    if model.is_zero:
        return TailClass("zero", S.Zero, limit=S.Zero)
    m, c = model.lead
    leading = write(expr(c)) * to_expr(m, x)
    if scale.x in expr(c).free_symbols:
        return _oscillating(scale, m, c, x, write)
    growth = scale.sign(m)
    if growth > 0:
        return TailClass("growing", leading, power=_power(m), **_rate(m))
    if growth == 0:
        return TailClass("constant", leading, limit=expr(c))
    if m.exps:
        top, _ = m.exps[0]
        if top.exps:
            return TailClass("double-exponential", leading, limit=S.Zero)
        return TailClass("exponential", leading, power=_power(m), limit=S.Zero, **_rate(m))
    kind = "algebraic" if m.powers[0] != 0 else "logarithmic"
    return TailClass(kind, leading, power=_power(m), limit=S.Zero)


def _power(m: Monomial) -> Expr:
    return expr(m.powers[0]) if m.powers else S.Zero


def _rate(m: Monomial) -> dict[str, Expr]:
    if not m.exps or m.exps[0][0].exps:
        return {}
    top, d = m.exps[0]
    return {"rate": -expr(d), "degree": _power(top)}


def _oscillating(
    scale: Scale, m: Monomial, c: Number, x: Expr, write: Callable[[Expr], Expr]
) -> TailClass:
    mean, wave = sympy.expand(expr(c)).as_independent(scale.x, as_Add=True)
    size = amplitude(wave, scale.x)
    envelope = to_expr(m, x)
    limit = None if scale.sign(m) >= 0 else S.Zero
    return TailClass(
        "oscillating", write(expr(c)) * envelope, power=_power(m), limit=limit,
        amplitude=None if size is None else size * envelope,
        mean=mean * envelope if size is not None and mean != 0 else None,
    )  # fmt: skip


def amplitude(wave: Expr, x: Symbol) -> Expr | None:
    """sup |wave| for a sum of sines and cosines; the sum over its phases where it has several.

    None where the wave is something else, such as exp(sin x).
    """
    by_phase: dict[Any, list[Expr]] = {}
    for term in sympy.Add.make_args(wave):
        size, waves = term.as_independent(x, as_Add=False)
        if not isinstance(waves, WAVES):
            return None
        by_phase.setdefault(waves.args[0], []).append(size)
    return sympy.Add(*(sympy.sqrt(sum(a**2 for a in sizes)) for sizes in by_phase.values()))
