"""Sizes, times and bodies of requests that are answered, in front of doubles."""

from __future__ import annotations

import asyncio
import json
import logging

import pytest

from kimi_cli.proxy.record import Recorder
from kimi_cli.store.bodies import Part
from tests.doubles.groq import Groq
from tests.doubles.moonshot import Moonshot
from tests.doubles.scenario import Call, Gate, HttpError, Reply, Reset, Scenario, Silence, Text, call, say
from tests.proxy.served import chat_route, relay_route, request, served

CONTENT = "the-content-of-a-message"
THOUGHT = "the-content-of-a-thought"
TOOL = {"name": "Read", "description": "Reads.", "input_schema": {"type": "object", "properties": {}}}


class Recordings:
    """What was recorded in a directory."""

    def __init__(self, directory):
        self.directory = directory

    def names(self) -> list[str]:
        """The parts, of whichever request."""
        return sorted(path.name.partition(".")[2] for path in self.directory.glob("*"))

    def read(self, part: Part) -> bytes:
        """One part of the one request that was recorded."""
        (path,) = self.directory.glob(f"*.{part}")
        return path.read_bytes()


@pytest.fixture
def recordings(tmp_path):
    """Where bodies are recorded."""
    return Recordings(tmp_path / "log" / "bodies")


@pytest.fixture(params=["groq", "moonshot"])
async def host(request, tmp_path, recordings):
    """Either double behind a proxy whose session is recorded."""
    recorder = Recorder(recordings.directory, secrets=lambda: [proxy.session.token, double.key])
    make, route = (Groq, chat_route) if request.param == "groq" else (Moonshot, relay_route)
    async with make() as double, served(route(double.base_url, double.key), tmp_path, recorder=recorder) as proxy:
        proxy.session.record = True
        yield double, proxy


@pytest.fixture
def events(caplog):
    """The details that were logged, by event."""
    caplog.set_level(logging.DEBUG, "kimi_cli")
    return lambda: {record.getMessage(): record.fields for record in caplog.records if record.name.endswith("trace")}


async def test_everything_of_a_stream_is_recorded(host, recordings):
    """All four bodies are there: as the client asked, as the host was asked, as it answered, as the client read it."""
    double, proxy = host
    double.scenario = Scenario(default=call(Call("Read", {"path": "a"}), text="Hello"))
    sent = json.dumps(request(tools=[TOOL]), indent=1).encode()
    async with proxy.client.post(proxy.base_url + "/v1/messages", data=sent, headers=proxy.headers) as response:
        read = await response.read()
    assert recordings.names() == sorted(Part)
    assert recordings.read(Part.CLIENT_REQUEST) == sent
    assert json.loads(recordings.read(Part.HOST_REQUEST)) == double.bodies[0]
    assert recordings.read(Part.CLIENT_ANSWER) == read
    answer = recordings.read(Part.HOST_ANSWER)
    assert answer.startswith((b"data: {", b"event: message_start"))
    assert b"Hello" in answer
    assert all(path.name.startswith(response.headers["request-id"]) for path in recordings.directory.iterdir())


async def test_everything_of_a_whole_answer_is_recorded(host, recordings):
    """Without streaming the answer is in one piece, in the file as on the wire."""
    double, proxy = host
    double.scenario = Scenario(default=say("Hello"))
    async with proxy.post(request(stream=False)) as response:
        read = await response.read()
    assert recordings.names() == sorted(Part)
    assert recordings.read(Part.CLIENT_ANSWER) == read
    assert b"Hello" in recordings.read(Part.HOST_ANSWER)


async def test_a_refusal_of_the_host_is_recorded(host, recordings):
    """What the host said, and what became of it."""
    double, proxy = host
    double.scenario = Scenario(default=HttpError(400, {"error": {"message": "Odd.", "type": "invalid_request_error"}}))
    async with proxy.post(request()) as response:
        read = await response.read()
    assert response.status == 400
    assert json.loads(recordings.read(Part.HOST_ANSWER)) == {
        "error": {"message": "Odd.", "type": "invalid_request_error"}
    }
    assert recordings.read(Part.CLIENT_ANSWER) == read


@pytest.mark.parametrize("body", [b"{not json", b'{"messages": []}'])
async def test_a_request_that_is_none_is_recorded(host, recordings, body):
    """What the client sent is there, though it went nowhere, and what it was told."""
    _, proxy = host
    async with proxy.client.post(proxy.base_url + "/v1/messages", data=body, headers=proxy.headers) as response:
        read = await response.read()
    assert response.status == 400
    assert recordings.names() == [Part.CLIENT_ANSWER, Part.CLIENT_REQUEST]
    assert recordings.read(Part.CLIENT_REQUEST) == body
    assert recordings.read(Part.CLIENT_ANSWER) == read


async def test_a_stream_that_breaks_is_recorded_until_then(host, recordings):
    """What came before the break, and the error that the client was sent instead of the rest."""
    double, proxy = host
    double.scenario = Scenario(default=Reply((Text(("Hello",)), Reset())))
    async with proxy.post(request()) as response:
        read = await response.read()
    assert b"event: error" in read
    assert recordings.read(Part.CLIENT_ANSWER) == read
    assert b"Hello" in recordings.read(Part.HOST_ANSWER)


