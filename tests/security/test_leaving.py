"""Uninstalling destroys secrets and ends everything at once; the purge leaves no row."""

from datetime import timedelta

import psycopg

from app.store.tables import metadata
from app.sync.retention import Retention
from tests.store.estate import TEST, Home, Read, make_posture, rows_of
from tests.web.product import Product, now


async def uninstall(product: Product) -> None:
    path = "/connect/uninstalled"
    headers = {"Authorization": f"JWT {product.token('install', 'POST', path)}"}
    answer = await product.http.post(path, json=product.lifecycle_body(), headers=headers)
    assert answer.status_code == 204


def rows(url: str, site_id: str) -> dict[str, int]:
    """Count a site's rows in every table, as somebody who sees all."""
    with psycopg.connect(url) as connection:
        return {
            table.name: connection.execute(
                f"SELECT count(*) FROM plumbline.{table.name} WHERE site_id = %s", [site_id]
            ).fetchone()[0]
            for table in metadata.sorted_tables
        }


async def test_secrets_are_destroyed_at_once_and_everything_ends(
    product: Product, ours: Home, addresses
):
    started = (await product.call("POST", "syncs")).json()
    token = product.token("context", "GET", "/")
    assert (await product.call("GET", "posture", token=token)).status_code == 200
    await uninstall(product)
    assert (await product.call("GET", "posture", token=token)).status_code == 401
    with psycopg.connect(addresses.superuser_url) as connection:
        shared = "SELECT shared_secret FROM plumbline.installations WHERE site_id = %s"
        assert connection.execute(shared, [ours.site_id]).fetchone() == (None,)
        client = "SELECT client_secret FROM plumbline.connections WHERE site_id = %s"
        assert connection.execute(client, [ours.site_id]).fetchone() == (None,)
        tokens = "SELECT count(*) FROM plumbline.page_tokens WHERE site_id = %s"
        assert connection.execute(tokens, [ours.site_id]).fetchone() == (0,)
        state = "SELECT state FROM plumbline.syncs WHERE sync_id = %s"
        assert connection.execute(state, [started["id"]]).fetchone() == ("cancelled",)


async def test_a_token_for_a_removal_does_not_remove_what_is_installed_later(
    product: Product, ours: Home
):
    """Also one that was presented while there was nothing to remove."""
    path = "/connect/uninstalled"
    late = {"Authorization": f"JWT {product.token('install', 'POST', path, jti='late')}"}
    await uninstall(product)
    body = product.lifecycle_body()
    assert (await product.http.post(path, json=body, headers=late)).status_code == 204
    again = {"Authorization": f"JWT {product.token('install', 'POST', '/connect/installed')}"}
    await product.http.post("/connect/installed", json=body, headers=again)
    assert (await product.http.post(path, json=body, headers=late)).status_code == 204
    assert (await product.call("GET", "posture")).status_code == 200


async def test_after_the_purge_no_table_holds_a_row(
    product: Product, ours: Home, theirs: Home, addresses
):
    for home, issuer in ((ours, "ours"), (theirs, "theirs")):
        product.issuer = issuer
        await home.published([Read(TEST, 1, "g/a")], rows_of(make_posture("g/a")))
        await product.call("POST", "snapshots")
        await product.call("POST", "syncs")
        await product.call("POST", "connection/test")
    product.issuer = "ours"
    before = rows(addresses.superuser_url, theirs.site_id)
    await uninstall(product)
    retention = Retention(product.services.database, timedelta(days=400), now)
    await retention.purge()
    assert rows(addresses.superuser_url, ours.site_id)["snapshots"] == 1
    with psycopg.connect(addresses.superuser_url) as connection:
        over = "UPDATE plumbline.{} SET {} = now() - interval '1 day' WHERE site_id = %s"
        connection.execute(over.format("sites", "purge_after"), [ours.site_id])
        connection.execute(over.format("agenda", "purge_at"), [ours.site_id])
    await retention.purge()
    assert set(rows(addresses.superuser_url, ours.site_id).values()) == {0}
    assert rows(addresses.superuser_url, theirs.site_id) == before
    assert before["audit"] >= 2
    with psycopg.connect(addresses.superuser_url) as connection:
        jobs = "SELECT count(*) FROM jobs.procrastinate_jobs WHERE args ->> 'site_id' = %s"
        assert connection.execute(jobs, [ours.site_id]).fetchone() == (0,)
