"""Chain files: what is read, and one error with file, key and value for each wrong one."""

from __future__ import annotations

import pathlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy import Integer, Rational, exp, sqrt

from symgrad.activation import X
from symgrad.catalogue import leaky_relu, sigmoid, tanh
from symgrad.chainfile import ChainSpec, LayerSpec, chain_spec, read_chain
from symgrad.errors import InputError
from symgrad.loss import cross_entropy, squared_error

EXAMPLES = sorted((pathlib.Path(__file__).parents[1] / "examples" / "chains").glob("*.toml"))


def toml(tmp_path, text, name="chain.toml"):
    path = tmp_path / name
    path.write_text(text, "utf-8")
    return path


def test_reads_layers(tmp_path):
    spec = read_chain(
        toml(
            tmp_path,
            """
            title = "two kinds"
            input = 0.1
            target = "sqrt(2)"
            loss = "cross_entropy"
            [[layers]]
            activation = "leaky_relu"
            parameters = { alpha = "1/5" }
            weight = -1e-3
            bias = false
            skip = true
            [[layers]]
            activation = "sigmoid"
            bias = 7
            repeat = 2
            """,
        )
    )
    fifth = leaky_relu.bind(alpha=Rational(1, 5))
    last = LayerSpec(sigmoid, None, Integer(7))
    first = LayerSpec(fifth, Rational(-1, 1000), False, True)
    assert spec == ChainSpec(
        (first, last, last), cross_entropy, Rational(1, 10), sqrt(2), title="two kinds"
    )
    assert spec.source.endswith("chain.toml")


def test_reads_equal_layers_and_json(tmp_path):
    text = '{"activation": "tanh", "depth": 3, "weights": [1, 0.5, "1/3"], "biases": false}'
    spec = read_chain(toml(tmp_path, text, "chain.json"))
    weights = (Integer(1), Rational(1, 2), Rational(1, 3))
    assert spec == ChainSpec(tuple(LayerSpec(tanh, w, False) for w in weights), squared_error)


def test_what_is_not_given_stays_open():
    spec = chain_spec({"activation": "sigmoid", "depth": 2, "tie_weights": True})
    assert spec.layers == (LayerSpec(sigmoid),) * 2
    assert (spec.x, spec.y, spec.tie_weights) == (None, None, True)


def test_decimals_mean_the_decimal(tmp_path):
    spec = read_chain(toml(tmp_path, 'activation="tanh"\ndepth=1\nweights=0.1\ninput=1_0.5e-2'))
    assert spec.layers[0].weight == Rational(1, 10)
    assert spec.x == Rational(21, 200)


def test_an_activation_of_one_s_own():
    spec = chain_spec(
        {"activations": {"bump": {"formula": "x*exp(-x^2/2)"}}, "activation": "bump", "depth": 1}
    )
    assert spec.layers[0].activation(X).doit() == X * exp(-(X**2) / 2)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda p: p.stem)
def test_the_examples_are_read(path):
    assert len(read_chain(path).layers) >= 1


