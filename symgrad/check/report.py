"""What a check found: one frozen record that prints as a table and goes to JSON and back."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import sympy
from sympy import Expr, Symbol

from symgrad.codec import Codec
from symgrad.errors import InputError
from symgrad.fact import Derivation, Evidence, Fact, Step, Undecided
from symgrad.render import Block, Formula, Para, Shown, Table

__all__ = ["Finding", "Limit", "Report", "Worst"]


@dataclass(frozen=True, slots=True)
class Worst:
    """The point with the largest error: where, what came, what is true."""

    at: tuple[float, ...]
    got: float
    true: str
    ulp: float

    def __str__(self) -> str:
        return f"{_number(self.ulp)} ulp at {_point(self.at)}: got {self.got!r}, true {self.true}"


@dataclass(frozen=True, slots=True)
class Finding:
    """How many points broke one law, and the first of them."""

    count: int = 0
    first: tuple[float, ...] | None = None

    def __str__(self) -> str:
        return f"{self.count}, first at {_point(self.first)}" if self.first else str(self.count)


@dataclass(frozen=True, slots=True)
class Limit:
    """The kernel at an infinity against the limit of f there, `ulp` apart.

    nan is expected where f oscillates; `expected` is None where the limit is not known, and nothing
    is judged.
    """

    at: float
    expected: float | None
    got: float
    ulp: float = 0.0

    @property
    def right(self) -> bool | None:
        """Whether the kernel has the limit, to 4 ulp."""
        return None if self.expected is None else self.ulp <= 4


@dataclass(frozen=True, slots=True)
class Report(Shown):
    """|kernel(x) − f(x)| ≤ max_ulp · ulp(f(x)) at every point tried.

    `p999` is the 99.9th percentile of the error in ulp and `rounded` the share of points within
    half a unit. A wrong zero is a 0 where |f| is at least the least positive number; `non_finite`
    counts inf and nan where f rounds to a finite number. `undefined` and `undecided` points are not
    judged. What is known of each error is off by at most `bound` ulp.
    Beyond `amplitude_beyond` the error of an oscillating function is in units of its amplitude,
    the largest |f| where |x| is as large to a factor 4.
    """

    name: str
    expr: Expr
    args: tuple[Symbol, ...]
    dtype: str
    oracle: str
    seed: int
    exhaustive: bool
    points: int
    second_road: int
    undefined: int
    undecided: int
    max_ulp: float
    p999: float
    rounded: float
    worst: Worst
    wrong_zeros: Finding
    non_finite: Finding
    zero_signs: Finding
    warnings: tuple[str, ...]
    limits: tuple[Limit, ...]
    nan_kept: bool
    dtype_kept: bool
    odd: bool
    amplitude_beyond: float | None
    numpy: str
    processor: str
    complete: bool = True
    bound: float = 0.0

    def __post_init__(self) -> None:
        if self.points < 1:
            raise InputError("a report needs a judged point: none was known to the oracle")

    def failures(self, limit: float = 4.0) -> tuple[str, ...]:
        """Every law that is broken when `limit` ulp are allowed; empty where none is."""
        found = []
        if not self.max_ulp <= limit:
            found.append(f"{_number(self.max_ulp)} ulp exceed the limit of {limit:g}: {self.worst}")
        for law, finding in (
            ("wrong zeros", self.wrong_zeros),
            ("inf or nan where f is finite", self.non_finite),
            ("zeros of the wrong sign", self.zero_signs),
        ):
            if finding.count:
                found.append(f"{law}: {finding}")
        found += [f"warning raised: {w}" for w in self.warnings]
        found += [
            f"at {end.at} the limit is {end.expected}, got {end.got}"
            for end in self.limits
            if end.right is False
        ]
        if not self.nan_kept:
            found.append("nan does not stay nan")
        if not self.dtype_kept:
            found.append(f"the result is not {self.dtype}")
        if not self.complete:
            found.append("the check was interrupted")
        return tuple(found)

    def passed(self, limit: float = 4.0) -> bool:
        """Whether no law is broken when `limit` ulp are allowed."""
        return not self.failures(limit)

    @property
    def evidence(self) -> Evidence:
        """The points and the worst of them."""
        return Evidence(self.points, str(self.worst), f"{self.dtype}, NumPy {self.numpy}")

    @property
    def fact(self) -> Fact:
        """The claim of the report; measured, never proved."""
        error = sympy.Symbol("error", nonnegative=True)
        known = math.isfinite(self.max_ulp)
        claim = sympy.Le(error, sympy.Float(self.max_ulp) if known else sympy.oo, evaluate=False)
        why = "measured at " + ("every" if self.exhaustive else "chosen") + " points, not proved"
        because = f"|kernel - f| in ulp of f, {self.dtype}, by {self.oracle}"
        step = Step(claim, because, Undecided(why), evidence=self.evidence)
        return Fact(
            f"check.{self.name}.{self.dtype}", claim, Derivation((step,)), evidence=self.evidence
        )

    @property
    def verdict(self) -> Any:
        return self.fact.verdict

    @property
    def derivation(self) -> Derivation:
        return self.fact.derivation

    def to_json(self) -> dict[str, Any]:
        """The report as JSON data."""
        return _CODEC.encode(self)

    @staticmethod
    def from_json(tree: Any) -> Report:
        """What `to_json` wrote; raises `InputError` for anything else."""
        report = _CODEC.decode(tree)
        if not isinstance(report, Report):
            raise InputError(f"a report is expected, got {type(report).__name__}")
        return report

    def _blocks(self) -> Iterable[Block]:
        many = "every" if self.exhaustive and self.complete else f"{self.points}"
        yield Para(f"{self.name} against the oracle ({self.oracle}) on {many} {self.dtype} points:")
        yield Formula(self.expr)
        yield Table(("measured", "value"), tuple(self._rows()))
        failures = self.failures()
        yield Para("Within 4 ulp, and every law holds." if not failures else "Broken at 4 ulp:")
        for failure in failures:
            yield Para(f"- {failure}")

    def _rows(self) -> Iterable[tuple[str, str]]:
        yield "points", str(self.points)
        yield "max error", f"{_number(self.max_ulp)} ulp"
        yield "99.9 % of errors within", f"{_number(self.p999)} ulp"
        yield "correctly rounded", f"{100 * self.rounded:.2f} %"
        yield "worst point", _point(self.worst.at)
        yield "  got, true", f"{self.worst.got!r}, {self.worst.true}"
        yield "wrong zeros", str(self.wrong_zeros)
        yield "inf or nan where f is finite", str(self.non_finite)
        if self.odd:
            yield "zeros of the wrong sign", str(self.zero_signs)
        yield "warnings", str(len(self.warnings))
        for end in self.limits:
            word = {True: "right", False: "wrong", None: "not known"}[end.right]
            yield f"at {end.at}", f"{end.got!r}, {word}"
        yield "nan stays nan", "yes" if self.nan_kept else "no"
        yield "dtype kept", "yes" if self.dtype_kept else "no"
        if self.undefined or self.undecided:
            yield "not judged", f"{self.undefined} undefined, {self.undecided} undecided"
        if self.second_road and self.oracle == "both":
            yield "mpmath asked at", f"{self.second_road} points"
        if self.amplitude_beyond is not None:
            yield "in units of the amplitude", f"beyond |x| = {self.amplitude_beyond:g}"
        if self.bound:
            yield "errors known to within", f"{self.bound:.1e} ulp"
        yield "NumPy, processor", f"{self.numpy}, {self.processor}"


_CODEC = Codec(records=(Report, Worst, Finding, Limit))


def _number(ulp: float) -> str:
    return f"{ulp:.3f}" if ulp < 1000 else f"{ulp:.2g}"


def _point(at: tuple[float, ...] | None) -> str:
    return ", ".join(map(repr, at or ()))
