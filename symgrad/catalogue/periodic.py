"""Activations that oscillate."""

from __future__ import annotations

from sympy import Symbol, sin, sinc

from symgrad.activation import X
from symgrad.catalogue.table import row

__all__ = ["TABLE"]

a = Symbol("a", positive=True)

TABLE = (
    # name    formula                  LaTeX              text
    #         source
    row("sine",  sin(X),                 r"\sin",           "sin",
        "Sitzmann, Martel, Bergman, Lindell, Wetzstein 2020, Implicit neural representations with "
        "periodic activation functions, arXiv:2006.09661"),
    row("sinc",  sinc(X),                r"\mathrm{sinc}",  "sinc",
        "Woodward, Davies 1952, Information theory and inverse probability in telecommunication"),
    row("snake", X + sin(a * X)**2 / a,  r"\mathrm{snake}", "snake",
        "Ziyin, Hartwig, Ueda 2020, Neural networks fail to learn periodic functions and how to "
        "fix it, arXiv:2006.08195", usual={a: 1}),
)  # fmt: skip
