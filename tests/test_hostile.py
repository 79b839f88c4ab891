"""Hostile input through every door, and the same answers from threads, processes and hash seeds."""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import flint
import mpmath
import numpy as np
import pytest
import sympy
from sympy import Symbol
from test_codec import HOSTILE as TREES
from test_codec import nothing_is_evaluated
from test_parse import HOSTILE as TEXTS

import symgrad
from symgrad.activation import Activation
from symgrad.chainfile import chain_spec, read_chain
from symgrad.cli import main
from symgrad.codec import encode
from symgrad.errors import InputError, SymgradError
from symgrad.kernels import lambdify
from symgrad.prove import certificate, prove, verify
from symgrad.report import CODEC, to_json_text

__all__ = ["nothing_is_evaluated"]

x = Symbol("x", real=True)
#: More of the same, chosen for the command line and for files.
MORE = [
    "", " ", "-", "--", "-oo", "%s%n%d", "{0.__class__}", "{x!r}", "$(touch pwned)",
    "`touch pwned`", "; touch pwned", "| touch pwned", "../../etc/passwd", "file:///etc/passwd",
    "\x1b[2J", "\x07", "\r\n", "sigmoid(x)\x00", "<script>alert(1)</script>", "&amp;", "'' or 1=1",
    "sigmoid.__init__(x)", "sigmoid'.__globals__", "tanh[alpha=__import__('os')](x)",
    "leaky_relu[__class__=1](x)", "leaky_relu[alpha=9^9^9](x)", "Eq(x, x) + 1", "Ne(x)",
    "Piecewise((x, True) for x in x)", "x__class__()", "e^e^e^e^e^9", "1/(1 - 1)", "\\input{x}",
]  # fmt: skip


@pytest.fixture(autouse=True)
def _alone(tmp_path, monkeypatch, nothing_is_evaluated):
    """In an empty folder, which stays empty of what a hostile text would write."""
    monkeypatch.chdir(tmp_path)
    start = time.process_time()
    yield
    assert not (tmp_path / "pwned").exists()
    assert time.process_time() - start < 20


@pytest.mark.parametrize("command", ["tail", "bound", "prove", "check", "plot"])
def test_the_command_line(command, capsys, monkeypatch):
    tried = 0
    monkeypatch.setattr("sys.stdin", None)
    texts = (*TEXTS[::4], *MORE) if command == "tail" else (*TEXTS, *MORE)[::7]
    for text in texts:  # `test_parse` reads all of them
        if (command, text) == ("prove", "x = 3"):
            continue  # a statement, and a false one
        more = ["-o", "a.svg"] if command == "plot" else []
        code = main([command, *more, "--", text])
        out, err = capsys.readouterr()
        assert (code, out) == (2, ""), text
        assert err.startswith("symgrad"), text
        assert "Traceback" not in err, text
        assert len(err.splitlines()) <= 4, text
        tried += 1
    assert tried >= (40 if command == "tail" else 10)


@pytest.mark.parametrize("option", ["--on", "-x", "--positive", "--range", "-o", "--certificate"])
def test_the_options(option, capsys):
    command = {"--range": "plot", "--certificate": "prove"}.get(option, "bound")
    what = "x > x - 1" if command == "prove" else "x"
    for text in ("__import__('os').system('touch pwned')", "\x00", "../none/x.svg", "9^9^9"):
        argv = [command, what, f"{option}={text}" if option[1] == "-" else f"{option}{text}"]
        code = main(argv + (["-o", "a.svg"] if command == "plot" else []))
        _, err = capsys.readouterr()
        assert code in (0, 2)
        assert "Traceback" not in err
        if option in ("--on", "--range"):
            assert code == 2


PLACES = [
    {"activation": "@", "depth": 2},
    {"activation": "tanh", "depth": 2, "weights": "@"},
    {"activation": "tanh", "depth": 2, "weights": ["1", "@"]},
    {"activation": "tanh", "depth": 2, "biases": "@"},
    {"activation": "tanh", "depth": "@"},
    {"activation": "tanh", "depth": 2, "loss": "@"},
    {"activation": "leaky_relu", "parameters": {"alpha": "@"}, "depth": 2},
    {"activation": "g", "depth": 2, "activations": {"g": {"formula": "@"}}},
    {"activation": "tanh", "depth": 2, "@": 1},
    {"activation": "tanh", "depth": 2, "input": "@"},
    {"layers": [{"activation": "tanh", "skip": "@"}]},
]


@pytest.mark.parametrize("place", PLACES, ids=json.dumps)
@pytest.mark.parametrize("ending", ["toml", "json", "table"])
def test_chain_files(place, ending, tmp_path):
    def filled(part, text):
        if isinstance(part, dict):
            return {k.replace("@", text): filled(v, text) for k, v in part.items()}
        if isinstance(part, list):
            return [filled(one, text) for one in part]
        return text if part == "@" else part

    def toml(value):
        if isinstance(value, dict):
            return "{" + ", ".join(f"{json.dumps(k)} = {toml(v)}" for k, v in value.items()) + "}"
        return json.dumps(value)

    texts = [t for t in (*TEXTS, *MORE) if t != "\ud800" and "\x7f" not in t]
    for text in texts[:: 3 if ending == "table" else 17]:
        data = filled(place, text)
        path = tmp_path / f"chain.{ending}"
        lines = "\n".join(f"{json.dumps(k)} = {toml(v)}" for k, v in data.items())
        path.write_text(lines if ending == "toml" else json.dumps(data), "utf-8")
        with pytest.raises(InputError) as caught:
            chain_spec(data) if ending == "table" else read_chain(path)
        assert len(str(caught.value)) < 2000


