"""JSON and back: equal after a round trip, and nothing built that no table names."""

from __future__ import annotations

import contextlib
import functools
import json

import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy import (
    Abs,
    And,
    Dummy,
    Eq,
    Float,
    Function,
    Ge,
    Interval,
    Lambda,
    Le,
    Max,
    Or,
    Piecewise,
    Product,
    Rational,
    S,
    Symbol,
    Union,
    erfc,
    exp,
    log,
    oo,
    pi,
    sin,
    sqrt,
)  # fmt: skip

from symgrad.activation import Activation, Kink
from symgrad.catalogue import activations, leaky_relu, sigmoid
from symgrad.codec import Codec, decode, encode
from symgrad.errors import InputError, SymgradError
from symgrad.fact import Derivation, Evidence, Fact, Proved, Refuted, Step, Undecided
from symgrad.loss import losses
from symgrad.rigor import Enclosure

x = Symbol("x", real=True)
a = Symbol("alpha", positive=True)
n = Symbol("n", integer=True, nonnegative=True)
own = Activation.from_expr("my_g", x / (a + exp(-x)), x, source="mine")

EXPRESSIONS = [
    S(0),
    S(-7),
    Rational(-1, 3),
    S(10) ** 5000,
    1 / S(7) ** 300,
    pi,
    S.Exp1,
    oo,
    -oo,
    sympy.nan,
    S.true,
    S.EmptySet,
    S.Reals,
    x,
    a,
    n,
    Symbol("x"),
    Symbol("w__2", real=True, nonzero=True),
    Float("1.1", 30),
    Float(-0.1),
    Float(0),
    Float(2.0**-1000),
    sqrt(2),
    x**a,
    exp(-(x**2) / 2),
    log(1 + exp(-x)),
    erfc(-x),
    3 * (x + 1) * exp(x) - 2,
    sympy.Mul(2, x + 1, evaluate=False),
    sympy.Add(1, 1, evaluate=False),
    sympy.Mul(x, x, evaluate=False),
    sympy.exp(0, evaluate=False),
    sympy.Pow(2, 3, evaluate=False),
    Le(exp(x), 0, evaluate=False),
    Ge(S(1), S(2), evaluate=False),
    Eq(x, x, evaluate=False),
    And(x > 0, x < 0, evaluate=False),
    Or(x > 1, a < 1),
    Piecewise((0, x < 0), (x, True)),
    Piecewise((0, x < 0), (1, x < 0), (x, True), evaluate=False),
    Max(x, 1),
    Abs(sin(x)),
    Interval(0, 1),
    Interval.open(-oo, pi),
    Union(Interval(0, 1), Interval(2, oo)),
    sympy.FiniteSet(1, 2, sqrt(2)),
    Lambda(x, x**2),
    Lambda(x, x),
    sympy.Contains(x, S.Reals, evaluate=False),
    Product(x**n, (n, 0, 5)),
    sympy.ImageSet(Lambda(n, n * pi), S.Integers),
    sigmoid(x),
    sigmoid.d(3)(a * x + 1),
    sigmoid,
    sigmoid.d(2),
    leaky_relu(alpha=Rational(1, 7))(x),
    leaky_relu(alpha=a)(x),
    Function("C")(x),
    Function("C", real=True)(x).diff(x),
    own,
    own(x),
    own(alpha=2).d(1)(x),
    Symbol("d") * sigmoid.d(n)(x),
]


def through(thing, codec=None):
    """The thing after a way through JSON text."""
    codec = codec or Codec()
    return codec.decode(json.loads(json.dumps(codec.encode(thing), allow_nan=False)))


@pytest.mark.parametrize("expr", EXPRESSIONS, ids=lambda e: type(e).__name__)
def test_expressions_come_back_equal(expr):
    back = through(expr)
    assert type(back) is type(expr)
    assert back == expr
    assert back.args == expr.args
    assert hash(back) == hash(expr)
    assert back.free_symbols == expr.free_symbols
    assert back.sort_key() == expr.sort_key()


@pytest.mark.parametrize("g", activations(), ids=str)
def test_every_activation_comes_back(g):
    for thing in (g, g(x), g.d(2)(x), g(x).doit(), g.derivative(1).expr):
        assert through(thing) == thing


