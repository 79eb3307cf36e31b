"""Comparing the policies of a lane, slot by slot."""

from collections.abc import Iterable, Mapping

from app.posture.applied import Applied, Identity
from app.posture.automated import is_flex, technology_of
from app.posture.changes import Compared, compared
from app.posture.differences import Change, Difference, outliers_of, outliers_of_changes, spread
from app.posture.expected import as_expected, settled_note, watched
from app.posture.frame import Frame
from app.posture.lanes import Lane, LinedUp, are_the_same
from app.posture.model import ApiReading, Json, Kind, Note, SectionName
from app.posture.order import cors_moves, order_compared
from app.posture.sides import Side
from app.posture.slots import AMBIGUOUS, Slot, shared_names, slots_of


class PolicyComparison:
    """The comparison of one lane's policies: what it needs throughout, and what it found."""

    def __init__(
        self,
        frame: Frame,
        api: ApiReading,
        lined: LinedUp,
        lane: Lane,
        differences: list[Difference],
        notes: list[Note],
    ) -> None:
        self.frame = frame
        self.api = api
        self.lined = lined
        self.lane = lane
        self.differences = differences
        self.notes = notes
        self.sides = {s.environment_id: s for s in lane.sides if s.policies is not None}
        self.not_read = [s.environment_id for s in lane.sides if s.policies is None]

    def run(self, ambiguous: AMBIGUOUS) -> None:
        """Compare slot by slot, then the order."""
        slots = slots_of(self.lane, ambiguous)
        for slot in slots:
            if not self.is_the_same(slot) or self.watched(slot):
                self.presence(slot, slots)
                self.values(slot)
        self.order(slots)

    def is_the_same(self, slot: Slot) -> bool:
        """Whether every environment applies the very same, with nothing to remark."""
        first, *others = slot.members.values()
        return (
            len(others) + 1 == len(self.sides)
            and not first.configuration.has_remarks
            and all(other is first for other in others)
        )

    def watched(self, slot: Slot) -> frozenset[str]:
        """Return the settings that an expected difference speaks of."""
        if not self.frame.expected:
            return frozenset()
        return watched(self.frame, self.api.key, slot.identity[1])

    def presence(self, slot: Slot, slots: tuple[Slot, ...]) -> None:
        """Tell where a policy, or a further application of it, is missing."""
        voters = list(self.sides)
        if not slot.is_first:
            first = next(s for s in slots if s.is_first and s.identity == slot.identity)
            voters = [e for e in voters if e in first.members]
        absent = [e for e in voters if e not in slot.members]
        if not absent:
            return
        if slot.is_first and self.is_covered(slot, absent, list(slot.members)):
            self.note("covered_by_automated", slot, "is applied automatically where it is missing")
            return
        kind = Kind.POLICY_MISSING if slot.is_first else Kind.POLICY_DUPLICATE
        votes: dict[str, Json] = {e: True if e in slot.members else None for e in voters}
        self.add(kind, slot.subject, votes, slot.members)

    def is_covered(self, slot: Slot, without: list[str], having: list[str]) -> bool:
        """Whether automated policies of the type explain it: wherever it lacks, nowhere else."""
        return all(_automates(self.sides[e], slot.identity) for e in without) and not any(
            _automates(self.sides[e], slot.identity) for e in having
        )

    def values(self, slot: Slot) -> None:
        """Compare version, configuration, switch and pointcut where the slot is applied."""
        members = slot.members
        if len(members) > 1:
            if len({p.version for p in members.values()}) > 1:
                self.value(Kind.POLICY_VERSION, slot, {e: p.version for e, p in members.items()})
            if len({p.is_off for p in members.values()}) > 1:
                self.switch(slot)
            if len({p.pointcut for p in members.values()}) > 1:
                cuts = {e: _pairs(p) for e, p in members.items()}
                self.value(Kind.POLICY_POINTCUT, slot, cuts)
        self.configuration(slot)

    def value(self, kind: Kind, slot: Slot, votes: Mapping[str, Json]) -> None:
        """Add a difference of one value of a slot."""
        self.add(kind, slot.subject, votes, slot.members)

    def switch(self, slot: Slot) -> None:
        """Compare on and off; off where an automated policy took over is no difference."""
        off = {e: p.is_off for e, p in slot.members.items()}
        without = [e for e in off if off[e]]
        having = [e for e in off if not off[e]]
        if self.is_covered(slot, without, having):
            self.note("overridden_by_automated", slot, "is overridden by an automated policy")
            return
        self.value(Kind.POLICY_DISABLED, slot, off)

    def configuration(self, slot: Slot) -> None:
        """Compare configurations field by field."""
        flex = {e: _gateway(self.sides[e]) for e in slot.members}
        found = compared(slot.members, flex, self.watched(slot))
        self.remark(slot, found)
        asset_id = slot.identity[1]
        judged = as_expected(self.frame, self.api.key, asset_id, found.changes)
        subject = self.lane.suffixed(slot.subject)
        self.notes += [settled_note(asset_id, path, subject) for path in judged.settled]
        if judged.changes:
            self.add_changes(slot, judged.changes)

    def add_changes(self, slot: Slot, changes: tuple[Change, ...]) -> None:
        """Add one difference for all fields; groups are formed over all of them together."""
        votes = {e: {c.path: c.votes.get(e) for c in changes} for e in slot.members}
        self.differences.append(
            Difference(
                Kind.POLICY_CONFIG,
                slot.subject,
                self.lane,
                votes,
                spread(self.lined.deployed, votes, self.not_read),
                outliers_of_changes(changes, slot.members),
                slot.members,
                changes,
            )
        )

    def remark(self, slot: Slot, found: Compared) -> None:
        """Note what is hidden, what the table does not know and what cannot be compared."""
        for path, where in found.hidden.items():
            names = ", ".join(self.frame.name(e) for e in where)
            self.note("unverifiable", slot, f"{path} is hidden in {names} and not compared")
        unknown = {
            name
            for policy in slot.members.values()
            if policy.configuration.has_remarks
            for name in policy.configuration.normal.unknown
        }
        for name in sorted(unknown):
            self.note("unknown_field", slot, f"{name} is not a known setting; compared as it is")
        if found.incomparable:
            paths = ", ".join(found.incomparable[:5])
            self.note("schema_changed", slot, f"the versions have other settings: {paths}")

    def order(self, slots: tuple[Slot, ...]) -> None:
        """Compare the order of what stands on both sides; where CORS is stored is only noted."""
        if len(self.sides) < 2 or not any(map(_is_moved, slots)):
            return
        environments = list(self.sides)
        found = order_compared(slots, environments, self.frame.baseline)
        if found is not None:
            votes = {e: list(found.sequences[e]) for e in environments}
            outliers = () if found.is_partial else outliers_of(votes)
            self.add(Kind.POLICY_ORDER, None, votes, {"order": found}, outliers)
        if cors_moves(slots, environments):
            sentence = "CORS is stored at another place, without effect: it always runs first"
            self.notes.append(Note("cors_position", sentence, SectionName.POLICIES))

    def add(
        self,
        kind: Kind,
        subject: str | None,
        votes: Mapping[str, Json],
        members: Mapping[str, object],
        outliers: tuple[str, ...] | None = None,
    ) -> None:
        """Keep a difference of this lane."""
        self.differences.append(
            Difference(
                kind,
                subject,
                self.lane,
                votes,
                spread(self.lined.deployed, votes, self.not_read),
                outliers_of(votes) if outliers is None else outliers,
                members,
            )
        )

    def note(self, code: str, slot: Slot, remark: str) -> None:
        """Keep a remark about a slot."""
        subject = self.lane.suffixed(slot.subject)
        sentence = f"{slot.subject}: {remark}"
        self.notes.append(Note(code, sentence, SectionName.POLICIES, subject))


