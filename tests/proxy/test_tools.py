"""Tools that the proxy carries out: progress, work and answer in one response, in front of doubles of hosts."""

from __future__ import annotations

import asyncio
import sys

import anthropic
import pytest

from kimi_cli.engine.progress import Words
from kimi_cli.providers.tools import WORDS, Level, Progress, ToolsChoice
from kimi_cli.record import replace
from kimi_cli.wire.signature import PROGRESS
from tests.doubles.groq import Groq
from tests.doubles.moonshot import Moonshot
from tests.doubles.scenario import Call, Gate, Reply, Scenario, Silence, Text, call, say
from tests.media.pdfs import pdf
from tests.proxy.served import chat_route, relay_route, request, served
from tests.proxy.test_messages import TOOL, events_of, sdk
from tests.tools.test_shell import sleepers, until

POSIX = pytest.mark.skipif(sys.platform == "win32", reason="there is no shell for it on Windows")
ASKED = [{"role": "user", "content": "What is in a.txt?"}]


def steps(*answers):
    """These answers, one after the other, whatever is asked."""
    return Scenario(*answers, when=lambda _: True)


@pytest.fixture(params=["groq", "moonshot"])
async def world(request, tmp_path, sandbox):
    """Either double, the proxy, and the directory in which it carries tools out."""
    double, route = (Groq(), chat_route) if request.param == "groq" else (Moonshot(), relay_route)
    work = sandbox.root / "work"
    work.mkdir()
    (work / "a.txt").write_text("forty-two\n")
    async with double, served(route(double.base_url, double.key), tmp_path) as proxy:
        choose(proxy, work)
        yield double, proxy, work
        assert double.refusals == []


def choose(proxy, work, **changes):
    """Have the session carry tools out."""
    usual = ToolsChoice(level=Level.ALL, directory=str(work), offers_always=True)
    proxy.session.local_tools = None
    proxy.session.route = replace(proxy.session.route, tools=replace(usual, **changes))


def blocks_of(events):
    """The blocks of a stream: type, text, signature."""
    found = []
    for event in events:
        if event["type"] == "content_block_start":
            found.append([event["content_block"]["type"], "", ""])
        elif event["type"] == "content_block_delta":
            delta = event["delta"]
            found[-1][1] += delta.get("text", "") + delta.get("thinking", "")
            found[-1][2] += delta.get("signature", "")
    return found


def names_of(body):
    """The tools that a host was told of."""
    return [tool.get("name") or tool["function"]["name"] for tool in body.get("tools", [])]


async def test_progress_work_and_answer(world):
    """A client without tools gets progress, the work that is done for it, and the answer, in one stream."""
    double, proxy, _ = world
    double.scenario = steps(
        call(Call("LS", {"path": "."}), Call("Read", {"file_path": "a.txt"}), text="Let me look."), say("Forty-two.")
    )
    async with proxy.post(request(model="kimi-k3", messages=ASKED)) as answer:
        events = events_of(await answer.read())
    first, said, work, last = blocks_of(events)
    assert first == ["thinking", "Starting\n", PROGRESS]
    assert said[:2] == ["text", "Let me look."]
    lines = work[1].splitlines()
    assert lines[0] == "Executing LS, Read"
    assert sorted(line.partition(" ")[0] for line in lines[1:3]) == ["LS", "Read"]
    assert lines[2].endswith("(2/2)")
    assert lines[3] == "Thinking (step 2)"
    assert last[:2] == ["text", "Forty-two."]
    assert events[-1] == {"type": "message_stop"}
    assert "forty-two" in str(double.bodies[1]["messages"])
    assert {"LS", "Read", "Write", "Edit", "MultiEdit", "Glob", "Grep", "WebFetch", "TodoWrite"} <= set(
        names_of(double.bodies[0])
    )
    assert (proxy.session.requests, proxy.session.output_tokens) == (1, 80)


async def test_progress_comes_before_the_host_answers(world):
    """The first line is there while the host has not said a word."""
    double, proxy, _ = world
    gate = Gate()
    double.scenario = steps(Reply((Silence(gate), Text(("Hello.",)))))
    async with proxy.post(request(model="kimi-k3", messages=ASKED)) as answer:
        data = b""
        async with asyncio.timeout(30):
            while b"Starting" not in data:
                data += await answer.content.readany()
        gate.open()
        data += await answer.content.read()
    assert b"Hello." in data


