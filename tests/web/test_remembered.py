"""What the tab remembers of published syncs is what it would read."""

from dataclasses import replace
from datetime import UTC, datetime
from itertools import product as every
from random import Random

import pytest

from app.caller import AccountId, Caller, Door, Right
from app.posture.model import Finding, Kind, Severity, Verdict
from app.store import publishing, syncs
from app.store.posture_rows import Filter, Sort
from app.store.publishing import PublishedRows
from app.web.dependencies import SpaceCaller
from app.web.posture.reading import posture_view
from app.web.posture.view import PostureView
from app.web.remembered import Remembered
from app.web.state import Services
from tests.store.estate import SPACE, TEST, Home, make_finding, make_posture, rows_of
from tests.web.small import World, services

LATER = datetime(2026, 3, 2, tzinfo=UTC)
FILTERS = [
    Filter(),
    Filter(verdicts=("drift",)),
    Filter(search="b", severities=("high",)),
    Filter(groups=("g1",), environments=(TEST.id,)),
    Filter(kinds=("policy_order",), verdicts=("threat", "drift")),
]


def viewer(home: Home) -> SpaceCaller:
    caller = Caller(home.site_id, Door.CONNECT, AccountId("alice"))
    return SpaceCaller(home.site_id, SPACE, AccountId("alice"), Right.ADMIN, caller)


async def seen(home: Home, made: Services, wanted: Filter) -> PostureView:
    return await posture_view(made, viewer(home), wanted, LATER)


def some_rows(chance: Random) -> PublishedRows:
    """Return what a sync of a few APIs finds, another thing each time."""
    keys = [f"g{n % 3}/{name}" for n, name in enumerate("abcabdcb") if chance.random() < 0.8]
    postures = [
        make_posture(key, *some_findings(chance, key), verdict=chance.choice(list(Verdict)))
        for key in dict.fromkeys(keys)
    ]
    automated = [make_finding("auto", sentence=f"It differs {chance.randrange(9)} times.")]
    return rows_of(*postures, automated=automated)


def some_findings(chance: Random, key: str) -> list[Finding]:
    severities, kinds = list(Severity), [Kind.POLICY_ORDER, Kind.POLICY_CONFIG]
    return [
        make_finding(f"{key}-{n}", severity=chance.choice(severities), kind=chance.choice(kinds))
        for n in range(chance.randrange(3))
    ]


@pytest.mark.parametrize("seed", range(3))
async def test_what_is_remembered_is_what_would_be_read(
    ours: Home, theirs: Home, seed: int
) -> None:
    """Both sites have a space of the same id whose syncs have the same numbers."""
    chance = Random(seed)
    warm = services(World(), database=ours.database)
    for _ in range(3):
        for home in (ours, theirs):
            await home.published(rows=some_rows(chance))
        for home, wanted, again in every((ours, theirs), FILTERS, range(2)):
            asked = replace(wanted, sort=chance.choice(list(Sort)), page=1 + again, size=2)
            cold = replace(warm, remembered=Remembered())
            assert await seen(home, warm, asked) == await seen(home, cold, asked)


async def test_a_sync_that_is_assessed_anew_is_shown_anew(ours: Home) -> None:
    warm = services(World(), database=ours.database)
    await ours.published(rows=rows_of(make_posture("g/a")))
    before = await seen(ours, warm, Filter(verdicts=("threat",)))
    async with ours.database.transaction(ours.site_id) as db:
        sync = await syncs.published(db, ours.site_id, SPACE)
        assert sync is not None
        rows = rows_of(make_posture("g/a", make_finding()))
        await publishing.publish_anew(db, ours.site_id, SPACE, sync, rows)
    after = await seen(ours, warm, Filter(verdicts=("threat",)))
    assert [(view.totals[0].count, len(view.rows)) for view in (before, after)] == [(0, 0), (1, 1)]


async def test_the_memory_is_bounded_and_keeps_what_is_asked_for(ours: Home) -> None:
    await ours.published(rows=rows_of())
    async with ours.database.transaction(ours.site_id) as db:
        sync = await syncs.published(db, ours.site_id, SPACE)
    assert sync is not None
    memory, asked = Remembered(most=2), []

    async def told(question: str) -> str:
        async def ask() -> str:
            asked.append(question)
            return question

        return await memory.recall(ours.site_id, SPACE, sync, question, ask)

    assert [await told(word) for word in "abacab"] == list("abacab")
    assert "".join(asked) == "abcb"
