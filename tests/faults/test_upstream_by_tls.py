"""Hosts whose certificate is in order, or is not, as a proxy sees them that was started by somebody's environment."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import pytest

from kimi_cli.record import replace
from kimi_cli.store.paths import Paths
from tests.faults.authority import Authority
from tests.faults.network import DIALOGS, KEY, SAID, SECONDS, answer, ask, head, raw_host
from tests.faults.network_proxy import real_proxy
from tests.faults.network_quiet import eventually

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path
    from ssl import SSLContext

    from tests.conftest import Sandbox
    from tests.faults.network import Answered
    from tests.faults.network_proxy import RealProxy

DIALOG: Final = DIALOGS["chat"]
WEEK: Final = timedelta(days=7)
NAME: Final = "kimi.test"
LOGIN: Final = "Basic dXNlcjpwQHNz"  # user:p@ss
COMPANY: Final = (
    "Where a company looks into connections, set SSL_CERT_FILE to the file of its authority, and start anew"
)


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


async def asked(proxy: RealProxy, tls: SSLContext) -> Answered:
    """What a client gets from a proxy whose host serves with this."""
    async with raw_host(DIALOG, answer, tls=tls) as host:
        answered = await ask(proxy.base_url, proxy.open(host.route).token)
        if answered.status != 200:
            assert host.links == []  # it has heard nothing, and so no key
        return answered


async def asked_without_tls(proxy: RealProxy) -> Answered:
    """The same where the host speaks plain HTTP at an address that begins with https."""

    async def refuse(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(head("Content-Length: 0", status="400 Bad Request"))
        writer.close()

    async with await asyncio.start_server(refuse, "127.0.0.1", 0) as server:
        origin = "https://localhost:{1}".format(*server.sockets[0].getsockname())
        return await ask(proxy.base_url, proxy.open(DIALOG.route(origin)).token)


def told(answered: Answered) -> str:
    """The words of a refusal that no repetition mends."""
    assert (answered.status, answered.failure["type"]) == (424, "api_error")
    assert answered.headers["x-should-retry"] == "false"
    return answered.failure["message"]


async def test_what_is_wrong_with_a_certificate(sandbox: Sandbox, authority: Authority, tmp_path: Path) -> None:
    """With the authority's file in SSL_CERT_FILE its hosts are trusted, and any fault is told for what it is."""
    stranger = Authority(tmp_path, name="Stranger")
    cases = {
        authority.host("localhost", shift=-WEEK): "has expired. Is this machine's clock right?",
        authority.host("localhost", shift=WEEK): "is not valid yet. Is this machine's clock right?",
        authority.host("other.test"): "is for another name. Is https://localhost:",
        authority.host(
            "localhost", is_self_signed=True
        ): f"is self-signed. SSL_CERT_FILE names {authority.file}, which",
        stranger.host("localhost"): "comes from an authority that is not known here. SSL_CERT_FILE names",
    }
    with real_proxy(sandbox, variables={"SSL_CERT_FILE": str(authority.file)}) as proxy:
        assert (await asked(proxy, authority.host("localhost"))).text == SAID
        for tls, words in cases.items():
            assert words in told(await asked(proxy, tls))
        assert "does not speak TLS" in told(await asked_without_tls(proxy))
        assert KEY not in proxy.log


async def test_an_authority_that_nobody_has_named(sandbox: Sandbox, authority: Authority, tmp_path: Path) -> None:
    """The way to name one is told, and where the name is wrong, that."""
    with real_proxy(sandbox) as proxy:
        assert COMPANY in told(await asked(proxy, authority.host("localhost")))
    missing = str(tmp_path / "missing.pem")
    with real_proxy(sandbox, variables={"SSL_CERT_FILE": missing}) as proxy:
        text = told(await asked(proxy, authority.host("localhost")))
    assert f"SSL_CERT_FILE names {missing}, which is no file; set it right, and start anew after: kimi stop" in text


