"""Comparing: every fact about an API that is not the same in all compared environments."""

from collections.abc import Iterable, Sequence

from app.posture.agreement_comparison import compare_contracts, compare_tiers
from app.posture.automated import technology_of
from app.posture.differences import Difference, outliers_of, spread
from app.posture.frame import Frame
from app.posture.lanes import Lane, LinedUp
from app.posture.model import ApiReading, Json, Kind, Note
from app.posture.policy_comparison import compare_policies, remark_policies


def compare(frame: Frame, api: ApiReading, lined: LinedUp) -> tuple[list[Difference], list[Note]]:
    """Return the differences of an API and what was remarked in comparing it."""
    differences: list[Difference] = []
    notes = list(lined.notes)
    if not lined.lanes:
        return differences, notes
    if len(lined.deployed) < len(frame.listed):
        differences.append(_not_deployed(frame, lined))
    if len(lined.lanes) > 1:
        differences += _extra_instances(lined)
    for lane in lined.lanes:
        if len(lane.sides) > 1:
            _compare_lane(frame, api, lined, lane, differences, notes)
    return differences, notes


def remarks(frame: Frame, api: ApiReading, lined: LinedUp) -> list[Note]:
    """Return what is remarked about policies that are the same everywhere."""
    notes: list[Note] = []
    for lane in lined.lanes:
        if len(lane.sides) > 1:
            remark_policies(frame, api, lined, lane, notes)
    return notes


def _compare_lane(
    frame: Frame,
    api: ApiReading,
    lined: LinedUp,
    lane: Lane,
    differences: list[Difference],
    notes: list[Note],
) -> None:
    differences += _versions(lined, lane, api.key)
    if len({technology_of(side.facts["technology"]) for side in lane.sides}) > 1:
        notes.append(Note("technology_differs", "The environments run on different gateways"))
    compare_policies(frame, api, lined, lane, differences, notes)
    compare_tiers(lined, lane, differences, notes)
    compare_contracts(frame, lined, lane, differences, notes)


def _not_deployed(frame: Frame, lined: LinedUp) -> Difference:
    """Return the difference of an API that some listed environment does not have."""
    votes: dict[str, Json] = {e: e in lined.deployed for e in frame.listed}
    values: dict[str, Json] = dict.fromkeys(lined.deployed, True)
    return Difference(
        Kind.API_NOT_DEPLOYED, None, lined.lanes[0], votes, values, outliers_of(votes)
    )


def _extra_instances(lined: LinedUp) -> Iterable[Difference]:
    """Yield the difference of an API with a lane that does not span its environments."""
    if all(len(lane.sides) == len(lined.deployed) for lane in lined.lanes):
        return
    counts: dict[str, Json] = dict.fromkeys(lined.deployed, 0)
    for lane in lined.lanes:
        for side in lane.sides:
            counts[side.environment_id] += 1
    yield Difference(Kind.EXTRA_INSTANCE, None, lined.lanes[0], counts, counts, outliers_of(counts))


def _versions(lined: LinedUp, lane: Lane, api_key: str) -> Iterable[Difference]:
    """Yield differences of versions; an API that is matched by name has none to compare."""
    if api_key.startswith("name:"):
        return
    product = [side.facts["product_version"] for side in lane.sides]
    if len(set(product)) > 1:
        yield _about(Kind.PRODUCT_VERSION, lined, lane, product)
    asset = [side.facts["asset_version"] for side in lane.sides]
    if len(set(asset)) > 1 and None not in asset:
        yield _about(Kind.ASSET_VERSION, lined, lane, asset)


def _about(kind: Kind, lined: LinedUp, lane: Lane, versions: Sequence[str | None]) -> Difference:
    votes: dict[str, Json] = {
        side.environment_id: version for side, version in zip(lane.sides, versions, strict=True)
    }
    return Difference(kind, None, lane, votes, spread(lined.deployed, votes), outliers_of(votes))
