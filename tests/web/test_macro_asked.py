"""A macro's parameters: whatever they hold is input, and is understood or taken as the usual."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.exports.storage_format import Display
from app.store.posture_rows import Filter
from app.web.macros.asked import Instance, MacroKind, Mode, asked, filter_of, instance_of

ROOT = "https://eu1.anypoint.mulesoft.com/apimanager/#/organizations/o-1/environments"


def test_frozen_is_the_usual() -> None:
    wanted = asked(MacroKind.OVERVIEW, {})
    assert (wanted.mode, wanted.has_snapshot, wanted.days) == (Mode.FROZEN, False, 90)
    assert (wanted.display, wanted.wanted) == (Display.SUMMARY, Filter())


def test_a_pasted_address_is_live_until_a_snapshot_is_chosen() -> None:
    pasted = {"instance": f"{ROOT}/e-1/apis/42"}
    assert asked(MacroKind.API, pasted).mode is Mode.LIVE
    assert asked(MacroKind.API, {**pasted, "snapshot": "x"}).mode is Mode.FROZEN


@pytest.mark.parametrize("rest", ["", "/settings", "?tab=1"])
def test_an_address_leads_to_its_instance(rest: str) -> None:
    assert instance_of(f"{ROOT}/e-1/apis/42{rest}") == Instance("e-1", 42)


@pytest.mark.parametrize(
    "url",
    ["", "42", "javascript:alert(1)", f"{ROOT}/e-1/apis/x", f"{ROOT}/e\0/apis/42", ROOT],
)
def test_any_other_address_leads_nowhere(url: str) -> None:
    assert instance_of(url) is None


def test_a_filter_is_as_in_the_address_of_the_tab() -> None:
    wanted = filter_of("search=ord&verdict=threat&verdict=drift&environment=e-1")
    assert wanted == Filter(search="ord", verdicts=("threat", "drift"), environments=("e-1",))


@pytest.mark.parametrize("text", ["verdict=green", "size=1000", "other=1", "a", "x" * 5000])
def test_an_odd_filter_is_none_rather_than_everything(text: str) -> None:
    assert filter_of(text) is None


@given(st.dictionaries(st.sampled_from(["mode", "snapshot", "api", "filter", "days"]), st.text()))
def test_no_parameter_breaks_anything(parameters: dict[str, str]) -> None:
    wanted = asked(MacroKind.TREND, parameters)
    assert wanted.days in {30, 90, 365}
    assert wanted.snapshot_id in {"", parameters.get("snapshot", "")}
