"""Page tokens: what they open, for how long, and what they never open."""

from datetime import timedelta

import httpx
import pytest

from app.caller import Door, Right, SiteId
from app.forge.door import Exchanged, Invoker, Opened
from app.forge.page_token import PAGE, Named, PageTokens
from app.store import page_tokens
from app.sync.retention import Retention
from app.web.forge import Handover
from tests.forge.atlassian import SPACE, context_part
from tests.forge.conftest import USER_TOKEN, Forge
from tests.web.product import now

POSTURE = f"/api/spaces/{SPACE}/posture"


async def test_a_page_its_fragments_and_its_data_open_with_the_token(forge: Forge) -> None:
    token = (await forge.opened())["token"]
    for path in ("/forge/pages/posture", f"/fragments/spaces/{SPACE}/posture", POSTURE):
        assert (await forge.get(path, token)).status_code == 200, path


async def test_the_page_is_the_one_that_connect_shows(forge: Forge) -> None:
    token = (await forge.opened())["token"]
    page = (await forge.get("/forge/pages/posture", token)).text
    assert f'data-space-id="{SPACE}"' in page
    assert "posture.js" in page


async def test_a_handover_is_exchanged_once(forge: Forge) -> None:
    opened = await forge.opened()
    first = await forge.exchanged(opened)
    assert first.status_code == 200
    assert first.json()["page"] == "/forge/pages/posture"
    assert (await forge.get(POSTURE, first.json()["token"])).status_code == 200
    assert (await forge.exchanged(opened)).status_code == 401


async def test_a_handover_is_no_page_token_and_the_reverse(forge: Forge) -> None:
    opened = await forge.opened()
    handover = opened["frame_url"].partition("#")[2]
    assert (await forge.get(POSTURE, handover)).status_code == 401
    swapped = {"frame_url": f"#{opened['token']}"}
    assert (await forge.exchanged(swapped)).status_code == 401


async def test_a_token_opens_no_other_page_and_no_other_space(forge: Forge) -> None:
    token = (await forge.opened())["token"]
    assert (await forge.get("/forge/pages/settings", token)).status_code == 401
    assert (await forge.get("/api/spaces/98765/posture", token)).status_code == 404


async def test_a_token_is_taken_as_a_bearer_in_the_header_alone(forge: Forge) -> None:
    token = (await forge.opened())["token"]
    http = forge.product.http
    headers = {"Authorization": f"JWT {token}"}
    assert (await http.get(POSTURE, headers=headers)).status_code == 401
    assert (await http.get(f"{POSTURE}?jwt={token}")).status_code == 401
    assert (await forge.get(f"{POSTURE}?jwt={token}", token)).status_code == 401
    assert (await forge.call(token)).status_code == 401


async def test_a_token_of_connect_is_no_bearer(forge: Forge) -> None:
    token = forge.product.token("context", "GET", POSTURE)
    assert (await forge.get(POSTURE, token)).status_code == 401


@pytest.mark.parametrize("part", [0, 1, 2])
async def test_an_altered_token_is_refused(forge: Forge, part: int) -> None:
    parts = (await forge.opened())["token"].split(".")
    parts[part] = parts[part][:-2] + ("AA" if parts[part][-2:] != "AA" else "BB")
    assert (await forge.get(POSTURE, ".".join(parts))).status_code == 401


async def test_a_token_of_another_key_is_refused(forge: Forge) -> None:
    named = Named("0d6a66a8-0b7d-4a67-9d4b-5f6f7e1b8a01", "x", now() + timedelta(minutes=5))
    for keys in ({"test": b"q" * 32}, {"other": b"p" * 32}):
        token = PageTokens(keys).signed(named, PAGE, now())
        assert (await forge.get(POSTURE, token)).status_code == 401


def test_a_token_of_a_process_whose_clock_is_ahead_is_taken() -> None:
    tokens = PageTokens({"test": b"p" * 32})
    named = Named("0d6a66a8-0b7d-4a67-9d4b-5f6f7e1b8a01", "x", now() + timedelta(minutes=5))
    ahead = tokens.signed(named, PAGE, now() + timedelta(seconds=3))
    assert tokens.verified(ahead, PAGE, now()).token_id == "x"


