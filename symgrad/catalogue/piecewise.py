"""Activations that are put together from straight or quadratic pieces."""

from __future__ import annotations

from sympy import Expr, Max, Min, Piecewise, Rational, Symbol

from symgrad.activation import X
from symgrad.catalogue.table import kink, row

__all__ = ["TABLE"]

α = Symbol("alpha", positive=True)
a = Symbol("alpha", real=True)
λ = Symbol("lambda", positive=True)
θ = Symbol("theta", real=True)
v = Symbol("value", real=True)

LEFT = "the slope of the left side, as in PyTorch (JAX takes the right side)"
FLAT = "the slope 0 of the flat side, as in PyTorch"
JUMP = "g jumps here; the slope of the middle, as in PyTorch"
OUTER = "the slope of the outer side, as in PyTorch since its pull request 148049 of 2025"

THRESHOLD = "g jumps here unless value = theta; the slope 0 of the left side, as in PyTorch"


def bent(right: Expr, left: Expr) -> Expr:
    """One formula for x > 0, the other for x ≤ 0."""
    return Piecewise((right, X > 0), (left, True))


def shrunk(right: Expr, left: Expr) -> Expr:
    """One formula beyond λ, the other below −λ, zero between."""
    return Piecewise((right, λ < X), (left, -λ > X), (0, True))


TABLE = (
    # name            formula                          LaTeX                     text
    #                 source
    row("identity",     X,                               r"\mathrm{id}",          "id",
        "by definition"),
    row("relu",         Max(X, 0),                       r"\mathrm{ReLU}",        "ReLU",
        "Nair, Hinton 2010, Rectified linear units improve restricted Boltzmann machines",
        kink(0, 0, "the slope 0 of the flat side, as in PyTorch and JAX")),
    row("leaky_relu",   bent(X, α * X),                  r"\mathrm{LReLU}",       "LReLU",
        "Maas, Hannun, Ng 2013, Rectifier nonlinearities improve neural network acoustic models",
        kink(0, α, LEFT), usual={α: Rational("0.01")}),
    row("prelu",        bent(X, a * X),                  r"\mathrm{PReLU}",       "PReLU",
        "He, Zhang, Ren, Sun 2015, Delving deep into rectifiers, section 2.1 (learned from "
        "alpha = 1/4 on), arXiv:1502.01852",
        kink(0, a, "the slope of the left side, as in PyTorch"), often={a: Rational(1, 4)}),
    row("relu6",        Min(Max(X, 0), 6),               r"\mathrm{ReLU}_6",      "ReLU6",
        "Krizhevsky 2010, Convolutional deep belief networks on CIFAR-10",
        kink(0, 0, FLAT), kink(6, 0, FLAT)),
    row("hard_sigmoid", Min(Max(X + 3, 0), 6) / 6,       r"\mathrm{hardsigmoid}", "hardsigmoid",
        "Courbariaux, Bengio, David 2015, BinaryConnect, arXiv:1511.00363; in this scale Howard "
        "et al. 2019, Searching for MobileNetV3, arXiv:1905.02244",
        kink(-3, 0, FLAT), kink(3, 0, FLAT)),
    row("hard_tanh",    Min(Max(X, -1), 1),              r"\mathrm{hardtanh}",    "hardtanh",
        "Collobert 2004, Large scale machine learning",
        kink(-1, 0, FLAT), kink(1, 0, FLAT)),
    row("hard_swish",   X * Min(Max(X + 3, 0), 6) / 6,   r"\mathrm{hardswish}",   "hardswish",
        "Howard et al. 2019, Searching for MobileNetV3, section 5.2, arXiv:1905.02244",
        kink(-3, 0, OUTER), kink(3, 1, OUTER)),
    row("softshrink",   shrunk(X - λ, X + λ),            r"\mathrm{softshrink}",  "softshrink",
        "Donoho 1995, De-noising by soft-thresholding",
        kink(-λ, 0, FLAT), kink(λ, 0, FLAT), usual={λ: Rational(1, 2)}),
    row("hardshrink",   shrunk(X, X),                    r"\mathrm{hardshrink}",  "hardshrink",
        "Donoho, Johnstone 1994, Ideal spatial adaptation by wavelet shrinkage",
        kink(-λ, 0, JUMP), kink(λ, 0, JUMP), usual={λ: Rational(1, 2)}),
    row("threshold",    Piecewise((X, θ < X), (v, True)), r"\mathrm{threshold}",  "threshold",
        "Konda, Memisevic, Krueger 2014, Zero-bias autoencoders and the benefits of co-adapting "
        "features, arXiv:1402.3337; with `value` as in PyTorch, torch.nn.Threshold",
        kink(θ, 0, THRESHOLD), usual={θ: 1, v: 0}),
)  # fmt: skip
