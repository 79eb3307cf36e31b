"""SLA tiers and contracts of an instance, in normal form."""

import unicodedata
from collections.abc import Mapping
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


class Tiers(NamedTuple):
    """The tiers of one instance, as sent."""

    every: tuple[Tier, ...]
    names: tuple[str, ...]
    active: int


class Contract(NamedTuple):
    """One application's contract with an instance."""

    application_id: int | None
    application: str
    status: str
    tier: str | None
    requested_tier: str | None


class Contracts(NamedTuple):
    """The contracts of one instance, as sent."""

    every: tuple[Contract, ...]
    approved: int


_TIERS: Memory[bytes, Tiers] = Memory(4096)
_CONTRACTS: Memory[bytes, Contracts] = Memory(2048)


def read_tiers(section: Section) -> Tiers | None:
    """Return an instance's tiers, or None where the section was not read."""
    if section.not_read is not None:
        return None
    known = _TIERS.get(section.digest) if section.digest else None
    if known is not None:
        return known
    made = _tiers(section.content())
    return _TIERS.keep(section.digest, made) if section.digest else made


def read_contracts(section: Section) -> Contracts | None:
    """Return an instance's contracts, or None where the section was not read."""
    if section.not_read is not None:
        return None
    known = _CONTRACTS.get(section.digest) if section.digest else None
    if known is not None:
        return known
    made = _contracts(section.content())
    return _CONTRACTS.keep(section.digest, made) if section.digest else made


def _tiers(bodies: list[TierBody]) -> Tiers:
    every = tuple(
        Tier(
            body["name"],
            limits(body["limits"]),
            (body["status"] or ACTIVE).strip().upper(),
            body["auto_approve"],
        )
        for body in bodies
    )
    return Tiers(every, tuple(t.name for t in every), sum(t.is_active for t in every))


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


def _contracts(bodies: list[ContractBody]) -> Contracts:
    every = tuple(
        Contract(
            body["application_id"],
            body["application"],
            body["status"],
            body["tier"],
            body["requested_tier"],
        )
        for body in bodies
    )
    return Contracts(every, sum(contract.status == APPROVED for contract in every))


def tier_key(name: str) -> str:
    """Return what makes tiers of different spelling one: NFC, blanks collapsed, casefolded."""
    return " ".join(unicodedata.normalize("NFC", name).split()).casefold()
