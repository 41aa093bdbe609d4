"""The tool loop that runs on this side: ask the model, carry out the calls that are ours, feed the results back.

A pure loop: the model, the tools, the clock of their limits and the ids come from outside, and what the client is to
see goes out as events, step by step, while it happens.

- `loop`      the steps, from the request to the last event
- `step`      one answer of the model: what goes on to the client, what is kept, which calls are ours
- `toolbox`   what the loop asks of tools: whose they are, and what comes of a call
- `memory`    what was carried out beside calls of the client's own, for the next request of the conversation
- `toolboxes` several toolboxes as one
- `progress`  the words for what goes on meanwhile

What may not live here: tools themselves, network, files, anything about sessions.
"""
