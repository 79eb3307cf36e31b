"""The tables. All but `agenda` show a site's rows to that site alone, by row-level security.

A row of a change-only table is valid for the published syncs `from_number <= n < to_number`;
`to_number` is `OPEN` while it is current.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from app.store.columns import (
    TIME,
    UUID,
    all_may,
    all_must,
    key,
    may,
    must,
    of_instance,
    of_site,
    of_space,
    of_sync,
)

OPEN = 2**63 - 1
"""The `to_number` of a row that is still current."""

metadata = MetaData()


sites = Table(
    "sites",
    metadata,
    key("site_id", UUID),
    must("fingerprint_key", LargeBinary),  # sealed
    must("created_at", TIME),
    may("purge_after", TIME),
)

installations = Table(
    "installations",
    metadata,
    of_site(),
    key("door", Text),
    must("issuer", Text),
    *all_must("base_url display_url", Text),
    may("oauth_client_id", Text),
    may("shared_secret", LargeBinary),  # sealed; null once uninstalled
    must("installed_at", TIME),
    may("uninstalled_at", TIME),
    must("enabled", Boolean),
    may("forge_installation_id", Text),  # of a Connect row: the Forge installation beside it
    # Unique without a site: both names are proven by Atlassian's signature.
    UniqueConstraint("door", "issuer", name="installations_issuer_key"),
    Index("installations_forge_key", "forge_installation_id", unique=True),
)

install_tokens = Table(
    "install_tokens",
    metadata,
    of_site(),
    key("token_digest", LargeBinary),
    must("body_digest", LargeBinary),
    must("expires_at", TIME),
)

forge_sites = Table(
    "forge_sites",
    metadata,
    of_site(),
    *all_must("app_id cloud_id environment", Text),
    must("last_seen_at", TIME),
)

page_tokens = Table(
    "page_tokens",
    metadata,
    of_site(),
    key("token_id", UUID),
    *all_must("account_id module_key page space_id", Text),
    may("space_key", Text),
    must("user_token", LargeBinary),  # sealed
    must("expires_at", TIME),
    may("exchanged_at", TIME),
)

agenda = Table(
    "agenda",
    metadata,
    of_site(),
    key("space_id", Text),  # '' speaks of the site as a whole
    may("next_sync_at", TIME),
    may("purge_at", TIME),
    may("published_at", TIME),
    may("assess_at", TIME),  # when the next exception ends
)

commands = Table(
    "commands",
    metadata,
    of_site(),
    key("space_id", Text),
    key("key_digest", LargeBinary),
    must("answer", JSONB),
    must("expires_at", TIME),
)

connections = Table(
    "connections",
    metadata,
    of_site(),
    key("space_id", Text),
    must("version", Integer),
    must("control_plane", Text),
    *all_may("organization_id organization_name", Text),
    must("client_id", Text),
    may("client_secret", LargeBinary),  # sealed; null once the connection is removed
    may("secret_saved_at", TIME),
    may("secret_saved_by", Text),
    may("environment_ids", JSONB(none_as_null=True)),
    may("baseline_environment_id", Text),
    must("sync_interval_hours", Integer),
    *all_must("ignored_application_suffixes group_names", JSONB),
    may("published_number", BigInteger),
    may("published_sync_id", UUID),
    *all_may("refused_at removed_at", TIME),
    *all_must("created_at updated_at", TIME),
    # Raised by every change of what is expected or accepted.
    Column("judging_version", Integer, nullable=False, server_default="0"),
    may("space_key", Text),
)

connection_environments = Table(
    "connection_environments",
    metadata,
    *of_space(),
    key("environment_id", Text),
    must("position", Integer),
    *all_must("name type", Text),
)

syncs = Table(
    "syncs",
    metadata,
    *of_space(),
    key("sync_id", UUID),
    may("number", BigInteger),  # per space, given at publishing and at each assessing anew
    must("state", Text),
    must("attempt", Integer),
    may("lease_until", TIME),
    must("connection_version", Integer),
    may("baseline_environment_id", Text),  # as it was compared with
    *all_may("control_plane organization_id organization_name", Text),  # as it was read from
    may("requested_by", Text),
    must("requested_at", TIME),
    *all_may("started_at finished_at", TIME),
    must("done", Integer),
    may("total", Integer),
    may("reason", Text),
    must("requests", Integer),
    Column("crashes", Integer, nullable=False, server_default="0"),
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


sync_environments = Table(
    "sync_environments",
    metadata,
    *of_sync(),
    key("environment_id", Text),
    must("position", Integer),
    *all_must("name type outcome", Text),
    may("reason", Text),
    may("read_at", TIME),
    must("instances", Integer),
    may("automated_digest", LargeBinary),
    may("automated_unread", Text),
    must("finished", Boolean),  # the mark: a successor does not read it again
)

sections = Table(
    "sections",
    metadata,
    of_site(),
    key("digest", LargeBinary),
    must("body", LargeBinary),  # canonical JSON, byte for byte what the digest is of
)


readings = Table(
    "readings",
    metadata,
    *of_sync(),
    key("environment_id", Text),
    key("instance_id", BigInteger),
    *of_instance(),
)

instance_versions = Table(
    "instance_versions",
    metadata,
    *of_space(),
    key("environment_id", Text),
    key("instance_id", BigInteger),
    key("from_number", BigInteger),
    must("to_number", BigInteger),
    *of_instance(),
)

posture_rows = Table(
    "posture_rows",
    metadata,
    *of_space(),
    key("api_id", Text),
    key("from_number", BigInteger),
    must("to_number", BigInteger),
    *all_must("api_key name verdict headline", Text),
    *all_may("group_id asset_id", Text),
    must("verdict_rank", SmallInteger),
    *all_must("critical high medium low info accepted", Integer),
    *all_must("kinds severities places", ARRAY(Text)),
    *all_must("cells coverage notes", JSONB),
    *all_must("input_digest digest", LargeBinary),
)

findings = Table(
    "findings",
    metadata,
    *of_space(),
    key("fingerprint", Text),
    key("from_number", BigInteger),
    must("to_number", BigInteger),
    *all_may("api_id api_key name group_id asset_id subject path", Text),
    *all_must("kind rule severity direction values_digest sentence owasp lane", Text),
    must("severity_rank", SmallInteger),
    *all_must("paths values outliers", JSONB),
    must("digest", LargeBinary),
    must("first_seen_at", TIME),
    may("last_seen_at", TIME),  # set: unconfirmed since; null: seen as long as the row is valid
    must("reopened", Integer),
    may("accepted", JSONB(none_as_null=True)),  # the exception in force, or null: it is open
)

expected_differences = Table(
    "expected_differences",
    metadata,
    *of_space(),
    key("expected_id", UUID),
    *all_must("asset_id path", Text),
    *all_may("api_id api_key", Text),  # null: of any API of the space
    must("note", Text),
    must("allowances", JSONB),
    must("made_by", Text),
    must("made_at", TIME),
    may("withdrawn_by", Text),
    may("withdrawn_at", TIME),
    info={"rights": "SELECT, INSERT, UPDATE"},
)
Index(
    "expected_differences_in_force",
    *(expected_differences.c[n] for n in ("site_id", "space_id", "asset_id", "path")),
    text("coalesce(api_id, '')"),
    unique=True,
    postgresql_where=text("withdrawn_at IS NULL"),
)

exceptions = Table(
    "exceptions",
    metadata,
    *of_space(),
    key("exception_id", UUID),
    *all_must("fingerprint values_digest", Text),
    *all_may("api_id api_key", Text),  # null: of an automated policy
    *all_must("reason note made_by", Text),
    *all_must("made_at until", TIME),
    may("ended_at", TIME),
    *all_may("ended_by ended_why", Text),
    info={"rights": "SELECT, INSERT, UPDATE"},
)
Index(
    "exceptions_not_ended",
    *(exceptions.c[n] for n in ("site_id", "space_id", "fingerprint")),
    unique=True,
    postgresql_where=text("ended_at IS NULL"),
)
Index("exceptions_fingerprint", *(exceptions.c[n] for n in ("site_id", "space_id", "fingerprint")))

snapshots = Table(
    "snapshots",
    metadata,
    # Not deleted with its site: a purge takes the snapshots first, by the owner's function.
    Column("site_id", UUID, ForeignKey("sites.site_id"), primary_key=True, autoincrement=False),
    key("space_id", Text),
    key("snapshot_id", UUID),
    must("position", BigInteger),  # 1, 2, 3… per space: the links of the chain
    must("taken_at", TIME),
    *all_must("taken_by title note", Text),
    must("sync_id", UUID),
    must("filter", JSONB),
    may("api_id", Text),
    must("api_count", Integer),
    may("command_digest", LargeBinary),  # of the account and its Idempotency-Key
    may("previous_sha256", LargeBinary),
    must("sha256", LargeBinary),  # of the previous hash and the body
    must("body", LargeBinary),  # canonical JSON
    UniqueConstraint("site_id", "space_id", "position", name="snapshots_position_key"),
    UniqueConstraint("site_id", "space_id", "command_digest", name="snapshots_command_key"),
    info={"rights": "SELECT, INSERT"},
)

daily_rollups = Table(
    "daily_rollups",
    metadata,
    *of_space(),
    key("day", Date),
    must("sync_id", UUID),  # the last one published on that day, in UTC
    *all_must("verdicts severities", JSONB),
)

audit = Table(
    "audit",
    metadata,
    # Not deleted with its site: a purge takes the log first, by the owner's function.
    Column("site_id", UUID, ForeignKey("sites.site_id"), primary_key=True, autoincrement=False),
    key("entry_id", UUID),
    must("space_id", Text),  # '' concerns the site as a whole
    Column("at", TIME, nullable=False, server_default=text("clock_timestamp()")),
    *all_may("account_id door", Text),
    must("action", Text),
    may("object_id", Text),
    must("fields", ARRAY(Text)),  # names of what changed, never values
    must("outcome", Text),
    may("request_id", Text),
    info={"rights": "SELECT, INSERT"},
)
Index("audit_newest", audit.c.site_id, audit.c.space_id, audit.c.at)

pipeline_tokens = Table(
    "pipeline_tokens",
    metadata,
    *of_space(),
    key("token_id", UUID),
    must("digest", LargeBinary),  # SHA-256 of the token, which is kept nowhere
    *all_must("name made_by", Text),
    must("made_at", TIME),
    *all_may("expires_at last_used_at", TIME),
    UniqueConstraint("site_id", "digest", name="pipeline_tokens_digest_key"),
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

# The usual order of the overview, without the key that parts equal names: `posture_rows.in_order`.
Index(
    "posture_rows_worst",
    *(posture_rows.c[name] for name in ("site_id", "space_id", "verdict_rank")),
    *(posture_rows.c[name].desc() for name in ("critical", "high", "medium", "low", "info")),
    func.lower(posture_rows.c.name),
)
