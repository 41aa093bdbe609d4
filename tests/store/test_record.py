"""Values with named fields, beside the data classes that they are to be like."""

from __future__ import annotations

import copy
import pickle
from dataclasses import dataclass
from dataclasses import field as data_field
from dataclasses import replace as data_replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kimi_cli.record import Record, field, replace


class Place(Record):
    """A record with a field of each kind."""

    name: str
    port: int = 80
    tags: list[str] = field(default_factory=list)
    key: str = field(default="none", shown=False)


OURS = Place


@dataclass(frozen=True)
class Place:  # type: ignore[no-redef]
    """The data class of the same name."""

    name: str
    port: int = 80
    tags: list[str] = data_field(default_factory=list)
    key: str = data_field(default="none", repr=False)


THEIRS = Place
NAMES = ("name", "port", "tags", "key", "other")
VALUES = st.one_of(st.integers(0, 2), st.sampled_from(["", "a"]), st.lists(st.integers(0, 1), max_size=1))
ARGUMENTS = st.tuples(st.lists(VALUES, max_size=5), st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=3))


def outcome(act, *values, **named):
    """What comes of a call: its value, or the kind of its error."""
    try:
        return act(*values, **named)
    except (TypeError, AttributeError) as error:
        return TypeError if isinstance(error, TypeError) else AttributeError


def seen(made):
    """All that can be seen of an object, or the kind of error that came in its place."""
    if isinstance(made, type):
        return made
    return [getattr(made, name) for name in NAMES[:4]], repr(made), outcome(hash, made)


@given(arguments=ARGUMENTS, changes=st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=2))
def test_as_a_data_class(arguments, changes):
    """Made with the same arguments it holds and shows the same, or is refused; and so is one with changes."""
    values, named = arguments
    ours, theirs = outcome(OURS, *values, **named), outcome(THEIRS, *values, **named)
    assert seen(ours) == seen(theirs)
    if not isinstance(ours, type):
        assert seen(outcome(replace, ours, **changes)) == seen(outcome(data_replace, theirs, **changes))
        assert seen(ours) == seen(theirs)


@given(one=ARGUMENTS, two=ARGUMENTS)
def test_equal_as_data_classes_are(one, two):
    """Records are equal where all of their fields are, and then have one hash."""
    ours = [outcome(OURS, *values, **named) for values, named in (one, two)]
    theirs = [outcome(THEIRS, *values, **named) for values, named in (one, two)]
    assert (ours[0] == ours[1]) == (theirs[0] == theirs[1])
    if ours[0] == ours[1]:
        assert outcome(hash, ours[0]) == outcome(hash, ours[1])


def test_no_change():
    """A field can be neither set nor deleted, and no other name given to the object."""
    place = OURS("a")
    for name in NAMES:
        with pytest.raises(AttributeError):
            setattr(place, name, 1)
        with pytest.raises(AttributeError):
            delattr(place, name)
    assert place == OURS("a")


def test_each_has_its_own():
    """What is made for each record is not shared."""
    OURS("a").tags.append("one")
    assert OURS("a").tags == []


def test_another_class_is_never_equal():
    """Not even with the same fields and values."""

    class Other(Record):
        name: str

    class Another(Record):
        name: str

    assert Other("a") == Other("a")
    assert Other("a") != Another("a")
    assert Other("a") != "a"


def test_a_record_with_more_fields():
    """A class made from another one has its fields first."""

    class More(OURS):
        path: str = "/"

    assert repr(More("a", path="/x")) == f"{More.__qualname__}(name='a', port=80, tags=[], path='/x')"


class Named(Record):
    """A record at a place where it can be found by its name."""

    name: str
    key: str = field(shown=False)


def test_copies():
    """A copy is equal, whichever way it is made."""
    named = Named("a", "secret")
    assert [copy.copy(named), copy.deepcopy(named), pickle.loads(pickle.dumps(named))] == [named] * 3


def test_what_is_missing_is_named():
    """The error of a forgotten field says which, and no value."""
    with pytest.raises(TypeError, match=r"^Named needs key$"):
        Named("secret")
    with pytest.raises(TypeError, match=r"^Named has the fields name, key, each to be given once$"):
        Named("a", "secret", name="b")
