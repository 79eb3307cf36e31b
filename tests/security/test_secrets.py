"""No secret leaves the process, and none stands in the database in clear."""

import contextlib
import io
import logging
import zlib
from collections.abc import AsyncIterator, Iterator
from typing import Any

import psycopg
import pytest
from prometheus_client import generate_latest

from app import metrics
from app.store import sites
from app.store.database import Database
from app.store.encryption import Keyring
from app.sync.queue import Queue
from app.web.request_log import RecordFormatter
from sandbox import anypoint, estate
from tests.postgres import FreshDatabase
from tests.store.estate import SPACE, Home, arrival, receipt
from tests.sync.world import World
from tests.web.product import Product, secret_of

POLICY_CANARY = "canary-policy-1f6e"
CLIENT_CANARY = "canary-client-77c0"
READ = (
    "posture",
    "findings",
    "posture.csv",
    "posture.csv?rows=findings",
    "posture.html",
    "snapshots",
    "changes",
    "changes.csv",
    "audit",
    "audit.csv",
    "connection",
    "syncs",
    f"/fragments/spaces/{SPACE}/posture",
    f"/fragments/spaces/{SPACE}/settings",
    f"/fragments/spaces/{SPACE}/history",
)


@contextlib.contextmanager
def everything_logged() -> Iterator[io.StringIO]:
    """All that any logger writes, at its most talkative, through the formatter that is used."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(RecordFormatter("text"))
    root = logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield stream
    root.removeHandler(handler)
    root.setLevel(before)


@pytest.fixture
async def world(
    addresses: FreshDatabase, database: Database, keyring: Keyring, ours: Home
) -> AsyncIterator[World]:
    queue = Queue(addresses.app_url, 30)
    await queue.open()
    built = estate.build(seed=1, apis=4, environments=2)
    built.client_secret = CLIENT_CANARY
    for api in built.apis:
        for instance in api.instances:
            for policy in instance.policies:
                policy.configuration |= {
                    "clientSecret": POLICY_CANARY,
                    "url": f"https://user:{POLICY_CANARY}@ldap.example.com",
                    "headers": [{"key": "Authorization", "value": f"Bearer {POLICY_CANARY}"}],
                }
    yield (made := World(database, keyring, queue, ours.site_id, built, anypoint.create_app(built)))
    await made.close()
    await queue.close()


def whole_database(url: str) -> bytes:
    """Everything that any table of ours or of the queue holds, deflated bodies inflated."""
    found = []
    tables = (
        "SELECT schemaname || '.' || tablename FROM pg_tables WHERE schemaname IN"
        " ('plumbline', 'jobs')"
    )
    with psycopg.connect(url) as connection:
        for (table,) in connection.execute(tables).fetchall():
            for row in connection.execute(f"SELECT * FROM {table}").fetchall():
                found += [as_bytes(value) for value in row]
    return b"\n".join(found)


def as_bytes(value: Any) -> bytes:
    if not isinstance(value, bytes):
        return str(value).encode()
    try:
        return zlib.decompress(value)
    except zlib.error:
        return value


async def test_a_whole_run_leaves_no_secret_anywhere(
    product: Product, world: World, addresses: FreshDatabase
):
    secrets = (POLICY_CANARY, CLIENT_CANARY, secret_of("ours"))
    with everything_logged() as log:
        await world.connect()
        ended = await world.sync()
        assert ended.state == "published", ended.reason
        snapshot = (await product.call("POST", "snapshots")).json()["id"]
        api = (await product.get("posture"))["apis"][0]["id"]
        more = (f"apis/{api}", f"snapshots/{snapshot}", f"snapshots/{snapshot}/evidence.json")
        for path in (*READ, *more, f"/fragments/spaces/{SPACE}/apis/{api}"):
            answer = await product.call("GET", path)
            assert answer.status_code == 200, (path, answer.text)
            assert not any(secret in answer.text for secret in secrets), path
        await product.call(
            "PUT", "connection", {"client_secret": CLIENT_CANARY, "x": CLIENT_CANARY}
        )
    kept = whole_database(addresses.superuser_url)
    said = log.getvalue()
    assert b"$secret" in kept
    assert "plumbline.request" in said
    for secret in secrets:
        assert secret.encode() not in kept
        assert secret not in said
        assert secret.encode() not in generate_latest(metrics.REGISTRY)


@pytest.mark.parametrize("harm", ["swapped", "altered", "cut"])
async def test_a_harmed_ciphertext_opens_nothing_and_asks_nobody(
    product: Product, ours: Home, theirs: Home, addresses: FreshDatabase, harm: str
):
    of_site = "SELECT client_secret FROM plumbline.connections WHERE site_id = %s"
    with psycopg.connect(addresses.superuser_url) as connection:
        theirs_sealed, ours_sealed = (
            connection.execute(of_site, [home.site_id]).fetchone()[0] for home in (theirs, ours)
        )
        harmed = {
            "swapped": theirs_sealed,
            "altered": ours_sealed[:-1] + bytes([ours_sealed[-1] ^ 1]),
            "cut": ours_sealed[:10],
        }[harm]
        change = "UPDATE plumbline.connections SET client_secret = %s WHERE site_id = %s"
        connection.execute(change, [harmed, ours.site_id])
    answer = await product.call("POST", "connection/test")
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "cannot_decrypt")
    assert product.anypoint.asked == []


async def test_a_sites_secret_moved_to_another_site_lets_nobody_in(
    product: Product, ours: Home, theirs: Home, addresses: FreshDatabase
):
    """Somebody who can write to the database, but has no key, cannot become another site."""
    with psycopg.connect(addresses.superuser_url) as connection:
        connection.execute(
            "UPDATE plumbline.installations o SET shared_secret = t.shared_secret"
            " FROM plumbline.installations t WHERE o.site_id = %s AND t.site_id = %s",
            [ours.site_id, theirs.site_id],
        )
    assert (await product.call("GET", "posture")).status_code == 503
    product.issuer = "theirs"
    assert (await product.call("GET", "posture")).status_code == 200


async def test_nothing_that_holds_a_secret_shows_it(
    ours: Home, database: Database, keyring: Keyring
):
    async with database.transaction(ours.site_id) as db:
        installation = await sites.installation(db, ours.site_id, keyring)
    shown = repr((installation, arrival("ours", shared_secret=CLIENT_CANARY), keyring, receipt()))
    assert secret_of("ours") not in shown
    assert CLIENT_CANARY not in shown
    assert "kkkk" not in shown
