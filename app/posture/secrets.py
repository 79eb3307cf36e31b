"""What is secret in a policy configuration, and how it is sealed before anything is kept."""

import hashlib
import hmac
import re
from collections.abc import Mapping
from functools import lru_cache

from app.posture.canonical import canonical
from app.posture.fields import Field, Schema, Shape
from app.posture.forms import is_empty
from app.posture.model import Json
from app.posture.policies import schema_of

SECRET = "$secret"  # noqa: S105  the name of a mark, not a password
MASKED = "$masked"
SAMPLE = "sample"
SHOWN = "masked"

_SECRET_WORDS = frozenset(
    {
        "password",
        "passwd",
        "pwd",
        "passphrase",
        "secret",
        "token",
        "apikey",
        "credential",
        "credentials",
        "authorization",
    }
)
_SECRET_ENDINGS = (
    *("ApiKey", "PrivateKey", "SecretKey", "AccessKey", "SharedKey"),
    *("AuthorizationHeader", "AuthorizationValue"),
)
_SECRET_HEADERS = frozenset(
    {"authorization", "proxy-authorization", "cookie", "set-cookie", "x-api-key"}
)
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_HIDDEN = re.compile(r"[*•●]+")
_HIDDEN_ELSEWHERE = re.compile(r"[*•●]{3,}")  # where no secret is meant, one star is a value
_USER_INFO = re.compile(r"(?<=://)([^\s/?#'\"]+)@")
_SEALED_USER = re.compile(r"\$secret-[0-9a-f]{64}(?=@)")
_FINGERPRINT = re.compile(r"[0-9a-f]{64}")
_DEEPEST = 64
_TOO_DEEP = "(nested too deeply)"
_KEYS_OF_PAIRS = ("key", "name", "headerName", "header")


def sealed_configuration(
    configuration: Json, *, group_id: str | None, asset_id: str, key: bytes
) -> dict[str, Json]:
    """Return a copy in which every secret is a keyed fingerprint, or a mark where it is hidden.

    Nothing raises on odd shapes; a configuration that is no object is an empty one.
    """
    if not isinstance(configuration, dict):
        return {}
    known = schema_of(group_id, asset_id)
    return {
        name: _sealed(value, name, _field(known, name), key, 0)
        for name, value in configuration.items()
    }


def _field(known: Schema | None, name: str) -> Field | None:
    return known.fields.get(known.names.get(name, "")) if known else None


def _sealed(value: Json, name: str, known: Field | None, key: bytes, depth: int) -> Json:
    is_secret = known.shape is Shape.SECRET if known else is_secret_name(name)
    if is_secret and not isinstance(value, bool):
        return seal(value, key)
    return _walked(value, key, depth)


def _walked(value: Json, key: bytes, depth: int) -> Json:
    if depth > _DEEPEST:
        return _TOO_DEEP
    if isinstance(value, str):
        return _without_user_info(value, key)
    if isinstance(value, list):
        return [_walked(item, key, depth + 1) for item in value]
    if isinstance(value, dict):
        return _walked_object(value, key, depth + 1)
    return value


def _walked_object(value: Mapping[str, Json], key: bytes, depth: int) -> dict[str, Json]:
    """Seal an object's secret members, and the value of a pair whose key names a secret."""
    titles = [value.get(title) for title in _KEYS_OF_PAIRS]
    is_pair = any(isinstance(title, str) and _is_secret_title(title) for title in titles)
    return {
        name: seal(item, key)
        if is_pair and name == "value" and not isinstance(item, bool)
        else _sealed(item, name, None, key, depth)
        for name, item in value.items()
    }


def _is_secret_title(title: str) -> bool:
    return title.strip().casefold() in _SECRET_HEADERS or is_secret_name(title.strip())


@lru_cache(maxsize=8192)
def is_secret_name(name: str) -> bool:
    """Whether a field or header of this name holds a secret."""
    parts = _WORD.findall(name)
    if not parts:
        return False
    return (
        parts[-1].casefold() in _SECRET_WORDS
        or "".join(parts[-2:]).casefold() in _SECRET_WORDS
        or name.endswith(_SECRET_ENDINGS)
        or "".join(part.capitalize() for part in parts[-2:]) in _SECRET_ENDINGS
    )


def seal(value: Json, key: bytes) -> Json:
    """Return the fingerprint of a secret, the mark of a hidden one, or an empty value as it is."""
    if is_empty(value):
        return value
    if isinstance(value, str) and _HIDDEN.fullmatch(value.strip()):
        return {MASKED: True}
    text = value if isinstance(value, str) else canonical(_walked(value, key, 0))
    sealed: dict[str, Json] = {SECRET: _fingerprint(text, key)}
    if _is_sample(text):
        sealed[SAMPLE] = True
    return sealed


def _fingerprint(text: str, key: bytes) -> str:
    return hmac.new(key, text.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()


def _is_sample(text: str) -> bool:
    """Whether it is the text of the policy's form that nobody replaced."""
    folded = text.strip().casefold()
    return folded.startswith("your-") and folded.endswith(("-secret", "certificate"))


def _without_user_info(value: str, key: bytes) -> str:
    """Replace the user info of every URL in a text by its fingerprint."""
    if "@" not in value:
        return value
    return _USER_INFO.sub(lambda found: f"$secret-{_fingerprint(found[1], key)}@", value)


def is_sealed(value: Json) -> bool:
    """Whether a value is a fingerprint."""
    return (
        isinstance(value, dict)
        and isinstance(value.get(SECRET), str)
        and _FINGERPRINT.fullmatch(value[SECRET]) is not None
    )


def is_masked(value: Json) -> bool:
    """Whether a value is hidden by Anypoint: the mark, or nothing but stars."""
    if isinstance(value, dict):
        return value.get(MASKED) is True
    return isinstance(value, str) and _HIDDEN_ELSEWHERE.fullmatch(value.strip()) is not None


def shown(value: Json) -> Json:
    """Return a value as anybody may see it: secrets and hidden values are `masked`."""
    if isinstance(value, str):
        return _SEALED_USER.sub(SHOWN, value) if "$secret-" in value else value
    if isinstance(value, list):
        return [shown(item) for item in value]
    if isinstance(value, dict):
        if is_sealed(value) or is_masked(value):
            return SHOWN
        return {name: shown(item) for name, item in value.items()}
    return value
