"""The certificate of a proved inequality: pieces, factors, boxes and tails, as JSON.

It holds claims alone, no search: on each box the test that decides it and at how many bits, at each
touching point its order, toward each open end the leading term and the remainder. `verify` checks
every claim again. The digest guards the text against a slip; the checks do not rely on it.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

import sympy
from flint import arb
from sympy import Expr, S, Symbol

from symgrad.bounds.chart import Chart
from symgrad.bounds.chart import Part as Factor
from symgrad.bounds.closed import is_positive
from symgrad.bounds.ends import toward_of
from symgrad.codec import encode
from symgrad.errors import SymgradError, UnsupportedError
from symgrad.fact import Proved
from symgrad.prove.dominance import dominated
from symgrad.prove.inequality import Inequality, Part
from symgrad.rigor.roots import Isolation, Root
from symgrad.tails import tail

__all__ = ["FORMAT", "certificate", "digest", "dumps"]

FORMAT = "symgrad-certificate-1"


def certificate(proof: Inequality) -> dict[str, Any]:
    """The certificate of a proved inequality, ready for `json.dumps`.

    Raises `UnsupportedError` where the statement is not proved, or a part of its proof has no
    certificate.

    >>> from sympy import Symbol, exp
    >>> from symgrad.prove import prove, verify
    >>> x = Symbol("x", real=True)
    >>> bool(verify(certificate(prove(exp(x) >= 1 + x))))
    True
    """
    if not isinstance(proof.verdict, Proved):
        raise UnsupportedError(f"only a proved statement has a certificate, got {proof.verdict}")
    body = {
        "format": FORMAT,
        "statement": encode(proof.statement),
        "variable": encode(proof.x),
        "on": encode(proof.on),
        "pieces": [_piece(part, proof.x) for part in proof.parts],
        "points": [[encode(at), strict] for at, _, strict in proof.points],
    }
    return {**body, "digest": digest(body)}


def dumps(proof: Inequality) -> str:
    """The certificate as text."""
    return json.dumps(certificate(proof), indent=1, ensure_ascii=False)


def digest(body: dict[str, Any]) -> str:
    """SHA-256 of the canonical text of a certificate without its digest."""
    plain = {k: v for k, v in body.items() if k != "digest"}
    text = json.dumps(plain, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _piece(part: Part, x: Symbol) -> dict[str, Any]:
    return {
        "h": encode(part.h),
        "strict": part.strict,
        "lo": encode(part.lo),
        "hi": encode(part.hi),
        "factors": [_factor(f, x, part.chart) for f in part.chart.parts],
        "waves": [_wave(wave, x) for wave in part.semidefinite],
    }


def _wave(wave: tuple[Expr, int, int, Expr, Chart], x: Symbol) -> dict[str, Any]:
    p, n, sign, period, chart = wave
    return {
        "p": encode(p),
        "n": n,
        "sign": sign,
        "period": encode(period),
        "start": encode(chart.lo),
        "factors": [_factor(f, x, chart) for f in chart.parts],
    }


def _factor(f: Factor, x: Symbol, chart: Chart) -> dict[str, Any]:
    found: dict[str, Any] = {"p": encode(f.p), "n": f.n}
    if not f.p.has(x):
        return {**found, "by": "constant", "sign": f.signs[0]}
    if is_positive(f.p, x):
        return {**found, "by": "shape", "sign": 1}
    tails = [
        _tail(f, x, end, side, k)
        for k, (end, side) in enumerate(((chart.lo, -1), (chart.hi, 1)))
        if f.ends[k] is not None
    ]
    found |= {"by": "boxes", "tails": tails, "boxes": []}
    if f.isolation is not None:
        found["boxes"] = _boxes(f.isolation)
    return found


def _tail(f: Factor, x: Symbol, end: Expr, side: int, k: int) -> dict[str, Any]:
    """The claim p(x(u)) = T₁ + ... + r, |r| ≤ K·R, |T₂| + ... + K·R < |T₁| for all u ≥ U."""
    known: Any = f.ends[k]
    place, _ = toward_of(end, side)
    u: Any
    (u,) = place.free_symbols
    start = _start(place, u, known.start)
    g = f.p.subs(x, place)
    for terms in (1, 2, 3, 4):
        try:
            found = tail(g, terms=terms, valid_from=start, x=u)
        except SymgradError:
            continue
        r = found.remainder
        rests = list(found.terms[1:]) + ([r.coefficient * r.growth] if r else [])  # type: ignore
        if dominated(found.terms[0], rests, u, start):  # type: ignore[arg-type]
            return {
                "end": "lo" if side < 0 else "hi",
                "u": encode(u),
                "x": encode(place),
                "from": encode(start),
                "terms": [encode(t) for t in found.terms],
                "coefficient": encode(r.coefficient) if r else None,
                "growth": encode(r.growth) if r else None,
                "sign": known.sign,
            }
    raise UnsupportedError(f"the tail of {f.p} toward {end} is proved, but has no certificate")


def _start(place: Expr, u: Symbol, start: Expr) -> Expr:
    """The u at which x(u) is the point where the compact part ends."""
    (found,) = sympy.solve(place - start, u)
    return S(found)


def _boxes(isolation: Isolation) -> list[list[Any]]:
    """[lo, hi, kind, sign, bits], or [lo, hi, "touch", point, order, signs] at a touching point."""
    rows: list[list[Any]] = []
    for leaf in isolation.leaves:
        ends = [_dyadic(leaf.lo), _dyadic(leaf.hi)]
        if isinstance(leaf, Root):
            rows.append([*ends, "touch", encode(leaf.at), leaf.multiplicity, list(leaf.signs)])
        else:
            rows.append([*ends, leaf.kind, leaf.sign, leaf.bits])
    return rows


def _dyadic(b: arb) -> str:
    """An exact ball as m·2^e, written m:e."""
    mantissa, exponent = b.man_exp()
    return f"{mantissa}:{exponent}"
