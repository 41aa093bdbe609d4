"""kimi-cli: runs Claude Code, unmodified, on Kimi models.

The rooms, from top to bottom; imports point downwards only (ARCHITECTURE.md, enforced by import-linter):

- `cli`        commands and what they show; the only room that prints
- `demo`       the embedded model, and the self-test that runs on it
- `setup`      setting this machine up, and looking at how it is set up
- `launcher`   finds Claude Code, gives it its environment, holds its session open
- `daemon`     starts, finds and stops the background proxy
- `proxy`      the background process itself
- `hosts`      asks a host which models it serves and whether it takes a key
- `media`      PDFs and images of a request, brought into a form that the host takes
- `search`     searching the web, for a model that asks for it
- `tools`      the tools that the proxy itself carries out
- `engine`     the loop that carries them out
- `wire`       the translation, pure: values in, values out
- `store`      this machine's facts: paths, settings, secrets, the proxy's state file
- `providers`  what each host and model is, as data
- `errors`     every failure that a user can see
"""

__version__ = "0.1.0"
