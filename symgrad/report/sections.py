"""The six parts of the report on a chain, each a function from the chain to blocks and data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import groupby
from typing import Any

from flint import arb
from sympy import Expr, Symbol, oo

from symgrad.activation import Activation, Derived
from symgrad.bounds import extrema
from symgrad.chain import Chain, Gradient, Layer
from symgrad.check import check
from symgrad.errors import LimitError
from symgrad.kernels import lambdify
from symgrad.render import Block, Formula, Listing, Para, Section, Table, line, text
from symgrad.render.blocks import Cell
from symgrad.report.factors import textbook
from symgrad.report.forms import (
    CODEC,
    ball_form,
    fact_form,
    formula_form,
    tail_form,
    verdict_form,
    verdict_words,
)
from symgrad.rigor import precision
from symgrad.tails import Tail, tail

__all__ = ["SECTIONS", "Part", "Work"]

SHOWN_DEPTH = 10
"""Deeper chains are shown by their recurrences and their program, unless all is asked for."""


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the report: its blocks, its data, and whether everything in it holds."""

    blocks: tuple[Block, ...]
    data: dict[str, Any]
    holds: bool = True
    key: str = ""
    title: str = ""
    failure: str = ""

    def named(self, key: str, title: str) -> Part:
        return replace(self, key=key, title=title)


@dataclass(frozen=True)
class Work:
    """The chain as it is given, and the same chain with a symbol for every number."""

    chain: Chain
    full: bool
    terms: int
    points: int
    x: Symbol = field(default=Symbol("x", real=True))

    @cached_property
    def symbolic(self) -> Chain:
        """The chain with symbols for weights, biases, input and target."""
        layers = [
            Layer(layer.g, None, None if layer.has_bias else False, layer.skip)
            for layer in self.chain.layers
        ]
        return Chain(layers, loss=self.chain.loss, tie_weights=self.chain.tie_weights)

    @property
    def shallow(self) -> bool:
        return self.full or self.chain.depth <= SHOWN_DEPTH

    @cached_property
    def shown_layers(self) -> list[int]:
        """All layers of a shallow chain; the first and last ones of a deep one."""
        depth = self.chain.depth
        return list(range(1, depth + 1)) if self.shallow else [1, 2, depth - 1, depth]

    @cached_property
    def gradients(self) -> list[Gradient]:
        """δˡ, ∂C/∂wˡ, ∂C/∂bˡ of the shown layers, and ∂C/∂x."""
        net = self.symbolic
        found = []
        for l in self.shown_layers:
            found += [net.delta(l), net.gradient("w", l)]
            if net.layers[l - 1].has_bias:
                found.append(net.gradient("b", l))
        if net.tie_weights:
            found.append(net.gradient("w"))
        return [*found, net.gradient("x")]

    @cached_property
    def activations(self) -> list[Activation | Derived]:
        """The different activations of the chain, in the order of its layers."""
        return list(dict.fromkeys(layer.g for layer in self.chain.layers))

    @property
    def numeric(self) -> bool:
        """Whether every weight, bias, input and target is a number."""
        return set(self.chain.symbols) <= set(self.chain.given)


def the_chain(work: Work) -> Part:
    """1. The chain and its recurrences."""
    net, depth = work.symbolic, work.chain.depth
    every = net.recurrences
    rows = every if work.shallow else (*every[:4], *every[-3:])
    blocks: list[Block] = [
        Para(f"{depth} layer{'s' * (depth > 1)}, one neuron each; cost {net.loss.name}.")
    ]
    for l, row in enumerate(rows):
        blocks.append(Formula(*row.args))
        if len(rows) < len(every) and l == 3:
            blocks.append(Para(f"and so on for the layers 3 to {depth - 1}, up to"))
    blocks.append(
        Para("The definition of the error term, and the recurrences that follow from it:")
    )
    last = net.delta(depth)
    blocks.append(Formula(last.symbol, textbook(last.factors)))
    blocks += [
        Formula(net.delta(l).symbol, textbook(_one_step(net, l)))
        for l in reversed(work.shown_layers)
        if l < depth
    ]
    given = work.chain.given
    if given:
        table = [(s, given[s]) for s in work.chain.symbols if s in given]
        shown = table if len(table) <= 24 or work.full else table[:24]
        blocks.append(Para("Given numbers:"))
        blocks.append(Table(("symbol", "value"), tuple((s, v) for s, v in shown)))
        if len(shown) < len(table):
            blocks.append(Para(f"({len(table) - len(shown)} more are not shown)"))
    data = {
        "depth": depth,
        "recurrences": [formula_form(row) for row in rows],
        "given": {s.name: text(v) for s, v in given.items()},
    }
    return Part(tuple(blocks), data)


