"""JSON forms of formulas, facts and results, and the envelope that every document comes in.

A document is {"schema": "symgrad/<kind>/1", "symgrad": version, "input", "result", "warnings"}.
Within a schema number keys are only added. Digits are strings; a formula has its text, which
`symgrad.parse` reads back where it has a text form, and its LaTeX; a fact has its exact record too,
which loads back to an equal fact.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
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
from symgrad.fact import Fact, Proved, Refuted, Undecided
from symgrad.loss import Loss
from symgrad.render import latex, text
from symgrad.rigor.roots import RealRoot
from symgrad.tails import Remainder, Tail, TailClass
from symgrad.tails.statement import BTerm
from symgrad.tails.tail import Expansion

__all__ = ["CODEC", "envelope", "fact_form", "form", "schema", "to_json_text", "verdict_words"]


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


def form(thing: Any) -> Any:
    """The JSON of formulas, balls, verdicts, facts and results, alone or anywhere in plain data."""
    match thing:
        case Basic():
            return {"text": text(thing), "latex": latex(thing)}
        case arb():
            radius = thing.rad().str(3, radius=False)
            return {"value": thing.str(17, radius=False), "radius": radius}
        case Proved(by=by):
            return {"verdict": "proved", "by": by}
        case Refuted(at=at, why=why):
            return {"verdict": "refuted", "at": None if at is None else text(at), "why": why}
        case Undecided(why=why):
            return {"verdict": "undecided", "why": why}
        case Fact():
            return fact_form(thing)
        case Tail():
            data: dict[str, Any] = {"class": thing.tail_class.kind}
            return form(data | _fields(thing, "terms remainder valid_from fact"))
        case Remainder():
            return form(_fields(thing, "coefficient growth"))
        case Extrema():
            ends = {end.kind: end for end in (thing.sup, thing.inf)}
            return form({"on": text(thing.on), "fact": thing.fact, **ends})
        case Extremum(value=value):
            digits = str(thing.enclosure()) if value.is_finite else text(value)
            toward = [text(end) for end in thing.toward]
            more = {"digits": digits, "toward": toward}
            return form(more | _fields(thing, "value where attained"))
        case CheckReport() | Loss():
            return CODEC.encode(thing)
        case dict():
            return {key: form(value) for key, value in thing.items()}
        case list() | tuple():
            return [form(item) for item in thing]
    return thing


def _fields(record: Any, names: str) -> dict[str, Any]:
    return {name: getattr(record, name) for name in names.split()}


def fact_form(fact: Fact, *, record: bool = True) -> dict[str, Any]:
    """A fact with its verdict and, where asked for, its exact record."""
    parts = {"steps": len(fact.derivation), **form(fact.verdict)}
    if fact.evidence is not None:
        parts["evidence"] = _fields(fact.evidence, "points worst")
    if record:
        parts["record"] = CODEC.encode(fact)
    return parts | form(_fields(fact, "id statement under source"))


def verdict_words(fact: Fact) -> str:
    """The verdict of a fact as a sentence."""
    parts = form(fact.verdict)
    return f"{parts['verdict'].capitalize()}: {parts.get('by') or parts.get('why')}."


def envelope(kind: str, given: dict[str, Any], result: Any, warnings: Iterable[str] = ()) -> Any:
    """The document of one command, with the forms of what is given and of the result."""
    return {
        "schema": f"symgrad/{kind}/1",
        "symgrad": symgrad.__version__,
        "input": form(given),
        "result": form(result),
        "warnings": list(warnings),
    }


def schema() -> str:
    """The JSON schema of all documents, as text."""
    return (resources.files("symgrad.report") / "schema.json").read_text("utf-8")


def to_json_text(document: Any) -> str:
    """The document as text: keys sorted, no nan, the same bytes each time."""
    settings: dict[str, Any] = {"sort_keys": True, "allow_nan": False, "ensure_ascii": False}
    return json.dumps(document, **settings) + "\n"
