"""Where does the gradient of a deep chain go, and how much of it does each factor take?

Run it with `python examples/vanishing.py`.
"""

from __future__ import annotations

import pathlib

import symgrad as sg

CHAINS = pathlib.Path(__file__).parent / "chains"


def main() -> None:
    net = sg.Chain.from_file(CHAINS / "deep100.toml")
    gradients = net.lambdify()(scaled=True)
    print("layer   log10 |delta|")
    for layer in (100, 75, 50, 25, 1):
        print(f"{layer:5}   {gradients.delta.log10()[layer - 1]:12.3f}")
    print()
    print("the proved digits of delta 1:", net.program.evaluate(net.given)["delta__1"].str(12))
    print(net.diagnose().layers[0].sentence())


if __name__ == "__main__":
    main()
