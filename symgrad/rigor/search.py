"""Branch and bound on an interval: where a smooth function has a sign, and the range it has.

A box [lo, hi] with middle m is decided by the first of these tests that succeeds (h is the
function, X the box, h' and h'' are enclosed over all of X; Moore, Kearfott, Cloud 2009, chapters 5,
6 and 8):

    ball      h(X) excludes 0
    mean      h(m) + h'(X)(X − m) excludes 0
    taylor    h(m) + h'(m)(X − m) + h''(X)(X − m)²/2 excludes 0
    monotone  h'(X) excludes 0 and h has one sign at both ends
    crossing  h'(X) excludes 0 and h changes sign: exactly one zero, a simple one

A ball that is not finite decides nothing: the box is split.
"""

from __future__ import annotations

import heapq
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from flint import arb
from sympy import Expr, Symbol

from symgrad.errors import DomainError, LimitError
from symgrad.rigor.balls import contains_zero, interval, precision, sign_of
from symgrad.rigor.ops import pow_int
from symgrad.rigor.program import Program, program

__all__ = ["Budget", "Leaf", "Meter", "Search", "enclosed_range", "point_sign"]

_MAX_BITS = 1024
_SPLITS = (arb(63) / 128, arb(7) / 16, arb(75) / 128, arb(3) / 8)


@dataclass(frozen=True, slots=True)
class Budget:
    """At most `seconds` and `boxes`; `progress(done, open)` is called now and then."""

    seconds: float = 20.0
    boxes: int = 40000
    progress: Callable[[int, int], None] | None = None


class Meter:
    """What is left of one budget, shared by all searches of one question.

    `memory` keeps the searches, so that a second meter that is given it goes on where one stopped.
    """

    def __init__(
        self, budget: Budget | None = None, memory: dict[Any, Search] | None = None
    ) -> None:
        self.budget = budget or Budget()
        self.memory = {} if memory is None else memory
        self.deadline = time.monotonic() + self.budget.seconds
        self.boxes = 0

    def spent(self, waiting: int = 0) -> str:
        """Why no more may be spent, or ''."""
        self.boxes += 1
        if self.budget.progress is not None and self.boxes % 64 == 0:
            self.budget.progress(self.boxes, waiting)
        if self.boxes > self.budget.boxes:
            return f"the limit of {self.budget.boxes} boxes is reached"
        if time.monotonic() > self.deadline:
            return f"the limit of {self.budget.seconds:g} s is reached"
        return ""


@dataclass(frozen=True, slots=True)
class Leaf:
    """A closed box, the test that decided it at `bits` bits, and the sign it found.

    A `crossing` has the sign of h at its lower end; an `open` box has none.
    """

    lo: arb
    hi: arb
    kind: str
    sign: int | None
    bits: int


def point_sign(f: Program, at: arb, bits: int = 64, max_bits: int = _MAX_BITS) -> int | None:
    """The proved sign of f at an exact point, or None where `max_bits` do not show it."""
    while True:
        found = sign_of(f.ball(at, prec=bits))
        if found is not None or bits >= max_bits:
            return found
        bits *= 4


def judge(f: Program, lo: arb, hi: arb, bits: int) -> tuple[str, int | None]:
    """The kind of test that decides the sign on [lo, hi], and that sign; kind '' if none does.

    Kind 'slope' says that f' has the returned sign on the box.
    """
    with precision(bits):
        box = interval(lo, hi)
        middle = box.mid()
        step = box - middle
    sign = sign_of(f.ball(box, prec=bits))
    if sign is not None:
        return "ball", sign
    over = f.jet(box, 3, bits)
    at = f.jet(middle, 2, bits)
    slope = sign_of(over[1])
    with precision(bits):
        mean = sign_of(at[0] + over[1] * step)
        taylor = sign_of(at[0] + at[1] * step + over[2] * pow_int(step, 2))
    if mean is not None:
        return "mean", mean
    if taylor is not None:
        return "taylor", taylor
    return ("slope", slope) if slope else ("", None)


_Box = tuple[arb, arb, int]


