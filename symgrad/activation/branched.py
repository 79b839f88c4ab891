"""A formula with pieces and all its derivatives: who owns a break point, and with what value."""

from __future__ import annotations

from functools import cached_property, lru_cache
from typing import Any

import sympy
from sympy import Expr, Piecewise, S, Symbol

from symgrad.activation.definition import Kink, X
from symgrad.calculus import limit_at, smooth_derivative, vanishes
from symgrad.errors import DomainError, UndecidedError
from symgrad.pieces import branches, order, same

__all__ = ["Branched", "bound"]

FORMULA = "the slope of the branch that the formula takes here"


@lru_cache(maxsize=2048)
def bound(
    expr: Expr, values: tuple[tuple[Symbol, Expr], ...], stated: tuple[Kink, ...]
) -> Branched:
    """The formula with its parameters given."""
    body: Any = expr.subs(dict(values), simultaneous=True)
    return Branched(body, stated)


class Branched:
    """The formula as smooth parts between break points, with every derivative.

    At a break point a derivative takes the common limit where both sides have one (the formula may
    be 0/0 there), and where they differ the value of one side: that of the stated slope, else of
    the part of the formula that holds there.
    """

    def __init__(self, expr: Expr, stated: tuple[Kink, ...] = ()) -> None:
        self.expr = expr
        self.stated = stated
        self._derivatives: dict[int, Expr] = {}
        self._sides: dict[tuple[int, int, bool], Expr | None] = {}

    @cached_property
    def _parts(self) -> tuple[tuple[Expr, ...], tuple[Expr, ...], tuple[tuple[bool, Expr], ...]]:
        """Break points, smooth parts, and at each point (held by the left part?, value of g)."""
        points: list[Expr] = []
        parts: list[Expr] = []
        owners: list[tuple[bool, Any]] = []
        lone: Expr | None = None
        previous: Any = None
        for domain, part in branches(_open_sinc(self.expr), X):
            if isinstance(domain, sympy.FiniteSet):
                lone = part
                continue
            if previous is not None:
                at = domain.inf  # type: ignore[attr-defined]
                left = not previous.right_open
                value = lone if lone is not None else (parts[-1] if left else part).subs(X, at)
                points.append(at)
                owners.append((left, value))
            parts.append(part)
            previous, lone = domain, None
        return tuple(points), tuple(parts), tuple(owners)

    def _smooth(self, k: int, n: int) -> Expr:
        return smooth_derivative(self._parts[1][k], X, n)

    def _side(self, k: int, n: int, right: bool) -> Expr | None:
        """The limit of the n-th derivative at break point k from one side."""
        key = (k, n, right)
        if key not in self._sides:
            self._sides[key] = limit_at(self._smooth(k + right, n), X, self._parts[0][k])
        return self._sides[key]

    def _continuous(self, k: int, n: int) -> bool:
        """Whether g, ..., g⁽ⁿ⁾ are continuous at break point k."""
        for m in range(n + 1):
            left, right = (self._side(k, m, right) for right in (False, True))
            if left is None or right is None or not same(left, right):
                return False
            if m == 0 and not same(left, self._parts[2][k][1]):
                return False
        return True

    @cached_property
    def jumps(self) -> tuple[Expr, ...]:
        return tuple(p for k, p in enumerate(self._parts[0]) if not self._continuous(k, 0))

    @cached_property
    def kinks(self) -> tuple[Kink, ...]:
        found = []
        for k, point in enumerate(self._parts[0]):
            if self._continuous(k, 1):
                continue
            stated = next((s for s in self.stated if same(s.at, point)), None)
            if stated is None:
                left, right = (self._side(k, 1, right) for right in (False, True))
                slope = left if self._parts[2][k][0] else right
                stated = Kink(point, S.NaN if slope is None else slope, FORMULA)
            found.append(Kink(point, stated.slope, stated.convention))
        return tuple(found)

    def derivative(self, n: int) -> Expr:
        if n not in self._derivatives:
            self._derivatives[n] = self.expr if n == 0 else self._joined(n)
        return self._derivatives[n]

    def _joined(self, n: int) -> Expr:
        points, parts, owners = self._parts
        slopes = {kink.at: kink.slope for kink in self.kinks}
        alone: list[tuple[Any, Any]] = []
        pairs: list[tuple[Any, Any]] = []
        for k in range(len(parts)):
            here = self._smooth(k, n)
            if k == len(points):
                pairs.append((here, S.true))
                break
            point, after = points[k], self._smooth(k + 1, n)
            ends = [self._side(k, n, right) for right in (False, True)]
            left_owns, _ = owners[k]
            agree = [True, True]
            if point in slopes:
                sides = [self._side(k, 1, right) for right in (False, True)]
                agree = [s is not None and same(s, slopes[point]) for s in sides]
                left_owns = agree[0] and (left_owns or not agree[1])
            elif self._continuous(k, n):
                left_owns = False
            value = ends[0] if left_owns else ends[1]
            if n == 1 and not any(agree):
                value = slopes[point]
            if value is None:
                value = S.NaN
            side = here if left_owns else after
            if not same_value(side, point, value):
                alone.append((value, sympy.Eq(X, point)))
            if here != after:
                pairs.append((here, point >= X if left_owns else point > X))
        return pairs[0][0] if len(pairs) == 1 and not alone else Piecewise(*alone, *pairs)

    def one_sided(self, at: Expr, side: str, n: int) -> Expr:
        points, parts, _ = self._parts
        place = sum(1 for p in points if order(p, at) < (1 if side == "+" else 0))
        value = limit_at(smooth_derivative(parts[place], X, n), X, at)
        if value is None:
            raise DomainError(f"derivative {n} has no finite limit at {at} from the side {side}")
        return value

    @cached_property
    def symmetry(self) -> str:
        if not self.expr.has(Piecewise):
            pairs: list[Any] = [(self.expr, self.expr)]
        else:
            points, parts, _ = self._parts
            mirrored = zip(points, reversed(points), strict=True)
            try:
                if not all(same(p, -q) for p, q in mirrored):
                    return ""
            except UndecidedError:
                return ""
            pairs = list(zip(parts, reversed(parts), strict=True))
        for name, flip in (("odd", 1), ("even", -1)):
            if all(vanishes(f + flip * g.xreplace({X: -X}), X) for f, g in pairs):
                return name
        return ""


def same_value(side: Expr, at: Expr, value: Expr) -> bool:
    """Whether the expression takes that value at the point by substitution."""
    found = side.subs(X, at)
    if found == value:
        return True
    if found.has(S.NaN, S.ComplexInfinity, S.Infinity, S.NegativeInfinity) or value is S.NaN:
        return False
    return same(found, value)


def _open_sinc(expr: Any) -> Expr:
    """sinc(u) as sin(u)/u off u = 0, which is what can be differentiated."""
    return expr.replace(
        sympy.sinc, lambda u: Piecewise((sympy.sin(u) / u, sympy.Ne(u, 0)), (S.One, True))
    )
