"""A Sphinx extension: derivations, tails, bounds, facts, kernels and plots, computed and checked
while the documents are built.

Put `"symgrad.sphinxext"` into `extensions` of any project's `conf.py`. The directives and roles
live in the domain `symgrad`::

    .. symgrad:derivation:: sigmoid | tanh | sigmoid
       :layer: 1
       :label: eq-delta

    .. symgrad:tails:: sigmoid'(x)

    .. symgrad:claim:: tanh'(x) <= 4*exp(-2*x)
       :on: [0, oo)

    The derivative is :symgrad:expr:`sigmoid'(x)`.

A result becomes pages by one road: its document blocks are set as JSON in a worker process (which
has a time limit), kept on a shelf under the hash of all that determines them, and turned into
docutils nodes. Only the worker imports SymPy, and it starts only when the shelf lacks something.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sphinx.application import Sphinx

__all__ = ["setup"]


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the domain, the settings and the handlers with a Sphinx application."""
    from symgrad.sphinxext.domain import connect

    return connect(app)
