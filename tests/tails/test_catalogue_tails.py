"""Every activation, both ends, orders 0 to 3: proved, contained, and narrow."""

from __future__ import annotations

from functools import cache

import pytest
from sympy import S, oo

from symgrad.catalogue import activations
from symgrad.fact import Proved
from symgrad.tails import Tail, tail
from symgrad.tails.audit import audit

ENDS = {"+": oo, "-": -oo}
CASES = [(g, n, end) for g in activations() for n in range(4) for end in ENDS]
IDS = [f"{g.name}.d{n}{end}" for g, n, end in CASES]

#: Terms asked for, in every test of this file.
TERMS = 4


@cache
def case(g, n, end, terms=TERMS) -> Tail:
    return tail(g.d(n), ENDS[end], terms)


@cache
def with_numbers(g, n, end, terms=TERMS) -> Tail:
    """The same with 3/2 for every parameter that has no usual value."""
    free = g.free_symbols
    return (
        tail(g.d(n), ENDS[end], terms, parameters=dict.fromkeys(free, S(3) / 2))
        if free
        else case(g, n, end, terms)
    )


@cache
def seen(g, n, end):
    return audit(with_numbers(g, n, end), n=20, bits=300, second=2)


@pytest.mark.parametrize(("g", "n", "end"), CASES, ids=IDS)
def test_proved_contained_and_narrow(g, n, end):
    t = case(g, n, end)
    assert isinstance(t.verdict, Proved)
    assert t.where.measure == oo
    found = seen(g, n, end)
    assert found.decided >= 16
    assert found.passed
    if t.remainder is not None:
        assert t.remainder.coefficient.is_positive
        # The points show a ratio above 4/5: K is at most 1.25 times what is needed, and any K below
        # 4/5 of the true supremum is seen.
        assert found.worst > 0.8


@pytest.fixture(scope="module")
def table(request):
    rows: list[str] = []
    yield rows
    head = f"{'case':24}{'points':>8}{'undecided':>10}{'mpmath':>8}  {'worst ratio':16}at"
    with request.config.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():
        print("", head, *rows, sep="\n")


def row(name, found):
    undecided = found.points - found.decided
    ratio = f"{found.worst:<16.9g}{found.at:.6g}"
    return f"{name:24}{found.points:8}{undecided:10}{found.seconded:8}  {ratio}"


@pytest.mark.numeric
@pytest.mark.parametrize(("g", "n", "end"), CASES, ids=IDS)
def test_containment_on_many_points(g, n, end, table):
    """10⁵ points where leading term over growth fits into 10⁴ bits, and 50 beyond.

    Algebraic tails and one-term statements of plain exponentials go to |x| = 10⁶; the others, with
    four terms, to 2¹⁶ bits.
    """
    t, name = with_numbers(g, n, end), f"{g.name}.d{n}{end}"
    runs = [audit(t, 100_000 if t.remainder else 2_000, 1, second=100)]
    if t.remainder is not None:
        runs.append(audit(t, 50, 2, 2**16, second=0, beyond=10_000))
        if t.tail_class.kind == "exponential" and t.tail_class.degree == 1:
            last = audit(with_numbers(g, n, end, 1), 1, 3, 2**23, second=0, beyond=10_000)
            assert abs(last.at) > 9e5
            runs.append(last)
    for k, found in enumerate(runs):
        table.append(row(name + ["", ", beyond", ", far"][k], found))
        print(table[-1], flush=True)
        assert found.decided > 0.98 * found.points
        assert found.passed
