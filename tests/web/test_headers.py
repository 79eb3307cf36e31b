"""The headers that stand on every answer."""

import httpx
import pytest
from starlette.responses import Response

from app.caller import AccountId, Caller, Door, Right, SpaceId, TokenKind
from app.web import public
from app.web.dependencies import Viewer
from app.web.routing import guard, protected_router
from tests.web.small import SITE, World, client_of

router = protected_router()


@router.get("/pages/quiet")
@guard(token=TokenKind.URL, right=Right.VIEWER)
async def quiet(viewer: Viewer) -> Response:
    return Response("<p>quiet", media_type="text/html")


@router.get("/pages/broken")
@guard(token=TokenKind.URL, right=Right.NONE)
async def broken() -> Response:
    raise RuntimeError("the secret is s3cret")


def site(*origins: str) -> Caller:
    account, space = AccountId("alice"), SpaceId("42")
    return Caller(SITE, Door.CONNECT, account, space, None, origins, rest_auth=httpx.Auth())


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/pages/quiet", 200),
        ("GET", "/nothing", 404),
        ("POST", "/pages/quiet", 405),
        ("OPTIONS", "/pages/quiet", 405),
        ("GET", "/pages/broken", 500),
        ("GET", "/healthz", 200),
        ("GET", "/%70ages/quiet", 404),
    ],
)
async def test_every_answer_carries_them(method, path, status):
    async with client_of([router, public.router], World(caller=site())) as http:
        answer = await http.request(method, path, headers={"Origin": "https://evil.example"})
    assert answer.status_code == status
    assert answer.headers["strict-transport-security"] == "max-age=31536000; includeSubDomains"
    assert answer.headers["cache-control"] == "no-cache, no-store"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["permissions-policy"] == ""
    assert "frame-ancestors" in answer.headers["content-security-policy"]
    unwanted = {"set-cookie", "x-frame-options", "server", "access-control-allow-origin"}
    assert not unwanted & set(answer.headers)


async def test_a_page_may_be_framed_by_its_own_site_alone():
    caller = site("https://acme.atlassian.net", "https://wiki.acme.example", "https://a b; x 'y'")
    async with client_of([router], World(caller=caller)) as http:
        answer = await http.get("/pages/quiet")
    frames = answer.headers["content-security-policy"].split("frame-ancestors ")[1]
    assert frames == "https://acme.atlassian.net https://wiki.acme.example"


async def test_an_error_page_before_the_site_is_known_may_be_framed_by_confluence():
    async with client_of([router], World(caller=None)) as http:
        answer = await http.get("/pages/quiet")
    assert answer.status_code == 401
    assert answer.headers["content-type"].startswith("text/html")
    assert "frame-ancestors https://*.atlassian.net" in answer.headers["content-security-policy"]


async def test_the_hosts_script_enters_the_policy_by_its_origin():
    url = "http://localhost:9000/atlassian-connect/all.js"
    async with client_of([router], World(caller=site()), connect_script_url=url) as http:
        policy = (await http.get("/pages/quiet")).headers["content-security-policy"]
    assert "script-src 'self' http://localhost:9000;" in policy
    assert "unsafe" not in policy


async def test_static_files_are_kept_under_their_digest_and_found_nowhere_else(tmp_path):
    from app.web.static_files import StaticTree

    (tmp_path / "posture.js").write_text("export {};")
    (tmp_path / ".hidden").write_text("no")
    static = StaticTree.read(tmp_path)
    async with client_of([public.router], World(), static=static) as http:
        found = await http.get(static.path("posture.js"), headers={"Range": "bytes=0-1"})
        missing = [
            (await http.get(path)).status_code
            for path in (
                "/static/0/posture.js",
                f"/static/{static.digest}/.hidden",
                f"/static/{static.digest}/../app.py",
            )
        ]
    assert (found.status_code, found.text) == (200, "export {};")
    assert found.headers["content-type"].startswith("text/javascript")
    assert "immutable" in found.headers["cache-control"]
    assert missing == [404, 404, 404]


async def test_a_changed_file_has_another_address(tmp_path):
    from app.web.static_files import StaticTree

    (tmp_path / "a.css").write_text("a{}")
    before = StaticTree.read(tmp_path).path("a.css")
    (tmp_path / "a.css").write_text("b{}")
    assert StaticTree.read(tmp_path).path("a.css") != before
