"""Atlassian's side of the wire: install keys, the grant of user tokens, Confluence's REST API."""

import asyncio
import time
from typing import Any
from urllib.parse import parse_qsl

import jwt
from atlassian_jwt.url_utils import hash_url
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from sandbox import standin
from sandbox.sites import (
    CONTEXT_PATH,
    NAMES,
    OPERATIONS,
    Page,
    Site,
    Space,
    role_of,
)

GRANT_TYPE = "urn:ietf:params:oauth:grant-type:jwt-bearer"
CLIENT_PREFIX = "urn:atlassian:connect:clientid:"
ACCOUNT_PREFIX = "urn:atlassian:connect:useraccountid:"
TOKEN_SECONDS = 900
APP_USER = "app"


async def install_key(request: Request) -> Response:
    """Answer the public key of that id; any other id gets HTML, as at Atlassian's host."""
    here = standin.of(request)
    if here.faults.key_status:
        return HTMLResponse("<h1>Away</h1>", here.faults.key_status)
    if request.path_params["kid"] != here.install_key.kid:
        return HTMLResponse("<html><body><h1>403 Forbidden</h1></body></html>", 403)
    return PlainTextResponse(here.install_key.pem)


def refused(description: str) -> Response:
    """Answer a grant that was refused."""
    return JSONResponse({"error": "invalid_grant", "error_description": description}, 400)


def asserted(site: Site, assertion: str, audience: str) -> str | None:
    """Return the role that a site's assertion names, or None where it does not hold."""
    try:
        claims = jwt.decode(
            assertion,
            site.shared_secret,
            algorithms=["HS256"],
            audience=audience,
            issuer=CLIENT_PREFIX + site.oauth_client_id,
            options={"require": ["iss", "sub", "tnt", "aud", "iat", "exp"]},
        )
    except jwt.InvalidTokenError:
        return None
    if claims["tnt"] != site.base_url or claims["exp"] - claims["iat"] > 120:
        return None
    return role_of(str(claims["sub"]).removeprefix(ACCOUNT_PREFIX))


async def grant_token(request: Request) -> Response:
    """Exchange a site's signed assertion for a token that acts as the person it names."""
    form = dict(parse_qsl((await request.body()).decode()))
    here = standin.of(request)
    if form.get("grant_type") != GRANT_TYPE:
        return JSONResponse({"error": "unsupported_grant_type"}, 400)
    if not set(form.get("scope", "READ").split()) <= {"READ"}:
        return JSONResponse({"error": "invalid_scope"}, 400)
    assertion = form.get("assertion", "")
    for site in here.sites:
        role = asserted(site, assertion, here.origin) if site.installation else None
        if role:
            token = here.grant(site, role, time.time() + TOKEN_SECONDS)
            answer = {"access_token": token, "expires_in": TOKEN_SECONDS, "token_type": "Bearer"}
            return JSONResponse(answer)
    return refused("The assertion does not hold for any site.")


def app_signed(request: Request, site: Site, token: str) -> bool:
    """Tell whether the app itself signed this request for the site."""
    url = request.url.path.removeprefix(CONTEXT_PATH) + "?" + request.url.query
    try:
        claims = jwt.decode(
            token, site.shared_secret, algorithms=["HS256"], audience=site.client_key
        )
    except jwt.InvalidTokenError:
        return False
    installed = site.installation
    return (
        installed is not None
        and claims.get("iss") == installed.key
        and claims.get("qsh") == hash_url(request.method, url)
    )


def caller(request: Request) -> str | None:
    """Return the role that a REST call acts as, `app` for the app itself, None if refused."""
    here = standin.of(request)
    site = here.site(request)
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme == "JWT":
        return APP_USER if app_signed(request, site, token) else None
    grant = here.grants.get(token) if scheme == "Bearer" else None
    if grant is None or grant.client_key != site.client_key or grant.expires_at < time.time():
        return None
    return grant.role


def right_of(space: Space, role: str) -> str:
    """Return a caller's right in a space; the app's own user reads everything."""
    return "viewer" if role == APP_USER else space.right(role)


NOT_FOUND = {"errors": [{"status": 404, "code": "NOT_FOUND", "title": "Not found"}]}


def space_body(space: Space) -> dict[str, Any]:
    """Return a space as the REST API shows it."""
    return {
        "id": space.id,
        "key": space.key,
        "currentActiveAlias": space.key,
        "name": space.name,
        "type": "global",
        "status": "current",
        "homepageId": str(int(space.id) + 100),
    }


def operations_body(right: str) -> dict[str, Any]:
    """Return what a right allows as the REST API shows it."""
    pairs = OPERATIONS[right]
    return {"operations": [{"operation": o, "targetType": t} for o, t in pairs]}