def _one_step(net: Chain, l: int) -> list[Expr]:
    """δˡ = wˡ⁺¹ g'ₗ(zˡ) δˡ⁺¹, with the arrow of a skip connection where there is one."""
    above = net.delta(l + 1)
    if any(net.layers[k].skip for k in range(l, net.depth)):
        return list(net.delta(l).factors)
    return [net.w(l + 1), net.layers[l - 1].g.d(1)(net.z(l)), above.symbol]


def closed_forms(work: Work) -> Part:
    """2. Textbook and explicit forms of every gradient, and the derivation."""
    gradients = work.gradients
    rows: list[tuple[Cell, ...]] = []
    entries: list[dict[str, Any]] = []
    holds = True
    explicit: list[Block] = []
    for g in gradients:
        form = textbook(g.factors) if not (g.of == "w" and g.layer == 0) else g.expr
        proved = bool(g.verdict)
        holds = holds and proved
        word = "proved" if proved else "not proved"
        rows.append((g.symbol, form, f"{word}, {len(g.derivation)} steps"))
        entry = {
            "name": g.name if g.of != "a" else "a",
            "of": g.of,
            "layer": g.layer,
            "textbook": formula_form(form),
            **fact_form(g.fact, record=work.full),
        }
        if work.shallow:
            try:
                whole = g.explicit
                explicit.append(Formula(g.symbol, whole))
                entry["explicit"] = formula_form(whole)
            except LimitError as error:
                explicit.append(Para(g.symbol, f": {error}"))
                entry["explicit_error"] = str(error)
        entries.append(entry)
    blocks: list[Block] = [Table(("gradient", "textbook form", "verdict"), tuple(rows))]
    if not work.shallow:
        net = work.symbolic
        blocks.append(
            Para(
                f"(first and last layers of {net.depth}; those between have the same form. "
                f"The program of part 5 computes all of them in {len(net.program)} lines.)"
            )
        )
    if explicit:
        blocks.append(Section("In weights, biases, input and target alone", tuple(explicit)))
    derived = _derived(work)
    if not work.shallow:
        blocks.append(Para("The derivation of the last but one layer; all others go the same way."))
    for g in derived:
        label = f"Derivation of {_spoken(g)} from the definition by the chain rule"
        blocks.append(Section(label, tuple(g.derivation._blocks())))
    return Part(tuple(blocks), {"gradients": entries}, holds)


def _spoken(g: Gradient) -> str:
    if g.of == "delta":
        return f"δ{_raised(g.layer)}"
    return f"∂C/∂{g.of}{_raised(g.layer) if g.layer else ''}"


def _raised(l: int) -> str:
    return "".join("⁰¹²³⁴⁵⁶⁷⁸⁹"[int(d)] for d in str(l))


def _derived(work: Work) -> list[Gradient]:
    """The gradients whose derivation is shown: all, the longest of each kind, or a short one."""
    if work.full:
        return work.gradients
    if not work.shallow:
        return [work.symbolic.delta(work.chain.depth - 1)]
    return list({g.of: g for g in reversed(work.gradients)}.values())[::-1]


def _has_number(g: Activation | Derived) -> bool:
    return not g.free_symbols


def activation_facts(work: Work) -> Part:
    """3. Both tails of g', its class there, and sup |g'|, for each activation."""
    sections: list[Block] = []
    entries = []
    holds = True
    for g in work.activations:
        slope = g.d(1)
        blocks: list[Block] = [
            Formula(g(work.x), g(work.x).doit()),
            Formula(slope(work.x), slope(work.x).doit()),
        ]
        entry: dict[str, Any] = {"name": text(g), "formula": formula_form(g(work.x).doit())}
        for toward, key in ((oo, "toward_oo"), (-oo, "toward_-oo")):
            found = tail(slope, toward=toward, terms=work.terms)
            holds = holds and bool(found.verdict)
            blocks += [*found._blocks(), Para(_class_words(found))]
            entry[key] = tail_form(found)
        if _has_number(g):
            found = extrema(slope)
            holds = holds and bool(found.verdict)
            high = _largest(found)
            blocks.append(Para("sup |", slope(work.x), "| = ", high))
            blocks += found._blocks()
            entry["sup_abs"] = formula_form(high)
            entry["extrema"] = fact_form(found.fact)
        sections.append(Section(text(g), tuple(blocks)))
        entries.append(entry)
    return Part(tuple(sections), {"activations": entries}, holds)


