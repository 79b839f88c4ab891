"""|b₁| + ... + |bₖ| < |a| for all u ≥ U, for exp-log monomials: what closes a tail.

|bᵢ/a| does not increase on [U, oo) when u·d/du log|bᵢ/a|, again a sum of monomials, is ≤ 0 there:
its positive terms are dominated by a negative one, by the same argument. The values at U decide.
Lemma "monotone ratio" in docs/theorems/tails.rst.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sympy
from flint import arb
from sympy import Expr, S, Symbol

from symgrad.codec import encode
from symgrad.errors import UndecidedError
from symgrad.rigor import constant, precision, sign
from symgrad.tails import tail

__all__ = ["decreases", "dominated", "tail_claim"]

_DEEPEST = 6


def tail_claim(p: Expr, x: Symbol, end: Expr, side: int, start: Expr, terms: int) -> dict[str, Any]:
    """The row of a certificate that gives p its sign between an end and x(U), U = `start`.

    p(x(u)) = T₁ + ... + r, |r| ≤ K·R, |T₂| + ... + K·R < |T₁| for all u ≥ U, where x(u) = ±u or
    end ∓ 1/u; `side` is 1 for the upper end. Raises `UndecidedError` where T₁ is not seen to lead.
    """
    u: Any = Symbol("u", positive=True)
    place = side * u if end.is_infinite else end - side / u
    found = tail(p.subs(x, place), terms=terms, valid_from=start, x=u)
    r: Any = found.remainder
    leading, *rests = found.terms
    late = r is not None and not sign(start - r.valid_from) >= 0
    if late or not dominated(leading, rests + ([r.coefficient * r.growth] if r else []), u, start):
        raise UndecidedError(f"the leading term {leading} of {p} toward {end} is not dominant")
    return {
        "end": "lo" if side < 0 else "hi",
        "u": encode(u),
        "x": encode(place),
        "from": encode(start),
        "terms": [encode(t) for t in found.terms],
        "coefficient": encode(r.coefficient) if r else None,
        "growth": encode(r.growth) if r else None,
        "sign": sign(leading.subs(u, start)),
    }


def dominated(a: Expr, others: Sequence[Expr], u: Symbol, start: Expr) -> bool:
    """Whether Σ|others| < |a| on [start, oo), proved; False says nothing.

    >>> from sympy import exp
    >>> u = Symbol("u", positive=True)
    >>> dominated(exp(u), [u, S.One], u, S(2)), dominated(u, [exp(u)], u, S(2))
    (True, False)
    """
    total = _ratios(a, others, u, start, 0)
    return total is not None and bool(total < 1)


def _ratios(a: Expr, others: Sequence[Expr], u: Symbol, start: Expr, depth: int) -> arb | None:
    """A bound of Σ|others/a| on [start, oo), or None."""
    with precision(128):
        total = arb(0)
        for b in others:
            ratio = sympy.powsimp(sympy.expand_power_base(b / a))
            if not decreases(ratio, u, start, depth):
                return None
            total += abs(constant(ratio.subs(u, start), 128))
        return total if total.is_finite() else None


def decreases(m: Expr, u: Symbol, start: Expr, depth: int = 0) -> bool:
    """Whether |m| does not increase on [start, oo), start > 0, for a monomial m in u."""
    if not m.has(u):
        return True
    if depth > _DEEPEST:
        return False
    slope = sympy.expand(sympy.Add(*(u * _log_slope(f, u) for f in sympy.Mul.make_args(m))))
    terms = sympy.Add.make_args(sympy.expand(slope))
    positive = [t for t in terms if not _is_negative(t, u, start)]
    if not positive:
        return True
    for t in terms:
        if t not in positive:
            bound = _ratios(t, positive, u, start, depth + 1)
            if bound is not None and bool(bound <= 1):
                return True
    return False


def _log_slope(factor: Any, u: Symbol) -> Expr:
    """d/du log|factor| for a power, an exponential, a logarithm or a constant."""
    if not factor.has(u):
        return S.Zero
    if isinstance(factor, sympy.exp):
        return sympy.diff(factor.exp, u)
    base, power = factor.as_base_exp()
    if not power.has(u) and power != 1:
        return power * _log_slope(base, u)
    return factor.diff(u) / factor


def _is_negative(t: Expr, u: Symbol, start: Expr) -> bool:
    """Whether a term c·monomial is ≤ 0 on [start, oo); a logarithm there is positive past 1."""
    c, rest = t.as_independent(u)
    logs = [f for f in rest.atoms(sympy.log) if f.has(u)]
    with precision(128):
        if logs and not bool(constant(start, 128) > 1):
            return False
        return bool(constant(c, 128) <= 0)
