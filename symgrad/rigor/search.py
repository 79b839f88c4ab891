"""Branch and bound on intervals: where a smooth function has which sign.

A box [lo, hi] with middle m is decided by the first of these tests that succeeds (h is the
function, X the box, h' and h'' are enclosed over all of X; Moore, Kearfott, Cloud 2009, chapters 5,
6 and 8):

    ball      h(X) excludes 0
    taylor    h(m) + h'(m)(X − m) + h''(X)(X − m)²/2 excludes 0
    monotone  h'(X) excludes 0 and h has one sign at both ends
    crossing  h'(X) excludes 0 and h changes sign: exactly one zero, a simple one

A ball that is not finite decides nothing: the box is split.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flint import arb
from sympy import Expr, Symbol

from symgrad.errors import DomainError
from symgrad.rigor.balls import interval, precision, sign_of
from symgrad.rigor.ops import pow_int
from symgrad.rigor.program import Program, program

__all__ = ["Budget", "Leaf", "Meter", "Search", "point_sign"]

_MAX_BITS = 1024
_FINE, _FINEST = arb(2) ** -26, arb(2) ** -64
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


def point_sign(f: Program, at: arb) -> int | None:
    """The proved sign of f at an exact point, or None where 1,024 bits do not show it."""
    return _shown_sign(f, at, 64)[0]


def _shown_sign(f: Program, at: arb, bits: int) -> tuple[int | None, int]:
    """The sign of f at an exact point, and the bits that show it, from `bits` on."""
    while True:
        found = sign_of(f.ball(at, prec=bits))
        if found is not None or 4 * bits > _MAX_BITS:
            return found, bits
        bits *= 4


def shown(lo: arb, hi: arb) -> str:
    """The interval in ten digits."""
    return f"[{lo.str(10, radius=False)}, {hi.str(10, radius=False)}]"


_Box = tuple[arb, arb, int]


class Search:
    """The signs of a smooth expression on closed intervals, box by box; stop and go on as you like.

    `open` is the list of boxes that are not looked at yet; `leaves` holds the decided ones and
    those that stayed undecided at the finest width.

    >>> from sympy import Symbol, exp
    >>> x = Symbol("x", real=True)
    >>> search = Search(exp(x) - 2, x, (arb(-1), arb(1)))
    >>> search.run(Meter())
    ''
    >>> [leaf.kind for leaf in search.leaves if leaf.sign == -1][-1]
    'crossing'
    """

    def __init__(self, expr: Expr, x: Symbol, *intervals: tuple[arb, arb]) -> None:
        self.expr, self.x, self.f = expr, x, program(expr, x)
        with precision(256):
            self.open: list[_Box] = [(lo.lower(), hi.upper(), 64) for lo, hi in intervals]
        self.leaves: list[Leaf] = []
        self._signs: dict[arb, tuple[int | None, int]] = {}

    def run(self, meter: Meter) -> str:
        """Work until nothing is open (answer '') or the meter says why not."""
        while self.open:
            try:
                why = meter.spent(len(self.open))
                if why:
                    return why
                parts = self._step(*self.open[-1])
            except KeyboardInterrupt:
                return "interrupted"
            self.open.pop()
            for part in parts:
                if isinstance(part, Leaf):
                    self.leaves.append(part)
                else:
                    self.open.append(part)
        return ""

    def _step(self, lo: arb, hi: arb, bits: int) -> list[Leaf] | list[_Box]:
        """The leaf that decides a box, or the boxes to look at instead."""
        kind, sign = self._judge(lo, hi, bits)
        if kind:
            return [Leaf(lo, hi, kind, sign, bits)]
        cut, wanted = self._cut(lo, hi, bits)
        with precision(bits):
            width = (hi - lo) / arb(1).max(abs(lo)).max(abs(hi))
        if width < _FINE:
            wanted = max(wanted, 256)
        if wanted > bits:
            return [(lo, hi, wanted)]
        if not width < _FINEST:
            return [(cut, hi, bits), (lo, cut, bits)]
        if not self.f.ball(interval(lo, hi), prec=bits).is_finite():
            raise DomainError(
                f"{self.expr} has a pole, or is not real, at {self.x} in {shown(lo, hi)}; "
                "name an interval without that point"
            )
        return [Leaf(lo, hi, "open", None, bits)]

    def _judge(self, lo: arb, hi: arb, bits: int) -> tuple[str, int | None]:
        """The kind of test that decides the sign on a box ('' if none does), and that sign."""
        with precision(bits):
            box = interval(lo, hi)
            middle = box.mid()
            step = box - middle
        sign = sign_of(self.f.ball(box, prec=bits))
        if sign is not None:
            return "ball", sign
        over = self.f.jet(box, 3, bits)
        at = self.f.jet(middle, 2, bits)
        with precision(bits):
            sign = sign_of(at[0] + at[1] * step + over[2] * pow_int(step, 2))
        if sign is not None:
            return "taylor", sign
        if sign_of(over[1]):
            first, last = self._sign(lo, bits)[0], self._sign(hi, bits)[0]
            if first and last:
                return ("monotone" if first == last else "crossing"), first
        return "", None

    def _sign(self, point: arb, bits: int) -> tuple[int | None, int]:
        if point not in self._signs:
            self._signs[point] = _shown_sign(self.f, point, bits)
        return self._signs[point]

    def _cut(self, lo: arb, hi: arb, bits: int) -> tuple[arb, int]:
        """A point inside where f is known not to vanish, if any is; and the bits it takes."""
        with precision(bits + 16):
            points = [(lo + (hi - lo) * part).mid() for part in _SPLITS]
        for point in points:
            sign, wanted = self._sign(point, bits)
            if sign:
                return point, wanted
        return points[0], bits
