"""g and g' of one activation together, as a few lines of NumPy with their common parts once.

A function that is rational in x and u = exp(c x) is written as N·hⁿ with h one over a factor of its
denominator, so that g and g' share u and h. About a zero r of N the part that cancels is taken out
exactly: with y = x − r, m = expm1(c y) and u_r = exp(c r)

    N(x, u) = (N(r + y, u) − N(r, u)) + (N(r, u) − N(r, u_r)) = y·A(y, u) + m·B(u).

Lines are taken only where their error, measured in float64 and in float32, is small; beyond that
reach, and for activations without such lines, the kernels of `symgrad.kernels` are used.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from importlib.resources import files
from itertools import pairwise, product
from typing import Any

import numpy as np
import sympy
from flint import arb
from numpy.typing import NDArray
from sympy import Expr, S, Symbol

from symgrad.activation import X
from symgrad.chain.layer import Layer
from symgrad.chain.notation import put
from symgrad.chain.tables import EDGE, decay, tables
from symgrad.kernels import emit
from symgrad.kernels.forms import candidates, literal, numpy_line
from symgrad.kernels.judge import Judge
from symgrad.kernels.smooth import Smooth, as_float
from symgrad.oracle import FLOAT32, FLOAT64, Values, arb_values, ulps
from symgrad.rigor import precision

__all__ = ["Pair", "batch_source", "pair_sources"]

_TYPES = {np.float64: (FLOAT64, 4.5), np.float32: (FLOAT32, 6.0)}
"""The largest error that what is shared may show, in ulp of the type it runs in."""

_LADDERS = {
    np.float64: (math.inf, 1e100, 1e12, 700.0, 340.0, 170.0, 80.0, 37.0, 30.0, 8.0),
    np.float32: (math.inf, 1e12, 80.0, 40.0, 16.0, 8.0),
}
_POINTS = 200
_U, _Y, _M = (Symbol(n, real=True) for n in ("u", "y", "m"))
_SIGNS = {sympy.Gt: ">", sympy.Ge: ">=", sympy.Lt: "<", sympy.Le: "<=", sympy.Eq: "=="}


@dataclass(frozen=True)
class Pair:
    """`body` sets g and d from x; `reach` says for which x, by float64 and float32.

    `table` is what the body calls `_TABLE`.
    """

    body: str
    reach: tuple[tuple[float, float], ...] = ()
    table: str = ""

    def source(self, name: str) -> str:
        """The function of (x, g, d) under a name, and its table before it."""
        text = "".join(f"    {line}\n" for line in self.body.splitlines())
        table = f"{name}_table = {self.table}\n\n\n" if self.table else ""
        return f"{table}def {name}(x, g, d):\n{text}".replace("_TABLE", f"{name}_table")


@lru_cache(maxsize=256)
def pair_sources(layer: Layer) -> tuple[Pair, ...]:
    """What computes both: the cheapest lines that are accurate enough, or a table; a far tail."""
    functions = [_Function(layer.formula(n)) for n in (0, 1)]
    near = _lines(functions) or _table(functions)
    if near is None:
        return ()
    short = [sign for sign in (-1, 1) if sign * near.reach[0][sign > 0] == EDGE]
    return near, *(pair for sign in short for pair in _far(functions, sign))


def _lines(functions: list[_Function]) -> Pair | None:
    found: list[tuple[int, Pair]] = []
    for rate in _rates(functions):
        for forms in sorted(product(*(f.fitting(rate) for f in functions)), key=_cost)[:3]:
            pair = _measured(Pair(_body(forms)), functions)
            if pair is not None:
                short = sum(min(ends[1], -ends[0]) < 40 for ends in pair.reach)
                found.append((_cost(forms) + 4 * short, pair))
    return min(found, key=lambda f: f[0])[1] if found else None


def _table(functions: list[_Function]) -> Pair | None:
    body = "jets(x, g, d, _TABLE[x.dtype == np.float32])"
    made = (Pair(body, (), f"both_types({t})") for t in tables(*(f.smooth for f in functions)))
    return next((p for p in (_measured(pair, functions) for pair in made) if p), None)


def _far(functions: list[_Function], sign: int) -> Iterator[Pair]:
    """exp(c x²)·x·h(1/x), for the c of an exponential in g' that is a power of two."""
    for e in functions[1].expr.atoms(sympy.exp):
        c = e.args[0] / X**2
        if c.is_Rational and c < 0 and abs(math.frexp(float(c))[0]) == 0.5:
            rows = decay(functions[0].smooth, functions[1].smooth, float(c), sign)
            pair = Pair(f"decay(x, g, d, {float(c)!r}, _TABLE)", (), rows or "")
            found = _measured(pair, functions, sign * EDGE) if rows else None
            if found is not None:
                yield found
                return


