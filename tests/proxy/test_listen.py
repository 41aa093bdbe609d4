"""The port."""

from __future__ import annotations

import os
import socket

import pytest

from kimi_cli.proxy.holder import Holder, find_holder
from kimi_cli.proxy.listen import PortTakenError, listen


def test_any_free_port():
    """Port 0 is one that nobody has, and it answers at once."""
    with listen(0, strict=True) as listener:
        host, port = listener.getsockname()
        assert host == "127.0.0.1"
        socket.create_connection((host, port)).close()


@pytest.mark.parametrize("address", ["127.0.0.1", "0.0.0.0"])
def test_a_taken_port_is_not_shared(address):
    """Where somebody listens, on this interface or on all, we take another port or fail."""
    with socket.create_server((address, 0)) as stranger:
        port = stranger.getsockname()[1]
        with pytest.raises(PortTakenError) as caught:
            listen(port, strict=True)
        assert caught.value.port == port
        with listen(port, strict=False) as listener:
            assert listener.getsockname()[1] != port


def test_a_port_can_be_taken_over_at_once():
    """Old connections that linger do not keep a port from a successor."""
    with listen(0, strict=True) as former:
        port = former.getsockname()[1]
        client = socket.create_connection(("127.0.0.1", port))
        former.setblocking(True)
        served, _ = former.accept()
        served.close()  # the server's side closes first, and so the port is the one that lingers
        client.close()
    with listen(port, strict=True) as successor:
        assert successor.getsockname()[1] == port


def test_the_holder_of_a_port_is_named():
    """Our own process is found by the port it listens on; a free port has no holder."""
    with listen(0, strict=True) as listener:
        port = listener.getsockname()[1]
        holder = find_holder(port)
        assert holder is None or holder.pid == os.getpid()
    assert find_holder(port) is None
    assert str(Holder(pid=7, name="nginx")) == "nginx (process 7)"
