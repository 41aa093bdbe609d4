"""This machine's facts: where files go, what the user chose, which keys are stored, which proxy runs.

`paths` finds the directories, `files` writes and reads private files, `remedy` names what helps where that fails,
`identity` tells one process from another that has its number, `state` is the running proxy's state file, `settings`
the user's choices (its TOML form is in `settings_file`, base URLs are judged in `base_url`), `secrets` the keys
(`keyring_backend` and `key_file` are two of the places they live in), `live_models` the remembered lists of what hosts
serve, `calibration` what was learned of token counts, `bodies` what was recorded of requests and answers,
`session_token` a token that outlives restarts. `ledger` writes the usage ledger (`ledger_entry` is one line of it,
`ledger_files` are its files), `spending` is what its lines come to. Nothing here prints, or talks to a network;
finding or reading something never creates a file.
"""
