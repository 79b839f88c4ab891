"""The plot directive: what is drawn, and in words for those who do not see it."""

from __future__ import annotations

from typing import Any

import numpy as np
import sympy
from sympy import Rational, S

from symgrad import plot, words
from symgrad.check import errors_at
from symgrad.descent import Adagrad, GradientDescent, Newton, trajectory
from symgrad.errors import InputError
from symgrad.render import text
from symgrad.sphinxext.results.kernels import kernel_of
from symgrad.sphinxext.results.reading import (
    Options,
    Request,
    activation,
    derivatives,
    function,
    made,
    names,
)
from symgrad.sphinxext.setting import Answer, Drawing
from symgrad.tails import tail


def _range(options: Options, low: str, high: str) -> tuple[Any, Any]:
    ends = [Rational(word) for word in options.get("range", (low, high))]
    if not ends[0] < ends[1]:
        raise InputError(f"a range is two numbers low < high, got {ends[0]} and {ends[1]}")
    return ends[0], ends[1]


@made
def plot_(request: Request, options: Options) -> Answer:
    """A picture of the kind asked for, with words for those who do not see it."""
    kind = options.get("kind", "curve")
    taken = {"kind", *_PLOTS[kind][1]}
    foreign = sorted(set(options) - taken)
    if foreign:
        raise InputError(f"a plot of the kind '{kind}' has no option :{foreign[0]}:")
    return Answer((_PLOTS[kind][0](request, options),))


def _curve(request: Request, options: Options) -> Drawing:
    parts = request["argument"].split("|")
    functions = [u for part in parts for u in derivatives(request, options, part.strip())]
    low, high = _range(options, "-8", "8")
    log = "log" in options
    shown = ", ".join(text(u.expr) for u in functions)
    how = "on a logarithmic scale, " if log else ""
    return Drawing(
        lambda: plot.curves(functions, on=(low, high), log=log).figure,
        f"Plot of {shown} {how}for x from {low} to {high}",
    )


def _tail(request: Request, options: Options) -> Drawing:
    f = function(request)
    toward = S.NegativeInfinity if options.get("toward") == "-oo" else S.Infinity
    found = tail(f.expr, x=f.x, toward=toward, terms=options.get("terms", 3))
    usual = ("0", "20") if toward is S.Infinity else ("-20", "0")
    low, high = _range(options, *usual)
    return Drawing(
        lambda: plot.tail(found, on=(low, high)).figure,
        f"Plot of {text(f.expr)}, its expansion with {len(found.terms)} terms and the bound of the "
        f"remainder, on a logarithmic scale for x from {low} to {high}",
    )


def _error(request: Request, options: Options) -> Drawing:
    f = function(request)
    low, high = _range(options, "-40", "40")
    kernel = kernel_of(f.x, f.expr)
    places = np.linspace(float(low), float(high), 801)
    found = errors_at(kernel, places)
    known = np.isfinite(found)
    pairs = list(zip(places[known].tolist(), found[known].tolist(), strict=True))
    switches = [s for s in kernel.switch_points if low < s < high]
    return Drawing(
        lambda: plot.errors(pairs, switches=switches).figure,
        f"Plot of the error in ulp of the kernel of {text(f.expr)} at {len(pairs)} points from "
        f"{low} to {high}; the largest is {max(e for _, e in pairs):.2f}",
    )


def _depth(request: Request, options: Options) -> Drawing:
    weight = Rational(options.get("weight", "1"))
    size = options.get("depth", 50)
    series = []
    for part in request["argument"].split("|"):
        g = activation(request, part.strip())
        series.append((part.strip(), plot.heights(g, weight, size)))
    return Drawing(
        lambda: plot.depth(series).figure,
        f"Plot of the size of the error term, on a logarithmic scale, against the number of layers "
        f"behind it, up to {size}, all weights {sympy.sstr(weight)}, for {request['argument']}",
    )


_METHODS = {"gradient": GradientDescent, "adagrad": Adagrad, "newton": Newton}


def _descent(request: Request, options: Options) -> Drawing:
    f = words.parse(request["argument"], names(request))
    variables: Any = tuple(sorted(f.free_symbols, key=str))
    if len(variables) != 2:
        raise InputError(f"level lines need two variables, got {len(variables)} in {text(f)}")
    start = [Rational(word) for word in options.get("start", ("1", "1"))]
    steps, name = options.get("steps", 50), options.get("method", "gradient")
    if name == "newton" and "rate" in options:
        raise InputError("Newton's method has no :rate:")
    rate = () if name == "newton" else (Rational(options.get("rate", "1/10")),)
    path = trajectory(f, dict(zip(variables, start, strict=True)), steps, _METHODS[name](*rate))
    points = [[float(c) for c in point] for point in path.points]
    end = ", ".join(f"{c:.3g}" for c in points[-1])
    return Drawing(
        lambda: plot.contours(f, points, variables).figure,
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
