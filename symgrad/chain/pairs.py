"""g and g' of one activation together, as a few lines of NumPy with their common parts once.

A function that is rational in x and u = exp(c x) is written as hⁿ·N with h one over a factor of its
denominator, so that g and g' share u and h. About a zero r of N the part that cancels is taken out
exactly: with y = x − r, m = expm1(c y) and u_r = exp(c r)

    N(x, u) = (N(r + y, u) − N(r, u)) + (N(r, u) − N(r, u_r)) = y·A(y, u) + m·B(u).

Lines are taken only where their error, measured in float64 and in float32, is small, or where they
say nan: a sample that meets one is done again by the kernels of `symgrad.kernels`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
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
from symgrad.chain.steps import straight
from symgrad.chain.tables import EDGE, LAST, asymptote, decay, tables
from symgrad.kernels import emit
from symgrad.kernels.forms import candidates, literal, numpy_line
from symgrad.kernels.judge import Judge
from symgrad.kernels.smooth import Smooth, as_float
from symgrad.oracle import FLOAT32, FLOAT64, Values, arb_values, ulps
from symgrad.rigor import precision

__all__ = ["batch_source", "pair_source"]

_TYPES = {np.float64: (FLOAT64, 4.5, 30.0), np.float32: (FLOAT32, 6.0, 16.0)}
"""By type, the largest error in ulp, and the |x| that lines reach at least without a nan."""

_POINTS = 200
_ENDS = tuple(map(float, (8, 9, 10, 12, 16, 20, 24, 30, 40, 80, 110, 170, 340, 700, 760)))
"""The places where one method may end and another begin."""

_U, _Y, _M = (Symbol(n, real=True) for n in ("u", "y", "m"))
_SIGNS = {sympy.Gt: ">", sympy.Ge: ">=", sympy.Lt: "<", sympy.Le: "<=", sympy.Eq: "=="}

_HEAD = "def _both(x, g, d):\n"

Factors = tuple[str, ...]
"""A product, as texts of NumPy in x; `two(p, q)` is the constant p in float64 and q in float32."""


@lru_cache(maxsize=256)
def pair_source(layer: Layer) -> str | None:
    """The function `both(x, g, d)`: the cheapest accurate lines, else a table; None without any."""
    functions = [_Function(layer.formula(n)) for n in (0, 1)]
    return _lines(functions) or _table(functions)


def _lines(functions: list[_Function]) -> str | None:
    found: dict[str, float] = {}
    for unit in _units(functions):
        for forms in product(*(f.fitting(unit) for f in functions)):
            source, cost = straight(*_sharing(*forms))
            if source not in found and (reach := _reach(source, functions)):
                found[source] = cost + sum(e < math.inf for ends in reach for e in ends)
    if not found:
        return None
    best = min(found, key=lambda s: found[s])
    return _spread(best, _reach(best, functions), functions)


def _table(functions: list[_Function]) -> str | None:
    value, slope = (f.smooth for f in functions)
    ends = [_outer(functions, sign, np.float64, EDGE)[0] for sign in (-1, 1)]
    low, high = (e if e <= 12 else EDGE for e in ends)
    for table in tables(value, slope, -low, high):
        source = f"_both_table = {table}\n\n\n{_HEAD}    jets(x, g, d, _both_table[x.dtype])\n"
        reach = _reach(source, functions, EDGE)
        if reach is not None:
            ends = [[min(e, end) for e, end in zip(r, (low, high), strict=True)] for r in reach]
            return _spread(source, ends, functions)
    return None


def _spread(source: str, reach: Any, functions: list[_Function]) -> str:
    """What is near, with what g is further out: a line, a Gaussian tail before it, else nan."""
    if min(map(min, reach)) == math.inf:
        return source
    rules, rows = dict[str, str](), []
    for kind, ends in zip(_TYPES, reach, strict=True):
        parts = [(-ends[0], ends[1], "_both_near")]
        for sign, end in zip((-1, 1), ends, strict=True):
            for rule, *bounds in _outer(functions, sign, kind, end)[1] if end < math.inf else []:
                name = rules.setdefault(rule, f"_both_far{len(rules)}")
                parts.append((*sorted(sign * b for b in bounds), name))
        texts = (f"({low!r}, {high!r}, {name})" for low, high, name in parts)
        rows.append(f"    np.dtype(np.{kind.__name__}): ({', '.join(texts)},),\n")
    far = "".join(f"{name} = {rule}\n" for rule, name in rules.items())
    near = source.replace("def _both(", "def _both_near(")
    parts = f"_both_parts = {{\n{''.join(rows)}}}"
    return f"{near}\n\n{far}{parts}\n\n\n{_HEAD}    spread(x, g, d, _both_parts[x.dtype])\n"


def _outer(functions: list[_Function], sign: int, kind: Any, end: float) -> tuple[float, list[Any]]:
    """Where g becomes a line to the last digit; the rules (text, from, to) beyond an end."""
    (value, slope), start, rules = (f.smooth for f in functions), math.inf, list[Any]()
    ends = asymptote(value, slope, sign)
    if ends:
        rule = f"lambda *v: line(*v, {ends[0]}, {ends[1]})"
        last = max(_wrong(_rule(rule), functions, kind, sign), default=0.0)
        start = next((e for e in _ENDS if e > last), math.inf)
        rules += [(rule, max(start, end), math.inf)] if start < math.inf else []
    rates = [e.args[0] / X**2 for e in functions[1].expr.atoms(sympy.exp)]
    for c in (float(c) for c in rates if c.is_Rational and c < 0 and end == EDGE < start):
        rows = decay(value, slope, c, sign) if abs(math.frexp(c)[0]) == 0.5 else None
        rule, stop = f"lambda *v: decay(*v, {c!r}, {rows})", min(start, LAST)
        if rows and not any(EDGE <= x < stop for x in _wrong(_rule(rule), functions, kind, sign)):
            rules.append((rule, EDGE, stop))
    return start, rules


def _rule(text: str) -> str:
    return f"_both = {text}\n"


def _reach(source: str, functions: list[_Function], least: float = 0.0) -> Any:
    """By type and side how far `both` is right, or says nan beyond what it must reach."""
    found = []
    for kind, (_, _, close) in _TYPES.items():
        must = least or close
        firsts = (min(_wrong(source, functions, kind, s, must), default=math.inf) for s in (-1, 1))
        found.append([
            math.inf if first == math.inf else max((e for e in _ENDS if e < first), default=0.0)
            for first in firsts
        ])  # fmt: skip
        if min(found[-1]) < must:
            return None
    return found


def _wrong(
    source: str, functions: list[_Function], kind: Any, sign: int, must: float = math.inf
) -> list[float]:
    """The |x| on one side where a result is wrong; a nan is so below `must` alone."""
    fmt, most, _ = _TYPES[kind]
    both, wrong = _run(source), list[float]()
    for n, f in enumerate(functions):
        points, truths = f.truths[kind]
        results = np.empty((2, points.size), kind)
        with np.errstate(all="ignore"):
            both(points, *results)
        nan = np.isnan(results[: len(functions)]).any(axis=0)
        bad = np.where(nan, np.abs(points) < must, ulps(results[n], truths, fmt) > most)
        wrong += np.abs(points[bad & (points * sign >= 0)]).tolist()
    return wrong


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
        most = [rng.uniform(-e, e, _POINTS) for e in (0.1, 16, 16, 40)]  # where most samples are
        ends = np.array(_ENDS)
        drawn = np.concatenate([judge.spread[0], judge.special[0], *most, ends, -ends])
        found = {}
        for kind, (fmt, *_) in _TYPES.items():
            with np.errstate(over="ignore"):
                x = np.unique(drawn.astype(kind))
            x = x[np.isfinite(x)]
            values = arb_values(self.expr, [X], [x.astype(np.float64)], fmt)
            known = np.flatnonzero(values.known())
            found[kind] = x[known], values[known]
        return found

    def fitting(self, unit: _Unit) -> list[Factors]:
        """The three cheapest products that are accurate."""
        good = []
        for _, form in sorted((straight(_text(f))[1], f) for f in set(_forms(self.expr, unit))):
            if _reach(straight(_text(form))[0], [self]):
                good.append(form)
            if len(good) == 3:
                break
        return good


@lru_cache(maxsize=1)
def batch_source() -> str:
    """The text of `batch` after its imports."""
    text = files("symgrad.chain").joinpath("batch.py").read_text("utf-8")
    return text[text.index("BLOCK =") :]


@lru_cache(maxsize=512)
def _run(source: str) -> Any:
    """The function `both`."""
    helpers = batch_source().partition("def forward")[0]
    head = "from typing import Any, NamedTuple"
    return emit.build(f"{head}\n\n{helpers}\n\n{source}", "both")["_both"]


def _text(form: Factors) -> str:
    return " * ".join(form)


def _sharing(g: Factors, d: Factors) -> tuple[str, str]:
    """Both as texts; where g = u h is a part of g' = u h h, as that part times the rest."""
    rest = list(d)
    if all(f in rest and (rest.remove(f) or True) for f in g):
        d = (f"({_text(g)})", *rest)
    return _text(g), _text(d)


