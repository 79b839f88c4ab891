"""JSON forms of formulas, facts and results, and the envelope that every document comes in.

A document is {"schema": "symgrad/<kind>/1", "symgrad": version, "input", "result", "warnings"}.
Within a schema number keys are only added. Digits are strings; a formula has its text, which
`symgrad.parse` reads back where it has a text form, and its LaTeX; a fact has its exact record too,
which loads back to an equal fact.
"""

from __future__ import annotations

import json
from importlib import resources
from typing import Any

from flint import arb
from sympy import Basic

import symgrad
from symgrad.activation import Univariate
from symgrad.bounds import Extrema, Extremum
from symgrad.check import Finding, Limit, Worst
from symgrad.check import Report as CheckReport
from symgrad.codec import Codec
from symgrad.fact import Fact, Proved, Refuted, Undecided, Verdict
from symgrad.render import latex, text
from symgrad.rigor.roots import RealRoot
from symgrad.tails import Remainder, Tail, TailClass
from symgrad.tails.statement import BTerm
from symgrad.tails.tail import Expansion

__all__ = [
    "CODEC",
    "ball_form",
    "envelope",
    "extrema_form",
    "fact_form",
    "formula_form",
    "schema",
    "tail_form",
    "to_json_text",
    "verdict_form",
    "verdict_words",
]


def _raw(head: type[Basic]) -> Any:
    return lambda *args: Basic.__new__(head, *args)


#: Reads and writes every record that a document of symgrad may hold.
CODEC = Codec(
    heads={head: _raw(head) for head in (BTerm, Expansion, RealRoot)},
    records=(
        Tail, Remainder, TailClass, Univariate, Extremum, Extrema,
        CheckReport, Worst, Finding, Limit,
    ),
)  # fmt: skip


def formula_form(formula: Basic) -> dict[str, str]:
    """A formula as its text and its LaTeX."""
    return {"text": text(formula), "latex": latex(formula)}


def verdict_form(verdict: Verdict) -> dict[str, Any]:
    """A verdict by its name, with what proves it, the witness, or the reason."""
    match verdict:
        case Proved(by=by):
            return {"verdict": "proved", "by": by}
        case Refuted(at=at, why=why):
            return {"verdict": "refuted", "at": None if at is None else text(at), "why": why}
        case Undecided(why=why):
            return {"verdict": "undecided", "why": why}


def verdict_words(fact: Fact) -> str:
    """The verdict of a fact as a sentence."""
    form = verdict_form(fact.verdict)
    return f"{form['verdict'].capitalize()}: {form.get('by') or form.get('why')}."


def fact_form(fact: Fact, *, record: bool = True) -> dict[str, Any]:
    """A fact with its verdict and, where asked for, its exact record."""
    form: dict[str, Any] = {
        "id": fact.id,
        "statement": formula_form(fact.statement),
        "under": [formula_form(condition) for condition in fact.under],
        "steps": len(fact.derivation),
        "source": fact.source,
        **verdict_form(fact.verdict),
    }
    if fact.evidence is not None:
        form["evidence"] = {"points": fact.evidence.points, "worst": fact.evidence.worst}
    if record:
        form["record"] = CODEC.encode(fact)
    return form


def tail_form(found: Tail) -> dict[str, Any]:
    """A tail: its terms, its remainder, where it holds, its class, and the fact."""
    remainder = found.remainder
    return {
        "terms": [formula_form(term) for term in found.terms],
        "remainder": None
        if remainder is None
        else {
            "coefficient": None
            if remainder.coefficient is None
            else formula_form(remainder.coefficient),
            "growth": formula_form(remainder.growth),
        },
        "valid_from": formula_form(found.valid_from),
        "class": found.tail_class.kind,
        "fact": fact_form(found.fact),
    }


def extrema_form(found: Extrema) -> dict[str, Any]:
    """sup and inf, each with its value and where it is taken, and the fact."""
    form: dict[str, Any] = {"on": text(found.on), "fact": fact_form(found.fact)}
    for end in (found.sup, found.inf):
        form[end.kind] = {
            "value": formula_form(end.value),
            "digits": str(end.enclosure()) if end.value.is_finite else text(end.value),
            "where": formula_form(end.where),
            "attained": end.attained,
            "toward": [text(t) for t in end.toward],
        }
    return form


def ball_form(value: arb, digits: int = 17) -> dict[str, str]:
    """A ball as the digits that are known and its radius."""
    return {"value": value.str(digits, radius=False), "radius": value.rad().str(3, radius=False)}


def envelope(kind: str, given: dict[str, Any], result: Any, warnings: list[str]) -> dict[str, Any]:
    """The document of one command."""
    return {
        "schema": f"symgrad/{kind}/1",
        "symgrad": symgrad.__version__,
        "input": given,
        "result": result,
        "warnings": warnings,
    }


def schema() -> str:
    """The JSON schema of all documents, as text."""
    return (resources.files("symgrad.report") / "schema.json").read_text("utf-8")


def to_json_text(document: Any) -> str:
    """The document as text: keys sorted, no nan, the same bytes each time."""
    settings: dict[str, Any] = {"sort_keys": True, "allow_nan": False, "ensure_ascii": False}
    return json.dumps(document, **settings) + "\n"
