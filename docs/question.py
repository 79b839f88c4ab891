"""The page that judges the source texts, written from `examples/claims.py`.

Judging takes seconds, so the page is written again only when the claims or the library change: the
first line of the page holds the digest of both.
"""

from __future__ import annotations

import hashlib
import importlib.util
import pathlib
import re
import sys
from types import ModuleType

HERE = pathlib.Path(__file__).parent
CLAIMS = HERE.parent / "examples" / "claims.py"
PAGE = HERE / "question.rst"

OPENING = """\
The question
============

Descent is meant to make the gradient zero. Why, then, is a vanishing gradient a problem? Three
popular texts ask and answer this. Here every checkable thing they say is judged, in our own words:
it *holds* (is proved) or *fails* (is refuted) as it stands, by a computation of the library that
ran while this page was made; where it fails, what is true instead; and the reading under which the
authors are right. A and C are two versions of one question and answer on minimisation, B another
on the optimum. The short answer, with a test, is at :ref:`the end <short-answer>`.

In several of the facts :math:`f` is the cost of one sigmoid unit with the target 0.9,
:math:`f(z) = \\tfrac12 (\\sigma(z) - 0.9)^2`, whose minimum is at :math:`z = \\log 9`.

Claim by claim
--------------
"""

CLOSING = """\
.. _short-answer:

The short answer
----------------

A small gradient is a good sign exactly when it is small *because the residual is*. By the product
form

.. math:: \\delta^l = \\Bigl(\\prod_{k > l} w^k\\Bigr) \\Bigl(\\prod_{l \\le k < L} g'(z^k)\\Bigr)
   g'(z^L)\\, \\frac{\\partial c}{\\partial a}(a^L, y)

a component can also be small because a weight or a slope is, and then it says nothing about the
cost: the first claims above have slopes below :math:`10^{-8}` where the cost is largest. In a chain
with biases and an activation whose slope is never zero there is no saddle and no other trap:
*every* small gradient that does not come from the residual is a plateau.

How can you tell? Not from the gradient, and not from the size of a step: look at the factors.
``Chain.diagnose`` splits the decades of each component over the residual, the slopes, the weights
and the input, says whether the point is critical, and what can still be gained. A plateau:

.. doctest::

   >>> import symgrad as sg
   >>> from sympy import Rational
   >>> net = sg.Chain(sg.sigmoid, depth=2, x=1, y=Rational(9, 10))
   >>> plateau = net.diagnose({"w__1": 1, "b__1": 0, "w__2": -30, "b__2": 0})
   >>> print(plateau)  # doctest: +ELLIPSIS
   Not a critical point: ...
   >>> plateau.decades["residual"] < 1 < plateau.decades["slopes"]
   True

and a point near the optimum, where the gradient is as small and the residual is the reason:

.. doctest::

   >>> near = net.diagnose(
   ...     {"w__1": 1, "b__1": 0, "w__2": 1, "b__2": Rational("1.466166")}
   ... )
   >>> near.decades["slopes"] < 2 < 6 < near.decades["residual"]
   True

For how the factors multiply up with depth, :func:`symgrad.depth_law <symgrad.depth.depth_law>`
gives the rate and the constant; for what descent does on a plateau, see :doc:`derivations/descent`.
"""


def source_digest() -> str:
    """Of the claims, this file and every module of the library."""
    import symgrad

    package = pathlib.Path(symgrad.__file__).parent
    digest = hashlib.sha256()
    for path in [CLAIMS, pathlib.Path(__file__), *sorted(package.rglob("*.py"))]:
        digest.update(path.read_bytes())
    return digest.hexdigest()[:24]


def load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("claims", CLAIMS)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def plain(words: str) -> str:
    """Words with no markup in them: bars, stars and backticks stand for themselves."""
    return re.sub(r"[|*`\\]", r"\\\g<0>", words)


_LONGEST = 220
"""A step whose formula is longer in LaTeX, or a proof of more steps, is told by what proves it."""
_MOST = 4


def shown(fact: object) -> list[str]:
    from symgrad.fact import Fact, Refuted
    from symgrad.render import latex

    assert isinstance(fact, Fact), type(fact)
    lines = ["   .. math::", "", f"      {latex(fact.statement)}", ""]
    steps = [step for step in fact.derivation if step.claim != fact.statement]
    formulas = [latex(step.claim) for step in steps]
    if len(steps) <= _MOST and all(len(f) <= _LONGEST for f in formulas):
        pairs = zip(formulas, steps, strict=True)
        lines += [f"   * :math:`{f}`: {plain(step.because)}" for f, step in pairs]
    verdict = fact.verdict
    if isinstance(verdict, Refuted):
        lines += ["", f"   Refuted: {plain(verdict.why)}."]
    else:
        by = str(getattr(verdict, "by", verdict))
        lines += ["", f"   {type(verdict).__name__}: {plain(by)}."]
    return [*lines, ""]


def picture(lines: tuple[str, ...]) -> list[str]:
    if not lines:
        return []
    argument, *options = lines
    return [f"   .. symgrad:plot:: {argument}", *(f"      {o}" for o in options), ""]


def question_page() -> str:
    """Write docs/question.rst if what it rests on has changed."""
    first = f".. made from {source_digest()}"
    if PAGE.is_file() and PAGE.read_text("utf-8").startswith(first):
        return PAGE.name
    lines = [first, "", OPENING]
    for number, claim, fact, mended in load().judged():
        word = "holds" if fact.verdict else "fails"
        lines += [f"**{number}.** *{claim.says}* (text {claim.source}) As it stands it **{word}**."]
        lines += ["", *shown(fact)]
        if mended is not None:
            lines += ["   What is true:", "", *shown(mended)]
        if claim.fair:
            lines += [f"   To be fair: {claim.fair}.", ""]
        lines += picture(claim.picture)
    PAGE.write_text("\n".join([*lines, CLOSING]), "utf-8")
    return PAGE.name
