"""The shapes that several answers of the JSON API share."""

from datetime import datetime

from pydantic import BaseModel

from app.posture.model import Environment
from app.store.syncs import Sync, SyncEnvironment


class EnvironmentAnswer(BaseModel):
    """An environment as Anypoint names it."""

    id: str
    name: str
    type: str

    @classmethod
    def of(cls, environment: Environment) -> "EnvironmentAnswer":
        """Return an environment as it is shown."""
        return cls(id=environment.id, name=environment.name, type=environment.type)


class ReadEnvironmentAnswer(EnvironmentAnswer):
    """An environment with what became of it in a sync."""

    outcome: str
    reason: str | None
    read_at: datetime | None


class SyncEnvironmentAnswer(ReadEnvironmentAnswer):
    """The same with the number of its instances."""

    instances: int

    @classmethod
    def of_sync(cls, environment: SyncEnvironment) -> "SyncEnvironmentAnswer":
        """Return an environment of a sync as it is shown."""
        return cls(
            id=environment.id,
            name=environment.name,
            type=environment.type,
            outcome=environment.outcome,
            reason=environment.reason,
            read_at=environment.read_at,
            instances=environment.instances,
        )


class PublishedAnswer(BaseModel):
    """The published sync that an answer is about."""

    id: str
    finished_at: datetime | None
    environments: list[ReadEnvironmentAnswer]

    @classmethod
    def of(cls, sync: Sync) -> "PublishedAnswer":
        """Return a published sync as it is shown."""
        environments = [
            ReadEnvironmentAnswer(
                id=item.id,
                name=item.name,
                type=item.type,
                outcome=item.outcome,
                reason=item.reason,
                read_at=item.read_at,
            )
            for item in sync.environments
        ]
        return cls(id=sync.id, finished_at=sync.finished_at, environments=environments)
