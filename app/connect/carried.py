"""Where a request carries its token and its place: one token, in the one place its kind allows."""

from starlette.requests import Request

from app.caller import SpaceId
from app.connect.query_hash import Fields, query_fields, query_string_hash
from app.connect.tokens import named_space_id
from app.errors import NotAuthenticated

MAX_SPACE_KEY_LENGTH = 255


def fields_of(request: Request) -> Fields:
    """Return the query of a request, read once for its token, its hash and its place."""
    raw_query: bytes = request.scope["query_string"]
    return query_fields(raw_query)


def token_in_header(request: Request, fields: Fields) -> str:
    """Return the one token of the `Authorization` header; a second one anywhere is refused."""
    headers = request.headers.getlist("authorization")
    if len(headers) != 1 or _values(fields, "jwt"):
        raise NotAuthenticated("not one token in the header")
    scheme, _, token = headers[0].partition(" ")
    if scheme.lower() != "jwt":
        raise NotAuthenticated("other scheme")
    return token


def token_in_query(request: Request, fields: Fields) -> str:
    """Return the one `jwt` parameter; a second one, or any header beside it, is refused."""
    tokens = _values(fields, "jwt")
    if len(tokens) != 1 or "authorization" in request.headers:
        raise NotAuthenticated("not one token in the query")
    return tokens[0]


def signed_space(fields: Fields) -> tuple[SpaceId | None, str | None]:
    """Return the id and key of the space in the query, once the query's hash has been verified."""
    ids, keys = _values(fields, "spaceId"), _values(fields, "spaceKey")
    if len(ids) > 1 or len(keys) > 1:
        raise NotAuthenticated("two spaces are signed")
    key = keys[0] if keys and len(keys[0]) <= MAX_SPACE_KEY_LENGTH else None
    return named_space_id(ids[0] if ids else None), key or None


def request_hash(request: Request, fields: Fields, base_path: str) -> str:
    """Return the hash of the request as it was received, not as it was routed."""
    raw_path: bytes = request.scope["raw_path"]
    return query_string_hash(request.method, raw_path.partition(b"?")[0], fields, base_path)


def _values(fields: Fields, name: str) -> list[str]:
    return [value for field, value in fields if field == name]
