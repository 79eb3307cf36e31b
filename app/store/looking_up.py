"""Looking installations up by claimed issuers: those that are asked for meanwhile go together."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from psycopg.rows import namedtuple_row

from app.caller import Door
from app.store.database import Database
from app.store.encryption import Keyring
from app.store.sites import Installation, opened

# Casts and names here: the driver knows nothing of our tables. The function lets each issuer see its
# own row, one after the other.
FIND = """
    SELECT site_id::text, door, issuer, base_url, display_url, oauth_client_id, shared_secret,
        uninstalled_at, enabled
    FROM unnest(%s::text[]) AS claimed, LATERAL plumbline.installation_of(claimed, %s)
"""

Rows = Mapping[str, Any]
"""As they are kept, by issuer; nothing where nobody has this name."""


@dataclass(slots=True)
class _Question:
    """What goes to the database at once."""

    issuers: set[str] = field(default_factory=set)
    answer: asyncio.Task[Rows] | None = None


class LookingUp:
    """Asks for the installations of one door, one question at a time.

    A question for eight costs what one for one does. And as anybody can claim to be a site, those who
    ask hold no more than one of the pool's connections, however many they are.
    """

    def __init__(self, database: Database, keyring: Keyring, door: Door = Door.CONNECT) -> None:
        """Take the ways there; nothing is asked before the first look-up."""
        self._database = database
        self._keyring = keyring
        self._door = door
        self._turn = asyncio.Lock()
        self._next = _Question()

    async def find(self, issuer: str) -> Installation | None:
        """Return the installation of a claimed issuer, or None where nobody has this name.

        It is as it stands after the call; `Unavailable` where the database is away.
        """
        question = self._next
        question.issuers.add(issuer)
        if question.answer is None:
            question.answer = asyncio.create_task(self._ask(question))
        # One who leaves takes nothing from the others.
        row = (await asyncio.shield(question.answer)).get(issuer)
        return None if row is None else opened(row, self._keyring)

    async def _ask(self, question: _Question) -> Rows:
        async with self._turn:
            try:
                async with self._database.question() as connection:
                    self._next = _Question()
                    cursor = connection.cursor(row_factory=namedtuple_row)
                    await cursor.execute(FIND, (list(question.issuers), self._door.value))
                    rows: list[Any] = await cursor.fetchall()
                    return {row.issuer: row for row in rows}
            finally:
                if self._next is question:
                    self._next = _Question()
