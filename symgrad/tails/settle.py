"""Where a remainder starts and how large it is: K and X, with what proves them.

With q = (f − Σ terms)/growth there are three regions. Beyond a far point X₁ the model with more
terms bounds q; on [X, X₁] boxes do (`walk`); beyond the other end the model of q there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import sympy
from flint import arb
from sympy import Expr, Rational, S

from symgrad.errors import DomainError, InputError, LimitError
from symgrad.rigor import constant, precision
from symgrad.tails.beyond import Beyond, as_arb, nearest, outward, short_upper
from symgrad.tails.constants import expr
from symgrad.tails.germ import Germ
from symgrad.tails.model import Model
from symgrad.tails.monomial import Monomial
from symgrad.tails.walk import Quotient, Walk

__all__ = ["Settled", "exact_from", "settle"]

_SLACK = arb(105) / 100
_STEEP = 50
_DEEP = 3000


@dataclass(frozen=True)
class Settled:
    """|q| ≤ coefficient for y beyond `start`: by the model from `far` on, by boxes below it."""

    coefficient: Expr
    start: Expr
    is_open: bool
    far: Expr
    far_coefficient: Expr
    inner_coefficient: Expr
    walk: Walk | None = None


def settle(g: Germ, n: int, start: Expr | None = None, cap: Expr | None = None) -> Settled:
    """K and X for the remainder after n terms, toward y → oo.

    K∞ = |c_n| is the limit superior of |q|. Without wishes, X is the outermost point that is
    proved to have K ≤ 2K∞. With `start`, K is for that X; with `cap`, X is for that K.
    """
    c = g.model.terms[n][1]
    limit, least = g.scale.field.size(c), abs(g.scale.field.ball(c)).lower()
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
    # |q| ≤ |c_n| to the last digit, where Lemma 9 says so and no box exceeds it.
    end, best, walk = first, far if far > limit else least, None
    near = _shown(g, n, best)
    # With an interval of a parameter the boxes in x would be too wide: the model alone speaks.
    if not g.scale.field.box:
        walk = Walk(Quotient(g, n), best, most, limit)
        end, best = walk.down(first, goal, _width(g, n, first)), walk.best
    if start is not None and end != goal:
        why = walk.stop if walk else "an interval of a parameter allows no boxes"
        raise LimitError(f"no bound was proved from {start} on ({why}); one holds from {end} on")
    shown, is_open = (low, is_open) if end == goal else (end, False)
    return Settled(cap or _shown(g, n, best), shown, is_open, first, near, inner, walk)


def _rational_below(c: Expr) -> Any:
    """A short rational within 10⁻⁶ below an exact constant."""
    whole: Any = (constant(c, 128) * 10**6).lower().floor().unique_fmpz()
    return Rational(int(whole), 10**6)


def _shown(g: Germ, n: int, top: arb) -> Any:
    """The larger of |c_n| and `top`: exactly where it is |c_n| and prints shortly, else rounded."""
    c, field = g.model.terms[n][1], g.scale.field
    short = len(sympy.Add.make_args(expr(c))) <= 2 and not expr(c).free_symbols
    if short and top <= abs(field.ball(c)).lower():
        return expr(c) * field.sign(c)
    return short_upper(top.max(field.size(c)))


def far_bound(model: Model, n: int, beyond: Beyond) -> arb:
    """An upper bound of |q| on [X, oo).

    q = c_n + Σ_{i>n} c_i m_i/m_n + r/m_n. Where the next term has the other sign and dominates all
    later ones, q stays between c_n and c_n − 2|c_{n+1}|·sup(m_{n+1}/m_n).
    """
    field = beyond.scale.field
    (growth, c), later = model.terms[n], model.only(model.terms[n + 1 :])
    first, top = field.ball(c), field.size(c)
    if later.is_zero:
        return top
    with precision(64):
        share = beyond.ratio(later.top, growth)
        if later.terms:
            d = later.terms[0][1]
            next_ball, rest = field.ball(d), beyond.amplitude(later) - beyond.size(d)
            opposite = next_ball * first < 0 and rest < abs(next_ball)
            if opposite and share * abs(next_ball) <= abs(first):
                return top
        return (top + beyond.amplitude(later) * share).upper()


def _far(g: Germ, n: int, limit: arb, low: Expr, most: arb) -> tuple[Any, arb, Expr]:
    """A point from which on the model itself bounds q: within 5 % of K∞, or as far as q can be
    computed.

    Where the growth is steep the point is pulled outward, since boxes would be narrow there.
    """
    best: tuple[Any, arb] | None = None
    box, growth = bool(g.scale.field.box), g.model.terms[n][0]
    enough = most if box else (limit * _SLACK).min(most)
    for start, beyond in _holding(g, low):
        if best is not None and not beyond.value(growth) > arb(2) ** -_DEEP:
            break
        far = far_bound(g.model, n, beyond)
        if far <= most and far.is_finite():
            best = start, far
            if far <= enough:
                break
    if best is None:
        raise LimitError(
            f"the remainder after {n} terms is not bounded up to 10^4000; ask for fewer terms"
        )
    start, far = best
    if start > low and (box or _width(g, n, start) * _STEEP < start):

        def fits(point: Any) -> bool:
            beyond = Beyond(g.scale, as_arb(point))
            bound = far_bound(g.model, n, beyond)
            return bool(bound <= most) and all(guard(beyond) for guard in g.guards)

        start = nearest(max(low, S.Zero), start, fits)
        far = far_bound(g.model, n, Beyond(g.scale, as_arb(start)))
    return start, far, short_upper(Beyond(g.scale, as_arb(start)).bound(g.model))


def _holding(g: Germ, low: Expr) -> Iterator[tuple[Any, Beyond]]:
    """Points from `low` outward from which the branch holds."""
    for start, beyond in outward(g.scale, low):
        if all(guard(beyond) for guard in g.guards):
            yield start, beyond


def exact_from(g: Germ) -> tuple[Expr, bool]:
    """Where an exact model is an identity."""
    low, is_open = lowest(g, len(g.model.terms))
    if low is S.NegativeInfinity or low < g.floor:
        low, is_open = g.floor, True
    if not g.guards:
        return low, is_open
    start, _ = next(_holding(g, low), (None, None))
    if start is None:
        raise LimitError(f"no point was found from which one branch of {g.branch} holds")
    return start, False


def lowest(g: Germ, n: int) -> tuple[Expr, bool]:
    """How far out the statement can reach: the branch, and where all its terms are defined."""
    used = [m for m, _ in g.model.terms[: n + 1]]
    if any(_needs_log(m) for m in used):
        edge = S.One
    elif any(_needs_positive(m) for m in used) or any(map(_odd, used[n:])):
        edge = S.Zero
    else:
        return g.start, g.open_start
    inside = g.start is S.NegativeInfinity or g.start <= edge
    return (edge, True) if inside else (g.start, g.open_start)


def _width(g: Germ, n: int, start: Expr) -> Rational:
    """A first length on which the growth changes by a factor e² or so."""
    beyond, at = Beyond(g.scale, as_arb(start)), as_arb(start)
    rates = (g.scale.field.ball(c) * beyond.value(m) for m, c in g.scale.theta(g.model.terms[n][0]))
    rate = abs(sum(rates, arb(0)))  # not finite where log x starts, at 1
    return short_upper(
        at * ((2 / (rate + 1)).min(arb(1) / 4) if rate.is_finite() else arb(1) / 4), 1
    )


def _needs_log(m: Monomial) -> bool:
    return len(m.powers) > 1 or any(_needs_log(e) for e, _ in m.exps)


def _needs_positive(m: Monomial) -> bool:
    """Whether the monomial is undefined at 0 or left of it."""
    own = any(not (expr(p).is_Integer and expr(p).is_nonnegative) for p in m.powers)
    return own or any(_needs_positive(e) for e, _ in m.exps)


def _odd(m: Monomial) -> bool:
    """Whether the growth is not positive on the whole line."""
    return any(expr(p) % 2 != 0 for p in m.powers)
