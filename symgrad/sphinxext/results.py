"""What each directive shows: one function a row, from the request to an `Answer`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sympy import Rational

from symgrad import plot, words
from symgrad.activation import Activation, Head, Univariate, X, univariate
from symgrad.errors import InputError, UnknownNameError
from symgrad.parse import Names
from symgrad.render import Block, Formula, Para, Table, text
from symgrad.sphinxext.setting import Answer, Drawing

__all__ = ["MAKERS", "answer"]

Request = Mapping[str, Any]


def answer(request: Request) -> Answer:
    """The answer to a request; raises `SymgradError` for what cannot be shown."""
    return MAKERS[request["row"]](request, request["options"])


# --- reading ----------------------------------------------------------------------------------


def _names(request: Request) -> Names:
    """The words of the catalogue and of the setting `symgrad_activations`."""
    own = []
    for name, formula in request["activations"].items():
        if not isinstance(formula, str):
            raise InputError(f"symgrad_activations: {name!r} needs a formula, got {formula!r}")
        own.append(Activation.from_expr(name, words.parse(formula, words.names()), X))
    return words.names(None, *own)


def _function(request: Request, text: str = "") -> Univariate:
    """The function that a text means: an activation by its name, or an expression in x."""
    text, names = text or request["argument"], _names(request)
    if text in names.functions:
        return univariate(names.functions[text].make(X))
    if text.isidentifier() and text != "x":
        raise UnknownNameError("function", text, names.functions)
    return univariate(words.parse(text, names))


def _activation(request: Request, text: str = "") -> Activation:
    """The record that a text names, with its parameters given as in `leaky_relu(alpha=1/5)`."""
    names, text = _names(request), text or request["argument"]
    found = _function(request, text if "(" not in text or "x" in text else f"{text}(x)")
    if found.activation is None or found.order:
        known = ", ".join(g for g, f in names.functions.items() if isinstance(f.make, Activation))
        raise InputError(f"an activation is needed, one of {known}; got {text!r}")
    return found.activation


# --- rows -------------------------------------------------------------------------------------


def _expr(request: Request, options: Mapping[str, Any]) -> Answer:
    return Answer((Para(words.parse(request["argument"], _names(request))),))


def _definition(request: Request, options: Mapping[str, Any]) -> Answer:
    g = _activation(request)
    orders = options.get("orders", [0])
    formulas = [Formula(g.d(n)(X) if n else g(X), g.derivative(n).expr) for n in orders]
    blocks: list[Block] = list(formulas)
    for parameter, value in zip(g.parameters, g.values, strict=True):
        blocks.append(Para("with ", parameter, " = " if parameter != value else " free", *(
            [value] if parameter != value else [])))
    if g.kinks and any(orders):
        rows = tuple((Head(g, 1, k.at, evaluate=False), k.slope, k.convention) for k in g.kinks)
        blocks.append(Table(("At a kink", "Value used", "Convention"), rows))
    return Answer(tuple(blocks), label=formulas[0])


def _range(options: Mapping[str, Any], low: str, high: str) -> tuple[Any, Any]:
    ends = [Rational(word) for word in options.get("range", (low, high))]
    if not ends[0] < ends[1]:
        raise InputError(f"a range is two numbers low < high, got {ends[0]} and {ends[1]}")
    return ends[0], ends[1]


def _plot(request: Request, options: Mapping[str, Any]) -> Answer:
    return _PLOTS[options.get("kind", "curve")](request, options)


def _curve(request: Request, options: Mapping[str, Any]) -> Answer:
    functions = []
    for part in request["argument"].split("|"):
        u = _function(request, part.strip())
        if "orders" in options and u.activation is None:
            raise InputError(f"orders belong to an activation, got {part.strip()!r}")
        if u.activation is None or "orders" not in options:
            functions.append(u)
        else:
            functions += [univariate(u.activation.d(u.order + n)) for n in options["orders"]]
    low, high = _range(options, "-8", "8")
    log = "log" in options
    words_ = ", ".join(text(u.expr) for u in functions)
    how = "on a logarithmic scale, " if log else ""
    return Answer((
        Drawing(
            lambda: plot.curves(functions, on=(low, high), log=log).figure,
            f"Plot of {words_} {how}for x from {low} to {high}",
        ),
    ))  # fmt: skip


_PLOTS: dict[str, Callable[[Request, Mapping[str, Any]], Answer]] = {"curve": _curve}


MAKERS: dict[str, Callable[[Request, Mapping[str, Any]], Answer]] = {
    "expr": _expr,
    "definition": _definition,
    "plot": _plot,
}
