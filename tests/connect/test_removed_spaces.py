"""A removed space: a hint that is checked, then a purge that is checked again."""

from datetime import timedelta
from typing import Any

import httpx
import jwt
import psycopg
import pytest
from sqlalchemy import text

from app.caller import SpaceId
from app.connect.descriptor import app_key
from app.store import agenda, sites
from app.sync.retention import Retention
from tests.connect.atlassian import hash_of
from tests.store.estate import SPACE, Home
from tests.web.conftest import ours, product, theirs
from tests.web.product import Product, now, secret_of
from tests.web.test_api_connection import typed

__all__ = ["ours", "product", "theirs"]

PATH = "/connect/space-removed"
GONE = httpx.Response(404)


async def hint(product: Product, body: Any) -> None:
    headers = {"Authorization": f"JWT {product.token('callback', 'POST', PATH, sub=None)}"}
    answer = await product.http.post(PATH, json=body, headers=headers)
    assert answer.status_code == 204


async def purges(product: Product) -> list[tuple[str, str]]:
    async with product.services.database.agenda() as db:
        return list(await agenda.due_space_purges(db, now() + timedelta(days=31)))


def answering(product: Product, answer: httpx.Response | Exception) -> None:
    def reply(_: httpx.Request) -> httpx.Response:
        if isinstance(answer, Exception):
            raise answer
        return answer

    product.atlassian.replies[f"{product.issuer}.atlassian.net"] = reply


async def test_confluence_is_asked_as_the_app_and_believed(product: Product, ours: Home):
    answering(product, GONE)
    await hint(product, {"space": {"id": int(SPACE), "key": "ORD"}})
    assert await purges(product) == [(ours.site_id, SPACE)]
    asked = product.atlassian.requests_to("ours.atlassian.net")[-1]
    assert asked.url.path == f"/wiki/api/v2/spaces/{SPACE}"
    token = asked.headers["authorization"].removeprefix("JWT ")
    claims = jwt.decode(token, secret_of("ours"), algorithms=["HS256"], audience="ours")
    assert claims["iss"] == app_key()
    assert claims["qsh"] == hash_of("GET", f"/api/v2/spaces/{SPACE}")
    assert claims["exp"] - claims["iat"] <= 180


# What Confluence's own webhooks write of a space: no id.
SPACE_AS_TOLD = {
    "key": "ORD",
    "title": "Orders",
    "description": "",
    "isPersonalSpace": False,
    "self": "https://ours.atlassian.net/wiki/display/ORD",
    "creationDate": 1700175149000,
}


async def test_a_space_that_is_named_by_its_key_alone_is_found(product: Product, ours: Home):
    await hint(product, {"space": SPACE_AS_TOLD, "timestamp": 1700175149000})
    assert await purges(product) == []
    saved = await product.call("PUT", "connection", typed(product))
    assert saved.status_code == 200, saved.text
    answering(product, GONE)
    await hint(product, {"space": SPACE_AS_TOLD, "timestamp": 1700175149000})
    assert await purges(product) == [(ours.site_id, SPACE)]


async def test_a_key_of_two_spaces_means_neither(product: Product, ours: Home):
    known = product.services.removed_spaces
    async with product.services.database.transaction(ours.site_id) as db:
        await db.execute(
            text(
                "INSERT INTO connections (site_id, space_id, version, control_plane, client_id,"
                " sync_interval_hours, ignored_application_suffixes, group_names, created_at,"
                " updated_at) SELECT site_id, '77', version, control_plane, client_id,"
                " sync_interval_hours, ignored_application_suffixes, group_names, created_at,"
                " updated_at FROM connections WHERE space_id = :space"
            ),
            {"space": SPACE},
        )
    for space in (SPACE, "77"):
        await known.called(ours.site_id, SpaceId(space), "ORD")
    answering(product, GONE)
    await hint(product, {"space": SPACE_AS_TOLD})
    assert await purges(product) == []


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(200, json={"id": SPACE}),
        httpx.Response(403),
        httpx.Response(401),
        httpx.Response(500),
        httpx.Response(302, headers={"location": "https://elsewhere.example"}),
        httpx.ConnectTimeout("slow"),
    ],
)
async def test_anything_but_a_clear_no_deletes_nothing(product: Product, ours: Home, answer: Any):
    answering(product, answer)
    await hint(product, {"space": {"id": SPACE}})
    assert await purges(product) == []


