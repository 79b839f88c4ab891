"""prove(statement, x, on): an inequality in one real variable, proved, refuted, or open.

lhs ≤ rhs is h ≥ 0 with h = rhs − lhs. On each smooth piece the sign chart of h decides: its zeros,
with multiplicities, and the signs between them. A touching point is a zero of even multiplicity
(Taylor's theorem at an exact point); equality at infinity is the business of the tail models.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import sympy
from flint import arb
from sympy import Basic, Expr, Reals, S, Set, Symbol

from symgrad.activation import Head, univariate
from symgrad.bounds.breaks import Piece, breaks, pieces_on
from symgrad.bounds.chart import Chart, Open, chart
from symgrad.bounds.closed import factors, identically_zero
from symgrad.bounds.ends import Oscillates
from symgrad.bounds.numbers import compare
from symgrad.bounds.waves import is_wavy, over_one_period, period_of
from symgrad.errors import DomainError, InputError, UndecidedError, UnsupportedError
from symgrad.fact import Derivation, Fact, Proved, Refuted, Result, Step, Undecided, Verdict
from symgrad.pieces import order
from symgrad.prove.algebra import relations
from symgrad.prove.witness import between
from symgrad.render import Block
from symgrad.rigor import sign
from symgrad.rigor.search import Budget, Meter

__all__ = ["Inequality", "Part", "Wave", "prove"]

METHOD = "sign chart (interval Newton, Taylor's theorem at touching points, tail models)"
SOURCE = "Moore, Kearfott, Cloud 2009; Akbarpour, Paulson 2010, MetiTarski (the kind of problem)"


@dataclass(frozen=True)
class Wave:
    """A factor pⁿ with a period: p has one sign or is zero, by its chart over one period."""

    p: Expr
    n: int
    sign: int
    chart: Chart

    @property
    def period(self) -> Expr:
        """T with p(x + T) = p(x)."""
        return self.chart.hi - self.chart.lo


@dataclass(frozen=True)
class Part:
    """h ≥ 0 (h > 0 where `strict`) on the open interval of the chart.

    h is the product of `waves`, and of the rest, of which the `chart` is.
    """

    h: Expr
    strict: bool
    chart: Chart
    waves: tuple[Wave, ...] = ()


@dataclass(frozen=True)
class Inequality(Result):
    """`statement` for every x in `on`, with its fact, and what a certificate needs."""

    statement: Basic
    x: Symbol
    on: Set
    fact: Fact
    parts: tuple[Part, ...] = field(default=(), repr=False)
    points: tuple[tuple[Expr, bool], ...] = field(default=(), repr=False)
    open: tuple[tuple[arb, arb], ...] = ()
    _meter: Meter | None = field(default=None, repr=False, compare=False)

    def resume(self, budget: Budget | None = None) -> Inequality:
        """Go on from the boxes that are open, with a new budget."""
        memory = self._meter.memory if self._meter else None
        return _prove(self.statement, self.x, self.on, Meter(budget, memory))

    def _blocks(self) -> list[Block]:
        return list(self.fact._blocks())


class _Fails(Exception):
    """The statement fails at the witness."""

    def __init__(self, at: Expr, why: str) -> None:
        super().__init__(at, why)
        self.at, self.why = at, why


def prove(
    statement: Any, x: Symbol | None = None, on: Set = Reals, *, budget: Budget | None = None
) -> Inequality:
    """Decide an inequality (or equality, or several joined by And) for all x in an interval.

    `Refuted` carries an exact witness: a rational number where the violation has interior, else the
    exact zero at which a strict inequality fails. Derivatives `g.d(n)(x)` are taken off the kinks.
    Raises `DomainError` at a pole or where a side is not real, `InputError` for a second symbol.

    >>> from sympy import Symbol, exp, tanh
    >>> x = Symbol("x", real=True)
    >>> bool(prove(exp(x) >= 1 + x).verdict)
    True
    >>> prove(tanh(x) > x - x**3 / 3, x, sympy.Interval.open(0, 1)).verdict.by != ""
    True
    >>> prove(tanh(x) <= x).verdict.at
    -1
    """
    if isinstance(statement, str):
        raise InputError(f"text is read by symgrad.parse_statement first, got {statement!r}")
    if statement in (S.true, S.false):
        raise InputError(
            f"SymPy evaluated the statement to {statement} before it was read; "
            "write it with evaluate=False, such as Le(f, g, evaluate=False)"
        )
    variable = x if x is not None else _variable(statement)
    return _prove(statement, variable, on, Meter(budget))


def _variable(statement: Basic) -> Symbol:
    symbols = sorted(statement.free_symbols, key=lambda s: s.name)  # type: ignore[attr-defined]
    if len(symbols) != 1:
        names = ", ".join(map(str, symbols)) or "none"
        raise InputError(f"an inequality is in one variable, got the symbols {names}: say x=...")
    return symbols[0]  # type: ignore[return-value]


def _prove(statement: Basic, x: Symbol, on: Set, meter: Meter) -> Inequality:
    found = _Proof(x, on, meter)
    open_boxes: tuple[tuple[arb, arb], ...] = ()
    last: Verdict = Proved(METHOD)
    because = "all pieces and the points where they meet"
    try:
        for relation in relations(statement):
            found.decide(relation)
    except _Fails as failure:
        last, because = Refuted(failure.at, failure.why), "the statement fails at one point"
    except Open as part:
        last, because, open_boxes = Undecided(str(part)), "a part is left open", part.boxes
    except (UndecidedError, UnsupportedError) as why:
        last, because = Undecided(str(why)), "no method decides it"
    except KeyboardInterrupt:
        last, because = Undecided("interrupted"), "the search was stopped"
    parts, points = tuple(found.parts), tuple(found.points)
    steps = [_step(part, x) for part in parts] if isinstance(last, Proved) else []
    under = _where(x, on)
    steps.append(Step(statement, because, last, tuple(range(1, len(steps) + 1)), under))
    fact = Fact("inequality", statement, Derivation(tuple(steps)), under, SOURCE)
    return Inequality(statement, x, on, fact, parts, points, open_boxes, meter)


@dataclass
class _Proof:
    """What is proved of a statement so far; a method raises `_Fails` with a witness against it."""

    x: Symbol
    on: Set
    meter: Meter
    parts: list[Part] = field(default_factory=list)
    points: list[tuple[Expr, bool]] = field(default_factory=list)

    def decide(self, relation: Any) -> None:
        """h ≥ 0, h > 0 or h = 0 on every piece, and at the points where they meet."""
        h, strict = relation.lhs, isinstance(relation, sympy.Gt)
        u = univariate(h, self.x)
        pieces = pieces_on(u, self.on)
        for piece in pieces:
            if piece.is_point:
                continue
            if isinstance(relation, sympy.Eq):
                self.equal(piece)
            else:
                self.parts.append(self.part(piece.expr, strict, piece.lo, piece.hi))
        if any(head.order != 0 for head in h.atoms(Head)):
            return
        for point in breaks(u, self.on, pieces):
            value = point.value
            if value is None:
                continue
            which = order(value, S.Zero)
            if which == 0 and strict:
                raise _Fails(point.at, "equality holds there")
            if which < 0 or (which > 0 and isinstance(relation, sympy.Eq)):
                raise _Fails(point.at, "the difference has the wrong sign")
            self.points.append((point.at, strict))

    def equal(self, piece: Piece) -> None:
        if not identically_zero(piece.expr, self.x):
            signs = chart(piece.expr, self.x, piece.lo, piece.hi, self.meter)
            a, b, _ = next(span for span in signs.spans if span[2] != 0)
            raise _Fails(between(a, b), "the two sides differ there")

    def part(self, h: Expr, strict: bool, lo: Expr, hi: Expr) -> Part:
        waves: tuple[Wave, ...] = ()
        try:
            signs = chart(h, self.x, lo, hi, self.meter)
        except Oscillates:
            waves, rest = self.waves(h, strict, lo, hi)
            signs = chart(rest, self.x, lo, hi, self.meter)
        flip = math.prod(wave.sign**wave.n for wave in waves)
        for a, b, s in signs.spans:
            if s == 0 and strict:
                raise _Fails(between(a, b), "equality holds there")
            if s * flip < 0:
                middle = between(a, b)
                for at in (middle, between(middle, b)):  # h has a limit alone where a factor is x/x
                    if _negative(h, self.x, at):
                        raise _Fails(at, "the difference is negative there")
                raise UndecidedError(f"no rational witness between {a} and {b} is found")
        if strict and signs.zeros:
            raise _Fails(signs.zeros[0].at, "equality holds there")
        return Part(h, strict, signs, waves)

    def waves(self, h: Expr, strict: bool, lo: Expr, hi: Expr) -> tuple[tuple[Wave, ...], Expr]:
        """What oscillates for ever in h, each of one sign or zero, and the rest of h.

        All of h where h has a period, else the factors that have one.
        """
        rest: Expr = S.One
        found: list[Wave] = []
        for p, n in ((h, 1),) if period_of(h, self.x) is not None else factors(h, self.x):
            if not is_wavy(p, self.x):
                rest *= p**n
                continue
            found.append(self.wave(h, p, n, strict, lo, hi))
        return tuple(found), rest

    def wave(self, h: Expr, p: Expr, n: int, strict: bool, lo: Expr, hi: Expr) -> Wave:
        x, signs = self.x, over_one_period(p, self.x, lo, hi, self.meter)
        if signs is None:
            raise UnsupportedError(f"the signs of {p} over all of ({lo}, {hi}) are not decided")
        wave = Wave(p, n, max(signs.signs), signs)
        edge = compare(p.subs(x, signs.lo), S.Zero)
        if {-wave.sign} & {*signs.signs, edge} or (p is h and wave.sign < 0):
            for a, b, _ in signs.spans:
                for k in range(64):
                    at = between(a, b) + sympy.ceiling(k * wave.period * (-1) ** bool(hi.is_finite))
                    if _negative(h, x, at):
                        raise _Fails(at, "the difference is negative there")
            raise UnsupportedError(f"{p} changes its sign for ever")
        zeros = [z.at for z in signs.zeros]
        if edge == 0:
            zeros.append(signs.lo if hi.is_finite else signs.hi)
        if zeros and n < 0:
            raise DomainError(f"{h} has a pole at {x} = {zeros[0]}; name an interval without it")
        if zeros and strict:
            raise _Fails(zeros[0], "equality holds there")
        return wave


def _negative(h: Expr, x: Symbol, at: Expr) -> bool:
    """Whether h is defined and negative at an exact point."""
    value = h.subs(x, at)
    return not value.has(S.NaN, S.ComplexInfinity) and sign(value) < 0  # type: ignore[arg-type]


def _step(part: Part, x: Symbol) -> Step:
    relation = sympy.Gt if part.strict else sympy.Ge
    claim = relation(part.h, 0, evaluate=False)
    on = sympy.Interval.open(part.chart.lo, part.chart.hi)
    return Step(claim, _because(part), Proved(METHOD), under=_where(x, on))


def _where(x: Symbol, on: Set) -> tuple[Basic, ...]:
    """The condition x ∈ on, where it says something."""
    inside = sympy.Contains(x, on)
    return () if inside is S.true else (inside,)


def _because(part: Part) -> str:
    said = [f"{w.p} has the period {w.period} and one sign" for w in part.waves]
    zeros = [f"{z.at} (order {z.multiplicity})" for z in part.chart.zeros]
    said.append("zeros: " + (", ".join(zeros) or "none"))
    if part.chart.boxes:
        said.append(f"{part.chart.boxes} boxes")
    tails = [e for p in part.chart.parts for e in p.ends if e is not None]
    said += [f"tail ~ {e.law} from {e.start}" for e in tails]
    return "; ".join(said)
