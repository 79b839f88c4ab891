"""A claim is a `Fact`: statement, conditions, derivation, source, verdict.

Proved, measured, undecided are never mixed up: what points showed is `Evidence`, and it leaves a
step `Undecided`; a fact is `Proved` only if every one of its steps is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from sympy import And, Basic

from symgrad.render import Block, Formula, Para, Shown, Steps

__all__ = [
    "Derivation",
    "Evidence",
    "Fact",
    "Proved",
    "Refuted",
    "Result",
    "Step",
    "Undecided",
    "Verdict",
]


@dataclass(frozen=True, slots=True)
class Proved:
    """The claim holds, by what is named in `by`."""

    by: str

    def __post_init__(self) -> None:
        if not self.by:
            raise ValueError("Proved must name what proves it")

    def __bool__(self) -> Literal[True]:
        return True


@dataclass(frozen=True, slots=True)
class Refuted:
    """The claim fails, at the witness `at` where there is one."""

    at: Basic | None
    why: str

    def __bool__(self) -> Literal[False]:
        return False


@dataclass(frozen=True, slots=True)
class Undecided:
    """The claim was neither proved nor refuted, for the reason in `why`."""

    why: str

    def __post_init__(self) -> None:
        if not self.why:
            raise ValueError("Undecided must give its reason")

    def __bool__(self) -> Literal[False]:
        return False


Verdict = Proved | Refuted | Undecided


@dataclass(frozen=True, slots=True)
class Evidence:
    """What `points` points showed, and the worst of them; it proves nothing."""

    points: int
    worst: str
    note: str = ""

    def __post_init__(self) -> None:
        if self.points < 1:
            raise ValueError(f"evidence needs at least one point, got {self.points}")

    def __str__(self) -> str:
        tail = f"; {self.note}" if self.note else ""
        return f"measured at {self.points} points, worst: {self.worst}{tail}"


@dataclass(frozen=True, slots=True)
class Step(Shown):
    """The claim follows from `given` by `because`, under `under`.

    `given` holds the numbers, from 1, of earlier steps of the same derivation.
    """

    claim: Basic
    because: str
    verdict: Verdict
    given: tuple[int, ...] = ()
    under: tuple[Any, ...] = ()
    evidence: Evidence | None = None

    def _blocks(self) -> Iterable[Block]:
        yield Formula(self.claim)
        given = f" from {', '.join(f'({n})' for n in self.given)}" if self.given else ""
        parts: list[str | Basic] = [self.because, given]
        if self.under:
            parts += [", where ", And(*self.under)]
        match self.verdict:
            case Proved():
                pass
            case Refuted(at=at, why=why):
                parts += [f"; REFUTED: {why}"] + ([" at ", at] if at is not None else [])
            case Undecided(why=why):
                parts.append(f"; UNDECIDED: {why}")
        if self.evidence:
            parts.append(f" ({self.evidence})")
        yield Para(*parts)


@dataclass(frozen=True, slots=True)
class Derivation(Shown):
    """Numbered steps; the last one is the conclusion.

    >>> from sympy import S
    >>> step = Step(S.true, "trivially", Proved("inspection"))
    >>> Derivation((step,)).verdict
    Proved(by='inspection')
    """

    steps: tuple[Step, ...]

    def __post_init__(self) -> None:
        for number, step in enumerate(self.steps, 1):
            if any(not 1 <= earlier < number for earlier in step.given):
                raise ValueError(f"step {number} may rest on earlier steps only, got {step.given}")

    @property
    def verdict(self) -> Verdict:
        """Refuted if a step is, else Undecided if a step is, else Proved."""
        if not self.steps:
            return Undecided("the derivation has no step")
        for kind in (Refuted, Undecided):
            for step in self.steps:
                if isinstance(step.verdict, kind):
                    return step.verdict
        by = dict.fromkeys(s.verdict.by for s in self.steps if isinstance(s.verdict, Proved))
        return Proved("; ".join(by))

    def __len__(self) -> int:
        return len(self.steps)

    def __iter__(self) -> Iterator[Step]:
        return iter(self.steps)

    def _blocks(self) -> Iterable[Block]:
        yield Steps(tuple(tuple(step._blocks()) for step in self.steps))


@dataclass(frozen=True, slots=True)
class Fact(Shown):
    """`statement` holds under `under`, by `derivation`.

    `id` is permanent and readable (`tanh.d1.tail+`); `source` names where the method is from.
    """

    id: str
    statement: Basic
    derivation: Derivation
    under: tuple[Any, ...] = ()
    source: str = ""
    evidence: Evidence | None = None

    @property
    def verdict(self) -> Verdict:
        """The verdict of the derivation."""
        return self.derivation.verdict

    def _blocks(self) -> Iterable[Block]:
        yield Formula(self.statement)
        if self.under:
            yield Para("where ", And(*self.under))
        match self.verdict:
            case Proved(by=by):
                yield Para(f"Proved [{self.id}]: {by}.")
            case Refuted(at=at, why=why):
                where = [" at ", at] if at is not None else []
                yield Para(f"Refuted [{self.id}]: {why}", *where, ".")
            case Undecided(why=why):
                yield Para(f"Undecided [{self.id}]: {why}.")
        if self.evidence:
            yield Para(f"{self.evidence}.")
        if self.source:
            yield Para(f"Source: {self.source}.")


class Result(Shown):
    """Mixin: a record that has a `.fact` forwards its verdict and its derivation."""

    __slots__ = ()
    fact: Fact

    @property
    def verdict(self) -> Verdict:
        """The verdict of the fact."""
        return self.fact.verdict

    @property
    def derivation(self) -> Derivation:
        """The derivation of the fact."""
        return self.fact.derivation
