"""Sites that are kept in memory: only while changes are heard of, briefly, and each for itself."""

from collections.abc import Callable

import pytest

from app.caller import Door, SiteId
from app.connect import known_sites
from app.connect.known_sites import LIFE_SECONDS, KnownSites
from app.store.site_news import digest_of
from app.store.sites import Installation

SECRET = "the secret of a site that nobody may read in a log"


class Asked:
    """What the database would say, and how often it was asked."""

    def __init__(self) -> None:
        self.times = 0
        self.installed = True
        self.meanwhile: Callable[[], None] = lambda: None

    async def __call__(self, issuer: str) -> Installation | None:
        self.times += 1
        self.meanwhile()
        if issuer == "nobody":
            return None
        home, site_id = f"https://{issuer}.atlassian.net/wiki", SiteId(f"id of {issuer}")
        door, on = Door.CONNECT, self.installed
        return Installation(site_id, door, issuer, home, home, None, SECRET, on, enabled=on)


class Clock:
    """Seconds that pass when a test says so."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def asked() -> Asked:
    return Asked()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def known(asked: Asked, clock: Clock) -> KnownSites:
    return KnownSites(asked, clock)


async def ask(known: KnownSites, *issuers: str) -> None:
    for issuer in issuers:
        found = await known.installed(issuer)
        assert found is None or found.installation.issuer == issuer


async def test_while_nobody_hears_of_changes_the_database_is_asked_each_time(known, asked):
    await ask(known, "ours", "ours", "ours")
    assert asked.times == 3


async def test_a_site_is_asked_for_once_while_changes_are_heard_of(known, asked):
    with known.kept():
        await ask(known, "ours", "theirs", "ours", "theirs")
    assert asked.times == 2


async def test_a_site_is_kept_for_seconds_only(known, asked, clock):
    with known.kept():
        await ask(known, "ours")
        clock.now = LIFE_SECONDS
        await ask(known, "ours")
    assert asked.times == 2


async def test_news_of_one_site_leaves_the_others_in_memory(known, asked):
    with known.kept() as changed:
        await ask(known, "ours", "theirs")
        changed(digest_of("ours"))
        await ask(known, "theirs")
        assert asked.times == 2
        await ask(known, "ours")
        assert asked.times == 3


async def test_an_answer_from_before_a_change_is_not_kept(known, asked):
    with known.kept() as changed:
        asked.meanwhile = lambda: changed(digest_of("ours"))
        await ask(known, "ours")
        asked.meanwhile = lambda: None
        await ask(known, "ours")
    assert asked.times == 2


async def test_nothing_is_kept_from_before_a_connection_was_lost(known, asked):
    with known.kept():
        await ask(known, "ours")
    await ask(known, "ours")
    with known.kept():
        await ask(known, "ours")
    assert asked.times == 3


async def test_an_answer_from_before_a_connection_is_not_kept_by_it(known, asked):
    connections = []

    def reconnected() -> None:
        connections.append(known.kept())
        connections[-1].__enter__()

    asked.meanwhile = reconnected
    await ask(known, "ours")
    asked.meanwhile = lambda: None
    await ask(known, "ours")
    assert asked.times == 2
    connections[0].__exit__(None, None, None)


async def test_neither_an_unknown_site_nor_an_uninstalled_one_is_kept(known, asked):
    asked.installed = False
    with known.kept():
        assert [await known.installed(name) for name in ("nobody", "ours")] == [None, None]
        asked.installed = True
        assert await known.installed("ours") is not None
    assert asked.times == 3


async def test_the_memory_is_bounded(known, asked, monkeypatch):
    monkeypatch.setattr(known_sites, "MOST_SITES", 2)
    with known.kept():
        await ask(known, "one", "two", "three", "three", "two")
        assert asked.times == 3
        await ask(known, "one")
    assert asked.times == 4


async def test_no_secret_is_shown_by_what_is_kept(known):
    with known.kept():
        await ask(known, "ours")
        site = await known.installed("ours")
        assert SECRET not in repr(known) + repr(vars(known)) + repr(site)
