"""The comparison's speed as ratios: goals 5 to 8 of the performance goals, side by side.

Run by `make bench`, or alone: `python -m bench.comparison --json out.json`.
"""

import argparse
import hashlib
import json
import os
import platform
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import _lru_cache_wrapper, partial
from importlib.metadata import version
from pathlib import Path
from random import Random
from typing import Any

import orjson
from deepdiff import DeepDiff

from app.posture.assessment import assess_api
from app.posture.comparison import compare
from app.posture.frame import frame_of
from app.posture.lanes import lined_up
from app.posture.memory import memories
from app.posture.model import (
    MULESOFT_GROUP,
    ApiReading,
    Environment,
    EnvironmentReading,
    InstanceReading,
    Kind,
    Scope,
    Section,
)
from bench.harness import Line, piece_by_piece, side_by_side

ENVIRONMENTS = (
    Environment("dev", "Development", "sandbox"),
    Environment("test", "Test", "sandbox"),
    Environment("prod", "Production", "production"),
)
IDS = tuple(each.id for each in ENVIRONMENTS)
GROUP = "9a11f2a0-0000-4000-8000-000000000001/"
SHARE_THAT_DIFFERS = 0.2
SUBSET_FOR_DEEPDIFF = 100
LARGE = 10
PIECE = 250
WHEN = datetime(2026, 11, 25, tzinfo=UTC)
CACHED = {
    value
    for name, module in list(sys.modules.items())
    for value in vars(module).values()
    if name.startswith("app.posture.") and isinstance(value, _lru_cache_wrapper)
}
NOT_COMPARED = frozenset({"approved_at", "label", "order"})

Raw = tuple[bytes, bytes, bytes, bytes]
RawApi = tuple[str, tuple[Raw, ...]]


# ── The data ─────────────────────────────────────────────────────────────────────────────────


def estate(apis: int, seed: int = 1) -> list[RawApi]:
    """Return raw sections of so many APIs in three environments, about 3.5 KB an instance.

    A fifth of them differ somewhere; approval dates and labels differ everywhere.
    """
    rng = Random(seed)
    return [_api(rng, number) for number in range(apis)]


def _api(rng: Random, number: int) -> RawApi:
    asset = f"orders-{number:05}-experience-api"
    policies, tiers = _policies(rng, number), _tiers(rng)
    clients = [f"application-{rng.randrange(400):03}-{i}" for i in range(7)]
    odd = rng.choice(ENVIRONMENTS).id if rng.random() < SHARE_THAT_DIFFERS else None
    change = rng.choice((_other_limit, _other_keys, _without_one, _other_tier, _revoked))
    sides = []
    for environment in ENVIRONMENTS:
        contracts = [_contract(name, environment.id, i) for i, name in enumerate(clients)]
        bodies = [_facts(asset, environment.id), policies, tiers, contracts]
        if environment.id == odd:
            bodies = orjson.loads(orjson.dumps(bodies))
            change(bodies)
        facts, own, limits, clients_there = (
            orjson.dumps(body, option=orjson.OPT_SORT_KEYS) for body in bodies
        )
        sides.append((facts, own, limits, clients_there))
    return asset, tuple(sides)


def _facts(asset: str, environment: str) -> dict[str, Any]:
    return {
        "name": asset.replace("-", " ").title(),
        "group_id": "9a11f2a0-0000-4000-8000-000000000001",
        "asset_id": asset,
        "asset_version": "1.0.4",
        "product_version": "v1",
        "label": f"{asset}-v1-{environment}",
        "status": "active",
        "technology": "mule4",
        "deprecated": False,
        "active_contracts": 7,
    }


