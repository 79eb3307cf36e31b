"""The documents say what is: the token matrix, the tests that are named, the bill of materials."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from app import cli, commands
from app.main import web_routes
from app.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = ROOT / "docs" / "security.md"


def test_the_matrix_is_the_route_manifest():
    """Where this fails: `plumbline routes --markdown`, between the two marks."""
    _, _, rest = DOCUMENT.read_text().partition("<!-- matrix -->\n")
    table, _, _ = rest.partition("\n<!-- end of matrix -->")
    assert table == commands.written_table(web_routes(Settings()))


def test_the_command_prints_the_manifest(capsys, monkeypatch):
    assert cli.main(["routes", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == web_routes(Settings())


@pytest.mark.parametrize(
    "name", sorted(set(re.findall(r"`(tests/[\w/.]+)`", DOCUMENT.read_text())))
)
def test_every_test_that_is_named_exists(name):
    assert "def test_" in (ROOT / name).read_text()


def test_the_bill_of_materials_names_every_pin_with_its_hashes():
    script = [sys.executable, ".ci/sbom.py"]
    written = [subprocess.run(script, cwd=ROOT, capture_output=True, check=True) for _ in range(2)]
    assert written[0].stdout == written[1].stdout
    bill = json.loads(written[0].stdout)
    pins = re.findall(
        r"^([a-z0-9-]+)(?:\[\w+\])?==(\S+)", (ROOT / "requirements.txt").read_text(), re.M
    )
    assert [(one["name"], one["version"]) for one in bill["components"]] == pins
    digests = [digest["content"] for one in bill["components"] for digest in one["hashes"]]
    assert all(one["hashes"] for one in bill["components"])
    assert len(digests) == (ROOT / "requirements.txt").read_text().count("--hash=sha256:")
