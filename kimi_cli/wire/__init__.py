"""The translation between the Anthropic Messages API and OpenAI-compatible chat completions, without any I/O.

Pure functions and small state machines on values: no clock, no random, no environment, no logging, no network. Ids and
time are arguments. Everything that arrives here is foreign JSON and is read with care; nothing unknown may crash it.

Request, top to bottom:
- `transcripts`  what sessions sent last, so that a request is read from where it goes on; `prompt` is one as it is
               worked on, `rounds` what it is made of
- `request`    an Anthropic request becomes a chat completion request, for a dialect
- `history`    the conversation: turns, tool results in the order that hosts demand, repairs after interruptions
- `thinking`   how hard a model shall think, and what of that the client sees
- `placeholder`  stands in for reasoning that is lost, once the host has refused to do without
- `content`    one content block becomes text or a part
- `tools`      tool definitions, deferred tools, tool_choice, names
- `schema`     JSON Schema brought down to what a host accepts
- `relay`      an Anthropic request brought down to what an Anthropic-compatible host accepts
- `outgoing`   a request as it is sent, most of it as it was written for the turn before

Response:
- `sse`        bytes become event payloads; `runs` reads those together that differ in nothing but their text
- `stream`     the reducer: one upstream chunk becomes Anthropic events. Its parts: `delta` reads a chunk, `usage` its
               counts, `ending` its finish reason; `blocks` puts content blocks one after another; `calls` puts tool
               calls in order; `toolcalls` finds those written as tokens (`markup`) or tags (`xtml`), unless they are
               quoted (`quoting`), each a `rawcall`; `arguments` mends what they are called with, `extent` sees where
               it ends; `stops` finds stop sequences; `salvage` finds calls in what a host refused to send (`written`
               knows the forms)
- `signature`  reasoning as it travels with the client and comes back; `details` puts a host's structure for it together
- `events`     those events; `encode` turns them into SSE bytes, `collect` folds them into one message
- `passage`    an Anthropic stream passed on, event by event; `sequence` puts its blocks one after another, `ids` gives
               it ids that do not repeat, `omission` takes the thinking from it that the client did not ask for
- `failure`    what went wrong upstream becomes an Anthropic error; `refusal` is what a host said, `failures` the table
- `allowance`  what an account may ask a host for, learnt from its answers; `quota` reads their headers
- `tokens`     estimates, from `characters` and the size of a `picture`; `calibration` learns how far they are off
- `foreign`    typed access to JSON; `codec` bytes to JSON and back
"""
