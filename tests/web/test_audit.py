"""The audit log over the JSON API, as a file and on the settings page."""

import csv
import io
from datetime import datetime

from app.caller import Right
from tests.store.estate import SPACE, Home
from tests.web.product import Product

SETTINGS = f"/pages/settings?spaceId={SPACE}&spaceKey=ORD"


async def actions(product: Product) -> list[str]:
    return [entry["action"] for entry in (await product.get("audit"))["audit"]]


async def test_every_command_leaves_its_act(product: Product, ours: Home):
    typed = {
        "control_plane": "us",
        "client_id": product.anypoint.estate.client_id,
        "client_secret": product.anypoint.estate.client_secret,
    }
    assert (await product.call("PUT", "connection", typed)).status_code == 200
    assert (await product.call("POST", "connection/test", typed)).status_code == 200
    started = (await product.call("POST", "syncs")).json()
    assert (await product.call("DELETE", f"syncs/{started['id']}")).status_code == 204
    assert (await product.call("GET", "posture.csv")).status_code == 200
    assert (await product.call("DELETE", "connection")).status_code == 204
    assert await actions(product) == [
        "connection_removed",
        "export_taken",
        "sync_cancelled",
        "connection_tested",
        "sync_started",
        "secret_replaced",
        "connection_changed",
    ]
    changed = (await product.get("audit"))["audit"][-1]
    assert changed["fields"] == ["organization_id", "client_id"]
    assert changed["account_id"] == "5b10a2844c20165700ede21g"
    assert changed["door"] == "connect"


async def test_no_value_stands_in_the_log(product: Product, ours: Home):
    typed = {"control_plane": "us", "client_id": "canary-id", "client_secret": "canary-secret"}
    await product.call("POST", "connection/test", typed)
    log = (await product.call("GET", "audit")).text
    assert "connection_tested" in log
    assert "canary" not in log


async def test_a_refused_change_is_kept_with_what_was_tried(product: Product, ours: Home):
    product.may(Right.VIEWER)
    for _ in range(3):
        assert (await product.call("DELETE", "connection")).status_code == 403
    product.may(Right.ADMIN)
    (entry,) = (await product.get("audit"))["audit"]
    assert (entry["action"], entry["outcome"]) == ("write_refused", "refused")
    assert entry["object_id"] == "DELETE /api/spaces/{space_id}/connection"


async def test_installing_stands_in_the_log_of_every_space(product: Product, ours: Home):
    path = "/connect/installed"
    headers = {"Authorization": f"JWT {product.token('install', 'POST', path)}"}
    body = product.lifecycle_body()
    assert (await product.http.post(path, json=body, headers=headers)).status_code == 204
    (entry,) = (await product.get("audit"))["audit"]
    assert (entry["action"], entry["scope"], entry["account_id"]) == ("reinstalled", "site", None)


async def test_it_is_paged_newest_first(product: Product, ours: Home):
    for _ in range(3):
        await product.call("POST", "connection/test")
    answer = await product.get("audit?page=2&size=2")
    assert (answer["total"], answer["page"], answer["size"]) == (3, 2, 2)
    assert len(answer["audit"]) == 1


async def test_the_file_holds_all_and_nothing_that_a_spreadsheet_runs(product: Product, ours: Home):
    await product.call("POST", "connection/test")
    answer = await product.call("GET", "audit.csv")
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [row["action"] for row in rows] == ["export_taken", "connection_tested"]
    assert answer.headers["content-disposition"].startswith("attachment;")
    assert rows[1]["at"].endswith("Z")
    assert [datetime.fromisoformat(row["at"]) for row in rows[1:]] == [
        datetime.fromisoformat(entry["at"]) for entry in (await product.get("audit"))["audit"][1:]
    ]


async def test_the_settings_page_shows_it(product: Product, ours: Home):
    await product.call("POST", "connection/test")
    token = product.token("url", "GET", SETTINGS)
    page = await product.http.get(f"{SETTINGS}&jwt={token}")
    assert page.status_code == 200
    assert "Connection tested" in page.text
    turned = await product.call("GET", f"/fragments/spaces/{SPACE}/audit?page=2")
    assert turned.status_code == 200


async def test_the_page_shows_the_beginning_of_an_id_and_the_file_all_of_it(
    product: Product, ours: Home
):
    sync_id = (await product.call("POST", "syncs")).json()["id"]
    page = await product.http.get(f"{SETTINGS}&jwt={product.token('url', 'GET', SETTINGS)}")
    assert f"<td>{sync_id[:8]}…</td>" in page.text
    assert sync_id in (await product.call("GET", "audit.csv")).text


async def test_it_is_for_admins_of_this_space(product: Product, ours: Home, theirs: Home):
    await product.call("POST", "connection/test")
    product.may(Right.EDITOR)
    for path in ("audit", "audit.csv", f"/fragments/spaces/{SPACE}/audit"):
        assert (await product.call("GET", path)).status_code == 403
    product.may(Right.ADMIN)
    product.issuer = "theirs"
    assert await actions(product) == []
