"""Fuzzing of the translation: whatever a client or a host sends, nothing crashes or hangs, and what leaves is in form.

Run it with `python -m bench.fuzz`; `--help` says how long and on what. Where atheris is installed, what is tried next
follows from what the last input reached; elsewhere a simple mutator changes the examples at random.

- `source`     the bytes of an input, read as choices and as JSON
- `answers`    targets: a host's chat completion becomes the client's message; `relayed` the same for Anthropic's format
- `requests`   target: a client's request, for every dialect
- `errors`     target: what a host says when it refuses
- `targets`    all of them, with the examples to start from
- `judge`      what every stream for a client has to hold to, and the message that it amounts to
- `engine`     one target for a while; `__main__` all of them one after another, each in a process of its own
- `replay`     everything that was found once more: what it reaches, and whether memory grows with it
"""
