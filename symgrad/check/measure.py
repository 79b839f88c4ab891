"""One kernel against the oracle: what is called, at which points, and what came back."""

from __future__ import annotations

import math
import warnings
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sympy import Expr, Symbol, log

from symgrad.activation import Activation, Derived, elementary, univariate
from symgrad.check.report import Finding, Limit, Worst
from symgrad.errors import InputError
from symgrad.oracle import (
    Format,
    Kind,
    Values,
    arb_values,
    edges,
    points,
    product_points,
    rounded,
    ulps,
)
from symgrad.oracle.formats import Floats
from symgrad.oracle.limits import limit_float

__all__ = [
    "Part",
    "Subject",
    "Tally",
    "design",
    "judge",
    "limits_of",
    "nan_kept",
    "odd",
    "subject",
    "total",
]


@dataclass(frozen=True)
class Subject:
    """A NumPy callable, the expression that defines it, and where it is likely to break."""

    call: Callable[..., Any]
    name: str
    shown: Expr
    expr: Expr
    args: tuple[Symbol, ...]
    special: tuple[float, ...]
    amplitude_beyond: float | None

    def run(self, columns: Sequence[Floats], fmt: Format) -> tuple[NDArray[Any], list[str], bool]:
        """The results as float64 exactly, the warnings raised, and whether the dtype was kept."""
        given = [np.asarray(c).astype(fmt.dtype) for c in columns]
        with (
            warnings.catch_warnings(record=True) as raised,
            np.errstate(divide="warn", over="warn", invalid="warn", under="ignore"),
        ):
            warnings.simplefilter("always")
            result = np.asarray(self.call(*given))
        right = result.ndim <= 1 and result.size in (1, len(given[0]))
        if result.dtype.kind not in "fiub" or not right:
            raise InputError(
                f"{self.name} must give one real number per point: {len(given[0])} points went in, "
                f"{result.dtype} of shape {result.shape} came back"
            )
        kept = result.dtype == np.dtype(fmt.dtype) and result.shape == given[0].shape
        got = np.broadcast_to(result, given[0].shape).astype(np.float64)
        if fmt.name == "bfloat16":
            got = fmt.cast(got).astype(np.float64)
        return got, [f"{w.category.__name__}: {w.message}" for w in raised], kept


def subject(kernel: Any, expr: Any = None, args: Any = None) -> Subject:
    """Read a kernel, or a plain callable with its expression.

    Raises `InputError` where the defining expression or its variables are not clear.
    """
    shown = expr if expr is not None else getattr(kernel, "expr", None)
    if shown is None:
        raise InputError(
            "a plain callable needs its defining expression: check(f, expr=..., args=x)"
        )
    if not callable(kernel):
        raise InputError(f"a kernel is called with NumPy arrays, got {kernel!r}")
    if isinstance(shown, (list, tuple)):
        raise InputError("a check judges one expression; make one kernel for each")
    names = args if args is not None else getattr(kernel, "args", None)
    if isinstance(shown, (Activation, Derived)) or names is None:
        one = univariate(shown, names if isinstance(names, Symbol) else None)
        shown, names = one.expr, (one.x,)
    names = (names,) if isinstance(names, Symbol) else tuple(names)
    plain = elementary(shown)
    loose = plain.free_symbols - set(names)
    if loose:
        raise InputError(f"{plain} has symbols that are no arguments: {sorted(map(str, loose))}")
    special = [*getattr(kernel, "switch_points", ()), *getattr(kernel, "zeros", ())]
    beyond = getattr(kernel, "amplitude_beyond", None)
    return Subject(
        kernel, str(getattr(kernel, "__name__", None) or shown), shown, plain, names,
        tuple(float(s) for s in special), None if beyond is None else float(beyond),
    )  # fmt: skip


def design(what: Subject, n: int, fmt: Format, seed: int) -> tuple[Floats, ...]:
    """The points of a check; for one argument with every edge, zero and threshold approached."""
    if len(what.args) != 1:
        return product_points(n, len(what.args), fmt, seed)
    found = edges(what.expr, what.args[0], fmt, seed)
    return (points(n, fmt, seed, special=[*what.special, *(e.at for e in found)]),)


Tally = tuple[tuple[float, int], ...]


def exact_tally(errors: Floats) -> Tally:
    """Each error and how often it was seen, in order."""
    sizes, counts = np.unique(errors, return_counts=True)
    return tuple(zip(sizes.tolist(), counts.tolist(), strict=True))


