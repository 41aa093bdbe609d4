"""Benchmarks: each prints what was measured in one run."""
