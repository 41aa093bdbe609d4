"""Dialects: what must hold for each."""

from __future__ import annotations

import pytest

from kimi_cli.providers.dialect import DIALECTS, EffortField, ThinkingSwitch

every_dialect = pytest.mark.parametrize("dialect", DIALECTS.values(), ids=lambda dialect: dialect.name)

SWITCH_FIELDS = {
    ThinkingSwitch.NONE: set(),
    ThinkingSwitch.THINKING: {"thinking"},
    ThinkingSwitch.THINKING_KEPT: {"thinking"},
    ThinkingSwitch.REASONING: {"reasoning"},
    ThinkingSwitch.TEMPLATE: {"chat_template_kwargs"},
    ThinkingSwitch.PARSED: {"reasoning_format"},
}
EFFORT_FIELDS = {EffortField.NONE: set(), EffortField.TOP: {"reasoning_effort"}, EffortField.REASONING: {"reasoning"}}


@every_dialect
def test_what_a_dialect_uses_may_leave(dialect):
    """Every field that a dialect speaks of is among those that are sent."""
    assert {"model", "messages", "tools", "tool_choice", "stream"} <= dialect.fields
    assert dialect.max_tokens_field in dialect.fields
    assert SWITCH_FIELDS[dialect.thinking_switch] | EFFORT_FIELDS[dialect.effort_field] <= dialect.fields
    assert dialect.cache_key_field is None or dialect.cache_key_field in dialect.fields


@every_dialect
def test_one_limit_of_tokens(dialect):
    """A dialect has one name for the limit of tokens, not both."""
    assert len({"max_tokens", "max_completion_tokens"} & dialect.fields) == 1


def test_what_groq_refuses_is_not_sent():
    """None of the fields that Groq refuses is among those that it is sent."""
    refused = {"logprobs", "top_logprobs", "logit_bias", "n", "metadata", "store", "top_k", "thinking", "functions"}
    assert not refused & DIALECTS["groq"].fields
    assert DIALECTS["groq"].reasoning_fields == ()


def test_a_gateway_gets_what_every_host_behind_it_takes():
    """Schemas are as Moonshot wants them, and no message has a field and no request a mark that others refuse."""
    gateway = DIALECTS["gateway"]
    assert gateway.restricted_schema
    assert gateway.reasoning_fields == ()
    assert [name for name, dialect in DIALECTS.items() if dialect.cache_mark] == ["moonshot"]


def test_what_moonshot_fixes_is_not_sent():
    """Moonshot's models have fixed sampling, so no sampling field is sent."""
    assert not {"temperature", "top_p", "top_k", "n"} & DIALECTS["moonshot"].fields
