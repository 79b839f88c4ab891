"""A function on an interval as smooth pieces, and what happens where they meet."""

from __future__ import annotations

from dataclasses import dataclass

from sympy import Expr, FiniteSet, Interval, Reals, S, Set, Symbol

from symgrad.activation import Univariate
from symgrad.bounds.ends import end_of
from symgrad.bounds.numbers import compare, value_at
from symgrad.errors import InputError
from symgrad.pieces import branches
from symgrad.rigor import constant, program

__all__ = ["Break", "Piece", "breaks", "contains", "limit_at", "open_pieces", "pieces_on"]


@dataclass(frozen=True, slots=True)
class Piece:
    """The smooth expression that f is on a set: an interval, or one point."""

    expr: Expr
    on: Set

    @property
    def lo(self) -> Expr:
        return self.on.inf

    @property
    def hi(self) -> Expr:
        return self.on.sup

    @property
    def is_point(self) -> bool:
        return isinstance(self.on, FiniteSet)


@dataclass(frozen=True, slots=True)
class Break:
    """A finite end of a piece: the limits there with their expressions, and the value, if any."""

    at: Expr
    limits: tuple[tuple[Expr, Expr], ...]
    value: Expr | None


def contains(on: Set, at: Expr) -> bool:
    """Whether the point is proved to lie in the set."""
    return on.contains(at) is S.true


def pieces_on(f: Univariate, on: Set) -> list[Piece]:
    """f on an interval as smooth pieces from left to right.

    Raises `InputError` for a second free symbol, and for a set that is no interval.
    """
    others = sorted(map(str, f.elementary.free_symbols - {f.x}))
    if others:
        raise InputError(
            f"{f.name} has the free symbols {', '.join(others)} beside {f.x}; "
            "give them values: .subs(...) or g.bind(...)"
        )
    if not isinstance(on, Interval) and on is not Reals:
        raise InputError(f"bounds are asked on an interval or on Reals, got {on}")
    whole = Interval(S.NegativeInfinity, S.Infinity) if on is Reals else on
    parts = (Piece(e, d.intersect(whole)) for d, e in branches(f.elementary, f.x))
    return [p for p in parts if p.on is not S.EmptySet]


def open_pieces(f: Univariate, on: Set) -> list[Piece]:
    """The pieces that are intervals, without the single points."""
    return [p for p in pieces_on(f, on) if not p.is_point]


def limit_at(expr: Expr, x: Symbol, end: Expr, side: int) -> Expr:
    """The limit toward an end of an interval from inside; `side` is +1 for the upper end."""
    if end.is_finite and program(expr, x).ball(constant(end, 128), prec=128).is_finite():
        return value_at(expr, x, end)
    return end_of(expr, x, end, side).limit


def breaks(f: Univariate, on: Set, pieces: list[Piece]) -> list[Break]:
    """The finite ends of the pieces, each once, from left to right.

    A function has its own value there. A derivative g⁽ⁿ⁾ has one where the limits from both sides
    agree (then g⁽ⁿ⁻¹⁾ is differentiable, by the mean value theorem); else the point is a kink.
    """
    sides: dict[Expr, list[tuple[Expr, Expr]]] = {}
    for piece in pieces:
        if piece.is_point:
            sides.setdefault(piece.lo, [])
            continue
        for end, side in ((piece.lo, -1), (piece.hi, 1)):
            if end.is_finite:
                sides.setdefault(end, []).append((limit_at(piece.expr, f.x, end, side), piece.expr))
    found = []
    for at, limits in sides.items():
        value = None
        if contains(on, at):
            agree = bool(limits) and all(compare(a, limits[0][0]) == 0 for a, _ in limits[1:])
            value = _value(f, at) if f.order == 0 else limits[0][0] if agree else None
        found.append(Break(at, tuple(limits), value))
    return found


def _value(f: Univariate, at: Expr) -> Expr | None:
    for domain, expr in branches(f.elementary, f.x):
        if contains(domain, at) and constant(expr.subs(f.x, at)).is_finite():
            return value_at(expr, f.x, at)
    return None
