"""Settings shared by all tests: Hypothesis profiles, seeds, and untouched global precisions."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("dev", max_examples=50, deadline=None)
settings.register_profile(
    "ci", max_examples=100, deadline=None, derandomize=True, print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)  # fmt: skip
settings.register_profile(
    "nightly", max_examples=5000, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "dev"))


@pytest.fixture(autouse=True)
def _global_state():
    """A test leaves the precisions of mpmath and flint and NumPy's error state as they were."""
    import flint
    import mpmath
    import numpy as np
    import sympy.core.random

    sympy.core.random.seed(0)
    before = (flint.ctx.prec, mpmath.mp.prec, mpmath.iv.prec, np.geterr())
    yield
    assert (flint.ctx.prec, mpmath.mp.prec, mpmath.iv.prec, np.geterr()) == before
