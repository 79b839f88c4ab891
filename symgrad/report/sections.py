"""The six parts of the report on a chain, each a function from the chain to blocks and data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from itertools import groupby
from typing import Any

from flint import arb
from sympy import Expr, Symbol, oo

from symgrad.activation import Activation, Derived
from symgrad.bounds import extrema
from symgrad.chain import Chain, Gradient, Layer
from symgrad.chain.kernel import Gradients
from symgrad.check import Report, check
from symgrad.errors import LimitError
from symgrad.kernels import lambdify
from symgrad.render import Block, Formula, Listing, Para, Section, Table, line, text
from symgrad.render.blocks import Cell
from symgrad.report.factors import textbook
from symgrad.report.forms import fact_form, form, verdict_words
from symgrad.rigor import precision
from symgrad.tails import tail

__all__ = ["SECTIONS", "Part", "Work"]

SHOWN_DEPTH = 10
"""Deeper chains are shown by their recurrences and their program, unless all is asked for."""
NESTED_DEPTH = 40
"""SymPy neither builds nor prints explicit forms of chains much deeper than this."""


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the report: its blocks, its data, and whether everything in it holds."""

    blocks: tuple[Block, ...]
    data: dict[str, Any]
    holds: bool = True
    key: str = ""
    title: str = ""
    failure: str = ""


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
        layers = [Layer(one.g, bias=one.has_bias, skip=one.skip) for one in self.chain.layers]
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
        Para(f"{depth} layer{'s' * (depth > 1)}, one neuron each; cost {net.loss.name}."),
        *(Formula(*row.args) for row in rows),
    ]
    if not work.shallow:
        blocks.insert(5, Para(f"and so on for the layers 3 to {depth - 1}, up to"))
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
    table = tuple((s, given[s]) for s in work.chain.symbols if s in given)
    shown = table if work.full else table[:24]
    if table:
        blocks += [Para("Given numbers:"), Table(("symbol", "value"), shown)]
    if len(shown) < len(table):
        blocks.append(Para(f"({len(table) - len(shown)} more are not shown)"))
    numbers = {s.name: text(v) for s, v in given.items()}
    return Part(tuple(blocks), {"depth": depth, "recurrences": rows, "given": numbers})


def _one_step(net: Chain, l: int) -> list[Expr]:
    """δˡ = wˡ⁺¹ g'ₗ(zˡ) δˡ⁺¹, with the arrow of a skip connection where there is one."""
    above = net.delta(l + 1)
    if any(net.layers[k].skip for k in range(l, net.depth)):
        return list(net.delta(l).factors)
    return [net.w(l + 1), net.layers[l - 1].g.d(1)(net.z(l)), above.symbol]


def closed_forms(work: Work) -> Part:
    """2. Textbook and explicit forms of every gradient, and the derivation."""
    rows: list[tuple[Cell, ...]] = []
    entries: list[dict[str, Any]] = []
    explicit: list[Block] = []
    most = None if work.shallow else 2
    for g in work.gradients:
        tied = g.of == "w" and g.layer == 0
        written = g.expr if tied else textbook(g.factors)
        shown = g.expr if tied else textbook(g.factors, most)
        word = "proved" if g.verdict else "not proved"
        rows.append((g.symbol, shown, f"{word}, {len(g.derivation)} steps"))
        entry = {"name": g.name, "of": g.of, "layer": g.layer, "textbook": written}
        entries.append(entry | fact_form(g.fact, record=work.full))
        if work.shallow:
            try:
                if work.chain.depth > NESTED_DEPTH:
                    raise LimitError(f"written out for at most {NESTED_DEPTH} layers")
                entries[-1]["explicit"] = g.explicit
                explicit.append(Formula(g.symbol, g.explicit))
            except LimitError as error:
                entries[-1]["explicit_error"] = str(error)
                explicit.append(Para(g.symbol, f": {error}"))
    blocks: list[Block] = [Table(("gradient", "textbook form", "verdict"), tuple(rows))]
    if work.shallow:
        blocks.append(Section("In weights, biases, input and target alone", tuple(explicit)))
    else:
        net = work.symbolic
        blocks += [
            Para(
                f"(first and last layers of {net.depth}; those between have the same form. "
                f"The program of part 5 computes all of them in {len(net.program)} lines.)"
            ),
            Para("The derivation of the last but one layer; all others go the same way."),
        ]
    for g in _derived(work):
        label = f"Derivation of {line(g.symbol)} from the definition by the chain rule"
        blocks.append(Section(label, tuple(g.derivation._blocks())))
    return Part(tuple(blocks), {"gradients": entries}, all(g.verdict for g in work.gradients))


