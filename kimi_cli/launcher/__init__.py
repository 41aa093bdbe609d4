"""Claude Code, found, given its environment, and run while its session is held open.

- `run`              a whole launch: `LaunchRequest` in, exit status out
- `resolve`          which host, model and key; `model_choice` and `live` are its parts
- `tools_choice`     which tools the proxy carries out for the session
- `claude`           where Claude Code is (`places`), and how it is run (`shim`, on Windows)
- `arguments`        what Claude Code's own arguments mean for us
- `client_settings`  what the user set for Claude Code; `own_settings` is what they gave with `--settings`
- `settings_file`    the settings that it is started with; `slots` puts our models behind its names
- `environment`      the variables that it gets, and those that it must not get
- `client`           the process: signals, stop and continue, exit status; `terminal` is put back in order after it
- `session_files`    Claude Code's sessions on disk; `cleaning` takes foreign reasoning out of one (with `json_spans`)
- `saved_model`      a model of ours that Claude Code saved as the user's default, and its undoing
- `hold`             the session on the proxy; `watch` brings back a proxy that dies
- `serve`            the proxy in the foreground, for other clients
- `shell_session`    a session on the background proxy that belongs to a shell; `calling_shell` finds out which

Nothing here prints, serves HTTP or translates, and nothing of the user's is changed, except where they ask for it.
"""

from kimi_cli.launcher.run import Banner, LaunchRequest, launch

__all__ = ["Banner", "LaunchRequest", "launch"]