def _measured(pair: Pair, functions: list[_Function], start: float = 0.0) -> Pair | None:
    """The pair with its reach, where both are right: about 0, or from `start` outwards."""
    reaches = []
    for kind in _LADDERS:
        ends = [f.reach(pair.source("both"), n, kind, start)
                for f, n in zip(functions, "gd", strict=True)]  # fmt: skip
        if None in ends:
            return None
        lows, highs = zip(*ends, strict=True)  # type: ignore[arg-type]
        reaches.append((max(lows), min(highs)))
    return replace(pair, reach=tuple(reaches))


@dataclass(frozen=True)
class _Form:
    """A product of factors, and the lines that define the names in it."""

    factors: tuple[str, ...]
    given: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        return " * ".join(self.factors)

    def into(self, name: str) -> str:
        """The line that fills an array, the last product in place."""
        if len(self.factors) == 1 and re.fullmatch(r"np\.\w+\(\w+\)", self.text):
            return f"{self.text[:-1]}, out={name})"
        if len(self.factors) == 1:
            return f"{name}[...] = {self.text}"
        return f"np.multiply({' * '.join(self.factors[:-1])}, {self.factors[-1]}, out={name})"


def _body(forms: tuple[_Form, ...]) -> str:
    given = dict.fromkeys(line for form in forms for line in form.given)
    if len(forms) == 2 and len(forms[0].factors) > 1:  # g = u h is a part of g' = u h h
        rest = list(forms[1].factors)
        if all(f in rest and (rest.remove(f) or True) for f in forms[0].factors):
            forms = forms[0], _Form((*rest, "g"))
    return "\n".join([*given, *(form.into(n) for form, n in zip(forms, "gd", strict=False))])


def _cost(forms: tuple[_Form, ...]) -> int:
    """Passes over the block; a function of NumPy counts as four."""
    body = _body(forms)
    passes = sum(map(body.count, (" + ", " - ", " * ", " / ", "[...]", "(-")))
    return passes + 4 * body.count("np.") - 3 * body.count("np.multiply")


@dataclass
class _Function:
    """g or g', with its true values at points of both types."""

    expr: Any
    smooth: Smooth = field(init=False)

    def __post_init__(self) -> None:
        self.smooth = Smooth(self.expr, X)

    @cached_property
    def truths(self) -> dict[Any, tuple[NDArray[Any], Values]]:
        """Points, which crowd near zeros and where the result leaves the floats, and values."""
        judge = Judge(self.smooth, -1.7e308, 1.7e308, _POINTS)
        rng = np.random.default_rng(5)
        most = rng.uniform(-16, 16, 2 * _POINTS), rng.uniform(-40, 40, _POINTS)  # most samples
        drawn = np.unique(np.concatenate([judge.spread[0], judge.special[0], *most]))
        found = {}
        for kind, (fmt, _) in _TYPES.items():
            with np.errstate(over="ignore"):
                x = np.unique(drawn.astype(kind))
            x = x[np.isfinite(x)]
            values = arb_values(self.expr, [X], [x.astype(np.float64)], fmt)
            known = np.flatnonzero(values.known())
            found[kind] = x[known], values[known]
        return found

    def reach(
        self, source: str, name: str, kind: Any, start: float = 0.0
    ) -> tuple[float, float] | None:
        """How far from `start` on, on each side of 0 if that is 0, `name` is right."""
        points, truths = self.truths[kind]
        ends = np.array([-math.inf, math.inf], kind)  # no values there, but none may be lost
        results = {n: np.empty(points.size + 2, kind) for n in "gd"}
        with np.errstate(all="ignore"):
            _run(source)(np.concatenate([points, ends]), **results)
        fmt, most = _TYPES[kind]
        errors = ulps(results[name][:-2], truths, fmt)
        wrong = np.array([*(errors > most), *np.isnan(results[name][-2:])])
        known = np.concatenate([points, np.sign(ends) * np.finfo(kind).max])
        reached = []
        for side in (-1, 1):
            if side * start < 0:
                reached.append(side * -abs(start))
                continue
            first = np.min(side * known[wrong & (side * known >= abs(start))], initial=math.inf)
            end = next((e for e in _LADDERS[kind] if e < first or first == e == math.inf), None)
            if end is None or end < abs(start):
                return None
            reached.append(side * end)
        return reached[0], reached[1]

    def fitting(self, rate: Expr | None) -> list[_Form]:
        """The forms that are accurate in float64 near 0, cheapest first."""
        forms = sorted(dict.fromkeys(_forms(self.expr, rate)), key=lambda f: _cost((f,)))
        good = []
        for form in forms:
            ends = self.reach(Pair(_body((form,))).source("both"), "g", np.float64)
            if ends is not None and min(ends[1], -ends[0]) >= 30:
                good.append(form)
        return good[:3]


