"""Posture and findings over the JSON API."""

import httpx

from app.posture.model import Cell, CellState, InstanceSummary, Kind, Severity, Verdict
from tests.store.estate import (
    NOW,
    PRODUCTION,
    TEST,
    Home,
    make_finding,
    make_posture,
    rows_of,
)
from tests.web.product import Product

INSTANCE = InstanceSummary(19300003, "orders-v1", "v1", "1.0.4", "active", "mule4", "https://a/1")
DEPLOYED = Cell(
    CellState.DEPLOYED, policies=3, tiers=("Gold",), contracts=12, instances=(INSTANCE,)
)
EVERY_VERDICT = {"threat", "drift", "unknown", "not_comparable", "aligned"}


async def publish(ours: Home) -> None:
    """One threat, one drift deployed in Test only, one aligned, and one automated finding."""
    threat = make_posture(
        "g1/orders-api", make_finding("f1"), cells={TEST.id: DEPLOYED, PRODUCTION.id: DEPLOYED}
    )
    drift = make_posture(
        "g2/billing-api",
        make_finding("f2", severity=Severity.LOW, kind=Kind.TIER_LIMITS, subject="Gold"),
        verdict=Verdict.DRIFT,
        cells={
            TEST.id: Cell(CellState.DEPLOYED),
            PRODUCTION.id: Cell(CellState.NOT_DEPLOYED),
        },
    )
    aligned = make_posture("g2/100%_api")
    automated = make_finding("f3", kind=Kind.AUTOMATED_POLICY_MISSING, severity=Severity.MEDIUM)
    await ours.published(
        rows=rows_of(
            threat, drift, aligned, automated=[automated], baseline_environment_id=PRODUCTION.id
        )
    )


async def names(product: Product, query: str) -> list[str]:
    answer = await product.get(f"posture?{query}")
    assert answer["total"] == len(answer["apis"])
    return [api["asset_id"] for api in answer["apis"]]


async def test_before_the_first_sync_everything_is_empty(product: Product, ours: Home):
    assert await product.get("posture") == {
        "sync": None,
        "baseline_environment_id": None,
        "summary": {"total": 0, **dict.fromkeys(EVERY_VERDICT, 0)},
        "total": 0,
        "page": 1,
        "size": 50,
        "apis": [],
    }
    assert await product.get("findings") == {
        "findings": [],
        "total": 0,
        "accepted": 0,
        "page": 1,
        "size": 100,
    }
    assert (await product.get("syncs"))["syncs"] == []


async def test_the_overview_has_the_shape_of_the_contract(product: Product, ours: Home):
    await publish(ours)
    answer = await product.get("posture")
    assert answer["sync"]["finished_at"] == NOW.isoformat().replace("+00:00", "Z")
    assert answer["sync"]["environments"][1] == {
        "id": PRODUCTION.id,
        "name": "Production",
        "type": "production",
        "outcome": "ok",
        "read_at": NOW.isoformat().replace("+00:00", "Z"),
        "reason": None,
    }
    assert answer["baseline_environment_id"] == PRODUCTION.id
    assert answer["summary"] == {
        "total": 3, "threat": 1, "drift": 1, "unknown": 0, "not_comparable": 0, "aligned": 1,
    }  # fmt: skip
    assert (answer["total"], answer["page"], answer["size"]) == (3, 1, 50)
    worst = answer["apis"][0]
    assert len(worst.pop("id")) == 32
    assert worst == {
        "name": "Orders Api",
        "group_id": "g1",
        "asset_id": "orders-api",
        "verdict": "threat",
        "findings": {"critical": 0, "high": 1, "medium": 0, "low": 0, "info": 0},
        "accepted": 0,
        "headline": "JWT validation differs.",
        "environments": {
            environment: {
                "state": "deployed",
                "policies": 3,
                "tiers": ["Gold"],
                "contracts": 12,
                "reason": None,
                "instances": [
                    {
                        "instance_id": 19300003,
                        "label": "orders-v1",
                        "product_version": "v1",
                        "asset_version": "1.0.4",
                        "status": "active",
                        "technology": "mule4",
                        "url": "https://a/1",
                    }
                ],
            }
            for environment in (TEST.id, PRODUCTION.id)
        },
    }


