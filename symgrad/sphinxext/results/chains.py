"""Directives about a chain: a gradient's closed form with its derivation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sympy import Eq, Rational, Symbol

from symgrad.chain import Chain
from symgrad.chain.symbolic import SymbolicChain
from symgrad.depth import depth_law
from symgrad.errors import InputError
from symgrad.fact import Derivation
from symgrad.render import Block, Formula, Listing, Para, Section, Table
from symgrad.render.blocks import Cell
from symgrad.sphinxext.results.reading import Maker, Request, activation, chain, failed, proof
from symgrad.sphinxext.setting import Answer

__all__ = ["MAKERS"]


def _derivation(request: Request, options: Mapping[str, Any]) -> Answer:
    if options.get("of") == "hessian" and not {"layer", "form"} & set(options):
        return _hessian(request, options)
    if options.get("layers") == "L":
        net, result = _symbolic(request, options)
    else:
        net, result = _numbered(request, options)
    blocks: list[Block] = []
    if "given" in options:
        blocks += net._blocks()
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
    blocks += _steps(result.derivation, options.get("steps", "all"))
    fact = result.fact
    blocks.append(Para(_standing(fact)))
    return Answer(tuple(blocks), label=label, failed=failed((fact.id, fact.verdict)))


def _hessian(request: Request, options: Mapping[str, Any]) -> Answer:
    found = chain(request).hessian()
    blocks = [*found._blocks(), *_steps(found.derivation, options.get("steps", "all"))]
    blocks.append(Para(_standing(found.fact)))
    label = next(block for block in blocks if isinstance(block, Formula))
    return Answer(tuple(blocks), label=label, failed=failed((found.fact.id, found.verdict)))


def _standing(fact: Any) -> str:
    verdict, count = fact.verdict, len(fact.derivation)
    if verdict:
        return f"Proved [{fact.id}] in {count} step{'s' * (count > 1)}."
    return f"{type(verdict).__name__} [{fact.id}]: {verdict.why}."


def _numbered(request: Request, options: Mapping[str, Any]) -> tuple[Chain, Any]:
    net = chain(request)
    of, layer = options.get("of", "delta"), options.get("layer", 1)
    if of == "hessian":
        raise InputError("the Hessian has no :layer: and no :form:")
    if of == "delta":
        return net, net.delta(layer)
    return net, net.gradient(of, None if of == "x" else layer)


def _symbolic(request: Request, options: Mapping[str, Any]) -> tuple[SymbolicChain, Any]:
    L = Symbol("L", integer=True, positive=True)
    l = Symbol("l", integer=True, positive=True)
    if "chain" in options or "|" in request["argument"]:
        raise InputError("a chain of L layers has one activation, named in the argument")
    net = SymbolicChain(
        activation(request), depth=L, bias="no-bias" not in options,
        **({"loss": _loss(options["loss"])} if "loss" in options else {}),
    )  # fmt: skip
    of, layer = options.get("of", "delta"), options.get("layer", l)
    return net, net.delta(layer) if of == "delta" else net.gradient(of, layer)


def _loss(name: str) -> Any:
    from symgrad.loss import loss

    return loss(name)


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


def _depth_law(request: Request, options: Mapping[str, Any]) -> Answer:
    g = activation(request)
    usual = {"weight": "1", "bias": "0", "start": "1"}
    w, b, start = (Rational(options.get(key, word)) for key, word in usual.items())
    law = depth_law(g, w, b, start)
    blocks: list[Block] = [
        Para("With every weight ", w, ", every bias ", b, " and ", Eq(Symbol("z__1"), start), ":"),
        *law._blocks(),
    ]
    if "proof" in options:
        blocks += proof(law.derivation)
    return Answer(tuple(blocks), failed=failed((law.fact.id, law.verdict)))


MAKERS: dict[str, Maker] = {"derivation": _derivation, "depth-law": _depth_law}
