"""Accuracy side by side: every contender's derivative against the same oracle, at the same points.

The contenders are what their users type: `sympy.lambdify` of the derivative as it is and after
`simplify`, PyTorch's and JAX's automatic derivative of their own function (or of the usual idiom
where there is none), and the careful SciPy formula of `test_kernels_speed`. A peer that is not
installed, or a function it does not have, leaves an empty place, never a good figure.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
import sympy
from test_kernels_speed import CAREFUL

import symgrad as sg
from symgrad.activation import X

POINTS = 4000
GATE = 4.0

TORCH: dict[str, Callable[..., Any]] = {
    "sigmoid": lambda t, F, x: t.sigmoid(x),
    "tanh": lambda t, F, x: t.tanh(x),
    "softplus": lambda t, F, x: F.softplus(x),
    "log_sigmoid": lambda t, F, x: F.logsigmoid(x),
    "silu": lambda t, F, x: F.silu(x),
    "gelu": lambda t, F, x: F.gelu(x),
    "gelu_tanh": lambda t, F, x: F.gelu(x, approximate="tanh"),
    "mish": lambda t, F, x: F.mish(x),
    "elu": lambda t, F, x: F.elu(x),
    "selu": lambda t, F, x: F.selu(x),
    "celu": lambda t, F, x: F.celu(x),
    "softsign": lambda t, F, x: F.softsign(x),
    "arctan": lambda t, F, x: t.arctan(x),
    "erf": lambda t, F, x: t.erf(x),
    "relu6": lambda t, F, x: F.relu6(x),
    "leaky_relu": lambda t, F, x: F.leaky_relu(x, 0.01),
    "hard_swish": lambda t, F, x: F.hardswish(x),
    "hard_sigmoid": lambda t, F, x: F.hardsigmoid(x),
    "tanhshrink": lambda t, F, x: F.tanhshrink(x),
    "gaussian": lambda t, F, x: t.exp(-x * x),
    "arsinh": lambda t, F, x: t.asinh(x),
    "isru": lambda t, F, x: x / t.sqrt(1 + x * x),
    "squareplus": lambda t, F, x: (x + t.sqrt(x * x + 4)) / 2,
}
JAX: dict[str, Callable[..., Any]] = {
    "sigmoid": lambda j, x: j.nn.sigmoid(x),
    "tanh": lambda j, x: j.numpy.tanh(x),
    "softplus": lambda j, x: j.nn.softplus(x),
    "log_sigmoid": lambda j, x: j.nn.log_sigmoid(x),
    "silu": lambda j, x: j.nn.silu(x),
    "gelu": lambda j, x: j.nn.gelu(x, approximate=False),
    "gelu_tanh": lambda j, x: j.nn.gelu(x, approximate=True),
    "mish": lambda j, x: j.nn.mish(x),
    "elu": lambda j, x: j.nn.elu(x),
    "selu": lambda j, x: j.nn.selu(x),
    "celu": lambda j, x: j.nn.celu(x),
    "softsign": lambda j, x: j.nn.soft_sign(x),
    "arctan": lambda j, x: j.numpy.arctan(x),
    "erf": lambda j, x: j.lax.erf(x),
    "relu6": lambda j, x: j.nn.relu6(x),
    "leaky_relu": lambda j, x: j.nn.leaky_relu(x, 0.01),
    "hard_swish": lambda j, x: j.nn.hard_swish(x),
    "hard_sigmoid": lambda j, x: j.nn.hard_sigmoid(x),
    "tanhshrink": lambda j, x: x - j.numpy.tanh(x),
    "gaussian": lambda j, x: j.numpy.exp(-x * x),
    "arsinh": lambda j, x: j.numpy.arcsinh(x),
    "isru": lambda j, x: x / j.numpy.sqrt(1 + x * x),
    "squareplus": lambda j, x: j.nn.squareplus(x),
}


def plain(order: int, name: str, *, simplified: bool = False) -> Callable[[Any], Any]:
    formula = sg.activation(name)(X).doit()
    slope = sympy.diff(formula, X, order)
    return sympy.lambdify(X, sympy.simplify(slope) if simplified else slope, ["scipy", "numpy"])


def by_torch(order: int, name: str) -> Callable[[Any], Any]:
    torch = pytest.importorskip("torch")

    def slope(v: Any) -> Any:
        x = torch.tensor(np.asarray(v), requires_grad=True)
        y = TORCH[name](torch, torch.nn.functional, x)
        for _ in range(order):
            if not y.requires_grad:
                return np.zeros_like(v)
            (y,) = torch.autograd.grad(y.sum(), x, create_graph=True)
        return y.detach().numpy()

    return slope


def by_jax(order: int, name: str) -> Callable[[Any], Any]:
    jax = pytest.importorskip("jax")
    jax.config.update("jax_enable_x64", True)
    f = partial(JAX[name], jax)
    for _ in range(order):
        f = jax.grad(f)
    compiled = jax.jit(jax.vmap(f))
    return lambda v: np.asarray(compiled(np.atleast_1d(v))).reshape(np.shape(v))


CONTENDERS: dict[str, Callable[[int, str], Callable[[Any], Any] | None]] = {
    "symgrad": lambda n, name: sg.lambdify(X, sg.activation(name).d(n)(X)),
    "sympy": plain,
    "sympy, simplified": lambda n, name: plain(n, name, simplified=True),
    "PyTorch": lambda n, name: by_torch(n, name) if name in TORCH else None,
    "JAX": lambda n, name: by_jax(n, name) if name in JAX else None,
    "careful SciPy": lambda n, name: CAREFUL.get((name, n)),
}
ENTRIES = sorted(
    g.name for g in sg.activations() if not g.formula.expr.free_symbols - set(g.formula.variables)
)


def fair(f: Callable[[Any], Any], name: str, order: int) -> Callable[[Any], Any]:
    """f with arrays for arrays, at a kink the record's convention, far out by the amplitude."""
    kinks = [float(k.at) for k in sg.activation(name).kinks] if order else []
    slope = sg.lambdify(X, sg.activation(name).d(order)(X))

    def g(v: Any) -> Any:
        y = np.broadcast_to(f(v), np.shape(v))
        return np.where(np.isin(v, kinks), slope(v), y).astype(y.dtype) if kinks else y

    g.amplitude_beyond = slope.amplitude_beyond  # what oscillates for ever, for every contender
    return g


