"""The settings: what cannot work stops the start with one line that names it."""

import base64

import pytest

from app.errors import BadConfiguration
from app.settings import Settings, parse_keys, written_keys

KEY = base64.b64encode(b"k" * 32).decode()


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(f"PLUMBLINE_{name.upper()}", raising=False)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("BASE_URL", "https://plumbline.example.com/"),
        ("BASE_URL", "ftp://plumbline.example.com"),
        ("BASE_URL", "https://user@plumbline.example.com"),
        ("BASE_URL", "https://plumbline.example.com/" + "x" * 200),
        ("DATABASE_URL", "mysql://localhost/plumbline"),
        ("ENCRYPTION_KEYS", "k1:short"),
        ("ENCRYPTION_KEYS", f"k1:{KEY},k1:{KEY}"),
        ("ENCRYPTION_KEYS", "k1:c2hvcnQ="),
        ("CONNECT_SCRIPT_URL", "https://cdn.example.com/script.js"),
        ("CONNECT_SCRIPT_URL", "/atlassian-connect/all.js"),
        ("CONNECT_SCRIPT_URL", "https://cdn.example.com; b/atlassian-connect/all.js"),
        ("INSTALL_KEYS_URL", "keys.example.com"),
        ("INSTALL_KEYS_URL", "https://keys.example.com?of=us"),
        ("ATLASSIAN_OAUTH_URL", ""),
        ("CONFLUENCE_HOSTS", ""),
        ("CONFLUENCE_HOSTS", "https://wiki.example.com;b"),
        ("CONFLUENCE_HOSTS", "http://wiki.example.com"),
        ("CONFLUENCE_HOSTS", "https://wiki.example.com/path"),
        ("CONTROL_PLANES", '{"own": "file:///etc"}'),
        ("CONTROL_PLANES", "{"),
        ("WORKER", "sometimes"),
        ("SYNC_CONCURRENCY", "0"),
        ("LEASE_SECONDS", "1"),
        ("LEASE_SECONDS", "99999999999"),
        ("REQUEST_TIMEOUT_SECONDS", "3601"),
        ("RETRY_WAIT_CAP_SECONDS", "86401"),
        ("RETENTION_DAYS", "99999999999"),
        ("UNINSTALL_RETENTION_DAYS", "36501"),
        ("FORGE_SILENCE_DAYS", "36501"),
        ("HOST", ""),
        ("METRICS_PORT", "70000"),
        ("LOG_FORMAT", "xml"),
    ],
)
def test_a_setting_that_cannot_work_is_named(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(f"PLUMBLINE_{name}", value)
    with pytest.raises(BadConfiguration, match=f"^PLUMBLINE_{name}: "):
        Settings.from_environment()


@pytest.mark.parametrize(
    "address",
    [
        "hunter%zz@localhost/plumbline",
        "hunter2/3@localhost/plumbline",
        "hunter2@localhost/plumbline?bogus=1",
    ],
)
def test_an_address_that_no_driver_reads_stops_the_start_without_its_password(
    monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    monkeypatch.setenv("PLUMBLINE_DATABASE_URL", f"postgresql://u:{address}")
    with pytest.raises(BadConfiguration, match=r"^PLUMBLINE_DATABASE_URL: ") as refused:
        Settings.from_environment()
    assert "hunter" not in str(refused.value)


def test_an_address_may_escape_what_is_special_and_name_the_drivers_options(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    address = "postgresql://u:p%40ss@[::1]:5432,other/plumbline?sslmode=require"
    monkeypatch.setenv("PLUMBLINE_DATABASE_URL", address)
    monkeypatch.setenv("PLUMBLINE_ENCRYPTION_KEYS", f"k1:{KEY}")
    assert Settings.from_environment().database_url.get_secret_value() == address


def test_a_served_database_needs_encryption_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLUMBLINE_DATABASE_URL", "postgresql://localhost/plumbline")
    with pytest.raises(BadConfiguration, match="PLUMBLINE_ENCRYPTION_KEYS"):
        Settings.from_environment()


def test_the_defaults_work() -> None:
    settings = Settings.from_environment()
    assert settings.base_url == "http://127.0.0.1:8080"
    assert settings.metrics_port is None


def test_an_empty_metrics_port_is_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLUMBLINE_METRICS_PORT", "")
    assert Settings.from_environment().metrics_port is None


def test_control_planes_of_the_operator_stand_beside_anypoints_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PLUMBLINE_CONTROL_PLANES", '{"own": "https://anypoint.example.com/"}')
    planes = Settings.from_environment().all_control_planes
    assert planes["own"] == "https://anypoint.example.com"
    assert planes["eu"] == "https://eu1.anypoint.mulesoft.com"


def test_only_what_the_operator_wrote_out_may_be_private(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLUMBLINE_INSTALL_KEYS_URL", "http://127.0.0.1:9/keys")
    origins = Settings.from_environment().operator_origins
    assert "http://127.0.0.1:9/keys" in origins
    assert not any("oauth-2-authorization-server" in origin for origin in origins)


def test_no_secret_is_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLUMBLINE_ENCRYPTION_KEYS", f"k1:{KEY}")
    monkeypatch.setenv("PLUMBLINE_DATABASE_URL", "postgresql://u:hunter2@localhost/plumbline")
    shown = repr(Settings.from_environment())
    assert KEY not in shown
    assert "hunter2" not in shown


def test_keys_are_read_as_they_are_written() -> None:
    keys = {"k2": b"a" * 32, "k1": b"b" * 32}
    assert parse_keys(written_keys(keys)) == keys
