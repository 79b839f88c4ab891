"""Means under a density, as exact constants that enclose themselves.

∫ f p is cut at the kinks, the zeros of the slope and the ends of the support. Beside a finite end r
it is taken in t = 1/|x − r|, beside ±oo in t = |x|, so that every piece is ∫_T^∞ F(t) dt. The range
[T, X] is a sum of Taylor polynomials about midpoints, each with Lagrange's remainder in balls. For
the rest the tail engine gives |F| t^{3/2} ≤ B(t) with a decreasing B, and

    |∫_X^∞ F| ≤ B(X) ∫_X^∞ t^{-3/2} dt = 2 B(X)/√X.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise
from typing import Any

import sympy
from flint import arb
from sympy import Expr, Interval, Rational, S, Symbol
from sympy.printing.precedence import PRECEDENCE

from symgrad.activation import univariate
from symgrad.bounds import zeros
from symgrad.depth.map import between
from symgrad.errors import DomainError, InputError, UndecidedError, UnsupportedError
from symgrad.pieces import branches
from symgrad.rigor import Enclosure, Program, constant, precision, program
from symgrad.rigor.constants import Digits
from symgrad.tails import tail

__all__ = ["Mean", "log_size", "mean_log_slope"]

_BITS = 64
_TERMS = 24
_FARTHEST = 400
_T = Symbol("t", positive=True)


class Mean(Digits):
    """E f(x) = ∫ f(x) p(x) dx over the interval `on`, enclosed to about 64 bits.

    Raises `UndecidedError` where no integrable bound of f p is found at an end.

    >>> x = Symbol("x", real=True)
    >>> half = Mean(x, sympy.exp(-2 * x), x, Interval(0, sympy.oo))
    >>> half, half.enclose().ball().contains(arb(1) / 4)
    (0.250000000000000, True)
    """

    __slots__ = ()

    def __new__(cls, f: Expr, p: Expr, x: Symbol, on: Any) -> Mean:
        return super().__new__(cls, f, p, x, on)

    def enclose(self) -> Enclosure:
        """Two rationals with the mean between them."""
        return Enclosure.of_ball(self._arb_(_BITS))

    def _arb_(self, bits: int) -> arb:
        return _integral(*self.parts)

    @property
    def precedence(self) -> int:
        return PRECEDENCE["Add" if self._arb_(_BITS) < 0 else "Atom"]

    def _sympystr(self, printer: Any) -> str:
        ball = self._arb_(_BITS)
        return ball.str(3) if ball.contains(0) else str(self.n(15))

    def _latex(self, printer: Any) -> str:
        return self._sympystr(printer)


def log_size(f: Expr) -> Expr:
    """log|f|, without bars."""
    return sympy.log(f**2) / 2


def mean_log_slope(g: Any, density: Expr, z: Symbol, on: Any = S.Reals) -> Mean:
    """E log|g'(z)| where z has the given density on an interval: what a layer's slope costs.

    Raises `UndecidedError` where g' is zero on an interval (then it is −oo), or an end resists.

    >>> from symgrad.catalogue import sigmoid
    >>> z = Symbol("z", real=True)
    >>> mean_log_slope(sigmoid, sigmoid.d(1)(z).doit(), z)
    -2.00000000000000
    """
    f = univariate(g)
    slope: Any = f.elementary.diff(f.x).xreplace({f.x: z})
    return Mean(log_size(slope), density, z, on)


@lru_cache(maxsize=256)
def _integral(f: Expr, p: Expr, x: Symbol, on: Any) -> arb:
    if not isinstance(on, Interval):
        raise InputError(f"a density lives on one interval, got {on}")
    total = arb(0)
    for domain, smooth in branches(f * p, x):
        part = domain & on
        if smooth.has(S.ComplexInfinity, S.NegativeInfinity, S.NaN):
            raise DomainError(f"the mean is infinite: {f} is not finite on {domain}")
        if isinstance(part, Interval) and smooth != 0:
            for lo, hi in pairwise(_cuts(smooth, x, part)):
                with precision(_BITS + 32):
                    total += _between(smooth, x, lo, hi)
    return total


def _cuts(f: Expr, x: Symbol, on: Interval) -> list[Expr]:
    """The ends of the interval and the singular points of the logarithms inside it, in order."""
    found = {on.inf, on.sup}
    for e in f.atoms(sympy.log):
        inner: Any = zeros(e.args[0], on, x=x)
        if not inner.verdict or (not inner.set.is_FiniteSet and inner.set is not S.EmptySet):
            raise UndecidedError(f"the zeros of {e.args[0]} on {on} are not finitely many points")
        found |= set(inner.set)
    return sorted(found, key=lambda r: float(r))


def _between(f: Expr, x: Symbol, lo: Expr, hi: Expr) -> arb:
    """∫ f over (lo, hi), by halves."""
    middle = between(lo, hi)
    total = arb(0)
    for end, side in ((lo, 1), (hi, -1)):
        if end.is_infinite:  # x = ∓t needs a start at t > 0
            at, start = middle, -side * middle
            if not start > 0:
                total += _compact(program(f, x), *sorted((at, -side * S.One)))
                start = S.One
            turned: Any = f.xreplace({x: -side * _T})
            total += _beyond(turned, start)
        else:
            turned = f.xreplace({x: end + side / _T})
            total += _beyond(turned / _T**2, 1 / abs(middle - end))
    return total


def _beyond(F: Expr, start: Any) -> arb:
    """∫_start^∞ F(t) dt."""
    bound = _bound(F)
    code = program(F, _T)
    low = constant(start, _BITS + 32)
    total, far = arb(0), bound(low * arb(2) ** (_FARTHEST - 1))
    if far is None or not far < 1:
        raise UndecidedError(f"no integrable bound of {F} is found towards infinity")
    for _ in range(_FARTHEST):
        rest = bound(low)
        if rest is not None and rest < arb(2) ** -_BITS:
            return total + arb(0, rest.abs_upper())
        total += _panel(code, low, 2 * low, 0)
        low = 2 * low
    raise UndecidedError(f"{F} falls too slowly to be integrated to {_BITS} bits")


def _bound(F: Expr) -> Any:
    """X ↦ 2 B(X)/√X, or None where B is not known to decrease from X on."""
    found = tail(F * _T ** Rational(3, 2), x=_T, terms=1)
    if not found.verdict:
        raise UndecidedError(f"no proved bound of {F} is found towards infinity")
    parts = [*found.terms, *([] if found.is_exact else [found.error])]
    sizes = [(program(e, _T), program(_growth(e), _T)) for e in parts]
    valid = constant(found.valid_from, 64) if found.valid_from.is_finite else None

    def at(X: arb) -> arb | None:
        if (valid is not None and not valid <= X) or not X > 1:
            return None
        if not all(rate.ball(X, prec=_BITS) <= 0 for _, rate in sizes):
            return None
        return 2 * sum((abs(e.ball(X, prec=_BITS)) for e, _ in sizes), arb(0)) / X.sqrt()

    return at


def _growth(e: Expr) -> Expr:
    """A decreasing majorant of t e'(t)/e(t) for e = c t^a (log t)^b exp(−Σ c_i t^{d_i})."""
    total: Any = S.Zero
    factor: Any
    for factor in sympy.Mul.make_args(e):
        base, power = factor.as_base_exp()
        if isinstance(factor, sympy.exp):
            top: Any = factor.args[0]
            terms = sympy.Add.make_args(sympy.expand(_T * top.diff(_T)))
            if not all(_falls(term) for term in terms):
                raise UndecidedError(f"{e} is not known to decrease")
            total += sympy.Add(*terms)
        elif base == _T:
            total += power
        elif base == sympy.log(_T):
            total += sympy.Max(power, 0) / sympy.log(_T)
        elif factor.has(_T):
            raise UndecidedError(f"{e} is not known to decrease")
    return total


