"""Whether a finding of an earlier sync could have been seen by this one."""

from collections.abc import Collection, Iterable

from app.posture.model import Kind, NotRead, SectionName

INSTANCES = "instances"

_POLICIES = frozenset({SectionName.POLICIES, SectionName.AUTOMATED})
_SECTIONS = {
    "api": frozenset[SectionName](),
    "extra": frozenset[SectionName](),
    "product": frozenset[SectionName](),
    "asset": frozenset[SectionName](),
    "policy": _POLICIES,
    "automated": frozenset({SectionName.AUTOMATED}),
    "tier": frozenset({SectionName.TIERS}),
    "contract": frozenset({SectionName.CONTRACTS}),
    "posture": _POLICIES | {SectionName.TIERS, SectionName.CONTRACTS},
}


def needs_what_was_not_read(
    kind: str, environment_ids: Collection[str], not_read: Iterable[NotRead]
) -> bool:
    """Tell whether a finding that speaks of these environments needs what was not read now.

    Where an API is not deployed it has no value, so of that one any list that is unread may speak.
    """
    is_anywhere = kind == Kind.API_NOT_DEPLOYED
    needed = _SECTIONS[Kind(kind).partition("_")[0]]
    return any(
        (is_anywhere or part.environment_id in environment_ids)
        and (part.section == INSTANCES or part.section in needed)
        for part in not_read
    )
