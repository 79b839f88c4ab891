"""Real zeros: isolated with proof of existence, uniqueness and multiplicity, and refined at will.

A simple zero is a sign change on a box where h' has no zero. A zero of multiplicity k is settled at
an exact point c only: h(c) = ... = h^(k-1)(c) = 0 by exact algebra (or by a ball of radius zero),
and h^(k) has no zero on a box around c; Taylor's theorem then gives the sign of h on both sides.
What neither argument settles is reported as open. Interval Newton: Moore, Kearfott, Cloud 2009,
chapter 8.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import sympy
from flint import arb
from sympy import Expr, Rational, S, Symbol

from symgrad.errors import DomainError, LimitError, UndecidedError
from symgrad.rigor.balls import contains_zero, interval, precision, sign_of
from symgrad.rigor.constants import constant, exact, sign
from symgrad.rigor.program import Program, program
from symgrad.rigor.search import Budget, Leaf, Meter, Search, point_sign

__all__ = ["Isolation", "RealRoot", "Root", "isolate", "isolation", "newton", "touch", "vanishes"]

_ORDERS = 8


class RealRoot(sympy.AtomicExpr):
    """The number c in [lo, hi] with h(c) = 0, where h has exactly one zero there, a simple one.

    It is an exact constant: it compares, enters expressions and gives any number of digits.

    >>> from sympy import Symbol, cos
    >>> x = Symbol("x", real=True)
    >>> (root,) = isolate(cos(x) - x, x, 0, 1)
    >>> root.at.n(30)
    0.739085133215160641655312087674
    """

    __slots__ = ("expr", "hi", "lo", "x")
    is_real = True
    is_number = True
    is_irrational = None
    is_commutative = True
    expr: Expr
    x: Symbol
    lo: Rational
    hi: Rational

    def __new__(cls, expr: Expr, x: Symbol, lo: Rational, hi: Rational) -> RealRoot:
        self = super().__new__(cls)
        self.expr, self.x, self.lo, self.hi = expr, x, lo, hi
        return self

    def _hashable_content(self) -> tuple[Any, ...]:
        return (self.expr, self.x, self.lo, self.hi)

    def __getnewargs__(self) -> tuple[Any, ...]:
        return (self.expr, self.x, self.lo, self.hi)

    def __getstate__(self) -> None:
        return None

    @property
    def free_symbols(self) -> set[Any]:
        return set()

    def _eval_is_positive(self) -> bool | None:
        return True if self.lo > 0 else None if self.hi > 0 else False

    def _eval_is_negative(self) -> bool | None:
        return True if self.hi < 0 else None if self.lo < 0 else False

    def _arb_(self, bits: int) -> arb:
        return newton(program(self.expr, self.x), _ball(self.lo), _ball(self.hi), bits)

    def _eval_evalf(self, prec: int) -> Expr:
        ball = self._arb_(prec + 8)
        return sympy.Float(exact(ball.mid()), precision=prec)

    def sort_key(self, order: str | None = None) -> Any:
        return self.class_key(), (1, (str(self.lo), str(self.hi))), S.One.sort_key(), S.One

    def _sympystr(self, printer: Any) -> str:
        return self._arb_(64).str(12, radius=False) + "…"

    def _latex(self, printer: Any) -> str:
        return self._arb_(64).str(12, radius=False) + r"\ldots"


@dataclass(frozen=True, slots=True)
class Root:
    """A zero of `expr` of the given multiplicity, the only one in [lo, hi]; `at` is the number."""

    expr: Expr
    x: Symbol
    lo: arb
    hi: arb
    at: Expr
    multiplicity: int
    signs: tuple[int, int]
    """The signs of the function left and right of the zero, within [lo, hi]."""

    @property
    def simple(self) -> bool:
        """Whether h'(c) ≠ 0 is proved."""
        return self.multiplicity == 1

    def enclosure(self, bits: int = 64) -> arb:
        """A ball that contains the zero, with about `bits` relative bits."""
        return constant(self.at, bits + 8)


@dataclass(frozen=True)
class Isolation:
    """The zeros of a function on an interval in order, the leaves that prove it, what is open."""

    roots: tuple[Root, ...]
    leaves: tuple[Leaf, ...]
    open: tuple[tuple[arb, arb], ...]
    why: str
    touching: tuple[Root, ...] = ()
    search: tuple[Search, ...] = field(default=(), repr=False, compare=False)

    @property
    def unfinished(self) -> bool:
        """Whether the budget ended the search, so that it can go on."""
        return any(s.open for s in self.search)


def _ball(q: Expr | arb, side: int = 0) -> arb:
    """A constant as a ball, or its lower (-1) or upper (1) end."""
    with precision(96):
        b = constant(q, 96) if isinstance(q, Expr) else q
        return b if side == 0 else b.lower() if side < 0 else b.upper()


