"""Snapshots over the JSON API: who may take one, what it holds, and that it stays."""

import asyncio
import csv
import hashlib
import io
from collections.abc import AsyncIterator

import psycopg
import pytest

from app.caller import Right
from app.posture.model import Cell, CellState, Coverage, Kind, NotRead, Severity, Verdict
from app.store.database import Database
from app.store.encryption import Keyring
from app.sync.queue import Queue
from sandbox import anypoint, estate
from tests.postgres import FreshDatabase
from tests.store.estate import PRODUCTION, TEST, Home, make_finding, make_posture, rows_of
from tests.sync.world import World
from tests.web.product import Product


async def publish(ours: Home, value: str = "v1") -> None:
    """One threat, one drift deployed in Test only, one aligned."""
    changed = make_finding("f1", values_digest=value, sentence=f"JWT validation differs: {value}.")
    limits = make_finding("f2", severity=Severity.LOW, kind=Kind.TIER_LIMITS, subject="Gold")
    cells = {TEST.id: Cell(CellState.DEPLOYED), PRODUCTION.id: Cell(CellState.NOT_DEPLOYED)}
    await ours.published(
        rows=rows_of(
            make_posture("g1/orders-api", changed),
            make_posture("g2/billing-api", limits, verdict=Verdict.DRIFT, cells=cells),
            make_posture("g2/stock-api"),
            baseline_environment_id=PRODUCTION.id,
        )
    )


async def taken(product: Product, body: object = None, **headers: str) -> dict[str, object]:
    answer = await product.call("POST", "snapshots", body or {}, headers=headers)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def test_before_the_first_sync_there_is_nothing_to_freeze(product: Product, ours: Home):
    assert (await product.call("POST", "snapshots", {})).status_code == 409
    assert await product.get("snapshots") == {"snapshots": [], "total": 0, "page": 1, "size": 50}


async def test_a_snapshot_holds_what_the_overview_shows(product: Product, ours: Home):
    await publish(ours)
    made = await taken(product, {"title": " Audit ", "note": "line 1\nline 2"})
    assert (made["title"], made["note"], made["api_count"]) == ("Audit", "line 1\nline 2", 3)
    found = await product.get(f"snapshots/{made['id']}")
    overview, findings = await product.get("posture"), await product.get("findings")
    assert {name: found[name] for name in made} == made
    for name in ("sync", "baseline_environment_id", "summary", "total"):
        assert found[name] == overview[name]
    shown = [{key: api[key] for key in overview["apis"][0]} for api in found["apis"]]
    assert shown == overview["apis"]
    assert found["findings"] == findings["findings"]
    assert found["population"] == "3 of 3 APIs, 2 of 2 environments, 0 read errors"
    assert found["apis"][0]["coverage"]["sentence"] == "8 of 8 parts read"
    assert found["matrices"] is None


async def test_a_filter_is_applied_and_frozen_with_the_rows(product: Product, ours: Home):
    await publish(ours)
    wanted = {"verdict": ["drift"], "environment": [TEST.id]}
    found = await product.get(f"snapshots/{(await taken(product, {'filter': wanted}))['id']}")
    assert [api["asset_id"] for api in found["apis"]] == ["billing-api"]
    assert list(found["apis"][0]["environments"]) == [TEST.id]
    assert [finding["fingerprint"] for finding in found["findings"]] == ["f2"]
    assert (found["filter"]["verdict"], found["filter"]["search"]) == (["drift"], "")
    assert found["population"] == "1 of 3 APIs, 1 of 2 environments, 0 read errors"


async def test_a_snapshot_of_one_api_counts_what_was_not_read_as_its_file_does(
    product: Product, ours: Home
):
    not_read = [NotRead(name, PRODUCTION.id, "403") for name in ("instances", "automated")]
    not_read.append(NotRead("tiers", TEST.id, "403"))
    coverage = Coverage(3, 6, tuple(not_read), 0, "3 of 6 parts read")
    orders = make_posture("g1/orders-api", coverage=coverage, verdict=Verdict.UNKNOWN)
    await ours.published(rows=rows_of(orders), failed=(PRODUCTION,))
    api_id = (await product.get("posture"))["apis"][0]["id"]
    found = await product.get(f"snapshots/{(await taken(product, {'api_id': api_id}))['id']}")
    file = await product.call("GET", f"posture.csv?api_id={api_id}")
    (told,) = {row["population"] for row in csv.DictReader(io.StringIO(file.text))}
    assert found["population"] == told == "1 of 1 API, 2 of 2 environments, 2 read errors"


async def test_a_snapshot_stays_the_same_to_the_byte_after_later_syncs(
    product: Product, ours: Home
):
    await publish(ours)
    made = await taken(product)
    before = [await product.call("GET", f"snapshots/{made['id']}{end}") for end in ENDINGS]
    await publish(ours, "v2")
    after = [await product.call("GET", f"snapshots/{made['id']}{end}") for end in ENDINGS]
    assert [answer.content for answer in after] == [answer.content for answer in before]
    assert (await product.get("findings"))["findings"][0]["sentence"].endswith("v2.")


ENDINGS = ("", "/evidence.json")