def test_symbols_keep_their_assumptions():
    for symbol in (x, a, n, Symbol("q"), Symbol("q", positive=True, integer=True)):
        back = through(symbol)
        assert back.assumptions0 == symbol.assumptions0


def test_a_dummy_comes_back_as_itself():
    d = Dummy("t", real=True)
    assert through(d) == d
    assert through(d) != Dummy("t", real=True)


STEP = Step(
    Le(sigmoid.d(1)(x), Rational(1, 4), evaluate=False), "AM-GM", Proved("algebra"), (), (x > 0,),
    Evidence(10, "x = 3", "a note"),
)  # fmt: skip
RECORDS = [
    STEP,
    Fact(
        "sigmoid.d1.sup", STEP.claim, Derivation((STEP, Step(S.true, "so", Undecided("why"), (1,))))
    ),
    Fact(
        "f", S.false, Derivation((Step(S.false, "no", Refuted(pi, "see there")),)), (x > 0,), "src"
    ),
    Step(S.false, "no", Refuted(None, "why")),
    Enclosure(Rational(1, 3), Rational(2, 3)),
    *losses(),
    None,
    True,
    3,
    -(2**80),
    0.1,
    float("inf"),
    -0.0,
    5e-324,
    "text",
    ["exp", "is a list"],
    ("a", 1, (x,)),
    {x: 1, "k": [x, None]},
    [],
    (),
    {},
]


@pytest.mark.parametrize("record", RECORDS, ids=lambda r: repr(r)[:40])
def test_records_come_back_equal(record):
    back = through(record)
    assert back == record
    assert type(back) is type(record)
    assert repr(back) == repr(record)


def test_the_list_of_words_is_not_taken_for_an_expression():
    with pytest.raises(InputError):
        decode(["exp", 3])


@pytest.mark.parametrize(
    "thing",
    [
        Function("f"), object(), sympy.Wild("w"), sympy.Matrix([1]), {1, 2}, b"x", 1j,
        sympy.Symbol, len,
    ],
    ids=lambda thing: type(thing).__name__,
)  # fmt: skip
def test_what_no_table_names_is_not_written(thing):
    with pytest.raises(InputError, match="no JSON form"):
        encode(thing)


HOSTILE = [
    ["Symbol", "__import__('os')", {}],
    ["Symbol", "x y", {}],
    ["Symbol", "x", {"real": True, "evil": True}],
    ["Symbol", "x", {"real": True, "imaginary": True}],
    ["Symbol", "x"],
    ["Symbol", 3, {}],
    ["Integer", 3],
    ["Integer", "3.5"],
    ["Integer", "9" * 100_001],
    ["Integer", ""],
    ["Integer"],
    ["Integer", "٣"],
    ["Rational", "1", "0"],
    ["Float", "1", "9999999999", 53],
    ["Float", "1", "1", True],
    ["Float", "1", "1", 10**9],
    ["pi", 1],
    ["exp"],
    ["exp", "x"],
    ["exp", ["Integer", "1"], ["Integer", "2"]],
    ["Relational", ["Integer", "1"]],
    ["Add", 1, 2],
    ["Head", ["Integer", "1"], ["Integer", "1"], ["Integer", "1"]],
    ["Activation", "sigmod", []],
    ["Activation", "sigmoid", [["Integer", "1"]], ["Integer", "1"]],
    ["Activation", "__class__", []],
    ["Activation", "leaky_relu", ["__import__('os').getpid()"]],
    ["Activation", "sigmoid", ["Integer", "0"]],
    ["Pow", ["true"], ["Integer", "2"]],
    ["Str", 3],
    ["Activation"],
    ["Function", "os.system", {}, ["pi"]],
    ["Function", "f", {}],
    ["Function", "f", {"evaluate": True}, ["pi"]],
    ["Definition"],
    ["Definition", "x", "x", "x", "x", "x", "x", "x"],
    {"record": "Popen", "args": "ls"},
    {"record": "Path", "args": {"tuple": []}},
    {"record": "Fact"},
    {"record": "Fact", "id": "x", "evil": 1},
    {"record": "Evidence", "points": 0, "worst": "x"},
    {"record": "Proved", "by": ""},
    {"record": "Enclosure", "lo": ["Integer", "2"], "hi": ["Integer", "1"]},
    {"record": "Enclosure", "lo": None, "hi": None},
    {"table": [[1]]},
    {"table": [[[], 1]]},
    {"int": 3},
    {"int": "1e9"},
    {"float": "0.1z"},
    ["Derived", ["Integer", "1"], ["Integer", "1"]],
    [1, 2],
    [],
    {},
    {"float": "0x1p99999"},
    {"what": 1},
    1.5,
]