def _policies(rng: Random, number: int) -> list[dict[str, Any]]:
    jwt = {
        "jwtOrigin": "httpBearerAuthenticationHeader",
        "signingMethod": "rsa",
        "signingKeyLength": 256,
        "jwtKeyOrigin": "jwks",
        "jwksUrl": "https://login.corp.example/keys",
        "jwksServiceTimeToLive": 60,
        "skipClientIdValidation": False,
        "clientIdExpression": "#[vars.claimSet.client_id]",
        "validateAudClaim": True,
        "mandatoryAudClaim": True,
        "supportedAudiences": f"orders-{number}",
        "mandatoryExpClaim": True,
        "mandatoryNbfClaim": True,
    }
    limits = {
        "rateLimits": [
            {
                "maximumRequests": rng.choice((100, 250, 500, 1000)),
                "timePeriodInMilliseconds": 60000,
            }
        ],
        "exposeHeaders": True,
        "clusterizable": True,
    }
    sla = {
        "clientIdExpression": "#[attributes.headers['client_id']]",
        "clientSecretExpression": "#[attributes.headers['client_secret']]",
        "exposeHeaders": True,
        "clusterizable": True,
    }
    site = rng.randrange(40)  # networks belong to the organisation, not to one API
    ips = [f"10.{site}.{i}.0/24" for i in range(6)]
    logging = {
        "itemName": "Default",
        "itemData": {
            "message": "#[attributes.requestPath]",
            "category": "gateway",
            "level": "INFO",
            "firstSection": True,
            "secondSection": False,
        },
    }
    configurations = {
        "jwt-validation": jwt,
        "rate-limiting": limits,
        "rate-limiting-sla-based": sla,
        "ip-allowlist": {"ips": ips, "ipExpression": "#[attributes.headers['x-real-ip']]"},
        "message-logging": {"loggingConfiguration": [logging]},
    }
    return [
        {
            "group_id": MULESOFT_GROUP,
            "asset_id": asset_id,
            "asset_version": "1.4.1",
            "configuration": configuration,
            "order": order,
            "disabled": False,
            "pointcut": None,
            "label": None,
        }
        for order, (asset_id, configuration) in enumerate(configurations.items(), 1)
    ]


def _tiers(rng: Random) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "limits": [{"maximum": rng.choice((100, 1000)), "milliseconds": 60000}],
            "status": "ACTIVE",
            "auto_approve": False,
        }
        for name in ("Bronze", "Silver", "Gold")
    ]


def _contract(name: str, environment: str, number: int) -> dict[str, Any]:
    day = 1 + (number + len(environment)) % 28
    return {
        "application_id": int(hashlib.sha256(name.encode()).hexdigest()[:6], 16),
        "application": name,
        "status": "APPROVED",
        "tier": ("Bronze", "Silver", "Gold")[number % 3],
        "requested_tier": None,
        "approved_at": f"2025-08-{day:02}T17:17:30.341Z",
    }


def _other_limit(bodies: list[Any]) -> None:
    bodies[1][1]["configuration"]["rateLimits"][0]["maximumRequests"] = 4000


def _other_keys(bodies: list[Any]) -> None:
    bodies[1][0]["configuration"]["jwksUrl"] = "https://login.other.example/keys"


def _without_one(bodies: list[Any]) -> None:
    del bodies[1][3]


def _other_tier(bodies: list[Any]) -> None:
    bodies[2][2]["limits"][0]["maximum"] = 7


def _revoked(bodies: list[Any]) -> None:
    bodies[3][4]["status"] = "REVOKED"


# ── The peers ────────────────────────────────────────────────────────────────────────────────


def parsed(apis: Sequence[RawApi]) -> int:
    """Parse every section, one API in memory at a time: the floor of any comparison."""
    count = 0
    for _, sides in apis:
        held = [[orjson.loads(body) for body in side] for side in sides]
        count += len(held)
    return count


def keyed_deepdiff(apis: Sequence[RawApi]) -> set[str]:
    """Compare each environment with the first one by deepdiff, lists keyed first."""
    differing = set()
    for asset, sides in apis:
        first, *others = [_keyed([orjson.loads(body) for body in side]) for side in sides]
        if any(DeepDiff(first, other) for other in others):
            differing.add(asset)
    return differing


def _keyed(bodies: list[Any]) -> dict[str, Any]:
    """Return the sections with lists by name, without what is never compared."""
    facts, policies, tiers, contracts = bodies
    return {
        "facts": _without(facts),
        "policies": {policy["asset_id"]: _without(policy) for policy in policies},
        "tiers": {tier["name"]: _without(tier) for tier in tiers},
        "contracts": {c["application_id"]: _without(c) for c in contracts},
    }


def _without(body: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in body.items() if key not in NOT_COMPARED}


# ── Ours ─────────────────────────────────────────────────────────────────────────────────────


def scope() -> Scope:
    """Return the three environments, Production being the baseline."""
    return Scope(tuple(EnvironmentReading(each) for each in ENVIRONMENTS), "prod", WHEN)


def compared(apis: Sequence[RawApi]) -> set[str]:
    """Find all differences from raw bytes; a section's own bytes tell whether it is the same."""
    frame = frame_of(scope())
    differing = set()
    for asset, sides in apis:
        reading = lazy(asset, sides)
        differences, _ = compare(frame, reading, lined_up(frame, reading))
        if differences:
            differing.add(asset)
    return differing


