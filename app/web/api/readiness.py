"""`/api/spaces/{space_id}/readiness`: may what runs in one environment go to another?"""

from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime
from functools import partial
from typing import Annotated

from fastapi import Query
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from app.caller import Right, TokenKind
from app.posture.promotion import Weight
from app.store.syncs import SyncEnvironment
from app.web.api.answers import EnvironmentAnswer, FindingAnswer, PublishedAnswer
from app.web.api.readiness_file import readiness_file
from app.web.api.readiness_reading import Readiness, ToldPoint, Wish, readiness_of
from app.web.dependencies import App, SpaceCaller, Viewer
from app.web.downloads import Download
from app.web.fields import Id
from app.web.queries import ChoiceQuery
from app.web.routing import guard, space_router
from app.web.settings.audit_reading import record_export
from app.web.state import Services

router = space_router("/api")


class ReadinessQuery(ChoiceQuery):
    """From where to where, each by id or exact name; for one API, or for those of a filter."""

    origin: Annotated[Id, Field(alias="from")]
    target: Annotated[Id, Field(alias="to")]
    api_id: Id | None = None

    def wish(self, now: datetime) -> Wish:
        """Return what is asked."""
        return Wish(self.origin, self.target, now, self.api_id, self.choice())


class PointAnswer(BaseModel):
    """One thing to know; without `api_id` it is about an environment as a whole.

    `finding` is the published one that it stands on, null where the space has none: the two
    environments are compared alone. `accepted_until` is the end of the exception in force.
    """

    api_id: str | None
    api_name: str | None
    sentence: str
    severity: str | None
    kind: str | None
    rule: str | None
    accepted_until: datetime | None
    finding: FindingAnswer | None

    @classmethod
    def of(cls, told: ToldPoint) -> "PointAnswer":
        """Return a point as it is shown."""
        found = told.point.finding
        return cls(
            api_id=told.api.api_id if told.api else None,
            api_name=told.api.name if told.api else None,
            sentence=told.point.sentence,
            severity=found.severity if found else None,
            kind=found.kind if found else None,
            rule=found.rule if found else None,
            accepted_until=told.point.accepted.until if told.point.accepted else None,
            finding=FindingAnswer.of(told.row) if told.row else None,
        )


class UnknownAnswer(BaseModel):
    """What could not be told, and of which API; null: of an environment as a whole."""

    api_id: str | None
    api_name: str | None
    sentence: str


class CountsAnswer(BaseModel):
    """How many there are of each; the lists hold the first thousand, worst first."""

    blockers: int
    warnings: int
    unknown: int


class ReadinessAnswer(BaseModel):
    """`ready` is null where nothing blocks and something needed could not be read."""

    model_config = ConfigDict(populate_by_name=True)

    ready: bool | None
    origin: EnvironmentAnswer | None = Field(alias="from")
    target: EnvironmentAnswer | None = Field(alias="to")
    sync: PublishedAnswer | None
    apis: int
    counts: CountsAnswer
    blockers: list[PointAnswer]
    warnings: list[PointAnswer]
    unknown: list[UnknownAnswer]


@router.get("/readiness")
@guard(token=TokenKind.PIPELINE, right=Right.VIEWER)
async def show_readiness(
    viewer: Viewer, app: App, wanted: Annotated[ReadinessQuery, Query()]
) -> ReadinessAnswer:
    """Tell whether what runs in one environment may go to another, and what speaks against it."""
    wish = wanted.wish(datetime.now(UTC))
    with _turn(app, viewer, wish):
        found = await readiness_of(app.database, viewer.site_id, viewer.space_id, wish)
    return readiness_answer(found)


@router.get("/readiness.csv")
@guard(token=TokenKind.CONTEXT, right=Right.VIEWER)
async def export_readiness(
    viewer: Viewer, app: App, wanted: Annotated[ReadinessQuery, Query()]
) -> Response:
    """Export the same, all of it, a line for each thing to know."""
    noted = partial(record_export, app, viewer, "readiness.csv")
    opened = partial(readiness_file, app, viewer, wanted.wish(datetime.now(UTC)))
    return Download(app.downloads, viewer.site_id, opened, noted)


def _turn(app: Services, viewer: SpaceCaller, wish: Wish) -> AbstractContextManager[None]:
    """Return the turn of a question about many APIs: it costs as much as an export does."""
    return nullcontext() if wish.api_id else app.downloads.taken(viewer.site_id)


def readiness_answer(found: Readiness) -> ReadinessAnswer:
    """Return an answer as it is shown."""
    return ReadinessAnswer(
        ready=found.ready,
        origin=_environment(found.origin),
        target=_environment(found.target),
        sync=PublishedAnswer.of(found.sync) if found.sync else None,
        apis=found.apis,
        counts=CountsAnswer(
            blockers=found.counts[Weight.BLOCKER],
            warnings=found.counts[Weight.WARNING],
            unknown=found.counts[Weight.UNKNOWN],
        ),
        blockers=[PointAnswer.of(each) for each in found.blockers],
        warnings=[PointAnswer.of(each) for each in found.warnings],
        unknown=_unknown(found.unknown),
    )


def _environment(item: SyncEnvironment | None) -> EnvironmentAnswer | None:
    return EnvironmentAnswer(id=item.id, name=item.name, type=item.type) if item else None


def _unknown(points: Iterable[ToldPoint]) -> list[UnknownAnswer]:
    return [
        UnknownAnswer(
            api_id=each.api.api_id if each.api else None,
            api_name=each.api.name if each.api else None,
            sentence=each.point.sentence,
        )
        for each in points
    ]
