"""Plots: heights against known values, bands that hold the curve, the same bytes each time."""

from __future__ import annotations

import io
import math

import numpy as np
import pytest
import sympy
from sympy import Rational, S, Symbol

pytest.importorskip("matplotlib", reason="plots are tested where matplotlib is installed")

from symgrad import plot
from symgrad.catalogue import activation
from symgrad.depth import compare_initialisations, depth_law
from symgrad.descent import GradientDescent, trajectory
from symgrad.errors import InputError
from symgrad.tails import tail

x = Symbol("x", real=True)


def svg(figure) -> bytes:
    stream = io.BytesIO()
    plot.save(figure, stream)
    return stream.getvalue()


@pytest.mark.parametrize("name", ["sigmoid", "gelu", "softsign", "cloglog"])
def test_heights_against_mpmath(name):
    g = activation(name)
    curve = plot.sample(g.d(1), (-60, 4), points=17)
    for place, sign, height in zip(curve.x, curve.sign, curve.height, strict=True):
        truth = g.derivative(1)(Rational(place)).evalf(20, maxn=20000)
        assert sign == (1 if truth > 0 else -1)
        expected = float(sympy.log(abs(truth), 10).evalf(20))
        assert height == pytest.approx(expected, rel=1e-9, abs=1e-9)


def test_a_zero_has_no_height_and_a_pole_no_value():
    curve = plot.sample(sympy.Max(x, 0) + 0 / (x - 5 + x**2), (-1, 1), points=3, x=x)
    assert curve.height[0] == -math.inf
    assert curve.sign == (0, 0, 1)
    assert math.isnan(plot.sample(1 / x, (-1, 1), points=3, x=x).height[1])
    huge = plot.sample(sympy.exp(1000 * x), (0, 1), points=2, x=x)
    assert huge.height[1] == pytest.approx(434.2944819, abs=1e-6)


def test_a_jump_is_not_drawn_as_a_line():
    ax = plot.curves([activation("relu").d(1)], on=(-1, 1), points=11)
    heights = ax.lines[0].get_ydata()
    gaps = [k for k, h in enumerate(heights) if math.isnan(h)]
    assert gaps
    assert {h for h in heights if not math.isnan(h)} == {0.0, 1.0}


def test_the_band_holds_the_curve():
    found = tail(activation("sigmoid").d(1), terms=2)
    ax = plot.tail(found, on=(1, 20), points=39)
    (band,) = ax.collections
    truth = plot.sample(found.formula, (1, 20), points=39, x=found.x)
    outline = band.get_paths()[0].vertices
    held = 0
    for place, height in zip(truth.x, truth.height, strict=True):
        inside = [v[1] for v in outline if abs(v[0] - place) < 1e-9]
        if inside:
            held += 1
            assert min(inside) - 1e-9 <= height <= max(inside) + 1e-9
    assert held >= 35


def test_a_tail_that_is_exactly_zero_is_drawn():
    ax = plot.tail(tail(activation("relu").d(1), S.NegativeInfinity), on=(-5, 0))
    assert ax.get_xlim() == (-5, 0)


@pytest.mark.parametrize("name", ["sigmoid", "arctan"])
def test_heights_over_depth_follow_the_law(name):
    layers = 400
    heights = plot.heights(activation(name), 1, layers)
    law = depth_law(activation(name), 1, 0, 1, digits=10)
    assert len(heights) == layers + 1
    predicted = float(abs(law.predict(layers)).log()) / math.log(10)
    assert heights[-1] == pytest.approx(predicted, rel=2e-2)


def test_heights_end_at_an_exact_zero():
    assert plot.heights(activation("relu"), -1, 5) == [0.0]
    assert plot.heights(activation("identity"), Rational(1, 10), 3) == [0.0, -1.0, -2.0, -3.0]


def test_the_same_figure_gives_the_same_bytes():
    two = [activation("tanh").d(n) for n in (0, 1)]
    first, second = (svg(plot.curves(two).figure) for _ in "ab")
    assert first == second
    assert b"<dc:date>" not in first
    other = svg(plot.curves([activation("tanh").d(2)]).figure)
    assert other != first


def test_readable_without_colour():
    ax = plot.curves([activation("tanh").d(n) for n in range(5)])
    assert len({str(line._dash_pattern) for line in ax.lines}) == 5


