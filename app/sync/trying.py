"""Trying a connection's values with Anypoint: what they open, and what is wrong with them."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from app.anypoint.client import AnypointClient, Organization
from app.anypoint.errors import CouldNotRead, CredentialsRefused, NotAllowed
from app.anypoint.scopes import MissingScope
from app.errors import BadValue
from app.posture.model import Environment

DESIGN = "design"
"""The type of the environment that Design Center keeps for itself: nothing runs there."""

MAX_INTERVAL_HOURS = 24 * 31
MAX_ENVIRONMENTS = 50
MAX_SUFFIXES = 50


@dataclass(frozen=True, slots=True)
class ConnectionChange:
    """What an administrator types; None keeps the stored secret or takes the default.

    `seen_version` is the connection's version that they looked at, where they say so.
    """

    control_plane: str
    client_id: str
    client_secret: str | None = field(default=None, repr=False)
    organization_id: str | None = None
    environment_ids: tuple[str, ...] | None = None
    baseline_environment_id: str | None = None
    sync_interval_hours: int = 24
    ignored_application_suffixes: tuple[str, ...] = ()
    seen_version: int | None = None


@dataclass(frozen=True, slots=True)
class ConnectionTest:
    """What the credentials open; `problem` is a sentence where they open nothing."""

    ok: bool
    organizations: tuple[Organization, ...] = ()
    environments: tuple[Environment, ...] = ()
    missing_scopes: tuple[MissingScope, ...] = ()
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Discovery:
    """What Anypoint says of an organisation, or that it is away just now."""

    organization: Organization | None
    environments: tuple[Environment, ...]


async def tried(client: AnypointClient, change: ConnectionChange) -> ConnectionTest:
    """Return what the values open; a refusal of Anypoint's is part of the answer."""
    try:
        organizations = await client.organizations(change.organization_id)
        chosen = _chosen_organization(change, organizations)
        listed = await client.environments(chosen.id)
        kept = _chosen_environments(change, listed)
        missing = await client.missing_scopes(chosen.id, kept)
    except CredentialsRefused as error:
        return ConnectionTest(ok=False, problem=error.message)
    except NotAllowed as error:
        scope = MissingScope(error.scope, None, "missing")
        return ConnectionTest(ok=False, missing_scopes=(scope,), problem=error.message)
    except CouldNotRead as error:
        return ConnectionTest(ok=False, problem=error.message)
    refused = any(scope.state == "missing" for scope in missing)
    return ConnectionTest(not refused, organizations, listed, missing)


async def discovered(client: AnypointClient, change: ConnectionChange) -> Discovery:
    """Return what Anypoint says of the values; raise `BadValue` naming what it refuses."""
    try:
        organizations = await client.organizations(change.organization_id)
        organization = _chosen_organization(change, organizations)
        listed = await client.environments(organization.id)
    except CredentialsRefused as error:
        raise BadValue(
            {"client_id": error.message, "client_secret": error.message}, error.message
        ) from error
    except NotAllowed as error:
        raise BadValue({"client_id": error.message}, error.message) from error
    except CouldNotRead:
        return Discovery(None, ())
    return Discovery(organization, _chosen_environments(change, listed))


def check_bounds(change: ConnectionChange) -> None:
    """Raise `BadValue` for values that no connection may have, whatever Anypoint says."""
    fields: dict[str, str] = {}
    if not 1 <= change.sync_interval_hours <= MAX_INTERVAL_HOURS:
        fields["sync_interval_hours"] = f"Choose 1 to {MAX_INTERVAL_HOURS} hours."
    ids = change.environment_ids or ()
    if len(ids) > MAX_ENVIRONMENTS or len(set(ids)) != len(ids):
        fields["environment_ids"] = f"Choose up to {MAX_ENVIRONMENTS} different environments."
    suffixes = change.ignored_application_suffixes
    if len(suffixes) > MAX_SUFFIXES or not all(suffix.strip() for suffix in suffixes):
        fields["ignored_application_suffixes"] = (
            f"Give up to {MAX_SUFFIXES} suffixes, none of them empty."
        )
    if fields:
        raise BadValue(fields)


def _chosen_organization(
    change: ConnectionChange, organizations: Sequence[Organization]
) -> Organization:
    if change.organization_id is None:
        return organizations[0]
    for organization in organizations:
        if organization.id == change.organization_id:
            return organization
    raise BadValue({"organization_id": "The Connected App cannot see this organisation."})


def _chosen_environments(
    change: ConnectionChange, listed: Sequence[Environment]
) -> tuple[Environment, ...]:
    """Return the chosen environments in the given order; without a choice all but `design`."""
    found = {item.id: item for item in listed}
    if change.environment_ids is None:
        ids = tuple(item.id for item in listed if item.type != DESIGN)
    else:
        ids = change.environment_ids
    unknown = [id_ for id_ in ids if id_ not in found]
    if unknown:
        raise BadValue({"environment_ids": "Anypoint does not list one of these environments."})
    if not ids:
        raise BadValue({"environment_ids": "Choose at least one environment."})
    if change.baseline_environment_id is not None and change.baseline_environment_id not in ids:
        raise BadValue(
            {"baseline_environment_id": "The baseline must be one of the chosen environments."}
        )
    return tuple(found[id_] for id_ in ids)
