"""Values with named fields that never change, on the way of every launch.

Data classes in all but what they cost: the `dataclasses` module and each class of its making take as long to load as a
dozen modules of ours, since it writes the methods of every class as text and compiles them. These share their methods.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final, NoReturn, TypeVar, dataclass_transform

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_MISSING: Final = object()


class _Field:
    """What is given of a field where its class defines it."""

    __slots__ = ("default", "factory", "is_shown")

    def __init__(self, default: object, factory: Callable[[], object] | None, *, is_shown: bool) -> None:
        self.default, self.factory, self.is_shown = default, factory, is_shown


def field(
    *, default: object = _MISSING, default_factory: Callable[[], object] | None = None, shown: bool = True
) -> Any:  # noqa: ANN401 - it stands where a value of the field's own type would
    """A field with more to it than a value: one that is made for each record, or is not shown in its `repr`."""
    return _Field(default, default_factory, is_shown=shown)


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
class Record:
    """The base of classes whose annotated names are the fields of their instances, in that order.

    Made, compared, hashed and shown as frozen data classes are; a record of another class is never equal.
    """

    _fields: ClassVar[Mapping[str, _Field]]

    def __init_subclass__(cls) -> None:
        """Take the fields out of the class."""
        fields = dict(getattr(cls, "_fields", {}))
        for name in cls.__annotations__:
            given = vars(cls).get(name, _MISSING)
            fields[name] = given if isinstance(given, _Field) else _Field(given, None, is_shown=True)
            if given is not _MISSING:
                delattr(cls, name)
        cls._fields = fields

    def __init__(self, *values: object, **named: object) -> None:
        fields = self._fields
        held = dict(zip(fields, values, strict=False))
        if len(values) > len(fields) or named.keys() & held.keys() or named.keys() - fields.keys():
            raise TypeError(f"{type(self).__name__} has the fields {', '.join(fields)}, each to be given once")
        held |= named
        for name, one in fields.items():
            if name not in held:
                if one.factory is None and one.default is _MISSING:
                    raise TypeError(f"{type(self).__name__} needs {name}")
                held[name] = one.default if one.factory is None else one.factory()
        vars(self).update(held)

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"{name} of a {type(self).__name__} cannot be set: records do not change")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"{name} of a {type(self).__name__} cannot be deleted: records do not change")

    def __eq__(self, other: object) -> bool:
        return vars(self) == vars(other) if type(other) is type(self) else NotImplemented

    def __hash__(self) -> int:
        held = vars(self)
        return hash(tuple(held[name] for name in self._fields))

    def __repr__(self) -> str:
        shown = (f"{name}={getattr(self, name)!r}" for name, one in self._fields.items() if one.is_shown)
        return f"{type(self).__qualname__}({', '.join(shown)})"


_R = TypeVar("_R", bound=Record)


def replace(record: _R, **changes: object) -> _R:
    """The record with other values in some of its fields."""
    return type(record)(**(vars(record) | changes))
