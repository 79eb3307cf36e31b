"""What is known of one field of a policy: its form, its default, its class, what is weaker."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from app.posture import forms
from app.posture.model import Json
from app.posture.weaker import Weaker, cannot_tell


class FieldClass(StrEnum):
    """What a field is about; decides the drift rule."""

    TRUST = "T"
    CREDENTIALS = "C"
    LIMIT = "L"
    NETWORK = "N"
    ORIGINS = "O"
    PAYLOAD = "P"
    LOGGING = "G"
    HEADERS = "H"
    SECRET = "S"  # noqa: S105  a letter of the table
    OPERATION = "-"


class Shape(StrEnum):
    """How a field's value is built."""

    SCALAR = "scalar"  # one value, by its form
    SECRET = "secret"  # noqa: S105  one value that never leaves the process
    MAP = "map"  # a list of entries with a key each
    BAG = "bag"  # a list without order


NO_DEFAULT = object()
"""The default of a field is not known: unset equals only unset."""


class Siblings(Protocol):
    """The normal single values beside a field."""

    def get(self, name: str, /) -> Json:
        """Return a sibling's value, or None where it is empty."""


def always(_siblings: Siblings) -> bool:
    """Return True: the field counts whatever the others say."""
    return True


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a known policy. `flex_default` counts on Flex Gateway, if there is one.

    `written` is how Anypoint writes the default, where its case is another one.
    `counts` is asked with the normal scalar siblings; a field that does not count is dropped.
    `entry` splits an item of a map into key and value, which are called by `titles` where it must
    be told whole; `members` are the fields inside an item.
    """

    form: forms.Form = forms.text
    field_class: FieldClass = FieldClass.OPERATION
    default: Json = NO_DEFAULT
    flex_default: Json = NO_DEFAULT
    written: str = ""
    weaker: Weaker = cannot_tell
    is_expected: bool = False
    counts: Callable[[Siblings], bool] = always
    shape: Shape = Shape.SCALAR
    entry: Callable[[Json], tuple[Json, Json]] | None = None
    titles: tuple[str, str] = ("key", "value")
    members: Mapping[str, "Field"] = field(default_factory=dict)
    aliases: tuple[str, ...] = ()
    is_required: bool = False  # a policy cannot work without it: absent means hidden


@dataclass(frozen=True, slots=True)
class Schema:
    """The fields of one known policy, by name."""

    fields: Mapping[str, Field]
    names: Mapping[str, str]  # every name and alias -> name
    required: tuple[str, ...] = ()

    def at(self, path: str) -> Field | None:
        """Return the field that a path leads to, or None where the table has none."""
        name = path.partition("[")[0].partition(".")[0]
        found = self.fields.get(name)
        if found is None or not found.members:
            return found
        inner = path.rpartition("]")[2].lstrip(".")
        return found.members.get(inner, found)


def schema(fields: Mapping[str, Field]) -> Schema:
    """Return the schema of these fields, aliases included."""
    names = {alias: name for name, known in fields.items() for alias in (name, *known.aliases)}
    required = tuple(name for name, known in fields.items() if known.is_required)
    return Schema(fields, names, required)
