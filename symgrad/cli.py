"""The command line: arguments, exit codes, and where output goes; the work is in `commands`.

Nothing here imports SymPy, so that help and errors in arguments come at once.

Exit codes: 0 done and true; 1 false, not proved, or a limit exceeded; 2 wrong usage or input;
3 not supported; 130 interrupted; 141 the reader of the output went away.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

import symgrad

__all__ = ["build_parser", "main"]

_EPILOG = """\
exit codes:
  0    done, and what was claimed is true
  1    false, not proved, or a limit exceeded
  2    wrong usage or input
  3    not supported
  130  interrupted

An expression is written as sigmoid'(x), tanh^(3)(x), x*exp(-x^2/2); a decimal is exact;
- reads it from standard input. Results go to standard output, everything else to standard error.
"""


class _Parser(argparse.ArgumentParser):
    """Reports a wrong argument in one line, with the way to the help."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}\n(see {self.prog} --help)\n")


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


def build_parser() -> argparse.ArgumentParser:
    """The parser of the whole command; the reference in the documentation is made from it."""
    parser = _Parser(
        prog="symgrad",
        description="Why gradients vanish, where, how fast, and whether the optimum is reached.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"symgrad {symgrad.__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", title="commands")

    def command(name: str, summary: str, *, formula: str = "") -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=summary, description=summary[:1].upper() + summary[1:])
        if formula:
            sub.add_argument("expression", metavar="EXPRESSION", help=formula)
            sub.add_argument("-x", dest="variable", metavar="NAME", help="the variable (x)")
            sub.add_argument("--positive", metavar="NAMES", help="symbols > 0, as in alpha,beta")
        return sub

    def output(sub: argparse.ArgumentParser, *, forms: bool = True) -> None:
        group = sub.add_argument_group("output")
        if forms:
            kind = group.add_mutually_exclusive_group()
            kind.add_argument("--json", action="store_true", help="one versioned JSON document")
            kind.add_argument("--latex", action="store_true", help="LaTeX")
            kind.add_argument("--html", action="store_true", help="a self-contained HTML page")
        group.add_argument(
            "-o", "--output", metavar="FILE", help="write to FILE, whole or not at all"
        )
        group.add_argument(
            "-q", "--quiet", action="store_true", help="no progress on standard error"
        )

    sub = command("report", "the report on a chain that a TOML or JSON file describes")
    sub.add_argument("chain", metavar="CHAIN", help="file with the layers, input, target and cost")
    sub.add_argument("--html", metavar="FILE", help="also write one self-contained page")
    sub.add_argument(
        "--json", metavar="FILE", nargs="?", const="-",
        help="write one JSON document to FILE; without FILE, print it instead of the text",
    )  # fmt: skip
    sub.add_argument("--full", action="store_true", help="all derivations, all explicit forms")
    sub.add_argument("--terms", type=_count(1, 50), default=3, help="terms of each tail (3)")
    sub.add_argument("--points", type=_count(1, 10**7), default=2000, help="points of each check")
    output(sub, forms=False)

    sub = command("tail", "the expansion of f at +oo or -oo with a proved remainder",
                  formula="f(x), as in \"sigmoid'(x)\"")  # fmt: skip
    sub.add_argument("--order", type=_count(0, 20), default=0, help="of this derivative of f")
    sub.add_argument("--toward", choices=("oo", "-oo", "both"), default="both", help="which end")
    sub.add_argument("--terms", type=_count(1, 50), default=3, help="how many terms (3)")
    output(sub)

    sub = command("bound", "sup and inf of f, proved", formula="f(x)")
    sub.add_argument("--order", type=_count(0, 20), default=0, help="of this derivative of f")
    sub.add_argument("--on", metavar="SET", default="R", help="an interval such as [-oo, -20] (R)")
    output(sub)

    sub = command("prove", "prove or refute an inequality in one real variable",
                  formula="as in \"sigmoid'(x) <= 1/4\"")  # fmt: skip
    sub.add_argument("--on", metavar="SET", default="R", help="an interval such as (0, oo) (R)")
    sub.add_argument("--certificate", metavar="FILE", help="write the certificate of a proof")
    output(sub)

    sub = command("verify", "verify a certificate that prove wrote")
    sub.add_argument("certificate", metavar="FILE")
    output(sub)

    sub = command("check", "measure the NumPy function of f against mpmath and Arb", formula="f(x)")
    sub.add_argument("--order", type=_count(0, 20), default=0, help="of this derivative of f")
    sub.add_argument("--points", type=_count(1, 10**8), default=20000, help="how many (20000)")
    sub.add_argument("--seed", type=_count(0, 2**32 - 1), default=0, help="of the points (0)")
    sub.add_argument("--dtype", choices=("float16", "float32", "float64"), default="float64")
    sub.add_argument("--oracle", choices=("both", "mpmath", "arb"), default="both")
    sub.add_argument("--ulp", type=_positive, default=4.0, help="the limit, in ulp (4)")
    output(sub)

    sub = command("plot", "draw f, f and its tails, or the error of its kernel", formula="f(x)")
    sub.add_argument("--order", type=_count(0, 20), default=0, help="of this derivative of f")
    sub.add_argument("--toward", choices=("oo", "-oo"), help="the tail with its remainder band")
    sub.add_argument("--terms", type=_count(1, 50), default=3, help="terms of the tail (3)")
    sub.add_argument("--range", metavar="LOW:HIGH", default="-8:8", help="of x (-8:8)")
    sub.add_argument("-o", "--output", metavar="FILE", required=True, help=".svg, .png or .pdf")
    sub.add_argument("-q", "--quiet", action="store_true", help=argparse.SUPPRESS)

    sub = command("list", "the activations and costs that symgrad knows")
    sub.add_argument("what", nargs="?", choices=("activations", "costs"), default="activations")
    output(sub)

    sub = command("doctor", "versions and optional parts, for reports of faults")
    output(sub)
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
    with contextlib.suppress(OSError, ValueError):
        print(message, file=sys.stderr)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    parser = build_parser()
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        options = parser.parse_args(_joined(words))
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else 2
    if options.command is None:
        parser.print_help()
        return 0
    return _run(options)


def _run(options: argparse.Namespace) -> int:
    from symgrad.errors import LimitError, SymgradError, UndecidedError, UnsupportedError

    if sys.stdout is None:  # the caller closed it
        _say("symgrad: the output cannot be written: standard output is closed")
        return 2
    try:
        from symgrad.commands import run

        code = run(options)
        sys.stdout.flush()
    except KeyboardInterrupt:
        _say("symgrad: interrupted")
        return 130
    except BrokenPipeError:
        # the reader is gone: point stdout elsewhere, so that Python's own flush at exit is quiet
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except UnsupportedError as error:
        _say(f"symgrad: not supported: {error}")
        return 3
    except (UndecidedError, LimitError) as error:
        _say(f"symgrad: {error}")
        return 1
    except SymgradError as error:
        _say(f"symgrad: {error}")
        return 2
    except OSError as error:
        _say(f"symgrad: the output cannot be written: {error.strerror or error}")
        return 2
    return code
