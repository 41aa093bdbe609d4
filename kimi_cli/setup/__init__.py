"""Setting this machine up, and looking at how it is set up: what the commands about provider, model and key do.

- `choice`    which provider is chosen, and what it still lacks; `added` are providers of the user's own
- `keys`      a key taken in and stored; `forget` removes one, `old_keys` takes over those of the tool's predecessor
- `host`      what a host says to a key; `models` which models it has, and choosing one
- `model_id`  which texts are ids of models
- `plan`      what a set-up decided, carried out in one go
- `values`    every value that a launch would go by, and where it comes from
- `checkup`   everything that a launch needs, looked at, as values of `finding`; `surroundings` are those of its
              findings that are no choice of the user's, and `tested` the versions of Claude Code that were tested
- `reset`     everything taken away again; `footprint` tells what is ours

Nothing here prints; what is found comes back as values.
"""
