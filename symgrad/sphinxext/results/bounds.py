"""Directives about a whole function: sup and inf, the table of global facts, thresholds, claims."""

from __future__ import annotations

from typing import Any

import sympy
from sympy import Contains, Expr, FiniteSet, Float, Ge, Le, Rational, Reals, S

from symgrad import words
from symgrad.activation import Univariate, X
from symgrad.bounds import Saturation, extrema, lipschitz, zeros
from symgrad.bounds import saturation as threshold
from symgrad.errors import UnsupportedError
from symgrad.fact import Fact, Refuted
from symgrad.plot import sample
from symgrad.prove import CertificateError, certificate, prove, verify
from symgrad.render import Block, Formula, Para, Table, text
from symgrad.render.blocks import Cell
from symgrad.sphinxext.results.reading import Request, made, standing
from symgrad.sphinxext.setting import Answer

__all__ = ["escapes"]

_GOOD = 18
"""Bits of a sampled value that are sure to be right."""

_SPAN = sympy.Integer(50)
"""Where a bound is tried against points: [-50, 50], or the part of it that the claim speaks of."""


@made
def bound(ask: Request) -> Answer:
    """sup and inf of a function on a set, with the sketch of the proof."""
    f = ask.function()
    on = ask.on
    found = extrema(f.expr, on, x=f.x)
    inf, sup = found.inf.value, found.sup.value
    sides = [side for side in (inf, f.expr, sup) if not (side.is_infinite or side is S.NaN)]
    blocks: list[Block] = [Formula(*sides, relation="<=")] if len(sides) > 1 else []
    blocks += [*found.inf._blocks(), *found.sup._blocks(), *standing(found.fact)]
    blocks += ask.proof(found.derivation)
    wrong = escapes(f, on, inf, sup)
    return Answer(blocks, [found.fact], wrong, linked=ask.on is Reals)


def escapes(f: Univariate, on: Any, low: Expr, high: Expr) -> tuple[str, ...]:
    """Points at which f, by balls, lies outside what is claimed."""
    if low is S.NaN or on.is_FiniteSet:
        return ()
    ends = (sympy.Max(on.inf, -_SPAN), sympy.Min(on.sup, _SPAN))
    if not ends[0] < ends[1] or not (ends[0].is_Rational and ends[1].is_Rational):
        return ()
    curve = sample(f, ends, points=101)
    floor, roof = (
        float(end) + side * 2.0**-_GOOD * (1 + abs(float(end)))
        for end, side in ((low, -1), (high, 1))
    )
    return tuple(
        f"{f.name} at {x:g} is {y:g}, outside [{low}, {high}]"
        for x, y in zip(curve.x, curve.y, strict=True)
        if y < floor or y > roof
    )


@made
def facts(ask: Request) -> Answer:
    """The global facts of the named activations, a row each."""
    rows: list[tuple[Cell, ...]] = []
    facts: list[Fact] = []
    wrong: list[str] = []
    for u in ask.derivatives():
        found = extrema(u.expr, x=u.x)
        for side in (found.inf, found.sup):
            where: Cell = side.where if side.attained else "nowhere"
            toward: Cell = FiniteSet(*side.toward) if side.toward else ""
            rows.append((u.expr, side.kind, _value(side.value), where, toward, found.fact.word))
        roots = zeros(u.expr, x=u.x)
        known: Cell = roots.set if roots.verdict else "not decided"
        rows.append((u.expr, "zeros", known, "", "", roots.fact.word))
        facts += [found.fact, roots.fact]
        if u.order == 0:
            least = lipschitz(u.expr, x=u.x)
            where = "nowhere" if least.where is S.EmptySet else least.where
            value = _value(least.value)
            rows.append((u.expr, "Lipschitz constant", value, where, "", least.fact.word))
            facts.append(least.fact)
        wrong += escapes(u, Reals, found.inf.value, found.sup.value)
    head = ("Function", "What", "Value", "Taken at", "Approached toward", "Verdict")
    blocks: list[Block] = [Table(head, tuple(rows)), *standing(*facts)]
    for fact in facts:
        blocks += ask.proof(fact.derivation, f"Proof of {fact.id}")
    return Answer(blocks, facts, wrong)


@made
def saturation(ask: Request) -> Answer:
    """The points beyond which the slope stays within ε, for each ε and end."""
    g = ask.activation()
    rows: list[tuple[Cell, ...]] = []
    facts: list[Fact] = []
    laws: dict[Expr, Expr] = {}
    for end in ask.ends:
        for word in ask.get("eps", ("1/100", "1e-6", "1e-16")):
            found = threshold(g, Rational(word), end)
            rows.append((f"|g'| ≤ {word}", *_threshold(found), found.fact.word))
            facts.append(found.fact)
            if found.law is not None:
                laws[end] = found.law
    table = Table(("Wanted", "holds for", "the threshold is", "Verdict"), tuple(rows))
    blocks: list[Block] = [table]
    for end, law in laws.items():
        blocks.append(Para("Towards ", end, " the threshold grows like ", law, " as ε → 0."))
    blocks += standing(*(fact for fact in facts if not fact.verdict))
    return Answer(blocks, facts)


def _threshold(found: Saturation) -> tuple[Cell, Cell]:
    """The condition on x, and the threshold in digits."""
    if found.value is None:
        return "no such place: the tail does not fall below it", ""
    if found.value is S.NaN:
        return "not decided", ""
    if found.value.is_infinite:
        return "every x", ""
    beyond = Ge if found.toward is S.Infinity else Le
    shown: Cell = "x from the threshold on"
    if found.closed and len(text(found.value)) <= 40:
        shown = beyond(X, found.value, evaluate=False)
    mid = found.enclosure(12).mid
    return shown, str(mid if mid.is_Integer else Float(mid, 12))


def _value(value: Expr) -> Cell:
    return "not decided" if value is S.NaN else value


@made
def claim(ask: Request) -> Answer:
    """A statement with its verdict; another verdict than the one expected is a complaint.

    What is proved has a certificate, which is read again by a checker that shares no search with
    the prover.
    """
    statement = words.parse_statement(ask.argument, ask.names)
    on = ask.on
    found = prove(statement, X if X in statement.free_symbols else None, on)
    blocks: list[Block] = [Formula(statement)]
    if on is not Reals:
        blocks.append(Para("for ", Contains(found.x, on, evaluate=False)))
    blocks += standing(found.fact)
    wrong: list[str] = []
    if found.verdict:
        try:
            verify(certificate(found))
            blocks.append(Para("Its certificate was checked."))
        except UnsupportedError as why:
            blocks.append(Para(f"It has no certificate: {why}."))
        except CertificateError as why:
            wrong.append(f"the certificate of {text(statement)} does not hold: {why}")
    blocks += ask.proof(found.derivation)
    got, wanted = found.fact.word, ask.get("verdict", "")
    if isinstance(found.verdict, Refuted) and not wanted:
        wrong.append(f"{text(statement)} is refuted: {found.verdict.why}")
    if wanted and got != wanted:
        wrong.append(f"{text(statement)} is {got}, and the page says {wanted}")
    return Answer(blocks, wrong=wrong)
