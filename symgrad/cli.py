"""The command line: a table of commands, exit codes, and where output goes.

Nothing here imports SymPy, so that help and errors in arguments come at once; the work is in
`commands`, the session in `repl`.

Exit codes: 0 done and true; 1 false, not proved, or a limit exceeded; 2 wrong usage or input;
3 not supported; 130 interrupted; 141 the reader of the output went away.
"""

from __future__ import annotations

import argparse
import contextlib
import difflib
import os
import sys
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple, NoReturn

import symgrad
from symgrad.errors import (
    LimitError,
    SymgradError,
    UndecidedError,
    UnknownNameError,
    UnsupportedError,
)

__all__ = ["COMMANDS", "Command", "build_parser", "main"]

_EPILOG = """\
Without a command, symgrad starts a session on a terminal.

exit codes:
  0    done, and what was claimed is true
  1    false, not proved, or a limit exceeded
  2    wrong usage or input
  3    not supported
  130  interrupted; what was done until then is printed
  141  the reader of the output went away

An expression is written as sigmoid'(x), tanh^(3)(x), x*exp(-x^2/2); a decimal is exact;
- reads it from standard input. Results go to standard output, everything else to standard error.
"""


def _count(low: int, high: int) -> Any:
    def read(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            number = low - 1
        if not low <= number <= high:
            raise argparse.ArgumentTypeError(f"a whole number from {low} to {high}, got {text!r}")
        return number

    return read


def _positive(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 < number < float("inf"):
        raise argparse.ArgumentTypeError(f"a positive number, got {text!r}")
    return number


class Command(NamedTuple):
    """One command: what it does, its argument, its options, and the forms of its result."""

    summary: str
    argument: str = ""
    options: str = ""
    forms: str = "--json --latex --html -o -q"
    defaults: Mapping[str, Any] = MappingProxyType({})


_F = "-x --positive --order"

COMMANDS: dict[str, Command] = {
    "report": Command(
        "the report on a chain that a TOML or JSON file describes", "chain",
        "--terms --points --full", "--json=FILE --latex=FILE --html=FILE -o -q", {"points": 2000},
    ),
    "tail": Command(
        "the expansion of f at +oo or -oo with a proved remainder", "expression",
        f"{_F} --toward --terms", defaults={"toward": "both"},
    ),
    "bound": Command("sup and inf of f, proved", "expression", f"{_F} --on"),
    "prove": Command(
        "prove or refute an inequality in one real variable", "statement",
        "-x --positive --on --certificate",
    ),
    "verify": Command("verify a certificate that prove wrote", "certificate"),
    "check": Command(
        "measure the NumPy function of f against mpmath and Arb", "expression",
        f"{_F} --points --seed --dtype --oracle --ulp --exhaustive --state --processes",
        defaults={"points": 20000},
    ),
    "plot": Command(
        "draw f, a tail of f with its remainder, or the errors of the NumPy function of f",
        "expression", f"{_F} --toward --terms --range --errors", "--output -q",
    ),
    "list": Command(
        "the activations and costs that symgrad knows, and the schema of its JSON", "what"
    ),
    "doctor": Command("versions and optional parts, for reports of faults"),
}  # fmt: skip

_ARGUMENTS: dict[str, dict[str, Any]] = {
    "chain": {"metavar": "CHAIN", "help": "file with the layers, input, target and cost"},
    "expression": {"metavar": "EXPRESSION", "help": "f(x), as in \"sigmoid'(x)\""},
    "statement": {"metavar": "STATEMENT", "help": "as in \"sigmoid'(x) <= 1/4\""},
    "certificate": {"metavar": "FILE", "help": "what prove --certificate wrote"},
    "what": {
        "nargs": "?", "choices": ("activations", "costs", "schema"), "default": "activations",
    },
}  # fmt: skip

_OPTIONS: dict[str, dict[str, Any]] = {
    "-x": {"dest": "variable", "metavar": "NAME", "help": "the variable (x)"},
    "--positive": {"metavar": "NAMES", "help": "symbols > 0, as in alpha,beta"},
    "--order": {"type": _count(0, 20), "default": 0, "help": "of this derivative of f"},
    "--toward": {"choices": ("oo", "-oo", "both"), "help": "which end of the line"},
    "--terms": {"type": _count(1, 50), "default": 3, "help": "terms of a tail (3)"},
    "--on": {"metavar": "SET", "default": "R", "help": "an interval such as [-oo, -20] (R)"},
    "--points": {"type": _count(1, 10**8), "help": "points of a check (%(default)s)"},
    "--seed": {"type": _count(0, 2**32 - 1), "default": 0, "help": "of the points (0)"},
    "--dtype": {"choices": ("float16", "float32", "float64"), "default": "float64"},
    "--oracle": {"choices": ("both", "mpmath", "arb"), "default": "both"},
    "--ulp": {"type": _positive, "default": 4.0, "help": "the limit, in ulp (4)"},
    "--exhaustive": {
        "choices": ("float16", "bfloat16", "float32"),
        "help": "every number of this format instead of --points of --dtype",
    },
    "--state": {"metavar": "FILE", "help": "keep what is done, and go on from there (exhaustive)"},
    "--processes": {"type": _count(1, 1024), "default": 1, "help": "at work (1; exhaustive)"},
    "--range": {"metavar": "LOW:HIGH", "default": "-8:8", "help": "of x (-8:8)"},
    "--errors": {"action": "store_true", "help": "errors in ulp, float64"},
    "--full": {"action": "store_true", "help": "all derivations, all explicit forms"},
    "--certificate": {"metavar": "FILE", "help": "write the certificate of a proof"},
}

_FORMS = {"json": "one versioned JSON document", "latex": "LaTeX", "html": "one HTML page"}
_FILE = {"metavar": "FILE", "nargs": "?", "const": "-"}
_OUTPUT: dict[str, tuple[tuple[str, ...], dict[str, Any]]] = {
    **{f"--{k}": ((f"--{k}",), {"action": "store_true", "help": v}) for k, v in _FORMS.items()},
    **{
        f"--{k}=FILE": ((f"--{k}",), {**_FILE, "help": f"{v}: printed, or also into FILE"})
        for k, v in _FORMS.items()
    },
    "-o": (("-o", "--output"), {"metavar": "FILE", "help": "write to FILE, whole or not at all"}),
    "--output": (("-o", "--output"), {"metavar": "FILE", "required": True,
                                      "help": ".svg, .png or .pdf"}),
    "-q": (("-q", "--quiet"), {"action": "store_true", "help": "no progress on standard error"}),
}  # fmt: skip


class _Parser(argparse.ArgumentParser):
    """Reports a wrong argument in one line, with the nearest right one and the way to the help."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}\n(see {self.prog} --help)\n")

    def refuse(self, word: str) -> NoReturn:
        """The error for an argument that no command takes."""
        if not word.startswith("-"):
            self.error(f"unrecognized argument: {word}")
        known = self._option_string_actions
        self.error(str(UnknownNameError("option", word.partition("=")[0], known)))

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        try:
            super()._check_value(action, value)
        except argparse.ArgumentError as error:
            near = difflib.get_close_matches(str(value), map(str, action.choices or ()), n=1)
            if not near:
                raise
            message = f"invalid choice: {value!r}; did you mean {near[0]!r}?"
            raise argparse.ArgumentError(action, message) from error


def build_parser() -> _Parser:
    """The parser of the whole command; the reference in the documentation is made from it."""
    parser = _Parser(
        prog="symgrad",
        description="Why gradients vanish, where, how fast, and whether the optimum is reached.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"symgrad {symgrad.__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", title="commands")
    for name, one in COMMANDS.items():
        summary = one.summary[:1].upper() + one.summary[1:]
        sub = commands.add_parser(name, help=one.summary, description=summary)
        sub.set_defaults(parser=sub)
        if one.argument:
            sub.add_argument(one.argument, **_ARGUMENTS[one.argument])
        for option in one.options.split():
            sub.add_argument(option, **_OPTIONS[option])
        group = sub.add_argument_group("output")
        kinds = group.add_mutually_exclusive_group() if "--json " in one.forms else group
        for option in one.forms.split():
            words, settings = _OUTPUT[option]
            (kinds if option[2:] in _FORMS else group).add_argument(*words, **settings)
        sub.set_defaults(**one.defaults)
    return parser


def _joined(argv: Sequence[str]) -> list[str]:
    """Lets an option take a value that starts with a minus: --toward -oo, --range -8:8."""
    takes = ("--toward", "--range", "--on")
    found: list[str] = []
    rest = list(argv)
    while rest:
        word = rest.pop(0)
        if word in takes and rest and rest[0].startswith("-") and rest[0][1:2] != "-":
            word = f"{word}={rest.pop(0)}"
        found.append(word)
    return found


def _say(message: str) -> None:
    """One message on standard error; what would steer the terminal is shown, not sent."""
    message = "".join(
        c if c.isprintable() or c == "\n" else c.encode("unicode_escape").decode() for c in message
    )
    with contextlib.suppress(OSError, ValueError):
        print(message, file=sys.stderr)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command, or a session where none is given; returns the exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    parser = build_parser()
    try:
        options, extra = parser.parse_known_args(_joined(words))
        if extra:
            getattr(options, "parser", parser).refuse(extra[0])
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else 2
    if options.command is None:
        if sys.stdin is not None and sys.stdin.isatty() and sys.stdout and sys.stdout.isatty():
            from symgrad import repl

            return repl.start()
        parser.print_help(sys.stderr)
        return 2
    return _run(options)


def _run(options: argparse.Namespace) -> int:
    if sys.stdout is None:  # the caller closed it
        _say("symgrad: the output cannot be written: standard output is closed")
        return 2
    try:
        from symgrad.commands import run

        code = run(options)
        sys.stdout.flush()
    except KeyboardInterrupt:
        code = 130
    except OSError as error:
        _let_go()
        if isinstance(error, BrokenPipeError):
            return 141
        _say(f"symgrad: the output cannot be written: {error.strerror or error}")
        return 2
    except UnsupportedError as error:
        _say(f"symgrad: not supported: {error}")
        return 3
    except (UndecidedError, LimitError) as error:
        _say(f"symgrad: {error}")
        return 1
    except SymgradError as error:
        _say(f"symgrad: {error}")
        return 2
    if code == 130:
        _say("symgrad: interrupted")
    return code


def _let_go() -> None:
    """Point standard output elsewhere, so that Python's own flush at exit is quiet."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
