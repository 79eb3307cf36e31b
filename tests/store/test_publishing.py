"""A sync is published as a whole, and only what changed is written."""

import asyncio
import dataclasses
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from app.posture.model import Severity, Verdict
from app.store import asking, findings, holding, instances, leases, posture_rows, readings, syncs
from app.store.posture_rows import Filter, api_id
from app.store.publishing import PublishedRows
from tests.store.estate import (
    NOW,
    PRODUCTION,
    SPACE,
    TEST,
    Home,
    Read,
    make_finding,
    make_posture,
    rows_of,
)

ORDERS = "group/orders"
LATER = NOW + timedelta(days=1)
LATEST = NOW + timedelta(days=2)


async def open_findings(home: Home, number: int) -> dict[str, findings.FindingRow]:
    async with home.database.transaction(home.site_id) as db:
        page = await findings.listed(db, home.site_id, SPACE, number, Filter())
    return {row.fingerprint: row for row in page.rows}


async def versions(home: Home, table: str) -> list[tuple[int, int]]:
    question = f"SELECT from_number, to_number FROM {table} ORDER BY from_number, to_number"
    async with home.database.transaction(home.site_id) as db:
        return [tuple(row) for row in await db.exec_driver_sql(question)]


async def test_published_syncs_are_numbered_from_one(ours):
    assert await ours.published() == 1
    assert await ours.published() == 2
    async with ours.database.transaction(ours.site_id) as db:
        sync = await syncs.published(db, ours.site_id, SPACE)
    assert sync is not None
    assert (sync.number, sync.state, sync.finished_at) == (2, "published", NOW)


async def test_an_unchanged_sync_writes_no_version_and_no_row(ours):
    found = [Read(TEST, 1, ORDERS), Read(PRODUCTION, 2, ORDERS)]
    rows = rows_of(make_posture(ORDERS, make_finding()))
    for day in range(3):
        await ours.published(found, rows, now=NOW + timedelta(days=day))
    for table, count in (("instance_versions", 2), ("posture_rows", 1), ("findings", 1)):
        kept = await versions(ours, table)
        assert len(kept) == count, table
        assert {first for first, _ in kept} == {1}, table


async def test_a_past_sync_can_still_be_read(ours):
    await ours.published([Read(TEST, 1, ORDERS, [{"v": 1}])], rows_of(make_posture(ORDERS)))
    changed = make_posture(ORDERS, make_finding())
    await ours.published([Read(TEST, 1, ORDERS, [{"v": 2}])], rows_of(changed))
    async with ours.database.transaction(ours.site_id) as db:
        bodies = [
            (await instances.of_api(db, ours.site_id, SPACE, number, ORDERS))[0].reading
            for number in (1, 2)
        ]
        before = await posture_rows.one(db, ours.site_id, SPACE, 1, api_id(SPACE, ORDERS))
        after = await posture_rows.one(db, ours.site_id, SPACE, 2, api_id(SPACE, ORDERS))
    assert [item.policies.body for item in bodies] == [[{"v": 1}], [{"v": 2}]]
    assert before is not None
    assert after is not None
    assert (before.verdict, after.verdict) == (Verdict.ALIGNED, Verdict.THREAT)


async def test_an_instance_that_is_gone_ends_with_the_sync_that_missed_it(ours):
    await ours.published([Read(TEST, 1, ORDERS), Read(TEST, 2, ORDERS)])
    await ours.published([Read(TEST, 2, ORDERS)])
    async with ours.database.transaction(ours.site_id) as db:
        counts = [
            len(await instances.of_api(db, ours.site_id, SPACE, number, ORDERS))
            for number in (1, 2)
        ]
    assert counts == [2, 1]


async def test_a_failed_environment_keeps_its_last_good_data_and_its_date(ours):
    await ours.published([Read(TEST, 1, ORDERS), Read(PRODUCTION, 2, ORDERS)])
    await ours.published([Read(TEST, 1, ORDERS)], failed=[PRODUCTION], now=LATER)
    async with ours.database.transaction(ours.site_id) as db:
        found = await instances.of_api(db, ours.site_id, SPACE, 2, ORDERS)
        sync = await syncs.published(db, ours.site_id, SPACE)
    assert [item.reading.instance_id for item in found] == [2, 1]
    assert sync is not None
    read_at = {item.id: item.read_at for item in sync.environments}
    assert read_at == {TEST.id: LATER, PRODUCTION.id: NOW}


