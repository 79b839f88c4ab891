"""The chain: closed forms, Hessian, bounds, critical points, diagnosis, and its kernel."""

from symgrad.chain.bounds import DeltaBound, Threshold
from symgrad.chain.cases import CriticalCase, CriticalPoints
from symgrad.chain.chain import Chain
from symgrad.chain.diagnose import Diagnosis, LayerDiagnosis
from symgrad.chain.gradient import EXPLICIT_NODES, Gradient
from symgrad.chain.hessian import Hessian, HessianAt
from symgrad.chain.kernel import ChainKernel, Gradients, ScaledGradients
from symgrad.chain.layer import Layer
from symgrad.chain.notation import a_, b_, delta_, e_, kappa_, w_, z_
from symgrad.chain.program import StraightLine
from symgrad.chain.symbolic import SymbolicChain

__all__ = [
    "EXPLICIT_NODES",
    "Chain",
    "ChainKernel",
    "CriticalCase",
    "CriticalPoints",
    "DeltaBound",
    "Diagnosis",
    "Gradient",
    "Gradients",
    "Hessian",
    "HessianAt",
    "Layer",
    "LayerDiagnosis",
    "ScaledGradients",
    "StraightLine",
    "SymbolicChain",
    "Threshold",
    "a_",
    "b_",
    "delta_",
    "e_",
    "kappa_",
    "w_",
    "z_",
]
