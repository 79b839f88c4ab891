"""Derivatives of any order in the field that a function's own building blocks generate.

The expression x/(1 + e^{-x}) lives in ℚ(x, t) with t = e^{-x} and t' = -t. Such a field is closed
under d/dx, so an n-th derivative is a polynomial over a product of powers of few factors, where the
product and chain rules on trees would double the expression at every order.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache, reduce
from typing import Any, NamedTuple, cast

import sympy
from sympy import Expr, Pow, Rational, S, Symbol
from sympy.polys.domains import QQ
from sympy.polys.orderings import grevlex
from sympy.polys.rings import PolyElement, PolyRing

from symgrad.errors import LimitError, UndecidedError, UnsupportedError
from symgrad.pieces import branches, same

__all__ = ["agree", "factors", "limit_at", "smooth_derivative", "vanishes"]

_MOST_BLOCKS = 40
_HYPERBOLIC = (sympy.tanh, sympy.cosh, sympy.sinh, sympy.sech, sympy.coth, sympy.csch)
_LARGE = 600
_MOST_STEPS = 80
_MOST_TERMS = 1_500
_NOT_FINITE = (S.NaN, S.ComplexInfinity, S.Infinity, S.NegativeInfinity, sympy.AccumBounds)


@lru_cache(maxsize=2048)
def smooth_derivative(expr: Expr, x: Symbol, n: int) -> Expr:
    """dⁿ expr/dxⁿ of an expression without pieces.

    >>> from sympy import exp
    >>> x = Symbol("x", real=True)
    >>> smooth_derivative(x / (1 + exp(-x)), x, 1)
    (x*exp(-x) + 1 + exp(-x))/(1 + exp(-x))**2
    """
    if n == 0:
        return expr
    if expr.is_polynomial(x):
        return expr.diff((x, n))  # type: ignore[return-value]
    try:
        return _field(expr, x).expr(_derived(expr, x, n))
    except UnsupportedError:
        return smooth_derivative(expr, x, n - 1).diff(x)


def vanishes(expr: Any, x: Symbol) -> bool:
    """Whether the expression is zero by the algebra of its blocks; False proves nothing.

    >>> x = Symbol("x", real=True)
    >>> vanishes(sympy.tanh(x) - 1 + 2 / (1 + sympy.exp(2 * x)), x)
    True
    """
    flipped = {
        f: -f.func(-f.args[0])
        for f in expr.atoms(sympy.sign)
        if f.args[0].could_extract_minus_sign()
    }
    expr = _exponential(expr.xreplace(flipped))
    try:
        field = _Field(expr, x, closed=False)
        num = field.element(expr).num
    except UnsupportedError:
        return expr == 0
    return not num or not num.rem(field.circles())


@lru_cache(maxsize=1024)
def factors(expr: Expr, x: Symbol) -> tuple[tuple[Any, int], ...]:
    """((p, n), ...) with expr = ∏ pⁿ identically; one pair where the expression is too large.

    >>> x = Symbol("x", real=True)
    >>> [p for p, n in factors(sympy.tanh(x).diff(x, 2), x) if n > 0]
    [-8, exp(2*x) - 1, exp(x)]
    """
    flat = _exponential(expr)
    if flat.count_ops() > _LARGE:
        return ((expr, 1),)
    try:
        field = _Field(flat, x, closed=False)
        content, rest, *pairs = field.split(field.element(flat))
        inner = _Field(rest, x, closed=False)
        scale, found = inner.element(rest).num.factor_list()
    except UnsupportedError:
        return ((expr, 1),)
    content *= QQ.to_sympy(scale)
    one = [] if content == 1 and (found or any(pairs)) else [(content, 1)]
    return (*one, *((p.as_expr(*inner.blocks), int(n)) for p, n in found), *pairs[0], *pairs[1])


def _exponential(expr: Any) -> Any:
    """Hyperbolic functions in exponentials, sinc(u) as sin(u)/u."""
    flat = expr.rewrite(_HYPERBOLIC, sympy.exp) if expr.has(*_HYPERBOLIC) else expr
    return flat.replace(sympy.sinc, lambda u: sympy.sin(u) / u)


def limit_at(expr: Expr, x: Symbol, at: Expr) -> Expr | None:
    """The value of a smooth expression at a point, by de l'Hospital's rule where it is 0/0.

    None where there is no finite value.

    >>> x = Symbol("x", real=True)
    >>> limit_at((x * sympy.cos(x) - sympy.sin(x)) / x**3, x, sympy.S.Zero)
    -1/3
    """
    value = expr.subs(x, at)
    if not value.has(*_NOT_FINITE):
        return value
    try:
        field = _field(expr, x)
        above, below = field.parts(_derived(expr, x, 0))
        for _ in range(_MOST_STEPS):
            top, bottom = (field.expr(e).subs(x, at) for e in (above, below))
            if top.has(*_NOT_FINITE) or bottom.has(*_NOT_FINITE):
                return None
            if not same(bottom, S.Zero):
                return top / bottom
            if not same(top, S.Zero):
                return None
            above, below = field.d(above), field.d(below)
    except UnsupportedError:
        return None
    return None


def agree(f: Expr, g: Expr, x: Symbol) -> bool:
    """Whether f = g off finitely many points by exact algebra; False proves nothing.

    >>> x = Symbol("x", real=True)
    >>> agree(sympy.Abs(x).diff(x), sympy.Piecewise((-1, x <= 0), (1, True)), x)
    True
    """
    if f == g:
        return True
    gap: Any = f - g
    try:
        gaps = [part for on, part in branches(gap, x) if not isinstance(on, sympy.FiniteSet)]
    except (UndecidedError, UnsupportedError):
        gaps = [gap]
    return all(vanishes(part, x) for gap in gaps for part in _alternatives(gap))


def _alternatives(expr: Any) -> list[Any]:
    """The expression with all its pieces on the same branch, where they share their conditions."""
    pieces = [p for p in expr.atoms(sympy.Piecewise) if not p.atoms(sympy.Piecewise) - {p}]
    if not pieces or len({tuple(on for _, on in p.args) for p in pieces}) > 1:
        return [expr]
    count = len(pieces[0].args)
    return [expr.xreplace({p: p.args[k].expr for p in pieces}) for k in range(count)]


_Pairs = list[tuple[Any, int]]


class _Fraction(NamedTuple):
    """num / ∏ qᵢ^kᵢ over the factors qᵢ of a field; a negative kᵢ is a factor kept apart."""

    num: PolyElement
    powers: dict[int, int]


class _Field:
    """ℚ(building blocks of `expr`), closed under d/dx where that is asked for.

    Raises `UnsupportedError` where the blocks' derivatives lead to ever new ones.
    """

    def __init__(self, expr: Expr, x: Symbol, closed: bool = True) -> None:
        self.x, self.closed = x, closed
        self.blocks, self.units = _exponentials_joined(_closure(expr, closed), closed)
        names = [f"t{k}" for k in range(max(1, len(self.blocks)))]
        self.ring = PolyRing(names, QQ, cast("Any", grevlex))
        self.index = {block: k for k, block in enumerate(self.blocks)}
        self.factors: list[PolyElement] = []
        self.shown: dict[int, Expr] = {}
        self.roots: dict[int, tuple[int, PolyElement]] = {}
        for block in self.blocks:
            if isinstance(block, Pow) and isinstance(block.exp, Rational):
                base = self.element(block.base)
                if base.powers:
                    raise UnsupportedError(
                        f"the root of a fraction {block} generates no field here"
                    )
                self.roots[self.index[block]] = (int(block.exp.q), base.num)
            elif isinstance(block, sympy.tanh):
                square = 1 - self._generator(sympy.sech(*block.args)) ** 2
                self.roots[self.index[block]] = (2, square)
                self.shown[len(self.factors)] = block**2
                self.factors.append(square)
        self.slopes: list[_Fraction] = []
        for block in self.blocks if closed else ():
            self.slopes.append(self._slope(block))

    # arithmetic

    def _generator(self, block: Any) -> PolyElement:
        return self.ring.gens[self.index[block]]

    def _make(self, num: PolyElement, powers: dict[int, int]) -> _Fraction:
        """The fraction with roots reduced and every factor divided out as often as it goes."""
        num = self._reduced(num)
        if not num:
            return _Fraction(num, {})
        powers = dict(powers)
        for k, factor in enumerate(self.factors):
            quotient = _divided(num, factor)
            while quotient is not None:
                num, powers[k] = quotient, powers.get(k, 0) - 1
                quotient = _divided(num, factor)
        return _Fraction(num, {k: p for k, p in powers.items() if p})

    def _reduced(self, num: PolyElement) -> PolyElement:
        for k, (q, base) in self.roots.items():
            while any(m[k] >= q for m in num):
                done = self.ring.zero
                for monomial, c in num.items():
                    power, rest = divmod(monomial[k], q)
                    lower = (*monomial[:k], rest, *monomial[k + 1 :])
                    done += self.ring.from_dict({lower: c}) * base**power
                num = done
        return num

    def _sum(self, terms: Iterable[_Fraction]) -> _Fraction:
        parts = [t for t in terms if t.num]
        if not parts:
            return _Fraction(self.ring.zero, {})
        keys = {k for t in parts for k in t.powers}
        common = {k: max(t.powers.get(k, 0) for t in parts) for k in keys}
        total = self.ring.zero
        for t in parts:
            num = t.num
            for k, p in common.items():
                if p > t.powers.get(k, 0):
                    num = num * self.factors[k] ** (p - t.powers.get(k, 0))
            total += num
        return self._make(total, common)

    def _product(self, a: _Fraction, b: _Fraction) -> _Fraction:
        powers = dict(a.powers)
        for k, p in b.powers.items():
            powers[k] = powers.get(k, 0) + p
        return self._make(a.num * b.num, powers)

    def _inverse(self, a: _Fraction) -> _Fraction:
        if not a.num:
            raise UnsupportedError("division by an expression that is zero")
        constant, factors = a.num.factor_list()
        top, powers = self.ring.one, {k: -p for k, p in a.powers.items()}
        for factor, multiplicity in factors:
            place = self.ring.gens.index(factor) if factor in self.ring.gens else -1
            if self.closed and isinstance(self.blocks[place], Pow) and place in self.roots:
                q, base = self.roots[place]
                inverse = self._inverse(_Fraction(base**multiplicity, {}))
                top *= factor ** ((q - 1) * multiplicity) * inverse.num
                factors_of_base = inverse.powers
            else:
                if factor not in self.factors:
                    self.factors.append(factor)
                factors_of_base = {self.factors.index(factor): multiplicity}
            for k, p in factors_of_base.items():
                powers[k] = powers.get(k, 0) + p
        return self._make(top / constant, powers)

    def _power(self, a: _Fraction, n: int) -> _Fraction:
        if n < 0:
            return self._power(self._inverse(a), -n)
        return self._make(a.num**n, {k: p * n for k, p in a.powers.items()})

    # expressions in and out

    def element(self, expr: Any) -> _Fraction:
        """The expression as an element of the field."""
        if expr.is_Number:
            return _Fraction(self.ring.ground_new(QQ.from_sympy(Rational(expr))), {})
        if expr in self.index:
            return _Fraction(self._generator(expr), {})
        if isinstance(expr, sympy.Add):
            return self._sum(map(self.element, expr.args))
        if isinstance(expr, sympy.Mul):
            return reduce(self._product, map(self.element, expr.args))
        if isinstance(expr, sympy.exp):
            content, direction = _direction(expr.as_base_exp()[1])
            if direction not in self.units:
                terms = sympy.Add.make_args(sympy.expand(expr.as_base_exp()[1]))
                return reduce(self._product, (self.element(sympy.exp(t)) for t in terms))
            unit = self.units[direction]
            power = content / _direction(unit.as_base_exp()[1])[0]
            return self._power(_Fraction(self._generator(unit), {}), int(power))
        if isinstance(expr, sympy.tanh):
            square = self._power(self.element(expr.args[0].args[0]), 2)
            one = _Fraction(self.ring.one, {})
            below = self._inverse(self._sum([square, one]))
            return self._product(self._sum([square, _Fraction(-one.num, {})]), below)
        base, exponent = expr.as_base_exp()
        if base == expr:
            raise UnsupportedError(f"{expr} is none of the blocks of this field")
        if exponent.is_Integer:
            return self._power(self.element(base), int(exponent))
        root = _Fraction(self._generator(Pow(base, Rational(1, exponent.q))), {})
        return self._power(root, int(exponent.p))

    def _slope(self, block: Any) -> _Fraction:
        if block == self.x:
            return _Fraction(self.ring.one, {})
        if not block.has(self.x):
            return _Fraction(self.ring.zero, {})
        itself = _Fraction(self._generator(block), {})
        if isinstance(block, sympy.exp):
            return self._product(itself, self.d(self.element(block.args[0])))
        if isinstance(block, Pow):
            base, exponent = map(self.element, block.args)
            relative = self._product(self.d(base), self._inverse(base))
            terms = [self._product(exponent, relative)]
            if block.exp.has(self.x):
                terms.append(self._product(self.d(exponent), self.element(sympy.log(block.base))))
            return self._product(itself, self._sum(terms))
        return self._product(self.element(_outer(block)), self.d(self.element(block.args[0])))

    def d(self, a: _Fraction) -> _Fraction:
        """The derivative of an element."""
        terms = [self._poly_slope(a.num, a.powers)]
        for k, p in a.powers.items():
            drop = {**a.powers, k: p + 1}
            terms.append(self._poly_slope(self.factors[k], drop, -p * a.num))
        return self._sum(terms)

    def _poly_slope(
        self, num: PolyElement, powers: dict[int, int], times: PolyElement | int = 1
    ) -> _Fraction:
        terms = []
        for generator, slope in zip(self.ring.gens, self.slopes, strict=False):
            partial = num.diff(generator)
            if partial and slope.num:
                terms.append(_Fraction(partial * slope.num * times, slope.powers))
        total = self._sum(terms)
        return self._product(total, _Fraction(self.ring.one, powers))

    def parts(self, a: _Fraction) -> tuple[_Fraction, _Fraction]:
        """Numerator and denominator."""
        below = {k: -p for k, p in a.powers.items() if p > 0}
        above = {k: p for k, p in a.powers.items() if p < 0}
        return _Fraction(a.num, above), _Fraction(self.ring.one, below)

    def split(self, a: _Fraction) -> tuple[Any, Any, _Pairs, _Pairs]:
        """The element as content · polynomial · ∏ pⁿ over (p, n): blocks, then factors."""
        if not a.num:
            return S.Zero, S.One, [], []
        common = tuple(map(min, zip(*a.num, strict=True)))
        rest = self.ring.from_dict(
            {tuple(e - c for e, c in zip(m, common, strict=True)): v for m, v in a.num.items()}
        )
        content, rest = rest.primitive()
        if rest.LC < 0:
            content, rest = -content, -rest
        monomial = [(b, n) for b, n in zip(self.blocks, common, strict=False) if n]
        shown = [self.shown.get(k, f.as_expr(*self.blocks)) for k, f in enumerate(self.factors)]
        factors = [(shown[k], -p) for k, p in a.powers.items()]
        return QQ.to_sympy(content), rest.as_expr(*self.blocks), monomial, factors

    def expr(self, a: _Fraction) -> Expr:
        """The element as an expression: content, common monomial, rest, over the factors."""
        scale, whole, monomial, factors = self.split(a)
        powers = [p**n for p, n in factors]
        scale *= sympy.Mul(*(p for p in powers if p.is_number))
        if not scale.is_Rational:
            whole, scale = sympy.Add(*(t * scale for t in sympy.Add.make_args(whole))), S.One
        moving = [p for p in powers if not p.is_number]
        return sympy.Mul(scale, whole, *(b**n for b, n in monomial), *moving)

    def circles(self) -> list[PolyElement]:
        """s² + c² − 1 for the blocks s = sin u and c = cos u."""
        pairs = [(b, sympy.cos(b.args[0])) for b in self.blocks if isinstance(b, sympy.sin)]
        return [
            self._generator(s) ** 2 + self._generator(c) ** 2 - 1
            for s, c in pairs
            if c in self.index
        ]


@lru_cache(maxsize=512)
def _field(expr: Expr, x: Symbol) -> _Field:
    return _Field(expr, x)


@lru_cache(maxsize=2048)
def _derived(expr: Expr, x: Symbol, n: int) -> _Fraction:
    """The n-th derivative in the field of the expression, from the one before."""
    if n == 0:
        return _field(expr, x).element(expr)
    found = _field(expr, x).d(_derived(expr, x, n - 1))
    if len(found.num) > _MOST_TERMS:
        raise LimitError(
            f"derivative {n} of {expr} has more than {_MOST_TERMS} terms; take its values from "
            "jets (`rigor.program(...).jet`)"
        )
    return found


def _divided(num: PolyElement, factor: PolyElement) -> PolyElement | None:
    """num / factor where that is a polynomial, else None."""
    lead, c = factor.LM, factor.LC
    rest, quotient = num.copy(), num.ring.zero
    while rest:
        top = rest.LM
        if any(e < f for e, f in zip(top, lead, strict=True)):
            return None
        monomial = tuple(e - f for e, f in zip(top, lead, strict=True))
        term = (monomial, rest[top] / c)
        quotient[monomial] = term[1]
        rest = rest - factor.mul_term(term)
    return quotient


def _closure(expr: Expr, closed: bool) -> set[Any]:
    """The building blocks of an expression, and where `closed` those of their derivatives.

    Otherwise whatever is no sum, product, power, exponential or tanh is a block as it stands.
    """
    blocks: set[Any] = set()
    seen: set[Any] = set()
    todo: list[Any] = [expr]
    while todo:
        node = todo.pop()
        if node in seen or node.is_Rational or node.is_Float:
            continue
        seen.add(node)
        if isinstance(node, (sympy.Add, sympy.Mul)):
            todo += node.args
        elif isinstance(node, (Symbol, sympy.NumberSymbol)):
            blocks.add(node)
        elif isinstance(node, Pow):
            todo.append(node.base)
            if isinstance(node.exp, sympy.Integer):
                continue
            if isinstance(node.exp, Rational):
                blocks.add(Pow(node.base, Rational(1, node.exp.q)))
            else:
                blocks.add(node)
                todo += [node.exp, sympy.log(node.base)] if closed else []
        elif isinstance(node, sympy.exp):
            blocks.add(node)
            todo += node.args if closed else ()
        elif isinstance(node, sympy.tanh) and isinstance(node.args[0], sympy.log):
            todo.append(node.args[0].args[0])
        elif isinstance(node, sympy.tanh):
            blocks |= {node, sympy.sech(*node.args)}
            todo += [*node.args, sympy.sech(*node.args)] if closed else []
        elif not closed:
            blocks.add(node)
        elif isinstance(node, sympy.Function) and len(node.args) == 1:
            blocks.add(node)
            todo += [node.args[0], _outer(node)]
        else:
            raise UnsupportedError(f"{node} generates no field that is used here")
        if len(blocks) > _MOST_BLOCKS:
            raise UnsupportedError(f"the derivatives of {expr} lead to ever new functions")
    return blocks


def _outer(f: Any) -> Expr:
    """f'(u) for the block f(u); of tanh as a square, which does not cancel where tanh is flat."""
    if isinstance(f, sympy.tanh):
        return sympy.sech(*f.args) ** 2
    return f.fdiff(1)