async def test_an_environment_that_is_no_longer_chosen_ends(ours):
    await ours.published([Read(TEST, 1, ORDERS), Read(PRODUCTION, 2, ORDERS)])
    sync_id, attempt = await ours.begun()
    async with ours.database.transaction(ours.site_id) as db:
        await db.exec_driver_sql(
            f"DELETE FROM sync_environments WHERE environment_id = '{PRODUCTION.id}'"
        )
    await ours.read(sync_id, attempt, [Read(TEST, 1, ORDERS)])
    number = await ours.publish(sync_id, attempt, PublishedRows(()))
    async with ours.database.transaction(ours.site_id) as db:
        found = await instances.of_api(db, ours.site_id, SPACE, number, ORDERS)
    assert [item.reading.instance_id for item in found] == [1]


async def test_a_section_that_was_not_read_keeps_its_last_good_body_with_its_date(ours):
    await ours.published([Read(TEST, 1, ORDERS, [{"v": 1}])])
    unread = Read(TEST, 1, ORDERS, unread={"policies": "It answered 403."})
    await ours.published([unread], now=LATER)
    number = await ours.published([unread], now=LATEST)
    async with ours.database.transaction(ours.site_id) as db:
        (found,) = await instances.of_api(db, ours.site_id, SPACE, number, ORDERS)
    assert found.reading.policies.not_read == "It answered 403."
    assert found.last_good == {"policies": ([{"v": 1}], NOW)}
    assert len(await versions(ours, "instance_versions")) == 2


async def test_a_section_that_was_never_read_has_no_last_good_body(ours):
    number = await ours.published([Read(TEST, 1, ORDERS, unread={"tiers": "It timed out."})])
    async with ours.database.transaction(ours.site_id) as db:
        (found,) = await instances.of_api(db, ours.site_id, SPACE, number, ORDERS)
    assert found.reading.tiers.not_read == "It timed out."
    assert found.last_good == {}


async def test_what_publishing_will_make_current_streams_api_by_api(ours):
    await ours.published([Read(PRODUCTION, 3, ORDERS), Read(PRODUCTION, 4, "group/b")])
    sync_id, attempt = await ours.begun()
    found = [Read(TEST, 2, ORDERS), Read(TEST, 1, "group/a")]
    await ours.read(sync_id, attempt, found, failed=[PRODUCTION])
    async with ours.database.transaction(ours.site_id) as db:
        seen = {
            api.api_key: [(item.instance_id, item.read_now) for item in api.instances]
            async for api in readings.merged(db, ours.site_id, SPACE, sync_id)
        }
    assert list(seen) == ["group/a", "group/b", ORDERS]
    assert seen == {
        "group/a": [(1, True)],
        "group/b": [(4, False)],
        ORDERS: [(2, True), (3, False)],
    }


async def test_a_changed_value_is_the_same_finding_first_seen_as_before(ours):
    await ours.published(rows=rows_of(make_posture(ORDERS, make_finding())))
    changed = make_finding(values_digest="v2", values={TEST.id: "a", PRODUCTION.id: "c"})
    number = await ours.published(rows=rows_of(make_posture(ORDERS, changed)), now=LATER)
    finding = (await open_findings(ours, number))["f1"]
    assert (finding.values_digest, finding.reopened) == ("v2", 0)
    assert (finding.first_seen_at, finding.last_seen_at) == (NOW, LATER)
    assert (await open_findings(ours, 1))["f1"].values_digest == "v1"


async def test_a_finding_that_is_gone_is_closed_and_reopened_when_it_returns(ours):
    with_finding = rows_of(make_posture(ORDERS, make_finding()))
    await ours.published(rows=with_finding)
    assert await open_findings(ours, await ours.published(rows=rows_of(make_posture(ORDERS)))) == {}
    number = await ours.published(rows=with_finding, now=LATER)
    finding = (await open_findings(ours, number))["f1"]
    assert (finding.reopened, finding.first_seen_at) == (1, NOW)


