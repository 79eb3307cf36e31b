"""Atlassian's side at the wire: signs tokens, serves install keys, grants, answers for spaces."""

import base64
import hmac
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl

import atlassian_jwt.url_utils
import httpx
import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

BASE_URL = "https://plumbline.example.com"
KEYS_URL = "https://keys.example.com"
OAUTH_URL = "https://oauth.example.com"
CONTEXT_HASH = "context-qsh"
NOW = datetime(2026, 9, 1, 12, 0, tzinfo=UTC)

INSTALL_KEY = generate_private_key(public_exponent=65537, key_size=2048)
FOREIGN_KEY = generate_private_key(public_exponent=65537, key_size=2048)


def pem(key: RSAPrivateKey) -> str:
    """Return the public half as the key host serves it."""
    form = (Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return key.public_key().public_bytes(*form).decode()


def seconds(time: datetime) -> int:
    return int(time.timestamp())


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now

    def pass_(self, **time: float) -> None:
        self.now += timedelta(**time)


def claims(issuer: str, query_hash: str, now: datetime = NOW, **changes: Any) -> dict[str, Any]:
    """Return usual claims; a change to None leaves the claim out."""
    usual = {
        "iss": issuer,
        "sub": "5b10a2844c20165700ede21g",
        "iat": seconds(now),
        "exp": seconds(now) + 180,
        "qsh": query_hash,
    }
    return {name: value for name, value in (usual | changes).items() if value is not None}


def hs256(content: dict[str, Any], secret: str, **headers: Any) -> str:
    head = by_hand({"typ": "JWT", "alg": "HS256", **headers}, content).rpartition(".")[0]
    signature = hmac.digest(secret.encode(), head.encode(), "sha256")
    return f"{head}.{_base64(signature)}"


def rs256(content: dict[str, Any], key: RSAPrivateKey, key_id: str | None = "k1") -> str:
    return jwt.encode(content, key, algorithm="RS256", headers={"kid": key_id} if key_id else {})


def by_hand(header: object, content: object, signature: bytes = b"x") -> str:
    """Return a token of any parts at all."""
    parts = [json.dumps(header).encode(), json.dumps(content).encode(), signature]
    return ".".join(map(_base64, parts))


def _base64(part: bytes) -> str:
    return base64.urlsafe_b64encode(part).rstrip(b"=").decode()


def hash_of(method: str, path_and_query: str) -> str:
    """Return a request's hash by Atlassian's own package, not by ours."""
    hashed: str = atlassian_jwt.url_utils.hash_url(method, path_and_query)
    return hashed


Reply = Callable[[httpx.Request], httpx.Response]


@dataclass
class Atlassian:
    """Three vendors behind one transport; a test puts other answers in their place."""

    keys: dict[str, str] = field(default_factory=lambda: {"k1": pem(INSTALL_KEY)})
    operations: list[dict[str, Any]] = field(default_factory=list)
    asked: list[httpx.Request] = field(default_factory=list)
    replies: dict[str, Reply] = field(default_factory=dict)
    revoked: set[str] = field(default_factory=set)
    people: dict[str, str] = field(default_factory=dict)
    grants: int = 0

    def client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(transport=httpx.MockTransport(self.answer))

    def answer(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        host = request.url.host
        if host in self.replies:
            return self.replies[host](request)
        if host == "keys.example.com":
            return self.key(request)
        return self.grant(request) if host == "oauth.example.com" else self.confluence(request)

    def key(self, request: httpx.Request) -> httpx.Response:
        text = self.keys.get(request.url.path.removeprefix("/"))
        return (
            httpx.Response(200, text=text) if text else httpx.Response(403, html="<html>no</html>")
        )

    def grant(self, request: httpx.Request) -> httpx.Response:
        self.grants += 1
        answer = {
            "access_token": f"token-{self.grants}",
            "expires_in": 900,
            "token_type": "Bearer",
        }
        return httpx.Response(200, json=answer)

    def confluence(self, request: httpx.Request) -> httpx.Response:
        if request.headers["authorization"].removeprefix("Bearer ") in self.revoked:
            return httpx.Response(401)
        if request.url.path.endswith("/operations"):
            return httpx.Response(200, json={"operations": self.operations})
        if request.url.path.endswith("/api/v2/users-bulk"):
            return self.users(json.loads(request.content)["accountIds"])
        space_id = request.url.path.rpartition("/")[2]
        return httpx.Response(200, json={"id": space_id, "key": "ORD", "name": "Orders"})

    def users(self, wanted: list[str]) -> httpx.Response:
        known = [
            {"accountId": one, "displayName": self.people[one], "publicName": "somebody"}
            for one in wanted
            if one in self.people
        ]
        return httpx.Response(200, json={"results": known, "_links": {"base": "https://x"}})

    def requests_to(self, host: str) -> list[httpx.Request]:
        return [request for request in self.asked if request.url.host == host]


def form_of(request: httpx.Request) -> dict[str, str]:
    return dict(parse_qsl(request.content.decode()))