async def test_a_token_ends_with_its_time(forge: Forge) -> None:
    token = (await forge.opened())["token"]
    forge.product.services.forge._clock = lambda: now() + timedelta(minutes=16)
    assert (await forge.get(POSTURE, token)).status_code == 401


async def test_a_token_of_another_site_shows_that_site_alone(forge: Forge) -> None:
    await forge.opened()
    forge.product.issuer = "theirs"
    theirs = await forge.product.services.forge._lifecycle.site_of(
        (await _invoker(forge)).invocation
    )
    assert theirs != (await _site_of(forge, "ours"))


async def _invoker(forge: Forge):
    from starlette.requests import Request

    token = forge.product.invocation(of_site=True)
    headers = [(b"authorization", f"Bearer {token}".encode())]
    scope = {"type": "http", "query_string": b"", "headers": headers}
    return await forge.product.services.forge.invocation(Request(scope))


async def _site_of(forge: Forge, issuer: str):
    forge.product.issuer = issuer
    return (await _invoker(forge)).site_id


async def test_a_user_token_that_confluence_refuses_asks_for_a_new_page_token(
    forge: Forge,
) -> None:
    token = (await forge.opened())["token"]
    forge.product.atlassian.revoked.add(USER_TOKEN)
    assert (await forge.get(POSTURE, token)).status_code == 401


async def test_what_a_route_asks_for_is_asked_of_confluence(forge: Forge) -> None:
    opened = await forge.opened(context=context_part("ours", moduleKey="plumbline-settings"))
    forge.product.may(Right.EDITOR)
    assert (await forge.get("/forge/pages/settings", opened["token"])).status_code == 403
    token = forge.product.invocation(context=context_part("ours", moduleKey="plumbline-settings"))
    assert (await forge.call(token)).status_code == 403
    forge.product.may(Right.NONE)
    assert (await forge.call(token)).status_code == 404


@pytest.mark.parametrize("status", [403, 404])
async def test_a_space_that_confluence_hides_is_not_there(forge: Forge, status: int) -> None:
    token = (await forge.opened())["token"]
    forge.product.atlassian.replies["api.atlassian.com"] = lambda _: httpx.Response(status)
    assert (await forge.get(POSTURE, token)).status_code == 404


async def test_a_confluence_in_trouble_shows_nothing(forge: Forge) -> None:
    token = (await forge.opened())["token"]
    forge.product.atlassian.replies["api.atlassian.com"] = lambda _: httpx.Response(500)
    assert (await forge.get(POSTURE, token)).status_code == 503


async def test_a_macro_gets_the_parameters_that_forge_signed(forge: Forge) -> None:
    extension = {
        "space": {"id": SPACE, "key": "ORD"},
        "config": {"mode": "live", "api": "a&b\ud800"},
    }
    place = context_part("ours", moduleKey="plumbline-api", extension=extension)
    exchanged = (await forge.exchanged(await forge.opened(context=place))).json()
    # Half of a surrogate pair is valid JSON and stands in no address.
    assert exchanged["page"] == "/forge/macros/api?mode=live&api=a%26b%3F"
    answer = await forge.get(exchanged["page"], exchanged["token"])
    assert answer.status_code == 200


async def test_parameters_that_forge_does_not_sign_are_taken_from_the_shell(forge: Forge) -> None:
    """As the example token of "Forge Remote essentials": a macro's context without its config."""
    extension = {"type": "macro", "space": {"id": SPACE, "key": "ORD"}, "isEditing": False}
    place = context_part("ours", moduleKey="plumbline-api", extension=extension)
    body = {"route": "page", "parameters": {"mode": "live", "api": "a&b"}}
    opened = await forge.call(forge.product.invocation(context=place), body=body)
    exchanged = (await forge.exchanged(opened.json())).json()
    assert exchanged["page"] == "/forge/macros/api?mode=live&api=a%26b"


async def test_a_page_that_is_no_macro_takes_no_parameters(forge: Forge) -> None:
    body = {"route": "page", "parameters": {"spaceId": "1"}}
    opened = await forge.call(forge.product.invocation(), body=body)
    assert (await forge.exchanged(opened.json())).json()["page"] == "/forge/pages/posture"


