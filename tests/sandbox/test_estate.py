"""Estates of any size: the same for the same seed, with names that are nobody else's."""

import pytest

from sandbox.estate import DIVISIONS, MOST_APIS, build


def test_an_estate_of_thousands_has_no_two_apis_of_one_name() -> None:
    estate = build(seed=3, apis=1667, environments=3)
    keys = [api.key for api in estate.apis]
    ids = [item.instance_id for api in estate.apis for item in api.instances]
    assert len(set(keys)) == len(keys) >= 1667
    assert len(set(ids)) == len(ids) >= 4900


def test_only_estates_too_large_for_plain_names_have_divisions() -> None:
    names = [api.name for api in build(seed=3, apis=600, environments=1).apis]
    assert not any(division in name for division in DIVISIONS for name in names)


def test_more_apis_than_there_are_names_for_are_refused() -> None:
    with pytest.raises(ValueError, match="there are names for"):
        build(apis=MOST_APIS + 1)
