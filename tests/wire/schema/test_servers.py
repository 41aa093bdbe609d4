"""Schemas as servers really write them: accepted by both hosts' doubles, with the same inputs right and wrong."""

from __future__ import annotations

import copy
import json

import jsonschema
import pytest

from kimi_cli.wire.schema import for_host
from tests.doubles.groq_schema import check_groq_schema
from tests.doubles.mfjs import check_mfjs
from tests.wire.schema.servers import TOOLS

ALL = pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.name)
HOSTS = pytest.mark.parametrize("restricted", [True, False], ids=["moonshot", "others"])


@ALL
@HOSTS
def test_it_is_accepted(tool, restricted):
    """The host takes it, and the server's own schema is left as it was."""
    before = copy.deepcopy(tool.schema)
    repaired = for_host(tool.schema, restricted=restricted)
    jsonschema.Draft202012Validator.check_schema(repaired)
    if restricted:
        check_mfjs(repaired)
    else:
        check_groq_schema("it", repaired, index=0)
    assert tool.schema == before


@ALL
@HOSTS
def test_it_means_the_same(tool, restricted):
    """What is right for the server is right for the host, and what is wrong is wrong."""
    judge = jsonschema.Draft202012Validator(for_host(tool.schema, restricted=restricted))
    assert [value for value in tool.right if not judge.is_valid(value)] == []
    assert [value for value in tool.wrong if judge.is_valid(value)] == []


@pytest.mark.parametrize("tool", [tool for tool in TOOLS if "by hand" not in tool.name], ids=lambda tool: tool.name)
def test_the_examples_are_right(tool):
    """The inputs are what they are said to be, by the server's own schema; three drafts at once have no judge."""
    judge = jsonschema.validators.validator_for(tool.schema, default=jsonschema.Draft202012Validator)(tool.schema)
    assert [value for value in tool.right if not judge.is_valid(value)] == []
    assert [value for value in tool.wrong if judge.is_valid(value)] == []


@ALL
@HOSTS
def test_it_is_the_same_on_every_turn(tool, restricted):
    """The same schema, parsed anew, becomes the same bytes."""
    again = json.loads(json.dumps(tool.schema))
    assert json.dumps(for_host(again, restricted=restricted)) == json.dumps(
        for_host(tool.schema, restricted=restricted)
    )