def newton(f: Program, lo: arb, hi: arb, bits: int) -> arb:
    """The one zero of f in [lo, hi] to about `bits` relative bits; f' ≠ 0 and f changes sign there.

    N(X) = m − f(m)/f'(X) contains every zero that X contains; bisection helps where it stalls.
    """
    with precision(bits + 64):
        work = max(64, interval(lo, hi).rel_accuracy_bits() + 64)
    with precision(work):
        box = interval(lo, hi)
        low, high = interval(lo, lo).lower(), interval(hi, hi).upper()
    side = point_sign(f, low) or -(point_sign(f, high) or 0)
    for _ in range(8 * bits + 400):
        with precision(work):
            if box.rel_accuracy_bits() >= bits or (0 in box and box.rad() < arb(2) ** (-4 * bits)):
                return box
            middle = box.mid()
        value = f.ball(middle, prec=work)
        slope = f.jet(box, 2, work)[1]
        with precision(work):
            before = box.rad()
            if not contains_zero(slope):
                step = middle - value / slope
                if step.overlaps(box):
                    box = _meet(box, step)
            if bool(box.rad() * 2 <= before):
                work = max(work, min(bits + 64, 2 * box.rel_accuracy_bits() + 64))
                continue
        here = sign_of(value)
        if here is None:
            if work > 8 * bits + 4096:
                break
            work *= 2
        elif here == 0:
            return middle
        else:
            with precision(work):
                upper, lower = box.upper(), box.lower()
                box = interval(middle, upper) if here == side else interval(lower, middle)
    raise LimitError(f"the zero of {f.expr} in [{lo}, {hi}] is not enclosed to {bits} bits")


def _meet(a: arb, b: arb) -> arb:
    """A ball that contains the points that two overlapping balls share."""
    return interval(a.lower().max(b.lower()), a.upper().min(b.upper()))


@lru_cache(maxsize=4096)
def vanishes(expr: Expr, x: Symbol, at: Expr, order: int = 0) -> bool:
    """Whether the derivative of that order is exactly zero at the exact point: proved, or False."""
    point = constant(at, 128)
    jet = program(expr, x).jet(point, order + 1, 128)
    if point.is_exact() and jet[order].is_zero():
        return True
    if not contains_zero(jet[order]):
        return False
    value = expr.diff(x, order).subs(x, at)
    if value.has(S.NaN, S.ComplexInfinity):
        return False
    try:
        return sign(value) == 0
    except (UndecidedError, DomainError):
        return False


def touch(expr: Expr, x: Symbol, at: Expr) -> Root | None:
    """The zero at the exact point, with its multiplicity and a box without any other; else None."""
    f = program(expr, x)
    with precision(128):
        point = constant(at, 128)
        low, high = point.lower(), point.upper()
    jet = f.jet(point, _ORDERS, 128)
    for k in range(_ORDERS):
        if not jet[k].is_finite():
            return None
        if not jet[k].contains(0):
            break
        if not vanishes(expr, x, at, k):
            return None
    else:
        return None
    if k == 0:
        return None
    for level in range(0, 60, 2):
        with precision(96):
            radius = arb(2) ** -level
            lo, hi = (low - radius).lower(), (high + radius).upper()
            box = interval(lo, hi)
        leading = sign_of(f.jet(box, k + 1, 96)[k])
        if leading:
            return Root(expr, x, lo, hi, at, k, (leading * (-1) ** k, leading))
    return None


def isolation(
    expr: Expr,
    x: Symbol,
    lo: Expr | arb | int,
    hi: Expr | arb | int,
    *,
    exact_points: Iterable[Expr] = (),
    meter: Meter | None = None,
) -> Isolation:
    """The zeros of a smooth expression on [lo, hi], as far as they can be proved.

    `exact_points` are points where a zero of higher multiplicity may sit; 0 and the ends are tried
    anyway. Raises `DomainError` where the function has a pole or is not real.
    """
    meter = meter or Meter()
    ends = [sympy.Integer(e) if isinstance(e, int) else e for e in (lo, hi)]
    left, right = _ball(ends[0], -1), _ball(ends[1], 1)
    holes = _holes(expr, x, left, right, [S.Zero, *_constants(ends), *exact_points])
    roots: list[Root] = list(holes)
    leaves: list[Leaf] = [Leaf(r.lo, r.hi, "touch", None, 96) for r in holes]
    searches, why = [], ""
    open_boxes: list[tuple[arb, arb]] = []
    start = left
    for stop, after in [*((r.lo, r.hi) for r in holes), (right, right)]:
        if bool(start < stop):
            key = (expr, start, stop)
            search = meter.memory.get(key)
            if search is None:
                search = meter.memory[key] = Search(expr, x, start, stop)
            searches.append(search)
            why = search.run(meter) or why
            open_boxes += [(a, b) for a, b, _ in search.open]
            found, kept, undecided = _read(expr, x, search.leaves)
            roots += found
            leaves += kept
            open_boxes += undecided
        start = start.max(after)
    inside = [r for r in roots if _within(r, ends[0], ends[1])]
    inside.sort(key=lambda r: r.lo.mid())
    leaves.sort(key=lambda leaf: leaf.lo.mid())
    if open_boxes and not why:
        why = "zeros that are very close, or of higher multiplicity at no exactly known point"
    return Isolation(
        tuple(inside),
        tuple(leaves),
        tuple(_joined(open_boxes)),
        why,
        tuple(holes),
        tuple(searches),
    )


