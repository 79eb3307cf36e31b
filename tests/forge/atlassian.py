"""Forge at the wire: signs invocation tokens and serves the keys they are verified with."""

import json
from datetime import datetime
from typing import Any
from uuid import NAMESPACE_DNS, uuid5

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key

APP_ID = "ari:cloud:ecosystem::app/5fbd2f21-8e6d-4c3c-9c5e-0d0b0f6f0001"
OTHER_APP_ID = "ari:cloud:ecosystem::app/5fbd2f21-8e6d-4c3c-9c5e-0d0b0f6f0002"
JWKS_HOST = "forge-keys.example.com"
JWKS_URL = f"https://{JWKS_HOST}/jwks.json"
KEY = generate_private_key(public_exponent=65537, key_size=2048)
FOREIGN_KEY = generate_private_key(public_exponent=65537, key_size=2048)
ACCOUNT = "5b10a2844c20165700ede21g"
SPACE = "65538"


def key_set(*keys: tuple[str, RSAPrivateKey]) -> dict[str, Any]:
    """Return public keys as the key host serves them."""
    return {"keys": [jwk(key_id, key) for key_id, key in keys or (("forge-1", KEY),)]}


def jwk(key_id: str, key: RSAPrivateKey) -> dict[str, Any]:
    said: dict[str, Any] = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key()))
    return said | {"kid": key_id, "use": "sig", "alg": "RS256"}


def cloud_of(site: str) -> str:
    return str(uuid5(NAMESPACE_DNS, site))


def app_part(site: str, **changes: Any) -> dict[str, Any]:
    base = f"https://api.atlassian.com/ex/confluence/{cloud_of(site)}"
    installation = f"ari:cloud:ecosystem::installation/{site}"
    usual = {
        "id": APP_ID,
        "installationId": installation,
        "installation": {
            "id": installation,
            "contexts": [{"name": "confluence", "apiBaseUrl": base}],
        },
        "apiBaseUrl": base,
        "environment": {"type": "PRODUCTION", "id": "env"},
        "appVersion": "1.0.0",
        "module": {"type": "core:endpoint", "key": "backend"},
    }
    return {name: value for name, value in (usual | changes).items() if value is not None}


def context_part(site: str, **changes: Any) -> dict[str, Any]:
    usual = {
        "cloudId": cloud_of(site),
        "siteUrl": f"https://{site}.atlassian.net",
        "moduleKey": "plumbline-posture",
        "extension": {"type": "confluence:spacePage", "space": {"key": "ORD", "id": SPACE}},
    }
    return {name: value for name, value in (usual | changes).items() if value is not None}


def claims(site: str, now: datetime, **changes: Any) -> dict[str, Any]:
    """Return what a call of the shell says; a change to None leaves the claim out."""
    at = int(now.timestamp())
    usual = {
        "iss": "forge/invocation-token",
        "aud": APP_ID,
        "iat": at,
        "nbf": at,
        "exp": at + 25,
        "jti": "the same each time",
        "app": app_part(site),
        "context": context_part(site),
        "principal": ACCOUNT,
    }
    return {name: value for name, value in (usual | changes).items() if value is not None}


def event_claims(site: str, now: datetime, **changes: Any) -> dict[str, Any]:
    """Return what an event or a scheduled trigger says: no person, no place."""
    return claims(site, now, **{"context": None, "principal": None} | changes)


def signed(content: dict[str, Any], key: RSAPrivateKey = KEY, key_id: str = "forge-1") -> str:
    return jwt.encode(content, key, algorithm="RS256", headers={"kid": key_id})