async def test_a_file_that_is_named_from_where_a_launch_begins(sandbox: Sandbox, authority: Authority) -> None:
    """The proxy starts in another directory, and finds the file all the same."""
    settings = Paths.find(os.environ).settings_file
    settings.parent.mkdir(parents=True)
    async with raw_host(DIALOG, answer, tls=authority.host("localhost")) as host:
        lines = ('provider = "custom"', "[providers.custom]", f'base_url = "{host.origin}/v1"', 'model = "kimi-k3"')
        settings.write_text("\n".join(lines), encoding="utf-8")
        environ = os.environ | {"SSL_CERT_FILE": authority.file.name, "KIMI_API_KEY": KEY}
        serving = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "kimi_cli", "serve", "--json"),
            cwd=authority.directory,
            env=environ,
            stdout=asyncio.subprocess.PIPE,
        )
        try:
            assert serving.stdout is not None
            served = json.loads(await asyncio.wait_for(serving.stdout.readline(), SECONDS * 2))
            assert (await ask(served["base_url"], served["token"])).text == SAID
        finally:
            serving.terminate()
            await serving.wait()
    await eventually(lambda: not sandbox.processes())


@asynccontextmanager
async def tunnel(target: str) -> AsyncIterator[tuple[str, list[bytes]]]:
    """A web proxy that wants a login and leads every CONNECT to one address; gives its own and what it was asked."""
    heads: list[bytes] = []
    tasks: set[asyncio.Task[None]] = set()

    async def pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(65536):
                heads.append(data)
                writer.write(data)
                await writer.drain()
        writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await reader.readuntil(b"\r\n\r\n")
        heads.append(request)
        if LOGIN.encode() not in request:
            writer.write(head("Content-Length: 0", status="407 Proxy Authentication Required"))
            writer.close()
            return
        host, _, port = target.rpartition(":")
        behind, ahead = await asyncio.open_connection(host, int(port))
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        tasks.update(asyncio.create_task(task) for task in (pipe(reader, ahead), pipe(behind, writer)))

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield "127.0.0.1:{1}".format(*server.sockets[0].getsockname()), heads
    finally:
        server.close()
        async with asyncio.timeout(SECONDS):
            await asyncio.gather(*tasks)


async def test_the_way_through_a_web_proxy(sandbox: Sandbox, authority: Authority) -> None:
    """HTTPS_PROXY with its login is used, TLS goes through it to the host, and it never sees the key."""
    async with (
        raw_host(DIALOG, answer, tls=authority.host(NAME)) as host,
        tunnel(host.origin.removeprefix("https://")) as (address, heads),
    ):
        variables = {"SSL_CERT_FILE": str(authority.file), "HTTPS_PROXY": f"http://user:p%40ss@{address}"}
        route = replace(DIALOG.route(host.origin), base_url=f"https://{NAME}/v1")
        with real_proxy(sandbox, variables=variables) as proxy:
            assert (await ask(proxy.base_url, proxy.open(route).token)).text == SAID
            # The certificate is looked at behind the web proxy as well.
            other = replace(route, base_url="https://other.test/v1")
            assert "is for another name" in told(await ask(proxy.base_url, proxy.open(other).token))
        assert heads[0].startswith(f"CONNECT {NAME}:443 HTTP/1.1\r\n".encode())
        assert KEY.encode() not in b"".join(heads)

        variables["HTTPS_PROXY"] = f"http://{address}"
        with real_proxy(sandbox, variables=variables) as proxy:
            text = told(await ask(proxy.base_url, proxy.open(route).token))
        assert "refused: HTTP 407. It wants a name and a password: HTTPS_PROXY=http://NAME:PASSWORD@" in text


async def test_a_host_that_is_reached_without_the_web_proxy(sandbox: Sandbox, authority: Authority) -> None:
    """NO_PROXY is heeded: such a host is looked for directly, and its name is not known here."""
    async with (
        raw_host(DIALOG, answer, tls=authority.host(NAME)) as host,
        tunnel(host.origin.removeprefix("https://")) as (address, heads),
    ):
        variables = {"HTTPS_PROXY": f"http://{address}", "NO_PROXY": "kimi.invalid"}
        route = replace(DIALOG.route(host.origin), base_url="https://kimi.invalid/v1")
        with real_proxy(sandbox, variables=variables, retry=0) as proxy:
            answered = await ask(proxy.base_url, proxy.open(route).token)
        assert answered.status == 500
        assert "cannot be found: its name does not resolve. Is the network there?" in answered.failure["message"]
        assert heads == []
