"""The checker: every claim of a certificate again, by balls, exact algebra and the tail models.

It shares no code with the search. What it relies on: the ball evaluator (`rigor.program`), exact
signs of constants (`rigor.sign`), the pieces of a function (`pieces.branches`), what is positive or
real by its shape (`bounds.closed`), `tails.tail`, and the codec.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Any

import sympy
from flint import arb, fmpz
from sympy import Expr, Interval, S, Symbol

from symgrad.activation import Head, univariate
from symgrad.bounds.closed import guarded, is_positive
from symgrad.codec import decode, encode
from symgrad.errors import InputError, SymgradError
from symgrad.fact import Proved
from symgrad.pieces import branches, order
from symgrad.prove.algebra import identical, relations
from symgrad.prove.certificate import FORMAT, digest
from symgrad.prove.dominance import tail_claim
from symgrad.rigor import Program, constant, precision, program, sign, sign_of

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
    if holds is not True:
        raise CertificateError(f"the certificate fails: {claim}")


@dataclass(frozen=True, slots=True)
class _Zero:
    """The only zero of a factor in [lo, hi], at `at` where that is exact."""

    lo: arb
    hi: arb
    at: Expr | None
    flips: bool


@dataclass(frozen=True, slots=True)
class _Signs:
    """The sign of a factor before its first zero, and its zeros from left to right."""

    first: int
    zeros: tuple[_Zero, ...] = ()

    @property
    def last(self) -> int:
        return self.first * (-1) ** sum(z.flips for z in self.zeros)


class _Checker:
    def __init__(self, data: dict[str, Any]) -> None:
        self.data = data
        self.x: Symbol = decode(data["variable"])
        self.on = decode(data["on"])
        if self.on is S.Reals:
            self.on = Interval(S.NegativeInfinity, S.Infinity)

    def run(self) -> Proved:
        pieces, points = list(self.data["pieces"]), list(self.data["points"])
        count = len(pieces)
        for relation in relations(decode(self.data["statement"])):
            h: Any = relation.lhs
            strict = isinstance(relation, sympy.Gt)
            _need(not isinstance(relation, sympy.Eq), "an equality has no certificate")
            parts = [
                (part.inf, part.sup, expr)
                for domain, expr in branches(univariate(h, self.x).elementary, self.x)
                if isinstance(part := domain.intersect(self.on), Interval)
            ]
            for lo, hi, expr in parts:
                _need(len(pieces) > 0, "a piece of the statement is missing")
                self._piece(pieces.pop(0), expr, strict, lo, hi)
            if not any(head.order != 0 for head in h.atoms(Head)):
                for at in dict.fromkeys(e for lo, hi, _ in parts for e in (lo, hi)):
                    self._point(h, strict, at, points)
        _need(not pieces and not points, "pieces of nothing")
        return Proved(
            f"certificate: {count} pieces checked by balls, exact algebra and tail models"
        )

    def _point(self, h: Expr, strict: bool, at: Expr, points: list[Any]) -> None:
        """h ≥ 0 (> 0) at a finite end of a piece, where that belongs to the interval."""
        if not at.is_finite or self.on.contains(at) is not S.true:
            return
        for domain, expr in branches(univariate(h, self.x).elementary, self.x):
            if domain.contains(at) is S.true:
                value = expr.subs(self.x, at)
                if constant(value).is_finite():
                    _need(points[:1] == [[encode(at), strict]], f"the point {at} is missing")
                    points.pop(0)
                    _need(sign(value) >= int(strict), f"the statement fails at {at}")
                return

    def _piece(self, piece: dict[str, Any], h: Expr, strict: bool, lo: Expr, hi: Expr) -> None:
        same = [piece[key] for key in ("h", "lo", "hi")] == [encode(e) for e in (h, lo, hi)]
        _need(same and piece["strict"] is strict, f"the piece on ({lo}, {hi}) is another one")
        waves = [self._wave(w, strict) for w in piece["waves"]]
        factors = [(decode(f["p"]), f["n"]) for f in piece["factors"]]
        parts = [*factors, *((p, n) for p, n, _ in waves)]
        cancelled = guarded(h, self.x).difference(*(guarded(p, self.x) for p, _ in parts))
        whole = all(node.is_Pow and node.exp.is_Integer for node in cancelled)
        _need(whole, f"the domain of {h} is not covered")
        if not parts:
            _need(not strict and identical(h, S.Zero), f"{h} is not zero on ({lo}, {hi})")
            return
        _need(identical(h, sympy.Mul(*(p**n for p, n in parts))), f"{h} is not its factors")
        signs, has_zero = self._product(piece["factors"], lo, hi)
        flip = math.prod(which**n for _, n, which in waves)
        _need(signs == {flip}, f"a factor has the wrong sign on ({lo}, {hi})")
        _need(not (strict and has_zero), "a strict inequality touches zero")

    def _wave(self, wave: dict[str, Any], strict: bool) -> tuple[Expr, int, int]:
        p, n, which = decode(wave["p"]), wave["n"], wave["sign"]
        period, start = decode(wave["period"]), decode(wave["start"])
        _need(isinstance(n, int) and which in (-1, 1) and sign(period) > 0, "a wave with a period")
        moved = p.subs(self.x, self.x + period)
        waves = moved.atoms(sympy.sin, sympy.cos, sympy.tan)
        table = {w: w.func(sympy.expand(w.args[0])) for w in waves}
        _need(identical(p, moved.xreplace(table)), f"{p} has not the period {period}")
        product = sympy.Mul(*(decode(f["p"]) ** f["n"] for f in wave["factors"]))
        _need(identical(p, product), f"{p} is not its factors")
        signs, has_zero = self._product(wave["factors"], start, start + period)
        edge = sign(p.subs(self.x, start))
        _need(signs == {which} and edge in (0, which), f"{p} has not one sign")
        _need(not ((strict or n < 0) and (has_zero or edge == 0)), f"{p} has a zero")
        return p, n, which

    def _product(self, rows: list[dict[str, Any]], lo: Expr, hi: Expr) -> tuple[set[int], bool]:
        """The signs of ∏ pⁿ on (lo, hi), and whether it has a zero there.

        Zeros of two factors may meet at an exact point only.
        """
        factors = [(self._factor(f, lo, hi), f["n"]) for f in rows]
        total = math.prod(s.first ** abs(n) for s, n in factors)
        zeros = [(z, n) for s, n in factors for z in s.zeros]
        zeros.sort(key=lambda pair: pair[0].lo)
        seen = set()
        before: _Zero | None = None
        for zero, n in zeros:
            side = _side(zero, lo, hi)
            if side > 0:
                break
            _need(side < 0 or n > 0, "a factor with a zero stands in the numerator")
            if side == 0 and (before is None or not _meet(before, zero)):
                seen.add(total)
                before = zero
            total *= (-1) ** (zero.flips * abs(n))
        return seen | {total}, before is not None

    def _factor(self, f: dict[str, Any], lo: Expr, hi: Expr) -> _Signs:
        p = decode(f["p"])
        _need(isinstance(f["n"], int), "an exponent is an integer")
        if f["by"] == "constant":
            _need(not p.has(self.x) and sign(p) == f["sign"] != 0, f"the sign of {p}")
            return _Signs(f["sign"])
        if f["by"] == "shape":
            _need(f["sign"] == 1 and is_positive(p, self.x), f"{p} is not positive by its shape")
            return _Signs(1)
        _need(f["by"] == "boxes", "a factor is proved by constant, shape or boxes")
        start, stop, known = lo, hi, {}
        for claim in f["tails"]:
            at = self._tail(p, claim, lo if claim["end"] == "lo" else hi)
            start, stop = (at, stop) if claim["end"] == "lo" else (start, at)
            known[claim["end"]] = claim["sign"]
        if not f["boxes"]:
            whole = order(start, stop) >= 0 and len(set(known.values())) == 1
            _need(whole, "the interval is not covered")
            return _Signs(known.popitem()[1])
        _need(bool(start.is_finite and stop.is_finite), "an infinite end has no tail")
        found = self._walk(p, f["boxes"], start, stop)
        beside = {"lo": found.first, "hi": found.last}
        _need(known.items() <= beside.items(), f"a tail of {p} has another sign than the boxes")
        return found

    def _tail(self, p: Expr, claim: dict[str, Any], end: Expr) -> Expr:
        """Check one tail claim; the x at which it starts."""
        _need(claim["end"] in ("lo", "hi"), "a tail runs to the end lo or hi")
        start, side = decode(claim["from"]), 1 if claim["end"] == "hi" else -1
        _need(sign(start) > 0, "a tail starts at a positive u")
        found = tail_claim(p, self.x, end, side, start, len(claim["terms"]))
        larger = claim["coefficient"] != found["coefficient"] is not None
        if larger:
            gap = decode(claim["coefficient"]) - decode(found["coefficient"])
            found["coefficient"] = claim["coefficient"] if sign(gap) > 0 else None
        _need(claim == found, f"the tail of {p} toward {end} is another one")
        return decode(found["x"]).subs(decode(found["u"]), start)

    def _walk(self, p: Expr, rows: list[list[Any]], start: Expr, stop: Expr) -> _Signs:
        """The boxes from left to right: each next one begins where the last one ended."""
        f = program(p, self.x)
        begin = low = high = _dyadic(rows[0][0])
        signs: list[int] = []
        zeros: list[_Zero] = []
        for row in rows:
            lo, hi = _dyadic(row[0]), _dyadic(row[1])
            _need(low <= lo <= high <= hi and lo < hi, f"a gap before the box at {lo.str(8)}")
            low, high = lo, hi
            if row[2] == "touch":
                at = decode(row[3])
                left, right = self._touch(p, lo, hi, at, row[4])
                _need(row[5] == [left, right], f"the zero at {at}")
            else:
                at = None
                left, right = _tested(f, lo, hi, row[2], row[4])
                _need(left == row[3], f"the test '{row[2]}' on the box at {lo.str(8)}")
            _need(not signs or signs[-1] == left, "neighbouring boxes differ in sign")
            signs += [left, right]
            if row[2] in ("touch", "crossing"):
                zeros.append(_Zero(lo, hi, at, left != right))
        with precision(256):
            covered = begin <= constant(start, 256) and high >= constant(stop, 256)
        _need(covered, f"the boxes do not cover [{start}, {stop}]")
        return _Signs(signs[0], tuple(zeros))

    def _touch(self, p: Expr, lo: arb, hi: arb, at: Expr, order_: int) -> tuple[int, int]:
        """h⁽ʲ⁾(c) = 0 for j < k by exact algebra, h⁽ᵏ⁾ ≠ 0 on the box, c inside it."""
        _need(isinstance(order_, int) and 1 <= order_ <= 12, "the order of a zero")
        f, c = program(p, self.x), constant(at, 256)
        _need(lo < c < hi, f"{at} lies in its box")
        jet = f.jet(c, order_, 256)
        for j in range(order_):
            zero = c.is_exact() and jet[j].is_zero()
            zero = zero or sign(p.diff(self.x, j).subs(self.x, at)) == 0
            _need(zero, f"the derivative of order {j} of {p} at {at} is zero")
        right = sign_of(f.jet(_hull(lo, hi, 96), order_ + 1, 96)[order_]) or 0
        _need(right != 0, f"the derivative of order {order_} of {p} beside {at} has a sign")
        return right * (-1) ** order_, right


def _tested(f: Program, lo: arb, hi: arb, kind: str, bits: int) -> tuple[int, int]:
    """The signs at the ends of a box that the named test shows, 0 where it shows none."""
    _need(isinstance(bits, int) and 2 <= bits <= 8192, "a precision between 2 and 8192 bits")
    box = _hull(lo, hi, bits)
    if kind in ("monotone", "crossing"):
        left, right = _sign_at(f, lo), _sign_at(f, hi)
        _need(bool(sign_of(f.jet(box, 2, bits)[1])), f"the slope on the box at {lo.str(8)}")
        _need(left * right == (1 if kind == "monotone" else -1), f"the ends at {lo.str(8)}")
        return left, right
    _need(kind in ("ball", "taylor"), f"no test is called '{kind}'")
    form = f.ball(box, prec=bits)
    if kind == "taylor":
        middle = box.mid()
        inner, outer = f.jet(middle, 2, bits), f.jet(box, 3, bits)[2]
        with precision(bits):
            reach = (box - middle).abs_upper()
            form = inner[0] + inner[1] * (box - middle) + outer * arb(0).union(reach * reach)
    found = sign_of(form) or 0
    _need(found != 0, f"the test '{kind}' on the box at {lo.str(8)}")
    return found, found


def _sign_at(f: Program, point: arb) -> int:
    return next((s for bits in (64, 256, 1024) if (s := sign_of(f.ball(point, prec=bits)))), 0)


def _side(zero: _Zero, lo: Expr, hi: Expr) -> int:
    """-1, 0 or 1 as the zero is at most lo, between, or at least hi."""
    for end, side in ((lo, -1), (hi, 1)):
        if end.is_infinite:
            continue
        if zero.at is not None:
            beyond = order(zero.at, end) * side >= 0
        else:
            c = constant(end, 256)
            beyond = bool(zero.hi <= c if side < 0 else zero.lo >= c)
            within = bool(zero.lo >= c if side < 0 else zero.hi <= c)
            _need(beyond or within, f"the zero beside {end} is inside or outside")
        if beyond:
            return side
    return 0


def _meet(first: _Zero, second: _Zero) -> bool:
    """Whether two zeros, the second in a box that begins later, are one; else it comes later."""
    if second.lo >= first.hi:
        return False
    _need(first.at is not None and second.at is not None, "two zeros are told apart")
    gap = order(first.at, second.at)  # type: ignore[arg-type]
    _need(gap <= 0, "two zeros are told apart")
    return gap == 0


def _dyadic(text: Any) -> arb:
    mantissa, exponent = str(text).split(":")
    _need(len(mantissa) < 4000 and abs(int(exponent)) < 10**6, "a dyadic number m:e")
    m, e = int(mantissa), int(exponent)
    with precision(max(64, m.bit_length() + 8)):
        return arb(fmpz(m)) * arb(2) ** e


def _hull(lo: arb, hi: arb, bits: int) -> arb:
    with precision(bits):
        return lo.union(hi)
