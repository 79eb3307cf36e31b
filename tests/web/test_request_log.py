"""What is logged of a request, and what never is."""

import io
import json
import logging
import sys

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.responses import Response, StreamingResponse

from app.caller import Right, TokenKind
from app.web.dependencies import Viewer
from app.web.request_log import SECRETS, SHORT_WORD, RecordFormatter, scrubbed
from app.web.routing import guard, protected_router
from tests.web.small import SITE, World, client_of

router = protected_router()
CANARY = "s3cret-canary"


@router.get("/api/spaces/{space_id}/notes")
@guard(token=TokenKind.CONTEXT, right=Right.VIEWER)
async def list_notes(viewer: Viewer) -> Response:
    return Response("[]", media_type="application/json")


@router.get("/pages/broken")
@guard(token=TokenKind.URL, right=Right.NONE)
async def broken() -> Response:
    raise RuntimeError(CANARY)


@router.get("/pages/half")
@guard(token=TokenKind.URL, right=Right.NONE)
async def half() -> Response:
    async def body():
        yield b"half"
        raise RuntimeError(CANARY)

    return StreamingResponse(body())


@pytest.fixture
def lines(request):
    """The log as it is written, one line per record."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(RecordFormatter("json"))
    root = logging.getLogger("plumbline")
    root.addHandler(handler)
    before = root.level
    root.setLevel(logging.INFO)
    yield lambda: stream.getvalue().splitlines()
    root.removeHandler(handler)
    root.setLevel(before)


async def test_a_request_leaves_one_record_with_its_route_and_site(lines):
    async with client_of([router], World()) as http:
        answer = await http.get("/api/spaces/42/notes", headers={"Authorization": f"JWT {CANARY}"})
    (record,) = (json.loads(line) for line in lines())
    assert record["request_id"] == answer.headers["x-request-id"]
    assert record["route"] == "/api/spaces/{space_id}/notes"
    assert (record["method"], record["status"], record["site"]) == ("GET", 200, SITE)
    assert record["door"] == "connect"
    assert not {"token", "error", "reason"} & set(record)


async def test_a_refusal_says_why_and_holds_nothing_that_was_sent(lines):
    async with client_of([router], World(caller=None)) as http:
        answer = await http.get(f"/api/spaces/42/notes?jwt={CANARY}")
    (record,) = (json.loads(line) for line in lines())
    assert (record["status"], record["token"]) == (401, "context")
    assert record["reason"] == "no token at all"
    assert "no token at all" not in answer.text
    assert CANARY not in "".join(lines())


async def test_a_crash_says_where_and_not_what(lines):
    async with client_of([router], World()) as http:
        answer = await http.get("/pages/broken")
    assert answer.status_code == 500
    assert CANARY not in answer.text + "".join(lines())
    assert "RuntimeError in broken:" in lines()[0]


async def test_an_answer_that_breaks_off_is_recorded_and_stays_incomplete(lines):
    with pytest.raises(AssertionError):  # the test transport's way to say: never completed
        async with client_of([router], World()) as http:
            await http.get("/pages/half")
    record = json.loads(lines()[-1])
    assert record["error"] == "internal"
    assert CANARY not in "".join(lines())


async def test_an_invented_method_is_not_logged(lines):
    async with client_of([router], World()) as http:
        await http.request("A\x1b[31m", "/nothing")
    assert json.loads(lines()[0])["method"] == "?"


def line_of(form, message, **fields) -> str:
    record = logging.LogRecord("plumbline", logging.INFO, "", 1, message, None, None)
    record.fields = fields
    return RecordFormatter(form).format(record)


@pytest.mark.parametrize("form", ["json", "text"])
def test_a_name_cannot_forge_a_record(form):
    line = line_of(form, "one\ntwo", name="three\n2025 info four\x1b[0m")
    assert "\n" not in line
    assert "\x1b" not in line


@pytest.mark.parametrize(
    "name", ["next\x85line", "line\u2028break", "half \ud800", "back\u202ewards", "é", 2**70]
)
def test_a_line_is_ascii_and_says_what_was_given(name):
    line = line_of("json", "one", name=name)
    assert line.isascii()
    assert json.loads(line)["name"] == name


@given(st.from_regex(SHORT_WORD, fullmatch=True))
def test_no_short_word_holds_what_is_cut_out(word):
    assert SECRETS.search(word) is None


def test_a_word_of_any_length_is_looked_through_once():
    word = "eyJ" * 1_000_000  # from each of its beginnings it would take hours
    assert scrubbed(word) == word


def test_text_lines_read_as_words():
    assert line_of("text", "request", status=200, route="/a/{b}", ms=1.5).endswith(
        " info request logger=plumbline status=200 route=/a/{b} ms=1.5"
    )


@pytest.mark.parametrize(
    "text",
    [
        f"GET https://x.example/a?jwt={CANARY}&b=1 failed",
        f"Authorization: JWT {CANARY}",
        f"bearer {CANARY}",
        f"token eyJhbGciOi.eyJpc3Mi.{CANARY}",
        f"stuck-to-eyJhbGciOi.eyJpc3Mi.{CANARY}",
    ],
)
def test_tokens_and_queries_are_cut_out_of_any_text(text):
    assert CANARY not in scrubbed(text)


def test_a_crash_record_of_a_library_holds_no_error_text():
    try:
        raise httpx.ConnectError(CANARY)
    except httpx.ConnectError:
        record = logging.LogRecord("x", logging.ERROR, "", 1, "oops", None, sys.exc_info())
    line = RecordFormatter("json").format(record)
    assert CANARY not in line
    assert "ConnectError" in line
