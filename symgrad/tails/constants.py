"""Exact real constants: rationals, and sums of rational multiples of products of atoms.

An atom is anything that is not taken apart: a prime under a root, π, e^w, a parameter, tanh(1), a
wave
sin(x). Products add exponents, so a constant such as (tanh²1 − 1)·√2 multiplies like a polynomial,
a hundred times faster than the SymPy tree that it prints as.
"""

from __future__ import annotations

from functools import lru_cache, reduce
from typing import Any

import sympy
from flint import fmpq
from sympy import Expr
from sympy.simplify.fu import TR8

__all__ = ["ONE", "WAVES", "ZERO", "Composite", "Number", "add", "expr", "mul", "number", "power"]

ZERO = fmpq(0)
ONE = fmpq(1)
WAVES = (sympy.sin, sympy.cos)

_MOST_FACTORED = 10**9

Key = tuple[tuple[int, fmpq], ...]
"""A product of atoms: (number of the atom, exponent), sorted."""

_ATOMS: list[Expr] = []
_NUMBER_OF: dict[Expr, int] = {}
_PRODUCTS: dict[tuple[int, int], Number] = {}
_KEYS: list[Key] = []
_PLACE_OF: dict[tuple[tuple[int, int, int], ...], int] = {}


class Composite:
    """Σ coefficient · product of atoms; never a plain rational, never zero as written."""

    __slots__ = ("_expr", "_hash", "terms")

    def __init__(self, terms: dict[int, fmpq]) -> None:
        self.terms = terms
        self._expr: Expr | None = None
        self._hash: int | None = None

    @property
    def expr(self) -> Expr:
        """The constant as a SymPy expression."""
        if self._expr is None:
            self._expr = sympy.Add(*(_rational(c) * _product_of(k) for k, c in self.terms.items()))
        return self._expr

    def __hash__(self) -> int:
        if self._hash is None:
            self._hash = hash(frozenset((k, int(c.p), int(c.q)) for k, c in self.terms.items()))
        return self._hash

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, Composite) and self.terms == other.terms)

    def __repr__(self) -> str:
        return str(self.expr)


Number = fmpq | Composite


def _rational(c: fmpq) -> Any:
    return sympy.Rational(int(c.p), int(c.q))


def _place(key: Key) -> int:
    """The number of a product of atoms; equal products have equal numbers."""
    plain = tuple((a, int(e.p), int(e.q)) for a, e in key)
    found = _PLACE_OF.get(plain)
    if found is None:
        found = _PLACE_OF[plain] = len(_KEYS)
        _KEYS.append(key)
    return found


_UNIT = _place(())


def factors_of(place: int) -> list[tuple[Expr, fmpq]]:
    """The atoms of a product with their exponents."""
    return [(_ATOMS[a], e) for a, e in _KEYS[place]]


@lru_cache(maxsize=4096)
def _product_of(place: int) -> Expr:
    return sympy.Mul(*(atom ** _rational(e) for atom, e in factors_of(place)))


def _made(terms: dict[int, fmpq]) -> Number:
    terms = {k: c for k, c in terms.items() if c != 0}
    if not terms:
        return ZERO
    if len(terms) == 1 and _UNIT in terms:
        return terms[_UNIT]
    return Composite(terms)


def _terms(c: Number) -> dict[int, fmpq]:
    return {_UNIT: c} if isinstance(c, fmpq) else c.terms


def expr(c: Number) -> Expr:
    """The constant as a SymPy expression."""
    return _rational(c) if isinstance(c, fmpq) else c.expr


def add(a: Number, b: Number) -> Number:
    """a + b"""
    if isinstance(a, fmpq) and isinstance(b, fmpq):
        return a + b
    total = dict(_terms(a))
    for k, c in _terms(b).items():
        total[k] = total[k] + c if k in total else c
    return _made(total)


def mul(a: Number, b: Number) -> Number:
    """a·b, products of sums distributed."""
    if isinstance(a, fmpq) and isinstance(b, fmpq):
        return a * b
    if isinstance(a, fmpq):
        a, b = b, a
    if isinstance(b, fmpq):
        return _made({k: c * b for k, c in _terms(a).items()})
    total: dict[int, fmpq] = {}
    for k, c in a.terms.items():  # type: ignore[union-attr]
        for n, d in b.terms.items():
            pair = (k, n) if k <= n else (n, k)
            found = _PRODUCTS.get(pair)
            if found is None:
                found = _PRODUCTS[pair] = _times(*pair)
            for place, e in _terms(found).items():
                value = c * d * e
                total[place] = total[place] + value if place in total else value
    return _made(total)