FILTERS = [
    ("", ["orders-api", "billing-api", "100%_api"]),
    ("search=ORDERS", ["orders-api"]),
    ("search=%25_", ["100%_api"]),
    ("search=x%27%20OR%201=1--", []),
    ("group=g2", ["billing-api", "100%_api"]),
    ("verdict=threat&verdict=drift", ["orders-api", "billing-api"]),
    ("verdict=drift&group=g1", []),
    ("severity=high", ["orders-api"]),
    ("kind=tier_limits&kind=policy_config", ["orders-api", "billing-api"]),
    ("environment=env-production", ["orders-api", "100%_api"]),
    ("environment=nowhere", []),
    ("sort=name", ["100%_api", "billing-api", "orders-api"]),
    ("sort=-name", ["orders-api", "billing-api", "100%_api"]),
]


async def test_filters_and_between_or_within(product: Product, ours: Home):
    await publish(ours)
    for query, found in FILTERS:
        assert await names(product, query) == found, query


async def test_the_environment_filter_picks_columns_too_and_never_the_summary(
    product: Product, ours: Home
):
    await publish(ours)
    answer = await product.get(f"posture?environment={TEST.id}&size=1&page=2")
    assert list(answer["apis"][0]["environments"]) == [TEST.id]
    assert (answer["total"], answer["summary"]["total"]) == (3, 3)
    assert (answer["page"], answer["size"]) == (2, 1)


async def test_a_page_beyond_the_last_is_empty(product: Product, ours: Home):
    await publish(ours)
    answer = await product.get("posture?page=1000000")
    assert (answer["apis"], answer["total"]) == ([], 3)


ODD = [
    "verdict=bad",
    "severity=worse",
    "kind=any",
    "sort=drop",
    "size=501",
    "page=0",
    "page=9223372036854775808",
    "page=1e3",
    "search=%00",
    "search=" + "x" * 201,
    "environment=" + "x" * 101,
    "&".join(["verdict=drift"] * 51),
    "order=name",
    "sort=name&sort=-name",
]


async def test_odd_parameters_are_told_and_never_reach_the_database(product: Product, ours: Home):
    for query in ODD:
        for route in ("posture", "findings"):
            answer = await product.call("GET", f"{route}?{query}")
            assert answer.status_code == 422, (route, query, answer.text)
            assert answer.json()["error"]["fields"]


async def test_findings_are_listed_worst_first_in_the_shape_of_the_contract(
    product: Product, ours: Home
):
    await publish(ours)
    answer = await product.get("findings")
    assert [item["fingerprint"] for item in answer["findings"]] == ["f1", "f3", "f2"]
    first = answer["findings"][0]
    posture = await product.get("posture?search=orders")
    assert first == {
        "fingerprint": "f1",
        "api_id": posture["apis"][0]["id"],
        "asset_id": "orders-api",
        "group_id": "g1",
        "kind": "policy_config",
        "rule": "D04",
        "severity": "high",
        "subject": "jwt-validation",
        "path": "jwksUrl",
        "paths": ["jwksUrl"],
        "values": {TEST.id: "a", PRODUCTION.id: "b"},
        "outliers": [PRODUCTION.id],
        "sentence": "JWT validation differs.",
        "first_seen_at": NOW.isoformat().replace("+00:00", "Z"),
        "last_seen_at": NOW.isoformat().replace("+00:00", "Z"),
        "accepted": None,
    }
    automated = answer["findings"][1]
    assert automated["api_id"] is automated["asset_id"] is automated["group_id"] is None


async def test_findings_are_filtered_like_the_overview(product: Product, ours: Home):
    await publish(ours)
    answer = await product.get("findings?group=g2&severity=low&size=500")
    assert [item["fingerprint"] for item in answer["findings"]] == ["f2"]
    assert (answer["total"], answer["size"]) == (1, 500)


async def test_theirs_sees_nothing_of_ours(product: Product, ours: Home, theirs: Home):
    await publish(ours)
    product.issuer = "theirs"
    assert (await product.get("posture"))["apis"] == []
    assert (await product.get("findings"))["total"] == 0


async def test_confluence_away_is_never_an_answer(product: Product, ours: Home):
    product.atlassian.replies["ours.atlassian.net"] = lambda _: httpx.Response(500)
    answer = await product.call("GET", "posture")
    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) > 0
