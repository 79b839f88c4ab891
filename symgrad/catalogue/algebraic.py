"""Activations with algebraic or logarithmic tails."""

from __future__ import annotations

from sympy import Abs, Piecewise, Symbol, asinh, atan, log, sign, sqrt

from symgrad.activation import X
from symgrad.catalogue.table import row

__all__ = ["TABLE"]

α = Symbol("alpha", positive=True)
b = Symbol("b", positive=True)
isru = X / sqrt(1 + α * X**2)

TABLE = (
    # name             formula                               LaTeX                   text
    #                  source
    row("arctan",        atan(X),                              r"\arctan",             "arctan",
        "DLMF 4.23(ii)"),
    row("softsign",      X / (1 + Abs(X)),                     r"\mathrm{softsign}",   "softsign",
        "Turian, Bergstra, Bengio 2009, Quadratic features and deep architectures for chunking"),
    row("isru",          isru,                                 r"\mathrm{ISRU}",       "ISRU",
        "Carlile, Delamarter, Kinney, Marti, Whitney 2017, Improving deep learning by inverse "
        "square root linear units, arXiv:1710.09967", usual={α: 1}),
    row("isrlu",         Piecewise((X, X >= 0), (isru, True)), r"\mathrm{ISRLU}",      "ISRLU",
        "Carlile, Delamarter, Kinney, Marti, Whitney 2017, arXiv:1710.09967", usual={α: 1}),
    row("squareplus",    (X + sqrt(X**2 + b)) / 2,             r"\mathrm{squareplus}", "squareplus",
        "Barron 2021, Squareplus: a softplus-like algebraic rectifier, arXiv:2112.11687",
        usual={b: 4}),
    row("bent_identity", (sqrt(X**2 + 1) - 1) / 2 + X,         r"\mathrm{bent}",       "bent",
        "in common lists of activations; no first author known"),
    row("arsinh",        asinh(X),                             r"\operatorname{arsinh}", "arsinh",
        "DLMF 4.37(ii)"),
    row("symlog",        sign(X) * log(1 + Abs(X)),            r"\mathrm{symlog}",     "symlog",
        "Webber 2012, A bi-symmetric log transformation for wide-range data; Hafner, Pasukonis, "
        "Ba, Lillicrap 2023, Mastering diverse domains through world models, arXiv:2301.04104"),
)  # fmt: skip
