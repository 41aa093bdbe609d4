"""Searching the web for a model that asks for it, by an engine that the user chose.

- `query`    what is searched for, what is found, and which domains count
- `failure`  why a search came to nothing, in Anthropic's codes and in a sentence
- `searxng`, `brave`, `tavily`, `kimi`, `keyless`  the engines
- `results`  a list of results, read
- `engines`  the engine of a choice
- `toolbox`  the search as a tool of the loop: `web_search`, with its limits and its result blocks

What may not live here: settings, keys in the keyring, the HTTP client; a function that fetches comes from outside.
"""