def test_an_axes_that_is_given_is_used():
    ax = plot.curves([activation("tanh")])
    assert plot.curves([activation("sigmoid")], ax) is ax
    assert len(ax.lines) == 2


def test_errors_and_depth_return_their_axes():
    ax = plot.errors([(0.0, 0.25), (1.0, 0.75)], switches=[0.5])
    assert ax.get_ylabel() == "error in ulp"
    assert ax.get_ylim() == (0, 0.9375)  # a quarter more than the largest, for the legend
    assert plot.errors([(0.0, math.nan)]).get_ylim() == (0, 0.625)
    assert [line.get_xdata()[0] for line in ax.lines if len(line.get_xdata()) == 2][-1] == 0.5
    assert len(plot.depth([("a", [0.0, -1.0]), ("b", [0.0, -2.0])]).lines) == 2


def test_level_lines_hold_the_path():
    u, v = Symbol("u"), Symbol("v")
    path = [(1.0, 1.0), (0.5, 0.0), (0.25, 0.0)]
    ax = plot.contours(u**2 / 10 + v**2, path, (u, v))
    drawn = ax.lines[0]
    assert list(zip(drawn.get_xdata(), drawn.get_ydata(), strict=True)) == path
    levels = ax.collections[0]
    for level, line in zip(levels.levels, levels.get_paths(), strict=True):
        for a, b in line.vertices[::7]:
            assert a**2 / 10 + b**2 == pytest.approx(level, rel=0.05, abs=2e-3)
    assert "after 2 steps" in [t.get_text() for t in ax.get_legend().get_texts()]


def test_the_plane_has_the_exact_curves_and_hatches_growth():
    ax = plot.phase_plane(activation("relu"), points=17, layers=50, at=1)
    assert any(c.hatches == ["///"] for c in ax.collections if hasattr(c, "hatches"))
    ax = plot.phase_plane(activation("tanh"), points=9, layers=50)
    fold, flip = ax.lines
    for line, m in ((fold, 1), (flip, -1)):
        assert m * 1 == pytest.approx(min(line.get_xdata()[~np.isnan(line.get_xdata())], key=abs))
        for w, b in list(zip(line.get_xdata(), line.get_ydata(), strict=True))[::97]:
            if not math.isnan(w):  # |w| sech² z = 1 and b = z - w tanh z at one z
                z = math.acosh(math.sqrt(abs(w)))
                ends = (z - w * math.tanh(z), -z + w * math.tanh(z))
                assert min(abs(b - end) for end in ends) < 1e-6
    assert str(fold._dash_pattern) != str(flip._dash_pattern)


def test_initialisations_draw_the_law_through_the_points():
    found = compare_initialisations(activation("identity"), depth=40, samples=400)
    ax = plot.initialisations(found)
    assert len(ax.lines) == 2 * len(found.laws)
    for law, line in zip(found.laws, ax.lines[1::2], strict=True):
        assert line.get_ydata()[-1] == pytest.approx(40 * float(law.exponent) / math.log(10))


def test_gradients_of_a_path():
    path = trajectory(x**2, {x: 1}, 3, GradientDescent(Rational(1, 4)))
    ax = plot.gradients(path, prefix="x")
    slopes, costs = ([math.log10(c**-k) for k in range(4)] for c in (2.0, 4.0))
    assert list(ax.lines[0].get_ydata()) == pytest.approx([math.log10(2) + h for h in slopes])
    assert list(ax.lines[1].get_ydata()) == pytest.approx(costs)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: plot.curves([]), "at least one function"),
        (lambda: plot.sample(x, (1, 1)), "low < high"),
        (lambda: plot.sample(Symbol("a") * x, (0, 1), x=x), "numbers for the parameters a"),
        (lambda: plot.contours(x + 1, [], (x, x)), "one or more points"),
        (lambda: plot.contours(S(1), [(1, 1)], (x, Symbol("y"))), "no level lines"),
        (lambda: plot.errors([]), "at least one point"),
        (lambda: plot.depth([]), "at least one series"),
        (lambda: plot.phase_plane(x, w=(1, 1)), "low < high"),
        (
            lambda: plot.gradients(trajectory(x**2, {x: 1}, 1, GradientDescent(1))),
            "one variable of this path",
        ),
        (lambda: plot.save(plot.curves([x]).figure, io.BytesIO(), "gif"), "svg, pdf or png"),
    ],
)
def test_what_is_refused(call, said):
    with pytest.raises(InputError, match=said):
        call()
