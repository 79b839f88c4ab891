"""Points to try a function at: every binade gets its share, the plotting range is dense, and the
places where float code breaks are visited float by float.

The same arguments give the same points, on every machine.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from symgrad.errors import InputError
from symgrad.oracle.formats import Floats, Format

__all__ = ["PLOT_RANGE", "around", "points", "product_points", "standard_points"]

PLOT_RANGE = (-50.0, 50.0)
"""Where people plot activations."""

_WIDE_RANGE = (-800.0, 800.0)
_NEIGHBOURS = 6
Ints = NDArray[np.int64]


def points(n: int, fmt: Format, seed: int = 0, special: Iterable[float] = ()) -> Floats:
    """At least n distinct finite points of the format, in order, all of `special` approached.

    Two fifths are uniform over bit patterns, the rest lie in the plotting range, in [-800, 800] and
    log-uniformly around 1; ±0, subnormals, the largest numbers and powers of two are always there.
    Raises `InputError` for n < 1.

    >>> from symgrad.oracle.formats import FLOAT64
    >>> x = points(1000, FLOAT64)
    >>> len(x) >= 1000, bool((x == 0).any()), bool((abs(x) < 1e-300).any())
    (True, True, True)
    """
    if n < 1:
        raise InputError(f"a check needs at least one point, got {n}")
    rng = np.random.default_rng(seed)
    chosen = [_distinct(np.concatenate([standard_points(fmt), around(special, fmt)]), fmt)]
    shares = ((0.4, _bit_uniform), (0.3, _in_range(*PLOT_RANGE)), (0.1, _in_range(*_WIDE_RANGE)),
              (0.2, _log_uniform))  # fmt: skip
    for share, draw in shares:
        chosen.append(draw(max(1, round(share * n)), fmt, rng))
    found = _distinct(np.concatenate(chosen), fmt)
    missing = n - len(found)
    if missing > 0:
        found = _distinct(np.concatenate([found, _fresh(missing, found, fmt, rng)]), fmt)
    return found


def _fresh(n: int, found: Floats, fmt: Format, rng: np.random.Generator) -> Floats:
    """Up to n numbers that are not among `found`, uniform over bit patterns."""
    top = int(fmt.ordinal(fmt.largest))
    taken = fmt.ordinal(found)
    if fmt.width == 16:
        free = np.setdiff1d(np.arange(-top, top + 1), taken)
        return fmt.at(rng.permutation(free)[:n]).astype(np.float64)
    free = np.setdiff1d(rng.integers(-top, top + 1, 2 * n + 100), taken)
    return fmt.at(rng.permutation(free)[:n]).astype(np.float64)


def _distinct(x: Floats, fmt: Format) -> Floats:
    """The different numbers in order; both zeros are kept."""
    x = x[np.isfinite(x)]
    place = np.unique(fmt.ordinal(x))
    found = fmt.at(place).astype(np.float64)
    if np.any((x == 0) & np.signbit(x)):
        zero = int(np.searchsorted(place, 0))
        found = np.insert(found, zero, -0.0)
    return found


def _bit_uniform(n: int, fmt: Format, rng: np.random.Generator) -> Floats:
    """One point in each of n equal slices of the order of all floats."""
    top = int(fmt.ordinal(fmt.largest))
    edges = np.linspace(-top, top, n + 1)
    place = np.clip(edges[:-1] + rng.random(n) * np.diff(edges), -top, top).astype(np.int64)
    # A slice is wider than 2^53 places where floats have 64 bits: fill the last bits at random.
    noise = max(1, top // (n * 4))
    place = np.clip(place + rng.integers(-noise, noise + 1, n), -top, top)
    return fmt.at(place).astype(np.float64)


def _in_range(low: float, high: float):
    def draw(n: int, fmt: Format, rng: np.random.Generator) -> Floats:
        x = low + (np.arange(n) + rng.random(n)) * ((high - low) / n)
        return fmt.cast(np.clip(x, -fmt.largest, fmt.largest)).astype(np.float64)

    return draw


def _log_uniform(n: int, fmt: Format, rng: np.random.Generator) -> Floats:
    low, high = max(-60, fmt.emin), min(11, fmt.emax)
    size = np.exp2(low + (np.arange(n) + rng.random(n)) * ((high - low) / n))
    return fmt.cast(size * rng.choice([-1.0, 1.0], n)).astype(np.float64)


def standard_points(fmt: Format) -> Floats:
    """±0, the ends of the subnormal and normal ranges, and powers of two, with their neighbours."""
    ends = [0.0, fmt.least, float(np.ldexp(1.0, fmt.emin)), fmt.largest]
    near = np.arange(max(fmt.bottom, -70), min(fmt.emax, 70) + 1)
    far = np.arange(fmt.bottom, fmt.emax + 1, max(1, (fmt.emax - fmt.emin) // 64))
    powers = np.ldexp(1.0, np.concatenate([near, far]))
    place = fmt.ordinal(np.concatenate([ends, powers]))
    place = np.concatenate([place + step for step in (-1, 0, 1)])
    x = fmt.at(place[place <= fmt.ordinal(fmt.largest)]).astype(np.float64)
    return np.concatenate([x, -x, [0.0, -0.0]])


def around(special: Iterable[float], fmt: Format) -> Floats:
    """Each number with its 6 neighbours on both sides, and geometric approaches r ± |r|·2^-k."""
    centres = np.array([s for s in special if np.isfinite(s)], np.float64)
    centres = centres[np.abs(centres) <= fmt.largest]
    if not len(centres):
        return np.zeros(0)
    steps = np.arange(-_NEIGHBOURS, _NEIGHBOURS + 1)
    top = fmt.ordinal(fmt.largest)
    place = np.clip(fmt.ordinal(fmt.cast(centres))[:, None] + steps, -top, top)
    size = np.where(centres == 0, 1.0, np.abs(centres))[:, None]
    with np.errstate(over="ignore", under="ignore"):
        gaps = size * np.exp2(-np.arange(1.0, fmt.precision + 1))
        approach = np.concatenate([centres[:, None] + gaps, centres[:, None] - gaps])
    approach = fmt.cast(np.clip(approach, -fmt.largest, fmt.largest))
    return np.concatenate([fmt.at(place).ravel(), approach.ravel()]).astype(np.float64)


def product_points(n: int, count: int, fmt: Format, seed: int = 0) -> tuple[Floats, ...]:
    """n points in `count` dimensions: products of telling values, then a low-discrepancy design.

    The design is the additive recurrence on the generalized golden ratio (Roberts 2018), each
    coordinate spread over [-8, 8], over binades around 1, and over all bit patterns.
    """
    if n < 1 or count < 1:
        raise InputError(f"a check needs at least one point and one argument, got {n} and {count}")
    rng = np.random.default_rng(seed)
    telling = np.array([0.0, -0.0, 1.0, -1.0, 0.5, -2.0, 20.0, -20.0, 40.0, -40.0, 1e-3, fmt.least])
    corners = min(n // 4, len(telling) ** min(count, 6))
    picked = [telling[rng.integers(0, len(telling), corners)] for _ in range(count)]
    ratio = 2.0
    for _ in range(60):
        ratio = (1 + ratio) ** (1 / (count + 1))
    index = np.arange(1, n - corners + 1)
    columns = []
    for k in range(count):
        u = (rng.random() + index * ratio ** -(k + 1.0)) % 1.0
        columns.append(np.concatenate([fmt.cast(picked[k]), _spread(u, fmt)]).astype(np.float64))
    return tuple(columns)


def _spread(u: Floats, fmt: Format) -> Floats:
    """One coordinate from [0, 1): 0.6 plotting, 0.25 binades 2^-20..2^6, 0.15 bit patterns."""
    plot = -8 + 16 * (u / 0.6)
    binade = (u - 0.6) / 0.25
    size = np.exp2(-20 + 26 * np.abs(2 * binade - 1)) * np.where(binade < 0.5, -1.0, 1.0)
    top = float(fmt.ordinal(fmt.largest))
    with np.errstate(invalid="ignore"):
        place = np.clip(np.nan_to_num((u - 0.85) / 0.15) * 2 - 1, -1, 1) * (top * (1 - 2.0**-40))
        bits = fmt.at(place.astype(np.int64)).astype(np.float64)
    near = fmt.cast(np.where(u < 0.6, plot, np.clip(size, -fmt.largest, fmt.largest)))
    return np.where(u < 0.85, near.astype(np.float64), bits)
