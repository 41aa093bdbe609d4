"""What is told without a token."""

from __future__ import annotations

import hashlib
import hmac

import pytest

from tests.proxy.gate import gate


@pytest.fixture
async def proxy(tmp_path):
    async with gate(tmp_path) as proxy:
        yield proxy


async def test_health_is_minimal(proxy):
    """It says that the proxy is here, which one, and what is on, and nothing of its sessions."""
    proxy.open()
    async with proxy.request("GET", "/health") as answer:
        assert await answer.json() == {
            "status": "ok",
            "service": "kimi-cli",
            "instance": "0123abcd",
            "version": "1.2.3",
            "features": ["usage_ledger", "web_search"],
        }


async def test_a_challenge_is_met(proxy):
    """Whoever holds the control token can tell the proxy from everybody else."""
    async with proxy.request("GET", "/health", headers={"x-kimi-challenge": "abc"}) as answer:
        proof = (await answer.json())["proof"]
    key = proxy.state.control_token.encode()
    assert proof == hmac.new(key, b"health 0123abcd abc", hashlib.sha256).hexdigest()


async def test_a_challenge_without_bounds_is_ignored(proxy):
    """A long challenge gets no proof."""
    async with proxy.request("GET", "/health", headers={"x-kimi-challenge": "a" * 129}) as answer:
        assert "proof" not in await answer.json()


async def test_a_proxy_that_is_ending_says_so(proxy):
    """A launcher that looks at a proxy that is ending sees that it needs another."""
    proxy.lifetime.end("test")
    async with proxy.request("GET", "/health") as answer:
        assert (answer.status, (await answer.json())["status"]) == (503, "closing")
