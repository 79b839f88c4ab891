"""Plots: each function takes an Axes, or makes one, and returns it.

Curves are values of balls, so that a tail is drawn right where a float is zero: on a logarithmic
scale the height is log₁₀|f|, of any size. Every curve has its own dash and colour, so a print in
black says the same. `save` writes the same bytes for the same figure.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import IO, TYPE_CHECKING, Any

import numpy as np
import sympy
from flint import arb, fmpq
from sympy import Expr, S, Symbol

from symgrad.activation import Activation, Univariate, X, univariate
from symgrad.depth import boundaries
from symgrad.errors import InputError, UndecidedError, UnsupportedError
from symgrad.kernels import lambdify
from symgrad.pieces import branches
from symgrad.render import latex, text
from symgrad.rigor import precision, program

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = [
    "Curve", "contours", "curves", "depth", "errors", "gradients", "heights", "initialisations",
    "phase_plane", "sample", "save", "tail",
]  # fmt: skip

_DASHES: tuple[Any, ...] = (
    "-", (0, (6, 2)), (0, (1.5, 1.5)), (0, (8, 2, 2, 2)), (0, (4, 1, 1, 1, 1, 1)),
)  # fmt: skip
_INKS = ("#0b3d91", "#b5420a", "#00745a", "#8a3f86", "#4d4d4d")
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_WORK = (64, 256, 1024, 4096)
"""Bits tried in turn until a value has `_BITS` of them right."""
_BITS = 20


@dataclass(frozen=True, slots=True)
class Curve:
    """f at some points: `sign` and `height` = log₁₀|f|; nan where f is not decided, −oo at zero."""

    x: tuple[float, ...]
    sign: tuple[int, ...]
    height: tuple[float, ...]

    @property
    def y(self) -> list[float]:
        """f itself as floats, zero where it is too small for one."""
        return [
            s * 10.0**h if h < 308 else math.nan
            for s, h in zip(self.sign, self.height, strict=True)
        ]


def sample(f: Any, on: tuple[Any, Any], *, points: int = 401, x: Symbol | None = None) -> Curve:
    """The curve of a function of one variable at equidistant points of [on[0], on[1]].

    Raises `InputError` for an empty interval or a function with parameters left open.

    >>> sample(sympy.exp(-Symbol("x")), (0, 2000), points=3).height[1]
    -434.29448190325184
    """
    u = f if isinstance(f, Univariate) else univariate(f, x)
    run = program(_closed(u), u.x)
    low, high = (Fraction(str(end)) for end in on)
    if not low < high or points < 2:
        raise InputError(f"a curve needs low < high and two points, got {on} and {points}")
    places = [low + (high - low) * k / (points - 1) for k in range(points)]
    found = [_signed_height(run, place) for place in places]
    return Curve(tuple(map(float, places)), *map(tuple, zip(*found, strict=True)))


def _closed(u: Univariate) -> Expr:
    open_ = u.elementary.free_symbols - {u.x}
    if open_:
        names = ", ".join(sorted(map(str, open_)))
        raise InputError(f"a plot needs numbers for the parameters {names} of {text(u.expr)}")
    return u.elementary


def _signed_height(run: Any, place: Fraction) -> tuple[int, float]:
    """(sign, log₁₀|f|) at one point."""
    at = fmpq(place.numerator, place.denominator)
    for bits in _WORK:
        with precision(bits):
            value = run.ball(arb(at), prec=bits)
            if value.is_zero():
                return 0, -math.inf
            if value.is_finite() and value.rel_accuracy_bits() >= _BITS:
                middle = value.mid()
                return (1 if middle > 0 else -1), float(abs(middle).log() / arb(10).log())
    return 0, math.nan


def curves(
    functions: Iterable[Any],
    ax: Axes | None = None,
    *,
    on: tuple[Any, Any] = (-8, 8),
    log: bool = False,
    points: int = 401,
    labels: Sequence[str] = (),
) -> Axes:
    """The graphs of functions of one variable; with `log`, of log₁₀|f|."""
    read = [f if isinstance(f, Univariate) else univariate(f) for f in functions]
    names = labels or [_label(u.expr) for u in read]
    series = []
    for name, u in zip(names, read, strict=True):
        line = sample(u, on, points=points)
        series.append((name, *_gapped(line.x, line.height if log else line.y, _jumps(u))))
    ax = _drawn(ax, series, "function")
    return _finished(ax, _label(read[0].x), log=log, on=on)


def _jumps(u: Univariate) -> list[tuple[float, bool]]:
    """The points where f jumps, and whether the value there is that of the right side."""
    try:
        parts = branches(u.elementary, u.x)
    except (UnsupportedError, UndecidedError):
        return []
    found = []
    for (left, before), (right, after) in pairwise(parts):
        if isinstance(left, sympy.FiniteSet) or isinstance(right, sympy.FiniteSet):
            continue
        with precision(64):
            at = program(right.inf).ball()
            sides = [program(side, u.x).ball(at) for side in (before, after)]
            if sides[0].is_finite() and sides[1].is_finite() and not sides[0].overlaps(sides[1]):
                found.append((float(right.inf), right.contains(right.inf) is sympy.true))
    return found


def _gapped(
    x: Sequence[float], y: Sequence[float], jumps: Sequence[tuple[float, bool]]
) -> tuple[list[float], list[float]]:
    """The points with a gap in the line at each jump."""
    across, up = list(x), list(y)
    for at, belongs_right in jumps:
        place = bisect_left(across, at) if belongs_right else bisect_right(across, at)
        across.insert(place, at)
        up.insert(place, math.nan)
    return across, up


def tail(
    found: Any,
    ax: Axes | None = None,
    *,
    on: tuple[Any, Any] | None = None,
    points: int = 301,
) -> Axes:
    """log₁₀ of |f|, of its tail expansion, and the band that the remainder proves for f.

    `found` is a `Tail`. The band is drawn where the expansion is larger than its remainder's bound.
    """
    start, rest = _start(found), found.remainder
    span = on or tuple(sorted((start, start + (20 if found.toward is sympy.oo else -20))))
    shown = {_label(found.head, "f"): found.formula}
    if found.sum != 0:
        shown["expansion" if len(found.terms) > 1 else "leading term"] = found.sum
    if rest is not None:
        shown["bound of the remainder"] = rest.coefficient * rest.growth
    lines = [sample(f, span, points=points, x=found.x) for f in shown.values()]
    series = [(name, one.x, one.height) for name, one in zip(shown, lines, strict=True)]
    ax = _drawn(ax, series, "function")
    if found.sum != 0 and rest is not None:
        below, above = zip(*_band(lines[1], lines[2]), strict=True)
        ax.fill_between(lines[1].x, below, above, color=_INKS[1], alpha=0.2, hatch="///",
                        linewidth=0, label="where f is proved to lie")  # fmt: skip
    return _finished(ax, _label(found.x), log=True, on=span)


def _start(found: Any) -> int:
    """A round place at which the expansion holds."""
    start = found.valid_from
    if start in (sympy.oo, -sympy.oo):
        return 0
    return int(sympy.ceiling(start) if found.toward is sympy.oo else sympy.floor(start))


def _band(model: Curve, bound: Curve) -> Iterator[tuple[float, float]]:
    """log₁₀ of |model| ∓ bound, point by point; nan where the bound is not the smaller one."""
    for m, b in zip(model.height, bound.height, strict=True):
        ratio = 10.0 ** min(b - m, 0.0) if math.isfinite(m) and math.isfinite(b) else math.nan
        inside = ratio < 1
        yield (m + math.log10(1 - ratio) if inside else math.nan, m + math.log10(1 + ratio))


def errors(
    points: Sequence[tuple[float, float]], ax: Axes | None = None, *, switches: Sequence[float] = ()
) -> Axes:
    """Error in ulp against x, from (x, error) pairs; `switches` are the kernel's switch points."""
    ax = ax or _axes()
    if not points:
        raise InputError("a plot needs at least one point")
    across, up = zip(*points, strict=True)
    ax.plot(across, up, ".", color=_INKS[0], markersize=2.5, label=f"{len(points)} points")
    ax.axhline(0.5, color=_INKS[1], linestyle=_DASHES[1], linewidth=1, label="half a unit")
    for number, place in enumerate(switches):
        ax.axvline(place, color=_INKS[4], linestyle=_DASHES[2], linewidth=0.9,
                   label="switch points" if number == 0 else None)  # fmt: skip
    ax.set_ylim(0, 1.25 * max([0.5, *filter(math.isfinite, up)]))
    return _finished(ax, "$x$", "error in ulp", loc="upper center", ncols=3)


