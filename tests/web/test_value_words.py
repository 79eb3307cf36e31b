"""What a request's sender reads about values that cannot be accepted."""

import pytest

from tests.web.product import Product

TEST_ID = "78e51061-7311-48a3-82ce-6f447ed4d57b"
EXPECTED = {"policy": "jwt-validation", "path": "jwksUrl", "note": "One per stage."}
EXCEPTION = {"fingerprints": ["0" * 32], "reason": "planned", "note": "Soon."}


async def fields(product: Product, method: str, path: str, body: object = None, **more: object):
    answer = await product.call(method, path, body, **more)
    assert answer.status_code == 422, answer.text
    return answer.json()["error"]["fields"]


@pytest.mark.usefixtures("ours")
@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("page=0", {"page": "The least is 1."}),
        ("size=101", {"size": "The most is 100."}),
        ("page=two", {"page": "This must be a whole number."}),
        ("environment=", {"environment": "This must not be empty."}),
        ("group=" + "g" * 101, {"group": "This may have up to 100 characters."}),
        ("search=" + "s" * 201, {"search": "This may have up to 200 characters."}),
        ("&".join(f"group={n}" for n in range(51)), {"group": "This may hold up to 50 values."}),
    ],
)
async def test_a_parameter_is_refused_in_words_of_ours(product: Product, query, said):
    token = product.token("context", "GET", "/posture")
    assert await fields(product, "GET", f"posture?{query}", token=token) == said


@pytest.mark.usefixtures("ours")
async def test_empty_and_wrong_settings_are_refused_in_words_that_an_administrator_reads(product):
    body = {"control_plane": "", "client_id": 5, "environment_ids": [], "sync_interval_hours": 0}
    assert await fields(product, "PUT", "connection", body) == {
        "control_plane": "This must not be empty.",
        "client_id": "This must be text.",
        "environment_ids": "This must not be empty.",
        "sync_interval_hours": "The least is 1.",
    }


@pytest.mark.usefixtures("ours")
@pytest.mark.parametrize("until", ["2027-01-01", "2027-01-01T00:00:00", "nonsense"])
async def test_a_time_without_a_zone_is_told_how_it_is_written(product: Product, until):
    said = await fields(product, "POST", "exceptions", EXCEPTION | {"until": until})
    assert said == {"until": "Write the time with its zone, as 2026-12-31T00:00:00Z."}


@pytest.mark.usefixtures("ours")
async def test_a_wrong_value_of_an_environment_is_named_by_the_environments_id(product: Product):
    body = EXPECTED | {"values": {TEST_ID: {"matches": "******"}}}
    said = await fields(product, "POST", "expected-differences", body)
    assert said == {f"values.{TEST_ID}.matches": "A pattern may have up to 5 stars."}


@pytest.mark.usefixtures("ours")
async def test_a_wrong_header_is_named(product: Product):
    said = await fields(product, "POST", "syncs", headers={"Idempotency-Key": "k" * 201})
    assert said == {"idempotency-key": "This may have up to 200 characters."}
