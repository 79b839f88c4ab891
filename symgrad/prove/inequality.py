"""prove(statement, x, on): an inequality in one real variable, proved, refuted, or open.

lhs ≤ rhs is h ≥ 0 with h = rhs − lhs. On each smooth piece the sign chart of h decides: its zeros,
with multiplicities, and the signs between them. A touching point is a zero of even multiplicity
(Taylor's theorem at an exact point); equality at infinity is the business of the tail models.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import sympy
from flint import arb
from sympy import Basic, Expr, Reals, S, Set, Symbol
from sympy.core.relational import Relational

from symgrad.activation import Head, univariate
from symgrad.bounds.breaks import Piece, breaks, pieces_on
from symgrad.bounds.chart import Chart, Open, chart
from symgrad.bounds.closed import factors, identically_zero
from symgrad.bounds.ends import Oscillates
from symgrad.bounds.numbers import compare
from symgrad.bounds.waves import is_wavy, period_of
from symgrad.errors import DomainError, InputError, UndecidedError, UnsupportedError
from symgrad.fact import Derivation, Fact, Proved, Refuted, Result, Step, Undecided, Verdict
from symgrad.prove.witness import between, fails_at
from symgrad.render import Block
from symgrad.rigor import sign
from symgrad.rigor.search import Budget, Meter

__all__ = ["Inequality", "Part", "prove"]

METHOD = "sign chart (interval Newton, Taylor's theorem at touching points, tail models)"
SOURCE = "Moore, Kearfott, Cloud 2009; Akbarpour, Paulson 2010, MetiTarski (the kind of problem)"
_STRICT = (sympy.Lt, sympy.Gt)


@dataclass(frozen=True)
class Part:
    """h ≥ 0 (h > 0 where `strict`) on the open interval (lo, hi), by charts of its factors.

    `semidefinite` lists wavy factors pⁿ as (p, n, sign, period, chart of p over a period): they
    have that sign or are zero. `chart` is that of the rest.
    """

    h: Expr
    strict: bool
    lo: Expr
    hi: Expr
    chart: Chart
    semidefinite: tuple[tuple[Expr, int, int, Expr, Chart], ...] = ()


@dataclass(frozen=True)
class Inequality(Result):
    """`statement` for every x in `on`, with its fact, and what a certificate needs."""

    statement: Basic
    x: Symbol
    on: Set
    fact: Fact
    parts: tuple[Part, ...] = field(default=(), repr=False)
    points: tuple[tuple[Expr, Expr, bool], ...] = field(default=(), repr=False)
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
    if statement in (True, False, S.true, S.false):
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


def _relations(statement: Basic) -> list[Relational]:
    if isinstance(statement, sympy.And):
        return [r for part in statement.args for r in _relations(part)]
    if isinstance(statement, Relational) and not isinstance(statement, sympy.Ne):
        return _without_abs(statement)
    raise InputError(f"prove takes <, <=, >, >=, = and And of these, got {statement}")


def _without_abs(relation: Any) -> list[Relational]:
    """|u| ≤ v as u ≤ v and −u ≤ v, or as u² ≤ w² for v = |w|, where u is a wave."""
    if isinstance(relation, sympy.Eq) or not isinstance(relation.lts, sympy.Abs):
        return [relation]
    small, large = relation.lts, relation.gts
    (u,) = small.args
    if not u.atoms(sympy.sin, sympy.cos, sympy.tan):
        return [relation]
    less = sympy.Lt if isinstance(relation, _STRICT) else sympy.Le
    if isinstance(large, sympy.Abs):
        return [less(u**2, large.args[0] ** 2, evaluate=False)]
    return [less(u, large, evaluate=False), less(-u, large, evaluate=False)]


def _gap(relation: Any) -> tuple[Expr, bool]:
    """h and strictness, with the relation equivalent to h ≥ 0 or h > 0."""
    if isinstance(relation, sympy.Eq):
        left: Any = relation.lhs
        return left - relation.rhs, False
    return relation.gts - relation.lts, isinstance(relation, _STRICT)


def _prove(statement: Basic, x: Symbol, on: Set, meter: Meter) -> Inequality:
    steps: list[Step] = []
    parts: list[Part] = []
    points: list[tuple[Expr, Expr, bool]] = []
    open_boxes: tuple[tuple[arb, arb], ...] = ()
    try:
        for relation in _relations(statement):
            steps += _decide(relation, x, on, meter, parts, points)
        last: Verdict = Proved(METHOD)
        because = "all pieces and the points where they meet"
    except _Fails as failure:
        last, because = Refuted(failure.at, failure.why), "the statement fails at one point"
    except Open as part:
        last, because, open_boxes = Undecided(str(part)), "a part is left open", part.boxes
    except (UndecidedError, UnsupportedError) as why:
        last, because = Undecided(str(why)), "no method decides it"
    except KeyboardInterrupt:
        last, because = Undecided("interrupted"), "the search was stopped"
    under = _where(x, on)
    given = tuple(range(1, len(steps) + 1))
    steps.append(Step(statement, because, last, given if isinstance(last, Proved) else (), under))
    if not isinstance(last, Proved):
        steps = steps[-1:]
    fact = Fact("inequality", statement, Derivation(tuple(steps)), under, SOURCE)
    return Inequality(statement, x, on, fact, tuple(parts), tuple(points), open_boxes, meter)


def _decide(
    relation: Relational,
    x: Symbol,
    on: Set,
    meter: Meter,
    parts: list[Part],
    points: list[tuple[Expr, Expr, bool]],
) -> list[Step]:
    """The steps that prove one relation; raises `_Fails` with the witness."""
    h, strict = _gap(relation)
    u = univariate(h, x)
    pieces = pieces_on(u, on)
    steps: list[Step] = []
    for piece in pieces:
        if piece.is_point:
            continue
        if isinstance(relation, sympy.Eq):
            if not identically_zero(piece.expr, x):
                raise _Fails(_differs(piece, x, meter), "the two sides differ there")
            continue
        part = _piece(piece, strict, x, meter)
        parts.append(part)
        steps.append(_step(part, x))
    if not any(head.order != 0 for head in h.atoms(Head)):
        for point in breaks(u, on, pieces):
            if point.value is not None:
                _check_point(point.at, point.value, strict, relation)
                points.append((point.at, point.value, strict))
    return steps


def _differs(piece: Piece, x: Symbol, meter: Meter) -> Expr:
    signs = chart(piece.expr, x, piece.lo, piece.hi, meter)
    a, b, _ = next(span for span in signs.spans if span[2] != 0)
    return between(a, b)


def _check_point(at: Expr, value: Expr, strict: bool, relation: Relational) -> None:
    which = sign(value) if value.is_finite is not False else (1 if value is S.Infinity else -1)
    wrong = which != 0 if isinstance(relation, sympy.Eq) else which < 0 or (strict and which == 0)
    if wrong:
        why = "equality holds there" if which == 0 else "the difference has the wrong sign"
        raise _Fails(at, why)


def _piece(piece: Piece, strict: bool, x: Symbol, meter: Meter) -> Part:
    lo, hi, h = piece.lo, piece.hi, piece.expr
    try:
        signs = chart(h, x, lo, hi, meter)
        part = Part(h, strict, lo, hi, signs)
    except Oscillates:
        part = _wavy(h, strict, x, lo, hi, meter)
    flip = 1
    for _, n, which, _, _ in part.semidefinite:
        flip *= which**n
    for a, b, s in part.chart.spans:
        if s * flip < 0:
            at = between(a, b)
            if not fails_at(h, x, at):
                raise UndecidedError(f"no rational witness between {a} and {b} is found")
            raise _Fails(at, "the difference is negative there")
        if s == 0 and strict:
            raise _Fails(between(a, b), "equality holds there")
    if strict and part.chart.zeros:
        raise _Fails(part.chart.zeros[0].at, "equality holds there")
    return part


def _wavy(h: Expr, strict: bool, x: Symbol, lo: Expr, hi: Expr, meter: Meter) -> Part:
    """h oscillates for ever: one period decides, or factors that are semidefinite over a period."""
    definite: list[tuple[Expr, int, int, Expr, Chart]] = []
    rest: Expr = S.One
    whole = period_of(h, x)
    pairs = ((h, 1),) if whole is not None else factors(h, x)
    for p, n in pairs:
        if not is_wavy(p, x):
            rest *= p**n
            continue
        period = period_of(p, x)
        if period is None:
            raise UnsupportedError(f"the signs of {p} over all of ({lo}, {hi}) are not decided")
        start = lo if lo.is_finite else hi - period if hi.is_finite else S.Zero
        signs = chart(p, x, start, start + period, meter)
        _one_period(h, p, n, x, start, signs, strict, whole is not None, definite, period)
    return Part(h, strict, lo, hi, chart(rest, x, lo, hi, meter), tuple(definite))


def _one_period(
    h: Expr,
    p: Expr,
    n: int,
    x: Symbol,
    start: Expr,
    signs: Chart,
    strict: bool,
    alone: bool,
    definite: list[tuple[Expr, int, int, Expr, Chart]],
    period: Expr,
) -> None:
    """Note the one sign of p over a period, or raise the witness against it."""
    at_start = compare(p.subs(x, start), S.Zero)
    found = {s for s in (*signs.signs, at_start) if s}
    if len(found) > 1 or (alone and found == {-1}):
        for a, b, s in signs.spans:
            at = between(a, b)
            for shift in range(64):
                moved = at + sympy.ceiling(shift * period)
                if s * (-1 if not alone else 1) and fails_at(h, x, moved):
                    raise _Fails(moved, "the difference is negative there")
        raise UnsupportedError(f"{p} changes its sign for ever")
    zeros = [z.at for z in signs.zeros] + ([signs.hi] if at_start == 0 else [])
    if zeros and n < 0:
        raise DomainError(f"{h} has a pole at {x} = {zeros[0]}; name an interval without it")
    if strict and zeros:
        raise _Fails(zeros[0], "equality holds there")
    definite.append((p, n, (found or {1}).pop(), period, signs))


def _step(part: Part, x: Symbol) -> Step:
    relation = sympy.Gt if part.strict else sympy.Ge
    claim = relation(part.h, 0, evaluate=False)
    on = sympy.Interval.open(part.lo, part.hi)
    return Step(claim, _because(part), Proved(METHOD), under=_where(x, on))


def _where(x: Symbol, on: Set) -> tuple[Basic, ...]:
    """The condition x ∈ on, where it says something."""
    inside = sympy.Contains(x, on)
    return () if inside is S.true else (inside,)


def _because(part: Part) -> str:
    said = [f"{p} has the period {t} and one sign" for p, _, _, t, _ in part.semidefinite]
    zeros = [f"{z.at} (order {z.multiplicity})" for z in part.chart.zeros]
    said.append("zeros: " + (", ".join(zeros) or "none"))
    if part.chart.boxes:
        said.append(f"{part.chart.boxes} boxes")
    tails = [e for p in part.chart.parts for e in p.ends if e is not None]
    said += [f"tail ~ {e.law} from {e.start}" for e in tails]
    return "; ".join(said)
