"""A fact is proved only if every step is; points prove nothing."""

from __future__ import annotations

import pickle

import pytest
from sympy import Eq, S, Symbol

from symgrad.fact import Derivation, Evidence, Fact, Proved, Refuted, Step, Undecided

x = Symbol("x", real=True)
YES, NO, OPEN = Proved("algebra"), Refuted(S(2), "4 is not 5"), Undecided("not settled")


WORDS = [(YES, "Proved"), (NO, "Refuted"), (OPEN, "Undecided")]


def step(verdict, **more):
    return Step(Eq(x, 2), "because", verdict, **more)


@pytest.mark.parametrize(
    ("verdicts", "kind"),
    [((YES,), Proved), ((YES, OPEN), Undecided), ((YES, OPEN, NO), Refuted), ((), Undecided)],
)
def test_the_verdict_is_the_meet_of_the_steps(verdicts, kind):
    found = Fact("f", S.true, Derivation(tuple(map(step, verdicts)))).verdict
    assert isinstance(found, kind)
    assert bool(found) == (kind is Proved)


def test_who_proved_it_is_kept_once():
    assert Derivation((step(YES), step(Proved("balls")), step(YES))).verdict.by == "algebra; balls"


def test_evidence_needs_points_and_leaves_the_step_as_it_is():
    with pytest.raises(ValueError, match="at least one point"):
        Evidence(0, "none")
    measured = step(OPEN, evidence=Evidence(7, "x = 3"))
    assert not Derivation((measured,)).verdict
    assert "measured at 7 points" in str(
        Fact("f", S.true, Derivation((measured,)), evidence=measured.evidence)
    )


@pytest.mark.parametrize("given", [(1,), (2,), (0,), (-1,)])
def test_a_step_rests_on_earlier_steps_only(given):
    with pytest.raises(ValueError, match="earlier steps"):
        Derivation((step(YES, given=given),))


def test_empty_reasons_are_refused():
    for make in (Proved, Undecided):
        with pytest.raises(ValueError, match="must"):
            make("")


@pytest.mark.parametrize(
    ("verdict", "word"), [(YES, "Proved"), (NO, "Refuted"), (OPEN, "Undecided")]
)
def test_a_fact_shows_its_verdict_everywhere(verdict, word):
    fact = Fact("tanh.d1.tail+", Eq(x, 1, evaluate=False), Derivation((step(verdict),)), source="S")
    for shown in (str(fact), fact._repr_latex_(), fact._repr_html_()):
        assert word in shown
        assert "tail" in shown
    assert pickle.loads(pickle.dumps(fact)) == fact
