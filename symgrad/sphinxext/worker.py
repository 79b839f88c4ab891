"""The worker: a request, one JSON object, on each line of standard input; one line answers it.

It is the only part of the extension that imports SymPy. It ends with its standard input.
"""

from __future__ import annotations

import io
import json
import os
import pathlib
import pickle
import sys
from typing import Any

from symgrad.errors import SymgradError
from symgrad.files import write_whole
from symgrad.plot import save as write
from symgrad.sphinxext.results import MAKERS, Request
from symgrad.sphinxext.setting import Drawing, set_blocks

__all__ = ["main", "respond"]


def respond(request: dict[str, Any]) -> str:
    """Put the answer to one request on the shelf, and say what is wrong with it, if anything."""
    stem, figures = pathlib.Path(request["stem"]), []

    def save(drawing: Drawing) -> str:
        figures.append(f"{stem.name}-{len(figures)}")
        figure = drawing.draw()
        for kind in request["pictures"]:
            buffer = io.BytesIO()
            write(figure, buffer, kind)
            write_whole(stem.parent / f"{figures[-1]}.{kind}", buffer.getvalue())
        return figures[-1]

    try:
        found = MAKERS[request["row"]](Request(request))
        body, labelled = set_blocks(found, save)
        failed = found.failed
    except SymgradError as error:
        return str(error)
    facts = [fact.id for fact in found.facts if found.linked]
    answer = {"body": body, "labelled": labelled, "failed": failed, "facts": facts}
    write_whole(f"{stem}.answer", pickle.dumps({**answer, "figures": figures}))
    return ""


def main() -> None:
    """Answer until standard input ends; what anything prints goes to standard error."""
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    for line in sys.stdin:
        print(json.dumps(respond(json.loads(line))), file=out, flush=True)


if __name__ == "__main__":
    main()
