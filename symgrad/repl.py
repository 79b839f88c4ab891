"""The session that `symgrad` starts on a terminal: IPython, or Python's own console without it."""

from __future__ import annotations

import sys

__all__ = ["LOADED", "TRY", "banner", "start"]

LOADED = (
    "import numpy as np, sympy as sp, symgrad as sg",
    "from sympy import Rational, exp, log, oo, pi, sqrt, symbols, tanh",
    "x, z = symbols('x z', real=True)",
    "net = sg.Chain(sg.sigmoid, depth=3)",
)
"""The lines that a session has run before its first prompt; the banner shows them."""

TRY = (
    "net.delta(1).derivation",
    "sg.tail(sg.sigmoid.d(1), toward=oo)",
    "sg.check(sg.lambdify(x, sg.tanh(x).diff(x)), 2000)",
)
"""Three lines to begin with."""


def banner() -> str:
    """The versions, what is loaded, and what to try."""
    import sympy

    import symgrad

    python = ".".join(map(str, sys.version_info[:3]))
    rows = [
        f"symgrad {symgrad.__version__}  (Python {python}, SymPy {sympy.__version__})",
        "",
        "Loaded:",
        *(f"    {line}" for line in LOADED),
        "Try:",
        *(f"    {line}" for line in TRY),
        "",
        "help(sg.tail) explains a name; sg.<Tab> lists them; leave with Ctrl-D.",
    ]
    return "\n".join(rows) + "\n"


def start() -> int:
    """Run a session until its user leaves it; returns the exit code."""
    try:
        import IPython
        from traitlets.config import Config
    except ImportError:
        return _plain()
    config = Config()
    config.TerminalIPythonApp.display_banner = True
    config.TerminalInteractiveShell.banner1 = banner()
    config.TerminalInteractiveShell.banner2 = ""
    config.TerminalInteractiveShell.enable_tip = False
    config.InteractiveShellApp.exec_lines = list(LOADED)
    IPython.start_ipython(argv=[], config=config)
    return 0


def _plain() -> int:
    import code

    try:
        import readline
        import rlcompleter
    except ImportError:  # a system without them, such as Windows
        console = code.InteractiveConsole()
    else:
        console = code.InteractiveConsole()
        readline.set_completer(rlcompleter.Completer(console.locals).complete)
        readline.parse_and_bind("tab: complete")
    for line in LOADED:
        console.push(line)
    console.interact(banner(), exitmsg="")
    return 0
