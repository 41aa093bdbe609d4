"""`kimi stop`."""

from __future__ import annotations

import json

from tests.cli.run import kimi


def test_nothing_to_stop():
    """Without a proxy a stop has nothing to do, and that is fine."""
    ran = kimi("stop")
    assert (ran.status, ran.out, ran.err) == (0, "", "No proxy is running.\n")
    assert json.loads(kimi("stop", "--json").out) == {"stopped": False, "way": "not running", "pid": None, "others": []}


def test_sessions_keep_it(proxies, sandbox):
    """While sessions run a stop is refused with status 5, and forced it ends them."""
    control = proxies.start()
    proxies.open(control)
    ran = kimi("stop")
    assert ran.status == 5
    assert "1 session is running" in ran.err
    assert "kimi stop --force" in ran.err
    ran = kimi("stop", "--force")
    assert (ran.status, ran.err) == (0, f"The proxy (process {control.state.process.pid}) has ended.\n")
    sandbox.assert_nothing_left()


def test_drained(proxies, sandbox):
    """With no answer in flight a proxy with sessions drains at once."""
    control = proxies.start()
    proxies.open(control)
    found = json.loads(kimi("stop", "--drain", "--json").out)
    assert found == {"stopped": True, "way": "drained", "pid": control.state.process.pid, "others": []}
    sandbox.assert_nothing_left()


def test_every_version_is_stopped(proxies, sandbox):
    """A proxy that finishes its sessions is stopped with the other."""
    old = proxies.start("0.0.9")
    proxies.open(old)
    new = proxies.start()
    found = json.loads(kimi("stop", "--force", "--json").out)
    assert (found["pid"], found["others"]) == (
        new.state.process.pid, [{"way": "asked", "pid": old.state.process.pid}]
    )  # fmt: skip
    sandbox.assert_nothing_left()


def test_forced_or_drained():
    """The two contradict each other."""
    assert kimi("stop", "--force", "--drain").status == 2
