"""Automated policies compared between environments; their findings belong to no API."""

from collections.abc import Iterator, Mapping

from app.posture import phrases, words
from app.posture.applied import Applied
from app.posture.automated import Automated
from app.posture.changes import compared
from app.posture.differences import (
    Change,
    Difference,
    are_equal,
    outliers_of,
    outliers_of_changes,
    spread,
)
from app.posture.direction import IN_PRODUCTION, NEUTRAL, direction_of
from app.posture.expected import as_expected, watched
from app.posture.families import AUTHENTICATES, PROTECTIVE, Family
from app.posture.field_rules import judge_configuration
from app.posture.fields import Field
from app.posture.findings import finding_of, in_order
from app.posture.frame import Frame
from app.posture.judgement import API8, CRITICAL, HIGH, LOW, Ground, Judgement
from app.posture.lanes import Lane
from app.posture.model import Finding, Json, Kind
from app.posture.policy_rules import covers_less
from app.posture.slots import names_of_several, slots_by_policy

GUARDING = AUTHENTICATES | {Family.TRAFFIC, Family.NETWORK}
_NO_LANE = Lane(())


def automated_findings(frame: Frame) -> tuple[Finding, ...]:
    """Return the findings about automated policies of the environments where they were read."""
    read = {e: own for e, own in frame.automated.items() if own is not None}
    if len(read) < 2:
        return ()
    ground = Ground(frame, _NO_LANE, {})
    found = [
        finding_of(frame, None, difference, _judge(ground, difference))
        for difference in _differences(frame, read)
    ]
    return in_order(found)


def _differences(frame: Frame, read: Mapping[str, tuple[Automated, ...]]) -> Iterator[Difference]:
    environments = list(frame.environments)
    not_read = [e for e in environments if e not in read]
    rules = {e: {_labelled(each): each for each in own} for e, own in read.items()}
    held = {e: list(own) for e, own in rules.items()}
    ambiguous = names_of_several(policy for own in held.values() for policy in own)
    for slot in slots_by_policy(held, ambiguous):
        votes: dict[str, Json] = {e: True if e in slot.members else None for e in read}
        if None in votes.values():
            yield Difference(
                Kind.AUTOMATED_POLICY_MISSING,
                slot.subject,
                _NO_LANE,
                votes,
                spread(environments, votes, not_read),
                outliers_of(votes),
                slot.members,
            )
        changes = _changes(frame, slot.identity[1], slot.members, rules)
        if changes:
            fields = {e: {c.path: c.votes.get(e) for c in changes} for e in slot.members}
            yield Difference(
                Kind.AUTOMATED_POLICY_CONFIG,
                slot.subject,
                _NO_LANE,
                fields,
                spread(environments, fields, not_read),
                outliers_of_changes(changes, slot.members),
                slot.members,
                changes,
            )


def _labelled(automated: Automated) -> Applied:
    """Return a policy by whose label one gateway's rule is told from another's of the same policy."""
    label = " ".join([automated.policy.label, *sorted(automated.technologies)]).strip()
    return automated.policy._replace(label=label)


def _changes(
    frame: Frame,
    asset_id: str,
    members: Mapping[str, Applied],
    rules: Mapping[str, Mapping[Applied, Automated]],
) -> tuple[Change, ...]:
    """Return the changed fields, those of the rule of application among them."""
    if len(members) < 2:
        return ()
    flex = dict.fromkeys(members, False)
    changes = list(compared(members, flex, watched(frame, None, asset_id)).changes)
    pseudo: dict[str, dict[str, Json]] = {
        "assetVersion": {e: p.version for e, p in members.items()},
        "disabled": {e: p.is_off for e, p in members.items()},
        "pointcutData": {e: [list(pair) for pair in p.pointcut] for e, p in members.items()},
        "technologies": {e: sorted(rules[e][p].technologies) for e, p in members.items()},
        "range": {e: rules[e][p].range for e, p in members.items()},
    }
    changes += [
        Change(path, _PSEUDO, votes) for path, votes in pseudo.items() if not are_equal(votes)
    ]
    return as_expected(frame, None, asset_id, tuple(changes)).changes


_PSEUDO = Field()


def _judge(ground: Ground, difference: Difference) -> Judgement:
    if difference.kind is Kind.AUTOMATED_POLICY_MISSING:
        return judge_missing(ground, difference)
    return judge_automated_configuration(ground, difference)


def judge_missing(ground: Ground, difference: Difference) -> Judgement:
    """D21: an automated policy is missing in some environments."""
    policy: Applied = next(iter(difference.members.values()))
    has = {e: vote is True for e, vote in difference.votes.items()}
    where = phrases.envs(ground.frame, [e for e in has if not has[e]])
    told = words.policy(difference.subject or "")
    sentence = phrases.sentence(f"Automated policy {told} is missing in {where}")
    direction = NEUTRAL
    if policy.is_of(PROTECTIVE):
        direction = direction_of(ground.frame, has, lambda a, b: not a and b)
    is_high = direction is IN_PRODUCTION and policy.is_of(GUARDING)
    return Judgement("D21", HIGH if is_high else LOW, direction, API8, sentence)


def judge_automated_configuration(ground: Ground, difference: Difference) -> Judgement:
    """D22: an automated policy has other values; weighed as the class, at most high."""
    judged = judge_configuration(ground, difference, prefix="Automated policy ")
    policy: Applied = next(iter(difference.members.values()))
    severity, direction = judged.severity, judged.direction
    if policy.is_of(GUARDING) and _reach_direction(ground, difference) is IN_PRODUCTION:
        severity, direction = HIGH, IN_PRODUCTION
    if direction is not IN_PRODUCTION:
        severity = LOW
    if severity is CRITICAL:
        severity = HIGH
    return judged._replace(rule="D22", severity=severity, direction=direction, owasp=API8)


def _reach_direction(ground: Ground, difference: Difference) -> object:
    """Return where the policy is off or covers less than elsewhere."""
    members: Mapping[str, Applied] = difference.members
    return direction_of(
        ground.frame,
        members,
        lambda a, b: (a.is_off and not b.is_off) or covers_less(a.pointcut, b.pointcut),
    )