@dataclass
class Search:
    """The signs of a smooth expression over [lo, hi], box by box; stop and go on as you like.

    `open` is the list of boxes that are not looked at yet; `leaves` holds the decided ones and
    those that stayed undecided at the finest width.

    >>> from sympy import Symbol, exp
    >>> x = Symbol("x", real=True)
    >>> search = Search(exp(x) - 2, x, arb(-1), arb(1))
    >>> search.run(Meter())
    ''
    >>> [leaf.kind for leaf in search.leaves if leaf.sign == -1][-1]
    'crossing'
    """

    expr: Expr
    x: Symbol
    lo: arb
    hi: arb
    finest: int = 26
    open: list[_Box] = field(default_factory=list)
    leaves: list[Leaf] = field(default_factory=list)

    def __post_init__(self) -> None:
        with precision(256):
            self.lo, self.hi = self.lo.lower(), self.hi.upper()
        self.f = program(self.expr, self.x)
        self.signs: dict[arb, int | None] = {}
        self.open.append((self.lo, self.hi, 64))

    def sign_at(self, point: arb, bits: int) -> int | None:
        if point not in self.signs:
            self.signs[point] = point_sign(self.f, point, bits)
        return self.signs[point]

    def run(self, meter: Meter) -> str:
        """Work until nothing is open (answer '') or the meter says why not."""
        while self.open:
            box = self.open[-1]
            try:
                why = meter.spent(len(self.open))
                if why:
                    return why
                leaf, parts = self._step(*box)
            except KeyboardInterrupt:
                return "interrupted"
            self.open.pop()
            self.open += parts
            if leaf is not None:
                self.leaves.append(leaf)
        return ""

    def _step(self, lo: arb, hi: arb, bits: int) -> tuple[Leaf | None, list[_Box]]:
        """The leaf that decides a box, or the boxes to look at instead."""
        kind, sign = judge(self.f, lo, hi, bits)
        if kind == "slope":
            first, last = self.sign_at(lo, bits), self.sign_at(hi, bits)
            if first is not None and last is not None and first * last != 0:
                same = first == last
                kind, sign = ("monotone" if same else "crossing"), first
        if kind not in ("", "slope"):
            return Leaf(lo, hi, kind, sign, bits), []
        with precision(bits):
            middle = interval(lo, hi).mid()
            narrow = bool((hi - lo) * arb(2) ** self.finest < max_abs(lo, hi))
        sharper = self._wanted_bits(middle, bits)
        if narrow and sharper == bits < 512:
            sharper = 4 * bits
        if sharper > bits:
            return None, [(lo, hi, sharper)]
        if narrow:
            return Leaf(lo, hi, "open", None, bits), []
        cut = self._cut(lo, hi, bits)
        return None, [(cut, hi, bits), (lo, cut, bits)]

    def _wanted_bits(self, at: arb, bits: int) -> int:
        """More bits, where the value at the middle is drowned in rounding and more bits show it."""
        value = self.f.ball(at, prec=bits)
        if not contains_zero(value) or value.is_zero():
            return bits
        for more in (2 * bits, 4 * bits, 8 * bits):
            if more <= _MAX_BITS and not contains_zero(self.f.ball(at, prec=more)):
                return more
        return bits

    def _cut(self, lo: arb, hi: arb, bits: int) -> arb:
        """A point inside where the sign of f is known, or else near the middle."""
        undefined = []
        with precision(bits + 16):
            points = [(lo + (hi - lo) * part).mid() for part in _SPLITS]
        for point in points:
            if self.sign_at(point, bits):
                return point
            if self.f.ball(point, prec=_MAX_BITS).is_nan():
                undefined.append(point)
        if len(undefined) == len(points):
            where = undefined[0].str(8, radius=False)
            raise DomainError(
                f"{self.expr} has a pole, or is not real, at {self.x} = {where}; "
                "name an interval without that point"
            )
        return points[0]


def max_abs(lo: arb, hi: arb) -> arb:
    """max(1, |lo|, |hi|), the scale that widths are compared with."""
    return arb(1).max(abs(lo)).max(abs(hi))


def enclosed_range(
    expr: Expr, x: Symbol, lo: arb, hi: arb, bits: int = 40, budget: Budget | None = None
) -> tuple[arb, arb]:
    """Enclosures of inf and sup of a smooth expression over [lo, hi], to about 2^-bits · scale.

    Best-first branch and bound with centred forms and the monotonicity test. Raises `LimitError`
    where the budget does not suffice.

    >>> from sympy import Symbol, sin
    >>> x = Symbol("x", real=True)
    >>> low, high = enclosed_range(x * sin(x), x, arb(0), arb(3))
    >>> high.str(6)
    '[1.81971 +/- ...]'
    """
    meter = Meter(budget)
    f = program(expr, x)
    with precision(2 * bits + 32):
        return -_supremum(f, lo, hi, bits, -1, meter), _supremum(f, lo, hi, bits, 1, meter)


def _supremum(f: Program, lo: arb, hi: arb, bits: int, side: int, meter: Meter) -> arb:
    prec = 2 * bits + 32
    best = (side * f.ball(lo, prec=prec)).max(side * f.ball(hi, prec=prec))
    best = best.lower() if best.is_finite() else arb.neg_inf()
    heap: list[tuple[float, int, arb, arb, arb]] = []
    count = 0

    def push(a: arb, b: arb) -> None:
        nonlocal best, count
        top, seen = _upper(f, a, b, side, prec)
        if seen.is_finite() and bool(seen.lower() > best):
            best = seen.lower()
        if not bool(top < best):
            count += 1
            rank = -float(top) if top.is_finite() else float("-inf")
            heapq.heappush(heap, (rank, count, top, a, b))

    push(lo, hi)
    while heap:
        _, _, top, a, b = heapq.heappop(heap)
        if bool(top < best):
            continue
        with precision(prec):
            scale = arb(1).max(abs(best)) if best.is_finite() else arb(1)
            if top.is_finite() and bool((top - best) < scale * arb(2) ** -bits):
                others = [t for *_, t, _, _ in heap]
                for other in others:
                    top = top.max(other)
                return best.union(top)
            cut = ((a + b) / 2).mid()
        why = meter.spent(len(heap))
        if why:
            raise LimitError(f"range of {f.expr}: {why}; raise the budget or ask for fewer bits")
        push(a, cut)
        push(cut, b)
    return best


def _upper(f: Program, a: arb, b: arb, side: int, prec: int) -> tuple[arb, arb]:
    """An upper bound of side·f on [a, b], and a value that is taken there."""
    with precision(prec):
        box = interval(a, b)
        middle = box.mid()
        step = box - middle
    over = f.jet(box, 3, prec)
    at = f.jet(middle, 2, prec)
    with precision(prec):
        slope = sign_of(side * over[1])
        if slope is not None:
            end = side * f.ball(b if slope > 0 else a, prec=prec)
            return end.upper(), end
        forms = [side * over[0], side * (at[0] + over[1] * step)]
        forms.append(side * (at[0] + at[1] * step + over[2] * pow_int(step, 2)))
        tops = [form.upper() for form in forms if form.is_finite()]
    top = tops[0] if tops else arb.pos_inf()
    for other in tops[1:]:
        top = top.min(other)
    return top, side * at[0]
