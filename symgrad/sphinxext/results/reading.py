"""What a directive asks for, read as functions and activations; and what all claims have alike."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

from sympy import Expr, Reals, S, Set

from symgrad import words
from symgrad.activation import Activation, Univariate, X, univariate
from symgrad.errors import InputError, UnknownNameError
from symgrad.fact import Derivation, Fact, Proved
from symgrad.parse import Names
from symgrad.render import Block, Para, Section
from symgrad.sphinxext.setting import Answer

__all__ = ["MAKERS", "Request", "made", "standing"]


class Request:
    """The argument and the options of a directive, and the words that both may use."""

    def __init__(self, sent: Mapping[str, Any]) -> None:
        self.argument: str = sent["argument"]
        self.options: dict[str, Any] = sent["options"]
        self.files: dict[str, list[str]] = sent["files"]
        self.own: dict[str, Any] = sent["activations"]

    def get(self, option: str, usual: Any = None) -> Any:
        """What the option says, or what it usually is."""
        return self.options.get(option, usual)

    @property
    def parts(self) -> list[str]:
        """The argument, cut at each |."""
        return [part.strip() for part in self.argument.split("|")]

    @cached_property
    def names(self) -> Names:
        """The words of the catalogue and of the setting `symgrad_activations`."""
        own = []
        for name, formula in self.own.items():
            if not isinstance(formula, str):
                raise InputError(f"symgrad_activations: {name!r} needs a formula, got {formula!r}")
            own.append(Activation.from_expr(name, words.parse(formula, words.names()), X))
        return words.names(None, *own)

    def function(self, text: str = "") -> Univariate:
        """The function that a text means: an activation by its name, or an expression in x."""
        text, known = text or self.argument, self.names
        if text in known.functions:
            maker = known.functions[text].make
            return univariate(maker if isinstance(maker, Activation) else maker(X))
        if text.isidentifier() and text != "x":
            raise UnknownNameError("function", text, known.functions)
        expr = words.parse(text, known)
        return univariate(expr, X) if X in expr.free_symbols else univariate(expr)

    def activation(self, text: str = "") -> Activation:
        """The record that a text names, with its parameters given as in `leaky_relu(alpha=1/5)`."""
        text = text or self.argument
        bound = text.endswith(")") and "=" in text
        found = self.function(f"{text}(x)" if bound else text)
        if found.activation is None or found.order:
            raise InputError(f"the name of an activation is needed, got {text!r}")
        return found.activation

    def derivatives(self, text: str = "") -> list[Univariate]:
        """The function that a text means, or its derivatives of the orders that :orders: says."""
        f = self.function(text)
        if "orders" not in self.options:
            return [f]
        if f.activation is None:
            raise InputError(f"orders belong to an activation, got {text or self.argument!r}")
        return [univariate(f.activation.d(f.order + n)) for n in self.options["orders"]]

    @property
    def ends(self) -> tuple[Expr, ...]:
        """The ends that the option :toward: means; both where it is not given."""
        both = (S.Infinity, S.NegativeInfinity)
        return {"oo": both[:1], "-oo": both[1:]}.get(self.get("toward", "both"), both)

    @property
    def on(self) -> Set:
        """The set that the option :on: means; all of R where it is not given."""
        return words.parse_set(self.options["on"]) if "on" in self.options else Reals

    def proof(self, derivation: Derivation, title: str = "Proof") -> list[Block]:
        """The numbered steps under a title, where the option :proof: asks for them."""
        return [Section(title, tuple(derivation._blocks()))] if "proof" in self.options else []


Maker = Callable[[Request], Answer]

MAKERS: dict[str, Maker] = {}
"""What makes the answer of each row, by the row's name; `made` puts it there."""


def made(maker: Maker) -> Maker:
    """The function `depth_law` makes what the row `depth-law` shows."""
    MAKERS[maker.__name__.replace("_", "-")] = maker
    return maker


def standing(*facts: Fact) -> list[Block]:
    """How the claims stand: what is proved, each method once; then each of the others, and why."""
    by: dict[str, list[str]] = {}
    rest: list[Block] = []
    for fact in facts:
        if isinstance(fact.verdict, Proved):
            by.setdefault(fact.verdict.by, []).append(fact.id)
        else:
            evidence = [Para(f"{fact.evidence}.")] if fact.evidence else []
            rest += [fact._standing(), *evidence]
    return [*(Para(f"Proved [{', '.join(ids)}]: {how}.") for how, ids in by.items()), *rest]
