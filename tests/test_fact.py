"""A fact is proved only if every step is; points prove nothing."""

from __future__ import annotations

import copy
import pickle

import pytest
import sympy
from sympy import Eq, S, Symbol

from symgrad.fact import Derivation, Evidence, Fact, Facts, Proved, Refuted, Step, Undecided

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


UNEVALUATED = [
    Eq(x, x, evaluate=False),
    sympy.Le(2, 1, evaluate=False),
    sympy.And(x > 0, Eq(x, x, evaluate=False), evaluate=False),
    sympy.Not(Eq(x, x, evaluate=False), evaluate=False),
    Eq(sympy.Mul(2, x + 1, evaluate=False), sympy.Add(1, 1, evaluate=False), evaluate=False),
]


@pytest.mark.parametrize("claim", UNEVALUATED, ids=str)
def test_a_claim_is_pickled_and_copied_as_it_was_claimed(claim):
    one = Step(claim, "so", YES, (), (claim,))
    fact = Fact("f", claim, Derivation((one,)), (claim,))
    for again in (pickle.loads(pickle.dumps(fact)), copy.deepcopy(fact), copy.copy(fact)):
        assert again == fact
        assert sympy.srepr(again.statement) == sympy.srepr(claim)
        assert type(again.derivation.steps[0].claim) is type(claim)
        assert again.under == (claim,)


def test_a_table_of_facts_sorts_and_filters():
    facts = [Fact(id, x > 0, Derivation((step(v),))) for id, v in
             (("b.tail", YES), ("a.tail", OPEN), ("c.sup", NO), ("a.sup", YES))]  # fmt: skip
    table = Facts(facts)
    assert [f.id for f in table.sorted()] == ["a.sup", "a.tail", "b.tail", "c.sup"]
    assert [f.id for f in table.sorted(lambda f: len(f.id), reverse=True)] == [
        "b.tail", "a.tail", "c.sup", "a.sup",
    ]  # fmt: skip
    assert [f.id for f in table.where(verdict="proved")] == ["b.tail", "a.sup"]
    assert [f.id for f in table.where(id="tail").where(verdict="undecided")] == ["a.tail"]
    assert len(table.where(lambda f: f.statement == (x > 0), verdict="refuted")) == 1
    assert repr(table.where(id="c.")).splitlines()[-1].split() == "c.sup x > 0 refuted".split()
    assert "<table>" in table._repr_html_()
