"""Odd answers: understood, or not read with a reason; never a crash and never an empty list."""

import contextlib
from typing import Any

import httpx
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.anypoint import payloads, translation
from app.anypoint.errors import BadAnswer, CouldNotRead, CutShort
from app.anypoint.payloads import cleaned, parsed
from tests.anypoint.conftest import KEY, TEST, ByHand
from tests.anypoint.test_traps import asset, policy

PARTS = ("policies", "tiers", "contracts", "automated-policies", "apis", "environments", "me")
ODD = [None, 5, "text", True, [5], [None], {}, {"total": 1}, {"total": 0}, {"data": None}]


async def ask(by_hand: ByHand, part: str) -> Any:
    client = by_hand.client
    match part:
        case "policies":
            return await client.policies("org", TEST, 5)
        case "tiers":
            return await client.tiers("org", TEST, 5)
        case "contracts":
            return await client.contracts("org", TEST, 5)
        case "automated-policies":
            return await client.automated_policies("org", TEST)
        case "apis":
            return await by_hand.instances()
        case "environments":
            return await client.environments("org")
    return await client.organizations()


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("odd", ODD)
async def test_an_answer_of_another_shape_is_not_read(
    by_hand: ByHand, part: str, odd: object
) -> None:
    by_hand.answers[f"/{part}"] = httpx.Response(200, content=orjson.dumps(odd))
    with pytest.raises(BadAnswer, match=r"^Anypoint sent "):
        await ask(by_hand, part)


@pytest.mark.parametrize(
    "rows",
    [
        [policy(disabled=None)],
        [policy(disabled="false")],
        [{key: value for key, value in policy().items() if key != "disabled"}],
        [policy(configurationData=[1])],
        [policy(configurationData="{}")],
        [policy(pointcutData="/orders")],
        [policy(pointcutData=[None])],
        [policy(assetId=7)],
        [policy(assetId=None, policyTemplateId="348742")],
        [policy(assetId=None, policyTemplateId=None)],
        [policy(), None],
    ],
)
async def test_a_policy_that_cannot_be_understood_makes_the_list_not_read(
    by_hand: ByHand, rows: list[Any]
) -> None:
    by_hand.answers["/policies"] = rows
    with pytest.raises(BadAnswer):
        await by_hand.client.policies("org", TEST, 5)


async def test_the_shape_without_switched_off_policies_is_not_read(by_hand: ByHand) -> None:
    other = {"policies": [{"policyId": 1, "configuration": {}, "template": {}}], "tiers": {}}
    by_hand.answers["/policies"] = other
    with pytest.raises(BadAnswer):
        await by_hand.client.policies("org", TEST, 5)
    by_hand.answers["/policies"] = [policy(configuration={})]
    del by_hand.answers["/policies"][0]["configurationData"]
    with pytest.raises(BadAnswer):
        await by_hand.client.policies("org", TEST, 5)


async def test_no_contracts_where_some_are_counted_is_not_read(by_hand: ByHand) -> None:
    by_hand.answers["/contracts"] = {"total": 0, "contracts": []}
    assert await by_hand.client.contracts("org", TEST, 5, active_contracts=0) == []
    with pytest.raises(CutShort, match="counts 4 contracts but shows none"):
        await by_hand.client.contracts("org", TEST, 5, active_contracts=4)


async def test_a_contract_whose_tier_is_not_told_is_not_read(by_hand: ByHand) -> None:
    sent = {"id": 1, "application": {"id": 2, "name": "crm"}, "status": "Approved", "tierId": 7}
    by_hand.answers["/contracts"] = {"total": 1, "contracts": [{**sent, "tier": {"name": "Gold"}}]}
    [read] = await by_hand.client.contracts("org", TEST, 5)
    assert (read["status"], read["tier"]) == ("APPROVED", "Gold")
    for tier in (None, {}, {"name": ""}):
        by_hand.answers["/contracts"] = {"total": 1, "contracts": [{**sent, "tier": tier}]}
        with pytest.raises(BadAnswer, match="which SLA tier"):
            await by_hand.client.contracts("org", TEST, 5)
    by_hand.answers["/contracts"] = {"total": 1, "contracts": [{**sent, "tierId": None}]}
    [read] = await by_hand.client.contracts("org", TEST, 5)
    assert read["tier"] is None