async def test_the_sdk(world):
    """The SDK makes the same message of a stream and of an answer in one piece, and takes both for Anthropic's."""
    double, proxy, _ = world
    asked = {"model": "kimi-k3", "max_tokens": 500, "messages": ASKED}
    double.scenario = steps(*[call(Call("Read", {"file_path": "a.txt"})), say("Forty-two.")] * 2)
    async with sdk(proxy) as client:
        async with client.messages.stream(**asked) as stream:
            streamed = await stream.get_final_message()
        whole = await client.messages.create(**asked)
    for message in (streamed, whole):
        anthropic.types.Message.model_validate(message.model_dump(), strict=True)
        assert [block.type for block in message.content] == ["thinking", "text"]
        assert message.content[-1].text == "Forty-two."
        assert message.content[0].signature == PROGRESS
        assert message.usage.output_tokens == 80
        assert message.stop_reason == "end_turn"


async def test_progress_does_not_come_back(world):
    """In the next turn the host sees nothing of the progress, and what was said is said once."""
    double, proxy, _ = world
    double.scenario = steps(call(Call("Read", {"file_path": "a.txt"})), say("Forty-two."), say("Yes."))
    async with proxy.post(request(model="kimi-k3", messages=ASKED, stream=False)) as answer:
        content = (await answer.json())["content"]
    messages = [*ASKED, {"role": "assistant", "content": content}, {"role": "user", "content": "sure?"}]
    async with proxy.post(request(model="kimi-k3", messages=messages, stream=False)) as answer:
        assert (await answer.json())["content"][-1]["text"] == "Yes."
    asked = str(double.bodies[2]["messages"])
    assert "Starting" not in asked
    assert "Executing" not in asked
    assert PROGRESS not in asked
    assert asked.count("Forty-two.") == 1


@pytest.mark.parametrize(("progress", "kinds"), [(Progress.TEXT, ["text", "text"]), (Progress.OFF, ["text"])])
async def test_other_progress(world, progress, kinds):
    """Progress can be text, in the user's words, or not told at all."""
    double, proxy, work = world
    choose(proxy, work, progress=progress, emoji=True, words=(("starting", "Off we go"),))
    double.scenario = steps(call(Call("Read", {"file_path": "a.txt"})), say("Forty-two."))
    async with proxy.post(request(model="kimi-k3", messages=ASKED)) as answer:
        found = blocks_of(events_of(await answer.read()))
    assert [block[0] for block in found] == kinds
    assert ("Off we go\n🔧 Executing Read\n" in found[0][1]) is (progress is Progress.TEXT)


async def test_read_only(world):
    """On that level nothing that writes or runs is offered, and a call of it is the client's own."""
    double, proxy, work = world
    choose(proxy, work, level=Level.READ_ONLY)
    double.scenario = steps(call(Call("Bash", {"command": "touch x"})))
    tool = {"name": "Bash", "input_schema": {"type": "object", "properties": {"command": {"type": "string"}}}}
    async with proxy.post(request(model="kimi-k3", messages=ASKED, tools=[tool], stream=False)) as answer:
        message = await answer.json()
    assert message["content"][-1]["name"] == "Bash"
    assert message["stop_reason"] == "tool_use"
    assert names_of(double.bodies[0]) == ["Bash", "LS", "Read", "Glob", "Grep"]
    assert [path.name for path in work.iterdir()] == ["a.txt"]


async def test_requests_that_stay_as_they_are(world):
    """Where the client has tools of its own, what it asks without them is not touched; nor is what wants none."""
    double, proxy, work = world
    double.scenario = steps(say("A title."), say("None."), say("{}"))
    forbidden = request(model="kimi-k3", tools=[TOOL], tool_choice={"type": "none"}, stream=False)
    async with proxy.post(forbidden) as answer:
        assert [block["type"] for block in (await answer.json())["content"]] == ["text"]
    choose(proxy, work, offers_always=False)
    async with proxy.post(request(model="kimi-k3", stream=False)) as answer:
        assert [block["type"] for block in (await answer.json())["content"]] == ["text"]
    assert "tools" not in double.bodies[1]


