"""Directives about a chain: a gradient's closed form with its derivation, its law in depth."""

from __future__ import annotations

from typing import Any

from sympy import Eq, Rational, Symbol

from symgrad.chain import Chain, Layer
from symgrad.chain.symbolic import SymbolicChain
from symgrad.depth import depth_law as law_of
from symgrad.errors import InputError
from symgrad.fact import Derivation
from symgrad.loss import loss
from symgrad.render import Block, Formula, Listing, Para, Section, Table
from symgrad.render.blocks import Cell
from symgrad.sphinxext.results.reading import Request, made, standing
from symgrad.sphinxext.setting import Answer


@made
def derivation(ask: Request) -> Answer:
    """A gradient of a chain, or its Hessian, with the steps asked for."""
    symbolic = ask.get("layers") == "L"
    net: Any = (_symbolic if symbolic else _numbered)(ask)
    of, form, label = ask.get("of", "delta"), ask.get("form", "product"), None
    blocks: list[Block] = [*net._blocks()] if "given" in ask.options else []
    if of == "hessian":
        if symbolic or {"layer", "form"} & set(ask.options):
            raise InputError("the Hessian has no :layer: and no :form:, and no symbolic depth")
        found = net.hessian()
        blocks += found._blocks()
    else:
        layer = ask.get("layer", Symbol("l", integer=True, positive=True) if symbolic else 1)
        if of == "delta":
            found = net.delta(layer)
        else:
            found = net.gradient(of, None if of == "x" and not symbolic else layer)
        label = Formula(found.symbol, found.expr)
        blocks.append(label)
        if form != "product" and symbolic:
            raise InputError(f"at symbolic depth there is the product form alone, got {form!r}")
        if form == "explicit":
            label = Formula(found.symbol, found.explicit)
            blocks.append(label)
        if form == "program":
            blocks.append(Listing(str(found.program), "none"))
    blocks += [*_steps(found.derivation, ask.get("steps", "all")), *standing(found.fact)]
    return Answer(blocks, [found.fact], label=label, linked=False)


def _numbered(ask: Request) -> Chain:
    """The chain that the argument or the file describes."""
    if "chain" in ask.options:
        for key in sorted({"layers", "loss", "no-bias"} & set(ask.options)):
            raise InputError(f"a chain from a file says its own layers and cost: no :{key}:")
        if ask.argument:
            raise InputError("a chain comes from the argument or from a file, not from both")
        return Chain.from_file(ask.files["chain"][1])
    if not all(ask.parts):
        raise InputError("name the activations of the layers, as sigmoid | tanh, or give :chain:")
    records = [*map(ask.activation, ask.parts)]
    depth = ask.get("layers", len(records))
    if len(records) == 1:
        records *= depth
    if depth != len(records):
        raise InputError(f"{len(records)} activations are named for {depth} layers")
    bias = False if "no-bias" in ask.options else None
    layers = [Layer(g, bias=bias) for g in records]
    return Chain(layers, loss=ask.get("loss", "squared_error"))


def _symbolic(ask: Request) -> SymbolicChain:
    if "chain" in ask.options or len(ask.parts) > 1:
        raise InputError("a chain of L layers has one activation, named in the argument")
    return SymbolicChain(
        ask.activation(), depth=Symbol("L", integer=True, positive=True),
        bias="no-bias" not in ask.options, loss=loss(ask.get("loss", "squared_error")),
    )  # fmt: skip


def _steps(derivation: Derivation, which: str | list[int]) -> list[Block]:
    if which == "none":
        return []
    if which == "all":
        return [Section("Derivation", tuple(derivation._blocks()))]
    rows: list[tuple[Cell, ...]] = []
    for n in map(int, which):
        if n > len(derivation):
            raise InputError(f"the derivation has the steps 1 to {len(derivation)}, got {n}")
        step = derivation.steps[n - 1]
        given = ", ".join(f"({m})" for m in step.given)
        rows.append((f"({n})", step.claim, step.because, given))
    return [Table(("Step", "Claim", "Because", "From"), tuple(rows))]


@made
def depth_law(ask: Request) -> Answer:
    """The law of δ¹/δᴸ as the chain grows."""
    usual = {"weight": "1", "bias": "0", "start": "1"}
    w, b, start = (Rational(ask.get(key, word)) for key, word in usual.items())
    law = law_of(ask.activation(), w, b, start)
    given = Eq(Symbol("z__1"), start)
    blocks: list[Block] = [
        Para("With every weight ", w, ", every bias ", b, " and ", given, ":"),
        *law._blocks(), *ask.proof(law.derivation),
    ]  # fmt: skip
    return Answer(blocks, [law.fact], linked=False)