@pytest.mark.parametrize("tree", HOSTILE, ids=lambda t: str(t)[:50])
def test_hostile_trees_are_refused(tree):
    with pytest.raises(SymgradError):
        decode(tree)


def test_deep_trees_are_refused():
    tree = ["Integer", "1"]
    for _ in range(300):
        tree = ["exp", tree]
    with pytest.raises(SymgradError, match="nested at most"):
        decode(tree)


trees = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(), st.text(max_size=5),
        st.sampled_from(["Integer", "Symbol", "exp", "Add", "Pow", "1", "x", "pi", "LessThan"]),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.sampled_from(["tuple", "table", "record", "int", "real"]), inner),
    ),
    max_leaves=20,
)  # fmt: skip


@pytest.fixture
def nothing_is_evaluated(monkeypatch):
    """Fails where text reaches SymPy's reader, which evaluates it."""
    from sympy.parsing import sympy_parser

    def reached(text, *args, **settings):
        raise AssertionError(f"SymPy was asked to evaluate {text!r}")

    monkeypatch.setattr(sympy_parser, "parse_expr", reached)


ENCODED = [encode(thing) for thing in (*EXPRESSIONS, *RECORDS)]


def places(tree, path=()):
    """The path to every part of a tree of JSON."""
    yield path
    if isinstance(tree, (list, dict)):
        for key, part in tree.items() if isinstance(tree, dict) else enumerate(tree):
            yield from places(part, (*path, key))


@st.composite
def grafted(draw):
    """A tree that `encode` wrote, with one part put in the place of another, or a scrap of JSON."""
    tree, other = (json.loads(json.dumps(draw(st.sampled_from(ENCODED)))) for _ in range(2))
    *way, last = draw(st.sampled_from([p for p in places(tree) if p] or [(0,)]))
    part = functools.reduce(lambda t, key: t[key], draw(st.sampled_from([*places(other)])), other)
    with contextlib.suppress(TypeError, IndexError, KeyError):  # an empty tree has no place
        inner = functools.reduce(lambda t, key: t[key], way, tree)
        inner[last] = draw(st.one_of(st.just(part), trees))
    return tree


def is_read_or_refused(tree):
    """Whether the tree is read; what is read is written as a tree that is read as the same."""
    try:
        found = decode(tree)
    except SymgradError as error:
        assert 0 < len(str(error)) < 1000  # noqa: PT017
        return False
    written = encode(found)
    again = decode(json.loads(json.dumps(written, allow_nan=False)))
    assert type(again) is type(found)
    assert encode(again) == written
    if not (isinstance(found, float) and found != found):
        assert again == found
    return True


@pytest.mark.parametrize("text", ["__import__('os').getpid()", "x+1"])
def test_text_in_the_place_of_anything_is_not_evaluated(text, nothing_is_evaluated):
    tried = 0
    for whole in (*ENCODED, encode(Kink(S(0), S(1), "c")), encode(own)):
        for path in places(whole):
            tree = json.loads(json.dumps(whole))
            if path:
                functools.reduce(lambda t, key: t[key], path[:-1], tree)[path[-1]] = text
                with contextlib.suppress(SymgradError):
                    decode(tree)
                tried += 1
    assert tried > 1000


def test_any_tree_is_read_or_refused(nothing_is_evaluated):
    counts = {True: 0, False: 0}

    @given(st.one_of(grafted(), trees))
    def run(tree):
        counts[is_read_or_refused(tree)] += 1

    run()
    assert min(counts.values()) > 0, counts


@pytest.mark.numeric
def test_ten_thousand_trees_are_read_or_refused(nothing_is_evaluated):
    counts = {True: 0, False: 0}

    @settings(max_examples=10_000)
    @given(st.one_of(grafted(), trees))
    def run(tree):
        counts[is_read_or_refused(tree)] += 1

    run()
    assert min(counts.values()) > 0, counts


@pytest.mark.parametrize("tree", ENCODED, ids=lambda t: str(t)[:40])
def test_what_is_written_is_read_and_written_the_same(tree):
    assert encode(decode(tree)) == tree
