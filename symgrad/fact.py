"""A claim is a `Fact`: statement, conditions, derivation, source, verdict.

Proved, measured, undecided are never mixed up: what points showed is `Evidence`, and it leaves a
step `Undecided`; a fact is `Proved` only if every one of its steps is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, fields
from functools import partial
from typing import Any, Literal

from sympy import Add, And, Basic, Mul, Pow
from sympy.core.relational import Relational
from sympy.logic.boolalg import BooleanFunction

from symgrad.render import Block, Formula, Para, Shown, Steps, Table

__all__ = [
    "Derivation",
    "Evidence",
    "Fact",
    "Facts",
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


class _AsClaimed:
    """Mixin: a record whose expressions pickle as they are; SymPy makes `true` of Eq(x, x)."""

    __slots__ = ()

    def __reduce__(self) -> tuple[Any, ...]:
        values = (getattr(self, f.name) for f in fields(self))  # type: ignore[arg-type]
        return type(self), tuple(map(_kept, values))

    def __copy__(self) -> Any:
        return self


_CLAIMS = (Relational, BooleanFunction, Add, Mul, Pow)


@dataclass(frozen=True, slots=True)
class _Kept:
    """Pickles as its expression, which is not evaluated again when it is loaded."""

    expr: Basic

    def __reduce__(self) -> tuple[Any, ...]:
        head: Any = self.expr.func
        return partial(head, evaluate=False), tuple(map(_kept, self.expr.args))


def _kept(value: Any) -> Any:
    if isinstance(value, tuple):
        return tuple(map(_kept, value))
    return _Kept(value) if isinstance(value, _CLAIMS) else value


@dataclass(frozen=True, slots=True)
class Step(_AsClaimed, Shown):
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
class Fact(_AsClaimed, Shown):
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

    @property
    def word(self) -> str:
        """The verdict's name: proved, refuted or undecided."""
        return type(self.verdict).__name__.lower()

    def _blocks(self) -> Iterable[Block]:
        yield Formula(self.statement)
        if self.under:
            yield Para("where ", And(*self.under))
        yield self._standing()
        if self.evidence:
            yield Para(f"{self.evidence}.")
        if self.source:
            yield Para(f"Source: {self.source}.")

    def _standing(self) -> Para:
        """What proves the claim, or the witness against it, or why it is not decided."""
        start = f"{self.word.capitalize()} [{self.id}]: "
        match self.verdict:
            case Refuted(at=at, why=why) if at is not None:
                return Para(start + why, " at ", at, ".")
            case Proved(by=why) | Refuted(why=why) | Undecided(why=why):
                return Para(f"{start}{why}.")


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


class Facts(Shown):
    """Facts as a table that sorts and filters; made from facts, or from results that have one.

    >>> from sympy import S
    >>> step = Step(S.true, "trivially", Proved("inspection"))
    >>> table = Facts([Fact("b", S.true, Derivation((step,))), Fact("a", S.false, Derivation(()))])
    >>> [fact.id for fact in table.sorted()]
    ['a', 'b']
    >>> table.where(verdict="proved")
    id  statement  verdict
    --  ---------  -------
    b   true       proved
    """

    def __init__(self, facts: Iterable[Fact | Result]) -> None:
        self.facts = tuple(f.fact if isinstance(f, Result) else f for f in facts)

    def __len__(self) -> int:
        return len(self.facts)

    def __iter__(self) -> Iterator[Fact]:
        return iter(self.facts)

    def where(
        self, test: Callable[[Fact], bool] | None = None, *, id: str = "", verdict: str = ""
    ) -> Facts:
        """Those that pass the test, hold `id` in their id, and have the verdict of this name."""
        return Facts(
            fact for fact in self.facts
            if id in fact.id and verdict in ("", fact.word) and (test is None or test(fact))
        )  # fmt: skip

    def sorted(self, key: Callable[[Fact], Any] | None = None, *, reverse: bool = False) -> Facts:
        """In the order of the ids, or of `key`; sorting is stable."""
        return Facts(sorted(self.facts, key=key or (lambda fact: fact.id), reverse=reverse))

    def _blocks(self) -> Iterable[Block]:
        rows = tuple((fact.id, fact.statement, fact.word) for fact in self.facts)
        yield Table(("id", "statement", "verdict"), rows)