def judge(f: Callable[[Any], Any], name: str, order: int, dtype: Any) -> list[Any]:
    expr = sg.activation(name).d(order)(X)
    with warnings.catch_warnings(), np.errstate(all="warn"):
        warnings.simplefilter("ignore")
        try:
            report = sg.check(
                fair(f, name, order), POINTS, dtype=dtype, oracle="arb", expr=expr, args=X
            )
        except (NameError, TypeError, RuntimeError) as error:
            return [None] * 5 + [f"fails: {type(error).__name__}", "no"]
    wrong = report.wrong_zeros.count + report.non_finite.count
    return [
        report.max_ulp, report.p999, report.wrong_zeros.count, report.non_finite.count,
        len(report.warnings), "yes" if report.max_ulp <= GATE and not wrong else "no",
        "yes" if report.passed(GATE) else "no",
    ]  # fmt: skip


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("order", [0, 1, 2])
def test_accuracy(order, dtype, measured):
    rows = []
    for name in ENTRIES:
        for contender, make in CONTENDERS.items():
            try:
                f = make(order, name)
            except pytest.skip.Exception:
                continue
            except NotImplementedError as error:
                print(f"{contender} {name}: {error}")
                rows.append([name, contender, *[None] * 5, "refused", "no"])
                continue
            if f is not None:
                rows.append([name, contender, *judge(f, name, order, dtype)])
    by = {c: [r[-2:] for r in rows if r[1] == c] for c in CONTENDERS}
    summary = [
        [c, len(v), *(sum(r[k] == "yes" for r in v) for k in (0, 1))] for c, v in by.items() if v
    ]
    note = (
        f"Order {order}, {dtype}, about {POINTS} points of the design of `check` each. Accurate: "
        f"at most {GATE:g} ulp everywhere, no wrong zero, inf or nan. Every law: no warning "
        "as well, right limits at ±inf, nan kept, the dtype kept. At a kink every contender is "
        "given the record's convention, and what oscillates is judged by its amplitude far out."
    )
    measured(f"accuracy-d{order}-{dtype}-all", f"Error in ulp, order {order}, {dtype}",
             ["function", "by", "max ulp", "99.9 %", "wrong zeros", "inf or nan", "warnings",
              "accurate", "every law"], rows, note)  # fmt: skip
    title = f"Functions that are accurate, order {order}, {dtype}"
    head = ["by", "tried", "accurate", "every law"]
    measured(f"accuracy-d{order}-{dtype}", title, head, summary, note)
    assert {row[0] for row in rows if row[1] == "symgrad"} == set(ENTRIES)
