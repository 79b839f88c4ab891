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
*proved* or *refuted* as it stands, by a computation of the library that ran while this page was
made; where it is refuted, what is true instead; and the reading under which the authors are right.
A and C are two versions of one question and answer on minimisation, B another on the optimum.

The short answer
----------------

A small gradient is a good sign exactly when it is small *because the residual is*. By the product
form δˡ = (∏ wᵏ)(∏ g'(zᵏ)) δᴸ a component can also be small because a slope or a weight is, and then
it says nothing about the cost. To tell them apart, look at the factors and not at the product:
``Chain.diagnose`` splits the decades of each component over the residual, the slopes, the weights
and the input, says whether the point is an exact critical point, and gives what can still be
gained.

.. doctest::

   >>> import symgrad as sg
   >>> net = sg.Chain(sg.sigmoid, depth=2)
   >>> point = {"x": 1, "y": 1, "w__1": 1, "b__1": 0, "w__2": -30, "b__2": 0}
   >>> print(net.diagnose(point))  # doctest: +ELLIPSIS
   Not a critical point: ...

Claim by claim
--------------
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


def shown(fact: object) -> list[str]:
    from symgrad.fact import Fact, Refuted
    from symgrad.render import latex

    assert isinstance(fact, Fact), type(fact)
    lines = ["   .. math::", "", f"      {latex(fact.statement)}", ""]
    lines += [
        f"   * :math:`{latex(step.claim)}`: {plain(step.because)}" for step in fact.derivation
    ]
    verdict = fact.verdict
    if isinstance(verdict, Refuted):
        lines += ["", f"   Refuted: {plain(verdict.why)}."]
    else:
        by = str(getattr(verdict, "by", verdict))
        lines += ["", f"   {type(verdict).__name__}: {plain(by)}."]
    return [*lines, ""]


def question_page() -> str:
    """Write docs/question.rst if what it rests on has changed."""
    first = f".. made from {source_digest()}"
    if PAGE.is_file() and PAGE.read_text("utf-8").startswith(first):
        return PAGE.name
    lines = [first, "", OPENING]
    for number, claim, fact, mended in load().judged():
        word = "holds" if fact.verdict else "fails"
        says = f"(text {claim.source}) *{claim.says}* As it stands it **{word}**."
        lines += [f"**{number}.** {says}", ""]
        lines += shown(fact)
        if mended is not None:
            lines += ["   What is true:", "", *shown(mended)]
        if claim.fair:
            lines += [f"   To be fair: {claim.fair}.", ""]
    PAGE.write_text("\n".join(lines), "utf-8")
    return PAGE.name
