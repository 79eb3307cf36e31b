"""Findings: differences and broken rules with identity, weight and sentence."""

from collections.abc import Callable, Mapping

from app.posture import agreement_rules, phrases, policy_rules
from app.posture.canonical import sha256_hex
from app.posture.differences import Difference
from app.posture.field_rules import judge_configuration
from app.posture.frame import Frame
from app.posture.judgement import SEVERITIES, Ground, Judgement
from app.posture.lanes import Lane
from app.posture.model import Acceptance, Direction, Finding, Json, Kind, Scope
from app.posture.rules import RULES, Broken, broken_rules, is_active
from app.posture.secrets import shown

FINGERPRINT_LENGTH = 32

Judge = Callable[[Ground, Difference], Judgement]

JUDGES: dict[Kind, Judge] = {
    Kind.API_NOT_DEPLOYED: agreement_rules.judge_not_deployed,
    Kind.EXTRA_INSTANCE: agreement_rules.judge_extra_instance,
    Kind.PRODUCT_VERSION: agreement_rules.judge_api_version,
    Kind.ASSET_VERSION: agreement_rules.judge_api_version,
    Kind.POLICY_MISSING: policy_rules.judge_presence,
    Kind.POLICY_DISABLED: policy_rules.judge_presence,
    Kind.POLICY_VERSION: policy_rules.judge_version,
    Kind.POLICY_CONFIG: judge_configuration,
    Kind.POLICY_ORDER: policy_rules.judge_order,
    Kind.POLICY_POINTCUT: policy_rules.judge_pointcut,
    Kind.POLICY_DUPLICATE: policy_rules.judge_duplicate,
    Kind.TIER_MISSING: agreement_rules.judge_tier_missing,
    Kind.TIER_LIMITS: agreement_rules.judge_tier_limits,
    Kind.TIER_APPROVAL: agreement_rules.judge_tier_approval,
    Kind.TIER_STATUS: agreement_rules.judge_tier_status,
    Kind.CONTRACT_MISSING: agreement_rules.judge_contract_missing,
    Kind.CONTRACT_TIER: agreement_rules.judge_contract_tier,
    Kind.CONTRACT_STATUS: agreement_rules.judge_contract_status,
}
"""Which rule speaks about a kind of difference."""


def fingerprint(api_key: str | None, lane: str, kind: Kind, subject: str | None, rule: str) -> str:
    """Return what a finding is known by over all syncs; it holds no value."""
    return sha256_hex([api_key, lane, kind, subject, rule])[:FINGERPRINT_LENGTH]


def weighed(frame: Frame, api_key: str, differences: list[Difference]) -> list[Finding]:
    """Return a finding for each difference."""
    grounds: dict[str, Ground] = {}
    found = []
    for difference in differences:
        lane = difference.lane
        if lane.label not in grounds:
            effective = {side.environment_id: side.effective for side in lane.sides}
            grounds[lane.label] = Ground(frame, lane, effective)
        judgement = JUDGES[difference.kind](grounds[lane.label], difference)
        found.append(finding_of(frame, api_key, difference, judgement))
    return found


def finding_of(
    frame: Frame, api_key: str | None, difference: Difference, judgement: Judgement
) -> Finding:
    """Return a difference as weighed; an exception in force accepts it."""
    lane = difference.lane
    subject = lane.suffixed(difference.subject)
    identity = fingerprint(api_key, lane.label, difference.kind, subject, "")
    digest = sha256_hex(difference.values)
    return Finding(
        fingerprint=identity,
        values_digest=digest,
        kind=difference.kind,
        rule=judgement.rule,
        severity=judgement.severity,
        direction=judgement.direction,
        subject=subject,
        path=judgement.path,
        paths=judgement.paths,
        values=_shown_values(difference, judgement.path),
        outliers=difference.outliers,
        sentence=judgement.sentence,
        owasp=judgement.owasp,
        lane=lane.label,
        accepted=acceptance(frame.scope, identity, digest),
    )