async def test_a_client_that_leaves_ends_its_record(host, recordings):
    """The files of a stream that nobody reads any more are complete and closed."""
    double, proxy = host
    gate = Gate()
    double.scenario = Scenario(default=Reply((Text(("Hello",)), Silence(gate), Text(("never",)))))
    async with proxy.post(request()) as response:
        await response.content.readany()
        tasks = {*proxy.session.tasks}
        response.close()
    done, _ = await asyncio.wait(tasks, timeout=10)
    assert done == tasks
    assert b"Hello" in recordings.read(Part.CLIENT_ANSWER)
    assert b"never" not in recordings.read(Part.HOST_ANSWER)
    gate.open()


async def test_pings_are_recorded(host, recordings, monkeypatch):
    """What the proxy itself adds in a silence was sent to the client, too."""
    monkeypatch.setattr("kimi_cli.proxy.client.PING_SECONDS", 0.02)
    double, proxy = host
    gate = Gate()
    double.scenario = Scenario(default=Reply((Silence(gate), Text(("Hello",)))))
    async with proxy.post(request()) as response:
        read = b""
        async for data in response.content.iter_any():
            read += data
            if b"event: ping" in read:
                gate.open()
    assert recordings.read(Part.CLIENT_ANSWER) == read


async def test_tokens_and_keys_are_not_recorded(host, recordings):
    """A tool that read them aloud, and a model that repeats them, put them into no file."""
    double, proxy = host
    token = proxy.session.token
    double.scenario = Scenario(default=say("It is ", f"{token} and {double.key}", "."))
    async with proxy.post(request(f"The settings say {token}, and the key is {double.key}.")) as response:
        assert token in await response.text()
    text = b"".join(path.read_bytes() for path in recordings.directory.iterdir()).decode()
    assert recordings.names() == sorted(Part)
    assert token not in text
    assert double.key not in text
    assert "The settings say [redacted], and the key is [redacted]." in text


async def test_only_sessions_that_ask_for_it_are_recorded(host, recordings):
    """Of another session nothing is written down, and no directory is made for it."""
    _, proxy = host
    proxy.session.record = False
    async with proxy.post(request()) as response:
        await response.read()
    assert response.status == 200
    assert not recordings.directory.exists()


async def test_a_proxy_that_cannot_record_serves(tmp_path):
    """A session that wants to be recorded where there is no recorder is answered all the same."""
    async with Groq() as double, served(chat_route(double.base_url, double.key), tmp_path) as proxy:
        proxy.session.record = True
        async with proxy.post(request()) as response:
            assert response.status == 200
            assert b"message_stop" in await response.read()


async def test_a_record_that_cannot_be_written_harms_nothing(host, recordings):
    """A disk that takes nothing costs the record and not the answer."""
    double, proxy = host
    double.scenario = Scenario(default=say("Hello"))
    recordings.directory.parent.mkdir()
    recordings.directory.touch()
    async with proxy.post(request()) as response:
        assert b"message_stop" in await response.read()


async def test_details_of_a_stream(host, events):
    """At debug level sizes, times and names of fields are logged, and nothing of the content."""
    double, proxy = host
    proxy.session.record = False
    double.scenario = Scenario(default=say(CONTENT, thinking=THOUGHT))
    asked = request(CONTENT, system=CONTENT, tools=[TOOL], metadata={"user_id": "u"}, service_tier="auto")
    async with proxy.post(asked) as response:
        read = await response.read()
    there, back = events()["host asked"], events()["host answered"]
    assert there["request_id"] == back["request_id"] == response.headers["request-id"]
    assert there["session"] == back["session"] == proxy.session.id
    sent = double.bodies[0]
    assert there["messages"] == len(sent["messages"])
    assert (there["tools"], there["max_tokens"], there["stream"]) == (1, 100, True)
    assert there["received_bytes"] == len(json.dumps(asked))
    assert there["fields"] == sorted(sent)
    assert "service_tier" in there["dropped"]
    assert not {"system", "max_tokens", "messages", "model"} & {*there["dropped"]}
    assert back["host_status"] == 200
    assert 0 <= back["headers"] <= back["first_byte"] <= back["first_content"]
    assert back["client_bytes"] == len(read)
    assert back["host_bytes"] > len(CONTENT)
    assert CONTENT not in str(events())
    assert THOUGHT not in str(events())


async def test_details_of_a_refusal(host, events):
    """The host's status and its id for the request are there, by which its support finds it."""
    double, proxy = host
    error = {"error": {"message": "Odd.", "type": "invalid_request_error"}}
    double.scenario = Scenario(default=HttpError(418, error, {"x-request-id": "host_1", "cf-ray": "ray_1"}))
    async with proxy.post(request()):
        pass
    back = events()["host answered"]
    assert (back["host_status"], back["host_request_id"]) == (418, "host_1")
    assert "first_content" not in back


async def test_details_of_a_host_that_is_not_there(tmp_path, events):
    """What was to be sent is logged, and that no answer came."""
    async with (
        served(chat_route("http://127.0.0.1:9/v1", "sk-12345678"), tmp_path) as proxy,
        proxy.post(request()) as response,
    ):
        assert response.status >= 500
    assert events().keys() == {"host asked", "host did not answer"}
    assert events()["host did not answer"]["host_bytes"] == 0


async def test_without_debugging_nothing_is_noted(host, caplog):
    """The one line of a request is all that is logged of it."""
    caplog.set_level(logging.INFO, "kimi_cli")
    _, proxy = host
    proxy.session.record = False
    async with proxy.post(request()) as response:
        await response.read()
    assert [record.getMessage() for record in caplog.records] == ["message"]
