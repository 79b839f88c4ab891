"""The judged claims: the example file runs, and every verdict is the one the table says."""

from __future__ import annotations

import importlib.util
import pathlib
import sys

import pytest

from symgrad.fact import Proved, Refuted

FILE = pathlib.Path(__file__).parent.parent / "examples" / "claims.py"


@pytest.fixture(scope="module")
def claims():
    spec = importlib.util.spec_from_file_location("claims", FILE)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


@pytest.fixture(scope="module")
def found(claims):
    return list(claims.judged())


def test_the_example_prints_every_claim(claims, found, monkeypatch, capsys):
    monkeypatch.setattr(claims, "judged", lambda: iter(found))
    claims.main()
    shown = capsys.readouterr().out
    assert shown.count("as it stands: ") == len(found)
    assert all(claim.says in shown for _, claim, *_ in found)


def test_every_claim_comes_out_as_the_table_says(found):
    assert len(found) >= 35
    for _, claim, fact, mended in found:
        assert isinstance(fact.verdict, Proved if claim.holds else Refuted)
        assert claim.holds or claim.mended or claim.fair
        assert mended is None or isinstance(mended.verdict, Proved)
        assert str(fact)


def test_a_wrong_number_is_refuted(claims):
    import sympy

    fact = claims.numbers("wrong", (claims.relation(sympy.Lt, sympy.pi, sympy.Integer(3)), "no"))
    assert isinstance(fact.verdict, Refuted)


def test_a_claim_that_comes_out_otherwise_is_an_error(claims, monkeypatch):
    import dataclasses

    wrong = dataclasses.replace(claims.CLAIMS[0], holds=False)
    monkeypatch.setattr(claims, "CLAIMS", (wrong,))
    with pytest.raises(ValueError, match="claim 1"):
        list(claims.judged())
