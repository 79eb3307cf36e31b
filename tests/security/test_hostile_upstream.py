"""Whatever Anypoint sends about one environment, that one fails with a reason and the rest goes on."""

import json

import pytest

from app.store.syncs import Outcome, State
from tests.security.hostile import Lie, LyingWorld, always, asset, bomb, endless

DEEP = b"[" * 100_000 + b"]" * 100_000
DEEP_ID = json.loads("[" * 900 + "]" * 900)
GZIP = ((b"content-encoding", b"gzip"),)

REFUSED = {
    "a gzip bomb": Lie("/apis", always(bomb()), GZIP),
    "an answer larger than any that is read": Lie("/apis", always(bytes(2 * 1024 * 1024))),
    "a list that never ends": Lie("/apis", endless),
    "the same page for ever": Lie("/apis", always({"total": 9999, "assets": [asset(7)]})),
    "nesting a hundred thousand deep": Lie("/apis", always(b'{"assets": ' + DEEP + b"}")),
    "an id nested too deep to be written": Lie(
        "/apis", always({"total": 1, "assets": [asset(7) | {"id": DEEP_ID}, asset(DEEP_ID)]})
    ),
    "an instance id larger than any column": Lie("/apis", always({"assets": [asset(2**80)]})),
    "a name that no index could hold": Lie(
        "/apis", always({"assets": [asset(7) | {"exchangeAssetName": "\u4e2d" * 200_000}]})
    ),
    "null where a list belongs": Lie("/apis", always({"total": 0, "assets": None})),
    "a web page": Lie("/apis", always(b"<html>no APIs</html>")),
    "nothing": Lie("/apis", always(b"")),
    "half an answer": Lie("/apis", always(b'{"total": 1, "assets": [{"id"')),
    "a policy configuration nested too deep": Lie(
        "/policies",
        always([{"assetId": "p", "disabled": False, "configurationData": {"x": DEEP_ID}}]),
    ),
    "policies that are no list": Lie("/policies", always({"policies": 1})),
}

TAKEN = {
    "NUL and half a character": Lie(
        "/apis",
        always(
            b'{"total":1,"assets":[{"id":1,"exchangeAssetName":"A\\u0000\\ud800","apis":['
            b'{"id":7,"groupId":"g","assetId":"a\\u0000\\udfff"}]}]}'
        ),
    ),
    "the same key twice": Lie(
        "/apis", always(b'{"total":1,"total":1,"assets":[],"assets":[{"id":1,"apis":[]}]}')
    ),
    "numbers beyond every type": Lie(
        "/tiers",
        always(
            b'{"total":1,"tiers":[{"id":1,"name":"Gold","limits":[{"maximumRequests":'
            + b"9" * 4000
            + b',"timePeriodInMilliseconds":1e400}]}]}'
        ),
    ),
}


@pytest.mark.parametrize("lie", REFUSED.values(), ids=REFUSED)
async def test_the_environment_fails_with_a_reason_and_the_rest_goes_on(
    lying: LyingWorld, lie: Lie
):
    outcomes, reason = await outcomes_of(lying, lie)
    assert outcomes.pop("Test") in {Outcome.FAILED, Outcome.PARTIAL}
    assert reason
    assert len(reason) < 400
    assert set(outcomes.values()) == {Outcome.OK}


async def test_a_page_without_an_instance_is_not_the_end_of_the_list(lying: LyingWorld):
    test = next(item for item in lying.estate.environments if item.name == "Test")
    instance = next(api.in_environment(test.id) for api in lying.estate.apis if api.instances)
    bare = [{"id": 100 + n, "groupId": "g", "assetId": f"a{n}", "apis": []} for n in range(50)]

    def pages(offset: int) -> bytes:
        rows = bare if offset == 0 else [asset(instance.instance_id)]
        return json.dumps({"total": 51, "assets": rows}).encode()

    await lying.connect()
    async with lying.told(test.id, Lie("/apis", pages)):
        ended = await lying.sync()
    read = {item.name: (item.outcome, item.instances) for item in ended.environments}
    assert read["Test"] == (Outcome.OK, 1)


@pytest.mark.parametrize("lie", TAKEN.values(), ids=TAKEN)
async def test_what_can_be_cleaned_is_kept_or_refused_but_breaks_nothing(
    lying: LyingWorld, lie: Lie
):
    outcomes, _ = await outcomes_of(lying, lie)
    del outcomes["Test"]
    assert set(outcomes.values()) == {Outcome.OK}


async def outcomes_of(lying: LyingWorld, lie: Lie) -> tuple[dict[str, Outcome], str]:
    """Sync while one environment is lied about; return every outcome and that one's reason."""
    await lying.connect()
    test = next(item for item in lying.estate.environments if item.name == "Test")
    async with lying.told(test.id, lie):
        ended = await lying.sync()
    assert ended.state is State.PUBLISHED, ended.reason
    outcomes = {item.name: item.outcome for item in ended.environments}
    return outcomes, next(item.reason or "" for item in ended.environments if item.name == "Test")
