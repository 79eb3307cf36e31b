"""The descriptor, against Atlassian's own schemas of modules."""

import json
from copy import deepcopy
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from app.connect.descriptor import TEMPLATE, app_key, descriptor

SCHEMA = (
    Path(__file__).parents[2] / ".node/node_modules/@forge/manifest/out/schema/manifest-schema.json"
)
SINGLE = {"postInstallPage", "configurePage", "lifecycle", "translations", "cloudAppMigration"}
WITHOUT_KEY_IN_CONNECT = {"webhooks", "lifecycle"}
BASE_URL = "https://plumbline.example.com/deep"

TOP_LEVEL = {
    "type": "object",
    "required": ["key", "name", "baseUrl", "authentication", "modules", "lifecycle", "scopes"],
    "additionalProperties": False,
    "properties": {
        "key": {"type": "string", "pattern": "^[a-zA-Z0-9-._]{1,64}$"},
        "name": {"type": "string", "maxLength": 80},
        "description": {"type": "string", "maxLength": 1400},
        "baseUrl": {"type": "string", "pattern": "^https://[^?#]*[^/?#]$", "maxLength": 200},
        "vendor": {
            "type": "object",
            "required": ["name", "url"],
            "additionalProperties": False,
            "properties": {"name": {"type": "string"}, "url": {"type": "string"}},
        },
        "links": {"type": "object", "additionalProperties": {"type": "string"}},
        "authentication": {"const": {"type": "jwt"}},
        "apiVersion": {"type": "integer"},
        "scopes": {"const": ["READ", "ACT_AS_USER"]},
        "apiMigrations": {"const": {"gdpr": True, "context-qsh": True, "signed-install": True}},
        "lifecycle": {"type": "object"},
        "modules": {"type": "object"},
    },
}


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    assert SCHEMA.exists(), "Atlassian's schemas are not installed: make test installs them"
    return closed(json.loads(SCHEMA.read_text()))


def closed(node: Any) -> Any:
    """Close every object that lists its properties, so that a misspelt field is found."""
    if isinstance(node, list):
        return [closed(item) for item in node]
    if not isinstance(node, dict):
        return node
    shut = {name: closed(value) for name, value in node.items()}
    if isinstance(node.get("properties"), dict):
        shut.setdefault("additionalProperties", False)
    return shut


def problems(schema: dict[str, Any], name: str, value: Any) -> list[str]:
    modules = schema["definitions"]["ModuleSchema"]["properties"]
    if f"connect-confluence:{name}" not in modules:
        return [f"there is no module {name}"]
    entries = [value] if name in SINGLE else value
    if name in WITHOUT_KEY_IN_CONNECT:
        entries = [{"key": "any", **entry} for entry in entries]
    rule = {**modules[f"connect-confluence:{name}"], "definitions": schema["definitions"]}
    return [error.message for error in jsonschema.Draft7Validator(rule).iter_errors(entries)]


def parts() -> list[tuple[str, Any]]:
    whole = json.loads(TEMPLATE.read_text())
    return [*whole["modules"].items(), ("lifecycle", whole["lifecycle"])]


@pytest.mark.parametrize(("name", "value"), parts())
def test_every_module_is_one_that_atlassian_knows(schema, name, value):
    assert problems(schema, name, value) == []


@pytest.mark.parametrize(("name", "value"), parts())
def test_a_misspelt_field_would_be_found(schema, name, value):
    misspelt = deepcopy(value)
    (misspelt if name in SINGLE else misspelt[0])["urll"] = "/x"
    assert problems(schema, name, misspelt)


def test_a_module_that_does_not_exist_would_be_found(schema):
    assert problems(schema, "spacePages", [])


def test_the_top_level_is_whole():
    for filled in (json.loads(TEMPLATE.read_text()), descriptor(BASE_URL)):
        jsonschema.validate(filled, TOP_LEVEL)


def test_the_public_url_is_filled_in_where_it_belongs():
    filled = descriptor(BASE_URL)
    assert filled["baseUrl"] == filled["vendor"]["url"] == BASE_URL
    assert filled["links"]["self"] == f"{BASE_URL}/atlassian-connect.json"
    assert "plumbline.example.com" not in json.dumps(descriptor("https://other.example"))


def test_the_app_key_never_changes():
    assert app_key() == "plumbline"


def test_module_keys_are_unique_and_prefixed():
    modules = json.loads(TEMPLATE.read_text())["modules"]
    entries = [
        entry for one in modules.values() for entry in (one if isinstance(one, list) else [one])
    ]
    keys = [entry["key"] for entry in entries if "key" in entry]
    assert len(set(keys)) == len(keys)
    assert all(key.startswith("plumbline-") for key in keys)


def test_pages_of_a_space_are_told_the_space():
    modules = json.loads(TEMPLATE.read_text())["modules"]
    for name in ("generalPages", "spaceToolsTabs", "dialogs"):
        for page in modules[name]:
            assert page["url"].endswith("?spaceKey={space.key}&spaceId={space.id}")
