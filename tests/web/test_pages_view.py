"""What the posture tab says, from plain values: states of the address, messages, progress."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.caller import AccountId
from app.posture.model import Environment, Verdict
from app.store.connections import Connection
from app.store.posture_rows import Filter, PosturePage, Sort, Summary
from app.store.syncs import Outcome, State, Sync, SyncEnvironment
from app.web import rendering, sentences
from app.web.posture import filters as posture_filters
from app.web.posture import heads as posture_heads
from app.web.posture import view as posture_view
from app.web.posture.view import Person, PostureView, Published
from app.web.settings import view as settings_view

NOW = datetime(2026, 11, 12, 14, 3, tzinfo=UTC)
PRODUCTION = Environment("p", "Production", "production")
TEST = Environment("t", "Test", "sandbox")
ADMIN = Person(can_edit=True, can_configure=True)
VIEWER = Person(can_edit=False, can_configure=False)


def connection(**changes: Any) -> Connection:
    made = Connection(
        version=1,
        control_plane="us",
        organization_id="o",
        organization_name="Northwind",
        client_id="client",
        secret_saved_at=NOW,
        secret_saved_by=AccountId("alice"),
        environment_ids=None,
        baseline_environment_id="p",
        sync_interval_hours=24,
        ignored_application_suffixes=(),
        group_names={},
        environments=(TEST, PRODUCTION),
        published_number=2,
        published_sync_id="s",
        refused_at=None,
    )
    return replace(made, **changes)


def part(environment: Environment, outcome: Outcome = Outcome.OK, **changes: Any) -> Any:
    made = SyncEnvironment(
        environment.id,
        environment.name,
        environment.type,
        outcome,
        None,
        NOW,
        50,
        None,
        None,
        finished=True,
    )
    return replace(made, **changes)


def sync(**changes: Any) -> Sync:
    made = Sync(
        id="s",
        number=2,
        state=State.PUBLISHED,
        attempt=1,
        connection_version=1,
        baseline_environment_id="p",
        requested_by=None,
        requested_at=NOW,
        started_at=NOW,
        finished_at=NOW,
        done=100,
        total=100,
        reason=None,
        requests=9,
        crashes=0,
        environments=(part(TEST), part(PRODUCTION)),
    )
    return replace(made, **changes)


def summary(**counts: int) -> Summary:
    return Summary(sum(counts.values()), dict.fromkeys(Verdict, 0) | counts)


def tab(
    latest: Sync | None = None, who: Person = ADMIN, *, recent: Any = (), **changes: Any
) -> PostureView:
    latest = latest or sync()
    published = Published(latest, summary(aligned=3, drift=1), PosturePage((), 4), Filter(), ())
    return posture_view.connected(
        connection(**changes), who, NOW, recent=recent or (latest,), published=published
    )


def titles(view: PostureView) -> list[str]:
    return [message.title for message in view.messages]


def test_the_usual_state_leaves_the_address_empty() -> None:
    assert posture_filters.encoded(Filter()) == ""


def test_a_state_names_only_what_is_not_usual() -> None:
    wanted = Filter(search="a&b", verdicts=("drift", "threat"), sort=Sort.NAME, page=2, size=100)
    said = "search=a%26b&verdict=drift&verdict=threat&sort=name&page=2&size=100"
    assert posture_filters.encoded(wanted) == said


def test_a_total_in_force_leads_back_out() -> None:
    assert posture_filters.only_verdict(Filter(verdicts=("drift",)), "drift") == ""


def test_removing_a_filter_keeps_the_others_and_returns_to_page_one() -> None:
    wanted = Filter(environments=("t",), verdicts=("drift", "threat"), page=3)
    tags = posture_filters.tags(wanted, (TEST,), ())
    assert [(tag.label, tag.query) for tag in tags] == [
        ("Environment: Test (sandbox)", "verdict=drift&verdict=threat"),
        ("Verdict: DRIFT", "environment=t&verdict=threat"),
        ("Verdict: THREAT", "environment=t&verdict=drift"),
    ]


@pytest.mark.parametrize(
    ("page", "total", "numbers"),
    [
        (1, 50, []),
        (1, 51, [1, 2]),
        (4, 350, [1, 2, 3, 4, 5, 6, 7]),
        (1, 1000, [1, 2, 3, 4, 5, 0, 20]),
        (10, 1000, [1, 0, 9, 10, 11, 0, 20]),
        (20, 1000, [1, 0, 16, 17, 18, 19, 20]),
    ],
)
def test_page_links_are_few_and_hold_the_neighbours(
    page: int, total: int, numbers: list[int]
) -> None:
    links = posture_filters.pages(Filter(page=page), total)
    assert [link.number for link in links] == numbers


def test_only_the_sorted_column_says_so_and_turns_around() -> None:
    name, verdict, changed = posture_heads.heads(Filter(sort=Sort.NAME))
    assert (name.direction, name.query) == ("ascending", "sort=-name")
    assert (verdict.direction, verdict.query) == (None, "")
    assert (changed.direction, changed.query) == (None, "sort=changed")
    latest = posture_heads.heads(Filter(sort=Sort.CHANGED))[2]
    assert (latest.direction, latest.query) == ("descending", "sort=-changed")


def test_the_baseline_stands_first() -> None:
    assert [column.name for column in tab().columns] == ["Production", "Test"]


def test_the_shares_fill_the_bar() -> None:
    assert [total.width for total in tab().totals] == [0, 250, 0, 0, 750]


def test_a_fresh_whole_sync_needs_no_message() -> None:
    assert titles(tab()) == []


def test_old_data_says_how_old_and_offers_a_sync() -> None:
    (message,) = tab(sync(finished_at=NOW - timedelta(hours=49))).messages
    assert message.text == "It was last read 2 days ago; a sync is due every 24 hours."
    assert message.action == "sync"


def test_a_viewer_is_offered_nothing_that_would_be_refused() -> None:
    view = tab(
        sync(finished_at=NOW - timedelta(hours=49)),
        VIEWER,
        refused_at=NOW,
    )
    assert [message.action for message in view.messages] == ["", ""]
    assert "A space administrator can replace" in view.messages[0].text


def test_a_viewer_of_old_data_is_told_whom_to_ask() -> None:
    (message,) = tab(sync(finished_at=NOW - timedelta(hours=49)), VIEWER).messages
    assert message.action == ""
    assert message.text.endswith("Ask an editor of this space to sync now.")


def test_old_data_after_a_failed_sync_offers_one_way_on() -> None:
    failed = sync(state=State.FAILED, number=None, reason="Anypoint could not be reached.")
    old = sync(finished_at=NOW - timedelta(hours=49))
    said = tab(old, recent=(failed, old)).messages
    assert [message.label for message in said] == ["Try again", ""]


def test_a_failed_sync_says_why_and_that_nothing_was_lost() -> None:
    failed = sync(state=State.FAILED, number=None, reason="Anypoint could not be reached.")
    (message,) = tab(recent=(failed, sync())).messages
    assert message.text.startswith("Anypoint could not be reached. What was read before stays")


def test_far_fewer_apis_than_before_are_pointed_out() -> None:
    few = (part(TEST, instances=10), part(PRODUCTION, instances=10))
    latest = sync(environments=few)
    view = tab(latest, recent=(latest, sync(number=1)))
    assert titles(view) == ["Far fewer APIs than before"]
    assert [said.split()[0] for said in view.messages[0].items] == ["Test:", "Production:"]


def test_all_aligned_never_stands_without_its_coverage() -> None:
    published = Published(sync(), summary(aligned=4), PosturePage((), 4), Filter(), ())
    view = posture_view.connected(connection(), ADMIN, NOW, published=published)
    assert titles(view) == ["Every API is aligned"]
    assert "4 APIs in 2 environments, read completely" in view.messages[0].text


def test_what_is_wrong_stands_above_that_all_is_aligned() -> None:
    published = Published(sync(), summary(aligned=4), PosturePage((), 4), Filter(), ())
    failed = sync(state=State.FAILED, number=None, reason="Anypoint could not be reached.")
    view = posture_view.connected(
        connection(), ADMIN, NOW, recent=(failed, sync()), published=published
    )
    assert titles(view) == ["The last sync did not finish", "Every API is aligned"]


def test_an_environment_that_failed_makes_the_coverage_say_so() -> None:
    view = tab(sync(environments=(part(TEST, Outcome.FAILED), part(PRODUCTION))))
    assert view.coverage == "4 APIs; 1 of 2 environments read completely."


def test_progress_names_the_environment_being_read() -> None:
    running = sync(
        state=State.RUNNING,
        done=62,
        total=100,
        environments=(part(PRODUCTION), part(TEST, Outcome.PENDING, instances=12)),
    )
    shown = tab(recent=(running,)).sync
    assert shown is not None
    assert shown.line == "Reading Test: 62 of 100 API instances"
    said = [item.word for item in shown.environments]
    assert said == ["50 instances read", "12 instances so far"]


def test_nothing_found_is_not_the_text_of_no_match() -> None:
    published = Published(sync(), summary(), PosturePage((), 0), Filter(), ())
    view = posture_view.connected(connection(), ADMIN, NOW, published=published)
    assert (view.state, view.read_environments) == ("empty", "Test, Production")


def test_what_could_not_be_read_is_not_said_to_hold_no_api() -> None:
    failed = part(PRODUCTION, Outcome.FAILED)
    for rest, said in ((part(TEST, Outcome.PARTIAL), "Test"), (part(TEST, Outcome.FAILED), "")):
        latest = sync(environments=(rest, failed))
        published = Published(latest, summary(), PosturePage((), 0), Filter(), ())
        view = posture_view.connected(connection(), ADMIN, NOW, published=published)
        assert (view.state, view.read_environments) == ("empty", said)
        page = rendering.templates().get_template("posture/_empty.html").render(view=view)
        assert ("No environment could be read" in page) == (not said)
        assert ("No API was found" in page) == bool(said)


@pytest.mark.parametrize(
    ("number", "off", "automated", "said"),
    [
        (0, 0, 0, "Policies: none"),
        (1, 0, 0, "1 policy"),
        (3, 1, 2, "3 policies (1 off) +2 automated"),
        (None, 0, 0, "Policies: could not read"),
    ],
)
def test_none_off_and_unread_are_told_apart(
    number: int | None, off: int, automated: int, said: str
) -> None:
    assert sentences.policies(number, off, automated) == said


def test_thousands_are_apart_by_a_space_that_is_no_decimal_mark_in_any_language() -> None:
    assert sentences.found(1_250, 5_000) == "1\u202f250 of 5\u202f000 APIs"
    assert sentences.number(999) == "999"


def test_the_settings_say_who_saved_the_secret_without_naming_an_id() -> None:
    mine = settings_view.settings(connection(), AccountId("alice"), {"us": "https://a"})
    other = settings_view.settings(connection(), AccountId("bob"), {"us": "https://a"})
    named = settings_view.settings(connection(), AccountId("bob"), {"us": "https://a"}, "Ada")
    assert (mine.secret_saved_by, other.secret_saved_by, named.secret_saved_by) == (
        "by you",
        "by another administrator",
        "by Ada",
    )
