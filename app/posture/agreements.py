"""SLA tiers and contracts of an instance, in normal form."""

import unicodedata
from collections.abc import Mapping
from functools import lru_cache
from operator import itemgetter
from typing import NamedTuple

from app.posture.canonical import canonical
from app.posture.forms import integer
from app.posture.memory import Memory
from app.posture.model import ContractBody, Json, LimitBody, Section, TierBody

ACTIVE = "ACTIVE"
APPROVED = "APPROVED"
NO_TIER = "(no tier)"


class Tier(NamedTuple):
    """One SLA tier; `limits` is its maximum by window in milliseconds."""

    name: str
    limits: Mapping[Json, Json]
    status: str
    is_automatic: bool

    @property
    def is_active(self) -> bool:
        """Whether new contracts may use it."""
        return self.status == ACTIVE


class Tiers:
    """The tiers of one instance, as sent; understood when they are asked for."""

    __slots__ = ("_bodies", "_every", "active", "names")

    def __init__(self, bodies: list[TierBody]) -> None:
        self._bodies = bodies
        self._every: tuple[Tier, ...] | None = None
        self.names = tuple(sorted([body["name"] for body in bodies]))
        self.active = sum([_status(body) == ACTIVE for body in bodies])

    @property
    def every(self) -> tuple[Tier, ...]:
        """All tiers."""
        if self._every is None:
            self._every = tuple([_tier(body) for body in self._bodies])
        return self._every


def _status(body: TierBody) -> str:
    return (body["status"] or ACTIVE).strip().upper()


def _tier(body: TierBody) -> Tier:
    return Tier(body["name"], limits(body["limits"]), _status(body), body["auto_approve"])


class Contract(NamedTuple):
    """One application's contract with an instance."""

    application_id: int | None
    application: str
    status: str
    tier: str | None
    requested_tier: str | None


_parts = itemgetter("application_id", "application", "status", "tier", "requested_tier")


class Contracts:
    """The contracts of one instance, as sent: rows of what is compared."""

    __slots__ = ("_every", "rows")

    def __init__(self, bodies: list[ContractBody]) -> None:
        self.rows = tuple(map(_parts, bodies))
        self._every: tuple[Contract, ...] | None = None

    @property
    def approved(self) -> int:
        """How many are approved."""
        return [row[2] for row in self.rows].count(APPROVED)

    @property
    def every(self) -> tuple[Contract, ...]:
        """All contracts."""
        if self._every is None:
            self._every = tuple([Contract(*row) for row in self.rows])
        return self._every


_TIERS: Memory[bytes, Tiers] = Memory(4096)


def read_tiers(section: Section) -> Tiers | None:
    """Return an instance's tiers, or None where the section was not read."""
    if section.not_read is not None:
        return None
    known = _TIERS.get(section.digest) if section.digest else None
    if known is not None:
        return known
    made = Tiers(section.content())
    return _TIERS.keep(section.digest, made) if section.digest else made


def read_contracts(section: Section) -> Contracts | None:
    """Return an instance's contracts, or None where the section was not read."""
    if section.not_read is not None:
        return None
    return Contracts(section.content())  # approval dates make each one unlike all others


def limits(bodies: list[LimitBody]) -> dict[Json, Json]:
    """Return the maximum by window, windows in order; of one window twice the tighter counts."""
    pairs = [(_plain(body["milliseconds"]), _plain(body["maximum"])) for body in bodies]
    pairs.sort(key=lambda pair: (_rank(pair[0]), _rank(pair[1])), reverse=True)
    return dict(reversed(list(dict(pairs).items())))


def _plain(value: Json) -> Json:
    """Return a whole number, or a text where an odd value stands in its place."""
    number = integer(value)
    return number if isinstance(number, int | str | None) else canonical(number)


def _rank(value: Json) -> tuple[bool, int, str]:
    is_number = isinstance(value, int)
    return not is_number, value if is_number else 0, str(value)


@lru_cache(maxsize=4096)
def tier_key(name: str) -> str:
    """Return what makes tiers of different spelling one: NFC, blanks collapsed, casefolded."""
    return " ".join(unicodedata.normalize("NFC", name).split()).casefold()
