"""The stand-in answers for rights as Confluence does: to the person, about one space."""

import time
from collections.abc import AsyncIterator
from typing import Any

import httpx
import jwt
import pytest

from sandbox.sites import Site, account_id
from sandbox.wiki_rest import ACCOUNT_PREFIX, CLIENT_PREFIX, GRANT_TYPE
from tests.sandbox.world import APP_URL, World, world

SPACE = "98306"


@pytest.fixture
async def here() -> AsyncIterator[World]:
    async with world() as made:
        yield made


async def granted(here: World, role: str, **changed: Any) -> httpx.Response:
    """Ask for a token of a person, with an assertion that is right but for what is changed."""
    now = int(time.time())
    claims = {
        "iss": CLIENT_PREFIX + here.ours.oauth_client_id,
        "sub": ACCOUNT_PREFIX + account_id(role),
        "tnt": here.ours.base_url,
        "aud": here.ours.origin,
        "iat": now,
        "exp": now + 60,
        **{k: v for k, v in changed.items() if k != "secret"},
    }
    secret = changed.get("secret", here.ours.shared_secret)
    form = {"grant_type": GRANT_TYPE, "assertion": jwt.encode(claims, secret), "scope": "READ"}
    return await here.http.post(f"{here.ours.origin}/oauth2/token", data=form)


async def asked(
    here: World, role: str, path: str = f"spaces/{SPACE}/operations", *, site: Site | None = None
) -> httpx.Response:
    """Ask Confluence's REST API as a person."""
    token = (await granted(here, role)).json()["access_token"]
    url = f"{(site or here.ours).base_url}/api/v2/{path}"
    return await here.http.get(url, headers={"Authorization": f"Bearer {token}"})


@pytest.mark.parametrize(
    ("role", "last"),
    [("viewer", ("export", "space")), ("editor", ("archive", "page"))],
)
async def test_a_person_is_told_what_they_may_do(
    here: World, role: str, last: tuple[str, str]
) -> None:
    operations = (await asked(here, role)).json()["operations"]
    pairs = [(o["operation"], o["targetType"]) for o in operations]
    assert ("read", "space") in pairs
    assert pairs[-1] == last
    assert ("administer", "space") not in pairs


async def test_an_administrator_administers(here: World) -> None:
    operations = (await asked(here, "admin")).json()["operations"]
    assert {"operation": "administer", "targetType": "space"} in operations


@pytest.mark.parametrize("path", [f"spaces/{SPACE}/operations", f"spaces/{SPACE}", "pages/98400"])
async def test_a_stranger_is_told_that_there_is_nothing(here: World, path: str) -> None:
    assert (await asked(here, "stranger", path)).status_code == 404


async def test_a_space_has_no_answer_under_its_key(here: World) -> None:
    assert (await asked(here, "admin", "spaces/APIGOV")).status_code == 404


async def test_the_other_space_is_not_the_viewers(here: World) -> None:
    assert (await asked(here, "viewer", "spaces/131074/operations")).status_code == 404


async def test_a_right_can_be_taken_away(here: World) -> None:
    await here.control("rights", **{"space": SPACE, "as": "viewer", "right": "none"})
    assert (await asked(here, "viewer")).status_code == 404


async def test_a_token_of_one_site_is_worth_nothing_at_another(here: World) -> None:
    await here.control("install", app_url=APP_URL, site=1)
    assert (await asked(here, "admin", site=here.theirs)).status_code == 401


@pytest.mark.parametrize(
    "changed",
    [
        {"secret": "not the secret of this site, but long enough"},
        {"aud": "https://elsewhere.example"},
        {"tnt": "https://elsewhere.example/wiki"},
        {"sub": ACCOUNT_PREFIX + "nobody"},
        {"exp": int(time.time()) - 600},
        {"exp": int(time.time()) + 86400},
    ],
    ids=["secret", "audience", "tenant", "nobody", "expired", "too long"],
)
async def test_an_assertion_that_does_not_hold_is_refused(
    here: World, changed: dict[str, Any]
) -> None:
    answer = await granted(here, "admin", **changed)
    assert answer.status_code == 400
    assert answer.json()["error"] == "invalid_grant"


async def test_after_uninstalling_nobody_is_granted_a_token(here: World) -> None:
    await here.control("uninstall")
    assert (await granted(here, "admin")).status_code == 400


async def test_a_fault_is_answered_until_it_is_healed(here: World) -> None:
    await here.control("faults", rest_status=503)
    assert (await asked(here, "admin")).status_code == 503
    await here.control("faults")
    assert (await asked(here, "admin")).status_code == 200


async def test_a_name_is_found_by_its_account(here: World) -> None:
    token = (await granted(here, "viewer")).json()["access_token"]
    answer = await here.http.post(
        f"{here.ours.base_url}/api/v2/users-bulk",
        json={"accountIds": [account_id("editor"), "nobody"]},
        headers={"Authorization": f"Bearer {token}"},
    )
    assert [one["displayName"] for one in answer.json()["results"]] == ["Editor"]


async def test_a_forge_token_is_good_for_the_approved_scopes_alone(here: World) -> None:
    until = time.time() + 60
    token = here.standin.grant(here.ours, "admin", until, frozenset({"read:space:confluence"}))
    headers = {"Authorization": f"Bearer {token}"}
    base = f"{here.ours.base_url}/api/v2"
    asked = await here.http.get(f"{base}/spaces/98306/operations", headers=headers)
    refused = await here.http.post(f"{base}/users-bulk", json={"accountIds": []}, headers=headers)
    assert (asked.status_code, refused.status_code) == (200, 401)


async def test_only_an_administrator_sees_the_settings_of_a_space(here: World) -> None:
    address = f"{here.ours.base_url}/spaces/APIGOV/settings"
    assert (await here.http.get(address, params={"as": "admin"})).status_code == 200
    assert (await here.http.get(address, params={"as": "editor"})).status_code == 404
