"""A request's JSON body, read strictly: whatever two readers could understand differently is refused."""

import json
import math
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request

from app.errors import BadValue

JSON_TYPE = "application/json"


class StrictRequest(Request):
    """A request whose `json()` refuses repeated keys, NaN, endless nesting and endless numbers."""

    async def json(self) -> Any:
        """Return the parsed body; every fault is a `JSONDecodeError`, which is answered with 422."""
        if not hasattr(self, "_json"):
            self._json = parsed(await self.body())
        return self._json


def parsed(body: bytes) -> Any:
    """Return what a body says; `JSONDecodeError` without a word of it otherwise."""
    try:
        value = json.loads(
            body, object_pairs_hook=_object, parse_constant=_no_constant, parse_float=_finite
        )
        # Half of a surrogate pair is a string to Python and an error to everything behind it.
        json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        raise json.JSONDecodeError("not valid JSON", "", 0) from None
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice")
    return found


def _no_constant(_: str) -> Any:
    raise ValueError("not a number of JSON")


def _finite(text: str) -> float:
    number = float(text)
    # 1e999 is written as JSON and kept as null: something else than what was sent.
    if not math.isfinite(number):
        raise ValueError("a number without end")
    return number


async def check_body(request: StrictRequest, *, wants_body: bool) -> None:
    """Refuse a body that is not JSON (415), or one with content where none is wanted (422)."""
    if not await request.body():
        return
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != JSON_TYPE:
        raise HTTPException(415)
    if not wants_body and await request.body() != b"{}":
        raise BadValue({"body": "No fields are taken here."})
