"""Plain data with named fields, declared as dataclasses are.

To define a dataclass takes 0.1 to 0.4 ms, because its methods are generated and compiled, and a start defines
sixty classes; a record takes 0.01 ms. Modules with records begin with `from __future__ import annotations`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

if TYPE_CHECKING:
    from typing_extensions import dataclass_transform
else:

    def dataclass_transform(**settings: Any) -> Callable[[type], type]:
        return lambda cls: cls


class _Fresh:
    """A default that is made anew for each record."""

    __slots__ = ("make",)

    def __init__(self, make: Callable[[], Any]) -> None:
        self.make = make


_BY_NAME = object()


def field(*, default_factory: Callable[[], Any] | None = None, kw_only: bool = False) -> Any:
    """What stands for a field's default if it is made anew each time, or if the field is given by name."""
    return _BY_NAME if default_factory is None else _Fresh(default_factory)


@dataclass_transform(eq_default=False, field_specifiers=(field,))
class RecordType(type):
    """Makes the annotated names of a class its fields, each with a slot, after the fields of its base."""

    def __new__(cls, name: str, bases: tuple[type, ...], namespace: dict[str, Any]) -> RecordType:
        annotations: dict[str, str] = namespace.get("__annotations__", {})
        own = tuple(key for key, text in annotations.items() if not text.startswith("ClassVar"))
        defaults = {key: namespace.pop(key) for key in own if key in namespace}
        in_order = tuple(key for key in own if defaults.get(key) is not _BY_NAME)
        if bases:
            base: Any = bases[0]
            namespace["fields"] = base.fields + own
            namespace["__match_args__"] = base.__match_args__ + in_order
            kept = {key: default for key, default in defaults.items() if default is not _BY_NAME}
            namespace["defaults"] = base.defaults | kept
        return super().__new__(cls, name, bases, namespace | {"__slots__": own})


class Record(metaclass=RecordType):
    """The base of records: made of their fields' values, in order or by name; equal to themselves only."""

    fields: ClassVar[tuple[str, ...]] = ()
    defaults: ClassVar[dict[str, Any]] = {}
    __match_args__: ClassVar[tuple[str, ...]] = ()

    def __init__(self, *values: Any, **named: Any) -> None:
        for name, default in self.defaults.items():
            setattr(self, name, default.make() if type(default) is _Fresh else default)
        for name, value in zip(self.__match_args__, values, strict=False):
            setattr(self, name, value)
        for name, value in named.items():
            setattr(self, name, value)

    def __repr__(self) -> str:
        values = ", ".join(f"{name}={getattr(self, name)!r}" for name in self.fields)
        return f"{type(self).__name__}({values})"


class ValueRecord(Record):
    """The base of records that are equal to others of their class with equal values."""

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and all(getattr(self, name) == getattr(other, name) for name in self.fields)

    def __hash__(self) -> int:
        return hash(tuple(getattr(self, name) for name in self.fields))


R = TypeVar("R", bound=Record)


def replace(record: R, **changes: Any) -> R:
    """A copy of `record` in which the fields named by `changes` have other values."""
    return type(record)(**{name: getattr(record, name) for name in record.fields} | changes)
