"""The command line as a user meets it: output, exit codes, files, and wrong arguments."""

from __future__ import annotations

import functools
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import time

import pytest
from sympy import Symbol, exp

from symgrad import repl, words
from symgrad.cli import build_parser, main
from symgrad.errors import InputError
from symgrad.files import write_whole
from symgrad.progress import Progress
from symgrad.report import CODEC, schema
from symgrad.tails import tail

CHAINS = pathlib.Path(__file__).parents[1] / "examples" / "chains"
COMMANDS = "report tail bound prove verify check plot list doctor".split()
x = Symbol("x", real=True)


def run(capsys, *argv):
    """(exit code, standard output, standard error) of one command."""
    code = main(argv)
    out, err = capsys.readouterr()
    return code, out, err


def shell(*argv, **settings):
    """The command in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "symgrad", *argv],
        capture_output=True,
        text=True,
        check=False,
        **settings,
    )


# --- start-up and usage -------------------------------------------------------------------------


@pytest.mark.parametrize("argv", [["--help"], ["frob"], ["tail"], ["tail", "x", "--terms", "0"]])
def test_help_and_wrong_arguments_load_no_sympy(argv):
    code = (
        "import sys; from symgrad.cli import main; main(sys.argv[1:]); "
        "heavy = {'sympy', 'numpy', 'flint', 'mpmath'} & {*sys.modules}; assert not heavy, heavy"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *argv], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_help_comes_at_once():
    def seconds():
        return os.times().children_user + os.times().children_system

    spent = []
    for _ in range(3):  # of processor time, and the least, since the machine may be busy
        start = seconds()
        assert shell("--help").returncode == 0
        spent.append(seconds() - start)
    assert 0 < min(spent) < 0.2


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command, capsys):
    code, out, err = run(capsys, command, "--help")
    assert (code, err) == (0, "")
    assert out.startswith(f"usage: symgrad {command}")


def test_no_command_off_a_terminal_prints_the_help(capsys):
    code, out, err = run(capsys)
    assert (code, out) == (2, "")
    for command in COMMANDS:
        assert re.search(rf"^    {command} ", err, re.MULTILINE)


def test_the_documented_exit_codes_are_in_the_help():
    text = build_parser().format_help()
    for code in ("0", "1", "2", "3", "130"):
        assert re.search(rf"^  {code} +\w", text, re.MULTILINE)


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["frob"], "invalid choice: 'frob'"),
        (["tail"], "required: EXPRESSION"),
        (["tail", "x", "--terms", "0"], "a whole number from 1 to 50, got '0'"),
        (["tail", "x", "--terms", "many"], "a whole number from 1 to 50, got 'many'"),
        (["tail", "x", "--toward", "up"], "invalid choice: 'up'"),
        (["tail", "x", "--json", "--latex"], "not allowed with argument"),
        (["check", "x", "--ulp", "-1"], "a positive number, got '-1'"),
        (["check", "x", "--ulp", "nan"], "a positive number, got 'nan'"),
        (["check", "x", "--dtype", "float128"], "invalid choice: 'float128'"),
        (["plot", "x"], "required: -o/--output"),
        (["report"], "required: CHAIN"),
        (["tial"], "did you mean 'tail'"),
        (["check", "x", "--dtype", "flaot32"], "did you mean 'float32'"),
        (["tail", "x", "--tems", "3"], "no option '--tems'; did you mean '--terms'?"),
        (["bound", "x", "y"], "unrecognized argument: y"),
        (["--verison"], "did you mean '--version'"),
    ],
)
def test_wrong_arguments(argv, message, capsys):
    code, out, err = run(capsys, *argv)
    assert (code, out) == (2, "")
    assert message in err
    assert "--help" in err


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["tail", "sigmod(x)"], "did you mean 'sigmoid'"),
        (["tail", "x +"], "the text ends"),
        (["tail", "__import__('os').system('touch pwned')"], "'_' is not allowed"),
        (["tail", "9^9^9^9"], "exponent"),
        (["tail", "a + b"], "say which is the variable, -x NAME"),
        (["bound", "x", "--on", "[1, 0]"], "ends are in order"),
        (["bound", "x", "--on", "all"], "an interval starts with"),
        (["prove", "sigmoid(x)"], "a comparison such as"),
        (["report", "none.toml"], "none.toml: No such file"),
        (["verify", "none.json"], "none.json: No such file"),
        (["plot", "x", "-o", "x.gif"], "a .svg, .png or .pdf file"),
        (["plot", "x", "-o", "x.svg", "--range", "1"], "LOW:HIGH"),
    ],
)
def test_wrong_input(argv, message, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, out, err = run(capsys, *argv)
    assert (code, out) == (2, "")
    assert message in err
    assert err.startswith("symgrad: ")
    assert "Traceback" not in err
    assert list(tmp_path.iterdir()) == []


# --- the commands -------------------------------------------------------------------------------


def test_tail(capsys):
    code, out, err = run(capsys, "tail", "sigmoid'(x)", "--toward", "oo", "--terms", "2")
    assert (code, err) == (0, "")
    assert "σ'(x) = e^{-x} − 2·e^{-2x} + B(3·e^{-3x}, x ∈ ℝ)" in out
    assert "Proved" in out


def test_tail_takes_a_negative_end_and_an_order(capsys):
    direct = run(capsys, "tail", "sigmoid'(x)", "--toward", "-oo")
    assert direct[0] == 0
    assert "e^x" in direct[1]
    assert run(capsys, "tail", "sigmoid(x)", "--order", "1", "--toward=-oo") == direct


def test_tail_with_a_positive_parameter(capsys):
    code, _, err = run(capsys, "tail", "exp(-b*x)", "--toward", "oo")
    assert (code, "sign of -b" in err) == (1, True)
    code, out, _ = run(capsys, "tail", "exp(-b*x)", "--toward", "oo", "--positive", "b")
    assert (code, "e^{-b·x}" in out) == (0, True)


def test_tail_json_loads_back_to_equal_facts(capsys):
    code, out, _ = run(capsys, "tail", "tanh'(x)", "--json")
    document = json.loads(out)
    assert code == 0
    assert document["schema"] == "symgrad/tail/1"
    assert set(document) == {"schema", "symgrad", "input", "result", "warnings"}
    f = words.parse("tanh'(x)")
    for entry in document["result"]:
        toward = words.parse_set("[0, oo)").sup * (-1 if entry["toward"] == "-oo" else 1)
        found = tail(f, toward=toward, terms=3)
        assert CODEC.decode(entry["fact"]["record"]) == found.fact
        assert [words.parse(t["text"]) for t in entry["terms"]] == list(found.terms)


def test_bound(capsys):
    code, out, _ = run(capsys, "bound", "sigmoid'(x)")
    assert code == 0
    assert "0 ≤ σ'(x) ≤ 1/4" in out
    code, out, _ = run(capsys, "bound", "tanh(x)", "--order", "1", "--on", "[1, oo)", "--json")
    document = json.loads(out)
    assert code == 0
    sup = words.parse(document["result"]["sup"]["value"]["text"])
    assert abs(float(sup) - 0.41997434161402614) < 1e-15  # 1 - tanh(1)^2
    assert document["result"]["fact"]["verdict"] == "proved"


def test_prove_and_verify(capsys, tmp_path):
    path = tmp_path / "quarter.json"
    code, out, _ = run(capsys, "prove", "sigmoid'(x) <= 1/4", "--certificate", str(path))
    assert code == 0
    assert "Proved" in out
    code, out, _ = run(capsys, "verify", str(path))
    assert code == 0
    assert "Verified" in out
    path.write_text(path.read_text("utf-8").replace('"4"', '"5"', 1), "utf-8")
    code, out, err = run(capsys, "verify", str(path))
    assert (code, out) == (1, "")
    assert "refused" in err


def test_a_false_statement_is_refuted_and_leaves_no_certificate(capsys, tmp_path):
    path = tmp_path / "c.json"
    code, out, _ = run(capsys, "prove", "tanh'(x) <= 1/2", "--certificate", str(path), "--json")
    document = json.loads(out)
    assert code == 1
    assert document["result"]["verdict"] == "refuted"
    assert not path.exists()
    at = words.parse(document["result"]["at"])
    assert float(1 - (exp(2 * at) - 1) ** 2 / (exp(2 * at) + 1) ** 2) > 0.5


def test_check(capsys):
    code, out, _ = run(capsys, "check", "tanh'(x)", "--points", "300", "--json")
    found = CODEC.decode(json.loads(out)["result"])
    assert code == 0
    assert found.points >= 300
    assert found.max_ulp <= 4
    code, out, _ = run(capsys, "check", "tanh'(x)", "--points", "300", "--ulp", "0.001")
    assert code == 1
    assert "At the limit of 0.001 ulp: broken: " in out


@pytest.mark.parametrize("kind", ["svg", "png", "pdf"])
def test_plot(kind, capsys, tmp_path):
    pytest.importorskip("matplotlib")
    path = tmp_path / f"a.{kind}"
    assert run(capsys, "plot", "sigmoid'(x)", "-o", str(path)) == (0, "", "")
    first = path.read_bytes()
    assert first[:4] in (b"<?xm", b"\x89PNG", b"%PDF")
    assert run(capsys, "plot", "sigmoid'(x)", "-o", str(path), "--toward", "-oo")[0] == 0
    assert path.read_bytes() != first


def test_list_and_doctor(capsys):
    code, out, _ = run(capsys, "list")
    assert code == 0
    assert re.search(r"^leaky_relu +alpha = 1/100", out, re.MULTILINE)
    code, out, _ = run(capsys, "list", "costs", "--json")
    assert "squared_error" in {CODEC.decode(c).name for c in json.loads(out)["result"]}
    code, out, _ = run(capsys, "doctor")
    assert code == 0
    assert re.search(r"^sympy +\d", out, re.MULTILINE)


@pytest.mark.parametrize(
    ("form", "start"), [("--latex", "$\\displaystyle"), ("--html", "<!DOCTYPE html>")]
)
def test_other_forms(form, start, capsys):
    code, out, _ = run(capsys, "tail", "sigmoid'(x)", "--toward", "oo", form)
    assert code == 0
    assert out.startswith(start)


def test_an_expression_from_standard_input():
    done = shell("tail", "-", "--toward", "oo", input="tanh'(x)\n")
    assert done.returncode == 0
    assert "4·e^{-2x}" in done.stdout


def test_ascii_where_the_terminal_has_no_unicode():
    env = {**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    done = shell("tail", "sigmoid'(x)", "--toward", "oo", env=env)
    assert done.returncode == 0, done.stderr
    assert "sigmoid'(x) = exp(-x) - 2*exp(-2*x)" in done.stdout


# --- the published schema -----------------------------------------------------------------------


def strict(tree):
    """The schema with no key allowed that it does not name."""
    if isinstance(tree, dict):
        found = {key: strict(value) for key, value in tree.items()}
        if found.get("type") == "object" and "properties" in found:
            found.setdefault("additionalProperties", False)
        return found
    return [strict(one) for one in tree] if isinstance(tree, list) else tree


@functools.cache
def validator():
    jsonschema = pytest.importorskip("jsonschema")
    done = json.loads(schema())
    jsonschema.Draft202012Validator.check_schema(done)
    return jsonschema.Draft202012Validator(strict(done))


DOCUMENTS = [
    ["tail", "gelu'(x)", "--toward", "-oo", "--terms", "1"],
    ["tail", "relu(x)"],
    ["bound", "gelu'(x)"],
    ["bound", "x^2"],
    ["prove", "tanh'(x) <= 1/2"],
    ["prove", "exp(x) >= 1 + x"],
    ["check", "x^2", "--points", "50"],
    ["check", "sin(x)*x", "--points", "50", "--dtype", "float16", "--oracle", "arb"],
    ["list"],
    ["list", "costs"],
    ["doctor"],
    ["report", str(CHAINS / "cross_entropy.toml"), "--points", "50"],
    ["report", str(CHAINS / "symbols4.toml"), "--points", "50", "--full"],
    ["report", str(CHAINS / "deep100.toml"), "--points", "50"],
]


@pytest.mark.parametrize("argv", DOCUMENTS, ids=" ".join)
def test_every_document_follows_the_schema(argv, capsys):
    code, out, err = run(capsys, *argv, "--json")
    assert (code in (0, 1), err) == (True, "")
    document = json.loads(out)
    assert document["schema"] == f"symgrad/{argv[0]}/1"
    validator().validate(document)


def test_the_document_of_a_certificate_follows_the_schema(capsys, tmp_path):
    path = str(tmp_path / "c.json")
    assert run(capsys, "prove", "exp(x) > x", "--certificate", path)[0] == 0
    validator().validate(json.loads(run(capsys, "verify", path, "--json")[1]))


def test_the_schema_refuses_what_is_no_document(capsys):
    document = json.loads(run(capsys, "bound", "tanh(x)", "--json")[1])
    assert json.loads(run(capsys, "list", "schema")[1])["$id"] == "symgrad/documents/1"
    for path, wrong in [
        (("schema",), "symgrad/frob/1"),
        (("result", "sup", "attained"), "yes"),
        (("result", "fact", "verdict"), "maybe"),
        (("result", "fact", "steps"), -1),
        (("result", "fact", "record", "id"), 1.5),
        (("result", "more"), 1),
        (("input", "on"), "R"),
    ]:
        broken = json.loads(json.dumps(document))
        functools.reduce(dict.__getitem__, path[:-1], broken)[path[-1]] = wrong
        assert not validator().is_valid(broken), path
    del document["result"]["fact"]["by"]
    assert not validator().is_valid(document)


# --- files and streams --------------------------------------------------------------------------


def test_output_to_a_file(capsys, tmp_path):
    path = tmp_path / "tail.txt"
    assert run(capsys, "tail", "sigmoid'(x)", "-o", str(path)) == (0, "", "")
    assert "e^{-x}" in path.read_text("utf-8")
    assert list(tmp_path.iterdir()) == [path]


def test_files_appear_whole_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / "a"
    path.write_text("before", "utf-8")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(InputError, match="a: cannot be written: No space left"):
        write_whole(path, "after")
    assert path.read_text("utf-8") == "before"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("place", ["none/a.txt", "."])
def test_places_that_cannot_be_written(place, capsys, tmp_path):
    code, out, err = run(capsys, "list", "costs", "-o", str(tmp_path / place))
    assert (code, out) == (2, "")
    assert "cannot be written" in err
    assert list(tmp_path.iterdir()) == []


def test_a_broken_pipe_is_quiet():
    process = subprocess.Popen(
        [sys.executable, "-m", "symgrad", "list", "--json"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    process.stdout.close()
    err = process.stderr.read()
    process.stderr.close()
    assert process.wait(60) == 141
    assert err == b""


def test_a_full_disk_is_one_line():
    if not pathlib.Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "symgrad", "list"], stdout=full, stderr=subprocess.PIPE,
            text=True, check=False,
        )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "cannot be written" in done.stderr


def test_closed_standard_output():
    done = subprocess.run(
        ["/bin/sh", "-c", f'"{sys.executable}" -m symgrad list costs >&-'],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_an_interrupt_is_130(monkeypatch, capsys):
    from symgrad import commands

    def interrupted(options):
        raise KeyboardInterrupt

    monkeypatch.setattr(commands, "run", interrupted)
    code, _, err = run(capsys, "list")
    assert (code, err) == (130, "symgrad: interrupted\n")


def test_what_is_not_supported_is_3(monkeypatch, capsys):
    from symgrad import commands
    from symgrad.errors import UnsupportedError

    def unsupported(options):
        raise UnsupportedError("no such case")

    monkeypatch.setattr(commands, "run", unsupported)
    code, _, err = run(capsys, "list")
    assert (code, err) == (3, "symgrad: not supported: no such case\n")


# --- an interrupt gives back what is done -------------------------------------------------------


def interrupting(monkeypatch, module, name, after):
    """The function raises the signal of Ctrl-C when it is called once more than `after` times."""
    real, calls = getattr(module, name), []

    def wrapped(*args, **settings):
        calls.append(args)
        # A process that a shell starts in the background ignores the signal.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        if len(calls) > after:
            signal.raise_signal(signal.SIGINT)
        return real(*args, **settings)

    monkeypatch.setattr(module, name, wrapped)


def test_an_interrupted_tail_gives_the_end_that_is_done(monkeypatch, capsys):
    from symgrad import commands

    interrupting(monkeypatch, commands, "tail", 1)
    code, out, err = run(capsys, "tail", "sigmoid'(x)", "--json")
    document = json.loads(out)
    assert (code, err) == (130, "symgrad: interrupted\n")
    assert [entry["toward"] for entry in document["result"]] == ["oo"]
    validator().validate(document)


def test_an_interrupted_report_gives_the_parts_that_are_done(monkeypatch, capsys):
    from symgrad.report import sections

    interrupting(monkeypatch, sections, "extrema", 0)
    code, out, err = run(capsys, "report", str(CHAINS / "sigmoid4.toml"), "--json")
    document = json.loads(out)
    assert (code, err) == (130, "symgrad: interrupted\n")
    failed = [key for key, part in document["result"].items() if part == {"error": "interrupted"}]
    assert sorted(failed) == ["activations", "bounds", "diagnosis", "numbers"]
    assert document["warnings"] == [f"{key}: interrupted" for key in
                                    ("activations", "bounds", "numbers", "diagnosis")]  # fmt: skip
    validator().validate(document)


@pytest.mark.parametrize(
    ("name", "argv"),
    [
        ("extrema", ["bound", "x"]),
        ("prove", ["prove", "x < 1"]),
        ("lambdify", ["check", "x"]),
        ("tail", ["tail", "x"]),
        ("report", ["report", str(CHAINS / "sigmoid4.toml")]),
        ("activations", ["list"]),
    ],
)
def test_an_interrupt_before_anything_is_done_is_130(name, argv, monkeypatch, capsys):
    from symgrad import commands

    interrupting(monkeypatch, commands, name, 0)
    assert run(capsys, *argv) == (130, "", "symgrad: interrupted\n")


# --- progress and the session --------------------------------------------------------------------


def test_progress_is_quiet_off_a_terminal_and_on_request(capsys):
    for quiet in (True, False):
        with Progress(quiet) as progress:
            progress(1, 2, "something")
        assert progress.view is None
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("rich", [True, False])
def test_progress_shows_what_is_done_and_the_time_left(rich, monkeypatch, capsys):
    if rich:
        pytest.importorskip("rich")
    else:
        monkeypatch.setitem(sys.modules, "rich", None)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setattr("symgrad.progress.PATIENCE", 0.05)
    with Progress() as progress:
        progress(1, 4, "the parts")
        time.sleep(0.3)
        progress(2, 4, "the parts")
    out, err = capsys.readouterr()
    assert out == ""
    for word in ("the parts", "/4", "left"):
        assert word in err
    assert err.rstrip("\r").endswith(("\x1b[K", "\x1b[2K", "\x1b[?25h")) or "\x1b[2K" in err[-40:]


def test_the_session_s_lines_run_and_are_shown():
    shown, names = repl.banner(), {}
    for text in repl.LOADED:
        assert text in shown
        exec(text, names)  # noqa: S102
    for text in repl.TRY:
        assert text in shown
        assert str(eval(text, names))  # noqa: S307
    assert {"sg", "sp", "np", "x", "z", "net"} <= names.keys()
    assert len(shown.splitlines()) < 20
    assert max(map(len, shown.splitlines())) <= 80


@pytest.mark.parametrize("ipython", [True, False])
def test_a_session_on_a_terminal(ipython, tmp_path):
    pty = pytest.importorskip("pty")
    if ipython:
        pytest.importorskip("IPython")
    without = "" if ipython else "import sys; sys.modules['IPython'] = None; "
    code = without + "import sys; from symgrad.cli import main; sys.exit(main([]))"
    ours, theirs = pty.openpty()
    env = {**os.environ, "HOME": str(tmp_path), "IPYTHONDIR": str(tmp_path), "TERM": "dumb"}
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdin=theirs, stdout=theirs, stderr=theirs, env=env
    )
    os.close(theirs)
    os.write(ours, b"print('depth', net.depth)\nexit()\n")
    shown = b""
    try:
        while part := os.read(ours, 65536):
            shown += part
    except OSError:  # the other side is closed
        pass
    assert process.wait(60) == 0
    os.close(ours)
    assert b"Try:" in shown
    assert b"depth 3" in shown
    assert b"Traceback" not in shown
