"""Nothing that was typed or signed stands in a log."""

import io
import logging
from collections.abc import Callable, Iterator

import httpx
import pytest

from app.web.request_log import RecordFormatter
from tests.store.estate import SPACE, Home
from tests.web.product import Product, secret_of

CANARY = "canary-7f3a"


@pytest.fixture
def log() -> Iterator[Callable[[], str]]:
    """Everything that every logger writes, in the form in which it is written."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(RecordFormatter("text"))
    root = logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield stream.getvalue
    root.removeHandler(handler)
    root.setLevel(before)


async def test_logs_hold_no_secret_token_query_or_body(
    product: Product, ours: Home, log: Callable[[], str]
):
    typed = {"control_plane": "us", "client_id": CANARY, "client_secret": f"{CANARY}-secret"}
    token = product.token("context", "GET", "/", context={"name": CANARY})
    await product.call("PUT", "connection", typed)
    await product.call("PUT", "connection", {**typed, CANARY: CANARY})
    await product.call("POST", "connection/test", typed)
    await product.call("GET", f"posture?search={CANARY}", token=token)
    product.anypoint.reply = httpx.Response(400, text=f"echo {CANARY}")
    await product.call("PUT", "connection", typed)
    page = f"/pages/posture?spaceId={SPACE}&note={CANARY}"
    jwt = product.token("url", "GET", page)
    assert (await product.http.get(f"{page}&jwt={jwt}")).status_code == 200
    await product.http.get(f"{page}&jwt={jwt}x")
    written = log()
    assert written.count("plumbline.request") == 7
    for secret in (CANARY, token, jwt, jwt[-20:], secret_of("ours"), "token-1"):
        assert secret not in written
