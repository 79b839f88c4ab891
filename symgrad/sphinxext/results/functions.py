"""Directives about one function: expression, definition, tails."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import sympy
from sympy import Float, Rational, S

from symgrad import plot, words
from symgrad.activation import Activation, X
from symgrad.bounds import extrema
from symgrad.catalogue import activations, usual
from symgrad.errors import InputError
from symgrad.fact import Fact
from symgrad.oracle.formats import Kind
from symgrad.oracle.mp import mp_values
from symgrad.render import Block, Formula, Para, Table
from symgrad.render.blocks import Cell
from symgrad.rigor import Enclosure, precision, program
from symgrad.sphinxext.results.reading import Request, made, standing
from symgrad.sphinxext.setting import Answer, Drawing
from symgrad.tails import Tail, tail
from symgrad.tails import compare as tails_compared

__all__ = ["differences", "held_against_mpmath"]

_PROBES = (-7.25, -2.125, -0.40625, 0.3125, 1.75, 6.5)
"""Where a formula is tried against another road; no kink of a common activation is among them."""


@made
def expr(ask: Request) -> Answer:
    """An expression, read through the allow-list."""
    return Answer([Para(words.parse(ask.argument, ask.names))])


@made
def definition(ask: Request) -> Answer:
    """The formula of an activation and of its derivatives."""
    g = ask.activation()
    orders = ask.get("orders", [0])
    blocks: list[Block] = [Formula(g.d(n)(X), g.derivative(n).expr) for n in orders]
    for parameter, value in zip(g.parameters, g.values, strict=True):
        if value != parameter:
            blocks.append(Para("with ", sympy.Eq(parameter, value, evaluate=False)))
    if g.kinks and any(orders):
        rows = tuple((sympy.Eq(X, k.at, evaluate=False), k.slope, k.convention) for k in g.kinks)
        blocks.append(Table(("Kink at", "Value used for the slope", "Convention"), rows))
    return Answer(blocks, wrong=[line for n in orders if n for line in differences(g, n)])


def differences(g: Activation, n: int) -> tuple[str, ...]:
    """What is wrong with the formula of g⁽ⁿ⁾, held against the Taylor series of g in balls."""
    if g.free_symbols:
        return ()
    wrong = []
    for probe in _PROBES:
        with precision(192):
            at = program(Rational(probe)).ball(prec=192)
            claimed = program(g.derivative(n).expr, X).ball(at, prec=192)
            series = program(g.formula.expr, X).jet(at, n + 1, prec=192)[n] * math.factorial(n)
            if claimed.is_finite() and series.is_finite() and not claimed.overlaps(series):
                wrong.append(f"derivative {n} of {g.name} at {probe}: {claimed} is not {series}")
    return tuple(wrong)


# --- tails ------------------------------------------------------------------------------------


_END = {S.Infinity: "∞", S.NegativeInfinity: "−∞"}


@made
def tails(ask: Request) -> Answer:
    """The tails of a function with their remainders."""
    f = ask.function()
    terms = ask.get("terms", 3)
    found = [tail(f.expr, x=f.x, toward=end, terms=terms) for end in ask.ends]
    blocks: list[Block] = []
    for one in found:
        blocks += [Para("As ", f.x, " → ", one.toward, f": {_class(one)}."), *one._blocks()]
    wrong: list[str] = []
    if "at" in ask.options:
        places = [float(Rational(word)) for word in ask.options["at"]]
        table, wrong = held_against_mpmath(found, places)
        blocks.append(table)
    blocks += standing(*(one.fact for one in found))
    for one in found:
        blocks += ask.proof(one.derivation, f"Proof towards {_END[one.toward]}")
    return Answer(blocks, [one.fact for one in found], wrong)


def _class(found: Tail) -> str:
    """The class of the tail in a word; what decays like exp(−c·xⁿ) is told apart by n."""
    known = found.tail_class
    if known.kind != "exponential" or not (known.degree or S.One) >= 2:
        return known.kind
    return "Gaussian" if known.degree == 2 else "faster than Gaussian"


def held_against_mpmath(found: Sequence[Tail], places: Sequence[float]) -> tuple[Table, list[str]]:
    """f by mpmath beside the tail's own enclosure; a value outside it is a complaint."""
    first = found[0]
    truth = mp_values(first.formula, [first.x], [np.array(places)])
    rows, wrong = [], []
    for number, place in enumerate(places):
        point, known = Rational(place), truth.kind[number] in (Kind.ZERO, Kind.FINITE)
        holds = [one for one in found if one.where.contains(point) is S.true]
        holds.sort(key=lambda one: (one.toward is S.Infinity) != (place > 0))
        row = [f"{place:g}", truth.show(number, 12)]
        if known and holds:
            box, value = holds[0].at(point), truth.fraction(number)
            value = Rational(value.numerator, value.denominator)
            room = abs(value) / 2**64  # what mpmath leaves open
            if not box.lo - room <= value <= box.hi + room:
                wrong.append(f"{holds[0].fact.id}: mpmath's value at {place:g} is outside {box}")
            row += [_short(box), f"{box.digits}"]
        else:
            row += ["outside" if known else "not tried", ""]
        rows.append(tuple(row))
    head = (first.x, first.head, "from the expansion alone", "digits known")
    return Table(head, tuple(rows), "The tail against mpmath"), wrong


