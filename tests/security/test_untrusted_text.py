"""Text from Anypoint and from people is text wherever it is shown: swept over every route that shows any."""

import csv
import io
import json
import re
from collections.abc import AsyncIterator
from typing import Any
from xml.etree import ElementTree

import httpx
import pytest
from lxml import html

from app.exports.filenames import content_disposition, file_name
from app.exports.spreadsheet import FORMULA, neutralised
from app.store.database import Database
from app.store.encryption import Keyring
from app.sync.queue import Queue
from sandbox import anypoint, estate
from tests.postgres import FreshDatabase
from tests.store.estate import NOW, SPACE, Home
from tests.sync.world import World
from tests.web.product import Product

MARKUP = "=HYPERLINK(1)</td><script id='canary'>x</script><b onclick='y' id=\"canary\">&amp;\u202e"
FORMULAS = re.compile(FORMULA)


class Tainted:
    """Anypoint with markup in every text that people gave: names, labels, versions, values."""

    GIVEN = frozenset(
        {"exchangeAssetName", "instanceLabel", "productVersion", "label", "name", "methodRegex"}
    )

    def __init__(self, standin: Any) -> None:
        self._standin = standin
        self.control = standin.control

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer as the stand-in does, with the texts made hostile."""

        async def tainting(message: Any) -> None:
            if message["type"] == "http.response.start":
                kept = [item for item in message["headers"] if item[0] != b"content-length"]
                message = {**message, "headers": kept}
            elif message.get("body"):
                message = {**message, "body": self._tainted(message["body"])}
            await send(message)

        await self._standin(scope, receive, tainting)

    def _tainted(self, body: bytes) -> bytes:
        return json.dumps(self._walk(json.loads(body))).encode()

    def _walk(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self._walk(item) for item in value]
        if not isinstance(value, dict):
            return value
        return {name: self._text(name, self._walk(item)) for name, item in value.items()}

    def _text(self, name: str, value: Any) -> Any:
        return MARKUP + value if name in self.GIVEN and isinstance(value, str) else value


@pytest.fixture
async def ids(
    addresses: FreshDatabase, database: Database, keyring: Keyring, ours: Home, product: Product
) -> AsyncIterator[dict[str, str]]:
    """Sync the tainted estate and take a snapshot; the ids to fill paths with."""
    queue = Queue(addresses.app_url, 30)
    await queue.open()
    built = estate.build(seed=1, apis=6, environments=3)
    tainted: Any = Tainted(anypoint.create_app(built))
    world = World(database, keyring, queue, ours.site_id, built, tainted)
    await world.connect()
    ended = await world.sync()
    assert ended.state == "published", ended.reason
    body = {"title": MARKUP, "note": MARKUP}
    taken = await product.call("POST", "snapshots", body)
    assert taken.status_code == 201, taken.text
    found = (await product.get("findings"))["findings"]
    yield {
        "space_id": SPACE,
        "api_id": next(item["api_id"] for item in found if item["api_id"]),
        "snapshot_id": taken.json()["id"],
        "sync_id": ended.id,
        "name": "policies",
    }
    await world.close()
    await queue.close()


async def shown(product: Product, route: dict[str, str], ids: dict[str, str]) -> httpx.Response:
    path = route["path"].format(**ids)
    if route["token"] == "context":
        return await product.call("GET", path)
    api = f"&api={ids['api_id']}&apiId={ids['api_id']}&snapshot={ids['snapshot_id']}"
    page = f"{path}?spaceId={SPACE}&spaceKey=ORD{api}"
    return await product.http.get(f"{page}&jwt={product.token(route['token'], 'GET', page)}")


async def test_no_route_lets_markup_through(product: Product, ids: dict[str, str]):
    swept = told = 0
    for route in product.routes:
        if route["method"] != "GET" or route["token"] not in {"url", "context", "callback"}:
            continue
        answer = await shown(product, route, ids)
        assert answer.status_code in {200, 400, 404, 409, 422, 401}, (route, answer.text)
        kind = answer.headers["content-type"].partition(";")[0]
        if kind in {"text/html", "application/xhtml+xml"}:
            assert_inert(answer.text, route)
            swept += answer.status_code == 200
            told += "id=&#39;canary&#39;" in answer.text or "id='canary'" in answer.text
    assert swept >= 10
    assert told >= 8


def assert_inert(text: str, route: Any) -> None:
    document = html.fromstring(text)
    assert document.xpath("//*[@id='canary']") == [], route
    assert document.xpath("//*[@onclick] | //*[@style]") == [], route
    assert document.xpath("//script[not(@src)]") == [], route
    for link in document.xpath("//@href | //@src"):
        assert not str(link).lower().startswith(("javascript:", "data:text")), route


async def test_a_sheet_runs_nothing(product: Product, ids: dict[str, str]):
    for path in ("posture.csv", "posture.csv?rows=findings", "audit.csv", "changes.csv"):
        answer = await product.call("GET", path)
        assert answer.status_code == 200, (path, answer.text)
        for row in csv.reader(io.StringIO(answer.text)):
            running = [cell for cell in row if FORMULAS.match(cell) and not is_number(cell)]
            assert running == [], path


def is_number(cell: str) -> bool:
    return bool(re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", cell))


@pytest.mark.parametrize("text", ["=1", "+1", "-1", "@a", "\t=1", " =1", "＝1", "\u200b=1", "\r=1"])
def test_a_cell_that_a_spreadsheet_may_run_is_neutralised(text: str):
    assert neutralised(text) == f"'{text}"


def test_a_file_name_is_of_our_own_alphabet():
    hostile = 'x"; filename=evil.exe\r\nX: y/../../\u202egpj'
    name = file_name("posture", hostile, NOW, (hostile,), "csv")
    assert re.fullmatch(r"[A-Za-z0-9._-]+", name)
    assert content_disposition(name).count('"') == 2


async def test_storage_format_is_well_formed_and_holds_no_foreign_macro(
    product: Product, ids: dict[str, str]
):
    for route in product.routes:
        if route["token"] != "callback" or route["method"] != "GET":
            continue
        page = f"{route['path']}?spaceId={SPACE}&snapshot={ids['snapshot_id']}&api={ids['api_id']}"
        headers = {"Authorization": f"JWT {product.token('callback', 'GET', page)}"}
        answer = await product.http.get(page, headers=headers)
        assert answer.status_code == 200, (route, answer.text)
        ElementTree.fromstring(f"<x xmlns:ac='a' xmlns:ri='r'>{entities(answer.text)}</x>")
        assert "<script" not in answer.text
        assert "<ac:" not in answer.text


def entities(text: str) -> str:
    return re.sub(r"&(?!amp;|lt;|gt;|quot;|#)[a-z]+;", " ", text)
