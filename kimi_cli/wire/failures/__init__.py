"""How a host's refusal becomes an error that says what to do: the parts behind `wire.refusal` and `wire.failure`.

- `forms`      the forms in which hosts and gateways wrap an error, and the sentence inside
- `redaction`  organisations, projects and keys, left out of it
- `waiting`    how long the host wants to be left alone
- `table`      from a refusal to a status, a type and a sentence: one table
- `overflow`   a prompt that is too long for the model, in the one form on which clients act
- `tier`       a request that is larger than what the account may send at a time
- `hints`      one more sentence, with the command or the step that helps; `advice` is what it is made from
"""
