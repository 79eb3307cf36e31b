"""Every signature of the stand-in; query hashes come from `atlassian-jwt`, not from the app."""

import time
import uuid
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import jwt
from atlassian_jwt.url_utils import hash_url
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from sandbox.sites import Site

URL_TOKEN_SECONDS = 180
CONTEXT_TOKEN_SECONDS = 900


@dataclass(slots=True)
class InstallKey:
    """The key pair that signs installations, as Atlassian's key host would hold it."""

    kid: str = field(default_factory=lambda: str(uuid.uuid4()))
    private: rsa.RSAPrivateKey = field(
        default_factory=lambda: rsa.generate_private_key(public_exponent=65537, key_size=2048),
        repr=False,
    )

    @property
    def pem(self) -> str:
        """The public half."""
        public = self.private.public_key()
        return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def relative(app_url: str, url: str) -> str:
    """Return a URL of the app as its query hash wants it: relative to the app's base URL."""
    return "/" + url.removeprefix(app_url).lstrip("/")


def query_hash(method: str, app_url: str, url: str) -> str:
    """Return the `qsh` of a request to the app."""
    return str(hash_url(method, relative(app_url, url)))


def lifetime(seconds: int) -> dict[str, int]:
    """Return the claims that say from when until when."""
    now = int(time.time())
    return {"iat": now, "exp": now + seconds}


def install_token(key: InstallKey, site: Site, app_url: str, url: str) -> str:
    """Return the RS256 token of an `installed` or `uninstalled` call."""
    claims = {
        "iss": site.client_key,
        "aud": [app_url],
        "qsh": query_hash("POST", app_url, url),
        **lifetime(URL_TOKEN_SECONDS),
    }
    return jwt.encode(claims, key.private, algorithm="RS256", headers={"kid": key.kid})


def callback_token(site: Site, method: str, app_url: str, url: str) -> str:
    """Return the token of a call by Confluence's own server."""
    claims = {
        "iss": site.client_key,
        "qsh": query_hash(method, app_url, url),
        **lifetime(URL_TOKEN_SECONDS),
    }
    return jwt.encode(claims, site.shared_secret, algorithm="HS256")


def signed_url(site: Site, app_url: str, url: str, account: str | None) -> str:
    """Return a frame's URL with its token; without an account the visitor is anonymous."""
    claims: dict[str, Any] = {
        "iss": site.client_key,
        "qsh": query_hash("GET", app_url, url),
        "context": {},
        **lifetime(URL_TOKEN_SECONDS),
    }
    if account:
        claims["sub"] = account
    token = jwt.encode(claims, site.shared_secret, algorithm="HS256")
    return f"{url}{'&' if urlsplit(url).query else '?'}jwt={token}"


def context_token(site: Site, account: str | None, context: dict[str, Any]) -> str:
    """Return what `AP.context.getToken` hands to a frame."""
    claims: dict[str, Any] = {
        "iss": site.client_key,
        "qsh": "context-qsh",
        "context": context,
        **lifetime(CONTEXT_TOKEN_SECONDS),
    }
    if account:
        claims["sub"] = account
    return jwt.encode(claims, site.shared_secret, algorithm="HS256")