async def test_a_policy_secret_ends_at_the_translation(by_hand: ByHand) -> None:
    secret = {"username": "svc", "password": "hunter2-hunter2"}
    sent = policy(assetId="http-basic-authentication", configurationData=secret)
    by_hand.answers["/policies"] = [sent]
    [read] = await by_hand.client.policies("org", TEST, 5)
    assert "hunter2" not in repr(read)
    assert read["configuration"]["username"] == "svc"
    by_hand.answers["/automated-policies"] = {"automatedPolicies": [sent], "total": 1}
    assert "hunter2" not in repr(await by_hand.client.automated_policies("org", TEST))


async def test_texts_that_no_database_takes_are_made_harmless(by_hand: ByHand) -> None:
    body = orjson.dumps({"total": 1, "assets": [asset("orders", 7, instanceLabel="LABEL")]})
    odd = body.replace(b"LABEL", rb"a\u0000b\ud800c")
    by_hand.answers["/apis"] = httpx.Response(200, content=odd)
    [listed] = await by_hand.instances()
    assert listed.facts["label"] == "a�b�c"


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        (None, None),
        ("", ""),
        (5, "5"),
        (True, "true"),
        ({"b": 1, "a": "ü"}, '{"a": "\\u00fc", "b": 1}'),
    ],
)
async def test_a_label_of_another_type_is_kept_as_text(
    by_hand: ByHand, sent: object, kept: str | None
) -> None:
    by_hand.answers["/apis"] = {"total": 1, "assets": [asset("orders", 7, instanceLabel=sent)]}
    [listed] = await by_hand.instances()
    assert listed.facts["label"] == kept


@pytest.mark.parametrize("odd", [None, 0, -1, True, "x", 2**63, 1.5, {}, "9" * 25])
async def test_an_instance_without_a_usable_id_makes_the_list_not_read(
    by_hand: ByHand, odd: object
) -> None:
    row = asset("orders", 7)
    row["apis"][0]["id"] = odd
    body = orjson.dumps({"total": 1, "assets": [row]})
    by_hand.answers["/apis"] = httpx.Response(200, content=body)
    with pytest.raises(BadAnswer, match="without a usable id"):
        await by_hand.instances()


def test_values_deeper_than_anything_sensible_are_not_read() -> None:
    deep: Any = "x"
    for _ in range(200):
        deep = [deep]
    with pytest.raises(BadAnswer):
        translation.policies([policy(configurationData={"a": deep})], KEY)
    with pytest.raises(ValueError, match="nested"):
        parsed(b"[" * 100_000 + b"]" * 100_000)


def test_numbers_that_no_json_writer_takes_are_kept_as_text() -> None:
    value = parsed(b'{"big": 123456789012345678901234567890, "endless": 1e999, "s": "\\ud800"}')
    kept = cleaned(value)
    assert isinstance(kept["endless"], str)
    orjson.dumps(kept)


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
KEYS = st.sampled_from(
    [
        *("total", "assets", "apis", "id", "name", "groupId", "assetId", "tier", "tiers"),
        *("disabled", "configurationData", "pointcutData", "limits", "contracts", "order"),
        *("application", "status", "methodRegex", "ruleOfApplication"),
    ]
)
ANYTHING = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=6)
)


@given(ANYTHING)
def test_whatever_comes_is_translated_or_not_read(value: Any) -> None:
    rows: Any = value if isinstance(value, list) else [value]
    for translated in (
        lambda: translation.policies(value, KEY),
        lambda: translation.automated_policies(payloads.rows(rows, "x"), "e", KEY),
        lambda: [translation.tier(row) for row in payloads.rows(rows, "x")],
        lambda: [translation.contract(row) for row in payloads.rows(rows, "x")],
        lambda: [translation.facts(row, row) for row in payloads.rows(rows, "x")],
    ):
        with contextlib.suppress(CouldNotRead):
            orjson.dumps(translated())
