"""Formulas as one Unicode line."""

from __future__ import annotations

import re

import pytest
import sympy
from sympy import (
    Abs,
    Derivative,
    Eq,
    Function,
    Interval,
    Max,
    Piecewise,
    Rational,
    S,
    Symbol,
    exp,
    log,
    oo,
    pi,
    sqrt,
)  # fmt: skip

from symgrad.catalogue import activations, sigmoid
from symgrad.chain import Chain
from symgrad.parse import parse
from symgrad.render import line
from symgrad.report.factors import Factors, textbook
from symgrad.rigor import constant
from symgrad.tails import tail

x, y = (Symbol(n, real=True) for n in "xy")
w1, w2, z1 = (Symbol(n, real=True) for n in ("w__1", "w__2", "z__1"))


@pytest.mark.parametrize(
    ("expr", "shown"),
    [
        (w2 * sigmoid.d(1)(z1), "w²·σ'(z¹)"),
        (sigmoid.d(5)(x), "σ⁽⁵⁾(x)"),
        (3 * exp(-3 * x), "3·e^{-3x}"),
        (exp(x), "e^x"),
        (exp(-(x**2) / 2), "e^{-x^2/2}"),
        (x - y, "x − y"),
        (-x, "-x"),
        (2 * x, "2x"),
        (1 / x**2, "1/x^2"),
        (1 / (x + 1), "1/(x + 1)"),
        (x / (x + 1) ** 2, "x/(x + 1)^2"),
        (sqrt(x), "√x"),
        (sqrt(x + 1), "√(x + 1)"),
        (1 / sqrt(pi), "1/√π"),
        (x ** Rational(1, 3), "x^(1/3)"),
        ((x + 1) ** y, "(x + 1)^y"),
        (x**-y, "x^-y"),
        ((x**y) ** y, "(x^y)^y"),
        ((-x) ** 3, "-x^3"),
        (w1**2, "w¹^2"),
        (Abs(x) * log(x) ** 2, "log(x)^2·|x|"),
        (Eq(x, y), "x = y"),
        (x <= y, "x ≤ y"),
        (sympy.And(x >= 0, x < 1), "0 ≤ x < 1"),
        (sympy.And(sympy.Le(1, x**2, evaluate=False), x**2 < 4), "1 ≤ x^2 < 4"),
        (sympy.And(x >= 0, y < 1), "x ≥ 0 and y < 1"),
        (sympy.Ne(x, 1), "x ≠ 1"),
        (Interval.Lopen(-1, oo), "(-1, ∞)"),
        (S.Reals, "ℝ"),
        (sympy.Contains(x, S.Reals, evaluate=False), "x ∈ ℝ"),
        (Derivative(Function("C")(w1), w1), "∂C/∂w¹"),
        (Piecewise((0, x < 0), (x, True)), "{0 for x < 0; x otherwise}"),
        (Max(x, 0), "Max(0, x)"),
        (tail(sigmoid.d(1), toward=oo, terms=1).statement, "e^{-x} + B(2·e^{-2x}, x ∈ ℝ)"),
        (Factors(w2, x - y, x), "w²·(x − y)·x"),
    ],
)
def test_lines(expr, shown):
    assert line(expr) == shown


@pytest.mark.parametrize("g", activations(), ids=str)
@pytest.mark.parametrize("n", range(3))
def test_a_line_is_read_back_as_what_it_shows(g, n):
    formula = g.bind(**{p.name: Rational(1, 7) for p in g.parameters}).d(n)(x).doit()
    shown = line(formula)
    if formula.has(sympy.Piecewise):
        assert shown.count("{") == shown.count("}")
        return
    # braces of an exponent are brackets, and the root sign is a function, for the parser
    shown = shown.replace("{", "(").replace("}", ")").replace("√π", "√(pi)")
    shown = re.sub(r"√(\w)", r"sqrt(\1)", shown).replace("√", "sqrt")
    back = parse(re.sub(r"(\d)x", r"\1*x", shown))
    point = {x: Rational(3, 7)}
    assert float(constant((back - formula).subs(point), 200).abs_upper()) < 1e-40


def test_the_textbook_order():
    net = Chain(sigmoid, depth=4)
    shown = line(textbook(net.gradient("w", 2).factors))
    assert shown == "w³·w⁴·σ'(z²)·σ'(z³)·δ⁴·a¹"
    assert textbook(net.gradient("w", 2).factors).doit() == net.gradient("w", 2).expr
