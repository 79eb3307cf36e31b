"""A configuration in the making: each field by its form and shape, at its path."""

import hashlib
from collections.abc import Mapping
from typing import NamedTuple, Protocol

from app.posture import forms
from app.posture.canonical import canonical
from app.posture.fields import NO_DEFAULT, Field, Schema, Shape
from app.posture.model import Json
from app.posture.secrets import MASKED, SAMPLE, SECRET, is_masked, is_sealed

NOISE = frozenset(
    {
        "policyId",
        "endpointUri",
        "isRamlEndpoint",
        "isWsdlEndpoint",
        "isHttpEndpoint",
        "apiId",
        "order",
        "autodiscoveryApiName",
        "groupId",
        "autodiscoveryInstanceName",
    }
)
"""Keys that some configurations carry and that are bound to the environment."""

USER_INFO = "userInfo"
_SET_LIKE = frozenset(
    {"ips", "origins", "exposedHeaders", "scopes", "audiences", "methods", "tags"}
)
_USER_MARK = "$secret-"


class Normal(NamedTuple):
    """A configuration in normal form. `fields` holds what is set or has a default, by path.

    `bags` holds the items of lists without order, each by the paths inside it.
    """

    fields: Mapping[str, Json]
    bags: Mapping[str, tuple[Mapping[str, Json], ...]]
    defaulted: frozenset[str]
    masked: frozenset[str]
    uncounted: frozenset[str]  # names whose siblings say that they have no effect
    samples: frozenset[str]  # where the sample text of the policy's form still stands
    unknown: tuple[str, ...]
    spelled: Mapping[str, Json]  # as Anypoint has it, by path, where only the case is another


class Raw(Protocol):
    """A configuration as it stands, by the names of the table."""

    @property
    def others(self) -> list[str]:
        """The keys that are not in the table."""

    def raw(self, name: str, /) -> Json:
        """Return a field as it stands."""

    def get(self, name: str, /) -> Json:
        """Return a single normal value."""


class Builder:
    """A configuration in the making."""

    def __init__(self) -> None:
        self.fields: dict[str, Json] = {}
        self.bags: dict[str, tuple[Mapping[str, Json], ...]] = {}
        self.defaulted: set[str] = set()
        self.masked: set[str] = set()
        self.unknown: list[str] = []
        self.uncounted: set[str] = set()
        self.spelled: dict[str, Json] = {}

    def built(self) -> Normal:
        """Return what was gathered."""
        samples = frozenset([path for path, value in self.fields.items() if _is_sample(value)])
        for path in samples:
            self.fields[path] = _compared(self.fields[path])
        return Normal(
            fields=self.fields,
            bags=self.bags,
            defaulted=frozenset(self.defaulted),
            masked=frozenset(self.masked),
            uncounted=frozenset(self.uncounted),
            samples=samples,
            unknown=tuple(sorted(self.unknown)),
            spelled=self.spelled,
        )

    def read(
        self,
        schema: Schema,
        configuration: Raw,
        names: frozenset[str] | None,
        *,
        is_flex: bool,
    ) -> None:
        """Take the known fields by the table and the others as they stand, or some of them."""
        for name in schema.fields if names is None else names & schema.fields.keys():
            known = schema.fields[name]
            if known.counts(configuration):
                self.take(name, configuration.raw(name), known, is_flex=is_flex)
            else:
                self.uncounted.add(name)
        for name in configuration.others if names is None else ():
            self.take_unknown(name, configuration.raw(name))

    def take_unknown(self, name: str, value: Json) -> None:
        """Take a key that is not in the table; when it is set, that is remarked."""
        if not forms.is_empty(value):
            self.unknown.append(name)
            self.put_unknown(name, value)

    def put_unknown(self, path: str, value: Json) -> None:
        """Put a value as it stands, as a set where its name says so; objects by their paths."""
        if isinstance(value, dict) and not is_sealed(value) and not is_masked(value):
            for inner in sorted(value):
                self.put_unknown(f"{path}.{inner}", value[inner])
            return
        is_set = path.rpartition(".")[2] in _SET_LIKE and isinstance(value, list)
        self.put(path, forms.names(value) if is_set else forms.text(value))

    def take(self, path: str, value: Json, known: Field, *, is_flex: bool) -> None:
        """Take one known field by its shape."""
        if is_masked(value) or (known.is_required and forms.is_empty(value)):
            self.masked.add(path)
            return
        if is_sealed(value):
            self.put(path, value)
            return
        match known.shape:
            case Shape.SECRET:
                self.hide(path, value)
            case Shape.MAP:
                self.take_map(path, value, known)
            case Shape.BAG:
                self.take_bag(path, value, known)
            case _:
                self.take_scalar(path, value, known, is_flex=is_flex)

    def hide(self, path: str, value: Json) -> None:
        """Take a secret that was never sealed as hidden: it must not be seen from here on."""
        if not forms.is_empty(value):
            self.masked.add(path)

    def take_scalar(self, path: str, value: Json, known: Field, *, is_flex: bool) -> None:
        """Take a single value; an empty one becomes its default."""
        normal = None if forms.is_empty(value) else known.form(value)
        if forms.is_empty(normal):
            normal = default_of(known, is_flex=is_flex)
            self.defaulted.add(path)
            value = known.written or normal
        self.put(path, normal)
        spelled = normal if value == normal else forms.spelled(value, normal)
        if spelled != normal:
            self.spelled[path] = spelled
        if isinstance(value, str | list) and _USER_MARK in str(value):
            self.put_user_info(path, value)

    def put_user_info(self, path: str, value: Json) -> None:
        """Put the fingerprints of the user info of URLs beside them."""
        found = value if isinstance(value, list) else value.split(",")
        marks = sorted({mark for each in found if (mark := forms.user_info(each))})
        if marks:
            joined = hashlib.sha256("@".join(marks).encode()).hexdigest()
            self.put(f"{path}.{USER_INFO}", {SECRET: joined})

    def take_map(self, path: str, value: Json, known: Field) -> None:
        """Take a list of entries by key; with a key twice it is a list without order."""
        entries = _entries(value, known)
        if entries is None:
            self.take_bag(path, value, known)
            return
        for key, item in entries.items():
            inner = f"{path}[{key}]"
            if known.members:
                self.take_members(inner, item, known)
            elif is_masked(item):
                self.masked.add(inner)
            else:
                self.put(inner, item)

    def take_members(self, path: str, item: Json, known: Field) -> None:
        """Take the fields inside one entry."""
        for name, member in known.members.items():
            self.take(f"{path}.{name}", item.get(name), member, is_flex=False)
        for name in sorted(item.keys() - known.members.keys()):
            self.take_unknown(f"{path}.{name}", item[name])

    def take_bag(self, path: str, value: Json, known: Field) -> None:
        """Take a list whose order has no meaning, whole and item by item."""
        items = value if isinstance(value, list) else [] if forms.is_empty(value) else [value]
        read = sorted(
            (_item(each, known) for each in items), key=lambda item: canonical(item.fields)
        )
        self.bags[path] = tuple([item.fields for item in read])
        self.put(path, [_alone(item.fields) for item in read] or None)
        if any(item.spelled for item in read):
            self.spelled[path] = [_alone({**item.fields, **item.spelled}) for item in read]
        if len(read) == 1:
            self.spelled |= {f"{path}[0].{name}": v for name, v in read[0].spelled.items()}

    def flatten(self, configuration: Mapping[str, Json]) -> None:
        """Take the configuration of an unknown policy as it is, by the paths of its objects."""
        for name in sorted(configuration):
            self.put_as_it_is(name, configuration[name])

    def put_as_it_is(self, path: str, value: Json) -> None:
        """Put a value of which nothing is known."""
        if is_masked(value):
            self.masked.add(path)
        elif isinstance(value, dict) and value and not is_sealed(value):
            for name in sorted(value):
                self.put_as_it_is(f"{path}.{name}", value[name])
        else:
            self.fields[path] = forms.text(value)

    def put(self, path: str, value: Json) -> None:
        """Put a value at its path; an empty one leaves no trace, a hidden one is remarked."""
        if is_masked(value):
            self.masked.add(path)
        elif not forms.is_empty(value):
            self.fields[path] = value


