"""Sites of the Forge door: they come with a first call, and go by word or by silence."""

from dataclasses import replace
from datetime import timedelta

import pytest

from app.forge.door import ForgeDoor
from app.store import forge_sites
from tests.forge.atlassian import SPACE, app_part
from tests.forge.conftest import Forge
from tests.web.product import now

POSTURE = f"/api/spaces/{SPACE}/posture"


async def count(forge: Forge) -> int:
    from app.store import agenda

    async with forge.product.services.database.agenda() as db:
        return len(await agenda.all_sites(db))


@pytest.mark.parametrize("path", ["/forge/lifecycle", "/forge/tick"])
async def test_an_event_before_the_first_call_makes_the_site(forge: Forge, path: str) -> None:
    token = forge.product.invocation(of_site=True)
    for _ in range(2):
        assert (await forge.call(token, path, user_token=None)).status_code == 204
    await forge.opened()
    assert await count(forge) == 1


async def test_a_call_before_the_event_makes_the_site(forge: Forge) -> None:
    await forge.opened()
    token = forge.product.invocation(of_site=True)
    assert (await forge.call(token, "/forge/lifecycle")).status_code == 204
    assert await count(forge) == 1


async def test_another_installation_is_another_site(forge: Forge) -> None:
    await forge.opened()
    forge.product.issuer = "theirs"
    await forge.opened()
    assert await count(forge) == 2


async def test_environments_of_the_app_are_apart(forge: Forge) -> None:
    await forge.opened()
    other = app_part(
        "ours",
        installationId="dev",
        installation=None,
        environment={"type": "DEVELOPMENT", "id": "dev"},
    )
    await forge.opened(app=other)
    assert await count(forge) == 2


@pytest.mark.parametrize("path", ["/forge/lifecycle", "/forge/tick", "/forge/uninstalled"])
async def test_a_person_cannot_speak_for_the_site(forge: Forge, path: str) -> None:
    opened = await forge.opened()
    assert (await forge.call(forge.product.invocation(), path)).status_code == 401
    assert (await forge.get(POSTURE, opened["token"])).status_code == 200


async def test_a_removed_site_has_no_good_token(forge: Forge) -> None:
    opened, early = await forge.opened(), forge.product.invocation()
    token = forge.product.invocation(of_site=True)
    assert (await forge.call(token, "/forge/uninstalled")).status_code == 204
    assert (await forge.get(POSTURE, opened["token"])).status_code == 401
    assert (await forge.exchanged(opened)).status_code == 401
    assert (await forge.call(early)).status_code == 401


async def test_a_later_call_is_an_installation_anew(forge: Forge) -> None:
    await forge.opened()
    await forge.call(forge.product.invocation(of_site=True), "/forge/uninstalled")
    at = int(now().timestamp()) + 3
    assert (await forge.call(forge.product.invocation(iat=at))).status_code == 200
    assert await count(forge) == 1


async def test_what_was_opened_before_a_removal_stays_closed_when_the_site_is_back(
    forge: Forge,
) -> None:
    opened = await forge.opened()
    await forge.call(forge.product.invocation(of_site=True), "/forge/uninstalled")
    at = int(now().timestamp()) + 3
    again = await forge.opened(iat=at)
    assert (await forge.get(POSTURE, opened["token"])).status_code == 401
    assert (await forge.exchanged(opened)).status_code == 401
    assert (await forge.get(POSTURE, again["token"])).status_code == 200


async def test_a_silent_site_is_treated_as_gone_and_a_lively_one_is_not(forge: Forge) -> None:
    opened = await forge.opened()
    lifecycle = forge.product.services.forge_lifecycle
    await lifecycle.end_silent()
    assert (await forge.get(POSTURE, opened["token"])).status_code == 200
    later = replace(lifecycle, clock=lambda: now() + timedelta(days=91))
    just_begun = replace(later, began_at=later.clock())
    await just_begun.end_silent()
    assert (await forge.get(POSTURE, opened["token"])).status_code == 200
    await later.end_silent()
    assert (await forge.get(POSTURE, opened["token"])).status_code == 401


async def test_without_an_app_id_the_door_is_closed(forge: Forge) -> None:
    opened = await forge.opened()
    door: ForgeDoor = forge.product.services.forge
    door._app_ids = frozenset()
    assert (await forge.call(forge.product.invocation())).status_code == 401
    assert (await forge.get(POSTURE, opened["token"])).status_code == 401
    assert (await forge.exchanged(opened)).status_code == 401


async def test_a_site_is_remembered_as_seen(forge: Forge) -> None:
    await forge.opened()
    async with forge.product.services.database.lookup(
        "ari:cloud:ecosystem::installation/ours"
    ) as db:
        site = forge_sites.ForgeSite(
            "ari:cloud:ecosystem::installation/ours",
            "",
            "",
            "",
            app_part("ours")["apiBaseUrl"] + "/wiki",
            "",
        )
        assert await forge_sites.known(db, site, now() - timedelta(minutes=1))