def _constants(ends: Iterable[Any]) -> list[Expr]:
    return [e for e in ends if isinstance(e, Expr)]


def _holes(expr: Expr, x: Symbol, lo: arb, hi: arb, points: Iterable[Expr]) -> list[Root]:
    """The exact zeros among the points, from left to right, with boxes that do not meet."""
    found: list[Root] = []
    for point in dict.fromkeys(points):
        ball = constant(point, 96)
        if not ball.is_finite() or bool(ball < lo) or bool(ball > hi):
            continue
        root = touch(expr, x, point)
        if root is not None and not any(bool(r.lo <= ball) and bool(ball <= r.hi) for r in found):
            found.append(root)
    found.sort(key=lambda r: r.lo.mid())
    return found


def _read(
    expr: Expr, x: Symbol, leaves: Iterable[Leaf]
) -> tuple[list[Root], list[Leaf], list[tuple[arb, arb]]]:
    """The zeros that the leaves of a search show, the leaves that prove, and the open boxes."""
    roots: list[Root] = []
    kept: list[Leaf] = []
    doubtful: list[tuple[arb, arb]] = []
    for leaf in sorted(leaves, key=lambda leaf: leaf.lo.mid()):
        if leaf.kind == "open":
            doubtful.append((leaf.lo, leaf.hi))
            continue
        kept.append(leaf)
        if leaf.kind == "crossing":
            roots.append(_crossing(expr, x, leaf))
    undecided = []
    for lo, hi in _joined(doubtful):
        if not program(expr, x).ball(interval(lo, hi), prec=256).is_finite():
            raise DomainError(
                f"{expr} has a pole, or is not real, in {_shown((lo, hi))}; "
                "name an interval without that point"
            )
        settled = _settle(expr, x, lo, hi)
        if settled is None:
            undecided.append((lo, hi))
        else:
            roots += settled[0]
            kept += settled[1]
    return roots, kept, undecided


def _crossing(expr: Expr, x: Symbol, leaf: Leaf) -> Root:
    side = leaf.sign or 0
    at = RealRoot(expr, x, exact(leaf.lo), exact(leaf.hi))
    return Root(expr, x, leaf.lo, leaf.hi, at, 1, (side, -side))


def _settle(expr: Expr, x: Symbol, lo: arb, hi: arb) -> tuple[list[Root], list[Leaf]] | None:
    """A cluster where h'' has a sign: by the sign of h at the one zero of h', at high precision."""
    f = program(expr, x)
    with precision(256):
        box = interval(lo, hi)
    bend = sign_of(f.jet(box, 3, 256)[2])
    slope = expr.diff(x)
    g = program(slope, x)
    ends = point_sign(f, lo), point_sign(f, hi)
    if (
        not bend
        or not ends[0]
        or not ends[1]
        or point_sign(g, lo) != -bend
        or point_sign(g, hi) != bend
    ):
        return None
    middle = newton(g, lo, hi, 400)
    value = sign_of(f.ball(middle, prec=512))
    if not value:
        return None
    if value == bend:
        return [], [Leaf(lo, hi, "bend", value, 512)]
    with precision(512):
        cut = middle.mid()
    halves = [
        Leaf(a, b, "crossing" if first != last else "monotone", first, 512)
        for a, b, first, last in ((lo, cut, ends[0], value), (cut, hi, value, ends[1]))
    ]
    return [_crossing(expr, x, leaf) for leaf in halves if leaf.kind == "crossing"], halves


def _shown(box: tuple[arb, arb]) -> str:
    return "[" + ", ".join(end.str(10, radius=False) for end in box) + "]"


def _joined(boxes: Iterable[tuple[arb, arb]]) -> list[tuple[arb, arb]]:
    """The boxes with neighbours put together."""
    whole: list[tuple[arb, arb]] = []
    for lo, hi in sorted(boxes, key=lambda box: box[0].mid()):
        if whole and bool(lo <= whole[-1][1]):
            whole[-1] = (whole[-1][0], hi)
        else:
            whole.append((lo, hi))
    return whole


def _within(root: Root, lo: Expr | arb, hi: Expr | arb) -> bool:
    """Whether the zero lies in the closed interval with these exact ends."""
    for end, side in ((lo, 1), (hi, -1)):
        bound = _ball(end)
        at = root.enclosure(80)
        with precision(96):
            gap = side * (at - bound)
        if bool(gap < 0):
            return False
        if not bool(gap >= 0) and isinstance(end, Expr) and root.at != end:
            return sign(side * (root.at - end)) >= 0
    return True


def isolate(
    expr: Expr,
    x: Symbol,
    lo: Expr | arb | int,
    hi: Expr | arb | int,
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
        boxes = ", ".join(map(_shown, found.open[:4]))
        raise UndecidedError(f"the zeros of {expr} in {boxes} are not decided: {found.why}")
    return found.roots
