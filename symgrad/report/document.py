"""`report(chain)`: the six parts of the report, in order, as one document."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

from symgrad.chain import Chain
from symgrad.errors import SymgradError
from symgrad.render import Block, Para, Section, Shown
from symgrad.report.forms import envelope
from symgrad.report.page import page
from symgrad.report.sections import SECTIONS, Part, Work

__all__ = ["Report", "report"]


@dataclass(frozen=True)
class Report(Shown):
    """What the report says about one chain: a document, its data, and whether all of it holds.

    `holds` is false where a claim is not proved, a check exceeds its limit, or a part failed.
    """

    title: str
    chain: Chain
    parts: tuple[Part, ...]
    interrupted: bool = False

    @property
    def holds(self) -> bool:
        return all(part.holds for part in self.parts)

    @property
    def warnings(self) -> list[str]:
        """Which parts are missing, and why."""
        return [f"{part.key}: {part.failure}" for part in self.parts if part.failure]

    def _blocks(self) -> Iterable[Block]:
        return [Section(f"{n}. {p.title}", tuple(p.blocks)) for n, p in enumerate(self.parts, 1)]

    def to_html(self) -> str:
        """The report as one page that needs nothing else."""
        return page(self.title, self._blocks())

    @property
    def given(self) -> dict[str, Any]:
        """What the report is on."""
        chain = self.chain
        layers = [
            {
                "activation": layer.g(chain.z(l)),
                "weight": chain.given.get(chain.w(l), chain.w(l)),
                "bias": chain.given.get(chain.b(l), chain.b(l)) if layer.has_bias else None,
                "skip": layer.skip,
            }
            for l, layer in enumerate(chain.layers, 1)
        ]
        return {
            "title": self.title,
            "layers": layers,
            "loss": chain.loss.name,
            "tie_weights": chain.tie_weights,
            "input": chain.input,
            "target": chain.target,
        }

    @property
    def result(self) -> dict[str, Any]:
        """What each part found, by its key."""
        return {part.key: part.data for part in self.parts}

    def to_json(self) -> dict[str, Any]:
        """The report as one versioned document, digits as strings."""
        return envelope("report", self.given, self.result, self.warnings)


def report(
    chain: Chain,
    *,
    title: str = "",
    full: bool = False,
    terms: int = 3,
    points: int = 2000,
    progress: Callable[[int, int, str], None] | None = None,
) -> Report:
    """The report on a chain: recurrences, closed forms, tails, bounds, numbers, diagnosis.

    `full` adds every derivation, and the explicit forms of chains deeper than 10; `terms` is the
    number of terms of each tail, `points` that of each check. `progress(done, all, title)` is
    called before each part. A part that meets a limit of the library says so in its place; an
    interrupt gives back the parts that are done, with `interrupted` true.
    """
    work = Work(chain, full, terms, points)
    parts: list[Part] = []
    interrupted = False
    for done, (key, heading, build) in enumerate(SECTIONS):
        try:
            if interrupted:
                raise KeyboardInterrupt
            if progress is not None:
                progress(done, len(SECTIONS), heading)
            part = build(work)
        except KeyboardInterrupt:
            if not parts:
                raise
            interrupted = True
            part = _missing("interrupted")
        except SymgradError as error:
            part = _missing(str(error))
        parts.append(replace(part, key=key, title=heading))
    title = title or f"A chain of depth {chain.depth}"
    return Report(title, chain, tuple(parts), interrupted)


def _missing(why: str) -> Part:
    return Part((Para(f"Not done: {why}"),), {"error": why}, False, failure=why)