def depth(
    series: Sequence[tuple[str, Sequence[float]]],
    ax: Axes | None = None,
    *,
    xlabel: str = "layers back from the last, $L - l$",
    ylabel: str = r"$\log_{10}\,|\delta^{l}|$",
) -> Axes:
    """Heights log₁₀|δˡ| against depth, one dash a series of (name, heights)."""
    lines = [(name, range(len(heights)), heights) for name, heights in series]
    ax = _drawn(ax, lines, "series", marked=True)
    return _finished(ax, xlabel, ylabel)


def heights(g: Activation, weight: Any, layers: int, at: Any = 1) -> list[float]:
    """log₁₀|δˡ/δᴸ| for L − l = 0, 1, ..., layers: all weights w, no bias, input x = `at`.

    The list ends where 512 bits no longer decide the value, or where it is exactly zero.

    >>> from symgrad.catalogue import identity
    >>> heights(identity, sympy.Rational(1, 10), 3)
    [0.0, -1.0, -2.0, -3.0]
    """
    value, slope = (program(g.derivative(n).expr, X) for n in (0, 1))
    with precision(512):
        w, a = (program(sympy.sympify(c, strict=True)).ball(prec=512) for c in (weight, at))
        slopes = []
        for _ in range(layers):
            slopes.append(slope.ball(w * a, prec=512))
            a = value.ball(w * a, prec=512)
        found, total = [0.0], arb(0)
        for one in reversed(slopes):
            factor = abs(w * one)
            if not factor.is_finite() or factor.contains(0) or factor.rel_accuracy_bits() < _BITS:
                break
            total += factor.log()
            found.append(float(total / arb(10).log()))
    return found