# --- the forms -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Unit:
    """u = exp(rate·x)."""

    rate: Any = None

    def times(self, what: str, share: Any = 1) -> str:
        """The share of the rate times what is named."""
        rate = self.rate * share
        return {1: what, -1: f"-{what}"}.get(rate, f"{literal(rate)} * {what}")

    @property
    def u(self) -> str:
        return f"np.exp({self.times('x')})"


def _units(functions: list[_Function]) -> list[_Unit]:
    """Those by which every exponential in g and g' is a power of u."""
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
    if not rates:
        return [_Unit()]
    c = sympy.gcd(list(rates))
    return [_Unit(s * c) for s in (-1, 1)]


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


def _forms(expr: Any, unit: _Unit) -> Iterator[Factors]:
    if isinstance(expr, sympy.Piecewise):
        yield from _by_pieces(expr, unit)
        return
    if unit.rate is not None:
        yield from _rational(expr, unit)
    for line in candidates(expr, {X: "x"}):
        if unit.rate is not None:  # exp(c x) as u, exp(−c x) as its reciprocal
            rising, falling = (f"np.exp({_Unit(s * unit.rate).times('x')})" for s in (1, -1))
            line = line.replace(falling, f"(1.0 / {rising})")
        yield (line,)


def _by_pieces(expr: Any, unit: _Unit) -> Iterator[Factors]:
    """Pieces of the axis as nested `np.where`."""
    branches = []
    for piece, condition in expr.args:
        if condition == S.true:
            test = ""
        elif type(condition) in _SIGNS and condition.lhs == X and condition.rhs.is_Rational:
            test = f"x {_SIGNS[type(condition)]} {literal(condition.rhs)}"
        else:
            return
        branches.append([(test, form) for form in list(_forms(piece, unit))[:3]])
    for chosen in product(*branches):
        if chosen[-1][0]:
            return
        text = _text(chosen[-1][1])
        for test, form in chosen[-2::-1]:
            text = f"np.where({test}, {_text(form)}, {text})"
        yield (text,)


