"""tail(f, toward, terms): branch, expand, bound, and state with a derivation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any

import sympy
from sympy import Abs, Eq, Expr, S, Set, Symbol

from symgrad.activation import Univariate, univariate
from symgrad.errors import InputError, LimitError, UndecidedError
from symgrad.fact import Derivation, Fact, Proved, Step, Undecided
from symgrad.tails.beyond import short_upper
from symgrad.tails.classify import classify
from symgrad.tails.constants import expr, number
from symgrad.tails.field import Field
from symgrad.tails.germ import Germ, germ
from symgrad.tails.monomial import to_expr
from symgrad.tails.scaling import Stretch, stretched
from symgrad.tails.settle import Settled, exact_from, settle
from symgrad.tails.statement import beyond_relation, region
from symgrad.tails.tail import Expansion, Remainder, Tail

__all__ = ["tail", "tail_and_germ"]

_SPARE = 3
_MODEL = "arithmetic of tail models (lemmas on sums, products, compositions)"
_BALLS = "Arb balls"


def tail(
    f: Any,
    toward: Any = S.Infinity,
    terms: int = 3,
    *,
    valid_from: Any = None,
    coefficient: Any = None,
    parameters: Mapping[Symbol, Any] | None = None,
    x: Symbol | None = None,
) -> Tail:
    """f(x) = Σ terms + r(x), |r(x)| ≤ K·growth(x) for every x beyond X, proved.

    f is an activation, `g.d(n)`, a SymPy function or an expression in x; toward is oo or -oo.
    Without wishes X is the outermost point with a proved K ≤ 2·limsup |r|/growth; `valid_from` asks
    for the K of one X, `coefficient` for the X of one K. `parameters` gives symbols numbers or
    intervals (lo, hi), for which K holds uniformly; symbols without either that do more than
    stretch x leave the expansion formal, without K.

    Raises `UndecidedError` where an ordering of terms cannot be decided, `DomainError` where f is
    not defined near the end, `UnsupportedError` for functions without a germ in this scale.

    >>> from sympy import Symbol, exp
    >>> x = Symbol("x", real=True)
    >>> print(tail(1 / (1 + exp(-x)), terms=2))
        f(x) = 1 - exp(-x) + B(exp(-2*x), x in R)
    """
    given = tuple(sorted((parameters or {}).items(), key=str))
    return tail_and_germ(f, toward, terms, valid_from, coefficient, given, x)[0]


@lru_cache(maxsize=512)
def tail_and_germ(
    f: Any,
    toward: Any,
    terms: int,
    valid_from: Any = None,
    coefficient: Any = None,
    parameters: tuple[tuple[Symbol, Any], ...] = (),
    x: Symbol | None = None,
) -> tuple[Tail, Germ]:
    """What `tail` returns, and the model that it was read from."""
    end = sympy.sympify(toward, strict=True)
    if end not in (S.Infinity, S.NegativeInfinity):
        raise InputError(f"a tail runs toward oo or -oo, got {toward}")
    if not isinstance(terms, int) or terms < 1:
        raise InputError(f"a tail has at least one term, got terms={terms}")
    if valid_from is not None and coefficient is not None:
        raise InputError("give valid_from or coefficient, not both: each one decides the other")
    u = univariate(f, x)
    wishes = [
        None if w is None else sympy.sympify(w, strict=True) for w in (valid_from, coefficient)
    ]
    numbers, box = _parameters(parameters, u)
    if numbers:
        given: Any = u.expr.subs(numbers)
        u = replace(u, expr=given, activation=None)
    g = germ(u, end, terms + _SPARE, Field(box))
    return _Statement(u, g, end, terms).tail(*wishes), g


def _parameters(
    given: Iterable[tuple[Symbol, Any]], u: Univariate
) -> tuple[list[tuple[Symbol, Expr]], dict[Symbol, tuple[Expr, Expr]]]:
    """The parameters given as numbers, and those given as intervals (lo, hi)."""
    numbers, box = [], {}
    known = u.expr.free_symbols - {u.x}
    for symbol, value in given:
        if symbol not in known:
            raise InputError(f"{u.expr} has no parameter {symbol}; it has {sorted(known, key=str)}")
        given_ends = value if isinstance(value, tuple) else (value,)
        ends: Any = tuple(_fitting(symbol, end) for end in given_ends)
        if not isinstance(value, tuple):
            numbers.append((symbol, ends[0]))
        elif len(ends) == 2 and ends[0] <= ends[1]:
            box[symbol] = ends
        else:
            raise InputError(f"the interval of {symbol} needs lo <= hi, got {value}")
    return numbers, box


def _fitting(symbol: Symbol, value: Any) -> Expr:
    """The value; raises `InputError` unless it is a number in the closure of what is assumed."""
    value = sympy.sympify(value, strict=True)
    if not (value.is_number and value.is_finite and value.is_real):
        raise InputError(f"a parameter is a finite real number, got {symbol} = {value}")
    for kind, wrong in (("nonnegative", value < 0), ("nonpositive", value > 0)):
        if getattr(symbol, f"is_{kind}") and wrong == sympy.true:
            raise InputError(f"{symbol} is assumed {kind}, got {value}")
    return value


class _Statement:
    """Writes what was found about y = ±x in x itself."""

    def __init__(self, u: Univariate, g: Germ, toward: Expr, terms: int) -> None:
        self.u, self.g, self.toward = u, g, toward
        self.flip = toward is S.NegativeInfinity
        self.count = min(terms, len(g.model.terms))
        self.y = -u.x if self.flip else u.x
        self.head = u.expr if u.name not in ("f", "h") else sympy.Function(u.name)(u.x)

    def write(self, e: Any) -> Any:
        """An expression in y written in x."""
        return e.xreplace({self.g.scale.x: self.y})

    def beyond(self, start: Expr, is_open: bool) -> Any:
        return region(self.toward, -start if self.flip else start, is_open)

    def term(self, k: int) -> Expr:
        m, c = self.g.model.terms[k]
        return self.write(expr(c)) * to_expr(m, self.y)

    def tail(self, valid_from: Expr | None, coefficient: Expr | None) -> Tail:
        g, n = self.g, self.count
        shown = tuple(self.term(k) for k in range(n))
        total = sympy.Add(*shown)
        steps = self._start()
        start = None if valid_from is None else (-valid_from if self.flip else valid_from)
        free = g.branch.free_symbols - {g.scale.x}
        if g.model.rem is None and len(g.model.terms) <= n:
            where, remainder = self.beyond(*exact_from(g)), None
            claim: Any = Eq(self.head, total, evaluate=False)
            steps.append(Step(claim, "exact arithmetic on the terms", Proved(_MODEL)))
        elif free and (stretch := self._by_stretch(free, start, coefficient)):
            where, remainder, claim, shown = self._read(steps, *stretch)
        elif names := free - set(g.scale.field.box):
            where, remainder, claim = self._formal(steps, shown, names)
        else:
            found = settle(g, n, start, coefficient)
            where = self.beyond(found.start, found.is_open)
            growth = to_expr(g.model.terms[n][0], self.y)
            remainder = Remainder(found.coefficient, growth, where.sup if self.flip else where.inf)
            claim = self._claim(total, found.coefficient * growth)
            steps += self._proof(found, total, growth, len(steps))
            given, under = tuple(range(1, len(steps) + 1)), self._condition(where)
            steps.append(Step(claim, "the cases together", Proved(_BALLS), given, under))
        fact = Fact(
            f"{self.u.name}.tail{'-' if self.flip else '+'}",
            claim,
            Derivation(tuple(steps)),
            self._under(where),
            "Makino and Berz 2003, Taylor models; Gruntz 1996; Salvy and Shackell 2010",
        )
        kind = classify(g.scale, g.model, self.y, self.write)
        elementary = self.u.elementary
        return Tail(
            self.head, elementary, self.u.x, self.toward, shown, remainder, where, kind, fact
        )

    def _by_stretch(
        self, free: set[Any], start: Any, coefficient: Any
    ) -> tuple[Stretch, Tail] | None:
        """f(x) = C·h(λx), and the tail of h, which has no symbols."""
        g = self.g
        stretch = stretched(g.branch, g.scale.x, free)
        if stretch is None:
            return None
        by = (stretch.rate, stretch.rate, 1 / Abs(stretch.factor))
        wishes: Any = zip((g.start, start, coefficient), by, strict=True)
        low: Any
        low, *wishes = (None if w is None else sympy.cancel(w * times) for w, times in wishes)
        if low.free_symbols:
            return None
        if any(w is not None and w.free_symbols for w in wishes):
            raise UndecidedError(
                f"K and X are formulas in {', '.join(sorted(map(str, free)))} here: ask for X as a "
                f"multiple of {1 / stretch.rate}, K as a multiple of {Abs(stretch.factor)}, or "
                "give numbers"
            )
        h = Univariate(stretch.inner, stretch.y, "h")
        inner = germ(h, S.Infinity, self.count + _SPARE, Field())
        inner = replace(inner, start=low, open_start=g.open_start)
        return stretch, _Statement(h, inner, S.Infinity, self.count).tail(*wishes)

    def _read(self, steps: list[Step], s: Stretch, h: Tail) -> tuple[Any, ...]:
        """The tail of h read at λx, for every value of the symbols or the worst of their box."""
        at: Any = s.rate * self.y
        rest: Any = h.remainder
        K, start = rest.coefficient * Abs(s.factor), h.valid_from / s.rate
        if self.g.scale.field.box:
            K, start = (_worst(e, self.g.scale.field) for e in (K, start))
        where = self.beyond(start, bool(h.where.left_open))  # type: ignore[attr-defined]
        growth = rest.growth.xreplace({s.y: at})
        shown = tuple(s.factor * term.xreplace({s.y: at}) for term in h.terms)
        same = Eq(self.head, s.factor * sympy.Function("h")(at), evaluate=False)
        mine = [*steps, Step(same, "the symbols only stretch x", Proved("exact algebra"))]
        steps[:] = [*h.derivation, *(replace(step, given=()) for step in mine)]
        claim = self._claim(sympy.Add(*shown), K * growth)
        given, under = (len(h.derivation), len(steps)), self._condition(where)
        steps.append(Step(claim, "the tail of h at that point", Proved(_MODEL), given, under))
        remainder = Remainder(K, growth, where.sup if self.flip else where.inf)
        return where, remainder, claim, shown

    def _formal(
        self, steps: list[Step], shown: tuple[Expr, ...], free: set[Any]
    ) -> tuple[Any, ...]:
        names = ", ".join(sorted(map(str, free)))
        growth = to_expr(self.g.model.terms[self.count][0], self.y)
        remainder = Remainder(None, growth, None)
        claim = Eq(self.head, Expansion(*shown, sympy.Function("O")(growth)), evaluate=False)
        why = f"the terms are exact, but no constant of the remainder is known for all {names}"
        because = "arithmetic of formal series, orders by the assumptions on the symbols"
        steps.append(Step(claim, because, Undecided(f"{why}; give numbers or intervals")))
        return self.beyond(self.g.start, True), remainder, claim

    def _condition(self, where: Set) -> tuple[Any, ...]:
        return () if where == S.Reals else (beyond_relation(self.u.x, where),)

    def _under(self, where: Set) -> tuple[Any, ...]:
        box = self.g.scale.field.box
        ranges = tuple(sympy.And(lo <= s, s <= hi) for s, (lo, hi) in box.items())
        named = () if self.head == self.u.expr else (Eq(self.head, self.u.expr, evaluate=False),)
        return (*self._condition(where), *ranges, *named)

    def _start(self) -> list[Step]:
        steps = []
        if self.head != self.u.expr:
            claim = Eq(self.head, self.u.expr, evaluate=False)
            steps.append(Step(claim, "by definition", Proved("definition")))
        if not self.g.whole:
            under = self._condition(self.beyond(self.g.start, self.g.open_start))
            claim = Eq(self.head, self.write(self.g.branch), evaluate=False)
            because = "the branch that holds there"
            steps.append(Step(claim, because, Proved("exact roots of the conditions"), (), under))
        return steps

    def _claim(self, total: Expr, bound: Expr) -> Any:
        return sympy.LessThan(Abs(self.head - total, evaluate=False), bound, evaluate=False)

    def _proof(self, s: Settled, total: Expr, growth: Expr, before: int) -> list[Step]:
        """Far out by the model, below that by boxes, and the other end by its own model."""
        terms = [self.term(k) for k in range(len(self.g.model.terms))]
        far = self._condition(self.beyond(s.far, False))
        claim: Any = Eq(self.head, sympy.Add(*terms), evaluate=False)
        because = "exact arithmetic on the terms"
        if self.g.model.rem is not None:
            bound = s.inner_coefficient * to_expr(self.g.model.rem, self.y)
            claim, because = self._claim(sympy.Add(*terms), bound), "the model with more terms"
        given = tuple(range(1, before + 1))
        steps = [Step(claim, because, Proved(_MODEL), given, far)]
        claim, number = self._claim(total, s.far_coefficient * growth), before + 1
        because = "ratios of monomials decrease from there on"
        steps.append(Step(claim, because, Proved(_BALLS), (number,), far))
        claim = self._claim(total, s.coefficient * growth)
        closed = s.walk and s.walk.closed
        if s.walk and s.walk.boxes:
            stop, far_y = (s.start if closed is None else closed), s.far
            low, high = (-far_y, -stop) if self.flip else (stop, far_y)
            because = (
                f"Taylor polynomials with ball remainders on {s.walk.boxes} intervals, "
                f"{s.walk.prec} bits"
            )
            under = (sympy.And(self.u.x >= low, self.u.x <= high),)
            steps.append(Step(claim, because, Proved(_BALLS), given, under))
        if closed is not None:
            edge = -closed if self.flip else closed
            under = self._condition(region(-self.toward, edge, False))
            because = "the model of the quotient towards the other end"
            steps.append(Step(claim, because, Proved(_MODEL), given, under))
        return steps


def _worst(e: Expr, field: Field) -> Expr:
    """The largest value of a constant over the box of its symbols, rounded upward."""
    if not e.free_symbols or not e.free_symbols <= set(field.box):
        return e
    top = field.ball(number(e)).upper()
    if not top.is_finite():
        raise LimitError(f"{e} has no finite maximum over the intervals given: narrow them")
    return short_upper(top)
