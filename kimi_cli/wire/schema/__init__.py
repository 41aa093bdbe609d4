"""JSON Schemas of tools, brought down to what a host accepts.

`fitting` is the whole of it: a schema that the host accepts is passed on as it is, any other is repaired, and one that
cannot be is refused, with the reason. Its parts, in the order in which they work:

- `draft`       older drafts, and careless hands, become draft 2020-12
- `references`  what a reference names, and one form for all of them
- `common`      what hosts want that read JSON Schema as everybody does
- `moonshot`    Moonshot's restricted form; `enums` and `objects` are parts of it
- `limits`      what is too large for it, or never ends
- `places`      where schemas stand inside a schema; `kinds` the types of the values that they allow

A repaired schema allows what the original allows, but for two things, each of them said here and nowhere else:

- What cannot be expressed becomes a sentence in `description`, so that the model knows it still: a reference to what is
  not in the schema; and, for hosts that cannot read it, a regular expression. The schema then allows more.
- Where Moonshot wants a type and there is none, a schema whose keywords all speak of one type gets that type. It then
  allows less than it said, which is what was meant.
"""

from kimi_cli.wire.schema.fitting import UnfitSchemaError, for_host

__all__ = ["UnfitSchemaError", "for_host"]
