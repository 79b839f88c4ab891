"""Where a remainder starts and how large it is: K and X, with what proves them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sympy
from flint import arb
from sympy import Expr, Rational, S

from symgrad.errors import DomainError, InputError, LimitError, SymgradError
from symgrad.rigor import constant
from symgrad.tails.beyond import Beyond
from symgrad.tails.constants import expr
from symgrad.tails.germ import Germ, model_of
from symgrad.tails.monomial import Monomial
from symgrad.tails.remainder import (
    STEEP,
    Quotient,
    Walk,
    as_arb,
    far_bound,
    short_above,
    short_upper,
)

__all__ = ["Settled", "exact_from", "settle"]

_STARTS = (
    *(2, 3, 4, 5, 6, 8, 10, 12, 16, 20, 24, 32, 40, 48, 64, 96, 128, 256, 512, 1024, 2**14, 2**20),
    *(10**k for k in (8, 12, 20, 40, 100, 1000, 4000)),
)
_SLACK = arb(105) / 100
_DEEP = 3000
_SHRINK = Rational(15, 16)


@dataclass(frozen=True)
class Settled:
    """|q| ≤ coefficient for y beyond `start`: by the model from `far` on, by boxes below it."""

    coefficient: Expr
    start: Expr
    is_open: bool
    far: Expr
    far_coefficient: Expr
    inner_coefficient: Expr
    boxes: int = 0
    prec: int = 0
    closed: Expr | None = None


def settle(g: Germ, n: int, start: Expr | None = None, cap: Expr | None = None) -> Settled:
    """K and X for the remainder after n terms, toward y → oo.

    K∞ = |c_n| is the limit superior of |q|. Without wishes, X is the outermost point that is
    proved to have K ≤ 2K∞. With `start`, K is for that X; with `cap`, X is for that K.
    """
    limit = g.scale.field.size(g.model.terms[n][1])
    most = arb.pos_inf() if start is not None else limit * 2
    if cap is not None:
        most = constant(cap).lower()
        if not limit <= constant(cap).upper():
            raise InputError(f"no constant below {limit.mid()} can be right, got {cap}")
    low, is_open = lowest(g, n)
    if start is not None:
        if start < low or (start == low and is_open):
            raise DomainError(
                f"the terms or the branch are not defined down to {start}, only from {low}"
            )
        low, is_open = start, False
    goal = low if low.is_Rational or low.is_infinite else _rational_below(low)
    first, far, inner = _far(g, n, limit, goal, most)
    c, least = _exact(g, n), abs(g.scale.field.ball(g.model.terms[n][1])).lower()
    # With an interval of a parameter the boxes in x would be too wide: the model alone speaks.
    q = None if g.scale.field.box else Quotient(g.scale, g.branch, g.model, n)
    # |q| ≤ |c_n| to the last digit, where Lemma 9 says so and no box exceeds it.
    walk = Walk(q, far if c is None or far > limit else least, most, limit)
    near = c if c is not None and far <= limit else short_upper(far)
    end = first
    if q is not None:
        end = walk.down(first, goal, _width(g, n, first), lambda b: _close(g, q, b, walk))
    if start is not None and end != goal:
        raise LimitError(
            f"no bound was proved from {start} on ({walk.stop}); one holds from {end} on"
        )
    K = cap or (c if c is not None and walk.best <= least else short_upper(walk.best.max(limit)))
    shown, is_open = (low, is_open) if end == goal else (end, False)
    return Settled(K, shown, is_open, first, near, inner, walk.boxes, walk.prec, walk.closed)


def _rational_below(c: Expr) -> Any:
    """A short rational within 10⁻⁶ below an exact constant."""
    whole: Any = (constant(c, 128) * 10**6).lower().floor().unique_fmpz()
    return Rational(int(whole), 10**6)


def _exact(g: Germ, n: int) -> Expr | None:
    """|c_n| where it is a constant that prints shortly."""
    c = g.model.terms[n][1]
    if isinstance(c, Expr) and (len(sympy.Add.make_args(c)) > 2 or c.free_symbols):
        return None
    return expr(c) * g.scale.field.sign(c)


def _far(g: Germ, n: int, limit: arb, low: Expr, most: arb) -> tuple[Expr, arb, Expr]:
    """A point from which on the model itself bounds q: within 5 % of K∞, or as far as q can be
    computed.

    Where the growth is steep the point is pulled outward, since boxes would be narrow there.
    """
    best: tuple[Expr, arb, Beyond] | None = None
    enough = (limit * _SLACK).min(most)
    growth = g.model.terms[n][0]
    box = bool(g.scale.field.box)
    starts: list[Any] = [sympy.Integer(k) for k in _STARTS if low.is_infinite or low <= k]
    if low.is_finite and low > 1:
        starts.insert(0, low)
    for start in starts:
        beyond = Beyond(g.scale, as_arb(start))
        if not all(guard(beyond) for guard in g.guards):
            continue
        deep = not beyond.value(growth) > arb(2) ** -_DEEP
        if deep and best is not None:
            break
        far = far_bound(g.model, n, beyond)
        if far <= most and far.is_finite():
            best = (start, far, beyond)
            if far <= enough or (box and start == low):
                break
    if best is None:
        raise LimitError(
            f"the remainder after {n} terms is not bounded up to 10^4000; ask for fewer terms"
        )
    start, far, beyond = best
    if start > low and (box or _width(g, n, start) * STEEP < start):
        for _ in range(64 if box else 8):
            lower = max(-short_above(-start * _SHRINK, 3), low)
            nearer = Beyond(g.scale, as_arb(lower))
            bound = far_bound(g.model, n, nearer)
            fits = bound <= most and bound.is_finite() and 1 < lower < start
            if not (fits and all(guard(nearer) for guard in g.guards)):
                break
            start, far, beyond = lower, bound, nearer
    return start, far, short_upper(beyond.bound(g.model))


def exact_from(g: Germ) -> tuple[Expr, bool]:
    """Where an exact model is an identity."""
    low, is_open = lowest(g, len(g.model.terms))
    if low is S.NegativeInfinity or low < g.floor:
        low, is_open = g.floor, True
    if not g.guards:
        return low, is_open
    for start in _STARTS:
        beyond = Beyond(g.scale, as_arb(sympy.Integer(start)))
        if low <= start and all(guard(beyond) for guard in g.guards):
            return sympy.Integer(start), False
    raise LimitError(f"no point was found from which one branch of {g.branch} holds")


def lowest(g: Germ, n: int) -> tuple[Expr, bool]:
    """How far out the statement can reach: the branch, and where all its terms are defined."""
    used = [m for m, _ in g.model.terms[: n + 1]]
    grows = used[n:]
    low, is_open = g.start, g.open_start
    if any(_needs_log(m) for m in used):
        edge = S.One
    elif any(_needs_positive(m) for m in used) or any(map(_odd, grows)):
        edge = S.Zero
    else:
        return low, is_open
    return (edge, True) if low is S.NegativeInfinity or low <= edge else (low, is_open)


def _width(g: Germ, n: int, start: Expr) -> Rational:
    """A first length on which the growth changes by a factor e² or so."""
    beyond = Beyond(g.scale, as_arb(start))
    rate = sum(
        (g.scale.field.ball(c) * beyond.value(m) for m, c in g.scale.theta(g.model.terms[n][0])),
        arb(0),
    )
    share = 2 / (abs(rate) + 1)
    return short_upper((as_arb(start) * share).min(as_arb(start) / 4), 1)


def _close(g: Germ, q: Quotient, b: Rational, walk: Walk) -> bool:
    """Whether the model of q towards −oo keeps |q| below the cap on (−oo, b]."""
    scale = g.scale
    try:
        mirrored: Any = (q.rest_expr * q.factor_expr).xreplace({scale.x: -scale.x})
        model = model_of(scale, mirrored, 1)
    except SymgradError:  # no germ there: the line is then not closed
        return False
    if model.top is not None and scale.sign(model.top) > 0:
        walk.hopeless = True
        return False
    top = Beyond(scale, as_arb(-b)).supremum(model)
    if not top <= walk.cap:
        return False
    walk.best = walk.best.max(top)
    walk.closed = b
    return True


def _needs_log(m: Monomial) -> bool:
    return len(m.powers) > 1 or any(_needs_log(e) for e, _ in m.exps)


def _needs_positive(m: Monomial) -> bool:
    """Whether the monomial is undefined at 0 or left of it."""
    own = any(not (expr(p).is_Integer and expr(p).is_nonnegative) for p in m.powers)
    return own or any(_needs_positive(e) for e, _ in m.exps)


def _odd(m: Monomial) -> bool:
    """Whether the growth is not positive on the whole line."""
    return any(expr(p) % 2 != 0 for p in m.powers)
