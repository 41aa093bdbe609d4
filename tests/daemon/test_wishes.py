"""What the environment asks for, and what of it the proxy sees."""

from __future__ import annotations

import os

from kimi_cli.daemon.wishes import DEFAULT_GRACE, Wishes, proxy_environment, read_wishes


def test_nothing_is_wished_for():
    """Without variables there is no port of the user's, and the usual grace period."""
    assert read_wishes({}) == Wishes(port=None, grace=DEFAULT_GRACE, debug=False)
    assert read_wishes({"KIMI_PROXY_PORT": "", "KIMI_IDLE_GRACE": " ", "KIMI_DEBUG": "0"}) == read_wishes({})


def test_wishes_are_read():
    """All three variables count."""
    environ = {"KIMI_PROXY_PORT": "9000", "KIMI_IDLE_GRACE": "1.5", "KIMI_DEBUG": "1"}
    assert read_wishes(environ) == Wishes(port=9000, grace=1.5, debug=True)


def test_only_what_is_known_to_be_harmless_passes():
    """No variable that could hold a key passes, whatever its name; what the process needs to run does."""
    harmless = {"HOME": "/h", "LC_ALL": "C", "XDG_RUNTIME_DIR": "/r", "https_proxy": "http://p:1"}
    secret = {"GROQ_API_KEY": "k", "MY_HOST": "k", "ANTHROPIC_AUTH_TOKEN": "k", "KIMI_API_KEY": "k", "AWS_PROFILE": "k"}
    passed = proxy_environment(harmless | secret)
    assert harmless.items() <= passed.items()
    assert "k" not in passed.values()


def test_this_machine_is_reached_directly():
    """A double or a server on this machine is not asked for through the user's HTTP proxy."""
    passed = proxy_environment({"NO_PROXY": "intranet", "HTTPS_PROXY": "http://p:1"})
    assert passed["NO_PROXY"] == passed["no_proxy"] == "intranet,127.0.0.1,localhost,::1"
    both = proxy_environment({"NO_PROXY": "a", "no_proxy": "b"})
    assert both["NO_PROXY"] == both["no_proxy"] == "b,a,127.0.0.1,localhost,::1"


def test_files_are_named_from_the_root_on(tmp_path, monkeypatch):
    """What is named from where a launch begins is found from everywhere."""
    monkeypatch.chdir(tmp_path)
    passed = proxy_environment({"SSL_CERT_FILE": "ca.pem", "SSL_CERT_DIR": os.pathsep.join(["certs", str(tmp_path)])})
    assert passed["SSL_CERT_FILE"] == str(tmp_path / "ca.pem")
    assert passed["SSL_CERT_DIR"] == os.pathsep.join([str(tmp_path / "certs"), str(tmp_path)])
    assert proxy_environment({"SSL_CERT_FILE": ""})["SSL_CERT_FILE"] == ""
