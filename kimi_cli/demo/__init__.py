"""The embedded demo: a scripted model behind the real proxy, and the self-test that runs on it.

- `run`         the whole self-test, from the model's start to the last file's removal
- `stage`       what it stands on: directory, model, proxy, session; and that nothing of it is left
- `case`        what the conversation is about: a file whose facts nobody can guess
- `claude`      the real client, run with `--print` in directories of its own; `transcript` reads what it prints
- `client`      the built-in client, for machines without Claude Code; `stream` checks what it is sent
- `outcome`     what the conversation came to, whichever client held it
- `checks`      what must be true of it
- `journal`     the steps as they happen; `report` is what they are in the end

- `upstream`    the model's host: serves it in OpenAI's format on a loopback port, in a thread
- `request`     a chat completion request, refused where a strict host would refuse it
- `model`       the script: what it answers; pure, and open about being a script
- `completion`  the script's answer in the host's form, whole or in pieces

Nothing here prints. The model reads requests and nothing else, so a right answer proves the way there and back.
"""
