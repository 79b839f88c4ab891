"""The words a user may write in text: SymPy's elementary functions and the catalogue's activations.

Where both have a name, such as tanh, the activation is meant: its derivative keeps its name.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from typing import Any

from sympy import Basic, Expr, Set

from symgrad.activation import Activation
from symgrad.catalogue import activations
from symgrad.parse import ELEMENTARY, Function, Names, grammar

__all__ = ["function", "names", "parse", "parse_set", "parse_statement"]


def function(g: Activation) -> Function:
    """What text may do with an activation: call it, derive it, bind its parameters."""

    def bind(**values: Expr) -> Function:
        return function(g.bind(**values))

    return Function(g, derivative=g.d, parameters=tuple(p.name for p in g.parameters), bind=bind)


def _spellings(g: Activation) -> tuple[str, ...]:
    """The record's name, and the spelled-out Greek letter where its printed name is one."""
    spelled = unicodedata.name(g.unicode_name, "") if len(g.unicode_name) == 1 else ""
    greek = spelled.removeprefix("GREEK SMALL LETTER ").lower() if "GREEK SMALL" in spelled else ""
    return (g.name, greek) if greek else (g.name,)


def names(symbols: Mapping[str, Basic] | None = None, *more: Activation, **settings: Any) -> Names:
    """The names of the catalogue and of `more`; with `symbols` None any name is a real symbol."""
    table = dict(ELEMENTARY)
    for g in (*activations(), *more):
        table |= dict.fromkeys(_spellings(g), function(g))
    if symbols is None:
        return Names.free(functions=table, **settings)
    return Names(functions=table, symbols=symbols, **settings)


def parse(text: str, names: Names | None = None) -> Expr:
    """The expression that the text stands for; unknown names are real symbols.

    >>> parse("sigmoid'(x) * w__2")
    w__2*sigmoid'(x)
    """
    return grammar.parse(text, names or _default())


def parse_statement(text: str, names: Names | None = None) -> Basic:
    """The comparison that the text stands for, not evaluated.

    >>> parse_statement("tanh'(x) <= 1")
    tanh'(x) <= 1
    """
    return grammar.parse_statement(text, names or _default())


def parse_set(text: str) -> Set:
    """The interval that the text stands for: "[-oo, -20]", "(0, 1]" or "R"."""
    return grammar.parse_set(text)


def _default() -> Names:
    return names()