@lru_cache(maxsize=1)
def batch_source() -> str:
    """The text of `batch` after its imports."""
    text = files("symgrad.chain").joinpath("batch.py").read_text("utf-8")
    return text[text.index("BLOCK =") :]


@lru_cache(maxsize=512)
def _run(source: str) -> Any:
    """The function `both`."""
    text = f"{emit.runtime_source()}\n\n{batch_source()}\n\n{source}"
    return emit.build(text, "both")["both"]


# --- the forms -----------------------------------------------------------------------------------


def _rates(functions: list[_Function]) -> list[Expr | None]:
    """±c where every exponential in g and g' is a power of exp(c x)."""
    rates: set[Any] = set()
    for f in functions:
        pieces: Any = f.expr.args if isinstance(f.expr, sympy.Piecewise) else [(f.expr, True)]
        for piece in pieces:
            whole = piece[0].rewrite(sympy.exp)
            found = {e.args[0] / X for e in whole.atoms(sympy.exp)}
            if not found or not all(rate.is_Rational for rate in found):
                continue
            c = sympy.gcd([abs(rate) for rate in found])
            fraction = _fraction(whole, c)
            if fraction is not None:  # tanh is a function of exp(2x) alone
                powers = [m[1] for part in fraction for m in sympy.Poly(part, X, _U).monoms()]
                c *= sympy.gcd(powers) or 1
            rates.add(c)
    return [s * sympy.gcd(list(rates)) for s in (-1, 1)] if rates else [None]


def _fraction(expr: Expr, rate: Any) -> tuple[Any, Any] | None:
    """Numerator and denominator as polynomials in x and u, if they are such."""
    whole: Any = expr.rewrite(sympy.exp)
    rates = {e: e.args[0] / X for e in whole.atoms(sympy.exp)}
    if not all(r.is_Rational for r in rates.values()):
        return None
    unit = sympy.gcd([abs(r) for r in rates.values()]) * sympy.sign(rate) if rates else rate
    whole = put(whole, {e: _U ** (r / unit) for e, r in rates.items()})
    if not whole.is_rational_function(X, _U):
        return None
    parts = []
    for part in sympy.fraction(sympy.cancel(whole)):
        terms = sympy.Poly(part, X, _U).terms()
        if any(j * unit % rate for (_, j), _ in terms):
            return None
        parts.append(sympy.Add(*(c * X**i * _U ** (j * unit / rate) for (i, j), c in terms)))
    return parts[0], parts[1]


def _forms(expr: Any, rate: Any) -> Iterator[_Form]:
    if isinstance(expr, sympy.Piecewise):
        yield from _by_pieces(expr, rate)
        return
    if rate is not None:
        yield from _rational(expr, rate)
    for form in dict.fromkeys((expr, expr.rewrite(sympy.exp))):
        for line in candidates(form, {X: "x"}):
            yield _with_exponential(line, rate)


def _exponential(rate: Any) -> str:
    inner = {1: "x", -1: "-x"}.get(rate, f"{literal(rate)} * x")
    return f"u = np.exp({inner})"


def _with_exponential(line: str, rate: Any) -> _Form:
    """The line with exp(c x) as u and exp(−c x) as its reciprocal."""
    if rate is None:
        return _Form((line,))
    rising, falling = (numpy_line(sympy.exp(s * rate * X), {X: "x"}) or "" for s in (1, -1))
    named = line.replace(rising, "u").replace(falling, "(1.0 / u)")
    return _Form((named,), (_exponential(rate),) if named != line else ())


def _by_pieces(expr: Any, rate: Any) -> Iterator[_Form]:
    """Pieces of the axis as nested `np.where`."""
    branches = []
    for piece, condition in expr.args:
        if condition == S.true:
            test = ""
        elif type(condition) in _SIGNS and condition.lhs == X and condition.rhs.is_Rational:
            test = f"x {_SIGNS[type(condition)]} {literal(condition.rhs)}"
        else:
            return
        branches.append([(test, form) for form in list(_forms(piece, rate))[:3]])
    for chosen in product(*branches):
        if chosen[-1][0]:
            return
        text = chosen[-1][1].text
        for test, form in chosen[-2::-1]:
            text = f"np.where({test}, {form.text}, {text})"
        yield _Form((text,), tuple(dict.fromkeys(g for _, form in chosen for g in form.given)))


