"""The regimes of a function of one variable: its branches, its symmetry, its single points."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
from flint import arb
from sympy import Expr, FiniteSet, S, Symbol, sympify

from symgrad.errors import UnsupportedError
from symgrad.kernels import emit
from symgrad.kernels.smooth import BITS, LogAbs, Smooth, as_float
from symgrad.kernels.stretch import Design, Noted, Stretch
from symgrad.oracle import FLOAT32, FLOAT64, Format
from symgrad.pieces import branches
from symgrad.rigor import constant, precision

__all__ = ["Design", "design"]


def design(
    expr: Expr, x: Symbol, kinks: Sequence[tuple[float, float]] = (), log_abs: bool = False
) -> Design:
    """The regimes for f(x) = expr, or log|expr|; `kinks` are points with a value by convention."""
    parts: Sequence[tuple[Any, Any]] = branches(expr, x)
    symmetry = _symmetry(parts, x, kinks)
    symmetry = abs(symmetry) if log_abs else symmetry
    covered = partial(_design, parts, x, kinks, log_abs)

    def one_line(fmt: Format) -> Design | None:
        try:
            found = covered(max(symmetry, 0), fmt, True)
        except UnsupportedError:
            return None
        only = found.regimes[0]
        if fmt is FLOAT32 and found.points:  # limits: it is good for what is finite
            found.points = [(p, v) for p, v in found.points if math.isfinite(p)]
            found.regimes[0] = replace(only, lower=-fmt.largest)
        alone = found.fast and len(found.regimes) == 1
        return found if alone and _mirrors(only.method, symmetry, fmt) else None

    plan = (one_line(FLOAT64) if symmetry < 0 else None) or covered(symmetry)
    main = plan.by_use[0].method
    if plan.symmetry and isinstance(main, str) and _mirrors(main, symmetry, FLOAT64):
        plan = covered(0)
    short = one_line(FLOAT32)
    if short is not None:
        plan.short, plan.own = short.regimes[0], short.own
    return plan


def _design(
    parts: Sequence[tuple[Any, Any]], x: Symbol, kinks: Sequence[tuple[float, float]],
    log_abs: bool, symmetry: int, fmt: Format = FLOAT64, lines: bool = False,
) -> Design:  # fmt: skip
    plan = Design(symmetry)
    domain: Any
    for domain, formula in parts:
        if isinstance(domain, FiniteSet):
            place: Any = next(iter(domain))
            at, value = (as_float(constant(c, 160)) for c in (place, formula))
            if log_abs:
                value = math.log(abs(value)) if value else -math.inf
            if at or value or not plan.symmetry < 0:
                plan.points.append((at, value))
            continue
        low, high = (
            float(end) if end.is_infinite else _edge(constant(end, 200), bool(above), fmt)
            for end, above in ((domain.inf, domain.left_open), (domain.sup, not domain.right_open))
        )
        if plan.symmetry:
            low = max(low, 0.0)
            if low <= fmt.least and not any(at == 0 for at, _ in plan.points):
                low = 0.0  # a removable singularity at 0 whose value the series gives
        if plan.symmetry < 0 and domain.contains(0) == S.true:
            middle = formula.subs(x, 0)
            value = as_float(constant(middle, 160)) if middle.is_finite else 0.0
            if value:  # odd but for the value by convention at 0
                plan.points.append((0.0, value))
        if low < high and not (plan.symmetry and high <= 0):
            f = LogAbs(formula, x) if log_abs else Smooth(formula, x)
            Stretch(plan, f, low, high, fmt, lines).cover()
    plan.points += kinks
    if plan.symmetry:
        plan.zeros = [s * z + 0.0 for z in plan.zeros for s in ((1.0, -1.0) if z else (1.0,))]
        plan.points += [(-at, plan.symmetry * value) for at, value in plan.points if at == math.inf]
    plan.zeros = sorted(set(plan.zeros))
    plan.regimes.sort(key=lambda r: r.lower)
    _merge_lines(plan, fmt)
    _unfold(plan, fmt)
    _drop_points(plan)
    return plan


def _method(method: Any) -> Any:
    return emit.line(method) if isinstance(method, str) else method


def _merge_lines(plan: Design, fmt: Format) -> None:
    """One line with `np.where` instead of several regimes that are lines and constants."""
    for at, value in list(plan.points):  # a kink's own value may be that of the left side
        for left, right in pairwise(plan.regimes):
            if at == left.upper and left.method == value and right.method != value:
                place = plan.regimes.index(left)
                edge = _edge(arb(at), True, fmt)
                plan.regimes[place : place + 2] = [
                    replace(left, upper=edge), replace(right, lower=edge)
                ]  # fmt: skip
    regimes = plan.regimes
    if not 2 <= len(regimes) <= 6 or not all(isinstance(r.method, (str, float)) for r in regimes):
        return
    if plan.amplitude_beyond is not None:  # what is far out seldom occurs
        return
    if any(a.upper != b.lower for a, b in pairwise(regimes)):
        return
    texts = [r.method if isinstance(r.method, str) else repr(r.method) for r in regimes]
    if any("exp_square" in t for t in texts):  # a look at the range first costs less
        return
    first, last, low, high = 0, len(regimes) - 1, -math.inf, math.inf
    if _is_held(regimes[0].method, regimes[1].method, regimes[1].lower):
        first, low = 1, regimes[1].lower
    if last > first and _is_held(regimes[-1].method, regimes[-2].method, regimes[-1].lower):
        last, high = last - 1, regimes[-1].lower
    clamp = f"np.clip(x, {low!r}, {high!r})" if low > -math.inf or high < math.inf else "x"
    text = texts[last]
    for r, t in zip(regimes[first:last][::-1], texts[first:last][::-1], strict=True):
        text = f"select(x < {r.upper!r}, {t}, {text})"
    if "x" not in texts[last].replace("exp", ""):
        text = f"select(x == x, {text}, x)"
    text = emit.at(text, clamp)
    why = "; ".join(f"from {r.lower!r}: {r.why}" for r in regimes)
    plan.regimes = [Noted(regimes[0].lower, regimes[-1].upper, text, why)]


def _is_held(constant: Any, method: Any, edge: float) -> bool:
    """Whether a constant regime goes on with the value that its neighbour has at the edge."""
    if not isinstance(constant, float) or not isinstance(method, str):
        return False
    return bool(emit.line(method)(np.float64(edge)) == constant)


def _unfold(plan: Design, fmt: Format) -> None:
    """One line for the whole axis of an even function: in x if that is even, else in |x|."""
    only = plan.regimes[0]
    if plan.symmetry <= 0 or len(plan.regimes) > 1 or not isinstance(only.method, str):
        return
    text = only.method
    if not _mirrors(text, 1, fmt):
        if only.lower > 0 or only.upper < math.inf:
            return
        text = emit.at(text, "np.absolute(x)")
    plan.symmetry = 0
    plan.regimes = [replace(only, lower=-math.inf, method=text)]


def _mirrors(text: str, symmetry: int, fmt: Format) -> bool:
    """Whether a line has a symmetry to the last bit, zeros with their sign."""
    if not symmetry:
        return True
    exponents = np.linspace(fmt.bottom, fmt.emax - 1, 400).astype(int)
    binades = np.ldexp(np.linspace(1.0, 1.97, 400), exponents)
    x = np.concatenate([binades, np.linspace(0, 30, 200), [math.inf]])
    method = emit.line(text)
    with np.errstate(all="ignore"):
        ahead, back = (np.broadcast_to(method(v), x.shape) for v in (x, -x))
    same = (back == symmetry * ahead) & (np.signbit(back) == np.signbit(symmetry * ahead))
    return bool(np.all(same | (np.isnan(back) & np.isnan(ahead))))


def _drop_points(plan: Design) -> None:
    """Leave out the single points where the regime in force gives the value by itself."""
    kept: dict[float, float] = {}
    for at, value in plan.points:
        for r in plan.regimes:
            if r.lower <= at < r.upper or at == r.upper == math.inf:
                if not isinstance(r.method, (str, float)):
                    continue
                method: Any = _method(r.method)
                got = method
                if callable(method):
                    with np.errstate(all="ignore"):
                        got = float(np.asarray(method(np.float64(at))))
                if got == value and (at or not plan.symmetry):
                    break
        else:
            kept[at] = value
    plan.points = list(kept.items())


def _edge(c: arb, above: bool, fmt: Format) -> float:
    """The least number of the type that is at least c (or above it)."""
    place = int(fmt.ordinal(fmt.cast(as_float(c)))) - 1
    while True:
        near = float(fmt.at(place))
        if bool(arb(near) > c) or not (above or bool(arb(near) < c)):
            return near
        place += 1


def _symmetry(
    parts: Sequence[tuple[Any, Any]], x: Symbol, kinks: Sequence[tuple[float, float]]
) -> int:
    """−1, 1 or 0: the Taylor series at ±p agree to 100 bits, at points p of every stretch."""
    ends = sorted({abs(float(e)) for d, _ in parts for e in (d.inf, d.sup) if e.is_finite})
    places = [0.3701171875, 1.318359375, 2.89453125, 5.1640625, 23.109375]
    places += [(a + b) / 2 for a, b in pairwise(ends)] + [e + 0.7109375 for e in ends]
    for sign in (-1, 1):
        if all(_mirrored(parts, x, p, sign) for p in places) and all(
            (-a, sign * v) in kinks for a, v in kinks
        ):
            return sign
    return 0


def _mirrored(parts: Sequence[tuple[Any, Any]], x: Symbol, p: float, sign: int) -> bool:
    formulas = [
        next((e for d, e in parts if d.contains(q) == S.true), None)
        for q in (sympify(p), sympify(-p))
    ]
    if formulas[0] is None or formulas[1] is None:
        return False
    here = Smooth(formulas[0], x).series(arb(p), arb(1) / 64)
    there = Smooth(formulas[1], x).series(arb(-p), arb(1) / 64)
    if here is None or there is None:
        return False
    with precision(BITS):
        size = max((abs(c.mid()) for c in here), key=float)
        gaps = [
            abs((a - sign * (-1) ** k * b).mid())
            for k, (a, b) in enumerate(zip(here, there, strict=True))
        ]
        return all(bool(g <= size * arb(2) ** (5 * k - 100)) for k, g in enumerate(gaps[:10]))
