"""What is counted for the operator: no names of sites, spaces or people."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

REGISTRY = CollectorRegistry()

REQUEST_SECONDS = Histogram(
    "plumbline_request_seconds",
    "Requests and how long they took.",
    ["route", "status"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 0.8, 1.5, 3, 10),
    registry=REGISTRY,
)
REFUSALS = Counter(
    "plumbline_refusals_total",
    "Requests answered 401 or 403, by what was wrong.",
    ["status", "reason"],
    registry=REGISTRY,
)
PERMISSION_FAILURES = Counter(
    "plumbline_permission_question_failures_total",
    "Questions to Confluence about a right that got no answer.",
    ["reason"],
    registry=REGISTRY,
)
DECRYPTION_FAILURES = Counter(
    "plumbline_decryption_failures_total",
    "Stored secrets that could not be read.",
    ["reason"],
    registry=REGISTRY,
)
INSTALL_KEY_FAILURES = Counter(
    "plumbline_install_key_failures_total",
    "Look-ups of install keys that failed.",
    ["reason"],
    registry=REGISTRY,
)

SYNCS = Counter("plumbline_syncs_total", "Syncs that ended.", ["state"], registry=REGISTRY)
SYNC_SECONDS = Histogram(
    "plumbline_sync_seconds",
    "From the beginning of a sync to its end.",
    buckets=(1, 2, 3, 5, 10, 20, 60, 180, 600, 1800, 7200),
    registry=REGISTRY,
)
SYNC_ATTEMPTS = Histogram(
    "plumbline_sync_attempts",
    "Attempts that an ended sync took.",
    buckets=(1, 2, 3, 5, 10, 20),
    registry=REGISTRY,
)
SYNC_ENVIRONMENTS = Counter(
    "plumbline_sync_environments_total",
    "Environments of ended syncs.",
    ["outcome"],
    registry=REGISTRY,
)
TAKE_OVERS = Counter(
    "plumbline_leases_taken_over_total",
    "Jobs taken over from a process that fell silent.",
    registry=REGISTRY,
)
LATE_WRITES = Counter(
    "plumbline_late_writes_refused_total",
    "Holders whose write or lease was refused: cancelled, or in other hands.",
    registry=REGISTRY,
)
WORKERS = Gauge("plumbline_workers_running", "Workers inside this process.", registry=REGISTRY)

QUEUE_DEPTH = Gauge("plumbline_queue_depth", "Syncs due and not begun.", registry=REGISTRY)
QUEUE_AGE = Gauge(
    "plumbline_queue_oldest_seconds", "How long the oldest of them waits.", registry=REGISTRY
)
SPACES_BY_AGE = Gauge(
    "plumbline_spaces_by_data_age",
    "Scheduled spaces whose published data is at most so old.",
    ["le_hours"],
    registry=REGISTRY,
)

UPSTREAM_CALLS = Counter(
    "plumbline_upstream_calls_total",
    "Calls to other systems.",
    ["vendor", "status"],
    registry=REGISTRY,
)
THROTTLED_SECONDS = Counter(
    "plumbline_throttled_seconds_total",
    "Seconds for which another system had us wait.",
    ["vendor"],
    registry=REGISTRY,
)

POOL_WAIT_SECONDS = Histogram(
    "plumbline_database_wait_seconds",
    "From wanting a database connection to having one.",
    buckets=(0.001, 0.005, 0.02, 0.1, 0.5, 1, 2, 4),
    registry=REGISTRY,
)
CONNECTIONS_IN_USE = Gauge(
    "plumbline_database_connections_in_use",
    "Database connections of this process at work.",
    registry=REGISTRY,
)