def _rational(expr: Expr, rate: Any) -> Iterator[_Form]:
    """N·hⁿ, and the same with N about its zero, where the expression is rational in x and u."""
    fraction = _fraction(expr, rate)
    if fraction is None:
        return
    top, bottom = fraction
    below: list[tuple[Any, int]]
    above: list[tuple[Any, int]]
    lead, below = sympy.factor_list(bottom, X, _U)  # type: ignore[misc]
    given, factors = [_exponential(rate)], list[str]()
    for factor, n in below:
        text = _line(factor)
        name = "h" if text == "(1.0 + u)" else "h_" + "".join(filter(str.isalnum, text))
        given += [f"{name} = 1.0 / {text}"]
        factors += [name] * n
    scale, above = sympy.factor_list(top, X, _U)  # type: ignore[misc]
    constant: Any = sympy.sympify(scale) / lead
    plain = [_line(f) for f, n in above for _ in range(n)]
    front = [] if constant == 1 and plain else [literal(sympy.sympify(constant))]
    yield _Form((*plain, *factors, *front), tuple(given))
    for k, (factor, n) in enumerate(above):
        root = _root(factor, rate) if n == 1 and factor.has(_U) and factor != _U else None
        if root is not None:
            lines, text = _about(factor, rate, root)
            others = [_line(f) for j, (f, n) in enumerate(above) for _ in range(n) if j != k]
            yield _Form((*others, text, *factors, *front), (*given, *lines))


def _line(expr: Expr, names: dict[Symbol, str] | None = None) -> str:
    """A polynomial by Horner's rule in u."""
    text = numpy_line(sympy.horner(expr, _U) if expr.has(_U) else expr, names or _NAMES)
    assert text is not None
    return text


_NAMES = {X: "x", _U: "u", _Y: "y", _M: "m"}


def _root(factor: Expr, rate: Expr) -> arb | None:
    """The only sign change of N on [−30, 30], to 160 bits."""
    f = Smooth(put(factor, {_U: sympy.exp(rate * X)}), X)
    grid = [(arb(k) / 8, f.value(arb(k) / 8)) for k in range(-240, 241)]
    if any(v is None for _, v in grid):
        return None
    exact = [p for p, v in grid if v is not None and v.is_zero()]
    if exact:
        return exact[0]
    changes = [(p, q) for (p, a), (q, b) in pairwise(grid) if a * b < 0]  # type: ignore[operator]
    if len(changes) != 1:
        return None
    low, high = changes[0]
    rising = f.value(high) > 0  # type: ignore[operator]
    with precision(400):
        for _ in range(170):
            middle = ((low + high) / 2).mid()
            value = f.value(middle)
            if value is None or value.is_zero():
                return middle
            low, high = (low, middle) if (value > 0) == rising else (middle, high)
    return low


def _about(factor: Expr, rate: Any, root: arb) -> tuple[list[str], str]:
    """N = y·A(y, u) + m·B(u), with the lines for y and m."""
    r, base = Symbol("r"), Symbol("ur")
    with precision(400):
        table = {r: root, base: (root * int(rate.p) / int(rate.q)).exp()}
        single = float(np.float32(as_float(root)))
        parts = [(h, as_float(root - arb(h))) for h in (as_float(root), single)]
    moving = sympy.cancel((put(factor, {X: r + _Y}) - put(factor, {X: r})) / _Y)
    still = sympy.cancel(base * (put(factor, {X: r}) - put(factor, {X: r, _U: base})) / (_U - base))
    exact = parts[0] == parts[1] and not parts[0][1]
    shift = [] if exact else [f"high, low = {parts[0]} if x.dtype == np.float64 else {parts[1]}"]
    shift += [f"y = x - {parts[0][0]!r}" if exact else "y = x - high - low"]
    inner = {1: "y", -1: "-y"}.get(rate, f"{literal(rate)} * y")
    ahead, behind = (_numeric(part, table) for part in (moving, still))
    fall = "m" if behind in ("1.0", "-1.0") else f"m * {behind}"
    rise = "" if ahead == "0" else "y" if ahead == "1.0" else f"y * {ahead}"
    text = f"{rise} - {fall}" if behind == "-1.0" else f"{rise} + {fall}" if rise else fall
    return [*shift, f"m = np.expm1({inner})"], f"({text})"


def _numeric(expr: Any, table: dict[Symbol, arb]) -> str:
    """A polynomial in y and u whose coefficients are rational in r and u_r, in numbers."""
    names, total = dict(_NAMES), S.Zero
    for (i, j), c in sympy.Poly(expr, _Y, _U).terms():
        value = Symbol(f"c{i}_{j}")
        names[value] = repr(_float_of(c, table))
        total += (1 if names[value] == "1.0" else value) * _Y**i * _U**j
    return _line(total, names)


def _float_of(c: Any, table: dict[Symbol, arb]) -> float:
    """A coefficient, polynomial in r and u_r, as the float next to it."""
    with precision(400):
        total = arb(0)
        for powers, q in sympy.Poly(c, *table).terms():
            term = arb(int(q.p)) / int(q.q)
            for value, n in zip(table.values(), powers, strict=True):
                term *= value**n
            total += term
        return as_float(total)
