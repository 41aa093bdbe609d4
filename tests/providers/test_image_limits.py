"""What hosts take of images fits together, and unknown hosts are asked for little."""

from __future__ import annotations

import pytest

from kimi_cli.providers.catalogue import PROVIDERS
from kimi_cli.providers.image_limits import CAUTIOUS, IMAGE_LIMITS, image_limits


@pytest.mark.parametrize("provider", [*PROVIDERS, "somebody's own"])
def test_limits_fit_together(provider):
    """One image of the largest size fits into a request, and its edge into its area."""
    limits = image_limits(provider)
    assert 0 < limits.size <= limits.total
    assert limits.side <= limits.pixels
    assert limits.count > 0


def test_unknown_hosts_get_cautious_ones():
    """A gateway of the user's own may be anything."""
    assert image_limits("somebody's own") is CAUTIOUS
    assert set(IMAGE_LIMITS) <= set(PROVIDERS)


def test_groq():
    """Five images, each as large as it may be, leave room for text in the 4 MB of a request."""
    limits = image_limits("groq")
    assert limits.count == 5
    assert limits.count * limits.size <= limits.total < 4_000_000
    assert limits.side**2 <= 33_177_600


def test_fireworks():
    """Thirty images, and 10 MB of base64."""
    limits = image_limits("fireworks")
    assert limits.count <= 30
    assert limits.total < 10_000_000