def _times(first: int, second: int) -> Number:
    """The product of two products of atoms, in normal form."""
    exponents = dict(_KEYS[first])
    for a, e in _KEYS[second]:
        exponents[a] = exponents[a] + e if a in exponents else e
    return _normal(exponents)


def _normal(exponents: dict[int, fmpq]) -> Number:
    factor, again, kept, waves = ONE, [], [], 0
    for a, e in sorted(exponents.items()):
        atom = _ATOMS[a]
        if e == 0:
            continue
        if atom.is_Integer:
            whole = int(e.p // e.q)
            factor *= fmpq(int(atom)) ** whole  # type: ignore[arg-type]
            e -= whole
        elif atom.is_Add and e.q == 1 and e > 0:
            again.append(power(number(atom), e))
            continue
        elif isinstance(atom, WAVES):
            waves += int(e)
        if e != 0:
            kept.append((a, e))
    result: Number = _made({_place(tuple(kept)): factor})
    if waves > 1:
        result = _sum_of(TR8(expr(result)))
    for other in again:
        result = mul(result, other)
    return result


def number(e: Expr | int) -> Number:
    """The normal form of an exact constant."""
    if isinstance(e, int):
        return fmpq(e)
    if e.is_Float:
        e = sympy.Rational(e)
    if e.is_Rational:
        return fmpq(int(e.p), int(e.q))  # type: ignore[attr-defined]
    return _sum_of(e)


@lru_cache(maxsize=8192)
def _sum_of(e: Expr) -> Number:
    total: Number = ZERO
    for term in sympy.Add.make_args(e):
        product: Number = ONE
        for factor in sympy.Mul.make_args(term):
            product = mul(product, _factor(factor))
        total = add(total, product)
    return total


def _factor(e: Any) -> Number:
    if e.is_Rational or e.is_Float:
        return number(e)
    if e.is_Add:
        return _sum_of(e)
    if isinstance(e, sympy.exp):
        result: Number = ONE
        exponent: Any = e.exp
        for part in sympy.Add.make_args(exponent.expand()):
            size, rest = part.as_coeff_Mul()
            result = mul(result, _atom(sympy.exp(rest), number(size)))
        return result
    base, exponent = e.as_base_exp()
    size, rest = exponent.as_coeff_Mul()
    if not size.is_Rational or base is sympy.E:
        return _atom(e, ONE)
    if rest != 1:
        return _atom(base**rest, number(size))
    if base.is_Add and size.is_Integer and size > 0:
        return power(_sum_of(base), number(size))
    if base.is_Rational and base.is_positive:
        return _root(base, number(size))
    return _atom(base, number(size))


def _root(base: Any, e: Number) -> Number:
    """A rational power of a positive rational, over primes."""
    result: Number = ONE
    for part, sign in ((base.p, 1), (base.q, -1)):
        if part > _MOST_FACTORED:
            result = mul(result, _atom(sympy.Integer(part), mul(e, fmpq(sign))))
        elif part > 1:
            for prime, times in sympy.factorint(part).items():
                result = mul(result, _atom(sympy.Integer(prime), mul(e, fmpq(sign * times))))
    return result


def _atom(base: Expr, e: Number) -> Number:
    place = _NUMBER_OF.get(base)
    if place is None:
        place = _NUMBER_OF[base] = len(_ATOMS)
        _ATOMS.append(base)
    if not isinstance(e, fmpq):
        raise TypeError(f"an exponent is rational, got {e}")
    return _normal({place: e})


def power(c: Number, p: Number) -> Number:
    """c**p for c > 0, or for an integer p."""
    if not isinstance(p, fmpq) or p.q != 1:
        return number(expr(c) ** expr(p))
    n = int(p.p)
    if isinstance(c, fmpq):
        return c**n
    if len(c.terms) == 1:
        ((place, size),) = c.terms.items()
        return mul(size**n, _normal({a: e * p for a, e in _KEYS[place]}))
    return reduce(mul, [c] * n) if n > 0 else _atom(c.expr, p)
