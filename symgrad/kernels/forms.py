"""An elementary expression as one line of NumPy, with the stable word where there is one.

`exp(u) − 1` becomes `expm1(u)`, `log(1 + u)` becomes `log1p(u)`, p/q times u one product and one
division. Whether the line is accurate enough is measured, not assumed (see `regimes`).
"""

from __future__ import annotations

import math
from typing import Any

import sympy
from flint import arb
from sympy import Expr, Rational, S, Symbol
from sympy.simplify.fu import TR7, TR8
from sympy.utilities.iterables import sift

from symgrad.kernels.smooth import BITS, as_float
from symgrad.rigor import constant, precision

__all__ = ["candidates", "literal", "numpy_line", "split"]

_FUNCTIONS: dict[type, str] = {
    sympy.exp: "np.exp", sympy.log: "np.log", sympy.sin: "np.sin", sympy.cos: "np.cos",
    sympy.tan: "np.tan", sympy.asin: "np.arcsin", sympy.acos: "np.arccos", sympy.atan: "np.arctan",
    sympy.sinh: "np.sinh", sympy.cosh: "np.cosh", sympy.tanh: "np.tanh", sympy.asinh: "np.arcsinh",
    sympy.acosh: "np.arccosh", sympy.atanh: "np.arctanh", sympy.Abs: "np.absolute",
}  # fmt: skip


_POWERS = tuple(Rational(2) ** k for k in range(-6, 7))


_INVERSE = (-1, -2, -3, -4)


class _NoForm(Exception):
    """NumPy has no word for a part of the expression."""


def numpy_line(expr: Expr, names: dict[Symbol, str]) -> str | None:
    """The expression in NumPy; None where NumPy has no word for it."""
    try:
        return _write(expr, names)
    except _NoForm:
        return None


def candidates(expr: Expr, names: dict[Symbol, str]) -> list[str]:
    """Different lines for the same function: as given, over one denominator, factored, Horner."""
    forms: list[Expr] = [expr]
    for road in (_one_fraction, _horner, _sums, sympy.expand):
        form = road(expr)
        if form is not None and form not in forms:
            forms.append(form)
    lines = [numpy_line(form, names) for form in forms]
    return list(dict.fromkeys(line for line in lines if line is not None))


def _one_fraction(expr: Any) -> Any:
    return sympy.factor(sympy.together(expr)) if sympy.count_ops(expr) < 60 else None


def _horner(expr: Any) -> Any:
    return sympy.horner(expr) if len(expr.free_symbols) == 1 and expr.is_polynomial() else None


def _sums(expr: Expr) -> Expr | None:
    """Products and powers of sines and cosines as sums over multiples of the angle (Fu, Zhong, Zeng
    2006, Automated and readable simplification of trigonometric expressions, rules 7 and 8)."""
    if not expr.has(sympy.sin, sympy.cos):
        return None
    return sympy.expand(TR8(TR7(expr)))


def literal(c: Expr) -> str:
    """An exact constant rounded once to a float."""
    return repr(split(c)[0])


def split(c: Expr) -> tuple[float, float]:
    """An exact constant as a float and what is left of it."""
    with precision(BITS):
        exact = constant(c, BITS)
        high = as_float(exact)
        return high, as_float(exact - arb(high)) if math.isfinite(high) else 0.0


def _write(e: Any, names: dict[Symbol, str]) -> str:
    if e in names:
        return names[e]
    if not e.free_symbols:
        return literal(e)
    if isinstance(e, sympy.Add):
        return _sum(e, names)
    if isinstance(e, sympy.Mul):
        return _product(e, names)
    if isinstance(e, sympy.Pow):
        return _power(e, names)
    if isinstance(e, sympy.sinc):
        inner = _write(e.args[0], names)
        return f"(np.sin({inner}) / {inner})"
    if (c := _of_square(e, names)) is not None:
        return f"exp_square({names[_variable(e)]}, {literal(c)})"
    word = _FUNCTIONS.get(type(e))
    if word is None:
        raise _NoForm
    if isinstance(e, sympy.log) and isinstance(e.args[0], sympy.Add) and S.One in e.args[0].args:
        return f"np.log1p({_write(e.args[0] - 1, names)})"
    return f"{word}({_write(e.args[0], names)})"


def _wave_from_zero(e: Any, names: dict[Symbol, str]) -> str | None:
    """c·(1 ± sin v), which has double zeros, from sine and cosine; the same for cos v."""
    c, wave = e.as_coeff_Add()
    share, wave = wave.as_coeff_Mul()
    if not isinstance(wave, (sympy.sin, sympy.cos)) or abs(share) != abs(c):
        return None
    (v,) = wave.args
    other = sympy.cos(v) if isinstance(wave, sympy.sin) else sympy.sin(v)
    text = f"one_plus({_write(wave * share / c, names)}, {_write(other, names)})"
    return text if c == 1 else f"({literal(c)} * {text})"


