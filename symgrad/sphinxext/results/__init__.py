"""What each directive shows: one function a row, from the request to an `Answer`."""

from __future__ import annotations

from symgrad.sphinxext.results import bounds, chains, functions, kernels, pictures
from symgrad.sphinxext.results.reading import Maker, Request
from symgrad.sphinxext.setting import Answer

__all__ = ["MAKERS", "answer"]

MAKERS: dict[str, Maker] = {
    **functions.MAKERS,
    **bounds.MAKERS,
    **chains.MAKERS,
    **kernels.MAKERS,
    **pictures.MAKERS,
}


def answer(request: Request) -> Answer:
    """The answer to a request; raises `SymgradError` for what cannot be shown."""
    return MAKERS[request["row"]](request, request["options"])