def _largest(found: Any) -> Expr:
    """sup |f| from sup f and inf f."""
    high, low = found.sup.value, -found.inf.value
    if high == oo or low == oo:
        return oo
    return high if found.sup.enclosure().mid >= (-found.inf.enclosure().mid) else low


def _class_words(found: Tail) -> str:
    side = "+" if found.toward == oo else "-"
    return f"Class toward {side}oo: {found.tail_class}. {verdict_words(found.fact)}"


def bounds(work: Work) -> Part:
    """4. The bound on |δˡ| that follows from sup |g'|, in the weights."""
    found = {l: work.symbolic.bound(l) for l in work.shown_layers}
    blocks: list[Block] = [Formula(bound.fact.statement) for bound in found.values()]
    blocks.append(Para(verdict_words(found[1].fact)))
    blocks.append(Section("Why", tuple(found[1].derivation._blocks())))
    data = [{"layer": l, **fact_form(bound.fact)} for l, bound in found.items()]
    return Part(tuple(blocks), {"bounds": data}, all(bool(b.verdict) for b in found.values()))


def numbers(work: Work) -> Part:
    """5. The NumPy function, its values at the given numbers, and the check of its kernels."""
    chain = work.chain
    program = chain.program
    kernel = chain.lambdify()
    blocks: list[Block] = [
        Para(
            "net.lambdify() is one NumPy function for the cost and all gradients of a batch: "
            "one forward and one backward sweep, "
            f"{len(program)} lines, {program.operations} operations."
        ),
        Listing(_body(kernel.source)),
        Para(_HELPERS),
        Section("The program", (*_program(work),)),
    ]
    data: dict[str, Any] = {
        "program": {"lines": len(program), "operations": program.operations},
        "source": kernel.source,
    }
    if work.numeric:
        values, table = _evaluated(work, _values(chain, kernel))
        blocks.append(Section("At the given numbers", (table,)))
        data["values"] = values
    else:
        loose = [s for s in chain.symbols if s not in chain.given]
        names = ", ".join(map(line, loose[:8])) + (", ..." if len(loose) > 8 else "")
        blocks.append(Para(f"No values are given for {names}, so there is nothing to evaluate."))
    checks, rows, holds = _checked(work)
    blocks.append(
        Table(
            ("function", "points", "max ulp", "worst point", "wrong zeros", "verdict"),
            tuple(rows),
            "Each function in it against mpmath and Arb, float64",
        )
    )
    data["checks"] = checks
    return Part(tuple(blocks), data, holds)


_HELPERS = (
    "Above it stand the accurate kernels of each activation and its slope, and the sweep; "
    "net.lambdify().export(path) writes all of it as a module that needs NumPy alone."
)


def _body(source: str) -> str:
    """The end of the module, without the tables of the kernels that it calls."""
    shown: list[str] = []
    lines = source[source.rindex("\ndef cost(") + 1 :].splitlines()
    for alike, group in groupby(lines):
        count = len(list(group))
        shown += [alike] * min(count, 4)
        if count > 4:
            shown.append(f"    # ... {count - 4} more of these")
    return "\n".join(shown)


def _values(chain: Chain, kernel: Any) -> dict[str, float]:
    """What the NumPy function gives at the chain's own numbers, by the names of the program."""
    found = kernel()
    values = {"C": float(found.cost), "x": float(found.x)}
    for l, layer in enumerate(chain.layers, 1):
        values[f"w__{l}"] = float(found.w[l - 1])
        values[f"delta__{l}"] = float(found.delta[l - 1])
        if layer.has_bias:
            values[f"b__{l}"] = float(found.delta[l - 1])
    if chain.tie_weights:
        values["w"] = float(found.w.sum())
    return values


