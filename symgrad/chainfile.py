"""A file that describes a chain, read into plain validated data; TOML, or JSON of the same shape.

    input = 0.5                       a number; the symbol x where it is not given
    target = "1/3"                    a number or a constant expression in quotes
    loss = "squared_error"
    tie_weights = false

    [[layers]]
    activation = "leaky_relu"
    parameters = { alpha = 0.2 }
    weight = 1.5                      the symbol w__l where it is not given
    bias = false                      no bias; the symbol b__l where it is not given
    skip = false
    repeat = 3                        three layers alike

Instead of `[[layers]]`, `activation`, `parameters`, `depth`, `weights`, `biases` describe equal
layers. A table `[activations.NAME]` with a `formula` in x adds an activation of your own. Decimals
are exact; no other key is allowed.
"""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, NoReturn

from sympy import Expr, Integer, Rational

from symgrad import words
from symgrad.activation import Activation, X
from symgrad.catalogue import activations
from symgrad.errors import InputError, UnknownNameError
from symgrad.files import read_text
from symgrad.loss import Loss, squared_error
from symgrad.loss import loss as loss_named
from symgrad.parse import Names

__all__ = ["ChainSpec", "LayerSpec", "chain_spec", "read_chain"]

MAX_BYTES = 1_000_000
MAX_LAYERS = 100_000


class LayerSpec(NamedTuple):
    """One layer; `weight` None is the symbol wˡ, `bias` None the symbol bˡ, False no bias."""

    activation: Activation
    weight: Expr | None = None
    bias: Expr | bool | None = None
    skip: bool = False


@dataclass(frozen=True, slots=True)
class ChainSpec:
    """What a chain file says; `x` and `y` None are the symbols x and y."""

    layers: tuple[LayerSpec, ...]
    loss: Loss
    x: Expr | None = None
    y: Expr | None = None
    tie_weights: bool = False
    title: str = ""
    source: str = field(default="", compare=False)


Read = Callable[[Any, str], Any]