def _falls(term: Any) -> bool:
    """Whether the term is −c t^d with c, d > 0."""
    c, rest = term.as_independent(_T)
    base, d = rest.as_base_exp()
    return bool(c.is_negative and base == _T and d.is_positive)


def _compact(code: Program, lo: Any, hi: Any) -> arb:
    return _panel(code, constant(lo, _BITS + 32), constant(hi, _BITS + 32), 0)


def _panel(code: Program, lo: arb, hi: arb, depth: int) -> arb:
    """∫ over [lo, hi]: Taylor about the midpoint with Lagrange's remainder, halved until small."""
    prec = _BITS + 32
    middle = ((lo + hi) / 2).mid()
    half = (lo.union(hi) - middle).abs_upper()
    over = code.jet(lo.union(hi), _TERMS + 1, prec)[_TERMS]
    rest = 2 * over.abs_upper() * half ** (_TERMS + 1) / (_TERMS + 1)
    if rest < arb(2) ** -(_BITS + 8):
        jet = code.jet(middle, _TERMS, prec)
        a, b = lo - middle, hi - middle
        total = sum(
            (c * (b ** (k + 1) - a ** (k + 1)) / (k + 1) for k, c in enumerate(jet)), arb(0)
        )
        return total + arb(0, rest)
    if depth > 40:
        raise UnsupportedError(f"{code.expr} is too rough between {lo} and {hi}")
    return _panel(code, lo, middle, depth + 1) + _panel(code, middle, hi, depth + 1)
