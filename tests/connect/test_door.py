"""Who is let in: one token, of the route's own kind, in its own place, for this very request."""

from dataclasses import replace
from itertools import product
from urllib.parse import quote

import pytest

from tests.connect.atlassian import (
    BASE_URL,
    CONTEXT_HASH,
    INSTALL_KEY,
    by_hand,
    claims,
    hash_of,
    hs256,
    rs256,
)
from tests.connect.conftest import OURS, THEIRS, Site

PAGE = "/pages/posture?spaceKey=ORD&spaceId=98305&lic=active&cp=%2Fwiki&xdm_e=https%3A%2F%2Fours"
MACRO = "/macros/static?snapshot=7&spaceId=98305"
ALICE = "5b10a2844c20165700ede21g"


@pytest.fixture
async def host(confluence):
    """Confluence with both sites installed."""
    for site in (OURS, THEIRS):
        assert (await confluence.install(site)).status_code == 204
    return confluence


async def load(host, site: Site, target: str = PAGE, **changes):
    return await host.http.get(host.page_url(site, target, **changes))


def authorised(token: str) -> dict[str, str]:
    return {"Authorization": f"JWT {token}"}


async def test_a_page_knows_its_person_and_its_signed_space(host):
    said = (await load(host, OURS)).json()
    assert said["account_id"] == ALICE
    assert (said["space_id"], said["space_key"]) == ("98305", "ORD")
    assert said["frames"] == ["https://ours.atlassian.net"]
    assert said["rest_base"] == OURS.base_url
    assert said["may_ask"]


async def test_a_call_of_the_script_knows_its_person_and_the_space_of_its_token(host):
    context = {"confluence": {"space": {"id": "98305", "key": "ORD"}}}
    said = (await host.call(OURS, context=context)).json()
    assert (said["account_id"], said["space_id"]) == (ALICE, "98305")
    assert (await host.call(OURS)).json()["space_id"] is None


async def test_two_sites_are_told_apart(host):
    ours, theirs = (await host.call(OURS)).json(), (await host.call(THEIRS)).json()
    assert ours["site_id"] != theirs["site_id"]
    assert theirs["rest_base"] == THEIRS.base_url


async def test_an_anonymous_visitor_has_no_account_and_cannot_ask(host):
    said = (await load(host, OURS, sub=None)).json()
    assert (said["account_id"], said["may_ask"]) == (None, False)


async def test_a_site_without_a_client_id_cannot_ask_as_a_person(confluence, caplog):
    await confluence.install(OURS, oauthClientId=None)
    assert not (await confluence.call(OURS)).json()["may_ask"]
    assert "installed again" in caplog.text


ALTERATIONS = [
    lambda url: url.replace("spaceId=98305", "spaceId=98306"),
    lambda url: url.replace("spaceId=98305", "spaceId=98305&spaceId=1"),
    lambda url: url + "&more=1",
    lambda url: url.replace("lic=active&", ""),
    lambda url: url.replace("/pages/posture", "/pages/settings"),
    lambda url: url.replace("/pages/posture", "/pages/Posture"),
    lambda url: url + "&bad=%ff",
]


async def test_an_altered_address_is_refused(host):
    url = host.page_url(OURS, PAGE)
    for alter in ALTERATIONS:
        assert alter(url) != url
        assert (await host.http.get(alter(url))).status_code == 401


async def test_the_order_of_parameters_is_free(host):
    path, _, query = host.page_url(OURS, PAGE).partition("?")
    turned = "&".join(reversed(query.split("&")))
    assert (await host.http.get(f"{path}?{turned}")).status_code == 200


async def test_a_page_that_is_signed_for_two_spaces_is_refused(host):
    target = "/pages/posture?spaceId=1&spaceId=2"
    assert (await load(host, OURS, target)).status_code == 401


async def test_a_signed_space_that_is_no_id_is_no_space(host):
    for value in ("", "abc", "0", "007", "-5", "1" * 20, "{space.id}"):
        said = (await load(host, OURS, f"/pages/posture?spaceId={quote(value)}")).json()
        assert said["space_id"] is None


async def test_an_odd_path_is_hashed_as_it_was_sent(host):
    for path in ("/pages/a%20b", "/pages/a&b", "/pages/%C3%A9", "/pages/a/"):
        assert (await load(host, OURS, path)).status_code == 200


async def test_the_issuer_of_one_site_with_the_secret_of_another_is_refused(host):
    crossed = Site("ours", THEIRS.secret)
    assert not await host.works(crossed)
    assert (await host.notify(crossed, "disabled")).status_code == 401


async def test_an_unknown_site_gets_the_same_answer_as_a_wrong_secret(host):
    unknown = await host.call(Site("nobody", OURS.secret))
    wrong = await host.call(replace(OURS, secret="not the secret, but as long as one"))
    assert unknown.status_code == wrong.status_code == 401
    assert unknown.content == wrong.content


async def test_odd_claims_are_refused_everywhere(host):
    odd = [{"exp": 1}, {"iat": 2**33}, {"exp": 2**80}, {"exp": "soon"}, {"iss": None}, {"sub": 5}]
    for changes in odd:
        assert (await load(host, OURS, **changes)).status_code == 401
        assert (await host.call(OURS, **changes)).status_code == 401


