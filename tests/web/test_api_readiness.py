"""The readiness of a space: what is asked, what is told, and as a file."""

import csv
import io
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.store.database import Database
from app.store.encryption import Keyring
from app.web.api import readiness_reading
from sandbox.estate_model import Estate
from tests.postgres import FreshDatabase
from tests.store.estate import SPACE, Home
from tests.sync.world import World
from tests.web.live import synced
from tests.web.product import Product

FROM, TO = "Test", "Production"


def alike(estate: Estate) -> None:
    """Let the first API be in Test what it is in Production, with a name like a formula."""
    api = next(api for api in estate.apis if api.asset_id)
    ids = {item.name: item.id for item in estate.environments}
    production = api.in_environment(ids[TO])
    here = api.in_environment(ids[FROM])
    here.policies, here.tiers = production.policies, production.tiers
    here.contracts, here.asset_version = production.contracts, production.asset_version
    here.product_version, here.technology = production.product_version, production.technology
    api.name = "=1+1 Experience API"


@pytest.fixture
async def world(
    addresses: FreshDatabase, database: Database, keyring: Keyring, ours: Home, product: Product
) -> AsyncIterator[World]:
    async with synced(addresses, database, keyring, ours, product, change=alike, apis=12) as made:
        yield made


async def told(product: Product, **asked: str) -> dict[str, Any]:
    pairs = {"from": FROM, "to": TO, **asked}
    found: dict[str, Any] = await product.get(
        "readiness?" + "&".join(f"{name}={text}" for name, text in pairs.items())
    )
    return found


async def refused(product: Product, query: str, status: int = 422) -> dict[str, Any]:
    answer = await product.call("GET", f"readiness{query}")
    assert answer.status_code == status, answer.text
    found: dict[str, Any] = answer.json()["error"]
    return found


async def test_a_space_is_judged_over_all_its_apis_worst_first(product: Product, world: World):
    found = await told(product)
    assert found["ready"] is False
    assert (found["from"]["name"], found["to"]["name"]) == (FROM, TO)
    assert found["apis"] == (await product.get("posture"))["total"]
    assert found["counts"] == {
        name: len(found[name]) for name in ("blockers", "warnings", "unknown")
    }
    order = ["critical", "high", "medium", "low", "info", None]
    ranks = [order.index(point["severity"]) for point in found["blockers"]]
    assert ranks == sorted(ranks)


async def test_a_point_stands_on_the_published_finding(product: Product, world: World):
    found = await told(product)
    published = {item["fingerprint"]: item for item in (await product.get("findings"))["findings"]}
    standing = [point for point in found["blockers"] if point["finding"]]
    assert standing
    for point in standing:
        assert published[point["finding"]["fingerprint"]] == point["finding"]
        assert point["api_id"] == point["finding"]["api_id"]


async def test_environments_are_named_by_id_or_name(product: Product, world: World):
    named = await told(product)
    by_id = await told(product, **{"from": named["from"]["id"], "to": named["to"]["id"]})
    assert by_id == named


async def test_one_api_is_judged_alone(product: Product, world: World):
    apis = (await product.get("posture"))["apis"]
    for api in apis[:3]:
        found = await told(product, api_id=api["id"])
        assert found["apis"] == 1
        assert {p["api_id"] for p in found["blockers"] + found["warnings"]} <= {api["id"], None}


async def test_the_filters_of_the_overview_choose_the_apis(product: Product, world: World):
    threats = await told(product, verdict="threat")
    assert threats["apis"] == (await product.get("posture?verdict=threat"))["total"]


async def test_a_filter_that_lets_nothing_through_is_never_ready(product: Product, world: World):
    found = await told(product, search="no such api")
    assert (found["ready"], found["apis"]) == (None, 0)
    assert "No API matches" in found["unknown"][-1]["sentence"]


async def test_a_wish_that_cannot_be_met_names_its_field(product: Product, world: World):
    assert set((await refused(product, ""))["fields"]) == {"from", "to"}
    nowhere = await refused(product, "?from=Tset&to=Production")
    assert "Compared are: " in nowhere["fields"]["from"]
    same = await refused(product, "?from=Test&to=Test")
    assert set(same["fields"]) == {"to"}
    assert (await refused(product, "?from=Test&to=Production&page=2"))["fields"] == {
        "page": "There is no parameter of this name."
    }
    for api_id in ("0" * 32, "no-id"):
        await refused(product, f"?from=Test&to=Production&api_id={api_id}", 404)


async def test_before_the_first_sync_nothing_is_known(product: Product, ours: Home):
    found = await told(product)
    assert (found["ready"], found["sync"], found["from"], found["apis"]) == (None, None, None, 0)
    assert [point["sentence"] for point in found["unknown"]] == [
        readiness_reading.NOTHING_PUBLISHED
    ]


