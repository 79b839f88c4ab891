"""Activations made of the error function and the Gaussian."""

from __future__ import annotations

from sympy import erf, exp, log, sqrt, tanh

from symgrad.activation import X
from symgrad.catalogue.table import row

__all__ = ["TABLE"]

gelu = X * (1 + erf(X / sqrt(2))) / 2

TABLE = (
    # name        formula                        LaTeX                     text
    #             source
    row("erf",      erf(X),                        r"\operatorname{erf}",    "erf",
        "DLMF 7.2.1"),
    row("gelu",     gelu,                          r"\mathrm{GELU}",         "GELU",
        "Hendrycks, Gimpel 2016, Gaussian error linear units, arXiv:1606.08415"),
    row("gaussian", exp(-(X**2)),                  r"\mathrm{gaussian}",     "gaussian",
        "Broomhead, Lowe 1988, Multivariable functional interpolation and adaptive networks"),
    row("phish",    X * tanh(gelu),                r"\mathrm{phish}",        "phish",
        "Naveen 2022, Phish: a novel hyper-optimizable activation function"),
    row("serf",     X * erf(log(1 + exp(X))),      r"\mathrm{serf}",         "serf",
        "Nag, Bhattacharyya 2021, SERF: towards better training of deep neural networks using "
        "log-softplus error activation function, arXiv:2108.09598"),
)  # fmt: skip