def _derived(work: Work) -> list[Gradient]:
    """The gradients whose derivation is shown: all, the longest of each kind, or a short one."""
    if work.full:
        return work.gradients
    if not work.shallow:
        return [work.symbolic.delta(work.chain.depth - 1)]
    return list({g.of: g for g in reversed(work.gradients)}.values())[::-1]


def activation_facts(work: Work) -> Part:
    """3. Both tails of g', its class there, and sup |g'|, for each activation."""
    sections: list[Block] = []
    entries = []
    holds = True
    for g in work.activations:
        slope = g.d(1)
        formula = g(work.x).doit()
        blocks: list[Block] = [
            Formula(g(work.x), formula),
            Formula(slope(work.x), slope(work.x).doit()),
        ]
        entry: dict[str, Any] = {"name": text(g), "formula": formula}
        for toward, sign in ((oo, "+"), (-oo, "-")):
            found = tail(slope, toward=toward, terms=work.terms)
            holds = holds and bool(found.verdict)
            words = f"Class toward {sign}oo: {found.tail_class}. {verdict_words(found.fact)}"
            blocks += [*found._blocks(), Para(words)]
            entry[f"toward_{toward}"] = found
        if not g.free_symbols:
            found = extrema(slope)
            holds = holds and bool(found.verdict)
            high = max(found.sup.value, -found.inf.value, key=float)
            blocks += [Para("sup |", slope(work.x), "| = ", high), *found._blocks()]
            entry |= {"sup_abs": high, "extrema": found.fact}
        sections.append(Section(text(g), tuple(blocks)))
        entries.append(entry)
    return Part(tuple(sections), {"activations": entries}, holds)


def bounds(work: Work) -> Part:
    """4. The bound on |δˡ| that follows from sup |g'|, in the weights."""
    found = {l: work.symbolic.bound(l) for l in work.shown_layers}
    why = Section("Why", tuple(found[1].derivation._blocks()))
    shown = [Formula(bound.fact.statement) for bound in found.values()]
    data = [{"layer": l, **form(bound.fact)} for l, bound in found.items()]
    holds = all(bound.verdict for bound in found.values())
    return Part((*shown, Para(verdict_words(found[1].fact)), why), {"bounds": data}, holds)


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
        Section("The program", (_program(work),)),
    ]
    data: dict[str, Any] = {
        "program": {"lines": len(program), "operations": program.operations},
        "source": kernel.source,
    }
    if work.numeric:
        data["values"], table = _evaluated(work, kernel())
        blocks.append(Section("At the given numbers", (table,)))
    else:
        loose = [s for s in chain.symbols if s not in chain.given]
        names = ", ".join(map(line, loose[:8])) + (", ..." if len(loose) > 8 else "")
        blocks.append(Para(f"No values are given for {names}, so there is nothing to evaluate."))
    checks = {
        f: check(lambdify(work.x, f), points=work.points)
        for g in work.activations if not g.free_symbols for f in (g(work.x), g.d(1)(work.x))
    }  # fmt: skip
    head = ("function", "points", "max ulp", "worst point", "wrong zeros", "verdict")
    caption = "Each function in it against mpmath and Arb, float64"
    blocks.append(Table(head, tuple(_measured(f, r) for f, r in checks.items()), caption))
    data["checks"] = list(checks.values())
    return Part(tuple(blocks), data, all(found.passed() for found in checks.values()))


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


