"""Lists that move while they are read, end early, or never end."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from app.anypoint import paging
from app.anypoint.errors import BadAnswer, CutShort, Gone
from tests.anypoint.conftest import TEST, ByHand
from tests.anypoint.test_traps import asset

Pages = Callable[[httpx.Request], dict[str, Any]]


def tier(number: int) -> dict[str, Any]:
    return {"id": number, "name": f"Tier {number}", "limits": [], "status": "ACTIVE"}


def tier_pages(rows: list[Any], told: int | None = None) -> Pages:
    def page(request: httpx.Request) -> dict[str, Any]:
        offset = int(request.url.params["offset"])
        total = len(rows) if told is None else told
        return {"total": total, "tiers": rows[offset : offset + 250]}

    return page


async def tiers(by_hand: ByHand) -> list[str]:
    return [item["name"] for item in await by_hand.client.tiers("org", TEST, 5)]


async def test_a_list_that_ends_before_its_own_count_is_not_read(by_hand: ByHand) -> None:
    by_hand.answers["/tiers"] = tier_pages([tier(1), tier(2)], told=3)
    with pytest.raises(CutShort, match="SLA tiers ended before its own count"):
        await tiers(by_hand)


async def test_a_list_of_apis_that_ends_before_its_own_count_is_not_read(by_hand: ByHand) -> None:
    def page(request: httpx.Request) -> dict[str, Any]:
        rows = [asset("orders", 7)] if request.url.params["offset"] == "0" else []
        return {"total": 2, "assets": rows}

    by_hand.answers["/apis"] = page
    with pytest.raises(CutShort):
        await by_hand.instances()


async def test_a_list_without_a_total_is_read_to_its_end(by_hand: ByHand) -> None:
    def page(request: httpx.Request) -> dict[str, Any]:
        offset = int(request.url.params["offset"])
        return {"tiers": [tier(n) for n in range(300)][offset : offset + 250]}

    by_hand.answers["/tiers"] = page
    assert len(await tiers(by_hand)) == 300


async def test_a_server_that_sends_less_than_was_asked_for_is_read_to_its_end(
    by_hand: ByHand,
) -> None:
    rows = [tier(n) for n in range(1, 131)]

    def page(request: httpx.Request) -> dict[str, Any]:
        offset = int(request.url.params["offset"])
        return {"total": 130, "tiers": rows[offset : offset + 50]}

    by_hand.answers["/tiers"] = page
    assert len(await tiers(by_hand)) == 130


async def test_a_list_that_moved_is_read_once_more(by_hand: ByHand) -> None:
    rows = [tier(n) for n in range(1, 301)]

    def page(request: httpx.Request) -> dict[str, Any]:
        offset = int(request.url.params["offset"])
        sent = {"total": len(rows), "tiers": rows[offset : offset + 250]}
        if by_hand.times("/tiers") == 1:
            del rows[0]  # the 251st moves to the page that was read already
        return sent

    by_hand.answers["/tiers"] = page
    assert await tiers(by_hand) == [f"Tier {n}" for n in range(2, 301)]
    assert by_hand.times("/tiers") == 4


async def test_an_instance_that_is_seen_twice_is_kept_once_and_none_is_lost(
    by_hand: ByHand,
) -> None:
    rows = [asset(f"api-{n:03}", n) for n in range(1, 151)]

    def page(request: httpx.Request) -> dict[str, Any]:
        offset = int(request.url.params["offset"])
        sent = {"total": len(rows), "assets": rows[offset : offset + 100]}
        if by_hand.times("/apis") == 1:
            rows.insert(0, asset("api-000", 999))
        return sent

    by_hand.answers["/apis"] = page
    ids = [item.instance_id for item in await by_hand.instances()]
    assert sorted(ids) == [*range(1, 151), 999]


@pytest.mark.parametrize("apart", [1, 100])
async def test_an_asset_that_comes_twice_with_other_instances_loses_none(
    by_hand: ByHand, apart: int
) -> None:
    rows = [asset(f"api-{n:03}", n) for n in range(1, 151)]
    again = {**asset("api-001", 900, 901), "id": rows[0]["id"]}
    rows.insert(apart, again)

    def page(request: httpx.Request) -> dict[str, Any]:
        offset = int(request.url.params["offset"])
        return {"total": len(rows), "assets": rows[offset : offset + 100]}

    by_hand.answers["/apis"] = page
    ids = [item.instance_id for item in await by_hand.instances()]
    assert sorted(ids) == [*range(1, 151), 900, 901]


async def test_a_total_below_what_was_sent_does_not_end_the_list(by_hand: ByHand) -> None:
    rows = [{**asset(f"api-{n:03}", n), "apis": []} for n in range(1, 121)]
    rows += [asset(f"api-{n:03}", n) for n in range(121, 151)]

    def page(request: httpx.Request) -> dict[str, Any]:
        offset = int(request.url.params["offset"])
        return {"total": 30, "assets": rows[offset : offset + 100]}  # counts instances

    by_hand.answers["/apis"] = page
    assert len(await by_hand.instances()) == 30
    assert by_hand.times("/apis") == 3


async def test_a_list_that_ignores_the_offset_and_its_own_total_is_read_once(
    by_hand: ByHand,
) -> None:
    by_hand.answers["/tiers"] = {"total": 1, "tiers": [tier(1), tier(2)]}
    assert await tiers(by_hand) == ["Tier 1", "Tier 2"]


async def test_a_page_that_comes_round_again_ends_with_a_reason(by_hand: ByHand) -> None:
    by_hand.answers["/apis"] = {"total": 10_000, "assets": [asset("orders", 7)]}
    with pytest.raises(BadAnswer, match="again and again"):
        await by_hand.instances()
    assert by_hand.times("/apis") == 2


@pytest.mark.parametrize(("most", "is_read"), [(500, True), (499, False)])
async def test_a_list_longer_than_the_memory_is_meant_for_ends_with_a_reason(
    by_hand: ByHand, monkeypatch: pytest.MonkeyPatch, most: int, is_read: bool
) -> None:
    monkeypatch.setattr(paging, "MAX_ROWS", most)
    by_hand.answers["/tiers"] = tier_pages([tier(number) for number in range(500)])
    if is_read:
        assert len(await tiers(by_hand)) == 500
        return
    with pytest.raises(BadAnswer, match="does not end"):
        await tiers(by_hand)


async def test_a_list_that_always_has_more_ends_with_a_reason(by_hand: ByHand) -> None:
    def page(request: httpx.Request) -> dict[str, Any]:
        return {"tiers": [tier(int(request.url.params["offset"]))]}

    by_hand.answers["/tiers"] = page
    with pytest.raises(BadAnswer, match="does not end"):
        await tiers(by_hand)


async def test_an_environment_that_is_gone_says_so(by_hand: ByHand) -> None:
    by_hand.answers["/apis"] = httpx.Response(404)
    with pytest.raises(Gone):
        await by_hand.instances()


async def test_ids_cannot_lead_to_another_address(by_hand: ByHand) -> None:
    by_hand.answers["/environments"] = {"total": 0, "data": []}
    await by_hand.client.environments("../../../elsewhere?x=")
    path = by_hand.asked[-1].url.raw_path
    assert path.startswith(
        b"/accounts/api/organizations/%2E%2E%2F%2E%2E%2F%2E%2E%2Felsewhere%3Fx%3D/"
    )
