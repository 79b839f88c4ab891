"""Every activation, both ends, orders 0 to 3: proved, contained, and narrow."""

from __future__ import annotations

import statistics
from functools import cache

import numpy as np
import pytest
from sympy import S, oo

from symgrad.catalogue import activations
from symgrad.fact import Proved, Undecided
from symgrad.tails import Tail, tail
from symgrad.tails.audit import audit

ENDS = {"+": oo, "-": -oo}
CASES = [(g, n, end) for g in activations() for n in range(4) for end in ENDS]
IDS = [f"{g.name}.d{n}{end}" for g, n, end in CASES]

#: Terms asked for, in every test of this file.
TERMS = 4


@cache
def case(g, n, end) -> Tail:
    return tail(g.d(n), ENDS[end], TERMS)


def free_parameters(g):
    return {s for value in g.values for s in value.free_symbols}


def test_the_catalogue_is_not_empty():
    assert len(CASES) >= 8 * 6


@pytest.mark.parametrize(("g", "n", "end"), CASES, ids=IDS)
def test_proved_and_contained(g, n, end):
    t = case(g, n, end)
    if t.remainder is not None and t.remainder.coefficient is None:
        # Only a parameter without a number may leave an expansion formal.
        assert free_parameters(g)
        assert isinstance(t.verdict, Undecided)
        return
    assert isinstance(t.verdict, Proved)
    assert t.where.measure == oo
    if free_parameters(g):
        assert t.remainder is None
        return
    found = audit(t, n=6, bits=600)
    assert found.decided >= 3
    assert found.passed
    if t.remainder is not None:
        assert t.remainder.coefficient.is_positive
        # Narrow at the very point of the audit that is worst: never a factor 10.
        assert found.worst > 0.1


@pytest.mark.parametrize("g", [g for g in activations() if free_parameters(g)], ids=str)
@pytest.mark.parametrize("end", ENDS)
def test_parameters_given_as_numbers_are_proved(g, end):
    numbers = {s: S(3) / 2 for s in free_parameters(g)}
    t = tail(g.d(1), ENDS[end], TERMS, parameters=numbers)
    assert isinstance(t.verdict, Proved)
    found = audit(t, n=6, bits=600)
    assert found.decided >= 3
    assert found.passed


def test_narrowness():
    """K over the largest |r|/growth that points show: median at most 1.5, none above 10."""
    ratios = {}
    for (g, n, end), name in zip(CASES, IDS, strict=True):
        t = case(g, n, end)
        if n <= 2 and t.remainder is not None and t.remainder.coefficient is not None:
            worst = audit(t, n=12, bits=300).worst
            ratios[name] = np.inf if worst == 0 else 1 / worst
    assert len(ratios) > 60
    assert statistics.median(ratios.values()) <= 1.5, sorted(ratios.items(), key=lambda r: -r[1])[
        :9
    ]
    assert max(ratios.values()) <= 10, sorted(ratios.items(), key=lambda r: -r[1])[:9]


@pytest.mark.numeric
@pytest.mark.parametrize(("g", "n", "end"), CASES, ids=IDS)
def test_containment_on_many_points(g, n, end):
    """10⁵ points where 300 bits suffice, and 60 out to 10⁴ bits; undecided points are counted."""
    t = case(g, n, end)
    if free_parameters(g):
        t = tail(g.d(n), ENDS[end], TERMS, parameters=dict.fromkeys(free_parameters(g), S(3) / 2))
    count = 100_000 if t.remainder is not None else 2_000
    near, far = audit(t, count, 1, 300, second=200), audit(t, 60, 2)
    assert near.decided > 0.9 * count
    assert far.decided > 50
    assert near.passed
    assert far.passed
