"""The certificate of a proved inequality: pieces, factors, boxes and tails, as JSON.

It holds claims alone, no search: on each box the test that decides it and at how many bits, at each
touching point its order, toward each open end the leading term and the remainder. `verify` checks
every claim again. The digest guards the text against a slip; the checks do not rely on it.
"""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from typing import Any

from flint import arb
from sympy import Expr, Symbol

from symgrad.bounds.chart import Chart
from symgrad.bounds.chart import Part as Factor
from symgrad.bounds.closed import is_positive
from symgrad.codec import encode
from symgrad.errors import SymgradError, UnsupportedError
from symgrad.fact import Proved
from symgrad.prove.dominance import tail_claim
from symgrad.prove.inequality import Inequality, Part, Wave
from symgrad.rigor.roots import Isolation, Root

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
        "points": [[encode(at), strict] for at, strict in proof.points],
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
        "lo": encode(part.chart.lo),
        "hi": encode(part.chart.hi),
        "factors": [_factor(f, x, part.chart) for f in part.chart.parts],
        "waves": [_wave(wave, x) for wave in part.waves],
    }


def _wave(wave: Wave, x: Symbol) -> dict[str, Any]:
    return {
        "p": encode(wave.p),
        "n": wave.n,
        "sign": wave.sign,
        "period": encode(wave.period),
        "start": encode(wave.chart.lo),
        "factors": [_factor(f, x, wave.chart) for f in wave.chart.parts],
    }


def _factor(f: Factor, x: Symbol, chart: Chart) -> dict[str, Any]:
    found: dict[str, Any] = {"p": encode(f.p), "n": f.n}
    if not f.p.has(x):
        return {**found, "by": "constant", "sign": f.signs[0]}
    if is_positive(f.p, x):
        return {**found, "by": "shape", "sign": 1}
    rows = [
        _tail(f.p, x, end, side, known.start)
        for known, end, side in zip(f.ends, (chart.lo, chart.hi), (-1, 1), strict=True)
        if known is not None
    ]
    boxes = _boxes(f.isolation) if f.isolation is not None else []
    return {**found, "by": "boxes", "tails": rows, "boxes": boxes}


def _tail(p: Expr, x: Symbol, end: Expr, side: int, stop: Expr) -> dict[str, Any]:
    """The claim with the fewest terms that closes the tail beyond `stop`."""
    start = side * stop if end.is_infinite else side / (end - stop)
    for terms in (1, 2, 3, 4):
        with suppress(SymgradError):
            return tail_claim(p, x, end, side, start, terms)
    raise UnsupportedError(f"the tail of {p} toward {end} is proved, but has no certificate")


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
