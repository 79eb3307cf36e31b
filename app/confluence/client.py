"""Asking a site's Confluence, as the person whose `httpx.Auth` is given."""

import asyncio
import re
from collections.abc import Mapping
from functools import partial

import httpx
import orjson

from app.errors import NotPermitted, Unavailable

TOTAL_SECONDS = 8.0
MAX_RETRY_AFTER = 120
MAX_ANSWER_BYTES = 1024 * 1024
SPACE_ID = re.compile(r"[1-9][0-9]{0,18}", re.ASCII)
CUT_OFF = (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError)
"""A line that was kept may be hung up just as it is used again: all that we ask can be asked twice."""

NOT_FOR_THEM = frozenset({401, 403, 404})


async def asked(
    http: httpx.AsyncClient,
    auth: httpx.Auth,
    url: str,
    body: Mapping[str, object] | None = None,
) -> dict[str, object] | None:
    """Return a JSON object as this person sees it, or None where it is not there for them.

    A question with a body is posted. Raises `Unavailable` for every answer that is not understood:
    no data is better than a guess.
    """
    try:
        answer = await answered(http, auth, url, body)
    except NotPermitted:
        return None
    if answer.status_code in NOT_FOR_THEM:
        return None
    if answer.status_code != httpx.codes.OK:
        raise Unavailable(retry_after=_retry_after(answer))
    return _object(answer)


async def answered(
    http: httpx.AsyncClient,
    auth: httpx.Auth,
    url: str,
    body: Mapping[str, object] | None = None,
) -> httpx.Response:
    """Return Confluence's answer, whatever it says; raise `Unavailable` without one in time."""
    ask = partial(
        http.request,
        "GET" if body is None else "POST",
        url,
        json=body,
        auth=auth,
        headers={"Accept": "application/json"},
        follow_redirects=False,
        timeout=TOTAL_SECONDS,
    )
    try:
        async with asyncio.timeout(TOTAL_SECONDS):
            try:
                return await ask()
            except CUT_OFF:
                return await ask()
    except (httpx.HTTPError, TimeoutError):
        raise Unavailable from None


def _object(answer: httpx.Response) -> dict[str, object]:
    kind = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json" or len(answer.content) > MAX_ANSWER_BYTES:
        raise Unavailable
    try:
        value = orjson.loads(answer.content)
    except orjson.JSONDecodeError:
        raise Unavailable from None
    if not isinstance(value, dict):
        raise Unavailable
    return value


def _retry_after(answer: httpx.Response) -> int:
    seconds = answer.headers.get("retry-after", "")
    if not seconds.isascii() or not seconds.isdigit() or len(seconds) > 6:
        return 10
    return max(1, min(int(seconds), MAX_RETRY_AFTER))
