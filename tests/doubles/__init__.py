"""Upstreams that are as strict as the hosts they stand for.

`scenario` is the language of what they answer; `serve` runs them; `refusal` is what they say no to. `strict_chat` and
`chat_stream` are the OpenAI form, shared by `groq` and `moonshot_chat`; `strict_messages` and `messages_stream` are the
Anthropic form of `moonshot`. `judge` asks the SDKs of both vendors for their opinion of a request. Nothing here imports
the project: a double that shared its knowledge would share its mistakes.
"""
