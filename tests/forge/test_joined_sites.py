"""One Confluence site behind both doors: joined on Atlassian's word, else kept apart."""

from datetime import timedelta
from uuid import uuid4

from app.caller import Door, SiteId
from app.store import agenda, connections, purging
from app.store.looking_up import LookingUp
from app.store.sites import Installation
from tests.forge.atlassian import context_part
from tests.forge.conftest import Forge
from tests.store.estate import SPACE, values
from tests.web.product import now

NAMED = "ari:cloud:ecosystem::installation/ours"


async def told(forge: Forge, event: str, issuer: str = "ours", **changes: object) -> None:
    """Tell the Connect door of an event as Confluence does, signed by Atlassian."""
    product, path = forge.product, f"/connect/{event}"
    before, product.issuer = product.issuer, issuer
    token = product.token("install", "POST", path, jti=str(uuid4()))
    headers = {"Authorization": f"JWT {token}"}
    body = product.lifecycle_body(**changes)
    product.issuer = before
    answer = await product.http.post(path, json=body, headers=headers)
    assert answer.status_code == 204, answer.text


async def site(forge: Forge, issuer: str, door: Door) -> Installation | None:
    services = forge.product.services
    return await LookingUp(services.database, services.keyring, door).find(issuer)


async def pair(forge: Forge) -> tuple[SiteId, SiteId]:
    """Return the sites behind the Connect and behind the Forge door."""
    at_connect = await site(forge, "ours", Door.CONNECT)
    at_forge = await site(forge, NAMED, Door.FORGE)
    assert at_connect
    assert at_forge
    return at_connect.site_id, at_forge.site_id


async def connected(forge: Forge, site_id: SiteId) -> None:
    """Let a space of the site hold a connection."""
    services = forge.product.services
    async with services.database.transaction(site_id) as db:
        await connections.save(db, site_id, SPACE, values(), services.keyring, by=None, now=now())


async def has_secret(forge: Forge, site_id: SiteId) -> bool:
    services = forge.product.services
    async with services.database.transaction(site_id) as db:
        secret = await connections.client_secret(db, site_id, SPACE, services.keyring)
    return secret is not None


async def test_a_site_that_moves_to_forge_keeps_what_it_has(forge: Forge) -> None:
    await told(forge, "installed", installationId=NAMED)
    await forge.opened()
    at_connect, at_forge = await pair(forge)
    assert at_connect == at_forge


async def test_a_site_that_came_by_forge_is_found_again_by_connect(forge: Forge) -> None:
    await forge.opened()
    await told(forge, "installed", installationId=NAMED)
    at_connect, at_forge = await pair(forge)
    assert at_connect == at_forge


async def test_an_empty_site_of_a_first_call_makes_way_for_the_one_with_data(forge: Forge) -> None:
    await told(forge, "installed")
    await forge.opened()
    with_data, empty = await pair(forge)
    assert with_data != empty
    await connected(forge, with_data)
    await told(forge, "installed", installationId=NAMED)
    assert await site(forge, NAMED, Door.FORGE) is None
    await forge.opened()
    assert await pair(forge) == (with_data, with_data)
    database = forge.product.services.database
    async with database.transaction(empty) as db:
        assert await purging.forget_site(db, empty)
    async with database.agenda() as db:
        assert await agenda.all_sites(db) == (with_data,)


async def test_two_sites_that_both_hold_data_stay_two(forge: Forge) -> None:
    await told(forge, "installed")
    await forge.opened()
    before = await pair(forge)
    for each in before:
        await connected(forge, each)
    await told(forge, "installed", installationId=NAMED)
    await forge.opened()
    assert await pair(forge) == before
    assert before[0] != before[1]


async def test_without_atlassians_word_nothing_is_joined(forge: Forge) -> None:
    await told(forge, "installed")
    # The same address and cloud id are no evidence: nobody signed them on the Connect side.
    await forge.opened(context=context_part("ours", siteUrl="https://ours.atlassian.net"))
    at_connect, at_forge = await pair(forge)
    assert at_connect != at_forge


async def test_who_is_named_second_does_not_get_the_site(forge: Forge) -> None:
    await told(forge, "installed", installationId=NAMED)
    await told(forge, "installed", "theirs", installationId=NAMED)
    await forge.opened()
    theirs = await site(forge, "theirs", Door.CONNECT)
    at_connect, at_forge = await pair(forge)
    assert theirs
    assert at_connect == at_forge != theirs.site_id


async def test_leaving_by_one_door_takes_nothing_while_the_other_is_open(forge: Forge) -> None:
    await told(forge, "installed", installationId=NAMED)
    await forge.opened()
    site_id, _ = await pair(forge)
    await connected(forge, site_id)
    await told(forge, "uninstalled", sharedSecret=None)
    left = await site(forge, "ours", Door.CONNECT)
    assert left
    assert not left.installed
    assert await has_secret(forge, site_id)
    async with forge.product.services.database.agenda() as db:
        assert site_id not in await agenda.due_purges(db, now() + timedelta(days=900))
    await forge.opened()


async def test_leaving_by_both_doors_destroys_the_secrets(forge: Forge) -> None:
    await told(forge, "installed", installationId=NAMED)
    await forge.opened()
    site_id, _ = await pair(forge)
    await connected(forge, site_id)
    await told(forge, "uninstalled", sharedSecret=None)
    token = forge.product.invocation(of_site=True)
    assert (await forge.call(token, "/forge/uninstalled")).status_code == 204
    assert not await has_secret(forge, site_id)
