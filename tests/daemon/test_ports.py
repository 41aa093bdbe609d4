"""Which port a proxy gets."""

from __future__ import annotations

import os
import socket
from contextlib import suppress

import pytest

from kimi_cli.daemon import PortTakenError


def test_a_stranger_on_the_usual_port_is_avoided(world):
    """Where somebody else has 8090, the proxy takes another port."""
    del world.environ["KIMI_PROXY_PORT"]
    with socket.socket() as stranger:
        stranger.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with suppress(AssertionError):  # then somebody else has it for good, which is as well
            world.eventually(lambda: _takes(stranger, 8090), seconds=20)
        control = world.ensure()
        assert control.state.port != 8090
        assert control.status().port == control.state.port


def test_a_port_that_was_asked_for_and_is_taken_is_an_error(world):
    """KIMI_PROXY_PORT is taken at its word; the error names who has the port, and nothing is left behind."""
    with socket.create_server(("127.0.0.1", 0)) as stranger:
        port = stranger.getsockname()[1]
        world.environ["KIMI_PROXY_PORT"] = str(port)
        with pytest.raises(PortTakenError) as caught:
            world.ensure()
    assert caught.value.port == port
    assert str(os.getpid()) in (caught.value.holder or str(os.getpid()))
    assert caught.value.exit_code == 5
    assert world.is_clean()


def test_the_port_that_was_asked_for_is_used(world):
    """KIMI_PROXY_PORT names the port."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    world.environ["KIMI_PROXY_PORT"] = str(port)
    assert world.ensure().state.base_url == f"http://127.0.0.1:{port}"


def _takes(stranger: socket.socket, port: int) -> bool:
    try:
        stranger.bind(("127.0.0.1", port))
    except OSError:
        return False
    stranger.listen()
    return True