def default_of(known: Field, *, is_flex: bool) -> Json:
    """Return a field's default in normal form, or None where it is empty or not known."""
    default = known.default
    if is_flex and known.flex_default is not NO_DEFAULT:
        default = known.flex_default
    return None if default is NO_DEFAULT else default


def has_default(known: Field, *, is_flex: bool) -> bool:
    """Whether it is known what an unset field means."""
    return known.default is not NO_DEFAULT or (is_flex and known.flex_default is not NO_DEFAULT)


def _entries(value: Json, known: Field) -> dict[Json, Json] | None:
    """Return the entries of a map, or None where they have no keys or one key twice."""
    if forms.is_empty(value):
        return {}
    if isinstance(value, dict) and not known.members:
        value = [{"key": key, "value": item} for key, item in value.items()]
    if not isinstance(value, list) or known.entry is None:
        return None
    pairs = [known.entry(item) for item in value]
    found = {str(key): item for key, item in pairs if not isinstance(key, dict | list)}
    is_map = len(found) == len(pairs) and all(key is not None for key, _ in pairs)
    return {key: found[key] for key in sorted(found)} if is_map else None


class _Item(NamedTuple):
    """One item of a bag by the paths inside it, and its values as Anypoint has them."""

    fields: Mapping[str, Json]
    spelled: Mapping[str, Json]


def _item(item: Json, known: Field) -> _Item:
    builder = Builder()
    content = _content(item, known)
    if known.members and isinstance(content, dict):
        builder.take_members("", content, known)
    else:
        builder.flatten(content if isinstance(content, dict) else {"": content})
    hidden = {path: {MASKED: True} for path in builder.masked}
    held = ((path, value) for path, value in builder.fields.items() if not forms.is_empty(value))
    inside = {path.lstrip("."): _compared(value) for path, value in held}
    return _Item(
        {path: (inside | hidden)[path] for path in sorted(inside | hidden)},
        {path.lstrip("."): value for path, value in builder.spelled.items()},
    )


def _content(item: Json, known: Field) -> Json:
    """Return what an item says; an entry of a map that has a key twice is told as key and value."""
    if known.entry is None:
        return item
    key, value = known.entry(item)
    if known.members:
        return value
    return item if key is None else dict(zip(known.titles, (key, value), strict=True))


def _alone(item: Mapping[str, Json]) -> Json:
    """Return an item as it is shown: one that is no object has its value at the empty path."""
    return item.get("", item)


def _is_sample(value: Json) -> bool:
    return isinstance(value, dict) and value.get(SAMPLE) is True


def _compared(value: Json) -> Json:
    """Return a fingerprint without its marks, which take no part in comparing."""
    return {SECRET: value[SECRET]} if is_sealed(value) else value
