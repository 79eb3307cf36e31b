"""One API in a published sync, with all that is kept of it."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.caller import SiteId, SpaceId
from app.errors import NotThere
from app.store import findings, instances, posture_rows
from app.store.database import DB
from app.store.findings import FindingRow
from app.store.instances import StoredInstance
from app.store.posture_rows import PostureRow
from app.store.syncs import Sync


@dataclass(frozen=True, slots=True)
class KnownApi:
    """One API in a published sync; `automated` are the space's findings about automated policies."""

    sync: Sync
    row: PostureRow
    findings: Sequence[FindingRow]
    automated: Sequence[FindingRow]
    instances: Sequence[StoredInstance]


async def known_api(
    db: DB, site_id: SiteId, space_id: SpaceId, sync: Sync, api_id: str
) -> KnownApi:
    """Return one API of a published sync; `NotThere` if it is not in it."""
    place = (db, site_id, space_id)
    number = sync.number or 0
    row = await posture_rows.one(*place, number, api_id) if is_api_id(api_id) else None
    if row is None:
        raise NotThere
    found = await findings.of_api(*place, number, api_id)
    automated = await findings.of_space(*place, number)
    stored = await instances.of_api(*place, number, row.api_key)
    return KnownApi(sync, row, found, automated, stored)


def is_api_id(text: str) -> bool:
    """Tell whether a text can be an API's id at all."""
    return len(text) == 32 and all(letter in "0123456789abcdef" for letter in text)
