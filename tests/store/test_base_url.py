"""Base URLs as people type them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kimi_cli.errors import BaseUrlError
from kimi_cli.providers.catalogue import PROVIDERS
from kimi_cli.providers.provider import Format
from kimi_cli.store.base_url import clean_base_url, is_loopback


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("https://host.example/v1", "https://host.example/v1"),
        ("  https://host.example/v1/ \n", "https://host.example/v1"),
        ("https://host.example/v1//", "https://host.example/v1"),
        ("https://host.example/", "https://host.example"),
        ("HTTPS://Host.Example:8443/V1", "https://host.example:8443/V1"),
        ("https://host.example/v1/chat/completions", "https://host.example/v1"),
        ("https://host.example/v1/chat/completions/", "https://host.example/v1"),
        ("http://localhost:8000/v1", "http://localhost:8000/v1"),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000"),
        ("http://127.8.8.8:1/v1", "http://127.8.8.8:1/v1"),
        ("http://[::1]:8000/v1/", "http://[::1]:8000/v1"),
    ],
)
def test_openai_form(text, clean):
    """Slashes at the end and the endpoint's own path go; scheme and host are lower case."""
    assert clean_base_url(text) == clean


@pytest.mark.parametrize(
    "text",
    [
        "https://host.example/anthropic",
        "https://host.example/anthropic/",
        "https://host.example/anthropic/v1",
        "https://host.example/anthropic/v1/",
        "https://host.example/anthropic/v1/messages",
        "https://host.example/anthropic/v1/messages/",
        "https://host.example/anthropic/v1/v1/messages",
    ],
)
def test_anthropic_form(text):
    """For Anthropic's format the base stands before /v1, however it was pasted."""
    assert clean_base_url(text, format=Format.ANTHROPIC) == "https://host.example/anthropic"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "scheme"),
        ("host.example/v1", "scheme"),
        ("localhost:8000", "scheme"),
        ("ftp://host.example", "only https"),
        ("file:///etc/passwd", "only https"),
        ("javascript://host.example", "only https"),
        ("https://", "no host"),
        ("https:///v1", "no host"),
        ("https://:443/v1", "no host"),
        ("https://host.example:port/v1", "not a URL"),
        ("https://host.example:99999/v1", "not a URL"),
        ("https://[::1/v1", "not a URL"),
        ("https://user@host.example/v1", "user name"),
        ("https://user:pass@host.example/v1", "user name"),
        ("https://:pass@host.example/v1", "user name"),
        ("https://host.example/v1?key=1", "query"),
        ("https://host.example/v1#part", "query or a fragment"),
        ("https://host.example/a b", "spaces"),
        ("https://host.example/\tv1", "spaces"),
        ("https://host.example\\@evil.example/", "backslashes"),
        ("https://host.example/\x1b[2J", "control"),
        ("http://host.example/v1", "unencrypted"),
        ("http://10.0.0.1/v1", "unencrypted"),
        ("http://0.0.0.0:8000/v1", "unencrypted"),
        ("http://127.0.0.1.evil.example/v1", "unencrypted"),
        ("http://localhost.evil.example/v1", "unencrypted"),
        ("http://2130706433/v1", "unencrypted"),
        ("https://host.example/" + "a" * 3000, "longer than"),
    ],
)
def test_refused(text, reason):
    """What cannot be used, or would carry keys where they must not go, is refused with its reason."""
    with pytest.raises(BaseUrlError, match=reason) as caught:
        clean_base_url(text)
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize(
    "text",
    [
        "https://user:hunter2@host.example/v1",
        "https://hunter2@host.example/v1",
        "ftp://user:hunter2@host.example/v1",
        "user:hunter2@host.example",
        "https://host.example/v1?key=hunter2",
        "https://host.example/v1#hunter2",
        "https://user:hunter2@host.example:port/v1",
        "https://user:hunter2@host .example/v1",
    ],
)
def test_errors_repeat_no_secret(text):
    """Passwords, queries and fragments are not in the error."""
    with pytest.raises(BaseUrlError) as caught:
        clean_base_url(text)
    assert "hunter2" not in str(caught.value)
    assert "hunter2" not in caught.value.url


@pytest.mark.parametrize("provider", [each for each in PROVIDERS.values() if each.base_url], ids=lambda each: each.id)
def test_catalogue_is_clean(provider):
    """Every base URL of the catalogue is in its clean form already."""
    assert clean_base_url(provider.base_url, format=provider.format) == provider.base_url


@given(st.text(max_size=60), st.sampled_from(Format))
def test_cleaning_is_stable(text, spoken):
    """Any text is refused with our own error, or gives a URL that cleaning leaves alone."""
    try:
        clean = clean_base_url(text, format=spoken)
    except BaseUrlError:
        return
    assert clean_base_url(clean, format=spoken) == clean


@given(st.from_regex(r"\Ahttps://[a-z]{1,9}(:[1-9][0-9]{0,3})?(/[a-z0-9/]{0,12})?\Z"), st.sampled_from(Format))
def test_cleaning_of_urls_is_stable(text, spoken):
    """A plausible URL is taken, and cleaning it twice is cleaning it once."""
    clean = clean_base_url(text, format=spoken)
    assert clean_base_url(clean, format=spoken) == clean
    assert not clean.endswith("/")


def test_loopback():
    """Loopback is told by name or address, never by looking a name up."""
    assert all(map(is_loopback, ("localhost", "127.0.0.1", "127.255.0.9", "::1")))
    assert not any(map(is_loopback, ("localhost.localdomain.example", "0.0.0.0", "10.1.1.1", "::", "")))