def contours(
    f: Expr,
    path: Sequence[Sequence[float]],
    variables: tuple[Symbol, Symbol],
    ax: Axes | None = None,
    *,
    on: tuple[Any, Any] | None = None,
    points: int = 61,
) -> Axes:
    """Level lines of f in two variables with a path of points on them, first and last marked.

    Without `on` both axes hold the path, the origin and a tenth more on each side.
    """
    ax = ax or _axes()
    if not path or any(len(p) != 2 for p in path):
        raise InputError("a path on level lines is one or more points in the plane")
    columns = [[float(p[k]) for p in path] for k in (0, 1)]
    reach = 1.1 * max(max(map(abs, column)) for column in columns) or 1.0
    low, high = on or (-reach, reach)
    grid = [float(low) + (float(high) - float(low)) * k / (points - 1) for k in range(points)]
    run = program(f, *variables)
    heights = [[float(run.ball(arb(u), arb(v)).mid()) for u in grid] for v in grid]
    known = sorted(h for row in heights for h in row if math.isfinite(h))
    if not known or known[0] == known[-1]:
        raise InputError(f"{text(f)} has no level lines on [{low}, {high}]²")
    shares = (0.01, 0.04, 0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 0.92)
    levels = sorted({known[int(share * (len(known) - 1))] for share in shares})
    lines = ax.contour(grid, grid, heights, levels=levels, colors="#777777", linewidths=0.8)
    ax.clabel(lines, fmt=lambda level: f"{level:.2g}", fontsize=7)
    ax.plot(*columns, marker=".", markersize=4, linewidth=1, color=_INKS[0], label="path")
    ax.plot(columns[0][0], columns[1][0], "s", color=_INKS[1], label="start")
    ax.plot(columns[0][-1], columns[1][-1], "*", markersize=10, color=_INKS[2],
            label=f"after {len(path) - 1} steps")  # fmt: skip
    ax.set_xlabel(_label(variables[0]))
    ax.set_ylabel(_label(variables[1]))
    ax.legend(frameon=True, fontsize=9)
    return ax


def gradients(path: Any, ax: Axes | None = None, *, prefix: str = "w__") -> Axes:
    """log₁₀|∂C/∂wˡ| against the step of a `Trajectory`, and below all of them log₁₀ C."""
    found = path.gradient_heights(prefix).items()
    series = [(_label(variable), range(len(sizes)), sizes) for variable, sizes in found]
    ax = _drawn(ax, series, f"variable of this path that starts with {prefix!r}", marked=True)
    cost = [float(sympy.log(c, 10).n(15)) if c > 0 else math.nan for c in path.values]
    ax.plot(range(len(cost)), cost, color="black", linewidth=2.4, alpha=0.5, label="cost")
    return _finished(ax, "step", "size of the gradient", log=True)


