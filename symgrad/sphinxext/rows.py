"""The table of directives: one row is one directive, what it takes and which options it has.

What a row shows is made by the function of the same name in `results`, from the options as JSON.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

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
    options: Mapping[str, Converter]
    optional: bool = False
    files: tuple[str, ...] = ()


def _row(name: str, argument: str, /, *settings: Any, **options: Converter) -> Row:
    return Row(name, argument, {k.replace("_", "-"): v for k, v in options.items()}, *settings)


_END = choice("oo", "-oo")
_ENDS = choice("oo", "-oo", "both")

ROWS = (
    _row("definition", "an activation", orders=wholes(0, 6)),
    _row("derivation", "the activations of the layers, as sigmoid | tanh", True, ("chain",),
         layers=either("L", whole(1, 100)), layer=whole(1, 100),
         of=choice("delta", "w", "b", "x", "hessian"),
         form=choice("product", "explicit", "program"), given=flag,
         steps=either("all", either("none", wholes(1, 999))), loss=text, no_bias=flag, chain=text),
    _row("tails", "a function", toward=_ENDS, terms=whole(1, 12), at=numbers(), proof=flag),
    _row("survey", "activations, as sigmoid | tanh; all if none", True, orders=wholes(1, 3),
         plot=flag),
    _row("compare", "two functions, as tanh'(x) | sigmoid'(x)", toward=_END, proof=flag),
    _row("depth-law", "an activation", weight=number, bias=number, start=number, proof=flag),
    _row("bound", "a function", on=text, proof=flag),
    _row("facts", "a function", orders=wholes(0, 6), proof=flag),
    _row("saturation", "an activation", eps=numbers(), toward=_ENDS),
    _row("kernel", "a function", source=flag, limit=number, points=whole(10, 10**6)),
    _row("claim", "a statement", on=text, verdict=choice("proved", "refuted", "undecided"),
         proof=flag),
    _row("plot", "a function", kind=choice("curve", "tail", "error", "depth", "descent"),
         orders=wholes(0, 6), range=numbers(2), log=flag, toward=_END, terms=whole(1, 12),
         depth=whole(2, 10**4), weight=number, start=numbers(2), steps=whole(1, 10**4),
         method=choice("gradient", "adagrad", "newton"), rate=number),
)  # fmt: skip
