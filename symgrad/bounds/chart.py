"""The sign chart of a smooth expression on an open interval: all its zeros, and the signs between.

The expression is a product of factors. For each factor the two ends are settled first, by the tail
models or by the exact value; what lies between is compact, and isolation finds every zero there.
Theorem "compact + tails" in docs/theorems/bounds.rst.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cmp_to_key
from typing import Any

import sympy
from flint import arb
from sympy import Expr, Symbol

from symgrad.bounds.closed import (
    exact_zeros,
    factors,
    guarded,
    identically_zero,
    is_positive,
    touching_points,
    wave_zeros,
)
from symgrad.bounds.ends import End, end_of
from symgrad.errors import DomainError, UndecidedError
from symgrad.pieces import locate, order
from symgrad.rigor import constant, program, sign
from symgrad.rigor.roots import Isolation, Root, isolation
from symgrad.rigor.search import Meter, point_sign

__all__ = ["Chart", "Open", "Part", "Zero", "chart", "inside", "locate"]


class Open(UndecidedError):
    """Part of an interval stays undecided; `boxes` are the intervals, `why` the reason."""

    def __init__(self, expr: Expr, boxes: tuple[tuple[arb, arb], ...], why: str) -> None:
        super().__init__(expr, boxes, why)
        self.expr, self.boxes, self.why = expr, boxes, why

    def __str__(self) -> str:
        shown = ", ".join(
            f"[{a.str(8, radius=False)}, {b.str(8, radius=False)}]" for a, b in self.boxes[:4]
        )
        expr = str(self.expr)
        expr = expr if len(expr) < 200 else f"{expr[:160]} ... ({len(expr)} characters)"
        return f"the sign of {expr} is open on {shown}: {self.why}"


@dataclass(frozen=True, slots=True)
class Zero:
    """c with h(c) = 0, of the given multiplicity."""

    at: Expr
    multiplicity: int


@dataclass(frozen=True)
class Part:
    """One factor pⁿ: its zeros with the signs between them, and what proves them complete."""

    p: Expr
    n: int
    zeros: tuple[Zero, ...]
    signs: tuple[int, ...]
    ends: tuple[End | None, End | None] = (None, None)
    compact: tuple[Expr, Expr] | None = None
    isolation: Isolation | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Chart:
    """h has `signs[k]` between `zeros[k−1]` and `zeros[k]` on the open interval (lo, hi)."""

    expr: Expr
    lo: Expr
    hi: Expr
    zeros: tuple[Zero, ...]
    signs: tuple[int, ...]
    parts: tuple[Part, ...] = ()

    @property
    def boxes(self) -> int:
        """How many boxes the isolation of all factors took."""
        return sum(len(p.isolation.leaves) for p in self.parts if p.isolation)

    @property
    def spans(self) -> tuple[tuple[Expr, Expr, int], ...]:
        """(a, b, sign) for the open intervals between neighbouring zeros and ends."""
        marks = (self.lo, *(z.at for z in self.zeros), self.hi)
        return tuple(zip(marks, marks[1:], self.signs, strict=False))


def inside(c: Expr, lo: Expr, hi: Expr) -> bool:
    """Whether lo < c < hi."""
    return order(lo, c) < 0 and order(c, hi) < 0


def chart(expr: Expr, x: Symbol, lo: Expr, hi: Expr, meter: Meter | None = None) -> Chart:
    """The sign chart on the open interval (lo, hi); ±oo allowed.

    Raises `Open` where a part stays undecided, `DomainError` at a pole inside, `ends.Oscillates`
    where the signs alternate for ever.

    >>> x = Symbol("x", real=True)
    >>> chart(x**3 - 2 * x, x, -sympy.oo, sympy.oo).signs
    (-1, 1, -1, 1)
    """
    meter = meter or Meter()
    if identically_zero(expr, x):
        _check_domain(guarded(expr, x), x, lo, hi, meter)
        return Chart(expr, lo, hi, (), (0,))
    pairs = factors(expr, x)
    seen = [guarded(p, x) for p, _ in pairs]
    _check_domain(guarded(expr, x).difference(*seen), x, lo, hi, meter)
    parts = tuple(_part(p, n, x, lo, hi, meter) for p, n in pairs)
    zeros = _merged(parts)
    for zero in zeros:
        if zero.multiplicity < 0:
            raise DomainError(f"{expr} has a pole at {x} = {zero.at}; name an interval without it")
    signs = [1]
    for part in parts:
        signs[0] *= part.signs[0] ** abs(part.n)
    for zero in zeros:
        signs.append(signs[-1] * (-1) ** zero.multiplicity)
    return Chart(expr, lo, hi, zeros, tuple(signs), parts)


def _check_domain(nodes: Iterable[Any], x: Symbol, lo: Expr, hi: Expr, meter: Meter) -> None:
    """Nodes that exact algebra cancelled must be real all the same; poles may be removable."""
    for node in nodes:
        if node.is_Pow and node.args[1].is_Integer:
            continue
        if not (node.is_Pow or isinstance(node, sympy.log)):
            raise UndecidedError(f"whether {node} is real between {lo} and {hi} is not decided")
        for a, b, s in chart(node.args[0], x, lo, hi, meter).spans:
            if s < 0:
                raise DomainError(
                    f"{node} is not real, between {x} = {a} and {b}; name an interval without them"
                )


def _merged(parts: tuple[Part, ...]) -> tuple[Zero, ...]:
    """The zeros of all parts in order; a pole counts with a negative multiplicity."""
    every = [(zero.at, part.n * zero.multiplicity) for part in parts for zero in part.zeros]
    merged: list[tuple[Expr, int]] = []
    for at, n in sorted(every, key=cmp_to_key(lambda a, b: order(a[0], b[0]))):
        if merged and order(merged[-1][0], at) == 0:
            at, n = merged[-1][0], merged.pop()[1] + n
        merged.append((at, n))
    return tuple(Zero(at, n) for at, n in merged if n)


def _part(p: Expr, n: int, x: Symbol, lo: Expr, hi: Expr, meter: Meter) -> Part:
    if not p.has(x):
        return Part(p, n, (), (sign(p),))
    if is_positive(p, x):
        return Part(p, n, (), (1,))
    ends: Any = tuple(
        None if _regular(p, x, e) else end_of(p, x, e, side) for e, side in ((lo, -1), (hi, 1))
    )
    start, stop = (
        (lo if ends[0] is None else ends[0].start),
        (hi if ends[1] is None else ends[1].start),
    )
    known = next((e.sign for e in ends if e is not None), None)
    if order(start, stop) >= 0:
        return Part(p, n, (), (known if known is not None else _at(p, x, lo, hi),), ends)
    candidates = (*exact_zeros(p, x), *wave_zeros(p, x, start, stop))
    found = isolation(p, x, start, stop, exact_points=candidates, meter=meter)
    if found.open and not found.unfinished:
        candidates += touching_points(p, x, found.open)
        found = isolation(p, x, start, stop, exact_points=candidates, meter=meter)
    if found.open:
        raise Open(p, found.open, found.why)
    roots = [r for r in found.roots if inside(r.at, lo, hi)]
    zeros = tuple(Zero(_named(r, candidates), r.multiplicity) for r in roots)
    if found.roots:
        signs = _signs(found.roots, roots, lo)
    else:
        signs = (known if known is not None else _at(p, x, lo, hi),)
    return Part(p, n, zeros, signs, ends, (start, stop), found)


def _signs(every: tuple[Root, ...], kept: list[Root], lo: Expr) -> tuple[int, ...]:
    """The signs between the zeros kept; one at an end of the interval tells the sign beside it."""
    if kept:
        return (kept[0].signs[0], *(r.signs[1] for r in kept))
    first = every[0]
    return (first.signs[1 if order(first.at, lo) <= 0 else 0],)


def _regular(p: Expr, x: Symbol, end: Expr) -> bool:
    """Whether p and two derivatives are finite at a finite end."""
    if end.is_infinite:
        return False
    return all(c.is_finite() for c in program(p, x).jet(constant(end, 128), 3, 128))


def _at(p: Expr, x: Symbol, lo: Expr, hi: Expr) -> int:
    at = constant(locate(lo, hi), 128).mid()
    found = point_sign(program(p, x), at)
    if not found:
        raise Open(p, ((at, at),), "the sign at one point is not decided")
    return found


def _named(root: Root, candidates: tuple[Expr, ...]) -> Expr:
    """The exact zero that lies in the box of the root, which has no other; or the root's number."""
    for c in candidates:
        ball = constant(c, 128)
        if bool(root.lo <= ball) and bool(ball <= root.hi):
            return c
    return root.at
