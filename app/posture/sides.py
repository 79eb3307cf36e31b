"""One instance as it is compared: its sections, understood when they are asked for."""

from app.posture.agreements import Contracts, Tiers, read_contracts, read_tiers
from app.posture.applied import Effective, Policies, read_policies
from app.posture.automated import Automated, is_flex
from app.posture.effective import effective_of
from app.posture.frame import Frame
from app.posture.model import FactsBody, InstanceReading

EMPTY_LIST_OF_CONTRACTS = "the list is empty although contracts are active"


class Side:
    """One instance of a lane; a section is None where it was not read.

    Sections with equal digests need not be understood to be known as equal, so each is read when
    it is first asked for.
    """

    __slots__ = (
        "_contracts",
        "_effective",
        "_policies",
        "_tiers",
        "automated",
        "environment_id",
        "facts",
        "instance_id",
        "reading",
    )

    def __init__(self, frame: Frame, reading: InstanceReading) -> None:
        self.environment_id = reading.environment_id
        self.instance_id = reading.instance_id
        self.facts: FactsBody = reading.facts.content()
        self.reading = reading
        self.automated = _applying(frame.automated[reading.environment_id], self.facts)

    @property
    def policies(self) -> Policies | None:
        """Its own policies."""
        try:
            return self._policies
        except AttributeError:
            flex = is_flex(self.facts["technology"])
            self._policies: Policies | None = read_policies(self.reading.policies, is_flex=flex)
            return self._policies

    @property
    def tiers(self) -> Tiers | None:
        """Its SLA tiers."""
        try:
            return self._tiers
        except AttributeError:
            self._tiers: Tiers | None = read_tiers(self.reading.tiers)
            return self._tiers

    @property
    def contracts(self) -> Contracts | None:
        """Its contracts; an empty list while contracts are active was not read."""
        try:
            return self._contracts
        except AttributeError:
            found = read_contracts(self.reading.contracts)
            is_odd = found is not None and not found.rows and self.facts["active_contracts"]
            self._contracts: Contracts | None = None if is_odd else found
            return self._contracts

    @property
    def contracts_not_read(self) -> str | None:
        """Why the contracts are not known, or None where they are."""
        if self.contracts is not None:
            return None
        return self.reading.contracts.not_read or EMPTY_LIST_OF_CONTRACTS

    @property
    def effective(self) -> Effective:
        """What runs before it."""
        try:
            return self._effective
        except AttributeError:
            self._effective: Effective = effective_of(self.policies, self.automated)
            return self._effective


def _applying(
    automated: tuple[Automated, ...] | None, facts: FactsBody
) -> tuple[Automated, ...] | None:
    """Return the automated policies that apply, or None where they were not read."""
    if not automated:
        return automated
    technology = facts["technology"]
    return tuple([each for each in automated if each.applies_to(technology)])