def initialisations(found: Any, ax: Axes | None = None) -> Axes:
    """log₁₀|δˡ/δᴸ| against L − l: medians measured, and through them the line of each law.

    `found` is a `depth.Comparison`; where more than half of the chains are dead the points end.
    """
    ax = ax or _axes()
    for number, (law, points) in enumerate(zip(found.laws, found.measured, strict=True)):
        alive = {n: h for n, h in enumerate(points) if math.isfinite(h)}
        ax.plot([*alive], [*alive.values()], linestyle="", markersize=4, label=law.weights.name,
                color=_look(number)["color"], **_marks(number, len(points)))  # fmt: skip
        layers = range(1, len(points))
        if law.equal_layers is not None:
            sizes = [float(abs(law.equal_layers.predict(n)).log()) for n in layers]
        elif law.exponent is not None:
            sizes = [float(law.exponent) * n for n in layers]
        else:
            continue
        ax.plot(layers, [size / math.log(10) for size in sizes], **_look(number))
    across = "layers back from the last, $L - l$"
    return _finished(ax, across, r"median of $|\delta^{l}/\delta^{L}|$", log=True)


def phase_plane(
    g: Any,
    ax: Axes | None = None,
    *,
    w: tuple[float, float] = (-8, 8),
    b: tuple[float, float] = (-8, 8),
    at: float = 1,
    points: int = 81,
    layers: int = 400,
) -> Axes:
    """The (w, b) plane: log₁₀|P_n|/n measured from z¹ = `at`, and the exact boundary curves.

    On the thick line a fixed point has the multiplier 1 (fold), on the thick dashed one −1 (flip).
    Level lines bear their numbers; hatched is where |P_n| grows, dotted where P_n is exactly 0.
    """
    if not (w[0] < w[1] and b[0] < b[1] and points > 1 and layers > 0):
        raise InputError(f"a plane needs low < high, points and layers, got {w}, {b}, {points}")
    ax = ax or _axes()
    f = univariate(g)
    value, slope = lambdify(f.x, _closed(f)), lambdify(f.x, f.elementary.diff(f.x))
    across, up = (np.linspace(float(lo), float(hi), points) for lo, hi in (w, b))
    weights, biases = np.meshgrid(across, up)
    z, total = np.full(weights.shape, float(at)), np.zeros(weights.shape)
    with np.errstate(all="ignore"):  # escaping orbits leave the floats, dead ones have log 0
        for _ in range(layers):
            total += np.log10(np.abs(weights * slope(z)))
            z = np.clip(weights * value(z) + biases, -1e300, 1e300)
    rate = np.where(np.isneginf(total), np.nan, total / layers)
    levels = [h for h in (-3, -2, -1, -0.5, -0.25, -0.1, 0, 0.25, 0.5) if np.nanmin(rate) < h]
    lines = ax.contour(across, up, rate, levels=levels, colors="#777777", linewidths=0.7,
                       linestyles="solid")  # fmt: skip
    ax.clabel(lines, fmt="%g", fontsize=7)
    for shown, hatch in ((rate > 1e-3, "///"), (np.isneginf(total), "...")):
        if shown.any():
            ax.contourf(across, up, shown, levels=[0.5, 1.5], colors="none", hatches=[hatch])
    for number, (name, curve) in enumerate(boundaries(g).items()):
        run = [program(e.xreplace({S.ComplexInfinity: S.NaN}), f.x) for e in curve]
        pairs = [[_float(r.ball(arb(t) / 64)) for r in run] for t in range(-2048, 2049)]
        far = 4 * max(map(abs, (*w, *b)))  # a line through infinity would cross the plane
        pairs = [p if max(map(abs, p)) < far else [math.nan] * 2 for p in pairs]
        ax.plot(*zip(*pairs, strict=True), color=_INKS[number], linewidth=2.2,
                linestyle=_DASHES[number],
                label=f"{name}: multiplier {1 - 2 * number}")  # fmt: skip
    ax.set_xlim(*map(float, w))
    ax.set_ylim(*map(float, b))
    ax.set_xlabel("$w$")
    ax.set_ylabel("$b$")
    ax.legend(frameon=True, fontsize=8, loc="upper left")
    return ax