def _direction(argument: Any) -> tuple[Rational, Expr]:
    """c·w as (c, w), with w the same for all rational multiples."""
    content, direction = argument.primitive()
    if direction.could_extract_minus_sign():
        content, direction = -content, -direction
    more, direction = direction.as_coeff_Mul()
    return content * more, direction


def _exponentials_joined(blocks: set[Any], closed: bool) -> tuple[list[Any], dict[Expr, Any]]:
    """The blocks in order of size; one exponential for all multiples of an argument.

    Arguments that are not multiples of one are taken term by term.
    """
    arguments = [b.as_base_exp()[1] for b in blocks if isinstance(b, sympy.exp)]
    if len({_direction(a)[1] for a in arguments}) > 1:
        arguments = [t for a in arguments for t in sympy.Add.make_args(sympy.expand(a))]
    contents: dict[Expr, list[Rational]] = {}
    for c, w in map(_direction, arguments):
        contents.setdefault(w, []).append(c)
    units = {}
    for w, cs in contents.items():
        step = reduce(sympy.gcd, map(abs, cs))
        units[w] = sympy.exp((-step if closed and max(cs) < 0 else step) * w)
    others = [b for b in blocks if not isinstance(b, sympy.exp)]
    ordered = sorted([*others, *units.values()], key=lambda b: (b.count_ops(), b.sort_key()))
    return ordered, units
