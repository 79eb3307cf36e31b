"""Reading what the settings page shows of expectations, exceptions and tokens, with people's names."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

from app.caller import AccountId
from app.posture.model import Environment
from app.store import (
    connections,
    exceptions,
    expected_differences,
    findings,
    pipeline_tokens,
    posture_rows,
    syncs,
)
from app.store.connections import Connection
from app.store.database import DB
from app.store.exceptions import ExceptionRow
from app.store.findings import FindingRow
from app.sync.suggesting import suggestions
from app.web.dependencies import SpaceCaller
from app.web.drilldown.readiness_choice import readiness_choice
from app.web.judging import view as judging_view
from app.web.judging.view import (
    ExceptionShown,
    ExpectedShown,
    JudgingView,
    SuggestionShown,
    TokenShown,
)
from app.web.macros.people import names_of
from app.web.state import Services

SHOWN = 20
MOST_TOKENS = 100

Names = Mapping[AccountId, str]


async def shown_judging(services: Services, admin: SpaceCaller) -> JudgingView | None:
    """Return all three sections, each from its first entry; None without a connection."""
    async with services.database.transaction(admin.site_id) as db:
        if await connections.current(db, admin.site_id, admin.space_id) is None:
            return None
    expected = await shown_expected(services, admin, 1)
    accepted = await shown_exceptions(services, admin, 1, ended=False)
    tokens = await shown_tokens(services, admin)
    return JudgingView(
        expected=expected.expected,
        expected_part=expected.expected_part,
        exceptions=accepted.exceptions,
        exceptions_part=accepted.exceptions_part,
        tokens=tokens.tokens,
        command=tokens.command,
    )


async def shown_expected(services: Services, admin: SpaceCaller, page: int) -> JudgingView:
    """Return a page of what is expected to differ, newest first."""
    place = (admin.site_id, admin.space_id)
    async with services.database.transaction(admin.site_id) as db:
        connection = await connections.current(db, *place)
        rows, total = await expected_differences.listed(db, *place, page, SHOWN)
        number = await _published(db, admin)
        counts = await expected_differences.settled(db, *place, number, rows)
        apis = await _api_names(db, admin, number, (row.api_id for row in rows))
    names = await _names(services, admin, (row.made_by for row in rows))
    environments = _environments(connection)
    shown: list[ExpectedShown] = [
        judging_view.expected_shown(row, environments, apis, names, counts.get(row.id, 0))
        for row in rows
    ]
    part = judging_view.listed(page, SHOWN, len(rows), total, "expected difference")
    return JudgingView(expected=shown, expected_part=part)


async def shown_suggestions(services: Services, admin: SpaceCaller) -> list[SuggestionShown]:
    """Return the starter set, what settles most first; empty before the first sync."""
    found = await suggestions(services.database, admin.site_id, admin.space_id)
    async with services.database.transaction(admin.site_id) as db:
        connection = await connections.current(db, admin.site_id, admin.space_id)
    places = _environments(connection)
    return [judging_view.suggestion_shown(each, places) for each in found]


async def shown_exceptions(
    services: Services, admin: SpaceCaller, page: int, *, ended: bool
) -> JudgingView:
    """Return a page of the exceptions: those that end first, or with the ended ones the newest."""
    place = (admin.site_id, admin.space_id)
    async with services.database.transaction(admin.site_id) as db:
        rows, total = await _exceptions(db, admin, page, ended=ended)
        number = await _published(db, admin)
        known = await findings.known(db, *place, number, [row.fingerprint for row in rows])
        gone = (row.api_id for row in rows if row.fingerprint not in known)
        apis = await _api_names(db, admin, number, gone)
    names = await _names(services, admin, (row.made_by for row in rows))
    now = datetime.now(UTC)
    shown = [_exception(row, known.get(row.fingerprint), apis, names, now) for row in rows]
    part = judging_view.listed(page, SHOWN, len(rows), total, "acceptance")
    return JudgingView(exceptions=shown, exceptions_part=part, shows_ended=ended)


async def shown_tokens(services: Services, admin: SpaceCaller) -> JudgingView:
    """Return the space's tokens, newest first, and the command that uses one."""
    place = (admin.site_id, admin.space_id)
    async with services.database.transaction(admin.site_id) as db:
        found, _ = await pipeline_tokens.listed(db, *place, 1, MOST_TOKENS)
        sync = await syncs.published(db, *place)
    names = await _names(services, admin, (token.made_by for token in found))
    now = datetime.now(UTC)
    tokens: list[TokenShown] = [judging_view.token_shown(token, names, now) for token in found]
    stages = ("Test", "Production")
    choice = readiness_choice(sync.environments, sync.baseline_environment_id) if sync else None
    if sync and choice:
        called = {item.id: item.name for item in sync.environments}
        stages = (called[choice.origin], called[choice.target])
    command = judging_view.command(services.base_url, admin.space_id, *stages)
    return JudgingView(tokens=tokens, command=command)


async def _exceptions(
    db: DB, admin: SpaceCaller, page: int, *, ended: bool
) -> tuple[Sequence[ExceptionRow], int]:
    place = (admin.site_id, admin.space_id)
    if ended:
        return await exceptions.listed(db, *place, page, SHOWN, ended=True)
    rows = sorted(await exceptions.in_force(db, *place), key=lambda row: row.until)
    return rows[(page - 1) * SHOWN : page * SHOWN], len(rows)


async def _published(db: DB, admin: SpaceCaller) -> int:
    """Return the number of the published sync, 0 before the first one."""
    sync = await syncs.published(db, admin.site_id, admin.space_id)
    return (sync.number if sync else None) or 0


async def _api_names(
    db: DB, admin: SpaceCaller, number: int, api_ids: Iterable[str | None]
) -> Mapping[str, str]:
    wanted = {each for each in api_ids if each}
    place = (db, admin.site_id, admin.space_id, number)
    return await posture_rows.names(*place, wanted) if wanted else {}


async def _names(services: Services, admin: SpaceCaller, people: Iterable[AccountId]) -> Names:
    wanted = dict.fromkeys(people)
    return await names_of(services, admin.caller, wanted) if wanted else {}


def _environments(connection: Connection | None) -> Sequence[Environment]:
    return connection.environments if connection else ()


def _exception(
    row: ExceptionRow,
    finding: FindingRow | None,
    apis: Mapping[str, str],
    names: Names,
    now: datetime,
) -> ExceptionShown:
    name = (finding.name if finding else apis.get(row.api_id or "")) or ""
    return judging_view.exception_shown(row, finding, name, names, now)
