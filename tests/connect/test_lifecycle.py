"""Installing and removing: only on Atlassian's signature, for the very site, and once."""

import asyncio
from dataclasses import replace

import httpx
import pytest

from tests.connect.atlassian import (
    BASE_URL,
    CONTEXT_HASH,
    FOREIGN_KEY,
    INSTALL_KEY,
    by_hand,
    claims,
    hash_of,
    hs256,
    pem,
    rs256,
)
from tests.connect.conftest import INSTALLED, OURS, THEIRS, UNINSTALLED, site_id_of

HOST = "keys.example.com"
RENEWED = replace(OURS, secret="a new secret of our own site, 32 bytes and more")


async def test_a_first_install_is_kept(confluence):
    assert (await confluence.install(OURS)).status_code == 204
    kept = await confluence.known(OURS)
    assert kept.installed
    assert kept.base_url == OURS.base_url
    assert kept.shared_secret == OURS.secret
    assert await confluence.works(OURS)


async def test_a_new_secret_replaces_the_old_one_at_once(confluence):
    await confluence.install(OURS)
    before = await confluence.known(OURS)
    confluence.clock.pass_(seconds=1)
    assert (await confluence.install(RENEWED)).status_code == 204
    assert site_id_of(await confluence.known(OURS)) == before.site_id
    assert await confluence.works(RENEWED)
    assert not await confluence.works(OURS)


async def test_a_reinstall_moves_addresses_and_drops_users_tokens(confluence):
    await confluence.install(OURS)
    await confluence.known(OURS)
    confluence.clock.pass_(seconds=1)
    await confluence.install(OURS, baseUrl="https://renamed.atlassian.net/wiki", oauthClientId=None)
    kept = await confluence.known(OURS)
    assert kept.base_url == "https://renamed.atlassian.net/wiki"
    assert kept.oauth_client_id is None


async def test_a_token_of_one_site_does_not_install_another(confluence, caplog):
    await confluence.install(THEIRS)
    token = confluence.install_token("ours")
    attack = THEIRS.body(sharedSecret="a secret that the attacker knows, long")
    assert (await confluence.post(INSTALLED, token, attack)).status_code == 401
    assert (await confluence.known(THEIRS)).shared_secret == THEIRS.secret
    assert "security" in caplog.text


async def test_the_old_secret_installs_nothing(confluence):
    await confluence.install(OURS)
    signed = claims("ours", hash_of("POST", INSTALLED), aud=[BASE_URL])
    token = hs256(signed, OURS.secret, kid="k1")
    assert (await confluence.post(INSTALLED, token, RENEWED.body())).status_code == 401
    assert (await confluence.known(OURS)).shared_secret == OURS.secret


def bad_tokens():
    content = claims("ours", hash_of("POST", INSTALLED), aud=[BASE_URL])
    return {
        "none": by_hand({"alg": "none", "kid": "k1"}, content, b""),
        "none with a signature": by_hand({"alg": "none", "kid": "k1"}, content),
        "hs256 with the public key": hs256(content, pem(INSTALL_KEY), kid="k1"),
        "no key id": rs256(content, INSTALL_KEY, None),
        "a path as key id": rs256(content, INSTALL_KEY, "../x"),
        "a foreign jku": by_hand(
            {"alg": "RS256", "kid": "k1", "jku": "https://evil.example"}, content
        ),
    }


async def test_a_forged_token_asks_nobody_and_stores_nothing(confluence):
    for name, token in bad_tokens().items():
        answer = await confluence.post(INSTALLED, token, OURS.body())
        assert answer.status_code == 401, name
    assert confluence.atlassian.asked == []
    assert await confluence.known(OURS) is None


async def test_a_token_of_a_foreign_key_is_refused(confluence):
    content = claims("ours", hash_of("POST", INSTALLED), aud=[BASE_URL])
    answer = await confluence.post(INSTALLED, rs256(content, FOREIGN_KEY), OURS.body())
    assert answer.status_code == 401
    assert await confluence.known(OURS) is None


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"aud": [f"{BASE_URL}/"]}, 204),
        ({"aud": ["https://other.example.com"]}, 401),
        ({"aud": None}, 401),
        ({"qsh": hash_of("POST", UNINSTALLED)}, 401),
        ({"qsh": hash_of("GET", INSTALLED)}, 401),
        ({"qsh": CONTEXT_HASH}, 401),
        ({"qsh": None}, 401),
        ({"iss": None}, 401),
        ({"exp": None}, 401),
        ({"iat": None}, 401),
        ({"exp": 1}, 401),
    ],
)
async def test_an_install_token_must_be_for_us_for_this_and_for_now(confluence, changes, status):
    token = confluence.install_token("ours", **changes)
    assert (await confluence.post(INSTALLED, token, OURS.body())).status_code == status
    assert (await confluence.known(OURS) is not None) == (status == 204)


