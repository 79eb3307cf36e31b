"""`/exceptions`: a finding is accepted until a date, listed apart, and open again by itself."""

import csv
import io
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.store.database import Database
from app.store.encryption import Keyring
from tests.postgres import FreshDatabase
from tests.store.estate import Home
from tests.sync.world import World
from tests.web.live import synced
from tests.web.product import Product

PATH = "exceptions"


@pytest.fixture
async def world(
    addresses: FreshDatabase, database: Database, keyring: Keyring, ours: Home, product: Product
) -> AsyncIterator[World]:
    async with synced(addresses, database, keyring, ours, product) as made:
        yield made


async def findings(product: Product) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await product.get("findings?size=500"))["findings"]
    return found


def in_days(days: float) -> str:
    return (datetime.now(UTC) + timedelta(days=days)).isoformat()


def body_for(*found: dict[str, Any], **changes: Any) -> dict[str, Any]:
    usual = {
        "fingerprints": [finding["fingerprint"] for finding in found],
        "reason": "accepted_risk",
        "note": "Known since the audit.",
        "until": in_days(30),
    }
    return usual | changes


async def test_an_accepted_finding_is_listed_apart_and_comes_back_when_that_is_withdrawn(
    product: Product, world: World
) -> None:
    finding = next(f for f in await findings(product) if f["api_id"])
    before = await product.get(f"apis/{finding['api_id']}")
    answer = await product.call("POST", PATH, body_for(finding))
    assert answer.status_code == 201, answer.text
    (made,) = answer.json()["exceptions"]
    assert (made["state"], made["sentence"]) == ("in_force", finding["sentence"])

    listed = await product.get("findings?size=500")
    shown = next(f for f in listed["findings"] if f["fingerprint"] == finding["fingerprint"])
    assert shown["accepted"]["exception_id"] == made["id"]
    assert shown["accepted"]["reason"] == "accepted_risk"
    assert (listed["accepted"], listed["total"]) == (1, len(await findings(product)))
    api = await product.get(f"apis/{finding['api_id']}")
    told = next(f for f in api["findings"] if f["fingerprint"] == finding["fingerprint"])
    assert [past["exception_id"] for past in told["history"]] == [made["id"]]
    rows = (await product.get("posture?size=100"))["apis"]
    row = next(row for row in rows if row["id"] == finding["api_id"])
    assert row["accepted"] == 1
    assert sum(row["findings"].values()) == len(before["findings"]) - 1

    assert (await product.call("DELETE", f"{PATH}/{made['id']}")).status_code == 204
    after = await product.get(f"apis/{finding['api_id']}")
    assert (after["verdict"], after["headline"]) == (before["verdict"], before["headline"])
    (past,) = next(
        f["history"] for f in after["findings"] if f["fingerprint"] == finding["fingerprint"]
    )
    assert (past["ended_why"], past["ended_by"]) == ("withdrawn", past["by"])
    assert (await product.get(PATH))["total"] == 0
    (ended,) = (await product.get(f"{PATH}?ended=true"))["exceptions"]
    assert (ended["state"], ended["sentence"]) == ("withdrawn", finding["sentence"])


async def test_all_findings_of_a_day_are_adopted_at_once_or_none(
    product: Product, world: World
) -> None:
    found = await findings(product)
    answer = await product.call("POST", PATH, body_for(*found, fingerprints=["0" * 32]))
    assert answer.status_code == 422
    assert "0" * 32 in answer.json()["error"]["fields"]["fingerprints"]
    answer = await product.call("POST", PATH, body_for(*found[:1]))
    assert answer.status_code == 201
    answer = await product.call("POST", PATH, body_for(*found))
    assert answer.status_code == 409
    (existing,) = answer.json()["error"]["existing"]
    assert existing["fingerprint"] == found[0]["fingerprint"]
    assert existing["made_by"] in answer.json()["error"]["message"]
    assert (await product.get(PATH))["total"] == 1
    answer = await product.call("POST", PATH, body_for(*found[1:]))
    assert answer.status_code == 201, answer.text
    assert len(answer.json()["exceptions"]) == len(found) - 1
    summary = (await product.get("posture"))["summary"]
    assert (summary["threat"], summary["drift"]) == (0, 0)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"until": in_days(-1)}, "until"),
        ({"until": in_days(366)}, "until"),
        ({"until": "2099-01-01T00:00:00"}, "until"),
        ({"until": 4102444800}, "until"),
        ({"until": "9999-12-31T23:59:59-23:59"}, "until"),
        ({"until": "0001-01-01T00:00:00+23:59"}, "until"),
        ({"until": None}, "until"),
        ({"reason": "because"}, "reason"),
        ({"note": " "}, "note"),
        ({"note": "x" * 1001}, "note"),
        ({"fingerprints": []}, "fingerprints"),
        ({"fingerprints": ["no"]}, "fingerprints"),
        ({"more": 1}, "more"),
    ],
)
async def test_a_bad_value_is_named_and_changes_nothing(
    product: Product, world: World, changes: dict[str, Any], field: str
) -> None:
    found = await findings(product)
    answer = await product.call("POST", PATH, body_for(found[0], **changes))
    assert answer.status_code == 422, answer.text
    assert list(answer.json()["error"]["fields"]) == [field]
    assert (await product.get(f"{PATH}?ended=true"))["total"] == 0


async def test_what_is_unknown_or_of_another_space_is_not_there(
    product: Product, world: World, theirs: Home
) -> None:
    finding = (await findings(product))[0]
    (made,) = (await product.call("POST", PATH, body_for(finding))).json()["exceptions"]
    missing = await product.call("DELETE", f"{PATH}/00000000-0000-4000-8000-000000000000")
    assert missing.status_code == 404
    product.issuer = "theirs"
    assert (await product.call("DELETE", f"{PATH}/{made['id']}")).status_code == 404
    assert (await product.get(PATH))["exceptions"] == []


async def test_exports_and_snapshots_say_what_was_accepted_then(
    product: Product, world: World
) -> None:
    finding = next(f for f in await findings(product) if f["api_id"])
    body = body_for(finding, reason="planned", note="=In spring")
    (made,) = (await product.call("POST", PATH, body)).json()["exceptions"]
    taken = (await product.call("POST", "snapshots", {})).json()
    one = {"api_id": finding["api_id"]}
    of_api = (await product.call("POST", "snapshots", one)).json()

    lines = csv.DictReader(io.StringIO(await exported(product, "posture.csv?rows=findings")))
    line = next(row for row in lines if row["fingerprint"] == finding["fingerprint"])
    assert (line["accepted_reason"], line["accepted_note"]) == ("planned", "'=In spring")
    assert (line["accepted_by"], line["accepted_until"][:16]) == (
        made["made_by"],
        made["until"][:16],
    )
    assert "Accepted until" in await exported(product, "posture.html")

    await product.call("DELETE", f"{PATH}/{made['id']}")
    for snapshot in (taken, of_api):
        frozen = await product.get(f"snapshots/{snapshot['id']}")
        assert [each["exception_id"] for each in frozen["exceptions"]] == [made["id"]]
        assert frozen["exceptions"][0]["ended_at"] is None
        shown = next(f for f in frozen["findings"] if f["fingerprint"] == finding["fingerprint"])
        assert shown["accepted"]["note"] == "=In spring"
    lines = csv.DictReader(io.StringIO(await exported(product, "posture.csv?rows=findings")))
    assert {row["accepted_reason"] for row in lines} == {""}


async def exported(product: Product, path: str) -> str:
    answer = await product.call("GET", path)
    assert answer.status_code == 200, answer.text
    return answer.text.removeprefix("\ufeff")