def _shown_values(difference: Difference, path: str | None) -> dict[str, Json]:
    """Return what anybody may see; of several fields, the values of the worst one."""
    if path is None:
        return {e: shown(value) for e, value in difference.values.items()}
    told = next(change.told for change in difference.changes if change.path == path)
    return {
        e: shown(told.get(e)) if isinstance(value, dict) else value
        for e, value in difference.values.items()
    }


def acceptance(scope: Scope, identity: str, digest: str) -> Acceptance | None:
    """Return the exception in force: the same values, and not past its end."""
    known = scope.exceptions.get(identity)
    if known is None or known.values_digest != digest or scope.as_of >= known.until:
        return None
    return known


def posture_findings(
    frame: Frame, api_key: str, lane: Lane, deployed: tuple[str, ...]
) -> list[Finding]:
    """Return the broken posture rules of a lane; production is asked where there is any."""
    broken: dict[tuple[str, str | None], dict[str, Broken]] = {}
    evaluated: dict[str, bool] = {}
    for side in lane.sides:
        if side.environment_id in frame.asked:
            evaluated[side.environment_id] = is_active(side)
            for found in broken_rules(side):
                by_environment = broken.setdefault((found.rule, found.subject), {})
                by_environment[side.environment_id] = found
    return [
        _posture_finding(frame, api_key, lane, deployed, evaluated, found)
        for found in broken.values()
    ]


def _posture_finding(
    frame: Frame,
    api_key: str,
    lane: Lane,
    deployed: tuple[str, ...],
    evaluated: Mapping[str, bool],
    found: Mapping[str, Broken],
) -> Finding:
    broken = next(iter(found.values()))
    rule = RULES[broken.rule]
    subject = lane.suffixed(broken.subject)
    values: dict[str, Json] = {e: _answer(e, evaluated, found) for e in deployed}
    identity = fingerprint(api_key, lane.label, Kind.POSTURE, subject, broken.rule)
    digest = sha256_hex(values)
    return Finding(
        fingerprint=identity,
        values_digest=digest,
        kind=Kind.POSTURE,
        rule=broken.rule,
        severity=rule.severity,
        direction=Direction.NEUTRAL,
        subject=subject,
        path=None,
        paths=(),
        values=values,
        outliers=tuple(e for e in deployed if e in found),
        sentence=phrases.sentence(_posture_sentence(frame, rule.sentence, found)),
        owasp=rule.owasp,
        lane=lane.label,
        accepted=acceptance(frame.scope, identity, digest),
    )


def _posture_sentence(frame: Frame, template: str, found: Mapping[str, Broken]) -> str:
    """Return what is told of a broken rule; its numbers and names are those of one place."""
    own = next(iter(found.values())).words
    alike = [e for e, broken in found.items() if broken.words == own]
    others = [e for e in found if e not in alike]
    told = phrases.numbered(template, len(alike))
    told = told.format_map({"env": phrases.envs(frame, alike), **own})
    if others:
        more = phrases.numbered("{breaks|break} the same rule", len(others))
        told += f"; {phrases.envs(frame, others)} {more}"
    return told


def _answer(
    environment: str,
    evaluated: Mapping[str, bool],
    found: Mapping[str, Broken],
) -> bool | None:
    if environment in found:
        return True
    return False if evaluated.get(environment) else None


def in_order(findings: list[Finding]) -> tuple[Finding, ...]:
    """Return findings by severity, rule, subject and fingerprint."""
    return tuple(
        sorted(
            findings,
            key=lambda f: (SEVERITIES[f.severity], f.rule, f.subject or "", f.fingerprint),
        )
    )


def headline_rank(finding: Finding) -> tuple[int, bool, str, str, str]:
    """Return where a finding stands among those that could be a row's headline."""
    is_other = finding.kind is not Kind.POLICY_CONFIG
    rank = SEVERITIES[finding.severity]
    return rank, is_other, finding.rule, finding.subject or "", finding.fingerprint