async def test_a_finding_that_could_not_be_confirmed_stays_with_its_last_date(ours):
    with_finding = rows_of(make_posture(ORDERS, make_finding()))
    await ours.published(rows=with_finding)
    unread = rows_of(make_posture(ORDERS, verdict=Verdict.UNKNOWN), unconfirmed={"f1"})
    for day in (LATER, LATEST):
        number = await ours.published(rows=unread, now=day)
        finding = (await open_findings(ours, number))["f1"]
        assert (finding.unconfirmed, finding.last_seen_at) == (True, NOW)
    assert len(await versions(ours, "findings")) == 2
    confirmed = await open_findings(ours, await ours.published(rows=with_finding, now=LATEST))
    assert (confirmed["f1"].unconfirmed, confirmed["f1"].reopened) == (False, 0)
    assert confirmed["f1"].first_seen_at == NOW


async def test_an_unconfirmed_finding_can_be_closed(ours):
    await ours.published(rows=rows_of(make_posture(ORDERS, make_finding())))
    await ours.published(rows=rows_of(make_posture(ORDERS), unconfirmed={"f1"}))
    assert await open_findings(ours, await ours.published(rows=rows_of(make_posture(ORDERS)))) == {}


async def test_apis_of_unchanged_input_keep_row_and_findings_unassessed(ours):
    await ours.published(rows=rows_of(make_posture(ORDERS, make_finding()), make_posture("g/b")))
    number = await ours.published(rows=PublishedRows((), kept=[ORDERS]))
    async with ours.database.transaction(ours.site_id) as db:
        page = await posture_rows.page(db, ours.site_id, SPACE, number, Filter())
        digests = await posture_rows.input_digests(db, ours.site_id, SPACE)
    assert [row.api_key for row in page.rows] == [ORDERS]
    assert digests == {ORDERS: ORDERS.encode()}
    assert list(await open_findings(ours, number)) == ["f1"]


async def test_findings_of_automated_policies_belong_to_no_api(ours):
    rows = rows_of(make_posture(ORDERS), automated=[make_finding("auto")])
    number = await ours.published(rows=rows)
    async with ours.database.transaction(ours.site_id) as db:
        (finding,) = await findings.of_space(db, ours.site_id, SPACE, number)
        current = await findings.current(db, ours.site_id, SPACE)
    assert (finding.fingerprint, finding.api_id, finding.asset_id) == ("auto", None, None)
    assert list(current) == [None]


async def test_the_same_outcome_of_another_input_is_the_same_row(ours):
    await ours.published(rows=rows_of(make_posture(ORDERS)))
    rows = rows_of(make_posture(ORDERS))
    other = dataclasses.replace(rows.assessed[0], input_digest=b"other")
    await ours.published(rows=dataclasses.replace(rows, assessed=[other]))
    async with ours.database.transaction(ours.site_id) as db:
        digests = await posture_rows.input_digests(db, ours.site_id, SPACE)
    assert digests == {ORDERS: b"other"}
    assert [first for first, _ in await versions(ours, "posture_rows")] == [1]


async def test_a_renamed_api_has_its_new_name_at_its_findings_too(ours):
    await ours.published(rows=rows_of(make_posture(ORDERS, make_finding())))
    renamed = make_posture(ORDERS, make_finding(), name="Orders of old")
    number = await ours.published(rows=rows_of(renamed), now=LATER)
    (found,) = (await open_findings(ours, number)).values()
    assert (found.name, found.first_seen_at, found.reopened) == ("Orders of old", NOW, 0)


async def test_a_row_whose_finding_alone_changed_has_another_digest(ours):
    digests = []
    for severity in (Severity.HIGH, Severity.CRITICAL):
        finding = make_finding(owasp=severity.value)
        number = await ours.published(rows=rows_of(make_posture(ORDERS, finding)))
        async with ours.database.transaction(ours.site_id) as db:
            row = await posture_rows.one(db, ours.site_id, SPACE, number, api_id(SPACE, ORDERS))
        assert row is not None
        digests.append(row.digest)
    assert digests[0] != digests[1]


