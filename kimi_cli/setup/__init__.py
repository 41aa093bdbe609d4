"""Setting this machine up, and looking at how it is set up: what the commands about provider, model and key do.

- `choice`   which provider is chosen, and what it still lacks
- `keys`     a key taken in and stored
- `checkup`  everything that a launch needs, looked at

Nothing here prints; what is found comes back as values.
"""
