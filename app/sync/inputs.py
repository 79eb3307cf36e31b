"""What an API is assessed from, as a digest: with the same one it is not assessed again."""

import hashlib
from collections.abc import Mapping
from dataclasses import astuple
from functools import cache
from pathlib import Path

from app import posture
from app.posture.model import Json, Scope
from app.store import kept, sections
from app.store.readings import ApiVersions
from app.sync import scope as scoping

OF_ALL = None
"""The API key of an expected difference that may concern every API."""


def frame_digest(scope: Scope) -> bytes:
    """Return the digest of everything that is the same for all APIs, the rules included."""
    environments = [
        [
            item.environment.id,
            item.environment.name,
            item.environment.type,
            item.not_listed,
            item.automated.digest.hex(),
            item.automated.not_read,
        ]
        for item in scope.environments
    ]
    common = [
        rules_digest(),
        environments,
        scope.baseline_environment_id,
        list(scope.ignored_application_suffixes),
        _expected(scope).get(OF_ALL, []),
    ]
    return sections.digest(common)


def own_digests(scope: Scope) -> dict[str, str]:
    """Return, by API key, the digest of what is expected and accepted of this API alone."""
    own: dict[str, list[Json]] = {}
    for key, said in _expected(scope).items():
        if key is not OF_ALL:
            own.setdefault(key, []).extend(said)
    for fingerprint, accepted in sorted(scope.exceptions.items()):
        if accepted.api_key is not None:
            said = [fingerprint, accepted.values_digest, kept.accepted_json(accepted)]
            own.setdefault(accepted.api_key, []).append(said)
    return {key: sections.digest(said).hex() for key, said in own.items()}


def _expected(scope: Scope) -> dict[str | None, list[Json]]:
    by_api: dict[str | None, list[Json]] = {}
    for each in scope.expected_differences:
        allowances = {name: dict(said) for name, said in each.allowances.items()}
        by_api.setdefault(each.api_key, []).append([each.asset_id, each.path, allowances])
    return by_api


def input_digest(frame: bytes, own: Mapping[str, str], api: ApiVersions) -> bytes:
    """Return the digest of all that an API is assessed from."""
    instances = [
        [
            item.environment_id,
            item.instance_id,
            [digest and digest.hex() for digest in astuple(item.digests)],
            dict(item.unread),
            item.url,
            item.read_now,
        ]
        for item in api.instances
    ]
    said = [own[api.api_key]] if api.api_key in own else []
    return sections.digest([frame.hex(), instances, *said])


@cache
def rules_digest() -> str:
    """Return the digest of the rules' source: with other ones every API is assessed anew."""
    source = hashlib.sha256()
    for path in ruling():
        source.update(path.read_bytes())
    return source.hexdigest()


def ruling() -> list[Path]:
    """Return the files that decide what a row says: the core, what it is given, how it is kept."""
    core = sorted(Path(posture.__file__).parent.glob("*.py"))
    assert core, "an installation without the source would never assess anything anew"
    return [*core, Path(scoping.__file__), Path(kept.__file__)]
