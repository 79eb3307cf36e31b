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