async def test_a_worker_that_was_replaced_publishes_nothing(ours):
    sync_id, attempt = await ours.begun()
    await ours.read(sync_id, attempt, [Read(TEST, 1, ORDERS)])
    async with ours.database.transaction(ours.site_id) as db:
        await leases.release(db, ours.site_id, SPACE, sync_id, attempt)
        assert await leases.begin(db, ours.site_id, SPACE, sync_id, 30) == attempt + 1
    with pytest.raises(leases.Fenced):
        await ours.publish(sync_id, attempt, rows_of(make_posture(ORDERS)))
    assert await versions(ours, "instance_versions") == []
    assert await ours.publish(sync_id, attempt + 1, rows_of(make_posture(ORDERS))) == 1


@asynccontextmanager
async def held_up(ours, sync_id, attempt):
    """Hold the connection until the publishing waits for it; give the transaction and that task."""
    async with ours.database.transaction(ours.site_id) as db:
        await holding.connection(db, ours.site_id, SPACE)
        late = asyncio.create_task(ours.publish(sync_id, attempt, rows_of(make_posture(ORDERS))))
        async with asyncio.timeout(30):
            while not await somebody_waits(ours):
                await asyncio.sleep(0.02)
        yield db, late


async def test_who_changes_the_connection_meanwhile_is_not_ended_by_the_publishing(ours):
    sync_id, attempt = await ours.begun()
    await ours.read(sync_id, attempt, [Read(TEST, 1, ORDERS)])
    async with held_up(ours, sync_id, attempt) as (db, late):
        assert await asking.cancel_all(db, ours.site_id, SPACE, "The connection was changed.")
    with pytest.raises(leases.Fenced):
        await late


async def test_a_worker_that_is_replaced_while_it_publishes_publishes_nothing(ours):
    sync_id, attempt = await ours.begun()
    await ours.read(sync_id, attempt, [Read(TEST, 1, ORDERS)])
    async with held_up(ours, sync_id, attempt) as (db, late):
        await leases.release(db, ours.site_id, SPACE, sync_id, attempt)
        assert await leases.begin(db, ours.site_id, SPACE, sync_id, 30) == attempt + 1
    with pytest.raises(leases.Fenced):
        await late
    assert await ours.publish(sync_id, attempt + 1, rows_of(make_posture(ORDERS))) == 1


async def somebody_waits(home: Home) -> bool:
    question = "SELECT count(*) FROM pg_locks WHERE NOT granted"
    async with home.database.transaction(home.site_id) as db:
        return bool((await db.exec_driver_sql(question)).scalar_one())


async def test_two_spaces_of_a_site_publish_apart(ours, theirs):
    await ours.published(rows=rows_of(make_posture(ORDERS, make_finding())))
    number = await theirs.published(rows=rows_of(make_posture(ORDERS, make_finding())))
    assert number == 1
    assert list(await open_findings(theirs, 1)) == ["f1"]


async def test_ten_thousand_instances_publish_in_seconds_again_and_again(ours):
    found = [
        Read(environment, number, f"group/api-{number:05}")
        for number in range(5000)
        for environment in (TEST, PRODUCTION)
    ]
    for day in range(2):
        rows = rows_of(
            *(
                make_posture(f"group/api-{number:05}", make_finding(f"{number}", owasp=str(day)))
                for number in range(5000)
            )
        )
        sync_id, attempt = await ours.begun()
        await ours.read(sync_id, attempt, found)
        async with asyncio.timeout(20):
            number = await ours.publish(sync_id, attempt, rows)
            async with ours.database.transaction(ours.site_id) as db:
                wanted = Filter(search="api-00")
                page = await findings.listed(db, ours.site_id, SPACE, number, wanted)
    assert page.total == 1000
    assert len(await versions(ours, "instance_versions")) == 10000
    assert len(await versions(ours, "findings")) == 10000