class _Reader:
    """The entries of one file, each read with the place it stands in."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.known = {g.name: g for g in activations()}

    def fail(self, key: str, law: object, value: Any = None) -> NoReturn:
        shown = "" if value is None else f" = {_shown(value)}"
        raise InputError(f"{self.source}: {key}{shown}: {law}")

    def table(self, value: Any, key: str, readers: Mapping[str, Read]) -> dict[str, Any]:
        """The entries of a table, each by its reader, in the order of the readers."""
        self.typed(value, key, dict, "a table is needed here")
        place = f"{key}." if key else ""
        for name in value:
            if name not in readers:
                self.fail(f"{place}{name[:60]}", UnknownNameError("key", name, readers))
        return {n: read(value[n], f"{place}{n}") for n, read in readers.items() if n in value}

    # readers of one entry

    def typed(self, value: Any, key: str, kind: type, law: str) -> Any:
        if not isinstance(value, kind):
            self.fail(key, law, value)
        return value

    def raw(self, value: Any, key: str) -> Any:
        return value

    def flag(self, value: Any, key: str) -> bool:
        return self.typed(value, key, bool, "true or false is needed")

    def text(self, value: Any, key: str) -> str:
        return self.typed(value, key, str, "text in quotes is needed")

    def number(self, value: Any, key: str) -> Expr:
        """A finite real constant: a number, or an expression in quotes."""
        if isinstance(value, bool) or not isinstance(value, (int, Rational, str)):
            self.fail(key, 'a number or a constant such as "sqrt(2)" is needed', value)
        if isinstance(value, Rational):
            return value
        if isinstance(value, int):
            if abs(value) >= 10**200:
                self.fail(key, "a number has at most 200 digits")
            return Integer(value)
        try:
            return words.parse(value, Names(functions=words.names().functions))
        except InputError as error:
            self.fail(key, f"no constant expression: {error}", value)

    def bias(self, value: Any, key: str) -> Expr | bool:
        """False for no bias, else a number."""
        if value is True:
            self.fail(key, "a number or false is needed; leave the key out for a symbol", value)
        return False if value is False else self.number(value, key)

    def count(self, value: Any, key: str) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MAX_LAYERS:
            self.fail(key, f"a whole number from 1 to {MAX_LAYERS} is needed", value)
        return value

    def loss(self, value: Any, key: str) -> Loss:
        try:
            return loss_named(self.text(value, key))
        except UnknownNameError as error:
            self.fail(key, error, value)

    def name(self, value: Any, key: str) -> Activation:
        if self.text(value, key) not in self.known:
            self.fail(key, UnknownNameError("activation", value, self.known), value)
        return self.known[value]

    # tables

    def activation(self, row: Mapping[str, Any], place: str = "") -> Activation:
        """The activation that a table names, with its parameters."""
        if "activation" not in row:
            self.fail(f"{place}activation", "missing; one of: " + ", ".join(self.known))
        g, key = row["activation"], f"{place}parameters"
        readers = {p.name: self.number for p in g.parameters}
        values = self.table(row.get("parameters", {}), key, readers)
        try:
            return g.bind(**values)
        except InputError as error:
            self.fail(key, error, row["parameters"])

    def own_activations(self, value: Any, key: str) -> None:
        """The `[activations.NAME]` tables."""
        for name, entry in self.typed(value, key, dict, "a table is needed").items():
            place = f"{key}.{name}"
            row = self.table(entry, place, {"formula": self.text, "source": self.text})
            if name in self.known:
                self.fail(place, "the catalogue has an activation of this name; choose another")
            formula = self.text(row.get("formula"), f"{place}.formula")
            try:
                expr = words.parse(formula, words.names(None, *self.known.values()))
                g = Activation.from_expr(name, expr, X, source=row.get("source", ""))
            except InputError as error:
                self.fail(f"{place}.formula", error, formula)
            self.known[name] = g

    def layers(self, rows: Any, key: str) -> list[LayerSpec]:
        """The layers of `[[layers]]`, repeated ones written out."""
        if not isinstance(rows, list) or not rows:
            self.fail(key, "at least one [[layers]] is needed", rows)
        readers: dict[str, Read] = {
            "activation": self.name, "parameters": self.raw, "weight": self.number,
            "bias": self.bias, "skip": self.flag, "repeat": self.count,
        }  # fmt: skip
        found: list[LayerSpec] = []
        for index, entry in enumerate(rows, 1):
            place = f"{key}[{index}]"
            row = self.table(entry, place, readers)
            g = self.activation(row, f"{place}.")
            layer = LayerSpec(g, row.get("weight"), row.get("bias"), row.get("skip", False))
            found += [layer] * row.get("repeat", 1)
            if len(found) > MAX_LAYERS:
                self.fail(place, f"a chain file has at most {MAX_LAYERS} layers")
        return found

    def equal_layers(self, top: Mapping[str, Any]) -> list[LayerSpec]:
        """The layers of `activation` and `depth`."""
        for needed in ("activation", "depth"):
            if needed not in top:
                self.fail(needed, "missing; give [[layers]], or activation and depth")
        g = self.activation(top)
        weights = self.per_layer(top, "weights", self.number)
        biases = self.per_layer(top, "biases", self.bias)
        skip = top.get("skip", False)
        return [LayerSpec(g, w, b, skip) for w, b in zip(weights, biases, strict=True)]

    def per_layer(self, top: Mapping[str, Any], key: str, read: Read) -> list[Any]:
        """One value for all layers, or a list of one for each."""
        value, depth = top.get(key), top["depth"]
        if not isinstance(value, list):
            return [None if value is None else read(value, key)] * depth
        if len(value) != depth:
            self.fail(key, f"one value for each of {depth} layers is needed, got {len(value)}")
        return [read(v, f"{key}[{l}]") for l, v in enumerate(value, 1)]

    def chain(self, data: Any) -> ChainSpec:
        readers: dict[str, Read] = {
            "activations": self.own_activations, "title": self.text, "input": self.number,
            "target": self.number, "loss": self.loss, "tie_weights": self.flag,
            "layers": self.layers,
        }  # fmt: skip
        equal: dict[str, Read] = {
            "activation": self.name, "parameters": self.raw, "depth": self.count,
            "weights": self.raw, "biases": self.raw, "skip": self.flag,
        }  # fmt: skip
        listed = isinstance(data, dict) and "layers" in data
        for name in equal:
            if listed and name in data:
                self.fail(name, "goes with activation and depth, not with [[layers]]")
        top = self.table(data, "", readers | ({} if listed else equal))
        layers = top["layers"] if listed else self.equal_layers(top)
        tied = top.get("tie_weights", False)
        if tied and len({l.weight for l in layers}) > 1:
            self.fail("tie_weights", "tied weights are equal: give the same number or none", tied)
        return ChainSpec(
            tuple(layers), top.get("loss", squared_error), top.get("input"), top.get("target"),
            tied, top.get("title", ""), self.source,
        )  # fmt: skip


def _shown(value: Any) -> str:
    text = json.dumps(value, default=str, ensure_ascii=False)
    return text if len(text) <= 60 else text[:57] + "..."


def _decimal(text: str) -> Rational:
    """A decimal of TOML or JSON as the number it writes."""
    if len(text) > 100 or not text.strip("+-").replace("_", "")[:1].isdigit():
        raise ValueError(f"a finite decimal of at most 100 characters is needed, got {text[:40]}")
    mantissa, _, exponent = text.replace("_", "").lower().partition("e")
    if abs(int(exponent or 0)) > 400:
        raise ValueError(f"the exponent of a decimal lies between -400 and 400, got {text[:40]}")
    return Rational(mantissa) * Rational(10) ** int(exponent or 0)


def _no_constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is no finite number")


def _no_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    table = dict(pairs)
    if len(table) < len(pairs):
        raise ValueError("a key is given twice")
    return table


def _load(text: str, source: str) -> Any:
    try:
        if source.endswith(".json"):
            return json.loads(
                text, parse_float=_decimal, parse_constant=_no_constant,
                object_pairs_hook=_no_repeats,
            )  # fmt: skip
        return tomllib.loads(text, parse_float=_decimal)
    except RecursionError:
        raise InputError(f"{source}: nested too deeply") from None
    except ValueError as error:
        kind = "JSON" if source.endswith(".json") else "TOML"
        raise InputError(f"{source}: not the {kind} of a chain: {error}") from None


def chain_spec(data: Mapping[str, Any], source: str = "chain") -> ChainSpec:
    """The chain that a table describes, as a file would.

    >>> chain_spec({"activation": "tanh", "depth": 2, "weights": "1/2"}).layers[0].weight
    1/2
    """
    return _Reader(source).chain(data)


def read_chain(path: str | os.PathLike[str]) -> ChainSpec:
    """The chain that a file describes; raises `InputError` with file, key, value and law."""
    source = os.fspath(path)
    return chain_spec(_load(read_text(source, MAX_BYTES), source), source)
