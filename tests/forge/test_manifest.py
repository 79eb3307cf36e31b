"""The Forge app as it would be deployed, against Atlassian's own checks."""

import json
import os
import re
import subprocess
from copy import deepcopy
from pathlib import Path
from shutil import which
from typing import Any

import jsonschema
import pytest
import yaml

from app.connect.descriptor import descriptor
from app.errors import BadConfiguration
from app.forge import publishing
from app.forge.modules import MODULES
from tests.connect.test_descriptor import SCHEMA, closed
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
    wrong = text.replace("nodejs24.x", "nodejs12.x").replace("function: export-api", "endpoint: x")
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


DOCUMENTED = {"categories"}
"""What the reference of a macro names and the schema leaves out."""


def misspelt(manifest: dict[str, Any]) -> list[str]:
    """Return what no schema of a module knows: the lint lets it pass, and Forge ignores it."""
    schema = closed(json.loads(SCHEMA.read_text()))
    rules = schema["definitions"]["ModuleSchema"]["properties"]
    said = {
        name: [{k: v for k, v in entry.items() if k not in DOCUMENTED} for entry in entries]
        for name, entries in manifest["modules"].items()
    }
    return [
        error.message
        for name, entries in said.items()
        for error in jsonschema.Draft7Validator(
            {**rules[name], "definitions": schema["definitions"]}
        ).iter_errors(entries)
    ]


def test_every_field_of_every_module_is_one_that_forge_knows(folder: Path) -> None:
    manifest = yaml.safe_load((folder / "manifest.yml").read_text())
    assert misspelt(manifest) == []
    wrong = deepcopy(manifest)
    wrong["modules"]["macro"][0]["categorys"] = ["reporting"]
    assert misspelt(wrong)


def test_the_scopes_are_those_that_our_questions_to_confluence_need(folder: Path) -> None:
    """As the REST API v2 lists them: operations and spaces, and the bulk lookup of users."""
    manifest = yaml.safe_load((folder / "manifest.yml").read_text())
    scopes = manifest["permissions"]["scopes"]
    assert scopes == ["read:app-user-token", "read:space:confluence", "read:user:confluence"]
    told = "\n".join(publishing.hosts_and_scopes(BASE_URL))
    assert all(f"scope: {scope} " in told for scope in scopes)


def test_a_function_and_the_shell_each_take_the_persons_token_along(folder: Path) -> None:
    """As "Forge Remote essentials" says: the remote's own for functions, the endpoint's for pages."""
    manifest = yaml.safe_load((folder / "manifest.yml").read_text())
    backend = next(one for one in manifest["modules"]["endpoint"] if one["key"] == "backend")
    for one in (manifest["remotes"][0], backend):
        assert one["auth"] == {"appUserToken": {"enabled": True}}


def test_each_macro_has_an_export_of_its_own(folder: Path) -> None:
    modules = yaml.safe_load((folder / "manifest.yml").read_text())["modules"]
    handlers = {one["key"]: one["handler"] for one in modules["function"]}
    exports = {one["key"]: handlers[one["adfExport"]["function"]] for one in modules["macro"]}
    assert exports == {
        "plumbline-api": "index.exportApi",
        "plumbline-overview": "index.exportOverview",
        "plumbline-trend": "index.exportTrend",
    }


EXPORTING = """
const asked = [];
global.__forge_fetch__ = async (target, path, options) => {
  asked.push({ target, path, body: JSON.parse(options.body) });
  return { ok: true, headers: new Headers(), json: async () => ({ adf: { type: "doc" } }) };
};
const [folder, name, payload] = process.argv.slice(1);
require(folder)[name](JSON.parse(payload)).then((document) => {
  console.log(JSON.stringify({ asked, document }));
});
"""


def exported(folder: Path, name: str, payload: dict[str, Any]) -> Any:
    node = which("node", path=f"{os.environ['PATH']}:{publishing.ROOT / '.venv' / 'bin'}")
    command = [node or "node", "-e", EXPORTING, str(folder / "src"), name, json.dumps(payload)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


PLACE = {"cloudId": "cloud", "localId": "local", "spaceKey": "ORD"}
INSIDE = {"content": {"id": "1"}, "space": {"key": "ORD", "id": "65538"}}
PARAMETERS = {"mode": "frozen", "snapshot": "0b0c"}


@pytest.mark.parametrize(
    "payload",
    [
        {"exportType": "word", "context": {**PLACE, "contentId": "1", "config": PARAMETERS}},
        {
            "exportType": "pdf",
            "context": {"cloudId": "cloud", "extension": INSIDE},
            "extensionPayload": {"config": PARAMETERS},
        },
        {"exportType": "other", "config": PARAMETERS, "context": {**PLACE, "config": {}}},
        {"exportType": "pdf", "context": {**PLACE, "extension": {"config": PARAMETERS}}},
    ],
    ids=["word", "pdf", "documented", "as on the page"],
)
def test_a_macros_parameters_are_found_wherever_an_output_has_them(
    folder: Path, payload: dict[str, Any]
) -> None:
    told = exported(folder, "exportOverview", payload)
    [asked] = told["asked"]
    assert (asked["target"], asked["path"]) == ({"type": "frc", "remote": "core"}, "/forge/export")
    assert asked["body"] == {
        "module": "plumbline-overview",
        "parameters": PARAMETERS,
        "space": "ORD",
    }
    assert told["document"] == {"type": "doc"}


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