async def test_an_install_token_expires(confluence):
    token = confluence.install_token("ours")
    confluence.clock.pass_(seconds=241)
    assert (await confluence.post(INSTALLED, token, OURS.body())).status_code == 401


def away(_: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("refused")


def slow(_: httpx.Request) -> httpx.Response:
    raise httpx.ReadTimeout("slow")


@pytest.mark.parametrize(
    "reply",
    [
        away,
        slow,
        lambda _: httpx.Response(403, html="<html>Forbidden</html>"),
        lambda _: httpx.Response(503, html="<html>Away</html>"),
        lambda _: httpx.Response(200, html="<html>Hello</html>"),
    ],
)
async def test_a_key_that_cannot_be_had_is_a_401_and_no_row(confluence, reply):
    confluence.atlassian.replies[HOST] = reply
    assert (await confluence.install(OURS)).status_code == 401
    assert await confluence.known(OURS) is None


async def test_two_installs_fetch_one_key(confluence):
    await confluence.install(OURS)
    await confluence.install(THEIRS)
    assert len(confluence.atlassian.requests_to(HOST)) == 1


FOREIGN_BODIES = [
    b"",
    b"not JSON",
    b"[]",
    b"null",
    b"[" * 60_000,
    b'{"clientKey": "ours", "key": "plumbline", "x": "\\ud800"}',
    OURS.body(key="another-app"),
    OURS.body(key=None),
    OURS.body(clientKey=None),
    OURS.body(clientKey=["ours"]),
]


async def test_a_body_that_is_not_this_sites_is_refused(confluence):
    token = confluence.install_token("ours")
    for body in FOREIGN_BODIES:
        assert (await confluence.post(INSTALLED, token, body)).status_code == 401
    assert await confluence.known(OURS) is None


BAD_VALUES = [
    ({"productType": "jira"}, "productType"),
    ({"productType": None}, "productType"),
    ({"baseUrl": "http://ours.atlassian.net/wiki"}, "baseUrl"),
    ({"baseUrl": "https://evil.example/wiki"}, "baseUrl"),
    ({"baseUrl": "https://169.254.169.254/wiki"}, "baseUrl"),
    ({"baseUrl": None}, "baseUrl"),
    ({"sharedSecret": None}, "sharedSecret"),
    ({"sharedSecret": ""}, "sharedSecret"),
    ({"sharedSecret": "short"}, "sharedSecret"),
    ({"sharedSecret": "nul\x00" * 20}, "sharedSecret"),
    ({"sharedSecret": ["x" * 40]}, "sharedSecret"),
]


async def test_a_signed_body_with_bad_values_says_which_and_stores_nothing(confluence):
    for changes, field in BAD_VALUES:
        answer = await confluence.install(OURS, **changes)
        assert answer.status_code == 422
        assert list(answer.json()["fields"]) == [field]
    assert await confluence.known(OURS) is None


async def test_a_refused_body_does_not_use_up_the_token(confluence):
    token = confluence.install_token("ours")
    assert (
        await confluence.post(INSTALLED, token, OURS.body(productType="jira"))
    ).status_code == 422
    assert (await confluence.post(INSTALLED, token, OURS.body())).status_code == 204


@pytest.mark.parametrize("value", [None, 5, "", "x" * 256, "a\x00b"])
async def test_a_client_id_that_cannot_be_one_is_left_out(confluence, value):
    assert (await confluence.install(OURS, oauthClientId=value)).status_code == 204
    assert (await confluence.known(OURS)).oauth_client_id is None


async def test_the_same_address_with_another_client_key_is_another_site(confluence):
    await confluence.install(OURS)
    imported = replace(THEIRS, base_url=OURS.base_url)
    assert (await confluence.install(imported)).status_code == 204
    ours, theirs = await confluence.known(OURS), await confluence.known(imported)
    assert ours.site_id != theirs.site_id
    assert await confluence.works(OURS)
    assert await confluence.works(imported)


async def test_parallel_installs_leave_one_site(confluence):
    answers = await asyncio.gather(
        *(
            confluence.post(INSTALLED, confluence.install_token("ours", jti=str(n)), OURS.body())
            for n in range(5)
        )
    )
    assert {answer.status_code for answer in answers} == {204}
    assert (await confluence.known(OURS)).installed


async def test_the_same_call_again_changes_nothing(confluence):
    token = confluence.install_token("ours")
    for _ in range(2):
        assert (await confluence.post(INSTALLED, token, OURS.body())).status_code == 204


async def test_the_same_token_with_another_body_is_refused(confluence, caplog):
    token = confluence.install_token("ours")
    await confluence.post(INSTALLED, token, OURS.body())
    assert (await confluence.post(INSTALLED, token, RENEWED.body())).status_code == 401
    assert (await confluence.known(OURS)).shared_secret == OURS.secret
    assert "security" in caplog.text


async def test_two_bodies_at_once_for_one_token_leave_one_of_them(confluence):
    token = confluence.install_token("ours")
    answers = await asyncio.gather(
        *(confluence.post(INSTALLED, token, site.body()) for site in (OURS, RENEWED))
    )
    assert sorted(answer.status_code for answer in answers) == [204, 401]


async def test_an_old_install_token_does_not_undo_a_newer_one(confluence):
    token = confluence.install_token("ours")
    await confluence.post(INSTALLED, token, OURS.body())
    confluence.clock.pass_(seconds=10)
    await confluence.install(RENEWED)
    assert (await confluence.post(INSTALLED, token, OURS.body())).status_code == 204
    assert (await confluence.known(OURS)).shared_secret == RENEWED.secret


async def test_an_installation_that_arrives_after_a_later_removal_brings_nothing_back(confluence):
    await confluence.install(OURS)
    confluence.clock.pass_(seconds=10)
    delayed = confluence.install_token("ours")
    confluence.clock.pass_(seconds=5)
    await confluence.uninstall(OURS)
    confluence.clock.pass_(seconds=5)
    assert (await confluence.post(INSTALLED, delayed, OURS.body())).status_code == 401
    assert not (await confluence.known(OURS)).installed
    assert (await confluence.install(RENEWED)).status_code == 204
    assert await confluence.works(RENEWED)


async def test_an_old_secret_that_arrives_after_the_new_one_does_not_replace_it(confluence):
    await confluence.install(OURS)
    confluence.clock.pass_(seconds=10)
    delayed = confluence.install_token("ours")
    confluence.clock.pass_(seconds=5)
    await confluence.install(RENEWED)
    assert (await confluence.post(INSTALLED, delayed, OURS.body())).status_code == 401
    assert await confluence.works(RENEWED)


async def test_a_removal_that_arrives_after_a_later_installation_removes_nothing(confluence):
    await confluence.install(OURS)
    confluence.clock.pass_(seconds=10)
    delayed = confluence.install_token("ours", UNINSTALLED)
    confluence.clock.pass_(seconds=5)
    await confluence.install(RENEWED)
    body = OURS.body(sharedSecret=None, eventType="uninstalled")
    assert (await confluence.post(UNINSTALLED, delayed, body)).status_code == 204
    assert await confluence.works(RENEWED)


async def test_a_site_whose_clock_is_behind_ours_comes_back_at_once(confluence):
    def behind(path, seconds):
        return confluence.install_token(
            "ours", path, iat=int(confluence.clock.now.timestamp()) - seconds
        )

    await confluence.post(INSTALLED, behind(INSTALLED, 30), OURS.body())
    body = OURS.body(sharedSecret=None, eventType="uninstalled")
    await confluence.post(UNINSTALLED, behind(UNINSTALLED, 20), body)
    assert not (await confluence.known(OURS)).installed
    coming = behind(INSTALLED, 15)
    assert (await confluence.post(INSTALLED, coming, RENEWED.body())).status_code == 204
    assert await confluence.works(RENEWED)


@pytest.mark.parametrize("path", [INSTALLED + "/", "/connect//installed", "/connect/%69nstalled/"])
async def test_another_spelling_of_the_path_is_no_redirect_and_no_install(confluence, path):
    token = confluence.install_token("ours")
    answer = await confluence.post(path, token, OURS.body())
    assert answer.status_code in {401, 404, 405}
    assert await confluence.known(OURS) is None


@pytest.mark.parametrize("order", [("uninstall", "disabled"), ("disabled", "uninstall")])
async def test_uninstalled_and_disabled_come_in_any_order(confluence, order):
    await confluence.install(OURS)
    confluence.clock.pass_(seconds=1)
    for event in order:
        if event == "uninstall":
            assert (await confluence.uninstall(OURS)).status_code == 204
        else:
            assert (await confluence.notify(OURS, event)).status_code in {204, 401}
    kept = await confluence.known(OURS)
    assert (kept.installed, kept.enabled, kept.shared_secret) == (False, False, "")


async def test_uninstalled_and_disabled_at_the_same_time(confluence):
    await confluence.install(OURS)
    confluence.clock.pass_(seconds=1)
    await asyncio.gather(confluence.uninstall(OURS), confluence.notify(OURS, "disabled"))
    kept = await confluence.known(OURS)
    assert (kept.installed, kept.enabled) == (False, False)


async def test_no_token_of_an_uninstalled_site_is_good_for_anything(confluence):
    await confluence.install(OURS)
    await confluence.install(THEIRS)
    confluence.clock.pass_(seconds=1)
    await confluence.uninstall(OURS)
    assert (await confluence.http.get(confluence.page_url(OURS))).status_code == 401
    assert (await confluence.call(OURS)).status_code == 401
    assert (await confluence.notify(OURS, "enabled")).status_code == 401
    empty = replace(OURS, secret="")
    assert (await confluence.http.get(confluence.page_url(empty))).status_code == 401
    assert await confluence.works(THEIRS)


async def test_a_reinstall_restores_the_site(confluence):
    await confluence.install(OURS)
    before = await confluence.known(OURS)
    confluence.clock.pass_(seconds=1)
    await confluence.uninstall(OURS)
    confluence.clock.pass_(days=3)
    assert (await confluence.install(RENEWED)).status_code == 204
    assert site_id_of(await confluence.known(OURS)) == before.site_id
    assert await confluence.works(RENEWED)


async def test_uninstalling_an_unknown_or_uninstalled_site_is_no_error(confluence):
    assert (await confluence.uninstall(OURS)).status_code == 204
    assert await confluence.known(OURS) is None
    await confluence.install(OURS)
    for _ in range(2):
        confluence.clock.pass_(seconds=1)
        assert (await confluence.uninstall(OURS)).status_code == 204


async def test_an_uninstall_token_is_good_for_one_removal(confluence):
    await confluence.install(OURS)
    token = confluence.install_token("ours", UNINSTALLED)
    body = OURS.body(sharedSecret=None)
    assert (await confluence.post(UNINSTALLED, token, body)).status_code == 204
    confluence.clock.pass_(seconds=1)
    await confluence.install(OURS)
    assert (await confluence.post(UNINSTALLED, token, body)).status_code == 204
    assert await confluence.works(OURS)
    assert (await confluence.post(UNINSTALLED, token, body | {"x": 1})).status_code == 401


async def test_one_site_does_not_uninstall_another(confluence):
    await confluence.install(THEIRS)
    token = confluence.install_token("ours", UNINSTALLED)
    assert (await confluence.post(UNINSTALLED, token, THEIRS.body())).status_code == 401
    assert await confluence.works(THEIRS)


async def test_an_install_token_does_not_uninstall(confluence):
    await confluence.install(OURS)
    confluence.clock.pass_(seconds=1)
    token = confluence.install_token("ours", INSTALLED)
    assert (await confluence.post(UNINSTALLED, token, OURS.body())).status_code == 401
    assert await confluence.works(OURS)


async def test_a_site_switches_the_app_off_and_on(confluence):
    await confluence.install(OURS)
    await confluence.notify(OURS, "disabled")
    assert not (await confluence.known(OURS)).enabled
    await confluence.notify(OURS, "enabled")
    assert (await confluence.known(OURS)).enabled


async def test_no_secret_is_logged(confluence, caplog):
    caplog.set_level("DEBUG")
    await confluence.install(OURS)
    await confluence.works(OURS)
    await confluence.install(OURS, baseUrl="https://evil.example")
    await confluence.uninstall(OURS)
    ours = [record.getMessage() for record in caplog.records if record.name.startswith("app.")]
    assert ours
    for text in (OURS.secret, "JWT ", "eyJ"):
        assert not any(text in line for line in ours)
