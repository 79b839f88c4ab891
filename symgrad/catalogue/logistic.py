"""Activations made of the logistic function and of tanh."""

from __future__ import annotations

from sympy import Rational, Symbol, atan, exp, log, pi, sqrt, tanh

from symgrad.activation import X
from symgrad.catalogue.table import row

__all__ = ["TABLE"]

β = Symbol("beta", positive=True)
σ = 1 / (1 + exp(-X))
cubic = Rational("0.044715")

TABLE = (
    # name           formula                    LaTeX                    text
    #                source
    row("sigmoid",     σ,                         r"\sigma",               "σ",
        "Verhulst 1845, Recherches mathématiques sur la loi d'accroissement de la population"),
    row("tanh",        tanh(X),                   r"\tanh",                "tanh",
        "LeCun, Bottou, Orr, Müller 1998, Efficient BackProp, section 4.4"),
    row("log_sigmoid", -log(1 + exp(-X)),         r"\log\sigma",           "log σ",
        "logarithm of the logistic function; PyTorch, torch.nn.LogSigmoid"),
    row("softplus",    log(1 + exp(β * X)) / β,   r"\mathrm{softplus}",    "softplus",
        "Dugas, Bengio, Bélisle, Nadeau, Garcia 2001, Incorporating second-order functional "
        "knowledge for better option pricing, NIPS 13", usual={β: 1}),
    row("silu",        X * σ,                     r"\mathrm{SiLU}",        "SiLU",
        "Elfwing, Uchibe, Doya 2018, Sigmoid-weighted linear units, arXiv:1702.03118"),
    row("swish",       X / (1 + exp(-β * X)),     r"\mathrm{swish}",       "swish",
        "Ramachandran, Zoph, Le 2017, Searching for activation functions, arXiv:1710.05941; "
        "beta = 1 is SiLU", often={β: 1}),
    row("mish",        X * tanh(log(1 + exp(X))), r"\mathrm{mish}",        "mish",
        "Misra 2019, Mish: a self regularized non-monotonic activation function, arXiv:1908.08681"),
    row("logish",      X * log(1 + σ),            r"\mathrm{logish}",      "logish",
        "Zhu, Zeng, Liu, Zhang 2021, Logish: a new nonlinear nonmonotonic activation function for "
        "convolutional neural network, Neurocomputing 458"),
    row("smish",       X * tanh(log(1 + σ)),      r"\mathrm{smish}",       "smish",
        "Wang, Ren, Wang 2022, Smish: a novel activation function for deep learning methods, "
        "Electronics 11(4)"),
    row("tanhexp",     X * tanh(exp(X)),          r"\mathrm{TanhExp}",     "TanhExp",
        "Liu, Di 2020, TanhExp: a smooth activation function with high convergence speed for "
        "lightweight neural networks, arXiv:2003.09855"),
    row("gelu_tanh",   X * (1 + tanh(sqrt(2 / pi) * (X + cubic * X**3))) / 2,
                                                  r"\mathrm{GELU}_{\tanh}", "GELU_tanh",
        "Hendrycks, Gimpel 2016, Gaussian error linear units, section 2, arXiv:1606.08415"),
    row("tanhshrink",  X - tanh(X),               r"\mathrm{tanhshrink}",  "tanhshrink",
        "PyTorch, torch.nn.Tanhshrink"),
    row("gudermannian", 2 * atan(tanh(X / 2)),    r"\mathrm{gd}",          "gd",
        "Gudermann 1830; DLMF 4.23(viii)"),
)  # fmt: skip
