"""The table of directives: one row is one directive, what it takes and which options it has.

What a row shows is made by the function of the same name in `results`, from the options as JSON.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from symgrad.sphinxext.options import (
    Converter,
    choice,
    either,
    flag,
    number,
    numbers,
    text,
    whole,
    wholes,
)

__all__ = ["ROWS", "Row"]


@dataclass(frozen=True)
class Row:
    """A directive `symgrad:name`; `argument` names what stands behind the colons.

    `files` are the options that name a file beside the document.
    """

    name: str
    argument: str
    options: Mapping[str, Converter] = field(default_factory=dict)
    optional: bool = False
    files: tuple[str, ...] = ()


_TOWARD = choice("oo", "-oo", "both")

ROWS = (
    Row("definition", "an activation", {"orders": wholes(0, 6)}),
    Row(
        "derivation",
        "the activations of the layers, as sigmoid | tanh",
        {
            "layers": either("L", whole(1, 100)),
            "layer": whole(1, 100),
            "of": choice("delta", "w", "b", "x", "hessian"),
            "form": choice("product", "explicit", "program"),
            "given": flag,
            "steps": either("all", either("none", wholes(1, 999))),
            "loss": text,
            "no-bias": flag,
            "chain": text,
        },
        optional=True,
        files=("chain",),
    ),
    Row(
        "tails",
        "a function",
        {"toward": _TOWARD, "terms": whole(1, 12), "at": numbers(), "proof": flag},
    ),
    Row("survey", "activations, as sigmoid | tanh; all if none", {"orders": wholes(1, 3),
                                                                 "plot": flag}, True),
    Row("compare", "two functions, as tanh'(x) | sigmoid'(x)", {"toward": choice("oo", "-oo"),
                                                                 "proof": flag}),
    Row("depth-law", "an activation", {"weight": number, "bias": number, "start": number,
                                       "proof": flag}),
    Row("bound", "a function", {"on": text, "proof": flag}),
    Row("facts", "a function", {"orders": wholes(0, 6), "proof": flag}),
    Row(
        "saturation",
        "an activation",
        {"eps": numbers(), "toward": _TOWARD},
    ),
    Row("kernel", "a function", {"source": flag, "limit": number, "points": whole(10, 10**6)}),
    Row("claim", "a statement", {"on": text, "verdict": choice("proved", "refuted", "undecided"),
                                 "proof": flag}),
    Row(
        "plot",
        "a function",
        {
            "kind": choice("curve", "tail", "error", "depth", "descent"),
            "orders": wholes(0, 6),
            "range": numbers(2),
            "log": flag,
            "toward": choice("oo", "-oo"),
            "terms": whole(1, 12),
            "depth": whole(2, 10**4),
            "weight": number,
            "start": numbers(2),
            "steps": whole(1, 10**4),
            "method": choice("gradient", "adagrad", "newton"),
            "rate": number,
        },
    ),
)  # fmt: skip