def _short(box: Enclosure) -> str:
    """The enclosure with no more digits than the table's own."""
    if box.digits <= 12:
        return str(box)
    return f"{Float(box.mid, 14)} ± {Float(box.rad, 1)}"


@made
def compare(ask: Request) -> Answer:
    """Which of two tails is smaller, and from where on."""
    if len(ask.parts) != 2:
        raise InputError(f"two functions are compared, as f | g; got {len(ask.parts)}")
    f, g = map(ask.function, ask.parts)
    found = tails_compared(f.expr, g.expr, ask.ends[0])
    blocks = [*found._blocks(), *standing(found.fact), *ask.proof(found.derivation)]
    return Answer(blocks, [found.fact])


@made
def survey(ask: Request) -> Answer:
    """Each activation's derivative in both tails, with sup |g'|, one row each.

    With :plot: the tails that vanish are drawn beside those of their class, a figure for each.
    """
    if ask.argument:
        records = [*map(ask.activation, ask.parts)]
    else:
        known = (*map(usual, activations()), *map(ask.activation, ask.own))
        records = [g for g in known if not g.free_symbols]
    rows: list[tuple[Cell, ...]] = []
    facts: list[Fact] = []
    alike: dict[tuple[Any, str], list[Any]] = {}
    for f in (g.d(n) for g in records for n in ask.get("orders", [1])):
        both = []
        for end in _END:
            one = tail(f, toward=end, terms=1)
            both += [_class(one), _brief(one.tail_class.leading)]
            facts.append(one.fact)
            alike.setdefault((end, _class(one)), []).append(f)
        bounds = extrema(f)
        facts.append(bounds.fact)
        rows.append((f(X), *both, _larger(bounds)))
    head = ("Function", "As x → ∞", "leading term", "As x → −∞", "leading term", "sup |·|")
    table = Table(head, tuple(rows), "Both tails of each derivative")
    drawn = [
        together(kind, end, fs)
        for (end, kind), fs in alike.items()
        if "plot" in ask.options and kind not in ("zero", "constant", "growing", "oscillating")
    ]
    return Answer((table, *drawn), facts, linked=False)


def together(kind: str, end: Any, fs: Sequence[Any]) -> Drawing:
    """The tails of one class toward one end, on one logarithmic scale down to 10⁻⁴⁰."""
    on = (0, 30) if end is S.Infinity else (-30, 0)

    def draw() -> Any:
        axes = plot.curves(fs, on=on, log=True)
        axes.set_ylim(bottom=max(axes.get_ylim()[0], -40), top=1)
        place = "lower left" if end is S.Infinity else "lower right"
        axes.legend(frameon=False, fontsize=7, ncols=1 + len(fs) // 8, loc=place)
        return axes.figure

    names = ", ".join(f.activation.name for f in fs)
    title = kind[0].upper() + kind[1:]
    return Drawing(
        draw,
        f"Tails of the class '{kind}' as x → {_END[end]}, on a logarithmic scale, of {names}",
        f"{title} tails as x → {_END[end]}",
    )


def _brief(formula: Any) -> Any:
    """The formula with rational numbers of many digits as decimals of eight."""
    long = [c for c in formula.atoms(Rational) if max(abs(c.p), c.q) > 10**7]
    return formula.xreplace({c: Float(c, 8) for c in long})


def _larger(bounds: Any) -> Cell:
    """sup |f| from sup f and inf f."""
    if S.NaN in (bounds.sup.value, bounds.inf.value):
        return "not decided"
    above, below = abs(bounds.sup.value), abs(bounds.inf.value)
    return _brief(above if float(above) >= float(below) else below)
