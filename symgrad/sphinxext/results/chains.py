"""Directives about a chain: a gradient's closed form with its derivation."""

from __future__ import annotations

from typing import Any

from sympy import Eq, Rational, Symbol

from symgrad.chain import Chain
from symgrad.chain.symbolic import SymbolicChain
from symgrad.depth import depth_law as law_of
from symgrad.errors import InputError
from symgrad.fact import Derivation
from symgrad.loss import loss
from symgrad.render import Block, Formula, Listing, Para, Section, Table
from symgrad.render.blocks import Cell
from symgrad.sphinxext.results.reading import (
    Options,
    Request,
    activation,
    chain,
    made,
    proof,
    shown,
    standing,
)
from symgrad.sphinxext.setting import Answer


@made
def derivation(request: Request, options: Options) -> Answer:
    """A gradient of a chain, or its Hessian, with the steps asked for."""
    if options.get("of") == "hessian" and not {"layer", "form"} & set(options):
        found = chain(request).hessian()
        return _shown([*found._blocks()], found, options)
    net, result = (_symbolic if options.get("layers") == "L" else _numbered)(request, options)
    blocks: list[Block] = [*net._blocks()] if "given" in options else []
    label = Formula(result.symbol, result.expr)
    blocks.append(label)
    form = options.get("form", "product")
    if form != "product" and isinstance(net, SymbolicChain):
        raise InputError(f"at symbolic depth there is the product form alone, got {form!r}")
    if form == "explicit":
        label = Formula(result.symbol, result.explicit)
        blocks.append(label)
    if form == "program":
        blocks.append(Listing(str(result.program), "none"))
    return _shown(blocks, result, options, label)


def _shown(blocks: list[Block], found: Any, options: Options, label: Any = None) -> Answer:
    """The blocks with the steps that are asked for, and how the claim stands."""
    steps = _steps(found.derivation, options.get("steps", "all"))
    return shown([*blocks, *steps, *standing(found.fact)], found.fact, label=label, linked=False)


def _numbered(request: Request, options: Options) -> tuple[Chain, Any]:
    net = chain(request)
    of, layer = options.get("of", "delta"), options.get("layer", 1)
    if of == "hessian":
        raise InputError("the Hessian has no :layer: and no :form:")
    if of == "delta":
        return net, net.delta(layer)
    return net, net.gradient(of, None if of == "x" else layer)


def _symbolic(request: Request, options: Options) -> tuple[SymbolicChain, Any]:
    L = Symbol("L", integer=True, positive=True)
    l = Symbol("l", integer=True, positive=True)
    if "chain" in options or "|" in request["argument"]:
        raise InputError("a chain of L layers has one activation, named in the argument")
    net = SymbolicChain(
        activation(request), depth=L, bias="no-bias" not in options,
        loss=loss(options.get("loss", "squared_error")),
    )  # fmt: skip
    of, layer = options.get("of", "delta"), options.get("layer", l)
    return net, net.delta(layer) if of == "delta" else net.gradient(of, layer)


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
def depth_law(request: Request, options: Options) -> Answer:
    """The law of δ¹/δᴸ as the chain grows."""
    g = activation(request)
    usual = {"weight": "1", "bias": "0", "start": "1"}
    w, b, start = (Rational(options.get(key, word)) for key, word in usual.items())
    law = law_of(g, w, b, start)
    blocks: list[Block] = [
        Para("With every weight ", w, ", every bias ", b, " and ", Eq(Symbol("z__1"), start), ":"),
        *law._blocks(),
    ]
    blocks += proof(options, law.derivation)
    return shown(blocks, law.fact, linked=False)
