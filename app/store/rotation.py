"""Key rotation: a site's sealed values are sealed anew with the first key, while all goes on."""

from collections import Counter
from dataclasses import dataclass

from sqlalchemy import Column, Select, Table, select, update

from app.caller import SiteId
from app.store.database import DB
from app.store.encryption import CannotDecrypt, Keyring, key_id
from app.store.tables import connections, installations, page_tokens, sites


@dataclass(frozen=True, slots=True)
class Sealed:
    """A column of sealed values; `row` is the column that its values are bound to, '' beside it."""

    column: Column[object]
    row: str
    has_space: bool = False


# In the order in which a site that leaves or comes back takes these rows: of two who each held what
# the other needs next, the database would end one.
SEALED = (
    Sealed(installations.c.shared_secret, "door"),
    Sealed(page_tokens.c.user_token, "token_id"),
    Sealed(connections.c.client_secret, "space_id", has_space=True),
    Sealed(sites.c.fingerprint_key, "site_id"),
)


async def key_usage(db: DB, site_id: SiteId) -> Counter[str]:
    """Return how many of the site's sealed values need which key."""
    usage: Counter[str] = Counter()
    for sealed in SEALED:
        usage.update(key_id(value) for _, value in await _values(db, site_id, sealed))
    return usage


async def missing_keys(db: DB, site_id: SiteId, keyring: Keyring) -> frozenset[str]:
    """Return the ids of keys that some value of the site needs and nobody has given."""
    usage = await key_usage(db, site_id)
    return frozenset(usage.keys() - keyring.ids)


async def wrong_keys(db: DB, site_id: SiteId, keyring: Keyring) -> frozenset[str]:
    """Return the ids of given keys that do not open what a key of that name has sealed.

    One value for each key is tried: whoever restored a backup with other keys is told at once.
    """
    wrong: set[str] = set()
    tried: set[str] = set()
    for sealed in SEALED:
        for row, value in await _values(db, site_id, sealed):
            name = key_id(value)
            if name in keyring.ids - tried and not _opens(site_id, sealed, row, value, keyring):
                wrong.add(name)
            tried.add(name)
    return frozenset(wrong)


def _opens(site_id: SiteId, sealed: Sealed, row: str, value: bytes, keyring: Keyring) -> bool:
    try:
        keyring.decrypt(value, **_place(site_id, sealed, row))
    except CannotDecrypt:
        return False
    return True


async def rotate(db: DB, site_id: SiteId, keyring: Keyring) -> int:
    """Seal with the first key what another one sealed; return how many values that were.

    A value whose key is missing raises `CannotDecrypt`, and nothing of the site is changed.
    """
    # Whoever purges the site is waited for here: they take its row first of all.
    await db.scalar(_site(site_id).with_for_update(read=True, key_share=True))
    changed = 0
    for sealed in SEALED:
        for row, value in await _values(db, site_id, sealed, is_to_change=True):
            if key_id(value) != keyring.first:
                await _seal_anew(db, site_id, sealed, row, value, keyring)
                changed += 1
    return changed


async def _values(
    db: DB, site_id: SiteId, sealed: Sealed, *, is_to_change: bool = False
) -> list[tuple[str, bytes]]:
    table = _table(sealed)
    question = select(table.c[sealed.row], sealed.column).where(
        table.c.site_id == site_id, sealed.column.is_not(None)
    )
    # Merely counting must not make a serving process wait; and no key is changed, so that who writes
    # what hangs on these rows goes on meanwhile.
    rows = await db.execute(question.with_for_update(key_share=True) if is_to_change else question)
    return [(row, bytes(value)) for row, value in rows]


def _site(site_id: SiteId) -> Select[tuple[str]]:
    return select(sites.c.site_id).where(sites.c.site_id == site_id)


async def _seal_anew(
    db: DB, site_id: SiteId, sealed: Sealed, row: str, value: bytes, keyring: Keyring
) -> None:
    table = _table(sealed)
    place = _place(site_id, sealed, row)
    anew = keyring.encrypt(keyring.decrypt(value, **place), **place)
    await db.execute(
        update(table)
        .where(table.c.site_id == site_id, table.c[sealed.row] == row)
        .values({sealed.column: anew})
    )


def _place(site_id: SiteId, sealed: Sealed, row: str) -> dict[str, str]:
    return {
        "site": site_id,
        "space": row if sealed.has_space else "",
        "table": _table(sealed).name,
        "field": sealed.column.name,
        "row": row,
    }


def _table(sealed: Sealed) -> Table:
    table = sealed.column.table
    assert isinstance(table, Table)
    return table
