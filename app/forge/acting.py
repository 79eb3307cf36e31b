"""Acting as a user: with the token that Forge gave for this very person, never with another."""

from collections.abc import Generator

import httpx

from app.errors import NotAuthenticated


class UserToken(httpx.Auth):
    """Signs requests as one person; once Confluence refuses the token, the page must ask for a new one."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __repr__(self) -> str:
        return "UserToken()"

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Send the request with the token; raise `NotAuthenticated` after a 401."""
        request.headers["Authorization"] = f"Bearer {self._token}"
        response = yield request
        if response.status_code == httpx.codes.UNAUTHORIZED:
            raise NotAuthenticated("the user's token is no longer good")
