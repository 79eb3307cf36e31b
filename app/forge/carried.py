"""Where a request at the Forge door carries its tokens: one bearer in one header."""

from starlette.requests import Request

from app.errors import NotAuthenticated

MAX_USER_TOKEN_LENGTH = 8192
USER_HEADER = "x-forge-oauth-user"


def bearer(request: Request) -> str:
    """Return the one bearer of the `Authorization` header; a token anywhere else is refused."""
    headers = request.headers.getlist("authorization")
    if len(headers) != 1 or "jwt" in request.query_params:
        raise NotAuthenticated("not one token in the header")
    scheme, _, token = headers[0].partition(" ")
    if scheme.lower() != "bearer":
        raise NotAuthenticated("other scheme")
    return token


def user_token(request: Request) -> str:
    """Return the person's own token that rides along, '' where there is none."""
    given = request.headers.getlist(USER_HEADER)
    if not given:
        return ""
    token = given[0]
    is_plain = token.isascii() and token.isprintable() and " " not in token
    if len(given) > 1 or not is_plain or len(token) > MAX_USER_TOKEN_LENGTH:
        raise NotAuthenticated("user token of another form")
    return token
