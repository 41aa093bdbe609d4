"""What each host and each model is: data first, a little code second.

`model` and `provider` are the shapes, `dialect` how OpenAI-compatible hosts differ, `catalogue` the hosts themselves,
`route` the choice of one host, its models and a key that a session runs on. No network, no files, no environment.
"""
