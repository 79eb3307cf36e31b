"""The Forge app as it would be deployed, against Atlassian's own checks."""

import re
from pathlib import Path

import pytest

from app.connect.descriptor import descriptor
from app.errors import BadConfiguration
from app.forge import publishing
from app.forge.modules import MODULES
from tests.forge.atlassian import APP_ID

BASE_URL = "https://plumbline.example.com/deep"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("forge")
    publishing.write_app(made, BASE_URL, APP_ID)
    return made


def test_the_manifest_passes_atlassians_lint(folder: Path) -> None:
    publishing.lint(folder)


def test_the_lint_would_find_what_is_wrong(folder: Path, tmp_path: Path) -> None:
    text = (folder / "manifest.yml").read_text()
    wrong = text.replace("nodejs24.x", "nodejs12.x").replace(
        "function: export-macro", "endpoint: x"
    )
    (tmp_path / "manifest.yml").write_text(wrong)
    with pytest.raises(BadConfiguration) as refused:
        publishing.lint(tmp_path)
    assert "nodejs12.x" in str(refused.value)
    assert "endpoint" in str(refused.value)


def test_what_the_lint_does_not_see_is_there(folder: Path) -> None:
    text = (folder / "manifest.yml").read_text()
    assert "events: [avi:forge:installed:app, avi:forge:upgraded:app]" in text
    assert "read:app-user-token" in text
    assert re.search(r"operations: \[.*compute.*\]", text)
    assert not re.search(r"\{(base_url|origin|app_id)\}", text)


def test_the_modules_are_those_that_the_door_knows(folder: Path) -> None:
    text = (folder / "manifest.yml").read_text()
    named = set(re.findall(r"- key: (plumbline-[a-z]+)\n", text))
    assert named == set(MODULES)


def test_only_the_origin_is_framed_and_the_path_is_called(folder: Path) -> None:
    text = (folder / "manifest.yml").read_text()
    assert 'frames: [{address: "https://plumbline.example.com"}]' in text
    assert 'baseUrl: "https://plumbline.example.com/deep"' in text
    page = (folder / "static" / "macro-config" / "index.html").read_text()
    assert 'data-origin="https://plumbline.example.com" data-route="config"' in page


@pytest.mark.parametrize(
    "url",
    [
        "http://plumbline.example.com",
        "https://192.0.2.1",
        "https://[2001:db8::1]",
        "https://localhost",
        "https://user@plumbline.example.com",
        "https://plumbline.example.com?x=1",
        "plumbline.example.com",
    ],
)
def test_a_url_that_forge_cannot_call_is_refused(url: str) -> None:
    with pytest.raises(BadConfiguration, match="--url"):
        publishing.checked_url(url)


def test_the_connect_manifest_passes_the_lint_too(tmp_path: Path) -> None:
    text = publishing.connect_manifest(descriptor(BASE_URL), APP_ID)
    (tmp_path / "manifest.yml").write_text(text)
    publishing.lint(tmp_path)
    assert "act-as-user:connect-confluence" in text


def test_the_bundles_are_one_file_each(folder: Path) -> None:
    for resource in ("main", "macro-config"):
        names = {path.name for path in (folder / "static" / resource).iterdir()}
        assert names == {"index.html", "shell.css", "shell.js"}
        assert "__bridge" in (folder / "static" / resource / "shell.js").read_text()
    assert (folder / "src" / "index.js").is_file()


def test_an_app_id_of_another_form_is_refused() -> None:
    with pytest.raises(BadConfiguration, match="--app-id"):
        publishing.checked_app_id("plumbline")


def test_the_steps_name_the_setting(folder: Path) -> None:
    assert f"  PLUMBLINE_FORGE_APP_IDS={APP_ID}" in publishing.steps(folder, BASE_URL, APP_ID)