def compare_policies(
    frame: Frame,
    api: ApiReading,
    lined: LinedUp,
    lane: Lane,
    differences: list[Difference],
    notes: list[Note],
) -> None:
    """Add the differences of a lane's policies and what is noted with them."""
    if not _are_the_same(lane) or _is_watched(frame, lane):
        PolicyComparison(frame, api, lined, lane, differences, notes).run(shared_names(lined.lanes))


def remark_policies(
    frame: Frame, api: ApiReading, lined: LinedUp, lane: Lane, notes: list[Note]
) -> None:
    """Add what is remarked about policies without a difference: hidden, unknown, automated."""
    if any(map(_has_remarks, lane.sides)) and _are_the_same(lane):
        PolicyComparison(frame, api, lined, lane, [], notes).run(shared_names(lined.lanes))
    if frame.has_automated:
        _note_automated(PolicyComparison(frame, api, lined, lane, [], notes))


def _has_remarks(side: Side) -> bool:
    return side.policies is not None and side.policies.has_remarks


def _are_the_same(lane: Lane) -> bool:
    """Whether all policies that were read are known to be equal without understanding them."""
    read = [side for side in lane.sides if side.reading.policies.not_read is None]
    return not read or (
        are_the_same([side.reading.policies for side in read])
        and len({is_flex(side.facts["technology"]) for side in read}) == 1
    )


def _is_watched(frame: Frame, lane: Lane) -> bool:
    """Whether an expected difference speaks of a policy of the lane, equal as they may be."""
    return bool(frame.expected) and any(
        policy.asset_id in frame.expected
        for side in lane.sides
        if side.policies is not None
        for policy in side.policies.applied
    )


def _is_moved(slot: Slot) -> bool:
    """Whether a policy stands under other numbers in some environments."""
    return len({policy.order for policy in slot.members.values()}) > 1


def _automates(side: Side, identity: Identity) -> bool:
    return any(a.policy.identity == identity and not a.policy.is_off for a in side.automated or ())


def _gateway(side: Side) -> bool | None:
    technology = side.facts["technology"]
    return None if technology_of(technology) == "mule3" else is_flex(technology)


def _pairs(policy: Applied) -> Json:
    return [{"method": method, "uri": uri} for method, uri in policy.pointcut]


def _note_automated(comparison: PolicyComparison) -> None:
    """Note automated policies that win over the API's own, or that may not reach it."""
    own_wins = sorted(
        {
            policy.asset_id
            for side in comparison.sides.values()
            for policy, automated in _pairs_of(side)
            if policy.configuration is not automated.configuration
            and policy.configuration.key != automated.configuration.key
        }
    )
    for asset_id in own_wins:
        sentence = f"{asset_id}: the values of the automated policy count"
        comparison.notes.append(
            Note("automated_value_wins", sentence, SectionName.POLICIES, asset_id)
        )
    if any(a.range for side in comparison.sides.values() for a in side.automated or ()):
        sentence = "Automated policies are taken to apply; runtime ranges could not be checked"
        comparison.notes.append(Note("automated_coverage_probable", sentence, SectionName.POLICIES))


def _pairs_of(side: Side) -> Iterable[tuple[Applied, Applied]]:
    """Yield each of the API's own policies with the automated one of its type."""
    for policy in side.policies.applied if side.policies else ():
        for automated in side.automated or ():
            if automated.policy.identity == policy.identity and not automated.policy.is_off:
                yield policy, automated.policy
