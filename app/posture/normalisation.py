"""The normal form of a policy configuration: equal meanings have equal forms."""

import marshal
from collections.abc import Mapping

from app.posture import forms
from app.posture.building import NOISE, Builder, Normal, default_of
from app.posture.canonical import canonical
from app.posture.families import is_mulesofts
from app.posture.fields import Field, Schema
from app.posture.memory import Memory
from app.posture.model import Json
from app.posture.policies import schema_of
from app.posture.secrets import MASKED, is_masked, is_sealed


class Configuration:
    """A policy's configuration, put into normal form when that is asked for.

    Most configurations are the same everywhere: then nobody needs to know what they mean.
    `has_remarks` tells whether something may be hidden, or is not in the table.
    """

    __slots__ = (
        "_key",
        "_noise",
        "_normal",
        "_raw",
        "folded_text",
        "has_remarks",
        "is_flex",
        "schema",
        "weaknesses",
    )

    def __init__(
        self,
        raw: dict[str, Json],
        schema: Schema | None,
        text: bytes,
        *,
        is_flex: bool,
        noise: frozenset[str] = frozenset(),
    ) -> None:
        self._raw = raw
        self._noise = noise
        self.is_flex = is_flex
        self._normal: Normal | None = None
        self._key: str | None = None
        self.folded_text = text.lower()  # to look for a word without understanding the rest
        self.schema = schema
        self.weaknesses: tuple[str, ...] | None = None  # kept by the posture rules
        self.has_remarks = any(mark in text for mark in _HIDDEN_MARKS) or self._has_gaps()

    def _has_gaps(self) -> bool:
        """Whether a key is not in the table, or a required field is not set."""
        schema, raw = self.schema, self._raw
        if schema is None:
            return False
        if not raw.keys() <= schema.names.keys():
            return True
        for name in schema.required:
            if not raw.get(name) and schema.fields[name].counts(self):
                return True
        return False

    @property
    def normal(self) -> Normal:
        """The normal form."""
        if self._normal is None:
            self._normal = self._read(None)
        return self._normal

    def only(self, names: frozenset[str]) -> Normal:
        """Return the normal form of some fields, since the others are known to be equal."""
        return self._read(names)

    def _read(self, names: frozenset[str] | None) -> Normal:
        builder = Builder()
        if self.schema is None:
            builder.flatten({k: v for k, v in self._raw.items() if k not in self._noise})
        else:
            builder.read(self.schema, self, names, is_flex=self.is_flex)
        return builder.built()

    def unlike(self, other: "Configuration") -> frozenset[str]:
        """Return the names of the table under which two configurations hold other values."""
        names = self.schema.names if self.schema else {}
        mine, theirs = self._raw, other._raw
        keys = mine.keys() | theirs.keys()
        return frozenset(
            [names.get(k, k) for k in keys if not _is_same(mine.get(k), theirs.get(k))]
        )

    @property
    def others(self) -> list[str]:
        """The keys that are not in the table and are no noise, sorted."""
        names = self.schema.names.keys() if self.schema else ()
        return sorted(self._raw.keys() - names - NOISE)

    @property
    def fields(self) -> Mapping[str, Json]:
        """The normal values by path."""
        return self.normal.fields

    @property
    def key(self) -> str:
        """A text that is equal for equal meanings."""
        if self._key is None:
            self._key = canonical([self.normal.fields, sorted(self.normal.masked)])
        return self._key

    def get(self, name: str) -> Json:
        """Return the normal value of one single-valued field, or None where it is empty."""
        if self._normal is not None:
            return self._normal.fields.get(name)
        known = self.schema.fields.get(name) if self.schema else None
        if known is None or not known.counts(self):
            return None
        value = self.raw(name)
        if is_sealed(value) or is_masked(value):
            return None
        normal = None if forms.is_empty(value) else known.form(value)
        return default_of(known, is_flex=self.is_flex) if forms.is_empty(normal) else normal

    def raw(self, name: str) -> Json:
        """Return a field of the table as it stands, under whichever of its names it is set."""
        value = self._raw.get(name)
        known = self.schema.fields.get(name) if self.schema else None
        if known is not None and known.aliases and forms.is_empty(value):
            values = (self._raw.get(alias) for alias in known.aliases)
            return next((each for each in values if not forms.is_empty(each)), None)
        return value

    def field_at(self, path: str) -> Field | None:
        """Return what is known of the field at a path, or None."""
        return self.schema.at(path) if self.schema else None


_HIDDEN_MARKS = tuple(mark.encode() for mark in (MASKED, "***", "•", "●"))
_KNOWN: Memory[tuple[str | None, str, bool, bytes], Configuration] = Memory(8192)


def configuration_of(
    group_id: str | None, asset_id: str, raw: dict[str, Json], *, is_flex: bool
) -> Configuration:
    """Return a configuration; those of equal text are one, so that they are understood once."""
    text = marshal.dumps(raw, 2)  # a key in memory, twice as fast as JSON
    key = (group_id, asset_id, is_flex, text)
    known = _KNOWN.get(key)
    if known is not None:
        return known
    noise = NOISE if is_mulesofts(group_id) else frozenset[str]()
    made = Configuration(raw, schema_of(group_id, asset_id), text, is_flex=is_flex, noise=noise)
    return _KNOWN.keep(key, made)


def _is_same(a: Json, b: Json) -> bool:
    """Whether both are the very same value; true and 1 are two values."""
    if a is b:
        return True
    if type(a) is not type(b):
        return False
    return bool(a == b) and (
        not isinstance(a, list | dict) or marshal.dumps(a, 2) == marshal.dumps(b, 2)
    )