async def spaces(request: Request, role: str) -> Response:
    """List the spaces that the caller may read, by id or key where asked."""
    site = standin.of(request).site(request)
    keys = {k for part in request.query_params.getlist("keys") for k in part.split(",")}
    ids = {i for part in request.query_params.getlist("ids") for i in part.split(",")}
    shown = [
        space_body(space)
        for space in site.spaces
        if right_of(space, role) != "none"
        and (not keys or space.key in keys)
        and (not ids or space.id in ids)
    ]
    return JSONResponse({"results": shown, "_links": {"base": site.base_url}})


async def space(request: Request, role: str) -> Response:
    """Answer one space, or 404 where the caller may not read it."""
    found = readable(request, role)
    return JSONResponse(space_body(found)) if found else JSONResponse(NOT_FOUND, 404)


async def operations(request: Request, role: str) -> Response:
    """Answer what the caller may do in the space, or 404 where they may not read it."""
    found = readable(request, role)
    if found is None:
        return JSONResponse(NOT_FOUND, 404)
    return JSONResponse(operations_body(right_of(found, role)))


async def page(request: Request, role: str) -> Response:
    """Answer one page, or 404 where the caller may not read its space."""
    found = readable_page(request, role)
    if found is None:
        return JSONResponse(NOT_FOUND, 404)
    return JSONResponse(
        {
            "id": found.id,
            "status": "current",
            "title": found.title,
            "spaceId": found.space.id,
            "version": {"number": found.version},
        }
    )


async def page_operations(request: Request, role: str) -> Response:
    """Answer what the caller may do with the page, or 404 where they may not read it."""
    found = readable_page(request, role)
    if found is None:
        return JSONResponse(NOT_FOUND, 404)
    allowed = [{"operation": "read", "targetType": "page"}]
    if right_of(found.space, role) in {"editor", "admin"}:
        allowed.append({"operation": "update", "targetType": "page"})
    return JSONResponse({"operations": allowed})


async def users_bulk(request: Request, _: str) -> Response:
    """Answer the names of the accounts that exist; the others are left out."""
    asked = (await request.json()).get("accountIds", [])
    known = [body for body in map(user_body, asked) if body]
    return JSONResponse({"results": known})


def user_body(account: str) -> dict[str, Any] | None:
    """Return an account as the REST API shows it, or None if it is nobody's."""
    role = role_of(account)
    if role is None:
        return None
    return {
        "accountId": account,
        "accountType": "atlassian",
        "displayName": NAMES[role],
        "publicName": NAMES[role],
    }


def readable(request: Request, role: str) -> Space | None:
    """Return the addressed space where the caller may read it, else None."""
    asked = request.path_params["id"]
    found = standin.of(request).site(request).space(asked)
    return found if found and found.id == asked and right_of(found, role) != "none" else None


def readable_page(request: Request, role: str) -> Page | None:
    """Return the addressed page where the caller may read its space, else None."""
    found = standin.of(request).site(request).pages.get(request.path_params["id"])
    return found if found and right_of(found.space, role) != "none" else None


def may_ask(request: Request, scope: str) -> bool:
    """Tell whether a call's token is good for what needs this scope."""
    grant = standin.of(request).grants.get(request.headers["authorization"].partition(" ")[2])
    return grant is None or grant.scopes is None or scope in grant.scopes


def guarded(endpoint: Any, scope: str) -> Any:
    """Return the endpoint behind the stand-in's faults, who calls, and what the token is good for."""

    async def answer(request: Request) -> Response:
        faults = standin.of(request).faults
        await asyncio.sleep(faults.rest_delay_seconds)
        if faults.rest_status:
            return JSONResponse({"statusCode": faults.rest_status}, faults.rest_status)
        if faults.rest_html:
            return HTMLResponse("<html><body>Confluence is starting</body></html>")
        role = caller(request)
        if role is None:
            return JSONResponse({"code": 401, "message": "Unauthorized"}, 401)
        if not may_ask(request, scope):
            # Atlassian's gateway says 401 here too, not 403.
            said = {"code": 401, "message": "Unauthorized; scope does not match"}
            return JSONResponse(said, 401)
        response: Response = await endpoint(request, role)
        return response

    return answer


V2 = CONTEXT_PATH + "/api/v2"
READ_SPACE = "read:space:confluence"
READ_PAGE = "read:page:confluence"
READ_USER = "read:user:confluence"

routes = [
    Route("/install-keys/{kid}", install_key),
    Route("/oauth2/token", grant_token, methods=["POST"]),
    Route(V2 + "/spaces", guarded(spaces, READ_SPACE)),
    Route(V2 + "/spaces/{id}", guarded(space, READ_SPACE)),
    Route(V2 + "/spaces/{id}/operations", guarded(operations, READ_SPACE)),
    Route(V2 + "/pages/{id}", guarded(page, READ_PAGE)),
    Route(V2 + "/pages/{id}/operations", guarded(page_operations, READ_PAGE)),
    Route(V2 + "/users-bulk", guarded(users_bulk, READ_USER), methods=["POST"]),
]