async def test_calls_of_both(world):
    """Our call is carried out, the client's is passed on; with its result the model sees both."""
    double, proxy, _ = world
    double.scenario = steps(call(Call("Grep", {"pattern": "forty"}), Call("task", {"path": "x"})), say("Done."))
    asked = request(model="kimi-k3", messages=ASKED, tools=[TOOL | {"name": "task"}], stream=False)
    async with proxy.post(asked) as answer:
        message = await answer.json()
    uses = [block for block in message["content"] if block["type"] == "tool_use"]
    assert len(uses) == 1
    result = {"type": "tool_result", "tool_use_id": uses[0]["id"], "content": "theirs"}
    asked["messages"] = [
        *ASKED,
        {"role": "assistant", "content": message["content"]},
        {"role": "user", "content": [result]},
    ]
    async with proxy.post(asked) as answer:
        assert (await answer.json())["content"][-1]["text"] == "Done."
    seen = str(double.bodies[1]["messages"])
    assert "Found 1 file" in seen
    assert "theirs" in seen
    assert seen.index("Found 1 file") < seen.index("theirs")


async def test_a_pdf(world):
    """What Read brings of a PDF is its text by the time the host gets it."""
    double, proxy, work = world
    (work / "paper.pdf").write_bytes(pdf("The word is marmalade."))
    double.scenario = steps(call(Call("Read", {"file_path": "paper.pdf"})), say("Marmalade."))
    async with proxy.post(request(model="kimi-k3", messages=ASKED, stream=False)) as answer:
        assert (await answer.json())["content"][-1]["text"] == "Marmalade."
    assert "The word is marmalade." in str(double.bodies[1]["messages"])


async def test_a_model_that_does_not_stop(world):
    """After the last step it is said so, and the host is not asked again."""
    double, proxy, work = world
    choose(proxy, work, steps=3)
    double.scenario = steps(*[call(Call("LS", {"path": "."}))] * 4)
    async with proxy.post(request(model="kimi-k3", messages=ASKED, stream=False)) as answer:
        message = await answer.json()
    assert len(double.bodies) == 3
    assert message["stop_reason"] == "pause_turn"
    assert "3 steps" in message["content"][-1]["text"]


@POSIX
async def test_a_client_that_leaves(world):
    """A client that goes in the middle of a command takes the command's whole tree along."""
    double, proxy, work = world
    command = "sleep 311 & setsid sleep 312 & sleep 313"
    double.scenario = steps(call(Call("Bash", {"command": command})), say("Never."))
    answer = await proxy.post(request(model="kimi-k3", messages=ASKED))
    await until(lambda: len(sleepers(work)) >= 3)
    answer.close()
    await until(lambda: sleepers(work) == [])
    await until(lambda: proxy.session.streams == 0)
    assert len(double.bodies) == 1


@POSIX
async def test_a_session_that_ends(world):
    """So does a session that is closed, and its client is told of it."""
    double, proxy, work = world
    double.scenario = steps(call(Call("Bash", {"command": "sleep 311 & sleep 312"})), say("Never."))
    answer = await proxy.post(request(model="kimi-k3", messages=ASKED))
    await until(lambda: len(sleepers(work)) >= 2)
    proxy.sessions.end(proxy.session.id, reason="the test ended it")
    data = await answer.read()
    assert b"event: error" in data
    await until(lambda: sleepers(work) == [])


@POSIX
async def test_two_clients_at_once(world):
    """Two requests carry out their commands at the same time, and each gets its own."""
    double, proxy, work = world

    def reply(ask):
        text = str(ask)
        return say("both") if "saw one" in text or "saw two" in text else commands["alpha-side" in text]

    wait = "for i in $(seq 1 1000); do [ -e {other} ] && printf 'sa%s' 'w {other}' && exit; sleep 0.02; done; exit 1"
    commands = [
        call(Call("Bash", {"command": f"touch {mine}; {wait.replace('{other}', other)}"}))
        for mine, other in (("one", "two"), ("two", "one"))
    ]
    double.scenario = Scenario(rules=[(lambda _: True, reply)])

    async def ask(text):
        async with proxy.post(request(text, model="kimi-k3", stream=False)) as reply:
            return (await reply.json())["content"][-1]["text"]

    assert await asyncio.gather(ask("alpha-side"), ask("beta-side")) == ["both", "both"]
    assert {path.name for path in work.iterdir()} == {"a.txt", "one", "two"}


def test_words_that_can_be_changed():
    """The settings know the lines that the engine tells."""
    assert tuple(Words.__slots__) == WORDS
