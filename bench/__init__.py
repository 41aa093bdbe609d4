"""Benchmarks: each prints what was measured in one run, and none of them passes or fails by its time.

`python -m bench` (`make bench`) measures what the proxy and a launch cost, beside floors that are measured with them:
- `chunks`, `first_token`, `memory`, `history`, `launch`  what is measured, and the targets
- `stage`    the processes that it takes: `upstream`, the host's double (`plan` and `speech` are what it says); `relay`
             and `thin`, the floors; `load`, the load generator (`conversation` is what it asks); the real proxy.
             `server` and `child` are both ends of such a process
- `figures`  medians with their spread; `report` and `plot` show them

The others run by themselves: `growth` the cost of a stream against its length, `tokens` the estimates of prompts,
`soak` a proxy that has served for long, `fuzz` inputs that nobody would think of.
"""