def _rational(expr: Expr, unit: _Unit) -> Iterator[Factors]:
    """hⁿ·N, with N about its zero, or by hyperbolic functions, if it is rational in x and u."""
    fraction = _fraction(expr, unit.rate)
    if fraction is None:
        return
    top, bottom = fraction
    below: list[tuple[Any, int]]
    above: list[tuple[Any, int]]
    lead, below = sympy.factor_list(bottom, X, _U)  # type: ignore[misc]
    scale, above = sympy.factor_list(top, X, _U)  # type: ignore[misc]
    constant: Any = sympy.sympify(scale) / lead
    powers = dict(above) | {f: -n for f, n in below}
    ends = powers.pop(_U + 1, 0), powers.pop(_U - 1, 0)
    if powers.pop(_U, 0) + S(sum(ends)) / 2 == 0 and any(ends) and not powers:
        yield _hyperbolic(unit, *ends, constant)
    names = {X: "x", _U: unit.u}
    shared = [f"(1.0 / {_line(f, names)})" for f, n in below for _ in range(n)]
    front = [_line(_U, names) for f, n in above if f == _U for _ in range(n)] + shared
    above = [(f, n) for f, n in above if f != _U]
    plain = [_line(f, names) for f, n in above for _ in range(n)]
    last = [] if constant == 1 and (plain or front) else [literal(sympy.sympify(constant))]
    yield (*front, *plain, *last)
    for k, (factor, n) in enumerate(above):
        root = _root(factor, unit.rate) if n == 1 and factor.has(_U) else None
        if root is not None:
            others = [_line(f, names) for j, (f, n) in enumerate(above) for _ in range(n) if j != k]
            about = (_about(factor, unit, root), *others)
            yield (*front, *about, *last)
            yield (*about, *front, *last)


