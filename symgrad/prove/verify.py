"""The checker: every claim of a certificate again, by balls, exact algebra and the tail models.

It shares no code with the search. What it relies on: the ball evaluator (`rigor.program`), exact
signs of constants (`rigor.sign`), the pieces of a function (`pieces.branches`), `tails.tail`, and
the codec.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sympy
from flint import arb, fmpz
from sympy import Expr, Interval, S, Symbol

from symgrad.activation import Head, univariate
from symgrad.codec import decode, encode
from symgrad.errors import InputError, SymgradError
from symgrad.fact import Proved
from symgrad.pieces import branches, order
from symgrad.prove.algebra import identical, partial, positive
from symgrad.prove.certificate import FORMAT, digest
from symgrad.prove.dominance import dominated
from symgrad.rigor import constant, precision, program, sign
from symgrad.tails import tail

__all__ = ["CertificateError", "verify"]


class CertificateError(InputError):
    """A certificate that does not prove its statement; the message names the claim that fails."""


def verify(certificate: str | dict[str, Any]) -> Proved:
    """`Proved` where every claim of the certificate holds; `CertificateError` otherwise.

    >>> verify('{"format": "other"}')
    Traceback (most recent call last):
        ...
    symgrad.prove.verify.CertificateError: not a symgrad-certificate-1
    """
    try:
        data = json.loads(certificate) if isinstance(certificate, str) else certificate
    except json.JSONDecodeError as error:
        raise CertificateError(f"the certificate is not JSON: {error}") from error
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise CertificateError(f"not a {FORMAT}")
    if data.get("digest") != digest(data):
        raise CertificateError("the digest does not fit the text: the certificate was changed")
    try:
        return _Checker(data).run()
    except CertificateError:
        raise
    except (SymgradError, KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
        raise CertificateError(f"a claim cannot be read: {error}") from error


def _need(holds: object, claim: str) -> None:
    if holds is not True and not (holds and isinstance(holds, (bool, int))):
        raise CertificateError(f"the certificate fails: {claim}")


@dataclass(frozen=True, slots=True)
class _Sign:
    """`signs[k]` between the zeros; zero k lies in `boxes[k]`, at `at[k]` where that is exact."""

    signs: tuple[int, ...]
    boxes: tuple[tuple[arb, arb], ...]
    at: tuple[Expr | None, ...]


class _Checker:
    def __init__(self, data: dict[str, Any]) -> None:
        self.data = data
        self.statement = decode(data["statement"])
        self.x: Symbol = decode(data["variable"])
        self.on = decode(data["on"])
        if self.on is S.Reals:
            self.on = Interval(S.NegativeInfinity, S.Infinity)

    def run(self) -> Proved:
        pieces = iter(self.data["pieces"])
        points = iter(self.data["points"])
        count = 0
        for h, strict in self._gaps():
            for lo, hi, expr in self._open_pieces(h):
                piece = next(pieces, None)
                _need(piece is not None, "a piece of the statement is missing")
                assert piece is not None
                same = [piece["h"], piece["lo"], piece["hi"]] == [encode(e) for e in (expr, lo, hi)]
                _need(
                    same and piece["strict"] is strict, f"the piece on ({lo}, {hi}) is another one"
                )
                self._piece(piece, expr, strict, lo, hi)
                count += 1
            self._points(h, strict, points)
        _need(next(pieces, None) is None and next(points, None) is None, "pieces of nothing")
        return Proved(
            f"certificate: {count} pieces checked by balls, exact algebra and tail models"
        )

    # the statement

    def _gaps(self) -> list[tuple[Expr, bool]]:
        parts: Any = (
            self.statement.args if isinstance(self.statement, sympy.And) else (self.statement,)
        )
        gaps: list[tuple[Expr, bool]] = []
        for part in parts:
            _need(isinstance(part, (sympy.Le, sympy.Lt, sympy.Ge, sympy.Gt)), f"{part} is no <, <=")
            strict = isinstance(part, (sympy.Lt, sympy.Gt))
            small, large = part.lts, part.gts
            if isinstance(small, sympy.Abs) and small.args[0].atoms(
                sympy.sin, sympy.cos, sympy.tan
            ):
                (a,) = small.args
                if isinstance(large, sympy.Abs):
                    gaps.append((large.args[0] ** 2 - a**2, strict))
                else:
                    gaps += [(large - a, strict), (large + a, strict)]
            else:
                gaps.append((large - small, strict))
        return gaps

    def _open_pieces(self, h: Expr) -> list[tuple[Expr, Expr, Expr]]:
        found = []
        for domain, expr in branches(univariate(h, self.x).elementary, self.x):
            part = domain.intersect(self.on)
            if isinstance(part, Interval):
                found.append((part.inf, part.sup, expr))
        return found

    def _points(self, h: Expr, strict: bool, points: Any) -> None:
        """h ≥ 0 (> 0) at the finite ends of the pieces that belong to the interval."""
        if any(head.order != 0 for head in h.atoms(Head)):
            return
        flat = univariate(h, self.x).elementary
        ends = dict.fromkeys(e for lo, hi, _ in self._open_pieces(h) for e in (lo, hi))
        for at in ends:
            if not at.is_finite or self.on.contains(at) is not S.true:
                continue
            value = self._value(flat, at)
            if value is None:
                continue
            _need(next(points, None) == [encode(at), strict], f"the point {at} is missing")
            which = sign(value)
            _need(which > 0 or (which == 0 and not strict), f"the statement fails at {at}")

    def _value(self, flat: Expr, at: Expr) -> Expr | None:
        for domain, expr in branches(flat, self.x):
            if domain.contains(at) is S.true:
                value = expr.subs(self.x, at)
                return value if constant(value).is_finite() else None
        return None

    # a piece

    def _piece(self, piece: dict[str, Any], h: Expr, strict: bool, lo: Expr, hi: Expr) -> None:
        waves = [self._wave(w, strict) for w in piece["waves"]]
        factors = [(decode(f["p"]), f["n"]) for f in piece["factors"]]
        if not factors and not waves:
            _need(not strict and identical(h, S.Zero), f"{h} is not zero on ({lo}, {hi})")
            _need(not partial(h, self.x), f"the domain of {h} is not covered")
            return
        product = sympy.Mul(*(p**n for p, n in factors), *(p**n for p, n, _ in waves))
        _need(identical(h, product), f"{h} is not the product of its factors")
        covered = [partial(p, self.x) for p, _ in factors] + [partial(p, self.x) for p, *_ in waves]
        _need(partial(h, self.x) <= set().union(*covered), f"the domain of {h} is not covered")
        signs = [(self._factor(f, lo, hi), f["n"]) for f in piece["factors"]]
        flip = 1
        for _, n, which in waves:
            flip *= which**n
        total, has_zero = _combined(signs)
        _need(all(flip * s > 0 for s in total), f"a factor has the wrong sign on ({lo}, {hi})")
        _need(not (strict and has_zero), "a strict inequality touches zero")

    def _wave(self, wave: dict[str, Any], strict: bool) -> tuple[Expr, int, int]:
        p, n, which = decode(wave["p"]), wave["n"], wave["sign"]
        period, start = decode(wave["period"]), decode(wave["start"])
        _need(isinstance(n, int) and which in (-1, 1) and sign(period) > 0, "a wave with a period")
        moved = p.subs(self.x, self.x + period)
        waves = moved.atoms(sympy.sin, sympy.cos, sympy.tan)
        table = {w: w.func(sympy.expand(w.args[0])) for w in waves}
        _need(identical(p, moved.xreplace(table)), f"{p} has not the period {period}")
        factors = [(decode(f["p"]), f["n"]) for f in wave["factors"]]
        _need(identical(p, sympy.Mul(*(q**m for q, m in factors))), f"{p} is not its factors")
        signs = [(self._factor(f, start, start + period), f["n"]) for f in wave["factors"]]
        total, has_zero = _combined(signs)
        at_start = sign(p.subs(self.x, start))
        _need(all(s == which for s in total) and at_start in (0, which), f"{p} has not one sign")
        _need(not ((strict or n < 0) and (has_zero or at_start == 0)), f"{p} has a zero")
        return p, n, which

    def _factor(self, f: dict[str, Any], lo: Expr, hi: Expr) -> _Sign:
        p = decode(f["p"])
        _need(isinstance(f["n"], int), "an exponent is an integer")
        if f["by"] == "constant":
            _need(not p.has(self.x) and sign(p) == f["sign"] != 0, f"the sign of {p}")
            return _Sign((f["sign"],), (), ())
        if f["by"] == "shape":
            _need(f["sign"] == 1 and positive(p, self.x), f"{p} is not positive by its shape")
            return _Sign((1,), (), ())
        _need(f["by"] == "boxes", "a factor is proved by constant, shape or boxes")
        return self._boxes(p, f, lo, hi)

    def _boxes(self, p: Expr, f: dict[str, Any], lo: Expr, hi: Expr) -> _Sign:
        start, stop = lo, hi
        known: list[int] = []
        for claim in f["tails"]:
            at = self._tail(p, claim, lo if claim["end"] == "lo" else hi)
            start, stop = (at, stop) if claim["end"] == "lo" else (start, at)
            known.append(claim["sign"])
        if not f["boxes"]:
            _need(order(start, stop) >= 0 and len(set(known)) == 1, "the interval is not covered")
            return _Sign((known[0],), (), ())
        _need(start.is_finite and stop.is_finite, "an infinite end has no tail")
        walk = _Walk(p, self.x, lo, hi)
        for row in f["boxes"]:
            walk.add(row)
        found = walk.result(start, stop)
        for claim in f["tails"]:
            end = found.signs[0] if claim["end"] == "lo" else found.signs[-1]
            _need(
                end == claim["sign"], f"the tail of {p} has another sign than the boxes beside it"
            )
        return found

    def _tail(self, p: Expr, claim: dict[str, Any], end: Expr) -> Expr:
        """Check one tail claim; the x at which it starts."""
        _need(claim["end"] in ("lo", "hi"), "a tail runs to the end lo or hi")
        u, place, start = decode(claim["u"]), decode(claim["x"]), decode(claim["from"])
        side = -1 if claim["end"] == "lo" else 1
        if end.is_infinite:
            right = place == (u if end is S.Infinity else -u)
        else:
            right = sympy.expand(place - (end - side / u)) == 0
        _need(right and sign(start) > 0, f"{place} does not run to {end}")
        terms = [decode(t) for t in claim["terms"]]
        found = tail(p.subs(self.x, place), terms=len(terms), valid_from=start, x=u)
        rests = list(terms[1:])
        same = [encode(t) for t in found.terms] == claim["terms"]
        if found.remainder is None:
            same = same and claim["coefficient"] is None
        else:
            k, growth = decode(claim["coefficient"]), decode(claim["growth"])
            same = same and encode(found.remainder.growth) == claim["growth"]
            same = same and sign(k - found.remainder.coefficient) >= 0
            since: Any = found.remainder.valid_from
            same = same and order(since, start) <= 0
            rests.append(k * growth)
        _need(same, f"the tail of {p} toward {end} is another one")
        _need(dominated(terms[0], rests, u, start), f"the leading term of {p} is not dominant")
        leading = terms[0].subs(u, start)
        _need(sign(leading) == claim["sign"], f"the sign of {terms[0]}")
        return place.subs(u, start)


class _Walk:
    """The boxes of one factor from left to right: each next one begins where the last one ended."""

    def __init__(self, p: Expr, x: Symbol, lo: Expr, hi: Expr) -> None:
        self.p, self.x, self.lo, self.hi = p, x, lo, hi
        self.f = program(p, x)
        self.first: arb | None = None
        self.newest = arb(0)
        self.last: arb | None = None
        self.signs: list[int] = []
        self.boxes: list[tuple[arb, arb]] = []
        self.at: list[Expr | None] = []

    def add(self, row: Sequence[Any]) -> None:
        lo, hi = _dyadic(row[0]), _dyadic(row[1])
        _need(bool(lo < hi), "a box has its ends in order")
        if self.last is not None:
            _need(bool(lo <= self.last), f"a gap before the box at {lo.str(8)}")
            _need(bool(lo >= self.newest) and bool(hi >= self.last), "boxes run from left to right")
        self.first = lo if self.first is None else self.first
        self.newest, self.last = lo, hi
        if row[2] == "touch":
            left, right = self._touch(lo, hi, decode(row[3]), row[4], tuple(row[5]))
            self._note(left, right, (lo, hi), decode(row[3]))
        elif row[2] == "crossing":
            _need(self._slope(lo, hi, row[4]) != 0, f"the slope on the box at {lo.str(8)}")
            ends = self._at(lo), self._at(hi)
            _need(ends == (row[3], -row[3]) and row[3] in (-1, 1), "a crossing changes its sign")
            self._note(row[3], -row[3], (lo, hi), None)
        else:
            _need(row[3] in (-1, 1) and self._decides(row[2], lo, hi, row[4]) == row[3],
                  f"the test '{row[2]}' on the box at {lo.str(8)}")  # fmt: skip
            self._note(row[3], row[3], None, None)

    def _note(self, left: int, right: int, box: tuple[arb, arb] | None, at: Expr | None) -> None:
        _need(not self.signs or self.signs[-1] == left, "neighbouring boxes differ in sign")
        if not self.signs:
            self.signs.append(left)
        if box is not None:
            self.signs.append(right)
            self.boxes.append(box)
            self.at.append(at)

    def _at(self, point: arb) -> int:
        for bits in (64, 256, 1024):
            value = self.f.ball(point, prec=bits)
            if bool(value > 0) or bool(value < 0):
                return 1 if bool(value > 0) else -1
        return 0

    def _slope(self, lo: arb, hi: arb, bits: int) -> int:
        slope = self.f.jet(_hull(lo, hi, bits), 2, bits)[1]
        return 1 if bool(slope > 0) else -1 if bool(slope < 0) else 0

    def _decides(self, kind: str, lo: arb, hi: arb, bits: int) -> int:
        """The sign that the named test shows, or 0."""
        _need(isinstance(bits, int) and 2 <= bits <= 8192, "a precision between 2 and 8192 bits")
        box = _hull(lo, hi, bits)
        if kind == "ball":
            form = self.f.ball(box, prec=bits)
        elif kind == "monotone":
            ends = self._at(lo), self._at(hi)
            return ends[0] if ends[0] == ends[1] and self._slope(lo, hi, bits) != 0 else 0
        else:
            _need(kind == "taylor", f"no test is called '{kind}'")
            middle = box.mid()
            inner, outer = self.f.jet(middle, 2, bits), self.f.jet(box, 3, bits)[2]
            with precision(bits):
                reach = (box - middle).abs_upper()
                form = inner[0] + inner[1] * (box - middle)
                form += outer * arb(0).union(reach * reach)
        return 1 if bool(form > 0) else -1 if bool(form < 0) else 0

    def _touch(
        self, lo: arb, hi: arb, at: Expr, order_: int, signs: tuple[int, ...]
    ) -> tuple[int, int]:
        """h⁽ʲ⁾(c) = 0 for j < k by exact algebra, h⁽ᵏ⁾ ≠ 0 on the box, c inside it."""
        _need(isinstance(order_, int) and 1 <= order_ <= 12, "the order of a zero")
        with precision(256):
            c = constant(at, 256)
            _need(bool(lo < c) and bool(c < hi), f"{at} lies in its box")
        exact_jet = self.f.jet(c, order_, 256)
        for j in range(order_):
            zero = c.is_exact() and exact_jet[j].is_zero()
            zero = zero or sign(self.p.diff(self.x, j).subs(self.x, at)) == 0
            _need(zero, f"the derivative of order {j} of {self.p} at {at} is zero")
        top = self.f.jet(_hull(lo, hi, 96), order_ + 1, 96)[order_]
        right = 1 if bool(top > 0) else -1 if bool(top < 0) else 0
        _need(right != 0 and signs == (right * (-1) ** order_, right), f"the zero at {at}")
        return signs[0], signs[1]

    def result(self, start: Expr, stop: Expr) -> _Sign:
        """The signs on (lo, hi), once the boxes cover [start, stop]."""
        _need(self.first is not None and self.last is not None, "no boxes")
        assert self.first is not None
        assert self.last is not None
        with precision(256):
            covered = bool(self.first <= constant(start, 256)) and bool(
                self.last >= constant(stop, 256)
            )
        _need(covered, f"the boxes do not cover [{start}, {stop}]")
        inside = [k for k in range(len(self.boxes)) if self._inside(k)]
        if not inside:
            outside_left = sum(self._left_of(k) for k in range(len(self.boxes)))
            return _Sign((self.signs[outside_left],), (), ())
        first, last = inside[0], inside[-1]
        return _Sign(
            tuple(self.signs[first : last + 2]),
            tuple(self.boxes[first : last + 1]),
            tuple(self.at[first : last + 1]),
        )

    def _inside(self, k: int) -> bool:
        """Whether zero k lies in the open interval; a box on its border needs an exact point."""
        at = self.at[k]
        if at is not None:
            return order(self.lo, at) < 0 and order(at, self.hi) < 0
        lo, hi = self.boxes[k]
        with precision(256):
            for end, side in ((self.lo, 1), (self.hi, -1)):
                if end.is_finite:
                    c = constant(end, 256)
                    beyond = bool(hi <= c) if side > 0 else bool(lo >= c)
                    within = bool(lo >= c) if side > 0 else bool(hi <= c)
                    if beyond:
                        return False
                    _need(within, f"the zero beside {end} is inside or outside")
        return True

    def _left_of(self, k: int) -> int:
        at = self.at[k]
        if at is not None:
            return int(order(at, self.lo) <= 0)
        if not self.lo.is_finite:
            return 0
        return int(bool(self.boxes[k][1] <= constant(self.lo, 256)))


def _combined(factors: Sequence[tuple[_Sign, int]]) -> tuple[list[int], bool]:
    """The signs of ∏ pⁿ between its zeros; two factors' zeros may meet at an exact point only."""
    marks: list[tuple[arb, arb, Expr | None, int]] = []
    total = 1
    for s, n in factors:
        total *= s.signs[0] ** abs(n)
        for (lo, hi), at, k in zip(s.boxes, s.at, range(len(s.boxes)), strict=True):
            flips = int(s.signs[k] != s.signs[k + 1]) * abs(n)
            marks.append((lo, hi, at, flips))
            _need(n > 0, "a factor with a zero stands in the numerator")
    marks.sort(key=lambda m: float(m[0]))
    signs = [total]
    at_previous: tuple[arb, arb, Expr | None] | None = None
    for lo, hi, at, flips in marks:
        if at_previous is not None and bool(lo < at_previous[1]):
            same = at is not None and at_previous[2] is not None and order(at, at_previous[2]) == 0
            _need(same or _apart(at, at_previous), "two zeros are told apart")
            if same:
                signs[-1] *= (-1) ** flips
                continue
        signs.append(signs[-1] * (-1) ** flips)
        at_previous = (lo, hi, at)
    return signs, bool(marks)


def _apart(at: Expr | None, before: tuple[arb, arb, Expr | None]) -> bool:
    """Whether two exact zeros with overlapping boxes are in order."""
    return at is not None and before[2] is not None and order(before[2], at) < 0


def _dyadic(text: Any) -> arb:
    mantissa, exponent = str(text).split(":")
    _need(len(mantissa) < 4000 and abs(int(exponent)) < 10**6, "a dyadic number m:e")
    m, e = int(mantissa), int(exponent)
    with precision(max(64, m.bit_length() + 8)):
        return arb(fmpz(m)) * arb(2) ** e


def _hull(lo: arb, hi: arb, bits: int) -> arb:
    with precision(bits):
        return lo.union(hi)
