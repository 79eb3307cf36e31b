"""Sections are kept once under what they say, and come back as they were."""

from app.store import exceptions, findings, readings, sections
from tests.store.estate import PRODUCTION, SPACE, TEST, Read

BODY = {
    "b": [1, 2.5, None, True],
    "a": {"n": 1, "text": 'tab\t, quote ", back\\slash, nul \x00, é'},
}


def test_the_order_of_keys_does_not_change_a_digest():
    turned = {"a": dict(reversed(BODY["a"].items())), "b": BODY["b"]}
    assert sections.digest(BODY) == sections.digest(turned)
    assert sections.digest(BODY) != sections.digest(BODY | {"b": [2.5, 1, None, True]})


async def test_a_body_comes_back_as_it_was(ours):
    kept = sections.canonical(BODY)
    digest = sections.digest_of(kept)
    async with ours.database.transaction(ours.site_id) as db:
        assert await sections.missing(db, ours.site_id, [digest]) == {digest}
        for _ in range(2):
            await sections.save(db, ours.site_id, {digest: kept})
        assert await sections.missing(db, ours.site_id, [digest]) == set()
        assert await sections.bodies(db, ours.site_id, [digest, b"other"]) == {digest: BODY}


async def test_more_bodies_are_asked_for_than_a_statement_has_room_for(ours):
    kept = sections.canonical(BODY)
    digest = sections.digest_of(kept)
    many = [digest, *(number.to_bytes(16, "big") for number in range(70_000))]
    async with ours.database.transaction(ours.site_id) as db:
        await sections.save(db, ours.site_id, {digest: kept})
        assert await sections.bodies(db, ours.site_id, many) == {digest: BODY}
        assert len(await sections.missing(db, ours.site_id, many)) == 70_000


async def test_an_api_may_have_more_findings_than_a_statement_has_room_for(ours):
    many = [f"{number:032x}" for number in range(70_000)]
    async with ours.database.transaction(ours.site_id) as db:
        assert await exceptions.of_findings(db, ours.site_id, SPACE, many) == ()
        assert await findings.known(db, ours.site_id, SPACE, 1, many) == {}


async def test_nothing_to_keep_is_nothing_to_do(ours):
    async with ours.database.transaction(ours.site_id) as db:
        await sections.save(db, ours.site_id, {})
        assert await sections.bodies(db, ours.site_id, []) == {}


async def test_what_is_current_is_known_by_its_digests(ours):
    await ours.published([Read(TEST, 1, "g/a"), Read(PRODUCTION, 1, "g/a", unread={"tiers": "x"})])
    async with ours.database.transaction(ours.site_id) as db:
        known = await sections.known_digests(db, ours.site_id, SPACE)
    assert known[TEST.id, 1].facts == sections.digest({"name": "g/a"})
    assert known[PRODUCTION.id, 1].tiers is None


async def test_an_environment_read_anew_forgets_what_has_gone_since(ours):
    sync_id, attempt = await ours.begun()
    await ours.read(sync_id, attempt, [Read(TEST, 1, "g/a"), Read(PRODUCTION, 2, "g/a")])
    async with ours.database.transaction(ours.site_id) as db:
        await readings.keep_only(db, ours.site_id, SPACE, sync_id, attempt, TEST.id, {7})
        seen = [api async for api in readings.merged(db, ours.site_id, SPACE, sync_id)]
    assert [item.instance_id for api in seen for item in api.instances] == [2]


async def test_an_instance_seen_twice_while_pages_shift_is_kept_once(ours):
    sync_id, attempt = await ours.begun()
    twice = [Read(TEST, 1, "g/a"), Read(TEST, 1, "g/a")]
    await ours.read(sync_id, attempt, twice)
    await ours.read(sync_id, attempt, [Read(TEST, 1, "g/b")])
    async with ours.database.transaction(ours.site_id) as db:
        seen = [api async for api in readings.merged(db, ours.site_id, SPACE, sync_id)]
    assert [(api.api_key, len(api.instances)) for api in seen] == [("g/b", 1)]