async def test_after_the_connection_was_removed_nothing_is_ready_and_the_reason_is_that(
    product: Product, world: World
):
    await world.connections.remove(world.site_id, SPACE)
    found = await told(product)
    assert (found["ready"], found["counts"]["unknown"]) == (None, 1)
    assert found["unknown"][0]["sentence"] == readiness_reading.NOT_CONNECTED
    (row,) = await exported(product)
    assert (row["weight"], row["sentence"]) == ("unknown", readiness_reading.NOT_CONNECTED)


async def test_an_environment_that_was_not_read_is_unknown(product: Product, world: World):
    environment = next(item for item in world.estate.environments if item.name == TO)
    world.standin.control.post(
        {
            "faults": [
                {
                    "action": "status",
                    "status": 403,
                    "path": "/apis$|/apis\\?",
                    "environment": environment.id,
                }
            ]
        }
    )
    await world.sync()
    found = await told(product)
    assert found["ready"] is None
    assert found["blockers"] == []
    assert [point["api_id"] for point in found["unknown"]] == [None]


async def test_what_is_accepted_warns_from_the_next_question_on(product: Product, world: World):
    before = await told(product)
    standing = next(point for point in before["blockers"] if point["finding"] and point["api_id"])
    fingerprint = standing["finding"]["fingerprint"]
    until = (datetime.now(UTC) + timedelta(days=30)).isoformat()
    wish = {"fingerprints": [fingerprint], "reason": "planned", "note": "Next week", "until": until}
    answer = await product.call("POST", "exceptions", wish)
    assert answer.status_code == 201, answer.text
    after = await told(product)
    assert after["counts"]["blockers"] == before["counts"]["blockers"] - 1
    accepted = [point for point in after["warnings"] if point["accepted_until"]]
    assert [point["finding"]["fingerprint"] for point in accepted] == [fingerprint]
    assert accepted[0]["sentence"].endswith(f"(accepted until {until[:10]})")


async def test_a_long_answer_tells_the_worst_and_counts_all(
    product: Product, world: World, monkeypatch: pytest.MonkeyPatch
):
    whole = await told(product)
    monkeypatch.setattr(readiness_reading, "MOST_TOLD", 2)
    monkeypatch.setattr(readiness_reading, "BATCH_APIS", 3)
    short = await told(product)
    assert short["counts"] == whole["counts"]
    assert short["blockers"] == whole["blockers"][:2]
    assert short["warnings"] == whole["warnings"][:2]


async def test_a_question_about_many_apis_takes_the_turn_of_an_export(
    product: Product, world: World, ours: Home
):
    api = (await product.get("posture"))["apis"][0]
    slots = product.services.downloads
    with slots.taken(ours.site_id), slots.taken(ours.site_id):
        await refused(product, f"?from={FROM}&to={TO}", 429)
        assert (await told(product, api_id=api["id"]))["apis"] == 1


async def exported(product: Product, query: str = "") -> list[dict[str, str]]:
    answer = await product.call("GET", f"readiness.csv?from={FROM}&to={TO}{query}")
    assert answer.status_code == 200, answer.text
    assert "plumbline-readiness_" in answer.headers["content-disposition"]
    return list(csv.DictReader(io.StringIO(answer.text, newline="")))


async def test_the_file_has_a_row_for_each_point(product: Product, world: World):
    found, rows = await told(product), await exported(product)
    for weight, name in (("blocker", "blockers"), ("warning", "warnings"), ("unknown", "unknown")):
        sentences = sorted(row["sentence"] for row in rows if row["weight"] == weight)
        assert sentences == sorted(point["sentence"] for point in found[name])
    assert {row["sync_id"] for row in rows} == {found["sync"]["id"]}
    assert {(row["from"], row["to"]) for row in rows} == {(FROM, TO)}


async def test_no_cell_of_the_file_is_a_formula(product: Product, world: World):
    names = {row["name"] for row in await exported(product)}
    assert not [name for name in names if name.startswith("=")]


async def test_the_file_is_refused_like_the_answer_and_noted_in_the_log(
    product: Product, world: World
):
    bad = await product.call("GET", "readiness.csv?from=Nowhere&to=Production")
    assert bad.status_code == 422
    await exported(product)
    entries = (await product.get("audit"))["audit"]
    assert "readiness.csv" in [entry["object_id"] for entry in entries]


async def test_before_the_first_sync_the_file_says_so(product: Product, ours: Home):
    (row,) = await exported(product)
    assert (row["weight"], row["sentence"]) == ("unknown", readiness_reading.NOTHING_PUBLISHED)


async def test_theirs_is_not_ours(product: Product, world: World, theirs: Home):
    api = (await product.get("posture"))["apis"][0]
    product.issuer = "theirs"
    assert (await told(product))["sync"] is None
    assert (await told(product, api_id=api["id"]))["apis"] == 0
