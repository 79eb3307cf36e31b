"""The settings: the only reader of the environment. `docs/contract` names are fixed."""

import base64
import binascii
import ipaddress
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import (
    Field,
    PositiveInt,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, SettingsConfigDict, SettingsError

from app.errors import BadConfiguration

KEY_BYTES = 32

ORIGIN = re.compile(r"https?://(\[[0-9a-f:.]+\]|[a-z0-9._*-]+)(:[0-9]{1,5})?", re.IGNORECASE)
"""What may stand in a content security policy: nothing that would end its part of it."""

HOUR = 3600
DAY = 24 * HOUR
CENTURY_DAYS = 36_500

FORGE_APP_ID = re.compile(r"ari:cloud:ecosystem::app/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")

CONTROL_PLANES = {
    "us": "https://anypoint.mulesoft.com",
    "eu": "https://eu1.anypoint.mulesoft.com",
    "ca": "https://ca1.platform.mulesoft.com",
    "jp": "https://jp1.platform.mulesoft.com",
    "au": "https://au1.platform.mulesoft.com",
    "gov": "https://gov.anypoint.mulesoft.com",
}
"""Anypoint's own control planes, id to base URL."""


class Settings(BaseSettings):
    """Everything that an operator may set, each as `PLUMBLINE_<NAME>`."""

    model_config = SettingsConfigDict(env_prefix="PLUMBLINE_", extra="ignore", frozen=True)

    base_url: str = Field(
        default="http://127.0.0.1:8080",
        description="Public URL of this deployment, no trailing slash; may have a path.",
    )
    host: str = Field(
        default="127.0.0.1", min_length=1, description="Address on which `serve` listens."
    )
    port: int = Field(default=8080, ge=0, le=65535, description="Port on which `serve` listens.")
    database_url: SecretStr = Field(
        default=SecretStr(""),
        description="`postgresql://…` of the app's role; empty starts the embedded Postgres.",
    )
    migration_database_url: SecretStr = Field(
        default=SecretStr(""),
        description="The owner's URL, for `migrate`; empty means the same role for both.",
    )
    data_dir: Path = Field(
        default=Path(".plumbline"), description="Embedded Postgres and generated keys."
    )
    encryption_keys: SecretStr = Field(
        default=SecretStr(""),
        description="`id:base64,id:base64`; the first encrypts, all decrypt.",
    )
    install_keys_url: str = Field(
        default="https://connect-install-keys.atlassian.com",
        description="Where install keys are fetched, `/{kid}` appended.",
    )
    atlassian_oauth_url: str = Field(
        default="https://oauth-2-authorization-server.services.atlassian.com",
        description="Authorization server for acting as a user.",
    )
    connect_script_url: str = Field(
        default="https://connect-cdn.atl-paas.net/all.js",
        description="The host's script; its origin enters the content security policy.",
    )
    confluence_hosts: str = Field(
        default="https://*.atlassian.net,https://*.jira.com",
        description="Allowed origins of sites, comma-separated.",
    )
    control_planes: dict[str, str] = Field(
        default_factory=dict, description="JSON object id → base URL, added to the built-in ones."
    )
    worker: Literal["inline", "external"] = Field(
        default="inline", description="Whether `serve` runs a worker inside."
    )
    sync_concurrency: int = Field(
        default=16, ge=1, le=64, description="Requests in flight per connection."
    )
    lease_seconds: int = Field(
        default=30, ge=5, le=HOUR, description="How long a silent worker keeps its job."
    )
    request_timeout_seconds: PositiveInt = Field(
        default=20, le=HOUR, description="Limit of one upstream call."
    )
    retry_wait_cap_seconds: PositiveInt = Field(
        default=90, le=DAY, description="Longest wait before an upstream call is tried again."
    )
    permission_cache_seconds: int = Field(
        default=60,
        ge=0,
        le=300,
        description="How long a right to view is remembered; never to write.",
    )
    retention_days: PositiveInt = Field(
        default=400, le=CENTURY_DAYS, description="How long history is kept."
    )
    uninstall_retention_days: PositiveInt = Field(
        default=30,
        le=CENTURY_DAYS,
        description="How long data is kept after an uninstallation.",
    )
    forge_app_ids: str = Field(
        default="", description="App ids of the Forge door, comma-separated; empty closes it."
    )
    forge_jwks_url: str = Field(
        default="https://forge.cdn.prod.atlassian-dev.net/.well-known/jwks.json",
        description="Keys of Forge's invocation tokens.",
    )
    forge_silence_days: PositiveInt = Field(
        default=90,
        le=CENTURY_DAYS,
        description="A site of the Forge door that is silent for so long is treated as uninstalled.",
    )
    pipeline_token: SecretStr = Field(
        default=SecretStr(""),
        description="A space's token, for `plumbline readiness` alone; nothing else reads it.",
    )
    metrics_port: int | None = Field(
        default=None, ge=1, le=65535, description="Prometheus metrics on loopback; empty is off."
    )
    log_format: Literal["json", "text"] = Field(
        default="text", description="Form of the log on standard error."
    )

    @field_validator("metrics_port", mode="before")
    @classmethod
    def _empty_is_off(cls, value: object) -> object:
        return None if value == "" else value

    @field_validator("base_url")
    @classmethod
    def _base_url_is_usable(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError("must be an http or https URL")
        if value.endswith("/") or parts.query or parts.fragment or parts.username:
            raise ValueError("must have no trailing slash, query, fragment or user")
        if len(value) > 200:
            raise ValueError("must have at most 200 characters")
        return value

    @field_validator("database_url", "migration_database_url")
    @classmethod
    def _is_postgres(cls, value: SecretStr) -> SecretStr:
        url = value.get_secret_value()
        if url and urlsplit(url).scheme not in {"postgresql", "postgres"}:
            raise ValueError("must begin with postgresql://")
        if url and not is_read_by_the_driver(url):
            raise ValueError("cannot be read: escape what is special in it, as %40 for @")
        return value

    @field_validator("encryption_keys")
    @classmethod
    def _keys_are_whole(cls, value: SecretStr) -> SecretStr:
        if value.get_secret_value():
            parse_keys(value.get_secret_value())
        return value

    @field_validator("connect_script_url")
    @classmethod
    def _script_has_options(cls, value: str) -> str:
        # The host script reads its data-options under these two addresses only.
        if "/atlassian-connect/all" not in value and "/connect-cdn.atl-paas.net/all" not in value:
            raise ValueError("its path must contain /atlassian-connect/all")
        parts = urlsplit(value)
        if not ORIGIN.fullmatch(f"{parts.scheme}://{parts.netloc}"):
            raise ValueError("must be an http or https URL")
        return value

    @field_validator("install_keys_url", "atlassian_oauth_url")
    @classmethod
    def _paths_can_be_appended(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError("must be an http or https URL")
        if parts.query or parts.fragment:
            raise ValueError("must have no query or fragment")
        return value

    @field_validator("forge_jwks_url")
    @classmethod
    def _keys_come_safely(cls, value: str) -> str:
        parts = urlsplit(value)
        is_here = parts.scheme == "http" and is_loopback(parts.hostname or "")
        if not parts.hostname or not (parts.scheme == "https" or is_here):
            raise ValueError("must be an https URL")
        return value

    @field_validator("forge_app_ids")
    @classmethod
    def _app_ids_are_whole(cls, value: str) -> str:
        for item in (item.strip() for item in value.split(",") if item.strip()):
            if not FORGE_APP_ID.fullmatch(item):
                raise ValueError(f"{item!r} is not ari:cloud:ecosystem::app/<uuid>")
        return value

    @field_validator("confluence_hosts")
    @classmethod
    def _hosts_are_origins(cls, value: str) -> str:
        origins = [item.strip() for item in value.split(",") if item.strip()]
        if not origins:
            raise ValueError("must name at least one origin, or no site could install")
        for origin in origins:
            if not ORIGIN.fullmatch(origin):
                raise ValueError(f"{origin!r} is not an origin")
            parts = urlsplit(origin)
            if parts.scheme == "http" and not is_loopback(parts.hostname or ""):
                raise ValueError(f"{origin!r} must be https")
        return value

    @field_validator("control_planes")
    @classmethod
    def _planes_are_urls(cls, value: dict[str, str]) -> dict[str, str]:
        for name, url in value.items():
            parts = urlsplit(url)
            if parts.scheme not in {"http", "https"} or not parts.hostname:
                raise ValueError(f"{name!r} must name an http or https URL")
        return {name: url.rstrip("/") for name, url in value.items()}

    @model_validator(mode="after")
    def _a_served_database_needs_keys(self) -> Self:
        if self.database_url.get_secret_value() and not self.encryption_keys.get_secret_value():
            raise ValueError("PLUMBLINE_ENCRYPTION_KEYS is required with PLUMBLINE_DATABASE_URL")
        return self

    @property
    def all_control_planes(self) -> dict[str, str]:
        """Every control plane that a space may choose, id to base URL."""
        return {**CONTROL_PLANES, **self.control_planes}

    @property
    def forge_apps(self) -> tuple[str, ...]:
        """The app ids of the Forge door; none closes it."""
        return tuple(item.strip() for item in self.forge_app_ids.split(",") if item.strip())

    @property
    def confluence_origins(self) -> tuple[str, ...]:
        """The origins that a site's base URL may have, `*` for one or more labels."""
        return tuple(item.strip() for item in self.confluence_hosts.split(",") if item.strip())

    @property
    def operator_origins(self) -> tuple[str, ...]:
        """The places outside that the operator wrote out, and that may therefore be private."""
        hosts = {"install_keys_url", "atlassian_oauth_url", "forge_jwks_url"}
        named = (str(getattr(self, name)) for name in sorted(hosts & self.model_fields_set))
        return (*self.confluence_origins, *self.control_planes.values(), *named)

    @classmethod
    def from_environment(cls) -> "Settings":
        """Return the settings, or raise `BadConfiguration` naming the first that cannot work."""
        try:
            return cls()
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            name = "_".join(str(part) for part in first["loc"][:1]).upper()
            words = first["msg"].removeprefix("Value error, ")
            setting = f"PLUMBLINE_{name}" if name else "Settings"
            raise BadConfiguration(f"{setting}: {words}") from None
        except SettingsError as error:
            name = next(name for name in cls.model_fields if f'"{name}"' in str(error))
            raise BadConfiguration(f"PLUMBLINE_{name.upper()}: must be a JSON object") from None


def is_read_by_the_driver(url: str) -> bool:
    """Tell whether a database can be asked for by a URL; the driver's own words repeat the password."""
    # Here, not above: a pipeline's question is asked without a database, and at once.
    from psycopg import ProgrammingError  # noqa: PLC0415
    from psycopg.conninfo import conninfo_to_dict  # noqa: PLC0415

    try:
        ports = str(conninfo_to_dict(url).get("port", ""))
    except ProgrammingError:
        return False
    return all(port.isdigit() for port in ports.split(",") if port)


def parse_keys(text: str) -> dict[str, bytes]:
    """Return the encryption keys by id, the encrypting one first; ValueError if one is not whole."""
    keys: dict[str, bytes] = {}
    for item in text.split(","):
        key_id, colon, encoded = item.strip().partition(":")
        if not colon or not key_id.isalnum() or len(key_id) > 32 or key_id in keys:
            raise ValueError("must be id:base64,id:base64 with different ids of letters and digits")
        try:
            key = base64.b64decode(encoded, validate=True)
        except binascii.Error:
            raise ValueError(f"key {key_id!r} is not base64") from None
        if len(key) != KEY_BYTES:
            raise ValueError(f"key {key_id!r} must have {KEY_BYTES} bytes")
        keys[key_id] = key
    return keys


def written_keys(keys: Mapping[str, bytes]) -> str:
    """Return keys as the setting writes them."""
    return ",".join(f"{key_id}:{base64.b64encode(key).decode()}" for key_id, key in keys.items())


def is_loopback(host: str) -> bool:
    """Tell whether a host name is this machine's own."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