ONE = 'activation = "tanh"\n'
WRONG = {
    "empty": ("", ["activation", "missing"]),
    "no depth": (ONE, ["depth", "missing"]),
    "unknown key": (ONE + "depht = 3", ["depht", "did you mean 'depth'"]),
    "far key": (ONE + "qqq = 3", ["qqq", "there are: activation, activations"]),
    "unknown activation": (
        'activation = "sigmod"\ndepth = 2',
        ["activation", '"sigmod"', "did you mean 'sigmoid'"],
    ),
    "activation no text": ("activation = 3\ndepth = 2", ["activation", "3", "text"]),
    "unknown loss": (ONE + 'depth=1\nloss = "square_error"', ["loss", "did you mean"]),
    "zero depth": (ONE + "depth = 0", ["depth", "0", "from 1 to"]),
    "true depth": (ONE + "depth = true", ["depth", "true", "whole number"]),
    "huge depth": (ONE + "depth = 1000000000", ["depth", "from 1 to"]),
    "decimal depth": (ONE + "depth = 2.0", ["depth", "whole number"]),
    "weights wrong length": (
        ONE + "depth = 3\nweights = [1, 2]",
        ["weights", "each of 3", "got 2"],
    ),
    "weight inf": (ONE + "depth = 1\nweights = inf", ["not the TOML", "finite"]),
    "weight nan": (ONE + "depth = 1\nweights = nan", ["not the TOML", "finite"]),
    "weight text": (ONE + 'depth = 1\nweights = "w"', ["weights", '"w"', "no constant"]),
    "weight bool": (ONE + "depth = 1\nweights = true", ["weights", "true", "a number"]),
    "weight list of list": (ONE + "depth = 1\nweights = [[1]]", ["weights[1]", "a number"]),
    "weight date": (ONE + "depth = 1\nweights = 2020-01-01", ["weights", "2020-01-01"]),
    "weight code": (ONE + "depth=1\nweights = \"__import__('os')\"", ["weights", "no constant"]),
    "weight tower": (ONE + 'depth=1\nweights = "9^9^9^9"', ["weights", "exponent"]),
    "weight 1e999999999": (ONE + "depth=1\nweights = 1e999999999", ["between -400 and 400"]),
    "weight many digits": (ONE + "depth=1\nweights = " + "9" * 270, ["weights", "200 digits"]),
    "weight 10^4 digits": (ONE + "depth=1\nweights = " + "9" * 10_000, ["not the TOML"]),
    "bias true": (ONE + "depth = 1\nbiases = true", ["biases", "true", "leave the key out"]),
    "input complex": (ONE + 'depth = 1\ninput = "sqrt(-1)"', ["input", "not real"]),
    "input symbol": (ONE + 'depth = 1\ninput = "x"', ["input", "no constant"]),
    "title number": (ONE + "depth = 1\ntitle = 3", ["title", "text"]),
    "skip text": (ONE + 'depth = 1\nskip = "no"', ["skip", "true or false"]),
    "tied unequal": (
        ONE + "depth = 2\nweights = [1, 2]\ntie_weights = true",
        ["tie_weights", "equal"],
    ),
    "layers empty": ("layers = []", ["layers", "at least one"]),
    "layers number": ("layers = 3", ["layers", "3"]),
    "layer number": ("layers = [3]", ["layers[1]", "a table"]),
    "layer no activation": ("[[layers]]\nweight = 1", ["layers[1].activation", "missing"]),
    "layer unknown key": (
        '[[layers]]\nactivation="tanh"\nwieght = 1',
        ["layers[1].wieght", "did you mean 'weight'"],
    ),
    "layer repeat": ('[[layers]]\nactivation="tanh"\nrepeat = -1', ["layers[1].repeat", "-1"]),
    "too many layers": (
        '[[layers]]\nactivation="tanh"\nrepeat = 100000\n[[layers]]\nactivation="tanh"',
        ["layers[2]", "at most 100000"],
    ),
    "both forms": (
        'depth = 2\n[[layers]]\nactivation="tanh"',
        ["depth", "goes with activation and depth"],
    ),
    "unknown parameter": (
        '[[layers]]\nactivation="leaky_relu"\nparameters={beta=1}',
        ["layers[1].parameters.beta", "there are: alpha"],
    ),
    "wrong parameter": (
        '[[layers]]\nactivation="leaky_relu"\nparameters={alpha=-1}',
        ["layers[1].parameters", "alpha"],
    ),
    "parameter of none": (ONE + "depth=1\nparameters={alpha=1}", ["parameters.alpha"]),
    "own activation hides": (
        'activation="tanh"\ndepth=1\n[activations.tanh]\nformula="x"',
        ["activations.tanh", "choose another"],
    ),
    "own activation wrong": (
        'activation="f"\ndepth=1\n[activations.f]\nformula="x +"',
        ["activations.f.formula", "the text ends"],
    ),
    "own activation none": (
        'activation="f"\ndepth=1\n[activations.f]\nsource="x"',
        ["activations.f.formula", "text"],
    ),
    "own activation name": (
        'activation="a b"\ndepth=1\n[activations."a b"]\nformula="x"',
        ["activations.a b", "identifier"],
    ),
    "no TOML": ("activation = ", ["not the TOML"]),
    "key twice": (ONE + ONE, ["not the TOML"]),
    "deep nesting": ("x = " + "[" * 5000, ["nested too deeply"]),
    "NUL": ("a = 1\x00", ["not the TOML"]),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_file_gets_one_error(case, tmp_path):
    text, parts = WRONG[case]
    path = toml(tmp_path, text)
    with pytest.raises(InputError) as caught:
        read_chain(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    for part in parts:
        assert part in message


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ('{"depth": NaN}', "NaN is no finite number"),
        ('{"depth": 1, "depth": 2}', "given twice"),
        ("[1]", "a table is needed"),
        ("null", "a table is needed"),
        ("[" * 100_000, "nested too deeply"),
        ("{", "not the JSON"),
        ('{"weights": 1' + "0" * 5000 + "}", "not the JSON"),
    ],
)
def test_a_wrong_json_file_gets_one_error(text, part, tmp_path):
    with pytest.raises(InputError, match=part):
        read_chain(toml(tmp_path, text, "chain.json"))


def test_files_that_cannot_be_read(tmp_path):
    with pytest.raises(InputError, match=r"none\.toml: No such file"):
        read_chain(tmp_path / "none.toml")
    with pytest.raises(InputError, match="Is a directory"):
        read_chain(tmp_path)
    binary = tmp_path / "b.toml"
    binary.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="not UTF-8 text"):
        read_chain(binary)
    binary.write_bytes(b"#" * 1_000_001)
    with pytest.raises(InputError, match="at most 1000000 bytes"):
        read_chain(binary)


scalars = st.one_of(
    st.none(), st.booleans(), st.integers(), st.text(max_size=8),
    st.sampled_from(["tanh", "relu", "squared_error", "1/2", 3, True]),
)  # fmt: skip
keys = st.sampled_from(
    "title input target loss tie_weights activations layers activation parameters depth weights "
    "biases skip weight bias repeat formula alpha".split()
)
trees = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(keys, inner, max_size=4)),
    max_leaves=12,
)


@given(st.dictionaries(keys, trees, max_size=6))
@settings(max_examples=150)
def test_any_table_is_read_or_refused(data):
    if isinstance(data.get("depth"), int) and data["depth"] > 1000:
        data["depth"] = 3
    try:
        spec = chain_spec(data)
    except InputError:
        return
    assert isinstance(spec, ChainSpec)
