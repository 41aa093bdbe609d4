"""The translation between the Anthropic Messages API and OpenAI-compatible chat completions, without any I/O.

Pure functions and small state machines on values: no clock, no random, no environment, no logging, no network. Ids and
time are arguments. Everything that arrives here is foreign JSON and is read with care; nothing unknown may crash it.

Request, top to bottom:
- `request`    an Anthropic request becomes a chat completion request, for a dialect
- `history`    the conversation: turns, tool results in the order that hosts demand, repairs after interruptions
- `content`    one content block becomes text or a part
- `tools`      tool definitions, deferred tools, tool_choice, names
- `schema`     JSON Schema brought down to what a host accepts
- `relay`      an Anthropic request brought down to what an Anthropic-compatible host accepts

Response:
- `sse`        bytes become event payloads
- `stream`     the reducer: one upstream chunk becomes Anthropic events. Its parts: `delta` reads a chunk, `usage` its
               counts, `ending` its finish reason; `blocks` puts content blocks one after another; `calls` puts tool
               calls in order; `toolcalls` finds those written as tokens (`markup`), unless they are quoted (`quoting`);
               `arguments` mends what they are called with, `extent` sees where it ends; `stops` finds stop sequences
- `events`     those events; `encode` turns them into SSE bytes, `collect` folds them into one message
- `passage`    an Anthropic stream passed on, event by event
- `failure`    what went wrong upstream becomes an Anthropic error
- `tokens`     estimates; `foreign` typed access to JSON; `codec` bytes to JSON and back
"""
