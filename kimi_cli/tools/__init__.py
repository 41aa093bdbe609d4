"""The tools that the proxy itself carries out, for clients that have no tool loop, in one directory and within limits.

They have the names, inputs and results of Claude Code's tools, which models know.

- `toolbox`   which of them a session has, and how long each may take
- `place`     the directory, and the only way to open anything: nothing outside of it is ever opened
- `reading`   Read and LS; `text` is what is text, and how it is shown
- `writing`   Write, Edit and MultiEdit
- `finding`   Glob, by a `pattern`; `grep` is Grep, by `ripgrep` where rg is installed, else by `searching`
- `shell`     Bash; `processes` starts and ends what it runs, `keeper` stands between, and ends with the proxy
- `definitions`  how the tools are offered to a model
- `fetching`  WebFetch; `page` is a web page as text
- `todo`      TodoWrite
- `failure`   why a call failed, in a sentence for the model

What may not live here: who may use them, which is a session's, and anything about hosts and models.
"""
