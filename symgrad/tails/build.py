"""tail(f, toward, terms): branch, expand, bound, and state with a derivation."""

from __future__ import annotations

from typing import Any

import sympy
from sympy import Abs, Eq, Expr, S, Symbol

from symgrad.activation import Univariate, univariate
from symgrad.errors import InputError
from symgrad.fact import Derivation, Fact, Proved, Step
from symgrad.tails.classify import classify
from symgrad.tails.field import Field, expr
from symgrad.tails.germ import Germ, germ
from symgrad.tails.monomial import to_expr
from symgrad.tails.settle import Settled, lowest, settle
from symgrad.tails.statement import beyond_relation, region
from symgrad.tails.tail import Remainder, Tail

__all__ = ["tail"]

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
    x: Symbol | None = None,
) -> Tail:
    """f(x) = Σ terms + r(x), |r(x)| ≤ K·growth(x) for every x beyond X, proved.

    f is an activation, `g.d(n)`, a SymPy function or an expression in x; toward is oo or -oo. Without
    wishes X is the outermost point with a proved K ≤ 2·limsup |r|/growth; `valid_from` asks for the K of
    one X, `coefficient` for the X of one K.

    Raises `UndecidedError` where an ordering of terms cannot be decided, `DomainError` where f is not
    defined near the end, `UnsupportedError` for functions without a germ in this scale.

    >>> from sympy import Symbol, exp
    >>> x = Symbol("x", real=True)
    >>> print(tail(1 / (1 + exp(-x)), terms=2))
        f(x) = 1 - exp(-x) + B(exp(-2*x), x in R)
    """
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
    g = germ(u, end, terms + _SPARE, Field())
    return _Statement(u, g, end, terms).tail(*wishes)


class _Statement:
    """Writes what was found about y = ±x in x itself."""

    def __init__(self, u: Univariate, g: Germ, toward: Expr, terms: int) -> None:
        self.u, self.g, self.toward = u, g, toward
        self.flip = toward is S.NegativeInfinity
        self.count = min(terms, len(g.model.terms))
        self.y = -u.x if self.flip else u.x
        self.head = u.expr if u.name != "f" else sympy.Function("f")(u.x)

    def write(self, e: Expr) -> Expr:
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
        if g.model.rem is None and len(g.model.terms) <= n:
            where, remainder = self.beyond(*lowest(g, n)), None
            claim: Any = Eq(self.head, total, evaluate=False)
            steps = [*self._branch(), Step(claim, "exact arithmetic on the terms", Proved(_MODEL))]
        else:
            start = None if valid_from is None else (-valid_from if self.flip else valid_from)
            found = settle(g, n, start, coefficient)
            where = self.beyond(found.start, found.is_open)
            growth = to_expr(g.model.terms[n][0], self.y)
            remainder = Remainder(found.coefficient, growth, where.sup if self.flip else where.inf)
            claim = self._claim(total, found.coefficient * growth)
            steps = [*self._branch(), *self._proof(found, total, growth)]
            steps.append(
                Step(
                    claim,
                    "the cases together",
                    Proved(_BALLS),
                    tuple(range(1, len(steps) + 1)),
                    (beyond_relation(self.u.x, where),),
                )  # fmt: skip
            )
        kind = classify(g.scale, g.model, self.y, self.write)
        fact = Fact(
            f"{self.u.name}.tail{'-' if self.flip else '+'}", claim, Derivation(tuple(steps)),
            (beyond_relation(self.u.x, where),),
        )  # fmt: skip
        return Tail(
            self.head, self.u.elementary, self.u.x, self.toward, shown, remainder, where, kind, fact
        )

    def _claim(self, total: Expr, bound: Expr) -> Any:
        return sympy.LessThan(Abs(self.head - total, evaluate=False), bound, evaluate=False)

    def _branch(self) -> list[Step]:
        if self.g.whole:
            return []
        under = beyond_relation(self.u.x, self.beyond(self.g.start, self.g.open_start))
        claim = Eq(self.head, self.write(self.g.branch), evaluate=False)
        return [
            Step(
                claim,
                "the branch that holds there",
                Proved("exact roots of the conditions"),
                (),
                (under,),
            )
        ]

    def _proof(self, s: Settled, total: Expr, growth: Expr) -> list[Step]:
        """Far out by the model, below that by boxes, and the other end by its own model."""
        first = 1 + (not self.g.whole)
        longer = sympy.Add(*(self.term(k) for k in range(len(self.g.model.terms))))
        far = (beyond_relation(self.u.x, self.beyond(s.far, False)),)
        steps = []
        if self.g.model.rem is not None:
            K = s.inner_coefficient * to_expr(self.g.model.rem, self.y)
            steps.append(
                Step(self._claim(longer, K), "the model with more terms", Proved(_MODEL), (), far)
            )
        else:
            claim = Eq(self.head, longer, evaluate=False)
            steps.append(Step(claim, "exact arithmetic on the terms", Proved(_MODEL), (), far))
        claim = self._claim(total, s.far_coefficient * growth)
        steps.append(
            Step(claim, "ratios of monomials decrease from there on", Proved(_BALLS), (first,), far)
        )
        if s.boxes:
            stop = s.start if s.closed is None else s.closed
            under = _between(self.u.x, stop, s.far, self.flip)
            steps.append(
                Step(
                    self._claim(total, s.coefficient * growth),
                    f"Taylor polynomials with ball remainders on {s.boxes} intervals, {s.prec} bits",
                    Proved(_BALLS),
                    (),
                    (under,),
                )  # fmt: skip
            )
        if s.closed is not None:
            where = sympy.LessThan(self.y, s.closed, evaluate=False)
            steps.append(
                Step(
                    self._claim(total, s.coefficient * growth),
                    "the model of the quotient towards the other end",
                    Proved(_MODEL),
                    (),
                    (where,),
                )  # fmt: skip
            )
        return steps


def _between(x: Symbol, lo: Expr, hi: Expr, flip: bool) -> Any:
    return sympy.And(x >= -hi, x <= -lo) if flip else sympy.And(x >= lo, x <= hi)
