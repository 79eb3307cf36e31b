"""Forge as the stand-in plays it: keys, invocation tokens, the proxy that calls the app, a user's REST API."""

import base64
import re
import time
import uuid
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox import standin, wiki_rest
from sandbox.signing import InstallKey
from sandbox.sites import CONTEXT_PATH, Site, account_id
from sandbox.stack import FORGE_APP_ID

APP_ID = FORGE_APP_ID
TOKEN_SECONDS = 25
USER_SECONDS = 900
KEYS_PATH = "/forge/jwks.json"
MANIFEST = Path(__file__).parents[1] / "forge" / "manifest.yml"


def cloud_id(site: Site) -> str:
    """Return the id of the site's cloud."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, site.client_key))


def approved_scopes() -> frozenset[str]:
    """Return the scopes that the app asks for, which is all that its tokens are good for."""
    found = re.search(r"scopes: \[(.*)\]", MANIFEST.read_text())
    return frozenset(found[1].split(", ")) if found else frozenset()


def number(value: int) -> str:
    """Return a number as a key set writes it."""
    raw = value.to_bytes((value.bit_length() + 7) // 8, "big")
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


async def key_set(request: Request) -> Response:
    """Answer the public key of invocation tokens."""
    key = standin.of(request).forge_key
    public = key.private.public_key()
    assert isinstance(public, RSAPublicKey)
    numbers = public.public_numbers()
    said = {"kty": "RSA", "use": "sig", "alg": "RS256", "kid": key.kid}
    return JSONResponse({"keys": [said | {"n": number(numbers.n), "e": number(numbers.e)}]})


def invocation_token(key: InstallKey, site: Site, call: dict[str, Any]) -> str:
    """Return the token of a call: of a person's shell, or of the site itself without `as`."""
    now = int(time.time())
    base = f"{site.origin}/ex/confluence/{cloud_id(site)}"
    installation = f"ari:cloud:ecosystem::installation/{cloud_id(site)}"
    claims: dict[str, Any] = {
        "iss": "forge/invocation-token",
        "aud": APP_ID,
        "iat": now,
        "nbf": now,
        "exp": now + TOKEN_SECONDS,
        "jti": str(uuid.uuid4()),
        "app": {
            "id": APP_ID,
            "installationId": installation,
            "apiBaseUrl": base,
            "environment": {"type": "PRODUCTION", "id": "production"},
            "appVersion": "1.0.0",
            "module": {"type": "core:endpoint", "key": "backend"},
        },
    }
    if call.get("as"):
        claims["principal"] = account_id(str(call["as"]))
        claims["context"] = {
            "cloudId": cloud_id(site),
            "siteUrl": site.origin,
            "moduleKey": str(call["module"]),
            "extension": call.get("extension", {}),
        }
    return jwt.encode(claims, key.private, algorithm="RS256", headers={"kid": key.kid})


async def call(request: Request) -> Response:
    """Call the app as Forge's proxy does: `{app_url, path, method?, headers?, body?, as?, module?, extension?, site?}`."""
    wish, here = await request.json(), standin.of(request)
    site = here.sites[int(wish.get("site", 0))]
    headers = dict(wish.get("headers", {}))
    headers["Authorization"] = f"Bearer {invocation_token(here.forge_key, site, wish)}"
    if wish.get("as"):
        role = str(wish["as"])
        until = time.time() + USER_SECONDS
        headers["x-forge-oauth-user"] = here.grant(site, role, until, approved_scopes())
    answer = await here.http.request(
        str(wish.get("method", "POST")),
        str(wish["app_url"]) + str(wish["path"]),
        json=wish.get("body", {}),
        headers=headers,
    )
    is_json = answer.headers.get("content-type", "").startswith("application/json")
    body = answer.json() if is_json else answer.text
    return JSONResponse({"status": answer.status_code, "body": body})


def for_users(route: Route) -> Route:
    """Return a REST route as it stands behind Atlassian's gateway."""
    return Route(f"/ex/confluence/{{cloud}}{route.path}", route.endpoint, methods=route.methods)


routes = [
    Route(KEYS_PATH, key_set),
    Route("/_control/forge-call", call, methods=["POST"]),
    *(for_users(route) for route in wiki_rest.routes if route.path.startswith(CONTEXT_PATH)),
]
