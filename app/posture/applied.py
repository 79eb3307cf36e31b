"""One policy as applied somewhere, and the list of them that an instance has."""

import marshal
import re
from collections.abc import Iterable
from typing import NamedTuple

from app.posture import forms
from app.posture.canonical import canonical
from app.posture.families import AUTHENTICATES, CORS_POLICY, Family, families, is_outbound
from app.posture.memory import Memory
from app.posture.model import MULESOFT_GROUP, PointcutBody, PolicyBody, Section
from app.posture.normalisation import Configuration, configuration_of

WHOLE_API: tuple[tuple[str, str], ...] = ()
Pointcut = tuple[tuple[str, str], ...]
Identity = tuple[str, str]

_ALL_OF_ALL = (".*", ".*")
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

    @property
    def is_outbound(self) -> bool:
        """Whether it runs on the way to the upstream, after all that guard the way in."""
        return is_outbound(self.group_id, self.asset_id)

    def is_of(self, wanted: frozenset[Family]) -> bool:
        """Whether it belongs to one of these families."""
        return not wanted.isdisjoint(self.families)


class Effective(NamedTuple):
    """The enabled policies of an instance. Without `is_whole`, something is unread."""

    own: tuple[Applied, ...]
    automated: tuple[Applied, ...]
    families: frozenset[Family]
    is_whole: bool

    @property
    def policies(self) -> tuple[Applied, ...]:
        """What runs, wherever it comes from."""
        return (*self.automated, *self.own) if self.automated else self.own

    def of(self, wanted: frozenset[Family]) -> tuple[Applied, ...]:
        """Return the enabled policies of these families."""
        return tuple([policy for policy in self.policies if policy.is_of(wanted)])

    @property
    def is_bare(self) -> bool:
        """Whether it is known that nothing authenticates or identifies a caller."""
        return self.is_whole and self.families.isdisjoint(AUTHENTICATES)


class Policies(NamedTuple):
    """The policies of one instance, and those of them that are switched on."""

    applied: tuple[Applied, ...]
    enabled: tuple[Applied, ...]
    families: frozenset[Family]  # of the enabled ones
    has_remarks: bool  # something may be hidden, or is not in the table
    has_pointcuts: bool  # an enabled one covers a part of the API only
    effective: Effective  # what runs where no automated policy applies


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
    families = families_of(enabled)
    return Policies(
        every,
        enabled,
        families,
        True in [policy.configuration.has_remarks for policy in every],
        any(policy.pointcut for policy in enabled),
        Effective(enabled, (), families, is_whole=True),
    )


def families_of(policies: Iterable[Applied]) -> frozenset[Family]:
    """Return the families that some policies belong to."""
    return frozenset().union(*[policy.families for policy in policies])


_APPLIED: Memory[tuple[bytes, bool], Applied] = Memory(8192)


def applied(body: PolicyBody, *, is_flex: bool) -> Applied:
    """Return a policy in normal form; those of equal text are one."""
    key = (marshal.dumps(dict(body), 2), is_flex)
    return _APPLIED.get(key) or _APPLIED.keep(key, _applied(body, is_flex=is_flex))


def _applied(body: PolicyBody, *, is_flex: bool) -> Applied:
    group_id, asset_id = body["group_id"], body["asset_id"]
    pairs = body["pointcut"]
    return Applied(
        (group_id or MULESOFT_GROUP, asset_id),  # Mule 3 names no group, and means this one
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
    """Return the set of pairs, sorted; a plain alternation of methods is itself a set.

    All methods of all paths, as scripts write it out, are the whole API.
    """
    found = {(_methods(pair["method"]), forms.text(pair["uri"])) for pair in pairs}
    return WHOLE_API if _ALL_OF_ALL in found else tuple(sorted(found))


def _methods(method: str) -> str:
    if _ALTERNATION.fullmatch(method):
        return "|".join(sorted(set(method.upper().split("|"))))
    return str(forms.text(method))


def rank(policy: Applied) -> tuple[str, str, bool, int]:
    """Return what tells equal applications of one policy apart: pointcut, values, order."""
    order = policy.order
    return canonical(policy.pointcut), policy.configuration.key, order is None, order or 0
