"""The whole zero set of a function on an interval, and the intervals where it has one sign."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sympy
from sympy import Expr, FiniteSet, Interval, Reals, S, Set, Symbol

from symgrad.activation import Activation, Univariate, univariate
from symgrad.bounds.breaks import Piece, breaks, open_pieces, pieces_on
from symgrad.bounds.chart import Chart, chart
from symgrad.bounds.closed import factors, is_positive
from symgrad.bounds.ends import Oscillates, end_of
from symgrad.bounds.numbers import compare, enclosure
from symgrad.bounds.waves import Cells, cells, is_wavy, over_one_period, shifts
from symgrad.errors import DomainError, UndecidedError, UnsupportedError
from symgrad.fact import Derivation, Fact, Proved, Result, Step, Undecided
from symgrad.pieces import order
from symgrad.render import Block, Table
from symgrad.rigor import Enclosure
from symgrad.rigor.search import Budget, Meter

__all__ = ["Signs", "Zeros", "derivative_of", "monotone", "signs", "zeros"]

METHOD = "isolation by interval Newton on a compact part, tail models beyond it"
SOURCE = "Moore, Kearfott, Cloud 2009, Introduction to Interval Analysis, chapter 8"


@dataclass(frozen=True, slots=True)
class Zeros(Result):
    """`set` = {x in `on` : f(x) = 0}, with the proof that there are no others.

    Infinitely many zeros come as images of the integers; those without a closed form as one zero in
    each of the `families`' cells.
    """

    f: Univariate
    on: Set
    set: Set
    families: tuple[Cells, ...]
    fact: Fact

    @property
    def points(self) -> tuple[Expr, ...]:
        """The zeros that are listed one by one, from left to right."""
        parts = self.set.args if isinstance(self.set, sympy.Union) else (self.set,)
        listed = [c for p in parts if isinstance(p, FiniteSet) for c in p.args]
        return tuple(sorted(listed, key=lambda c: c.n(30)))  # type: ignore[arg-type]

    def enclosures(self, digits: int = 30) -> tuple[Enclosure, ...]:
        """The listed zeros, each between two rationals that agree to `digits` digits."""
        return tuple(enclosure(c, digits) for c in self.points)

    def _blocks(self) -> list[Block]:
        return list(self.fact._blocks())


def zeros(
    f: Any, on: Set = Reals, *, x: Symbol | None = None, budget: Budget | None = None
) -> Zeros:
    """The zero set of f on an interval: points, intervals, periodic and indexed families.

    A derivative `g.d(n)` is taken off the kinks of g. Raises `DomainError` at a pole, `InputError`
    for a second free symbol; what the budget does not decide is `Undecided`, with the open parts.

    >>> from symgrad.catalogue import activation
    >>> zeros(activation("gelu").d(2)).set
    {-sqrt(2), sqrt(2)}
    """
    u = univariate(f, x)
    meter = Meter(budget)
    families: list[Cells] = []
    found: list[Set] = []
    steps: list[Step] = []
    try:
        pieces = pieces_on(u, on)
        for piece in pieces:
            if not piece.is_point:
                part, because = _piece_zeros(piece, u, meter, families)
                found.append(part)
                steps.append(_step(u, piece.on, part, because))
        ends = [b.at for b in breaks(u, on, pieces) if b.value is not None and _is_zero(b.value)]
        found.append(FiniteSet(*ends))
    except (UndecidedError, UnsupportedError) as why:
        step = Step(sympy.Eq(u.expr, 0), METHOD, Undecided(str(why)))
        fact = Fact(f"{u.name}.zeros", sympy.Eq(u.expr, 0), Derivation((step,)), source=SOURCE)
        return Zeros(u, on, sympy.ConditionSet(u.x, sympy.Eq(u.expr, 0), on), (), fact)
    whole = _united(found)
    last = _step(u, on, whole, "the pieces and the points where they meet, put together")
    fact = Fact(f"{u.name}.zeros", last.claim, Derivation((*steps, last)), source=SOURCE)
    return Zeros(u, on, whole, tuple(families), fact)


def _is_zero(value: Expr) -> bool:
    return value.is_finite is not False and compare(value, S.Zero) == 0


def _united(parts: list[Set]) -> Set:
    """The union; listed points stay listed."""
    points = FiniteSet(*(c for p in parts if isinstance(p, FiniteSet) for c in p.args))
    rest = [p for p in parts if not isinstance(p, FiniteSet) and p is not S.EmptySet]
    plain = sympy.Union(points, *(p for p in rest if isinstance(p, Interval)))
    endless = [p for p in rest if not isinstance(p, Interval)]
    if not endless:
        return plain
    kept = [*endless, plain] if plain is not S.EmptySet else endless
    return kept[0] if len(kept) == 1 else sympy.Union(*kept, evaluate=False)


def _step(u: Univariate, on: Set, found: Set, because: str) -> Step:
    every = sympy.ConditionSet(u.x, sympy.Eq(u.expr, 0), on)
    return Step(sympy.Eq(every, found, evaluate=False), because, Proved(METHOD))


def _piece_zeros(
    piece: Piece, u: Univariate, meter: Meter, families: list[Cells]
) -> tuple[Set, str]:
    """The zeros inside one piece, its ends left out."""
    x, expr = u.x, piece.expr
    try:
        signs = chart(expr, x, piece.lo, piece.hi, meter)
    except Oscillates:
        inner = Interval.open(piece.lo, piece.hi)
        return _endless(expr, x, inner, meter, families), "zeros for ever: a period, or cells"
    if signs.signs == (0,):
        return Interval.open(piece.lo, piece.hi), "f is zero there"
    return FiniteSet(*(z.at for z in signs.zeros)), f"isolated on {signs.boxes} boxes"


def _endless(expr: Expr, x: Symbol, on: Set, meter: Meter, families: list[Cells]) -> Set:
    """The zeros of a function that oscillates for ever, factor by factor."""
    found: list[Set] = []
    holes: list[Expr] = []
    for p, n in factors(expr, x):
        if not p.has(x) or is_positive(p, x):
            continue
        if n < 0:
            holes += [z.at for z in chart(p, x, on.inf, on.sup, meter).zeros]
            continue
        period = over_one_period(p, x, on.inf, on.sup, meter)
        if period is not None:
            within = [z.at for z in period.zeros]
            within += [period.lo] if compare(p.subs(x, period.lo), S.Zero) == 0 else []
            found.append(shifts(FiniteSet(*within), period.hi - period.lo, on))
        elif is_wavy(p, x):
            found.append(_celled(p, x, on, meter, families))
        else:
            found.append(FiniteSet(*(z.at for z in chart(p, x, on.inf, on.sup, meter).zeros)))
    for c in holes:
        limit = end_of(expr, x, c, -1).limit
        if limit.is_infinite:
            raise DomainError(f"{expr} has a pole at {x} = {c}; name an interval without it")
        if limit != 0:
            found = [_without(s, c) for s in found]
    return _united(found)


def _without(found: Set, c: Expr) -> Set:
    """The set less one point; families of cells begin beyond it."""
    if isinstance(found, sympy.ImageSet) and isinstance(found.base_set, sympy.Range):
        return found
    return sympy.Complement(found, FiniteSet(c))


def _celled(p: Expr, x: Symbol, on: Set, meter: Meter, families: list[Cells]) -> Set:
    """Cells toward the infinite ends, isolation between them."""
    lo, hi = on.inf, on.sup
    found: list[Set] = []
    for end in (lo, hi):
        if end.is_infinite:
            family = cells(p, x, end, meter, beyond=hi if end is lo else lo)
            families.append(family)
            found.append(family.set)
            if end is lo:
                lo = family.start
            else:
                hi = family.start
    if order(lo, hi) < 0:
        found.append(FiniteSet(*(z.at for z in chart(p, x, lo, hi, meter).zeros)))
    return _united(found)


@dataclass(frozen=True, slots=True)
class Signs(Result):
    """f has the sign `rows[k][1]` on the interval `rows[k][0]`; between them lie its zeros."""

    f: Univariate
    rows: tuple[tuple[Set, int], ...]
    words: tuple[str, str, str]
    fact: Fact

    def _blocks(self) -> list[Block]:
        rows = tuple((on, self.words[sign + 1]) for on, sign in self.rows)
        return [Table(("on", str(self.f.name)), rows), *self.fact._blocks()]


def signs(
    f: Any, on: Set = Reals, *, x: Symbol | None = None, budget: Budget | None = None
) -> Signs:
    """The open intervals on which f is positive, negative or zero, from left to right, proved.

    Raises `UndecidedError` where a part stays open, `UnsupportedError` for endless oscillation.

    >>> from symgrad.catalogue import activation
    >>> [(part, sign) for part, sign in signs(activation("sigmoid").d(2)).rows]
    [(Interval.open(-oo, 0), 1), (Interval.open(0, oo), -1)]
    """
    u = univariate(f, x)
    return _signs(u, u, on, ("negative", "zero", "positive"), "signs", Meter(budget))


def monotone(
    f: Any, on: Set = Reals, *, x: Symbol | None = None, budget: Budget | None = None
) -> Signs:
    """The open intervals on which f increases, decreases or is constant, by the sign of f'.

    >>> from symgrad.catalogue import activation
    >>> monotone(activation("silu")).rows[0]
    (Interval.open(-oo, -1 - LambertW(exp(-1))), -1)
    """
    u = univariate(f, x)
    words = ("decreasing", "constant", "increasing")
    return _signs(u, derivative_of(u), on, words, "monotone", Meter(budget))


def derivative_of(u: Univariate) -> Univariate:
    """f' off the kinks, as a function of one variable."""
    if u.activation is not None:
        return univariate(u.activation.d(u.order + 1), u.x)
    name = u.name if u.name.isidentifier() else "f"
    return univariate(Activation.from_expr(name, u.elementary, u.x).d(1), u.x)


def _signs(
    u: Univariate, of: Univariate, on: Set, words: tuple[str, str, str], what: str, meter: Meter
) -> Signs:
    rows: list[tuple[Set, int]] = []
    steps: list[Step] = []
    for piece in open_pieces(of, on):
        signs_here: Chart = chart(piece.expr, of.x, piece.lo, piece.hi, meter)
        for a, b, sign in signs_here.spans:
            rows.append((Interval.open(a, b), sign))
            relation = (sympy.Lt, sympy.Eq, sympy.Gt)[sign + 1](of.expr, 0)
            given = (sympy.Contains(of.x, Interval.open(a, b)),)
            steps.append(Step(relation, METHOD, Proved(METHOD), under=given))
    fact = Fact(
        f"{u.name}.{what}", sympy.Contains(u.x, on), Derivation(tuple(steps)), source=SOURCE
    )
    return Signs(u, tuple(rows), words, fact)
