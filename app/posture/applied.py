"""One policy as applied somewhere, and the list of them that an instance has."""

import re
from collections.abc import Iterable
from typing import NamedTuple

from app.posture import forms
from app.posture.canonical import canonical
from app.posture.families import CORS_POLICY, Family, families
from app.posture.memory import Memory
from app.posture.model import PointcutBody, PolicyBody, Section
from app.posture.normalisation import Configuration, configuration_of

WHOLE_API: tuple[tuple[str, str], ...] = ()
Pointcut = tuple[tuple[str, str], ...]
Identity = tuple[str, str]

_ALTERNATION = re.compile(r"[A-Za-z]+(?:\|[A-Za-z]+)*")


class Applied(NamedTuple):
    """A policy as applied to an instance, or automated in an environment."""

    identity: Identity
    group_id: str | None
    asset_id: str
    version: str | None
    is_off: bool
    order: int | None
    pointcut: Pointcut
    label: str
    configuration: Configuration
    families: tuple[Family, ...]

    @property
    def is_cors(self) -> bool:
        """Whether it is the policy that the gateway runs first whatever its number."""
        return self.asset_id == CORS_POLICY and Family.CORS in self.families

    def is_of(self, wanted: frozenset[Family]) -> bool:
        """Whether it belongs to one of these families."""
        return not wanted.isdisjoint(self.families)


class Policies(NamedTuple):
    """The policies of one instance, and those of them that are switched on."""

    applied: tuple[Applied, ...]
    enabled: tuple[Applied, ...]
    families: frozenset[Family]  # of the enabled ones
    has_remarks: bool  # something may be hidden, or is not in the table


_READ: Memory[tuple[bytes, bool], Policies] = Memory(4096)


def read_policies(section: Section, *, is_flex: bool) -> Policies | None:
    """Return an instance's policies, or None where the section was not read."""
    if section.not_read is not None:
        return None
    key = (section.digest, is_flex)
    known = _READ.get(key) if section.digest else None
    if known is not None:
        return known
    made = _policies(section.content(), is_flex=is_flex)
    return _READ.keep(key, made) if section.digest else made


def _policies(bodies: list[PolicyBody], *, is_flex: bool) -> Policies:
    every = tuple([applied(body, is_flex=is_flex) for body in bodies])
    enabled = tuple([policy for policy in every if not policy.is_off])
    return Policies(
        every,
        enabled,
        families_of(enabled),
        any(policy.configuration.has_remarks for policy in every),
    )


def families_of(policies: Iterable[Applied]) -> frozenset[Family]:
    """Return the families that some policies belong to."""
    return frozenset([family for policy in policies for family in policy.families])


def applied(body: PolicyBody, *, is_flex: bool) -> Applied:
    """Return a policy in normal form."""
    group_id, asset_id = body["group_id"], body["asset_id"]
    pairs = body["pointcut"]
    return Applied(
        (group_id or "", asset_id),
        group_id,
        asset_id,
        body["asset_version"],
        body["disabled"],
        body["order"],
        pointcut(pairs) if pairs else WHOLE_API,
        (body["label"] or "").strip(),
        configuration_of(group_id, asset_id, body["configuration"], is_flex=is_flex),
        families(group_id, asset_id),
    )


def pointcut(pairs: list[PointcutBody]) -> Pointcut:
    """Return the set of pairs, sorted; a plain alternation of methods is itself a set."""
    return tuple(sorted({(_methods(pair["method"]), forms.text(pair["uri"])) for pair in pairs}))


def _methods(method: str) -> str:
    if _ALTERNATION.fullmatch(method):
        return "|".join(sorted(set(method.upper().split("|"))))
    return str(forms.text(method))


def rank(policy: Applied) -> tuple[str, str, bool, int]:
    """Return what tells equal applications of one policy apart: pointcut, values, order."""
    order = policy.order
    return canonical(policy.pointcut), policy.configuration.key, order is None, order or 0