def _hyperbolic(unit: _Unit, above: int, below: int, constant: Any) -> Factors:
    """u^(−(p+q)/2)·(1 + u)^p·(u − 1)^q = 2^(p+q)·cosh(c x/2)^p·sinh(c x/2)^q."""
    half = unit.times("x", S.Half)
    parts: list[str] = []
    for word, n in (("cosh", above), ("sinh", below)):
        text = f"np.{word}({half})"
        parts += [text] * n if n >= 0 else [f"(1.0{f' / {text}' * -n})"]
    scale = constant * S(2) ** (above + below)
    return (*parts, *([] if scale == 1 else [literal(scale)]))


def _line(expr: Expr, names: dict[Symbol, str]) -> str:
    """A polynomial by Horner's rule in u."""
    text = numpy_line(sympy.horner(expr, _U) if expr.has(_U) else expr, names)
    assert text is not None
    return text


@lru_cache(maxsize=64)
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


def _about(factor: Expr, unit: _Unit, root: arb) -> str:
    """N = y·A(y, u) + m·B(u)."""
    r, base = Symbol("r"), Symbol("ur")
    with precision(400):
        table = {r: root, base: (root * int(unit.rate.p) / int(unit.rate.q)).exp()}
        wide, narrow = as_float(root), float(np.float32(as_float(root)))
        shifts = [(wide, narrow), tuple(as_float(root - arb(h)) for h in (wide, narrow))]
    y = " - ".join(["x", *(f"two({a!r}, {b!r})" for a, b in shifts if a or b)])
    y = f"({y})" if " - " in y else y
    names = {_Y: y, _M: f"np.expm1({unit.times(y)})", _U: unit.u}
    moving = sympy.cancel((put(factor, {X: r + _Y}) - put(factor, {X: r})) / _Y)
    still = sympy.cancel(base * (put(factor, {X: r}) - put(factor, {X: r, _U: base})) / (_U - base))
    ahead, behind = (_numeric(part, table, names) for part in (moving, still))
    fall = names[_M] if behind in ("1.0", "-1.0") else f"{names[_M]} * {behind}"
    rise = "" if ahead == "0.0" else y if ahead == "1.0" else f"{y} * {ahead}"
    text = f"{rise} - {fall}" if behind == "-1.0" else f"{rise} + {fall}" if rise else fall
    return f"({text})"


def _numeric(expr: Any, table: dict[Symbol, arb], names: dict[Symbol, str]) -> str:
    """A polynomial in y and u whose coefficients are rational in r and u_r, in numbers."""
    names, total = dict(names), S.Zero
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