def _sum(e: Any, names: dict[Symbol, str]) -> str:
    wave = _wave_from_zero(e, names)
    if wave is not None:
        return wave
    terms = list(e.args)
    for t in terms:
        rest = [s for s in terms if s is not t]
        coefficient, body = t.as_coeff_Mul()
        if isinstance(body, sympy.exp) and -coefficient in rest:
            rest.remove(-coefficient)
            head = f"np.expm1({_write(body.args[0], names)})"
            if coefficient != 1:
                head = f"{literal(coefficient)} * {head}"
            return "(" + " + ".join([head, *(_write(s, names) for s in rest)]) + ")"
    terms.sort(key=lambda t: (not t.is_number, sympy.default_sort_key(t)))
    text = _write(terms[0], names)
    for t in terms[1:]:
        coefficient, _ = t.as_coeff_Mul()
        if coefficient.is_negative:
            text += f" - {_write(-t, names)}"
        else:
            text += f" + {_write(t, names)}"
    return f"({text})"


def _variable(e: Any) -> Any:
    return next(iter(e.free_symbols), None)


def _of_square(e: Any, names: dict[Any, str]) -> Any:
    """The power of two c, up to its sign, of exp(c·x²); None for anything else."""
    if not isinstance(e, sympy.exp) or _variable(e) not in names:
        return None
    c = e.args[0] / _variable(e) ** 2
    return c if abs(c) in _POWERS else None


def _in_square(e: Any) -> str:
    """The coefficients of a polynomial in x², if they are exact floats."""
    x = _variable(e)
    if not e.is_polynomial(x):
        return ""
    p = sympy.Poly(e, x).all_coeffs()[::-1]
    floats = all(c.is_Rational and sympy.Rational(float(c)) == c for c in p)
    return ", ".join(map(literal, p[::2])) if floats and not any(p[1::2]) else ""


def _product(e: Any, names: dict[Any, str]) -> str:
    above: list[str] = []
    below: list[str] = []
    bells: list[str] = []
    sign = ""
    factor: Any
    numbers, rest = sift(e.args, lambda f: f.is_number, binary=True)
    for bell in [f for f in rest if _of_square(f, names) is not None]:
        for even in [f for f in rest if f.is_Add and f.free_symbols == bell.free_symbols]:
            terms = _in_square(even)
            if terms:
                bells.append(_write(bell, names)[:-1] + f", {terms})")
                rest = [f for f in rest if f not in (bell, even)]
                break
    for factor in [*([sympy.Mul(*numbers)] if numbers else []), *rest]:
        if factor == -1 and len(e.args) > 1:
            sign = "-"
        elif isinstance(factor, Rational) and abs(factor.p) == 1 and factor.q < 1 << 53:
            below.append(literal(S(factor.q)))
            sign = "-" if factor.p < 0 else ""
        elif isinstance(factor, sympy.Pow) and factor.exp in _INVERSE:
            below += [_write(factor.base, names)] * -int(factor.exp)  # one by one: no overflow
        elif isinstance(factor, sympy.Pow) and factor.exp.is_Rational and factor.exp.is_negative:
            below.append(_write(1 / factor, names))
        else:
            above.append(_write(factor, names))
    text = sign + " * ".join([*above, *bells] or ["1.0"])
    for d in below:
        text += f" / {d}"
    return f"({text})"


def _power(e: Any, names: dict[Symbol, str]) -> str:
    base, n = e.args
    text = _write(base, names)
    if n.is_Integer and 1 < n <= 4:
        return "(" + " * ".join([text] * int(n)) + ")"
    if n in _INVERSE:
        return f"(1.0{f' / {text}' * -int(n)})"
    if n.is_Integer and n < 0:
        return f"(1.0 / {_write(base**-n, names)})"
    if n == S.Half:
        return f"np.sqrt({text})"
    if n == -S.Half:
        return f"(1.0 / np.sqrt({text}))"
    if n.is_Rational and n.q == 2 and 0 < n <= 4:
        return f"({_write(base ** (n - S.Half), names)} * np.sqrt({text}))"
    if n.is_Rational:
        if n < 0:
            return f"(1.0 / {_power(base**-n, names)})"
        high, low = split(n)
        return f"broken_power({text}, {high!r}, {low!r})"
    return f"({text} ** {_write(n, names)})"