def _program(work: Work) -> Listing:
    """The straight-line program; its beginning and end where it is long."""
    lines = [f"{one.name} = {text(one.expr)}" for one in work.symbolic.program.lines]
    if not work.full and len(lines) > 40:
        lines[20:-12] = [f"# ... {len(lines) - 32} lines of the same kind"]
    return Listing("\n".join(lines))


def _evaluated(work: Work, found: Gradients) -> tuple[dict[str, Any], Table]:
    """Each gradient at the given numbers: enclosed by balls, and by the NumPy function."""
    true = work.chain.program.evaluate(work.chain.given, 64)
    values: dict[str, tuple[Cell, Any]] = {"C": (Symbol("C"), found.cost)}
    for g in work.gradients:
        column = found.w if g.of == "w" else found.delta
        value = found.x if g.of == "x" else column[g.layer - 1] if g.layer else column.sum()
        values[g.name] = (g.symbol, value)
    forms: dict[str, Any] = {}
    rows: list[tuple[Cell, ...]] = []
    for name, (symbol, value) in values.items():
        ball, shown = true[name], repr(float(value))
        error = _relative(float(value), ball)
        forms[name] = {"true": ball, "numpy": shown, "relative_error": error}
        digits = "0" if ball.is_zero() else ball.str(18, radius=False)
        rows.append((symbol, digits, shown, error))
    head = ("gradient", "proved digits", "NumPy function", "relative error")
    return forms, Table(head, tuple(rows))


def _relative(found: float, true: arb) -> str:
    """|found - true|/|true|; part of it comes from rounding the given numbers to floats."""
    with precision(128):
        if true.is_zero():
            return "0" if found == 0 else "inf"
        return abs((arb(found) - true) / true).upper().str(2, radius=False)


def _measured(f: Expr, found: Report) -> tuple[Cell, ...]:
    at = "-" if found.worst.at is None else ", ".join(map(repr, found.worst.at))
    word = "; ".join(found.failures()) or "holds"
    return (f, str(found.points), f"{found.max_ulp:.3g}", at, str(found.wrong_zeros.count), word)


def diagnosis(work: Work) -> Part:
    """6. Which factor makes which gradient small, and whether the point is critical."""
    if not work.numeric:
        cases = work.symbolic.critical_points()
        words = "No point is given. The critical points of the chain, as a union of cases:"
        blocks = (Para(words), *(block for case in cases for block in case._blocks()))
        data: dict[str, Any] = {"cases": [case.fact for case in cases]}
        return Part(blocks, data, all(case.verdict for case in cases))
    found = work.chain.diagnose()
    sentences = [Para(f"{layer.sentence()}.") for layer in found.layers]
    shown = sentences if work.shallow else [*sentences[:3], *sentences[-3:]]
    data = {
        "is_critical": found.is_critical,
        "why": found.why,
        **form(found.verdict),
        "cost": found.cost,
        "layers": [
            {
                "layer": row.layer,
                "weight_gradient": row.weight_gradient,
                "delta": row.delta,
                "decades": f"{row.decades:.6g}",
                "largest": text(row.largest),
                "largest_share": f"{row.largest_share:.6g}",
                "vanishing": [text(f) for f in row.vanishing],
                "sentence": row.sentence(),
            }
            for row in found.layers
        ],
        "notes": found.notes,
    }
    return Part((*found._blocks(), Section("Layer by layer", tuple(shown))), data)


SECTIONS: tuple[tuple[str, str, Callable[[Work], Part]], ...] = (
    ("chain", "The chain and its recurrences", the_chain),
    ("closed_forms", "Closed forms of the gradients", closed_forms),
    ("activations", "The activations: tails and suprema of the slopes", activation_facts),
    ("bounds", "Bounds on the error terms", bounds),
    ("numbers", "The gradients as a NumPy function, checked", numbers),
    ("diagnosis", "What makes which gradient small", diagnosis),
)
