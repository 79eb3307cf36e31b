"""The pipelines' way in: a space's token becomes a `Pipeline`, or is refused."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from starlette.requests import Request

from app.caller import Pipeline
from app.errors import NotAuthenticated
from app.store import pipeline_tokens
from app.store.database import Database


@dataclass(frozen=True, slots=True)
class PipelineDoor:
    """Opens tokens that an administrator of a space made."""

    database: Database
    clock: Callable[[], datetime]

    async def pipeline(self, request: Request) -> Pipeline:
        """Return which space's pipeline asks; every other token is refused in the same words."""
        text = request.headers["authorization"].partition(" ")[2]
        proof = pipeline_tokens.proof_of(text)
        if proof is None:
            raise NotAuthenticated("not the form of a pipeline token")
        async with self.database.transaction(proof.site_id) as db:
            found = await pipeline_tokens.opened(db, proof.site_id, proof.digest, self.clock())
        if found is None:
            raise NotAuthenticated("no such pipeline token")
        return Pipeline(
            site_id=proof.site_id,
            door=found.door,
            space_id=found.space_id,
            token_id=found.token_id,
        )
