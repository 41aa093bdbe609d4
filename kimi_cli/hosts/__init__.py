"""What we ask hosts before a session runs: which models they serve, and whether they take a key.

`models` is the question and the reading of the answer, `request` the network (the only module here that imports
aiohttp, and imported only when a question is asked), `failure` what can go wrong. Conversations do not pass here; they
are the proxy's.
"""