def _float(ball: arb) -> float:
    """The middle of a ball that is known, else nan: a gap in the line."""
    return float(ball.mid()) if ball.is_finite() and ball.rad() < 1 else math.nan


def save(figure: Figure, stream: IO[bytes], kind: str = "svg") -> None:
    """Write a figure as svg, pdf or png: the same bytes for the same figure, letters as shapes."""
    dates = {"svg": "Date", "pdf": "CreationDate"}
    if kind not in (*dates, "png"):
        raise InputError(f"a plot is written as svg, pdf or png, got {kind!r}")
    with _style():
        metadata = {dates[kind]: None} if kind in dates else {}
        figure.savefig(stream, format=kind, metadata=metadata, dpi=160)


@contextmanager
def _style() -> Iterator[None]:
    try:
        import matplotlib as mpl
    except ImportError:
        raise UnsupportedError("plots need matplotlib: pip install 'symgrad[plot]'") from None
    settings: Any = {
        "svg.hashsalt": "symgrad", "svg.fonttype": "path", "mathtext.fontset": "cm",
        "font.family": "sans-serif", "font.size": 10, "figure.facecolor": "white",
        "axes.facecolor": "white", "path.simplify": True, "hatch.linewidth": 0.4,
    }  # fmt: skip
    with mpl.rc_context(settings):
        yield


def _axes() -> Axes:
    with _style():
        from matplotlib.figure import Figure

        figure = Figure(figsize=(6.4, 3.6))
        figure.subplots_adjust(left=0.12, right=0.965, bottom=0.14, top=0.97)
        return figure.subplots()


def _look(number: int) -> dict[str, Any]:
    return {  # of five dashes and five inks, no pair twice before the twenty-sixth curve
        "linestyle": _DASHES[(number + number // 5) % 5], "color": _INKS[number % 5],
        "linewidth": 1.6,
    }  # fmt: skip


def _marks(number: int, points: int) -> dict[str, Any]:
    """A mark of its own for each of several series, at about every twelfth of its points."""
    return {"marker": "osv^DP"[number % 6], "markevery": max(1, points // 12)}


def _drawn(
    ax: Axes | None, series: Sequence[tuple[str, Any, Any]], what: str, *, marked: bool = False
) -> Axes:
    """The axes with a line for each (name, across, up); `what` says what these are."""
    if not series:
        raise InputError(f"a plot needs at least one {what}")
    ax = ax or _axes()
    for number, (name, across, up) in enumerate(series):
        marks = {**_marks(number, len(up)), "markersize": 3} if marked else {}
        ax.plot(across, up, label=name, **marks, **_look(number))
    return ax


def _finished(
    ax: Axes, across: str, up: str = "", *, log: bool = False, on: tuple[Any, Any] | None = None,
    **legend: Any,
) -> Axes:  # fmt: skip
    """The axes with their words, a grid and a legend, over `on`."""
    ax.set_xlabel(across)
    ax.set_ylabel(up)
    ax.grid(visible=True, linewidth=0.4, color="#cccccc")
    if on is not None:
        ax.set_xlim(*(float(Fraction(str(end))) for end in on))
    if log:
        from matplotlib.ticker import FuncFormatter, MaxNLocator

        ax.yaxis.set_major_locator(MaxNLocator(nbins=6, integer=True))
        ax.yaxis.set_major_formatter(FuncFormatter(lambda height, _: _power(height)))
    ax.legend(edgecolor="none", framealpha=0.9, fontsize=9, **legend)
    return ax


def _power(height: float) -> str:
    """10ⁿ, in letters: a formula takes far longer to set. Nothing between whole n."""
    raised = f"{height:.0f}".translate(_RAISED)
    return f"10{raised}" if height == round(height) else ""


def _label(formula: Any, otherwise: str = "") -> str:
    """A formula in mathtext where that can set it, else as text."""
    from matplotlib.mathtext import MathTextParser

    if otherwise and len(text(formula)) > 40:
        return otherwise
    words = f"${latex(formula)}$"
    try:
        MathTextParser("path").parse(words)
    except ValueError:
        return text(formula).replace("$", r"\$")
    return words
