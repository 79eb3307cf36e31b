"""One site at its limit does not slow another."""

from contextlib import ExitStack

import pytest

from app.caller import AccountId, Caller, Door, SiteId
from app.errors import TooSoon
from app.web.turns import AT_ONCE, BURST, SITE_BURST, Turns


def person(site: str = "ours", account: str = "alice") -> Caller:
    return Caller(SiteId(site), Door.CONNECT, AccountId(account))


def test_a_site_has_so_many_requests_under_way_and_another_site_its_own():
    turns = Turns()
    with ExitStack() as held:
        for _ in range(AT_ONCE):
            held.enter_context(turns.taken(person(), is_command=False))
        with pytest.raises(TooSoon), turns.taken(person(account="bob"), is_command=False):
            pass
        held.enter_context(turns.taken(person("theirs"), is_command=False))
    with turns.taken(person(), is_command=False):
        pass


def test_a_refused_command_becomes_possible_when_the_time_it_was_told_has_passed():
    now = [0.0]
    turns = Turns(clock=lambda: now[0])
    for _ in range(BURST):
        with turns.taken(person(), is_command=True):
            pass
    with pytest.raises(TooSoon) as refused, turns.taken(person(), is_command=True):
        pass
    now[0] += refused.value.retry_after
    with turns.taken(person(), is_command=True):
        pass


def test_a_site_asks_so_often_and_then_waits_while_another_site_does_not():
    now = [0.0]
    turns = Turns(clock=lambda: now[0])
    for number in range(SITE_BURST):
        with turns.taken(person(account=f"person-{number % 7}"), is_command=False):
            pass
    with pytest.raises(TooSoon) as refused, turns.taken(person(), is_command=False):
        pass
    with turns.taken(person("theirs"), is_command=False):
        pass
    now[0] += refused.value.retry_after
    with turns.taken(person(), is_command=False):
        pass
