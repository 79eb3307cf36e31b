"""The tables. All but `agenda` show a site's rows to that site alone, by row-level security.

A row of a change-only table is valid for the published syncs `from_number <= n < to_number`;
`to_number` is `OPEN` while it is current.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

OPEN = 2**63 - 1
"""The `to_number` of a row that is still current."""

TIME = DateTime(timezone=True)
UUID = Uuid(as_uuid=False)

metadata = MetaData()


def _key(name: str, kind: object) -> Column[object]:
    return Column(name, kind, primary_key=True, autoincrement=False)  # type: ignore[arg-type]


def _must(name: str, kind: object) -> Column[object]:
    return Column(name, kind, nullable=False)  # type: ignore[arg-type]


def _may(name: str, kind: object) -> Column[object]:
    return Column(name, kind)  # type: ignore[arg-type]


def _site() -> Column[object]:
    to_site = ForeignKey("sites.site_id", ondelete="CASCADE")
    return Column("site_id", UUID, to_site, primary_key=True, autoincrement=False)


def _space() -> tuple[Column[object], Column[object], ForeignKeyConstraint]:
    to_connection = ForeignKeyConstraint(
        ["site_id", "space_id"],
        ["connections.site_id", "connections.space_id"],
        ondelete="CASCADE",
    )
    return _key("site_id", UUID), _key("space_id", Text), to_connection


sites = Table(
    "sites",
    metadata,
    _key("site_id", UUID),
    _must("fingerprint_key", LargeBinary),  # sealed
    _must("created_at", TIME),
    _may("purge_after", TIME),
)

installations = Table(
    "installations",
    metadata,
    _site(),
    _key("door", Text),
    _must("issuer", Text),
    _must("base_url", Text),
    _must("display_url", Text),
    _may("oauth_client_id", Text),
    _may("shared_secret", LargeBinary),  # sealed; null once uninstalled
    _must("installed_at", TIME),
    _may("uninstalled_at", TIME),
    _must("enabled", Boolean),
    # The one unique key without a site: who claims an issuer has proven it by Atlassian's signature.
    UniqueConstraint("door", "issuer", name="installations_issuer_key"),
)

install_tokens = Table(
    "install_tokens",
    metadata,
    _site(),
    _key("token_digest", LargeBinary),
    _must("body_digest", LargeBinary),
    _must("expires_at", TIME),
)

agenda = Table(
    "agenda",
    metadata,
    _site(),
    _key("space_id", Text),  # '' speaks of the site as a whole
    _may("next_sync_at", TIME),
    _may("purge_at", TIME),
)

connections = Table(
    "connections",
    metadata,
    _site(),
    _key("space_id", Text),
    _must("version", Integer),
    _must("control_plane", Text),
    _may("organization_id", Text),
    _may("organization_name", Text),
    _must("client_id", Text),
    _may("client_secret", LargeBinary),  # sealed; null once the connection is removed
    _may("secret_saved_at", TIME),
    _may("secret_saved_by", Text),
    _may("environment_ids", JSONB(none_as_null=True)),
    _may("baseline_environment_id", Text),
    _must("sync_interval_hours", Integer),
    _must("ignored_application_suffixes", JSONB),
    _must("group_names", JSONB),
    _may("published_number", BigInteger),
    _may("published_sync_id", UUID),
    _may("refused_at", TIME),
    _may("removed_at", TIME),
    _must("created_at", TIME),
    _must("updated_at", TIME),
)

connection_environments = Table(
    "connection_environments",
    metadata,
    *_space(),
    _key("environment_id", Text),
    _must("position", Integer),
    _must("name", Text),
    _must("type", Text),
)

syncs = Table(
    "syncs",
    metadata,
    *_space(),
    _key("sync_id", UUID),
    _may("number", BigInteger),  # 1, 2, 3… per space, given at publishing
    _must("state", Text),
    _must("attempt", Integer),
    _may("lease_until", TIME),
    _must("connection_version", Integer),
    _may("baseline_environment_id", Text),  # as it was compared with
    _may("requested_by", Text),
    _must("requested_at", TIME),
    _may("started_at", TIME),
    _may("finished_at", TIME),
    _must("done", Integer),
    _may("total", Integer),
    _may("reason", Text),
    _must("requests", Integer),
    UniqueConstraint("site_id", "space_id", "number", name="syncs_number_key"),
)
Index(
    "syncs_one_running",
    syncs.c.site_id,
    syncs.c.space_id,
    unique=True,
    postgresql_where=text("state = 'running'"),
)
Index(
    "syncs_one_queued",
    syncs.c.site_id,
    syncs.c.space_id,
    unique=True,
    postgresql_where=text("state = 'queued'"),
)
Index("syncs_newest", syncs.c.site_id, syncs.c.space_id, syncs.c.requested_at)


def _of_sync() -> tuple[Column[object], Column[object], Column[object], ForeignKeyConstraint]:
    keys = ["site_id", "space_id", "sync_id"]
    to_sync = ForeignKeyConstraint(keys, [f"syncs.{key}" for key in keys], ondelete="CASCADE")
    return _key("site_id", UUID), _key("space_id", Text), _key("sync_id", UUID), to_sync


sync_environments = Table(
    "sync_environments",
    metadata,
    *_of_sync(),
    _key("environment_id", Text),
    _must("position", Integer),
    _must("name", Text),
    _must("type", Text),
    _must("outcome", Text),
    _may("reason", Text),
    _may("read_at", TIME),
    _must("instances", Integer),
    _may("automated_digest", LargeBinary),
    _may("automated_unread", Text),
    _must("finished", Boolean),  # the mark: a successor does not read it again
)

sections = Table(
    "sections",
    metadata,
    _site(),
    _key("digest", LargeBinary),
    _must("body", LargeBinary),  # canonical JSON, byte for byte what the digest is of
)


def _instance() -> tuple[Column[object], ...]:
    return (
        _must("api_key", Text),
        _may("facts", LargeBinary),
        _may("policies", LargeBinary),
        _may("tiers", LargeBinary),
        _may("contracts", LargeBinary),
        _must("unread", JSONB),
        _may("url", Text),
    )


readings = Table(
    "readings",
    metadata,
    *_of_sync(),
    _key("environment_id", Text),
    _key("instance_id", BigInteger),
    *_instance(),
)

instance_versions = Table(
    "instance_versions",
    metadata,
    *_space(),
    _key("environment_id", Text),
    _key("instance_id", BigInteger),
    _key("from_number", BigInteger),
    _must("to_number", BigInteger),
    *_instance(),
)

posture_rows = Table(
    "posture_rows",
    metadata,
    *_space(),
    _key("api_id", Text),
    _key("from_number", BigInteger),
    _must("to_number", BigInteger),
    _must("api_key", Text),
    _must("name", Text),
    _may("group_id", Text),
    _may("asset_id", Text),
    _must("verdict", Text),
    _must("verdict_rank", SmallInteger),
    *(_must(name, Integer) for name in ("critical", "high", "medium", "low", "info", "accepted")),
    *(_must(name, ARRAY(Text)) for name in ("kinds", "severities", "places")),
    _must("headline", Text),
    *(_must(name, JSONB) for name in ("cells", "coverage", "notes")),
    _must("input_digest", LargeBinary),
    _must("digest", LargeBinary),
)

findings = Table(
    "findings",
    metadata,
    *_space(),
    _key("fingerprint", Text),
    _key("from_number", BigInteger),
    _must("to_number", BigInteger),
    *(_may(name, Text) for name in ("api_id", "api_key", "name", "group_id", "asset_id")),
    *(_must(name, Text) for name in ("kind", "rule", "severity")),
    _must("severity_rank", SmallInteger),
    _must("direction", Text),
    *(_may(name, Text) for name in ("subject", "path")),
    *(_must(name, JSONB) for name in ("paths", "values")),
    _must("values_digest", Text),
    _must("outliers", JSONB),
    *(_must(name, Text) for name in ("sentence", "owasp", "lane")),
    _must("digest", LargeBinary),
    _must("first_seen_at", TIME),
    _may("last_seen_at", TIME),  # set: unconfirmed since; null: seen as long as the row is valid
    _must("reopened", Integer),
)

for versioned in (instance_versions, posture_rows, findings):
    Index(
        f"{versioned.name}_valid",
        versioned.c.site_id,
        versioned.c.space_id,
        versioned.c.to_number,
    )
Index(
    "instance_versions_api", *(instance_versions.c[n] for n in ("site_id", "space_id", "api_key"))
)
Index("findings_api", *(findings.c[n] for n in ("site_id", "space_id", "api_id")))