async def test_a_token_lives_until_it_expires_and_a_minute(host):
    url = host.page_url(OURS, PAGE)
    host.clock.pass_(seconds=239)
    assert (await host.http.get(url)).status_code == 200
    host.clock.pass_(seconds=1)
    assert (await host.http.get(url)).status_code == 401


async def test_two_tokens_are_one_too_many(host):
    url, token = host.page_url(OURS, PAGE), host.context_token(OURS)
    page_token = url.rpartition("jwt=")[2]
    for headers in (authorised(token), authorised(page_token), {"Authorization": "Basic x"}):
        assert (await host.http.get(url, headers=headers)).status_code == 401
    assert (await host.http.get(f"{url}&jwt={page_token}")).status_code == 401
    twice = [("Authorization", f"JWT {token}"), ("Authorization", f"JWT {token}")]
    assert (await host.http.get("/api/posture", headers=twice)).status_code == 401
    with_both = await host.http.get(f"/api/posture?jwt={token}", headers=authorised(token))
    assert with_both.status_code == 401
    empty = await host.http.get("/api/posture?jwt=", headers=authorised(token))
    assert empty.status_code == 401


async def test_another_scheme_is_refused(host):
    for scheme in ("Bearer", "Basic", "", "JWT JWT", "JWTX"):
        headers = {"Authorization": f"{scheme} {host.context_token(OURS)}"}
        assert (await host.http.get("/api/posture", headers=headers)).status_code == 401


async def test_the_schemes_case_is_free(host):
    headers = {"Authorization": f"jwt {host.context_token(OURS)}"}
    assert (await host.http.get("/api/posture", headers=headers)).status_code == 200


async def test_a_cookie_or_a_body_carries_nothing(host):
    token = host.context_token(OURS)
    answer = await host.http.get("/api/posture", headers={"Cookie": f"jwt={token}"})
    assert answer.status_code == 401


KINDS = ["install", "url", "callback", "context", "none", "alg none", "wrong secret"]
ROUTES = {
    "install": ("POST", "/connect/installed"),
    "url": ("GET", "/pages/posture"),
    "callback": ("GET", "/macros/static"),
    "context": ("GET", "/api/posture"),
}


# A URL token and a callback's are the same token: only where it is carried tells them apart.
TAKEN = {
    ("url", "query", "url"),
    ("url", "query", "callback"),
    ("callback", "header", "url"),
    ("callback", "header", "callback"),
    ("context", "header", "context"),
}


def proof(kind: str, method: str, path: str) -> str:
    """Return a token of this kind, bound to this request."""
    computed, context = hash_of(method, path), CONTEXT_HASH
    return {
        "install": rs256(claims("ours", computed, aud=[BASE_URL]), INSTALL_KEY),
        "url": hs256(claims("ours", computed), OURS.secret),
        "callback": hs256(claims("ours", computed), OURS.secret),
        "context": hs256(claims("ours", context), OURS.secret),
        "none": "",
        "alg none": by_hand({"alg": "none"}, claims("ours", context), b""),
        "wrong secret": hs256(claims("ours", context), "x" * 40),
    }[kind]


async def test_a_route_takes_its_own_kind_of_token_and_no_other(host):
    for route, kind in product(ROUTES, KINDS):
        await knock(host, route, kind)


async def knock(host, route: str, kind: str) -> None:
    method, path = ROUTES[route]
    token = proof(kind, method, path)
    for where in ("header", "query"):
        headers = authorised(token) if where == "header" and token else {}
        params = {"jwt": token} if where == "query" and token else {}
        content = None if method == "GET" else b"{}"
        answer = await host.http.request(
            method, path, headers=headers, params=params, content=content
        )
        is_right = (route, where, kind) in TAKEN
        assert answer.status_code == (200 if is_right else 401)
        if not is_right:
            assert answer.json()["message"].startswith("This view has expired")


async def test_a_context_token_is_no_page_token_and_the_other_way_round(host):
    in_url = f"/pages/posture?jwt={host.context_token(OURS)}"
    assert (await host.http.get(in_url)).status_code == 401
    computed = claims("ours", hash_of("GET", "/api/posture"))
    answer = await host.http.get("/api/posture", headers=authorised(hs256(computed, OURS.secret)))
    assert answer.status_code == 401


async def test_a_macro_is_rendered_for_confluence_itself_without_a_person(host):
    token = hs256(claims("ours", hash_of("GET", MACRO), sub=None), OURS.secret)
    said = (await host.http.get(MACRO, headers=authorised(token))).json()
    assert (said["account_id"], said["space_id"]) == (None, "98305")


class TestBelowAPath:
    """The app's public URL may have a path: what is signed is what comes after it."""

    @pytest.fixture
    def base_url(self) -> str:
        return f"{BASE_URL}/connect"

    async def test_the_base_path_is_not_signed(self, confluence):
        # Behind this base path a proxy passes the whole path on; the thin app mounts none.
        signed = claims("ours", hash_of("POST", "/installed"), aud=[f"{BASE_URL}/connect"])
        token = rs256(signed, INSTALL_KEY)
        answer = await confluence.post("/connect/installed", token, OURS.body())
        assert answer.status_code == 204

    async def test_another_path_with_the_same_beginning_is_whole(self, confluence):
        changes = {"aud": [f"{BASE_URL}/connect"]}
        token = rs256(claims("ours", hash_of("POST", "/installed"), **changes), INSTALL_KEY)
        await confluence.post("/connect/installed", token, OURS.body())
        assert (await load(confluence, OURS, "/pages/connected")).status_code == 200