@pytest.mark.parametrize(
    "body", [{}, [], {"space": None}, {"space": {"id": "../x"}}, {"space": {"id": "99"}}]
)
async def test_what_is_not_known_here_asks_nobody(product: Product, ours: Home, body: Any):
    answering(product, GONE)
    await hint(product, body)
    assert product.atlassian.requests_to("ours.atlassian.net") == []
    assert await purges(product) == []


async def prepared(product: Product, addresses: Any) -> Retention:
    """Let the date of the purge be over, and return who purges."""
    answering(product, GONE)
    await product.call("POST", "connection/test")
    await hint(product, {"space": {"id": SPACE}})
    with psycopg.connect(addresses.superuser_url) as connection:
        connection.execute(
            "UPDATE plumbline.agenda SET purge_at = now() - interval '1 hour' WHERE space_id <> ''"
        )
    services = product.services
    return Retention(services.database, timedelta(days=400), now, services.removed_spaces.is_gone)


def left(addresses: Any, site_id: str) -> dict[str, int]:
    with psycopg.connect(addresses.superuser_url) as connection:
        return {
            table: connection.execute(
                f"SELECT count(*) FROM plumbline.{table} WHERE site_id = %s AND space_id = %s",
                [site_id, SPACE],
            ).fetchone()[0]
            for table in ("connections", "syncs", "snapshots", "audit", "agenda", "findings")
        }


async def test_after_the_retention_its_data_goes_and_that_of_others_stays(
    product: Product, ours: Home, theirs: Home, addresses: Any
):
    await ours.published()
    await product.call("POST", "snapshots")
    before = left(addresses, theirs.site_id)
    retention = await prepared(product, addresses)
    assert left(addresses, ours.site_id)["snapshots"] == 1
    await retention.purge()
    assert set(left(addresses, ours.site_id).values()) == {0}
    assert left(addresses, theirs.site_id) == before


async def test_a_space_that_is_there_again_keeps_its_data(
    product: Product, ours: Home, addresses: Any
):
    retention = await prepared(product, addresses)
    answering(product, httpx.Response(200, json={"id": SPACE}))
    await retention.purge()
    assert left(addresses, ours.site_id)["connections"] == 1
    assert await purges(product) == []


@pytest.mark.parametrize(
    "answer",
    [httpx.Response(500), httpx.Response(429), httpx.Response(401), httpx.ConnectTimeout("slow")],
)
async def test_a_confluence_that_says_nothing_puts_the_deletion_off(
    product: Product, ours: Home, addresses: Any, answer: Any
):
    retention = await prepared(product, addresses)
    answering(product, answer)
    await retention.purge()
    assert await purges(product) == [(ours.site_id, SPACE)]
    assert left(addresses, ours.site_id)["connections"] == 1
    answering(product, GONE)
    await retention.purge()
    assert set(left(addresses, ours.site_id).values()) == {0}


async def test_a_site_that_has_left_meanwhile_cannot_be_asked_and_the_date_stays(
    product: Product, ours: Home, addresses: Any
):
    """Should it come back, the space is deleted after all."""
    retention = await prepared(product, addresses)
    database = product.services.database
    async with database.transaction(ours.site_id) as db:
        await sites.uninstall(db, ours.site_id, now(), now() + timedelta(days=30))
    await retention.purge()
    assert await purges(product) == [(ours.site_id, SPACE)]
    assert left(addresses, ours.site_id)["connections"] == 1