@pytest.mark.numeric
def test_certificates():
    good = certificate(prove(sympy.exp(x) >= 1 + x))
    assert verify(good)
    whole = json.dumps(good)
    keys = [k for k in good if k != "digest"]
    for key in keys:
        trees = (*TREES, *MORE) if key == "statement" else (*TREES[::9], *MORE[::9])
        for tree in (*trees, None, [], {}, 10**30, [[]] * 50):
            if tree != good[key]:
                with pytest.raises(SymgradError):
                    verify(json.dumps({**good, key: tree}))
    for text in ("", "{", "[" * 100_000, "null", whole[:-2], whole + "x", '{"format": NaN}'):
        with pytest.raises((SymgradError, RecursionError)):
            verify(text)


CODE = ["__import__('os').system('touch pwned')", "x); import os; (x", "x\ny", "a b", ""]


@pytest.mark.parametrize("name", CODE)
def test_a_symbol_whose_name_is_code(name):
    evil = Symbol(name, real=True)
    with pytest.raises(InputError):
        lambdify(evil, sympy.exp(evil))
    with pytest.raises(InputError):
        lambdify(x, evil + x)
    with pytest.raises(InputError):
        lambdify((x, evil), evil + x)
    with pytest.raises(InputError):
        Activation.from_expr(name, sympy.exp(x), x)
    with pytest.raises(InputError):
        CODEC.decode(encode(evil))


# --- files ----------------------------------------------------------------------------------------


def test_a_full_device_and_a_missing_permission_are_one_line(capsys, tmp_path):
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o500)
    places = [str(tmp_path / "none" / "x"), str(tmp_path)]
    if os.path.exists("/dev/full"):
        places.append("/dev/full")
    if os.geteuid():  # no folder is closed to root
        places.append(str(locked / "x"))
    for place in places:
        for argv in (["list", "costs", "-o", place], ["prove", "x < x+1", "--certificate", place]):
            code = main(argv)
            out, err = capsys.readouterr()
            assert (code, out) == (2, "")
            assert err.count("\n") == 1
            assert "cannot be written" in err
    assert [p.name for p in tmp_path.iterdir()] == ["locked"]


# --- threads, processes, hash seeds ---------------------------------------------------------------


def answer(number: int = 0) -> str:
    """What several rooms say, as one digest."""
    f = symgrad.sigmoid.d(1)
    found = [symgrad.tail(f, terms=2), symgrad.extrema(f)]
    facts = [CODEC.encode(one.fact) for one in found]
    kernel = symgrad.lambdify(x, f(x))
    values = [float(v) for v in kernel(np.linspace(-50, 50, 7))]
    report = symgrad.check(kernel, 100)
    text = to_json_text([facts, kernel.source, list(map(float.hex, values)), report.max_ulp])
    return hashlib.sha256(text.encode()).hexdigest()


def test_threads_give_the_same_answers_and_leave_the_precisions():
    def state():
        return flint.ctx.prec, mpmath.mp.prec, mpmath.iv.prec, np.geterr()

    alone, before = answer(), state()
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(answer, range(8))) == {alone}
        assert all(one == before for one in pool.map(lambda _: state(), range(8)))
    assert state() == before


@pytest.mark.numeric
@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_processes_give_the_same_answers(method):
    if method not in multiprocessing.get_all_start_methods():
        pytest.skip(f"this system cannot {method}")
    with ProcessPoolExecutor(4, multiprocessing.get_context(method)) as pool:
        assert set(pool.map(answer, range(4))) == {answer()}


_BYTES = """
import hashlib, sys
from sympy import Symbol
import symgrad
from symgrad.catalogue import activation
from symgrad.cli import main
x = Symbol("x", real=True)
g = activation(sys.argv[2])
sys.stdout.write(symgrad.lambdify(x, g.d(2)(x)).source)
for argv in (["bound", "tanh'(x)", "--on", "[-3, oo)"], ["tail", "mish'(x)"], ["prove", "x < x+1"]):
    assert main([*argv, "--json"]) == 0
try:
    import matplotlib
except ImportError:
    sys.exit()
assert main(["plot", "gelu'(x)", "--toward", "oo", "-o", "/dev/stdout"]) == 2
assert main(["plot", "gelu'(x)", "--toward", "oo", "-o", sys.argv[1]]) == 0
sys.stdout.write(open(sys.argv[1], encoding="utf-8").read())
"""


@pytest.mark.parametrize(
    ("name", "seeds"),
    [("tanh", ("0", "4242")), pytest.param("gelu", ("0", "1", "4242"), marks=pytest.mark.numeric)],
)
def test_the_same_bytes_of_json_source_and_svg_under_any_hash_seed(name, seeds, tmp_path):
    outputs = set()
    for seed in seeds:
        done = subprocess.run(
            [sys.executable, "-c", _BYTES, str(tmp_path / "a.svg"), name], capture_output=True,
            check=False, env={**os.environ, "PYTHONHASHSEED": seed},
        )  # fmt: skip
        assert done.returncode == 0, done.stderr.decode()
        outputs.add(done.stdout)
    assert len(outputs) == 1
    assert len(outputs.pop()) > 10_000
