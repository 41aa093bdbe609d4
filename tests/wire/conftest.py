"""Hypothesis for the translator: pure functions, so nothing but the number of examples is set."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

settings.register_profile(
    "wire",
    # The sandbox of every test is made once for all examples, which is right for functions that write nothing;
    # and a loaded machine is no fault of theirs.
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    deadline=None,
    max_examples=150,
)
settings.load_profile("wire")
