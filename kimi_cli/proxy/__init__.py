"""The background process: one aiohttp application on the loopback interface, run as `python -m kimi_cli.proxy`.

Its life:
- `__main__`   the command line, and the port; `process` serves, says that it is ready, and ends
- `announcement`  what it says to whoever starts it; `handover` what it is told
- `listen`     the port, and `holder` who has it; `connection` one client's connection and its limits; `descriptors` is
               how many may be open
- `lifetime`   when it ends: asked, signalled, or idle; `leaving` removes its files
- `logs`       one JSON object a line, without keys, tokens or bodies

Its rooms for requests:
- `app`        the application: middlewares, routes, the client for upstream
- `guard`      who may come in: Host, Origin, token, size; `intake` reads bodies
- `refusal`    every error as an Anthropic error; `refused` is the exception for it
- `sessions`   who is served, and with which route; `owners` notices when their processes are gone
- `control`    what launchers ask: open, extend and close a session, status, stop
- `health`     the answers that need no token; `models` the session's models
- `messages`   the message endpoints; `exchange` is one request, made of attempts (`attempt`, in a
               host's format by `formats`); `upstream` asks the host, `pump` passes the answer on to the `client`
- `recovery`   whether a host that failed is asked again; `failover` which of a session's hosts is asked
- `connection_failure`  what it means where the host cannot be reached, trusted or understood
- `admission`  who may ask a host now, and who waits because the account's allowance is used up
- `estimates`  the sizes of prompts, learned from what hosts report and kept for the next process
- `public_web` pages of the public web, for WebFetch; `web` is the way to search engines
- `tool_loop`  requests whose tools are carried out here
- `trace`      sizes and times of a request, for the log at debug level; `record` its bodies, where that is asked for
- `account`    what an answer took, for the usage ledger
- `keys`       the names under which handlers find these things

Nothing here reads settings or stored keys: a route, its key included, arrives over the control API and stays in memory.
"""