def _program(work: Work) -> list[Block]:
    """The straight-line program; its beginning and end where it is long."""
    lines = work.symbolic.program.lines
    shown = list(lines) if work.full or len(lines) <= 40 else [*lines[:20], *lines[-12:]]
    code = [f"{one.name} = {text(one.expr)}" for one in shown]
    if len(shown) < len(lines):
        code.insert(20, f"# ... {len(lines) - len(shown)} lines of the same kind")
    return [Listing("\n".join(code))]


def _evaluated(work: Work, found: dict[str, float]) -> tuple[dict[str, Any], Table]:
    """Each gradient at the given numbers: enclosed by balls, and by the NumPy function."""
    chain = work.chain
    true = chain.program.evaluate(chain.given, 64)
    names = [g.name for g in work.gradients if g.name in true]
    symbols = {g.name: g.symbol for g in work.gradients}
    symbols["C"] = Symbol("C")
    forms: dict[str, Any] = {}
    rows: list[tuple[Cell, ...]] = []
    for name in ("C", *names):
        error = _relative(found[name], true[name])
        shown = repr(found[name])
        forms[name] = {"true": ball_form(true[name]), "numpy": shown, "relative_error": error}
        rows.append((symbols[name], _digits(true[name]), shown, error))
    head = ("gradient", "proved digits", "NumPy function", "relative error")
    return forms, Table(head, tuple(rows))


def _digits(value: arb) -> str:
    return "0" if value.is_zero() else value.str(18, radius=False)


def _relative(found: float, true: arb) -> str:
    """|found - true|/|true|; part of it comes from rounding the given numbers to floats."""
    with precision(128):
        if true.is_zero():
            return "0" if found == 0 else "inf"
        return abs((arb(found) - true) / true).upper().str(2, radius=False)


def _checked(work: Work) -> tuple[list[Any], list[tuple[Cell, ...]], bool]:
    forms, rows, good = [], [], True
    for g in work.activations:
        if not _has_number(g):
            continue
        for f in (g(work.x), g.d(1)(work.x)):
            found = check(lambdify(work.x, f), points=work.points)
            passed = found.passed()
            good = good and passed
            at = "-" if found.worst.at is None else ", ".join(map(repr, found.worst.at))
            word = "holds" if passed else "; ".join(found.failures())
            zeros = str(found.wrong_zeros.count)
            rows.append((f, str(found.points), f"{found.max_ulp:.3g}", at, zeros, word))
            forms.append(CODEC.encode(found))
    return forms, rows, good


def diagnosis(work: Work) -> Part:
    """6. Which factor makes which gradient small, and whether the point is critical."""
    if not work.numeric:
        cases = work.symbolic.critical_points()
        blocks: list[Block] = [
            Para("No point is given. The critical points of the chain, as a union of cases:")
        ]
        for case in cases:
            blocks += case._blocks()
        holds = all(bool(case.verdict) for case in cases)
        return Part(tuple(blocks), {"cases": [fact_form(c.fact) for c in cases]}, holds)
    found = work.chain.diagnose()
    sentences = [layer.sentence() for layer in found.layers]
    blocks = [*found._blocks()]
    shown = sentences if work.shallow else [*sentences[:3], *sentences[-3:]]
    blocks.append(Section("Layer by layer", tuple(Para(s + ".") for s in shown)))
    data = {
        "is_critical": found.is_critical,
        "why": found.why,
        **verdict_form(found.verdict),
        "cost": ball_form(found.cost),
        "layers": [
            {
                "layer": row.layer,
                "weight_gradient": ball_form(row.weight_gradient),
                "delta": ball_form(row.delta),
                "decades": f"{row.decades:.6g}",
                "largest": text(row.largest),
                "largest_share": f"{row.largest_share:.6g}",
                "vanishing": [text(f) for f in row.vanishing],
                "sentence": row.sentence(),
            }
            for row in found.layers
        ],
        "notes": list(found.notes),
    }
    return Part(tuple(blocks), data)


SECTIONS: tuple[tuple[str, str, Callable[[Work], Part]], ...] = (
    ("chain", "The chain and its recurrences", the_chain),
    ("closed_forms", "Closed forms of the gradients", closed_forms),
    ("activations", "The activations: tails and suprema of the slopes", activation_facts),
    ("bounds", "Bounds on the error terms", bounds),
    ("numbers", "The gradients as a NumPy function, checked", numbers),
    ("diagnosis", "What makes which gradient small", diagnosis),
)