async def test_the_shell_is_told_in_the_body_why_it_was_refused(forge: Forge) -> None:
    """As the bridge's "invokeRemote" says: nothing of an answer that is no 2xx comes through."""
    forge.product.may(Right.VIEWER)
    place = context_part("ours", moduleKey="plumbline-settings")
    token = forge.product.invocation(context=place)
    shell = {"authorization": f"Bearer {token}", "x-forge-oauth-user": USER_TOKEN}
    asking = shell | {"x-plumbline-refusals": "in-body"}
    http = forge.product.http
    plain = await http.post("/forge/open", json={}, headers=shell)
    told = await http.post("/forge/open", json={}, headers=asking)
    assert (plain.status_code, told.status_code) == (403, 200)
    assert told.json()["error"]["message"] == plain.json()["error"]["message"]
    nobody = asking | {"authorization": "Bearer nothing.of.that"}
    assert (await http.post("/forge/open", json={}, headers=nobody)).status_code == 401
    elsewhere = await http.get(POSTURE, headers={"x-plumbline-refusals": "in-body"})
    assert elsewhere.status_code == 401


async def test_a_route_of_another_module_is_refused(forge: Forge) -> None:
    answer = await forge.call(forge.product.invocation(), body={"route": "config"})
    assert answer.status_code == 401


async def test_the_users_token_is_in_no_answer_and_in_no_log(
    forge: Forge, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    opened = await forge.opened()
    exchanged = await forge.exchanged(opened)
    assert USER_TOKEN not in str(opened) + exchanged.text + caplog.text
    assert opened["token"] not in caplog.text


def test_nothing_that_holds_a_token_shows_it() -> None:
    site, at = SiteId("ours"), now()
    invoker = Invoker(site, Door.FORGE, user_token=USER_TOKEN)
    held = (
        invoker,
        Opened(USER_TOKEN, USER_TOKEN, at),
        Exchanged(USER_TOKEN, "/forge/pages/posture", at),
        Handover(handover=USER_TOKEN),
    )
    assert USER_TOKEN not in repr(held)


async def test_the_users_token_is_kept_sealed_and_goes_with_its_time(forge: Forge) -> None:
    await forge.opened()
    site_id = await _site_of(forge, "ours")
    later = now() + timedelta(minutes=16)
    async with forge.product.services.database.transaction(site_id) as db:
        kept = (await db.exec_driver_sql("SELECT user_token FROM page_tokens")).scalars().all()
        assert len(kept) == 1
        assert USER_TOKEN.encode() not in bytes(kept[0])
        grant = page_tokens.Grant("a", "m", "/p", SPACE, None, "t")
        keyring = forge.product.services.keyring
        await page_tokens.keep(db, site_id, grant, keyring, later, later + timedelta(minutes=1))
        left = (await db.exec_driver_sql("SELECT page FROM page_tokens")).scalars().all()
    assert left == ["/p"]


async def test_the_users_token_of_a_site_that_opens_nothing_more_goes_with_its_time_too(
    forge: Forge,
) -> None:
    await forge.opened()
    site_id, database = await _site_of(forge, "ours"), forge.product.services.database
    left = []
    for minutes in (14, 16):
        later = now() + timedelta(minutes=minutes)
        await Retention(database, timedelta(days=400), lambda at=later: at).purge()
        async with database.transaction(site_id) as db:
            kept = await db.exec_driver_sql("SELECT page FROM page_tokens")
            left.append(len(kept.scalars().all()))
    assert left == [1, 0]


async def test_the_frame_may_stand_in_atlassians_frames_alone(forge: Forge) -> None:
    answer = await forge.product.http.get("/forge/frame")
    policy = answer.headers["content-security-policy"]
    frames = policy.partition("frame-ancestors ")[2]
    assert "https://*.atlassian.net" in frames
    assert "https://*.cdn.prod.atlassian-dev.net" in frames
    assert "connect-cdn" not in policy
    assert "x-frame-options" not in answer.headers
    assert SPACE not in answer.text
