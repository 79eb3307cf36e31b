"""Comparing SLA tiers and contracts of a lane."""

from collections import defaultdict
from collections.abc import Mapping
from typing import NamedTuple

from app.posture.agreements import NO_TIER, Contract, Tier, tier_key
from app.posture.consumers import Consumer, consumers_of
from app.posture.differences import Difference, are_equal, outliers_of, spread
from app.posture.frame import Frame
from app.posture.lanes import Lane, LinedUp, are_the_same
from app.posture.matching import told_apart
from app.posture.model import Json, Kind, Note, SectionName


class TierSlot(NamedTuple):
    """One tier over the environments of a lane that were read."""

    subject: str
    members: Mapping[str, Tier]
    spellings: tuple[str, ...]


def tier_slots(held: Mapping[str, tuple[Tier, ...]]) -> tuple[TierSlot, ...]:
    """Line up tiers by name; equal names of one environment by rank of their limits."""
    found: dict[tuple[str, int], dict[str, Tier]] = defaultdict(dict)
    for environment, tiers in held.items():
        seen: dict[str, int] = defaultdict(int)
        for tier in sorted(tiers, key=_rank):
            key = tier_key(tier.name)
            seen[key] += 1
            found[key, seen[key]][environment] = tier
    slots = []
    taken: dict[str, int] = {}
    for (_, number), members in sorted(found.items()):
        spellings = tuple(dict.fromkeys(tier.name for tier in members.values()))
        again = f"~{number}" if number > 1 else ""
        subject = told_apart(spellings[0].strip() + again, taken)
        slots.append(TierSlot(subject, members, spellings))
    return tuple(slots)


def _rank(tier: Tier) -> tuple[str, str]:
    return str(list(tier.limits.items())), tier.name


def compare_tiers(
    lined: LinedUp, lane: Lane, differences: list[Difference], notes: list[Note]
) -> None:
    """Add the differences and notes of a lane's tiers."""
    sections = [s.reading.tiers for s in lane.sides if s.reading.tiers.not_read is None]
    if len(sections) < 2 or are_the_same(sections):
        return
    held = {s.environment_id: s.tiers.every for s in lane.sides if s.tiers is not None}
    not_read = [s.environment_id for s in lane.sides if s.tiers is None]
    for slot in tier_slots(held):
        if _is_alike(slot, held):
            continue
        for kind, votes in _tier_votes(slot, list(held)):
            if not are_equal(votes):
                differences.append(_difference(kind, lined, lane, slot, votes, not_read))
        if len(slot.spellings) > 1:
            sentence = f"{' and '.join(slot.spellings)[:120]} are taken to be one tier"
            subject = lane.suffixed(slot.subject)
            notes.append(Note("tier_name_case", sentence, SectionName.TIERS, subject))


def _tier_votes(slot: TierSlot, read: list[str]) -> list[tuple[Kind, dict[str, Json]]]:
    members = slot.members
    return [
        (Kind.TIER_MISSING, {e: True if e in members else None for e in read}),
        (Kind.TIER_LIMITS, {e: limits_shown(tier) for e, tier in members.items()}),
        (Kind.TIER_APPROVAL, {e: tier.is_automatic for e, tier in members.items()}),
        (Kind.TIER_STATUS, {e: tier.status for e, tier in members.items()}),
    ]


def limits_shown(tier: Tier) -> Json:
    """Return a tier's limits in the words of Anypoint, windows in order."""
    return [
        {"maximumRequests": maximum, "timePeriodInMilliseconds": window}
        for window, maximum in tier.limits.items()
    ]


def compare_contracts(
    frame: Frame, lined: LinedUp, lane: Lane, differences: list[Difference], notes: list[Note]
) -> None:
    """Add the differences and notes of a lane's contracts."""
    read = [side.contracts.rows for side in lane.sides if side.contracts is not None]
    if len(read) < 2 or (all(own == read[0] for own in read) and not _any_wish(read[0])):
        return
    held = {s.environment_id: s.contracts.every for s in lane.sides if s.contracts is not None}
    not_read = [s.environment_id for s in lane.sides if s.contracts is None]
    found = consumers_of(frame, held)
    notes += found.notes
    for consumer in found.every:
        if _is_alike(consumer, held):
            continue
        for kind, votes in _contract_votes(consumer, list(held)):
            if not are_equal(votes):
                differences.append(_difference(kind, lined, lane, consumer, votes, not_read))
        _note_pending(lane, consumer, notes)
    if any(d.kind is Kind.CONTRACT_MISSING and d.lane is lane for d in differences):
        sentence = "Contracts granted through API groups are not read and may stand in for some"
        notes.append(Note("group_contracts_not_read", sentence, SectionName.CONTRACTS))


def _contract_votes(consumer: Consumer, read: list[str]) -> list[tuple[Kind, dict[str, Json]]]:
    members = consumer.members
    votes: list[tuple[Kind, dict[str, Json]]] = [
        (Kind.CONTRACT_MISSING, {e: True if e in members else None for e in read}),
        (Kind.CONTRACT_STATUS, {e: c.status for e, c in members.items()}),
    ]
    names: dict[str, str] = {}  # one spelling for each tier
    tiers = {
        e: names.setdefault(tier_key(c.tier or ""), c.tier or NO_TIER) for e, c in members.items()
    }
    return [*votes, (Kind.CONTRACT_TIER, tiers)]


def _note_pending(lane: Lane, consumer: Consumer, notes: list[Note]) -> None:
    wishes = {c.requested_tier for c in consumer.members.values() if _is_pending(c)}
    for wish in sorted(w for w in wishes if w):
        sentence = f"{consumer.subject[:60]} has asked for the tier {wish[:60]}"
        subject = lane.suffixed(consumer.subject)
        notes.append(Note("tier_change_pending", sentence, SectionName.CONTRACTS, subject))


def _is_pending(contract: Contract) -> bool:
    wish = contract.requested_tier
    return wish is not None and tier_key(wish) != tier_key(contract.tier or "")


def _is_alike(slot: TierSlot | Consumer, held: Mapping[str, object]) -> bool:
    """Whether every environment holds the very same, with nothing to remark."""
    first, *others = slot.members.values()
    is_everywhere = len(others) + 1 == len(held) and all(other == first for other in others)
    return is_everywhere and not (isinstance(first, Contract) and _is_pending(first))


def _any_wish(rows: tuple[tuple[Json, ...], ...]) -> bool:
    return any(row[4] is not None for row in rows)


def _difference(
    kind: Kind,
    lined: LinedUp,
    lane: Lane,
    slot: TierSlot | Consumer,
    votes: dict[str, Json],
    not_read: list[str],
) -> Difference:
    return Difference(
        kind,
        slot.subject,
        lane,
        votes,
        spread(lined.deployed, votes, not_read),
        outliers_of(votes),
        slot.members,
    )