@dataclass(frozen=True, slots=True)
class Part:
    """What some points showed, a block of them or all: the errors and what went wrong."""

    points: int
    rounded: int
    tally: Tally
    worst: Worst | None
    undefined: int
    undecided: int
    wrong_zeros: Finding
    non_finite: Finding
    zero_signs: Finding
    warnings: tuple[str, ...]
    dtype_kept: bool

    def quantile(self, share: float) -> float:
        """The error that this share of the points does not exceed, as finely as they are told."""
        wanted, seen = math.ceil(share * (self.points - 1)), 0
        for size, count in self.tally:
            seen += count
            if seen > wanted:
                return min(size, self.worst.ulp if self.worst else size)
        return 0.0


def judge(
    what: Subject,
    columns: Sequence[Floats],
    values: Values,
    fmt: Format,
    is_odd: bool,
    tally: Callable[[Floats], Tally] = exact_tally,
) -> Part:
    """Call the kernel at the points and judge each result by its true value."""
    got, raised, kept = what.run(columns, fmt)
    known = values.known()
    errors = ulps(got, values, fmt)
    near = _all_near(what, columns)
    if what.amplitude_beyond is not None:
        errors = np.where(near, errors, _by_amplitude(what, errors, columns[0], values, fmt))
    finite = np.isfinite(rounded(values, fmt)[0])
    least = (values.kind == Kind.FINITE) & (values.exponent() >= fmt.bottom) & near
    signed = is_odd & (got == 0) & _sign_wrong(got, columns, values)
    judged = errors[known]
    worst = None
    if len(judged):
        k = int(np.flatnonzero(known)[np.argmax(judged)])
        at = tuple(float(c[k]) for c in columns)
        worst = Worst(at, float(got[k]), values.show(k), float(errors[k]))
    return Part(
        len(judged), int((judged <= 0.5).sum()), tally(judged), worst,
        int((values.kind == Kind.UNDEFINED).sum()), int((values.kind == Kind.UNDECIDED).sum()),
        _finding((got == 0) & least, columns), _finding(finite & ~np.isfinite(got), columns),
        _finding(signed, columns), tuple(dict.fromkeys(raised)), kept,
    )  # fmt: skip


def _finding(where: NDArray[np.bool_], columns: Sequence[Floats]) -> Finding:
    places = np.flatnonzero(where)
    if not len(places):
        return Finding()
    return Finding(len(places), tuple(float(c[places[0]]) for c in columns))


def _all_near(what: Subject, columns: Sequence[Floats]) -> NDArray[np.bool_]:
    if what.amplitude_beyond is None:
        return np.ones(len(columns[0]), np.bool_)
    return np.abs(columns[0]) <= what.amplitude_beyond


def _sign_wrong(got: Floats, columns: Sequence[Floats], values: Values) -> NDArray[np.bool_]:
    """Where a zero of an odd function has not the sign of the value, or of x at ±0."""
    at_zero = columns[0] == 0
    sign = values.sign()
    wanted = np.where(at_zero, np.signbit(columns[0]), sign < 0)
    if at_zero.any():  # f(least) tells whether an odd f rises or falls through zero
        right = np.flatnonzero((columns[0] > 0) & (sign != 0))
        falls = len(right) and sign[right[np.argmin(columns[0][right])]] < 0
        wanted = np.where(at_zero & bool(falls), ~wanted.astype(bool), wanted)
    return (at_zero | (sign != 0)) & (wanted != np.signbit(got))