def assessed(apis: Sequence[RawApi]) -> set[str]:
    """Make the whole row of every API: differences weighed, posture rules, cells and notes."""
    return _assessed(scope(), (lazy(asset, sides) for asset, sides in apis))


def lazy(asset: str, sides: Sequence[Raw]) -> ApiReading:
    """Return an API as the core takes it, every section parsed only when it is asked for."""
    return _reading(asset, sides, orjson.loads)


def _reading(
    asset: str, sides: Sequence[Sequence[bytes]], load: Callable[[bytes], Any]
) -> ApiReading:
    instances = []
    for place, (facts, policies, tiers, contracts) in enumerate(sides):
        instances.append(
            InstanceReading(
                IDS[place],
                place,
                Section(None, facts, None, load),
                Section(None, policies, None, load),
                Section(None, tiers, None, load),
                Section(None, contracts, None, load),
            )
        )
    return ApiReading(GROUP + asset, tuple(instances))


def _assessed(over: Scope, readings: Iterator[ApiReading]) -> set[str]:
    differing = set()
    for reading in readings:
        posture = assess_api(over, reading)
        if any(finding.kind is not Kind.POSTURE for finding in posture.findings):
            differing.add(posture.asset_id or "")
    return differing


@dataclass
class Stored:
    """What a sync leaves behind for the next one: digests of sections and of inputs."""

    digests: list[tuple[str, list[list[bytes]]]]
    inputs: dict[str, bytes]
    bodies: dict[bytes, bytes]
    differing: set[str]


def stored(apis: Sequence[RawApi]) -> Stored:
    """Keep what a sync would keep."""
    bodies = {_digest(body): body for _, sides in apis for side in sides for body in side}
    digests = [
        (asset, [[_digest(body) for body in side] for side in sides]) for asset, sides in apis
    ]
    inputs = {asset: _inputs(sides) for asset, sides in digests}
    return Stored(digests, inputs, bodies, assessed(apis))


def _digest(body: bytes) -> bytes:
    return hashlib.blake2b(body, digest_size=16).digest()


def _inputs(sides: Sequence[Sequence[bytes]]) -> bytes:
    """Return the digest of all that a row depends on, as the sync keeps it with the row."""
    return _digest(b"".join(digest for side in sides for digest in side))


def _by_digest(
    asset: str, sides: Sequence[Sequence[bytes]], bodies: dict[bytes, bytes]
) -> ApiReading:
    def load(digest: bytes) -> Any:
        return orjson.loads(bodies[digest])

    return _reading(asset, sides, load)


def again(before: Stored, kept: Stored) -> set[str]:
    """Compare again: rows whose inputs are the same as before stand, the others are assessed."""
    changed = [
        (asset, sides)
        for asset, sides in kept.digests
        if _inputs(sides) != before.inputs.get(asset)
    ]
    readings = (_by_digest(asset, sides, kept.bodies) for asset, sides in changed)
    return (before.differing - {asset for asset, _ in changed}) | _assessed(scope(), readings)


# ── Measuring ────────────────────────────────────────────────────────────────────────────────


def forget() -> None:
    """Empty the core's memories, so that each full comparison starts cold."""
    for memory in memories():
        memory.clear()
    for cached in CACHED:
        cached.cache_clear()


def cold(apis: Sequence[RawApi]) -> set[str]:
    """Compare from raw bytes with nothing remembered."""
    forget()
    return compared(apis)


def cold_rows(apis: Sequence[RawApi]) -> set[str]:
    """Make all rows from raw bytes with nothing remembered."""
    forget()
    return assessed(apis)


def full(apis: Sequence[RawApi], rounds: int) -> Line:
    """Goal 5: full comparison against parsing."""
    pieces = [apis[start : start + PIECE] for start in range(0, len(apis), PIECE)]
    ours, peer = piece_by_piece(rounds, pieces, partial(_piece, apis[0]), parsed)
    what = f"full comparison from raw bytes, {len(apis):,} × 3"
    proof = f"{len(cold(apis))} of {len(apis)} differ"
    return Line("5", what, ours, peer, 2.5, "s", proof)


def _piece(first: RawApi, piece: Sequence[RawApi]) -> set[str]:
    """Compare a piece, cold where it is the first one of the estate."""
    return cold(piece) if piece[0] is first else compared(piece)


