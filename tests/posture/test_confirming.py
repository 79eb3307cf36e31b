"""What an earlier sync found stays while nobody can tell whether it is still so."""

import pytest

from app.posture.confirming import INSTANCES, needs_what_was_not_read
from app.posture.model import Kind, NotRead

HERE, THERE = "dev", "prod"


@pytest.mark.parametrize("kind", list(Kind))
def test_without_the_list_of_its_environment_no_finding_can_be_confirmed(kind: Kind) -> None:
    assert needs_what_was_not_read(kind, {HERE}, [NotRead(INSTANCES, HERE, "timeout")])


def test_an_api_that_is_not_deployed_waits_for_the_list_where_it_was_missing() -> None:
    unread = [NotRead(INSTANCES, THERE, "timeout")]
    assert needs_what_was_not_read(Kind.API_NOT_DEPLOYED, {HERE}, unread)
    assert not needs_what_was_not_read(Kind.POLICY_MISSING, {HERE}, unread)


def test_a_finding_waits_for_its_own_section_alone() -> None:
    unread = [NotRead("tiers", HERE, "forbidden")]
    assert needs_what_was_not_read(Kind.TIER_MISSING, {HERE}, unread)
    assert not needs_what_was_not_read(Kind.CONTRACT_MISSING, {HERE}, unread)
    assert not needs_what_was_not_read(Kind.API_NOT_DEPLOYED, {HERE}, unread)


@pytest.mark.parametrize("kind", list(Kind))
def test_where_all_was_read_everything_can_be_confirmed(kind: Kind) -> None:
    assert not needs_what_was_not_read(kind, {HERE}, [])


def test_one_unread_list_among_others_that_say_nothing_of_it_is_enough() -> None:
    unread = [NotRead("contracts", HERE, "forbidden"), NotRead("tiers", HERE, "forbidden")]
    assert needs_what_was_not_read(Kind.TIER_MISSING, {HERE}, unread)
    assert not needs_what_was_not_read(Kind.TIER_MISSING, {THERE}, unread)


@pytest.mark.parametrize("section", ["policies", "automated", "tiers", "contracts"])
def test_a_rule_waits_for_every_list_that_rules_are_about(section: str) -> None:
    assert needs_what_was_not_read(Kind.POSTURE, {HERE}, [NotRead(section, HERE, "forbidden")])
