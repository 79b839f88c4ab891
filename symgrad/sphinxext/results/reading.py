"""The words of a request as functions, activations, chains; and what all claims have alike."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from sympy import Expr, S

from symgrad import words
from symgrad.activation import Activation, Univariate, X, univariate
from symgrad.chain import Chain, Layer
from symgrad.errors import InputError, UnknownNameError
from symgrad.fact import Derivation, Fact, Proved, Refuted
from symgrad.parse import Names
from symgrad.render import Block, Formula, Para, Section
from symgrad.sphinxext.setting import Answer, Drawing

Request = Mapping[str, Any]
Options = Mapping[str, Any]
Maker = Callable[[Request, Options], Answer]

MAKERS: dict[str, Maker] = {}
"""What makes the answer of each row, by the row's name; `made` puts it there."""


def made(maker: Maker) -> Maker:
    """The function `depth_law` makes what the row `depth-law` shows."""
    MAKERS[maker.__name__.rstrip("_").replace("_", "-")] = maker
    return maker


def names(request: Request) -> Names:
    """The words of the catalogue and of the setting `symgrad_activations`."""
    own = []
    for name, formula in request["activations"].items():
        if not isinstance(formula, str):
            raise InputError(f"symgrad_activations: {name!r} needs a formula, got {formula!r}")
        own.append(Activation.from_expr(name, words.parse(formula, words.names()), X))
    return words.names(None, *own)


def function(request: Request, text: str = "") -> Univariate:
    """The function that a text means: an activation by its name, or an expression in x."""
    text, known = text or request["argument"], names(request)
    if text in known.functions:
        maker = known.functions[text].make
        return univariate(maker if isinstance(maker, Activation) else maker(X))
    if text.isidentifier() and text != "x":
        raise UnknownNameError("function", text, known.functions)
    expr = words.parse(text, known)
    return univariate(expr, X) if X in expr.free_symbols else univariate(expr)


def activation(request: Request, text: str = "") -> Activation:
    """The record that a text names, with its parameters given as in `leaky_relu(alpha=1/5)`."""
    text = text or request["argument"]
    bound = text.endswith(")") and "=" in text
    found = function(request, f"{text}(x)" if bound else text)
    if found.activation is None or found.order:
        raise InputError(f"the name of an activation is needed, got {text!r}")
    return found.activation


def derivatives(request: Request, options: Options, text: str = "") -> list[Univariate]:
    """The function that a text means, or its derivatives of the orders that :orders: asks for."""
    f = function(request, text)
    if "orders" not in options:
        return [f]
    if f.activation is None:
        raise InputError(f"orders belong to an activation, got {text or request['argument']!r}")
    return [univariate(f.activation.d(f.order + n)) for n in options["orders"]]


def chain(request: Request) -> Chain:
    """The chain that the argument or the file describes."""
    options = request["options"]
    if "chain" in options:
        for key in ("layers", "loss", "no-bias"):
            if key in options:
                raise InputError(f"a chain from a file says its own layers and cost: no :{key}:")
        if request["argument"]:
            raise InputError("a chain comes from the argument or from a file, not from both")
        return Chain.from_file(request["files"]["chain"][1])
    parts = [part.strip() for part in request["argument"].split("|")]
    if not all(parts):
        raise InputError("name the activations of the layers, as sigmoid | tanh, or give :chain:")
    records = [activation(request, part) for part in parts]
    depth = options.get("layers", len(records))
    if len(records) == 1 and depth != 1:
        records *= depth
    if depth != len(records):
        raise InputError(f"{len(records)} activations are named for {depth} layers")
    bias = False if "no-bias" in options else None
    layers = [Layer(g, bias=bias) for g in records]
    return Chain(layers, loss=options.get("loss", "squared_error"))


def ends(options: Options) -> tuple[Expr, ...]:
    """The ends that the option :toward: means; both where it is not given."""
    toward = options.get("toward", "both")
    return {"oo": (S.Infinity,), "-oo": (S.NegativeInfinity,)}.get(
        toward, (S.Infinity, S.NegativeInfinity)
    )


def shown(
    blocks: Iterable[Block | Drawing],
    *facts: Fact,
    label: Formula | None = None,
    wrong: Iterable[str] = (),
    linked: bool = True,
) -> Answer:
    """The answer that rests on the facts: a refuted one is a complaint, as is each of `wrong`.

    :label: numbers the first formula if no other is named; `linked` lets pages refer to the facts.
    """
    blocks = tuple(blocks)
    label = label or next((block for block in blocks if isinstance(block, Formula)), None)
    refuted = (
        f"{fact.id} is refuted: {fact.verdict.why}"
        for fact in facts
        if isinstance(fact.verdict, Refuted)
    )
    return Answer(
        blocks, label, (*refuted, *wrong), tuple(fact.id for fact in facts if linked)
    )  # fmt: skip


def proof(options: Options, derivation: Derivation, title: str = "Proof") -> list[Block]:
    """The numbered steps under a title, where the option :proof: asks for them."""
    return [Section(title, tuple(derivation._blocks()))] if "proof" in options else []


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