def with_rows(apis: Sequence[RawApi], rounds: int) -> Line:
    """Beside goal 5, without a goal of its own: everything that a sync makes of an API."""
    if cold_rows(apis) != cold(apis):
        raise SystemExit("rows and differences do not agree")
    ours, peer = side_by_side(rounds, lambda: cold_rows(apis), lambda: parsed(apis))
    what = f"the same with rules, rows, cells and sentences, {len(apis):,} × 3"
    return Line("5+", what, ours, peer, None, "s", "same differences")


def against_deepdiff(apis: Sequence[RawApi], rounds: int) -> Line:
    """Goal 6: full comparison against keyed deepdiff on a subset."""
    subset = apis[:SUBSET_FOR_DEEPDIFF]
    if cold(subset) != keyed_deepdiff(subset):
        raise SystemExit("ours and deepdiff do not agree: a ratio means nothing")
    ours, peer = side_by_side(rounds, lambda: cold(subset), lambda: keyed_deepdiff(subset))
    what = f"full comparison against keyed deepdiff, {len(subset)} × 3"
    return Line("6", what, ours, peer, 100, "s", "same verdicts", at_least=True)


def with_digests(apis: Sequence[RawApi], rounds: int) -> list[Line]:
    """Goal 7: comparison again from stored digests, against parsing."""
    before, lines = stored(apis), []
    for number, share, what, goal in (
        ("7", 0.0, "nothing changed since", 0.4),
        ("7+", 0.01, "1 % of instances changed since, their rows made anew", None),
    ):
        after = stored(_changed(apis, share))
        if again(before, after) != after.differing:
            raise SystemExit("comparing again gives another answer than comparing anew")
        run = partial(_again_cold, before, after)
        ours, peer = side_by_side(rounds, run, lambda: parsed(apis))
        told = f"again with stored digests, 20 % drift, {what}"
        lines.append(Line(number, told, ours, peer, goal, "s", "same answer as anew"))
    return lines


def _again_cold(before: Stored, after: Stored) -> set[str]:
    forget()
    return again(before, after)


def _changed(apis: Sequence[RawApi], share: float) -> list[RawApi]:
    """Return the estate after some instances were given another limit."""
    rng = Random(7)
    return [
        (asset, tuple(_with_other_limit(side) if rng.random() < share else side for side in sides))
        for asset, sides in apis
    ]


def _with_other_limit(side: Raw) -> Raw:
    policies = orjson.loads(side[1])
    policies[1]["configuration"]["rateLimits"][0]["maximumRequests"] = 77
    return side[0], orjson.dumps(policies, option=orjson.OPT_SORT_KEYS), side[2], side[3]


def scaling(small: Sequence[RawApi], large: Sequence[RawApi], rounds: int) -> Line:
    """Goal 8: time per API at ten times the size against itself."""
    big, little = side_by_side(rounds, lambda: cold(large), lambda: cold(small))
    what = f"time per API at {len(large):,} against {len(small):,}"
    ours = [each / len(large) * 1e6 for each in big]
    peers = [each / len(small) * 1e6 for each in little]
    return Line("8", what, ours, peers, 1.3, "µs", "same code")


def setting(apis: Sequence[RawApi], rounds: int) -> dict[str, Any]:
    """Return under which circumstances was measured."""
    sizes = [sum(map(len, side)) for _, sides in apis for side in sides]
    return {
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "orjson": version("orjson"),
        "deepdiff": version("deepdiff"),
        "rounds": rounds,
        "apis": len(apis),
        "bytes_per_instance": round(sum(sizes) / len(sizes)),
        "load_before": os.getloadavg(),
    }


def main() -> int:
    """Print the setting and one line a goal; 0 only if all are ok."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--apis", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    small, large = estate(options.apis), estate(options.apis * LARGE, seed=2)
    told = setting(small, options.rounds)
    print("comparison:", json.dumps(told), flush=True)
    lines = []
    for measured in _measured(small, large, options.rounds):
        print(measured.told(), flush=True)
        lines.append(measured)
    print("load after:", os.getloadavg())
    if options.json:
        found = {"setting": told, "lines": [line.as_json() for line in lines]}
        options.json.write_text(json.dumps(found, indent=2))
    return 0 if all(line.is_ok for line in lines) else 1


def _measured(small: Sequence[RawApi], large: Sequence[RawApi], rounds: int) -> Iterator[Line]:
    yield full(small, rounds)
    yield full(large, rounds)
    yield with_rows(small, rounds)
    yield against_deepdiff(small, rounds)
    yield from with_digests(small, rounds)
    yield scaling(small, large, rounds)


if __name__ == "__main__":
    sys.exit(main())