async def test_anybody_can_check_the_chain_with_a_hash_tool(product: Product, ours: Home):
    await publish(ours)
    first, second = await taken(product), await taken(product)
    assert second["previous_sha256"] == first["sha256"]
    file = await product.call("GET", f"snapshots/{second['id']}/evidence.json")
    before = bytes.fromhex(str(first["sha256"]))
    assert hashlib.sha256(before + file.content).hexdigest() == second["sha256"]
    assert file.headers["content-disposition"].startswith(
        'attachment; filename="plumbline-snapshot'
    )
    listed = await product.get("snapshots?size=1")
    assert (listed["total"], listed["snapshots"]) == (2, [second])


async def test_the_same_key_gives_the_same_snapshot_also_at_once(product: Product, ours: Home):
    await publish(ours)
    key = {"Idempotency-Key": "key 1".replace(" ", "-")}
    made = await asyncio.gather(*(taken(product, {"title": "A"}, **key) for _ in range(4)))
    assert made == [made[0]] * 4
    await publish(ours, "v2")
    assert await taken(product, {"title": "B"}, **key) == made[0]
    assert (await product.get("snapshots"))["total"] == 1


async def test_snapshots_taken_at_once_make_one_chain(product: Product, ours: Home):
    await publish(ours)
    made = await asyncio.gather(*(taken(product) for _ in range(4)))
    assert sorted(item["position"] for item in made) == [1, 2, 3, 4]
    by_position = sorted(made, key=lambda item: item["position"])
    hashes = [None, *(item["sha256"] for item in by_position)]
    assert [item["previous_sha256"] for item in by_position] == hashes[:-1]


BAD_BODIES = (
    {"taken_by": "eve"},
    {"taken_at": "2020-01-01T00:00:00Z"},
    {"sha256": "00"},
    {"space_id": "1"},
    {"title": "x" * 201},
    {"title": "a\nb"},
    {"note": "a\x00b"},
    {"title": 7},
    {"filter": {"verdict": ["red"]}},
    {"filter": {"colour": "red"}},
    {"filter": {"sort": "random"}},
    {"filter": {"search": "x"}, "api_id": "y"},
    [],
)


@pytest.mark.parametrize("body", BAD_BODIES)
async def test_nothing_but_the_contracts_fields_is_taken(product: Product, ours: Home, body):
    await publish(ours)
    assert (await product.call("POST", "snapshots", body)).status_code == 422


async def test_a_viewer_looks_and_an_editor_takes(product: Product, ours: Home):
    await publish(ours)
    made = await taken(product)
    product.may(Right.VIEWER)
    assert (await product.call("POST", "snapshots", {})).status_code == 403
    assert (await product.call("GET", f"snapshots/{made['id']}")).status_code == 200
    product.may(Right.NONE)
    for path in ("snapshots", f"snapshots/{made['id']}", f"snapshots/{made['id']}/evidence.json"):
        assert (await product.call("GET", path)).status_code == 404


async def test_nobody_can_change_or_delete_one(product: Product, ours: Home):
    await publish(ours)
    made = await taken(product)
    for method in ("PUT", "PATCH", "DELETE", "POST"):
        answer = await product.call(method, f"snapshots/{made['id']}")
        assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")


async def test_elsewhere_it_is_as_if_it_had_never_been(product: Product, ours: Home, theirs: Home):
    await publish(ours)
    made = await taken(product)
    unknown = await product.call("GET", "snapshots/00000000-0000-4000-8000-000000000000")
    product.issuer = "theirs"
    foreign = await product.call("GET", f"snapshots/{made['id']}")
    product.issuer = "ours"
    other_space = await product.call("GET", f"/api/spaces/99/snapshots/{made['id']}")
    odd = await product.call("GET", f"snapshots/{str(made['id']).upper()}")
    for answer in (unknown, foreign, other_space, odd):
        assert answer.status_code == 404
        assert answer.json()["error"]["message"] == unknown.json()["error"]["message"]


async def test_one_that_was_changed_in_the_database_is_not_shown(
    product: Product, ours: Home, addresses: FreshDatabase
):
    await publish(ours)
    made = await taken(product)
    with psycopg.connect(addresses.superuser_url) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute("UPDATE plumbline.snapshots SET body = body || ' '")
    answer = await product.call("GET", f"snapshots/{made['id']}")
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "altered")


@pytest.fixture
async def world(
    addresses: FreshDatabase, database: Database, keyring: Keyring, ours: Home
) -> AsyncIterator[World]:
    queue = Queue(addresses.app_url, 30)
    await queue.open()
    built = estate.build(seed=1, apis=6, environments=3)
    made = World(database, keyring, queue, ours.site_id, built, anypoint.create_app(built))
    await made.connect()
    yield made
    await made.close()
    await queue.close()


async def test_of_one_api_the_three_matrices_are_frozen_too(product: Product, world: World):
    await world.sync()
    row = (await product.get("posture"))["apis"][0]
    made = await taken(product, {"api_id": row["id"]})
    shown, found = (
        await product.get(f"apis/{row['id']}"),
        await product.get(f"snapshots/{made['id']}"),
    )
    assert found["matrices"] == shown["matrices"]
    told = [{k: v for k, v in f.items() if k != "history"} for f in shown["findings"]]
    assert found["findings"] == told
    assert [api["id"] for api in found["apis"]] == [row["id"]]
    assert (await product.call("POST", "snapshots", {"api_id": "0" * 32})).status_code == 404
