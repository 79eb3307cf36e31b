"""Values of the target that are meant for the origin: allowed there, and known to be the other's."""

from collections.abc import Iterator, Mapping

from app.posture import globs, words
from app.posture.applied import Applied
from app.posture.canonical import canonical
from app.posture.expected import fits
from app.posture.frame import Frame
from app.posture.lanes import LinedUp
from app.posture.model import ExpectedDifference, Json
from app.posture.phrases import sentence
from app.posture.promotion import Promotion

Allowance = Mapping[str, Json]


def borrowed(promotion: Promotion, frame: Frame, api_key: str, lined: LinedUp) -> Iterator[str]:
    """Yield a sentence for each value of the target that is in the origin's narrower allowance.

    What is outside the target's own allowance is a difference of the core's, and not told here.
    """
    sides = [side for lane in lined.lanes for side in lane.sides]
    for side in sides:
        if side.environment_id == promotion.target.id and side.policies is not None:
            for policy in side.policies.enabled:
                yield from _of_policy(promotion, frame, api_key, policy)


def _of_policy(promotion: Promotion, frame: Frame, api_key: str, policy: Applied) -> Iterator[str]:
    for each in expectations(frame, api_key, policy.asset_id):
        if _is_borrowed(promotion, each, policy):
            where, whose = words.name(promotion.target.name), words.name(promotion.origin.name)
            setting = f"{words.policy(policy.asset_id)}: {words.field(each.path)}"
            yield sentence(f"{setting} in {where} has a value that is expected in {whose}")


def expectations(frame: Frame, api_key: str, asset_id: str) -> tuple[ExpectedDifference, ...]:
    """Return what is expected to differ in a policy of an API."""
    return tuple(
        each for each in frame.expected.get(asset_id, ()) if each.api_key in (None, api_key)
    )


def _is_borrowed(promotion: Promotion, each: ExpectedDifference, policy: Applied) -> bool:
    own = each.allowances.get(promotion.target.id)
    others = each.allowances.get(promotion.origin.id)
    fields = policy.configuration.fields
    if own is None or others is None or each.path not in fields or _is_as_wide(others, own):
        return False
    known, value = policy.configuration.field_at(each.path), fields[each.path]
    return fits(known, value, own) and fits(known, value, others)


def _is_as_wide(one: Allowance, other: Allowance) -> bool:
    """Whether the first allows all that the second does: then it tells nothing apart."""
    if one.get("any") is True:
        return True
    if other.get("any") is True:
        return False
    if "matches" in one:
        return globs.matches(_text(other), str(one["matches"]))
    return canonical(dict(one)) == canonical(dict(other))


def _text(allowance: Allowance) -> str:
    value = allowance.get("matches", allowance.get("equals"))
    return value if isinstance(value, str) else canonical(value)