def _by_amplitude(what: Subject, errors: Floats, x: Floats, values: Values, fmt: Format) -> Floats:
    """The errors in units of the spacing at the largest |f| where |x| is as large to a factor 4.

    Twelve more points of each such stretch say how large f gets there. For log|u| it is the largest
    |u|, where the spacing at the logarithm is less.
    """
    stretch = np.where(np.isfinite(x), (np.frexp(x)[1] - 1) >> 1, 0)
    groups, index = np.unique(stretch * 2 + (x < 0), return_inverse=True)
    share = 1 + 3 * (np.arange(1, 13) * 0.6180339887498949 % 1)
    more = np.ldexp(share[:, None], 2 * (groups >> 1)) * np.where(groups & 1, -1.0, 1.0)
    more = np.clip(fmt.cast(more).astype(np.float64), -fmt.largest, fmt.largest)
    there = arb_values(what.expr, what.args, [more.ravel()], fmt)
    size = _size(values, fmt)
    if isinstance(what.shown, log):
        top, here = rounded(there, fmt)[0].reshape(more.shape).max(0), rounded(values, fmt)[0]
        np.fmax.at(top, index, here)
        with np.errstate(invalid="ignore", over="ignore"):
            unit = np.ldexp(np.exp(here - top[index]), (fmt.spacing(size) + 52).astype(np.intc))
            return errors * np.fmin(unit, 1.0)
    largest = _size(there, fmt).reshape(more.shape).max(0)
    np.maximum.at(largest, index, size)
    shift = fmt.spacing(size) - fmt.spacing(largest[index])
    return np.ldexp(errors, np.minimum(shift, 0).astype(np.intc))


def _size(values: Values, fmt: Format) -> NDArray[np.int64]:
    return np.where(values.kind == Kind.FINITE, values.exponent(), fmt.emin)


def total(parts: Sequence[Part]) -> Part:
    """One part of several, in their order; at least one."""

    def add(law: str) -> Finding:
        found = [getattr(p, law) for p in parts]
        first = next((f.first for f in found if f.first), None)
        return Finding(sum(f.count for f in found), first)

    counts: Counter[float] = Counter()
    for part in parts:
        counts.update(dict(part.tally))
    return Part(
        points=sum(p.points for p in parts),
        rounded=sum(p.rounded for p in parts),
        tally=tuple(sorted(counts.items())),
        worst=max((p.worst for p in parts if p.worst), key=lambda w: w.ulp, default=None),
        undefined=sum(p.undefined for p in parts),
        undecided=sum(p.undecided for p in parts),
        wrong_zeros=add("wrong_zeros"),
        non_finite=add("non_finite"),
        zero_signs=add("zero_signs"),
        warnings=tuple(dict.fromkeys(w for p in parts for w in p.warnings)),
        dtype_kept=all(p.dtype_kept for p in parts),
    )


# what holds beside the numbers


def odd(what: Subject) -> bool:
    """Whether f(−x) = −f(x) at 48 pairs of points, f(0) = 0 among them."""
    if len(what.args) != 1:
        return False
    x = np.concatenate([[0.0], np.geomspace(1e-5, 60.0, 48)])
    right, left = (arb_values(what.expr, what.args, [s * x], max_bits=1280) for s in (1, -1))
    finite = right.kind == Kind.FINITE
    if right.kind[0] != Kind.ZERO or not finite.any():
        return False
    mirrored = (
        (right.hi == -left.hi) & (right.exp == left.exp) & (np.abs(right.lo + left.lo) < 2.0**-80)
    )
    return bool((right.kind == left.kind).all() and mirrored[finite].all())


def nan_kept(what: Subject, fmt: Format) -> bool:
    """Whether nan in any argument gives nan; a constant may give its value."""
    for k, name in enumerate(what.args):
        columns = [np.full(2, np.nan if j == k else 0.5) for j in range(len(what.args))]
        got, _, _ = what.run(columns, fmt)
        if name in what.expr.free_symbols and not np.isnan(got).all():
            return False
    return True


def limits_of(what: Subject, fmt: Format) -> tuple[tuple[Limit, ...], list[str]]:
    """The kernel at ±oo against the limits of f, for one argument; and the warnings there."""
    if len(what.args) != 1:
        return (), []
    ends = np.array([-np.inf, np.inf])
    got, raised, _ = what.run([ends], fmt)
    found = []
    for at, value in zip(ends.tolist(), got.tolist(), strict=True):
        expected = limit_float(what.expr, what.args[0], int(np.sign(at)), fmt)
        found.append(Limit(at, expected, value, _apart(value, expected, fmt)))
    return tuple(found), raised


def _apart(got: float, expected: float | None, fmt: Format) -> float:
    if expected is None or got == expected or (np.isnan(got) and np.isnan(expected)):
        return 0.0
    if not np.isfinite(got) or not np.isfinite(expected):
        return float("inf")
    one = Values.empty(1, 53)
    mantissa, exponent = np.frexp(expected)
    one.put_exact(0, int(np.ldexp(mantissa, 53)), int(exponent) - 53)
    return float(ulps(np.array([got]), one, fmt)[0])
