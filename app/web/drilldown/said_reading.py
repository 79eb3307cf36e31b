"""Reading what administrators said of findings, with the names of who said it."""

from collections.abc import Iterable

from app.store import exceptions
from app.store.exceptions import ExceptionRow
from app.store.findings import FindingRow
from app.web.dependencies import SpaceCaller
from app.web.drilldown.finding_view import Said
from app.web.macros.people import names_of
from app.web.state import Services


async def said_of(services: Services, viewer: SpaceCaller, found: Iterable[FindingRow]) -> Said:
    """Return every exception that these findings ever had; nobody is asked where there is none."""
    fingerprints = [row.fingerprint for row in found]
    async with services.database.transaction(viewer.site_id) as db:
        known = await exceptions.of_findings(db, viewer.site_id, viewer.space_id, fingerprints)
    people = dict.fromkeys(each.made_by for each in known)
    names = await names_of(services, viewer.caller, people) if people else {}
    by_finding: dict[str, list[ExceptionRow]] = {}
    for each in known:
        by_finding.setdefault(each.fingerprint, []).append(each)
    return Said(by_finding, names)
