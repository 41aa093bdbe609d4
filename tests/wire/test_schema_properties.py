"""Repaired schemas are accepted by the hosts' doubles, and allow what the originals allow."""

from __future__ import annotations

import copy
import json
from contextlib import suppress
from typing import Any

import jsonschema
import pytest
from hypothesis import HealthCheck, assume, event, given, settings
from hypothesis import strategies as st

from kimi_cli.wire.schema import UnfitSchemaError, for_host
from tests.doubles.groq_schema import check_groq_schema
from tests.doubles.mfjs import check_mfjs
from tests.doubles.refusal import Refused
from tests.wire.schemas import MODERN, OLD, Draft, documents, objects_for

DRAFTS = pytest.mark.parametrize("draft", [MODERN, OLD], ids=lambda draft: draft.name)
HOSTS = pytest.mark.parametrize("restricted", [True, False], ids=["moonshot", "others"])
_WORDS = (
    *("type", "anyOf", "items", "properties", "$schema", "not", "additionalItems", "required", "enum", "const"),
    *("$ref", "$defs", "$id", "pattern", "minLength", "additionalProperties", "allOf", "prefixItems", "dependencies"),
)
THOROUGH = settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much], deadline=None)


def check(schema: dict[str, Any], *, restricted: bool) -> None:
    """Refuse what the hosts' doubles refuse."""
    jsonschema.Draft202012Validator.check_schema(schema, format_checker=jsonschema.FormatChecker(formats=()))
    assert schema.get("type") == "object"
    if restricted:
        check_mfjs(schema)
    else:
        check_groq_schema("it", schema, index=0)


def fitted(schema: dict[str, Any], *, restricted: bool) -> dict[str, Any]:
    """The repaired schema, which some double accepts; the original is as it was."""
    before = copy.deepcopy(schema)
    try:
        repaired = for_host(schema, restricted=restricted)
    except UnfitSchemaError:
        assume(False)
    assert schema == before
    check(repaired, restricted=restricted)
    return repaired


@DRAFTS
@HOSTS
@THOROUGH
@given(data=st.data())
def test_nothing_is_allowed_that_was_not(draft: Draft, restricted, data: st.DataObject) -> None:
    """What the repaired schema accepts, the original accepts."""
    schema = data.draw(documents(draft))
    repaired = fitted(schema, restricted=restricted)
    value = data.draw(objects_for(repaired))
    if MODERN.allows(repaired, value):
        event("accepted")
        assert draft.allows(schema, value)


@HOSTS
@THOROUGH
@given(data=st.data())
def test_typed_schemas_keep_their_meaning(restricted, data: st.DataObject) -> None:
    """Where every schema says its type, the repaired one accepts exactly what the original accepts."""
    schema = data.draw(documents(MODERN, is_typed=True))
    repaired = fitted(schema, restricted=restricted)
    value = data.draw(objects_for(schema))
    original = MODERN.allows(schema, value)
    event("accepted" if original else "refused")
    assert MODERN.allows(repaired, value) == original


@HOSTS
@THOROUGH
@given(schema=documents(MODERN) | documents(MODERN, is_typed=True))
def test_what_is_accepted_is_passed_on(restricted, schema: dict[str, Any]) -> None:
    """A schema that the host accepts goes over byte for byte."""
    try:
        check(schema, restricted=restricted)
    except (Refused, jsonschema.SchemaError, AssertionError):
        event("refused")
        assume(not restricted)  # most are: those that are accepted are looked for
        return
    assume(not any("prefixItems" in node and "items" in node for node in nodes(schema)))
    event("accepted")
    assert json.dumps(for_host(schema, restricted=restricted)) == json.dumps(schema)


@DRAFTS
@HOSTS
@THOROUGH
@given(data=st.data())
def test_repairing_twice_changes_nothing(draft: Draft, restricted, data: st.DataObject) -> None:
    """What was repaired is accepted as it is, and the same on every turn."""
    once = fitted(data.draw(documents(draft)), restricted=restricted)
    assert json.dumps(for_host(once, restricted=restricted)) == json.dumps(once)


@HOSTS
@given(
    schema=st.recursive(
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text(max_size=3),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(_WORDS),
                inner,
                max_size=5,
            )
        ),
        max_leaves=12,
    )
)
def test_arbitrary_json_never_crashes(restricted, schema: Any) -> None:
    """What is no schema at all becomes one that the host accepts, or is left out."""
    with suppress(UnfitSchemaError):
        check(for_host(schema, restricted=restricted), restricted=restricted)


def nodes(value: Any):
    """Every object in a JSON value."""
    if isinstance(value, dict):
        yield value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from nodes(inner)
