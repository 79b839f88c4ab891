"""Real zeros: isolated with proof of existence, uniqueness and multiplicity, and refined at will.

A simple zero is a sign change on a box where h' has no zero. A zero of multiplicity k is settled at
an exact point c only: h(c) = ... = h^(k-1)(c) = 0 by exact algebra (or by a ball of radius zero),
and h^(k) has no zero on a box around c; Taylor's theorem then gives the sign of h on both sides.
What neither argument settles is reported as open. Interval Newton: Moore, Kearfott, Cloud 2009,
chapter 8.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

import sympy
from flint import arb
from sympy import Expr, S, Symbol

from symgrad.errors import DomainError, LimitError, UndecidedError
from symgrad.rigor.balls import interval, precision, sign_of
from symgrad.rigor.constants import Digits, constant, exact, sign
from symgrad.rigor.program import Program, program
from symgrad.rigor.search import Budget, Leaf, Meter, Search, point_sign, shown

__all__ = ["Isolation", "RealRoot", "Root", "isolate", "isolation", "newton", "touch", "vanishes"]

_BITS = 128
_ORDERS = 8
_MAX_GUARD = 1 << 14


class RealRoot(Digits):
    """The number c in [lo, hi] with h(c) = 0, where h has exactly one zero there, a simple one.

    `RealRoot(h, x, lo, hi)` is an exact constant: it compares and enters expressions.

    >>> from sympy import Symbol, cos
    >>> x = Symbol("x", real=True)
    >>> (root,) = isolate(cos(x) - x, x, 0, 1)
    >>> root.at.n(30)
    0.739085133215160641655312087674
    """

    __slots__ = ()

    def _arb_(self, bits: int) -> arb:
        expr, x, lo, hi = self.parts
        return newton(program(expr, x), constant(lo, 2 * _BITS), constant(hi, 2 * _BITS), bits)


@dataclass(frozen=True, slots=True)
class Root:
    """A zero of the given multiplicity, the only one in [lo, hi]; `at` is the number."""

    lo: arb
    hi: arb
    at: Expr
    multiplicity: int
    signs: tuple[int, int]
    """The signs of the function left and right of the zero, within [lo, hi]."""


@dataclass(frozen=True, slots=True)
class Isolation:
    """The zeros on an interval in order, and what proves that there are no others.

    The boxes of the `leaves` and those of the touching points among them cover the interval, from
    left to right, but for the `open` ones; where the budget ended the search it is `unfinished`.
    """

    roots: tuple[Root, ...]
    leaves: tuple[Leaf | Root, ...]
    open: tuple[tuple[arb, arb], ...]
    why: str
    unfinished: bool


def newton(f: Program, lo: arb, hi: arb, bits: int) -> arb:
    """The one zero of f in [lo, hi] to about `bits` relative bits; f' ≠ 0 and f changes sign there.

    N(X) = m − f(m)/f'(X) contains every zero that X contains; bisection helps where it stalls.
    """
    with precision(bits + _BITS):
        box = interval(lo, hi)
    side = point_sign(f, lo) or -(point_sign(f, hi) or 0)
    guard = _BITS
    while guard <= _MAX_GUARD:
        known = box.rel_accuracy_bits()
        if known >= bits or (0 in box and box.rad() < arb(2) ** (-4 * bits)):
            return box
        work = min(bits, 2 * max(known, 0)) + guard
        middle = box.mid()
        value, slope = f.ball(middle, prec=work), f.jet(box, 2, work)[1]
        with precision(work):
            closer, here = _meet(box, middle - value / slope), sign_of(value)
            if closer.rad() * 2 <= box.rad():
                box = closer
            elif here:
                box = interval(middle, box.upper() if here == side else box.lower())
            else:
                guard *= 2
    raise LimitError(f"the zero of {f.expr} in [{lo}, {hi}] is not enclosed to {bits} bits")


def _meet(a: arb, b: arb) -> arb:
    """A ball that contains the points that two overlapping balls share."""
    return interval(a.lower().max(b.lower()), a.upper().min(b.upper()))


@lru_cache(maxsize=4096)
def vanishes(expr: Expr, x: Symbol, at: Expr, order: int = 0) -> bool:
    """Whether the derivative of that order is exactly zero at the exact point: proved, or False."""
    point = constant(at, _BITS)
    jet = program(expr, x).jet(point, order + 1, _BITS)
    if point.is_exact() and jet[order].is_zero():
        return True
    if not jet[order].is_finite() or not jet[order].contains(0):
        return False
    try:
        return sign(expr.diff(x, order).subs(x, at)) == 0
    except (UndecidedError, DomainError):
        return False


def touch(expr: Expr, x: Symbol, at: Expr) -> Root | None:
    """The zero at the exact point, with its multiplicity and a box without any other; else None."""
    f = program(expr, x)
    point = constant(at, _BITS)
    jet = f.jet(point, _ORDERS, _BITS)
    order = next((k for k in range(_ORDERS) if not jet[k].contains(0)), 0)
    if order == 0 or not all(vanishes(expr, x, at, k) for k in range(order)):
        return None
    for level in range(0, 60, 2):
        with precision(_BITS):
            radius = arb(2) ** -level
            lo, hi = (point - radius).lower(), (point + radius).upper()
        leading = sign_of(f.jet(interval(lo, hi), order + 1, _BITS)[order])
        if leading:
            return Root(lo, hi, at, order, (leading * (-1) ** order, leading))
    return None


def isolation(
    expr: Expr,
    x: Symbol,
    lo: Expr | int,
    hi: Expr | int,
    *,
    exact_points: Iterable[Expr] = (),
    meter: Meter | None = None,
) -> Isolation:
    """The zeros of a smooth expression on [lo, hi], as far as they can be proved.

    `exact_points` are points where a zero of higher multiplicity may sit; 0 and the ends are tried
    anyway. Raises `DomainError` where the function has a pole or is not real.
    """
    meter = meter or Meter()
    first, last = sympy.sympify(lo), sympy.sympify(hi)
    with precision(_BITS):
        left, right = constant(first, _BITS).lower(), constant(last, _BITS).upper()
    touching = _touching(expr, x, left, right, [S.Zero, first, last, *exact_points])
    stops = [left, *(end for r in touching for end in (r.lo, r.hi)), right]
    gaps = tuple((a, b) for a, b in zip(stops[::2], stops[1::2], strict=True) if a < b)
    search = meter.memory.setdefault((expr, gaps), Search(expr, x, *gaps))
    why = search.run(meter)
    kept = [leaf for leaf in search.leaves if leaf.kind != "open"]
    doubtful = [(leaf.lo, leaf.hi) for leaf in search.leaves if leaf.kind == "open"]
    roots = [*touching, *(_crossing(expr, x, leaf) for leaf in kept if leaf.kind == "crossing")]
    if doubtful and not why:
        why = "zeros that are very close, or of higher multiplicity at no exactly known point"
    return Isolation(
        tuple(sorted((r for r in roots if _within(r, first, last)), key=_place)),
        tuple(sorted([*touching, *kept], key=_place)),
        tuple(_joined([*doubtful, *((a, b) for a, b, _ in search.open)])),
        why,
        bool(search.open),
    )


def _place(box: Leaf | Root) -> arb:
    return box.lo


def _touching(expr: Expr, x: Symbol, lo: arb, hi: arb, points: Iterable[Expr]) -> list[Root]:
    """The exact zeros among the points, from left to right, no one in the box of another."""
    found: list[Root] = []
    for point in dict.fromkeys(points):
        ball = constant(point, _BITS)
        if not ball.is_finite() or ball < lo or ball > hi:
            continue
        root = touch(expr, x, point)
        if root is not None and not any(r.lo <= ball <= r.hi for r in found):
            found.append(root)
    return sorted(found, key=_place)


def _crossing(expr: Expr, x: Symbol, leaf: Leaf) -> Root:
    side = leaf.sign or 0
    at = RealRoot(expr, x, exact(leaf.lo), exact(leaf.hi))
    return Root(leaf.lo, leaf.hi, at, 1, (side, -side))


def _joined(boxes: Iterable[tuple[arb, arb]]) -> list[tuple[arb, arb]]:
    """The boxes with neighbours put together."""
    whole: list[tuple[arb, arb]] = []
    for lo, hi in sorted(boxes, key=lambda box: box[0]):
        if whole and lo <= whole[-1][1]:
            whole[-1] = (whole[-1][0], hi)
        else:
            whole.append((lo, hi))
    return whole


def _within(root: Root, lo: Expr, hi: Expr) -> bool:
    """Whether the zero lies in the closed interval with these exact ends."""
    for end, side in ((lo, 1), (hi, -1)):
        with precision(_BITS):
            gap = side * (constant(root.at, _BITS) - constant(end, _BITS))
        if gap < 0:
            return False
        if not gap >= 0 and root.at != end and sign(side * (root.at - end)) < 0:
            return False
    return True


def isolate(
    expr: Expr,
    x: Symbol,
    lo: Expr | int,
    hi: Expr | int,
    *,
    exact_points: Iterable[Expr] = (),
    budget: Budget | None = None,
) -> tuple[Root, ...]:
    """Every zero of a smooth expression on [lo, hi], each with its proof; the tuple is complete.

    Raises `UndecidedError` where a part stays open, and names it; `DomainError` at a pole.

    >>> from sympy import Symbol, sin
    >>> x = Symbol("x", real=True)
    >>> [(r.at, r.multiplicity) for r in isolate(x**2 * sin(x) / 4, x, -2, 4)]
    [(0, 3), (3.14159265359…, 1)]
    """
    found = isolation(expr, x, lo, hi, exact_points=exact_points, meter=Meter(budget))
    if found.open:
        boxes = ", ".join(shown(*box) for box in found.open[:4])
        raise UndecidedError(f"the zeros of {expr} in {boxes} are not decided: {found.why}")
    return found.roots
