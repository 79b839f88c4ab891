"""The plot directive: what is drawn, and in words for those who do not see it."""

from __future__ import annotations

from typing import Any

import numpy as np
import sympy
from sympy import Rational, S

from symgrad import plot as draw
from symgrad import words
from symgrad.check import errors_at
from symgrad.descent import Adagrad, GradientDescent, Newton, trajectory
from symgrad.errors import InputError
from symgrad.render import text
from symgrad.sphinxext.results.kernels import kernel_of
from symgrad.sphinxext.results.reading import Request, made
from symgrad.sphinxext.setting import Answer, Drawing
from symgrad.tails import tail


def _range(ask: Request, low: str, high: str) -> tuple[Any, Any]:
    ends = [Rational(word) for word in ask.get("range", (low, high))]
    if not ends[0] < ends[1]:
        raise InputError(f"a range is two numbers low < high, got {ends[0]} and {ends[1]}")
    return ends[0], ends[1]


@made
def plot(ask: Request) -> Answer:
    """A picture of the kind asked for, with words for those who do not see it."""
    kind = ask.get("kind", "curve")
    taken = {"kind", *_PLOTS[kind][1]}
    foreign = sorted(set(ask.options) - taken)
    if foreign:
        raise InputError(f"a plot of the kind '{kind}' has no option :{foreign[0]}:")
    return Answer((_PLOTS[kind][0](ask),))


def _curve(ask: Request) -> Drawing:
    functions = [u for part in ask.parts for u in ask.derivatives(part)]
    low, high = _range(ask, "-8", "8")
    log = "log" in ask.options
    shown = ", ".join(text(u.expr) for u in functions)
    how = "on a logarithmic scale, " if log else ""
    return Drawing(
        lambda: draw.curves(functions, on=(low, high), log=log).figure,
        f"Plot of {shown} {how}for x from {low} to {high}",
    )


def _tail(ask: Request) -> Drawing:
    f = ask.function()
    found = tail(f.expr, x=f.x, toward=ask.ends[0], terms=ask.get("terms", 3))
    usual = ("0", "20") if found.toward is S.Infinity else ("-20", "0")
    low, high = _range(ask, *usual)
    return Drawing(
        lambda: draw.tail(found, on=(low, high)).figure,
        f"Plot of {text(f.expr)}, its expansion with {len(found.terms)} terms and the bound of the "
        f"remainder, on a logarithmic scale for x from {low} to {high}",
    )


def _error(ask: Request) -> Drawing:
    f = ask.function()
    low, high = _range(ask, "-40", "40")
    kernel = kernel_of(f.x, f.expr)
    places = np.linspace(float(low), float(high), 801)
    found = errors_at(kernel, places)
    known = np.isfinite(found)
    pairs = list(zip(places[known].tolist(), found[known].tolist(), strict=True))
    switches = [s for s in kernel.switch_points if low < s < high]
    return Drawing(
        lambda: draw.errors(pairs, switches=switches).figure,
        f"Plot of the error in ulp of the kernel of {text(f.expr)} at {len(pairs)} points from "
        f"{low} to {high}; the largest is {max(e for _, e in pairs):.2f}",
    )


def _depth(ask: Request) -> Drawing:
    weight = Rational(ask.get("weight", "1"))
    size = ask.get("depth", 50)
    series = [(part, draw.heights(ask.activation(part), weight, size)) for part in ask.parts]
    return Drawing(
        lambda: draw.depth(series).figure,
        f"Plot of the size of the error term, on a logarithmic scale, against the number of layers "
        f"behind it, up to {size}, all weights {sympy.sstr(weight)}, for {ask.argument}",
    )


_METHODS = {"gradient": GradientDescent, "adagrad": Adagrad, "newton": Newton}


def _descent(ask: Request) -> Drawing:
    f = words.parse(ask.argument, ask.names)
    variables: Any = tuple(sorted(f.free_symbols, key=str))
    if len(variables) != 2:
        raise InputError(f"level lines need two variables, got {len(variables)} in {text(f)}")
    start = [Rational(word) for word in ask.get("start", ("1", "1"))]
    steps, name = ask.get("steps", 50), ask.get("method", "gradient")
    if name == "newton" and "rate" in ask.options:
        raise InputError("Newton's method has no :rate:")
    rate = () if name == "newton" else (Rational(ask.get("rate", "1/10")),)
    path = trajectory(f, dict(zip(variables, start, strict=True)), steps, _METHODS[name](*rate))
    points = [[float(c) for c in point] for point in path.points]
    end = ", ".join(f"{c:.3g}" for c in points[-1])
    return Drawing(
        lambda: draw.contours(f, points, variables).figure,
        f"Level lines of {text(f)} with the path of {path.method} from "
        f"({', '.join(map(str, start))}); after {steps} steps it is at ({end})",
    )


_PLOTS: dict[str, tuple[Any, tuple[str, ...]]] = {
    # kind     what draws it   the options it has
    "curve":   (_curve,        ("orders", "range", "log")),
    "tail":    (_tail,         ("range", "toward", "terms")),
    "error":   (_error,        ("range",)),
    "depth":   (_depth,        ("depth", "weight")),
    "descent": (_descent,      ("start", "steps", "method", "rate")),
}  # fmt: skip
