"""Activations that end in one exponential, or in an exponential of an exponential."""

from __future__ import annotations

from sympy import Expr, Piecewise, Rational, Symbol, exp

from symgrad.activation import X
from symgrad.catalogue.table import kink, row

__all__ = ["TABLE"]

α = Symbol("alpha", positive=True)
β = Symbol("beta", positive=True)
#: The two constants of SELU, exactly these decimals.
A = Rational("1.6732632423543772848170429916717")
Λ = Rational("1.0507009873554804934193349852946")

LEFT = "the slope of the left side, as in PyTorch"


def bent(right: Expr, left: Expr) -> Expr:
    """One formula for x > 0, the other for x ≤ 0."""
    return Piecewise((right, X > 0), (left, True))


TABLE = (
    # name        formula                             LaTeX                text
    #             source
    row("elu",      bent(X, α * (exp(X) - 1)),          r"\mathrm{ELU}",     "ELU",
        "Clevert, Unterthiner, Hochreiter 2015, Fast and accurate deep network learning by "
        "exponential linear units, arXiv:1511.07289",
        kink(0, α, LEFT), usual={α: 1}),
    row("selu",     bent(Λ * X, Λ * A * (exp(X) - 1)),  r"\mathrm{SELU}",    "SELU",
        "Klambauer, Unterthiner, Mayr, Hochreiter 2017, Self-normalizing neural networks, "
        "arXiv:1706.02515", kink(0, Λ * A, LEFT)),
    row("celu",     bent(X, α * (exp(X / α) - 1)),      r"\mathrm{CELU}",    "CELU",
        "Barron 2017, Continuously differentiable exponential linear units, arXiv:1704.07483",
        usual={α: 1}),
    row("pelu",     bent(α * X / β, α * (exp(X / β) - 1)), r"\mathrm{PELU}", "PELU",
        "Trottier, Giguère, Chaib-draa 2016, Parametric exponential linear unit for deep "
        "convolutional neural networks, arXiv:1605.09332; alpha = beta = 1 is ELU",
        often={α: 1, β: 1}),
    row("mpelu",    bent(X, α * (exp(β * X) - 1)),      r"\mathrm{MPELU}",   "MPELU",
        "Li, Fan, Li, Wu, Ming 2016, Improving deep neural network with multiple parametric "
        "exponential linear units, arXiv:1606.00305; alpha = beta = 1 is ELU",
        kink(0, α * β, "the slope of the left side, as for ELU"), often={α: 1, β: 1}),
    row("cloglog",  1 - exp(-exp(X)),                   r"\mathrm{cloglog}", "cloglog",
        "complementary log-log: McCullagh, Nelder 1989, Generalized linear models, section 4.3"),
    row("gompertz", exp(-exp(-X)),                      r"\mathrm{gompertz}", "gompertz",
        "Gompertz 1825, On the nature of the function expressive of the law of human mortality"),
)  # fmt: skip
