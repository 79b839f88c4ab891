"""An expression in x becomes its tail model as x → oo.

One rule for each kind of node. Every rule splits its argument as c·m·(1 + u) or S + c + u with S
purely infinite and u → 0, does the infinite part exactly, and sums a Taylor series in u with a
geometric, Lagrange or enveloping remainder.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any

import sympy
from flint import arb, fmpq
from sympy import Expr, exp
from sympy.core.relational import Relational

from symgrad.errors import DomainError, UnsupportedError
from symgrad.pieces import BENT
from symgrad.rigor import program
from symgrad.rigor.ops import FUNCTIONS
from symgrad.tails.beyond import Beyond
from symgrad.tails.constants import ONE, ZERO, Number, add, expr, mul, number, power
from symgrad.tails.model import Model, MoreTerms, Workshop
from symgrad.tails.monomial import UNIT, Monomial, iterated_log, to_expr
from symgrad.tails.taylor import coefficient

__all__ = ["Expander"]

_Y = sympy.Dummy("y", real=True)


class Expander:
    """Expands expressions in the variable of `shop.scale`; every subexpression once."""

    def __init__(self, shop: Workshop) -> None:
        self.shop = shop
        self.scale = shop.scale
        self.field = shop.scale.field
        self.x = shop.scale.x
        self.depth = -1
        self.guards: list[Callable[[Beyond], bool]] = []
        self._done: dict[Expr, Model] = {}

    def __call__(self, e: Expr) -> Model:
        found = self._done.get(e)
        if found is None:
            found = self._done[e] = self.shop.nonzero(self._expand(e))
        return found

    def _expand(self, node: Any) -> Model:
        shop = self.shop
        if not node.has(self.x):
            return shop.constant(number(node))
        if node == self.x:
            return shop.monomial(iterated_log(0))
        if node.is_Add:
            return shop.add(*map(self, node.args))
        if node.is_Mul:
            total = shop.constant(ONE)
            for factor in sorted(map(self, node.args), key=lambda f: len(f.terms)):
                total = shop.mul(total, factor)
            return total
        if node.is_Pow:
            return self._power(*node.args)
        if isinstance(node, BENT):
            return self(self._branch(node))
        kind = type(node)
        if kind in _RULES:
            return _RULES[kind](self, self(node.args[0]))
        if kind in FUNCTIONS:
            return self._function(kind, *node.args)
        raise UnsupportedError(
            f"no tail is known for {node} of type {type(node).__name__}; "
            "write it in elementary functions, erf and Piecewise"
        )

    def _function(self, kind: Any, e: Any) -> Model:
        """A function of the table: by Taylor at a finite limit, else by what it is far out."""
        if kind is sympy.sinc:
            return self(sympy.sin(e) / e)
        f = self(e)
        if self.growth(f) <= 0 or not (kind in _FAR or kind is sympy.erfc):
            return self.finite(kind, f)
        if self.sign(f) < 0 and kind is not sympy.acosh:
            return self(_MIRROR[kind](kind(-e, evaluate=False)))
        return self.erfc(f) if kind is sympy.erfc else self(_FAR[kind](e))

    # the branch that holds beyond a proved point

    def _branch(self, node: Any) -> Expr:
        """The branch near infinity; that it holds from X on becomes a guard."""
        if isinstance(node, sympy.Piecewise):
            pairs: Any = node.args
            for part, condition in pairs:
                gaps = condition.atoms(Relational)
                truth = {r: r.func(self._eventual_sign(r.lhs - r.rhs), 0) for r in gaps}
                if condition.xreplace(truth) == sympy.true:
                    return part
            raise DomainError(f"no branch of {node} holds near infinity")
        first, *rest = node.args
        if isinstance(node, (sympy.Max, sympy.Min)):
            wanted = 1 if isinstance(node, sympy.Max) else -1
            for other in rest:
                first = other if self._eventual_sign(other - first) == wanted else first
            return first
        which = sympy.Integer(self._eventual_sign(first))
        if isinstance(node, sympy.Heaviside):
            return (which + 1) / 2
        return which * first if isinstance(node, sympy.Abs) else which

    def _eventual_sign(self, gap: Expr) -> int:
        f = self(gap)
        which = self.sign(f)
        if which == 0:
            return 0
        top, c = f.lead
        self._no_waves(c)
        rest = f.only(f.terms[1:])

        def guard(beyond: Beyond) -> bool:
            if rest.is_zero:
                return True
            share = beyond.amplitude(rest) * beyond.ratio(rest.top, top)
            return bool(share < abs(self.field.ball(c)).lower())

        self.guards.append(guard)
        return which

    # shapes of a model

    def sign(self, f: Model) -> int:
        """The sign of f near infinity."""
        if f.is_zero:
            return 0
        return self.field.sign(f.lead[1], "the sign of a tail")

    def growth(self, f: Model) -> int:
        """+1, 0, -1 where |f| tends to infinity, to a constant c ≠ 0, to zero."""
        if f.is_zero:
            return -1
        if not f.terms and self.scale.sign(f.top) < 0:
            return -1
        return self.scale.sign(f.lead[0])

    def parts(self, f: Model) -> tuple[tuple[tuple[Monomial, Number], ...], Number, Model]:
        """f = S + c + u: purely infinite terms, constant, small rest."""
        large = tuple(t for t in f.terms if self.scale.sign(t[0]) > 0)
        c = dict(f.terms).get(UNIT, ZERO)
        small = (t for t in f.terms if self.scale.sign(t[0]) < 0)
        if f.rem is not None and self.scale.sign(f.rem) >= 0:
            raise MoreTerms(
                "an exponent or phase has more terms that tend to infinity than are kept; where "
                "they are endless, as in exp(x)/(1 - 1/x), no exp of it is a transmonomial; tried"
            )
        return large, c, f.only(small)

    # powers, exp, log

    def _power(self, base: Expr, exponent: Expr) -> Model:
        f = self(base)
        if exponent.has(self.x):
            return self.exp(self.shop.mul(self.log(f), self(exponent)))
        return self.power(f, number(exponent))

    def power(self, f: Model, p: Number) -> Model:
        """f**p with |R_n| ≤ |binom(p, n+1)|·max((1−e)^{p−n−1}, (1+e)^{p−n−1})·|u|^{n+1}."""
        n = int(p.p) if isinstance(p, fmpq) and p.q == 1 else None
        whole = n is not None
        if n is not None and n >= 0 and (n <= 3 or (f.rem is None and len(f.terms) ** n < 200)):
            return self.shop.integer_power(f, n)
        if f.is_zero:
            if self.field.sign(p) > 0:
                return f
            raise DomainError("division by a function that is zero from some point on")
        m, c, u = self.shop.split(f)
        self._no_waves(c)
        self._assume_positive(m, whole)
        if not whole and self.field.sign(c, "the base of a power") < 0:
            raise DomainError(f"a negative base has no real power {expr(p)}")
        series = self.shop.compose(u, partial(_binomial, p), partial(self._binomial_rest, p))
        return self.shop.scaled(series, self.scale.power(m, p), power(c, p))

    def _binomial_rest(self, p: Number, n: int, e: arb) -> arb:
        q = self.field.ball(p) - (n + 1)
        worst = ((1 - e) ** q).max((1 + e) ** q)
        return abs(self.field.ball(_binomial(p, n + 1))) * worst

    def _assume_positive(self, m: Monomial, whole: bool) -> None:
        """Note the k-fold logarithm that must be positive for this step to be an identity."""
        if m != UNIT and not (whole and not m.powers):
            self.depth = max(self.depth, _depth(m))

    def _no_waves(self, c: Number) -> None:
        if self.x in expr(c).free_symbols:
            raise UnsupportedError(
                f"the leading coefficient {c} oscillates without a limit: "
                "the function has no germ here"
            )

    def exp(self, f: Model) -> Model:
        """exp(S + c + u) = exp(S)·e^c·(Taylor in u), |R_n| ≤ e^{|u|}/(n+1)!·|u|^{n+1}."""
        large, c, u = self.parts(f)
        head = UNIT
        for m, d in large:
            self._no_waves(d)
            k = len(m.powers) - 1
            is_log = k >= 1 and m == iterated_log(k)
            factor = self.scale.power(iterated_log(k - 1), d) if is_log else Monomial((), ((m, d),))
            head = self.scale.mul(head, factor)
        series = self.finite(sympy.exp, u)
        factor = ONE if c == 0 else number(sympy.exp(expr(c)))
        return self.shop.scaled(series, head, factor)

    def log(self, f: Model) -> Model:
        """log(c·m·(1 + u)) = log c + log m + log1p(u), |R_n| ≤ |u|^{n+1}/((n+1)(1−e))."""
        m, c, u = self.shop.split(f)
        self._no_waves(c)
        self._assume_positive(m, False)
        if self.field.sign(c, "the argument of log") <= 0:
            raise DomainError("the logarithm of a function that is not positive near infinity")
        series = self.shop.compose(
            u,
            lambda k: fmpq((-1) ** (k + 1), k) if k else ZERO,
            lambda n, e: 1 / ((n + 1) * (1 - e)),
        )
        constant = ZERO if c == 1 else number(sympy.expand_log(sympy.log(expr(c))))
        return self.shop.add(self.log_of(m), self.shop.constant(constant), series)

    def log_of(self, m: Monomial) -> Model:
        """log m, an exact sum."""
        powers = ((iterated_log(k + 1), p) for k, p in enumerate(m.powers))
        return self.shop.add(*(self.shop.monomial(e, c) for e, c in (*m.exps, *powers)))

    # erfc, waves

    def erfc(self, f: Model) -> Model:
        """exp(−f²)/(f√π)·Σ (−1)^k (2k−1)!!/(2f²)^k, remainder below the first term left out."""
        shop = self.shop
        square = shop.mul(f, f)
        v = self.power(square, fmpq(-1))
        front = shop.mul(self.exp(shop.neg(square)), self.power(f, fmpq(-1)))
        series = shop.compose(v, _erfc_coefficient, lambda n, e: abs(arb(_erfc_coefficient(n + 1))))
        return shop.scaled(shop.mul(front, series), UNIT, number(1 / sympy.sqrt(sympy.pi)))

    def _wave(self, kind: Any, f: Model) -> Model:
        """sin or cos of S + c + u: bounded waves sin S, cos S as coefficients."""
        large, c, u = self.parts(f)
        if not large:
            return self.finite(kind, f)
        shop = self.shop
        phase = sympy.Add(*(expr(d) * to_expr(m, self.x) for m, d in large)) + expr(c)
        wave, slope = (
            shop.constant(number(w.subs(_Y, phase))) for w in (kind(_Y), kind(_Y).diff())
        )
        return shop.add(
            shop.mul(wave, self.finite(sympy.cos, u)), shop.mul(slope, self.finite(sympy.sin, u))
        )

    # any analytic function at a finite limit

    def finite(self, kind: type, f: Model) -> Model:
        """F(c + u) by Taylor, the Lagrange coefficient enclosed over |u| ≤ e by a power
        series of balls."""
        large, c, u = self.parts(f)
        if large:
            raise UnsupportedError(
                f"{kind.__name__} of a function that tends to infinity has no model"
            )
        center = expr(c)
        if center.free_symbols - set(self.field.box) and self.x in center.free_symbols:
            raise UnsupportedError(
                f"{kind.__name__} of a function with a wave in the limit has no model"
            )
        code = program(kind(_Y), _Y)

        def rest(n: int, e: arb) -> arb:
            around = self.field.ball(c) + (-e).union(e)
            return abs(code.jet(around, n + 2)[n + 1])

        return self.shop.compose(u, lambda k: coefficient(kind, center, k), rest)


@lru_cache(maxsize=4096)
def _binomial(p: Number, k: int) -> Number:
    if k == 0:
        return ONE
    return mul(_binomial(p, k - 1), mul(add(p, fmpq(1 - k)), fmpq(1, k)))


@lru_cache(maxsize=256)
def _erfc_coefficient(k: int) -> fmpq:
    return ONE if k == 0 else _erfc_coefficient(k - 1) * fmpq(1 - 2 * k, 2)


def _depth(m: Monomial) -> int:
    """The k of the deepest logarithm in the monomial; 0 for x itself."""
    return max([len(m.powers) - 1, 0, *(_depth(e) for e, _ in m.exps)])


_RULES: dict[type, Callable[[Expander, Model], Model]] = {
    sympy.exp: Expander.exp,
    sympy.log: Expander.log,
    sympy.sin: lambda self, f: self._wave(sympy.sin, f),
    sympy.cos: lambda self, f: self._wave(sympy.cos, f),
}

#: What a function is where its argument tends to +oo.
_FAR: dict[type, Callable[[Any], Any]] = {
    sympy.tanh: lambda f: 1 - 2 * exp(-2 * f) / (1 + exp(-2 * f)),
    sympy.coth: lambda f: 1 + 2 * exp(-2 * f) / (1 - exp(-2 * f)),
    sympy.sinh: lambda f: (exp(f) - exp(-f)) / 2,
    sympy.cosh: lambda f: (exp(f) + exp(-f)) / 2,
    sympy.sech: lambda f: 2 * exp(-f) / (1 + exp(-2 * f)),
    sympy.csch: lambda f: 2 * exp(-f) / (1 - exp(-2 * f)),
    sympy.asinh: lambda f: sympy.log(f + sympy.sqrt(f**2 + 1)),
    sympy.acosh: lambda f: sympy.log(f + sympy.sqrt(f**2 - 1)),
    sympy.atan: lambda f: sympy.pi / 2 - sympy.atan(1 / f),
    sympy.erf: lambda f: 1 - sympy.erfc(f, evaluate=False),
}

_odd, _even = lambda e: -e, lambda e: e
#: F(f) from F(−f), where the argument tends to −oo.
_MIRROR: dict[type, Callable[[Any], Any]] = {
    **dict.fromkeys(_FAR, _odd),
    **dict.fromkeys((sympy.cosh, sympy.sech), _even),
    sympy.erfc: lambda e: 2 - e,
}
