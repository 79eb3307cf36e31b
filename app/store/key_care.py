"""What the operator is told of the encryption keys: rotating them, and which one is missing."""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from app.caller import SiteId
from app.errors import Unavailable
from app.store import agenda, audit, rotation
from app.store.audit import Act, Action
from app.store.database import Database
from app.store.encryption import CannotDecrypt, Keyring

LOOK_AGAIN_SECONDS = 300.0
LOOK_SOON_SECONDS = 5.0
"""After the database could not be asked."""

MOST_SECONDS = 0.5

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Rotation:
    """How many values need which key by now, how many were sealed anew, and where it failed."""

    usage: Counter[str]
    changed: int
    failed_sites: int


async def rotate_all(database: Database, keyring: Keyring, every: Iterable[SiteId]) -> Rotation:
    """Seal every site's values with the first key, one site after another, while all goes on.

    A site whose key is missing keeps its values as they are; the others are rotated all the same.
    """
    usage: Counter[str] = Counter()
    changed = failed = 0
    for site_id in every:
        try:
            changed += await _rotate(database, site_id, keyring)
        except CannotDecrypt:
            failed += 1
        async with database.transaction(site_id) as db:
            usage.update(await rotation.key_usage(db, site_id))
    return Rotation(usage, changed, failed)


async def _rotate(database: Database, site_id: SiteId, keyring: Keyring) -> int:
    async with database.transaction(site_id) as db:
        sealed_anew = await rotation.rotate(db, site_id, keyring)
        if sealed_anew:
            await audit.write(db, site_id, audit.WHOLE_SITE, Act(Action.KEYS_ROTATED))
    return sealed_anew


def told(rotated: Rotation, keyring: Keyring) -> list[str]:
    """Return what the operator is told: values by key, and which keys may go."""
    ids = sorted(keyring.ids | rotated.usage.keys(), key=lambda one: (one != keyring.first, one))
    lines = [
        f"{_values(rotated.changed, 'was', 'were')} sealed anew with the key {keyring.first}",
        *(
            f"key {one}: {_values(rotated.usage[one])}, {_fate(one, rotated, keyring)}"
            for one in ids
        ),
    ]
    if rotated.failed_sites:
        count = rotated.failed_sites
        noun = "site" if count == 1 else "sites"
        lines.append(f"{count} {noun} could not be rotated: a key is missing or wrong")
    return lines


def _values(number: int, one: str = "", many: str = "") -> str:
    said = f"{number} value {one}" if number == 1 else f"{number} values {many}"
    return said.rstrip()


def _fate(key_id: str, rotated: Rotation, keyring: Keyring) -> str:
    if key_id == keyring.first:
        return "encrypts"
    if key_id not in keyring.ids:
        return "is missing from PLUMBLINE_ENCRYPTION_KEYS"
    return "still needed" if rotated.usage[key_id] else "may be removed"


class KeyCheck:
    """Whether every stored value has its key, and the right one: looked at beside the requests."""

    def __init__(self, database: Database, keyring: Keyring) -> None:
        self._database = database
        self._keyring = keyring
        self._problem: str | None = None
        self._until = 0.0
        self._looking: asyncio.Task[None] | None = None

    async def problem(self) -> str | None:
        """Return which key is missing or wrong, or None; what was known last while many sites are looked at."""
        if self._looking is None and time.monotonic() >= self._until:
            self._looking = asyncio.create_task(self._look())
        if self._looking is not None:
            await asyncio.wait([self._looking], timeout=MOST_SECONDS)
        return self._problem

    async def _look(self) -> None:
        wait = LOOK_AGAIN_SECONDS
        try:
            self._problem = _named(*await self._faults())
        except Unavailable:
            wait = LOOK_SOON_SECONDS
            log.warning("the stored secrets' keys could not be looked at")
        finally:
            self._until = time.monotonic() + wait
            self._looking = None

    async def _faults(self) -> tuple[frozenset[str], frozenset[str]]:
        async with self._database.agenda() as db:
            every = await agenda.all_sites(db)
        missing: frozenset[str] = frozenset()
        wrong: frozenset[str] = frozenset()
        for site_id in every:
            async with self._database.transaction(site_id) as db:
                missing |= await rotation.missing_keys(db, site_id, self._keyring)
                wrong |= await rotation.wrong_keys(db, site_id, self._keyring)
        return missing, wrong


def _named(missing: frozenset[str], wrong: frozenset[str]) -> str | None:
    if missing:
        ids = ", ".join(sorted(missing))
        return f"Stored secrets need a key that PLUMBLINE_ENCRYPTION_KEYS lacks: {ids}."
    if wrong:
        ids = ", ".join(sorted(wrong))
        return f"Stored secrets were sealed with another key than PLUMBLINE_ENCRYPTION_KEYS names {ids}."
    return None
