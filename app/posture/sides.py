"""One instance as it is compared: its sections, understood when they are asked for."""

from collections.abc import Callable

from app.posture.agreements import Contracts, Tiers, read_contracts, read_tiers
from app.posture.applied import Effective, Policies, read_policies
from app.posture.automated import Automated, is_flex
from app.posture.effective import effective_of
from app.posture.frame import Frame
from app.posture.model import FactsBody, InstanceReading, Section

EMPTY_LIST_OF_CONTRACTS = "the list is empty although contracts are active"


class Side:
    """One instance of a lane; a section is None where it was not read.

    Sections with equal digests need not be understood to be known as equal, so each is read when
    it is first asked for; dates make contracts unlike all others, so they are read at once.
    """

    __slots__ = (
        "automated",
        "contracts",
        "effective",
        "environment_id",
        "facts",
        "instance_id",
        "policies",
        "reading",
        "tiers",
    )

    environment_id: str
    instance_id: int
    facts: FactsBody
    policies: Policies | None
    tiers: Tiers | None
    contracts: Contracts | None  # None too where none are listed although some are active
    automated: tuple[Automated, ...] | None  # those that apply
    effective: Effective  # what runs before it

    def __init__(self, frame: Frame, reading: InstanceReading) -> None:
        self.environment_id = reading.environment_id
        self.instance_id = reading.instance_id
        self.facts = reading.facts.content()
        self.reading = reading
        self.automated = _applying(frame.automated[reading.environment_id], self.facts)
        self.contracts = _contracts(reading.contracts, self.facts)

    def __getattr__(self, name: str) -> object:
        """Understand what was not asked for before; from then on it is a plain attribute."""
        value = _UNDERSTOOD[name](self)
        setattr(self, name, value)
        return value

    @property
    def contracts_not_read(self) -> str | None:
        """Why the contracts are not known, or None where they are."""
        if self.contracts is not None:
            return None
        return self.reading.contracts.not_read or EMPTY_LIST_OF_CONTRACTS


def _policies(side: Side) -> Policies | None:
    return read_policies(side.reading.policies, is_flex=is_flex(side.facts["technology"]))


def _tiers(side: Side) -> Tiers | None:
    return read_tiers(side.reading.tiers)


def _contracts(section: Section, facts: FactsBody) -> Contracts | None:
    found = read_contracts(section)
    is_odd = found is not None and not found.rows and facts["active_contracts"]
    return None if is_odd else found


def _effective(side: Side) -> Effective:
    return effective_of(side.policies, side.automated)


_UNDERSTOOD: dict[str, Callable[[Side], object]] = {
    "policies": _policies,
    "tiers": _tiers,
    "effective": _effective,
}


def _applying(
    automated: tuple[Automated, ...] | None, facts: FactsBody
) -> tuple[Automated, ...] | None:
    """Return the automated policies that apply, or None where they were not read."""
    if not automated:
        return automated
    technology = facts["technology"]
    return tuple([each.on(technology) for each in automated if each.applies_to(technology)])
