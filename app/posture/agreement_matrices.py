"""The matrices of SLA tiers and contracts."""

from collections.abc import Iterator

from app.posture import words
from app.posture.agreement_comparison import limits_shown, tier_slots
from app.posture.agreements import NO_TIER, Contract, Tier
from app.posture.columns import Column, cells, differing, marks_of, members_by_column
from app.posture.consumers import consumers_of
from app.posture.frame import Frame
from app.posture.lanes import LinedUp
from app.posture.model import ApiPosture, ContractBody, MatrixCell, MatrixRow, SectionName
from app.posture.sides import Side


def tier_rows(
    lined: LinedUp, columns: tuple[Column, ...], posture: ApiPosture
) -> Iterator[MatrixRow]:
    """Yield a row for each tier of each lane."""
    marks = marks_of(posture)
    for lane in lined.lanes:
        held = {s.environment_id: s.tiers.every for s in lane.sides if s.tiers is not None}
        for slot in tier_slots(held):
            members = members_by_column(columns, lane, slot.members)
            told = [_tier(tier) if tier else None for tier in members]
            marked = differing(marks, lane, slot.subject)
            yield MatrixRow(
                lane.suffixed(slot.subject) or slot.subject,
                cells(columns, lane, SectionName.TIERS, told, marked),
                bool(marked),
            )


def _tier(tier: Tier) -> MatrixCell:
    facts = {
        "limits": limits_shown(tier),
        "approval": "automatic" if tier.is_automatic else "by hand",
        "status": tier.status,
    }
    return MatrixCell(facts, words.rates(tier.limits))


def contract_rows(
    frame: Frame, lined: LinedUp, columns: tuple[Column, ...], posture: ApiPosture
) -> Iterator[MatrixRow]:
    """Yield a row for each consumer of each lane."""
    marks = marks_of(posture)
    for lane in lined.lanes:
        held = {s.environment_id: s.contracts.every for s in lane.sides if s.contracts is not None}
        approved = {s.environment_id: _approved_at(s) for s in lane.sides}
        for consumer in consumers_of(frame, held).every:
            members = members_by_column(columns, lane, consumer.members)
            told = [
                _contract(contract, approved[column.environment_id]) if contract else None
                for column, contract in zip(columns, members, strict=True)
            ]
            marked = differing(marks, lane, consumer.subject)
            yield MatrixRow(
                lane.suffixed(consumer.subject) or consumer.subject,
                cells(columns, lane, SectionName.CONTRACTS, told, marked),
                bool(marked),
            )


Dates = dict[tuple[int | None, str], str | None]


def _approved_at(side: Side) -> Dates:
    """Return when contracts were approved: shown, never compared."""
    if side.contracts is None:
        return {}
    bodies: list[ContractBody] = side.reading.contracts.content()
    return {(body["application_id"], body["application"]): body["approved_at"] for body in bodies}


def _contract(contract: Contract, approved: Dates) -> MatrixCell:
    facts = {
        "status": contract.status,
        "tier": contract.tier or NO_TIER,
        "requested tier": contract.requested_tier,
        "approved at": approved[contract.application_id, contract.application],
        "application": contract.application,
    }
    return MatrixCell(facts, f"{contract.status.lower()}, {contract.tier or NO_TIER}")
