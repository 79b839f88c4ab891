"""Descent on a small chain: a long plateau, though no gradient is zero and no optimum is near.

Run it with `python examples/plateau.py`, or with a file name to draw the gradients to it. It is a
demonstration of what the factors of δˡ do over the steps, and not a way to train: Ctrl-C gives what
has been computed so far.
"""

from __future__ import annotations

import sys
from pathlib import Path

from sympy import Rational

import symgrad as sg
from symgrad.descent import GradientDescent, trajectory
from symgrad.plot import gradients, save

STEPS = 400


def bar(done: int, total: int) -> None:
    """A progress bar on a terminal."""
    if sys.stderr.isatty():
        filled = 40 * done // total
        end = "\n" if done == total else ""
        print(f"\r[{'#' * filled}{'.' * (40 - filled)}] {done}/{total}", end=end, file=sys.stderr)


def main() -> None:
    net = sg.Chain(sg.sigmoid, depth=3, x=1, y=Rational(9, 10))
    start = {f"w__{l}": 1 for l in (1, 2, 3)} | {"b__1": -4, "b__2": -4, "b__3": -8}
    path = trajectory(net, start, STEPS, GradientDescent(10), digits=20, progress=bar)
    heights = list(path.gradient_heights().values())
    print("step       cost   log10 of the gradient in w of layer 1, 2, 3")
    for k in range(0, len(path.points), STEPS // 10):
        row = "  ".join(f"{h[k]:7.2f}" for h in heights)
        print(f"{k:4}   {float(path.values[k]):8.1e}   {row}")
    print()
    first = net.diagnose(dict(zip(path.variables, path.points[0], strict=True)))
    print("At the start, where every gradient is below 1e-5 and the cost is near its largest:")
    print(first.layers[0].sentence())
    escape = next((k for k, cost in enumerate(path.values) if cost < Rational(1, 10)), None)
    if escape is not None:
        print(f"The plateau ends at last: the cost first falls below 0.1 at step {escape}.")
    if len(sys.argv) > 1:
        target = Path(sys.argv[1])
        with target.open("wb") as stream:
            save(gradients(path).figure, stream, target.suffix[1:] or "svg")


if __name__ == "__main__":
    main()
