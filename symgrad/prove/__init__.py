"""Inequalities in one variable: proved with a certificate, refuted with a witness, or open."""

from symgrad.prove.certificate import certificate, dumps
from symgrad.prove.inequality import Inequality, prove
from symgrad.prove.verify import CertificateError, verify

__all__ = ["CertificateError", "Inequality", "certificate", "dumps", "prove", "verify"]
