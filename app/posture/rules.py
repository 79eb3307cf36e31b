"""Posture rules: what is weak in an environment by itself. One function and one row a rule."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from app.posture import words
from app.posture.agreements import APPROVED, Tier, tier_key
from app.posture.applied import Applied
from app.posture.effective import Effective
from app.posture.families import AUTHENTICATES, SLA_BASED, Family, is_mulesofts
from app.posture.lanes import Side
from app.posture.limits import limits_of
from app.posture.logged import writes_contents
from app.posture.model import Severity
from app.posture.weaker import ANY_NETWORK, has_plain_http, has_wildcard, reads_query

AUTH = frozenset({Family.AUTH})
TRAFFIC = frozenset({Family.TRAFFIC})
CORS = frozenset({Family.CORS})
LOGGING = frozenset({Family.LOGGING})

BASIC_HEADER = "httpbasicauthenticationheader"
SAMPLE_HOST = "your-jwks-service.example"
KEY_URLS = ("jwksUrl", "tokenUrl", "introspectionURL")
CREDENTIAL_EXPRESSIONS = ("clientIdExpression", "clientSecretExpression", "jwtExpression")
ALLOWLISTS = frozenset({"ip-allowlist", "ip-whitelist"})
ACTIVE_WORDS = frozenset({"active", ""})
"""Statuses of an instance in which its policies are enforced; one without a word is taken so."""


@dataclass(frozen=True, slots=True)
class Instance:
    """What posture rules are asked about: one instance and what runs before it."""

    side: Side
    effective: Effective

    @property
    def is_active(self) -> bool:
        """Whether its policies are enforced."""
        return (self.side.facts["status"] or "").strip().casefold() in ACTIVE_WORDS

    def named(self, asset_id: str) -> list[Applied]:
        """Return the enabled policies of MuleSoft's own with this asset id."""
        return [p for p in self.running if p.asset_id == asset_id and is_mulesofts(p.group_id)]

    @property
    def running(self) -> list[Applied]:
        """The enabled policies, as they run."""
        return [each.policy for each in self.effective.running]

    @property
    def tiers(self) -> tuple[Tier, ...] | None:
        """The active tiers, or None where tiers were not read."""
        tiers = self.side.tiers
        return None if tiers is None else tuple(t for t in tiers.every if t.is_active)

    @property
    def approved(self) -> int:
        """How many approved contracts are known."""
        return self.side.contracts.approved if self.side.contracts else 0


@dataclass(frozen=True, slots=True)
class Broken:
    """A rule that is broken: what about, and the words that its sentence needs."""

    subject: str | None = None
    words: Mapping[str, str] = field(default_factory=dict)


Check = Callable[[Instance], Iterable[Broken]]


def _about(policy: Applied) -> Broken:
    return Broken(policy.asset_id, {"policy": words.policy(policy.asset_id)})


def no_authentication(instance: Instance) -> Iterator[Broken]:
    """P01: nothing authenticates or identifies, and nothing of that kind is switched off."""
    if instance.effective.is_bare and not _switched_off(instance):
        yield Broken()


def authentication_switched_off(instance: Instance) -> Iterator[Broken]:
    """P02: an AUTH policy is switched off and nothing else authenticates."""
    if instance.effective.is_bare:
        yield from map(_about, _switched_off(instance))


def _switched_off(instance: Instance) -> list[Applied]:
    own = instance.side.policies.applied if instance.side.policies else ()
    return [policy for policy in own if policy.is_off and policy.is_of(AUTH)]


def unsigned_tokens(instance: Instance) -> Iterator[Broken]:
    """P03: a JWT policy lets unsigned tokens in."""
    for policy in instance.named("jwt-validation"):
        if policy.configuration.fields.get("signingMethod", "none") == "none":
            yield _about(policy)


def sample_key(instance: Instance) -> Iterator[Broken]:
    """P04: the sample key of the policy's form was never replaced."""
    for policy in instance.named("jwt-validation"):
        url = str(policy.configuration.fields.get("jwksUrl"))
        if "textKey" in policy.configuration.samples or SAMPLE_HOST in url:
            yield _about(policy)


def partial_authentication(instance: Instance) -> Iterator[Broken]:
    """P05: every AUTH and IDENTIFY policy is limited to some resources."""
    policies = instance.effective.of(AUTHENTICATES)
    if instance.effective.is_whole and policies and all(policy.pointcut for policy in policies):
        pairs = sorted({pair for policy in policies for pair in policy.pointcut})
        yield Broken(None, {"pointcut": words.pointcut(pairs)})


def id_without_secret(instance: Instance) -> Iterator[Broken]:
    """P06: a client id is enough, and nothing else authenticates."""
    if not instance.effective.is_whole or instance.effective.of(AUTH):
        return
    for policy in instance.effective.of(frozenset({Family.IDENTIFY})):
        fields = policy.configuration.fields
        takes_header = fields.get("credentialsOrigin") == BASIC_HEADER
        if not takes_header and fields.get("clientSecretExpression") is None:
            yield _about(policy)


def tokens_never_expire(instance: Instance) -> Iterator[Broken]:
    """P07: a JWT policy takes tokens without an expiry."""
    for policy in instance.named("jwt-validation"):
        if policy.configuration.fields.get("mandatoryExpClaim") is not True:
            yield _about(policy)


def tokens_of_others(instance: Instance) -> Iterator[Broken]:
    """P08: a JWT policy checks neither audience nor issuer."""
    for policy in instance.named("jwt-validation"):
        fields = policy.configuration.fields
        has_issuer = any(path.endswith("CustomClaims[iss]") for path in fields)
        if fields.get("validateAudClaim") is not True and not has_issuer:
            yield _about(policy)


def keys_over_http(instance: Instance) -> Iterator[Broken]:
    """P09: keys or tokens are fetched over a connection without encryption."""
    for policy in instance.effective.of(AUTH):
        if any(has_plain_http(policy.configuration.fields.get(name)) for name in KEY_URLS):
            yield _about(policy)


def credentials_in_address(instance: Instance) -> Iterator[Broken]:
    """P10: credentials are read from query parameters."""
    for policy in instance.effective.of(AUTHENTICATES):
        fields = policy.configuration.fields
        if any(reads_query(fields.get(name)) for name in CREDENTIAL_EXPRESSIONS):
            yield _about(policy)


def contracts_not_checked(instance: Instance) -> Iterator[Broken]:
    """P11: approved contracts exist, and the policy does not ask for them."""
    if not instance.approved:
        return
    for policy in instance.running:
        if policy.configuration.fields.get("skipClientIdValidation") is True:
            yield _about(policy)


def no_rate_limit(instance: Instance) -> Iterator[Broken]:
    """P12: nothing limits traffic."""
    if instance.effective.is_whole and not instance.effective.of(TRAFFIC):
        yield Broken()


def tiers_without_effect(instance: Instance) -> Iterator[Broken]:
    """P13: active tiers exist, and no SLA-based policy applies them."""
    if instance.tiers and instance.effective.is_whole and not _has_sla(instance):
        tiers = words.count(len(instance.tiers), "SLA tier")
        yield Broken(
            None, {"tiers": tiers, "limit": "limits" if len(instance.tiers) == 1 else "limit"}
        )


def _has_sla(instance: Instance) -> bool:
    return any(p.asset_id in SLA_BASED and is_mulesofts(p.group_id) for p in instance.running)


def sla_without_tiers(instance: Instance) -> Iterator[Broken]:
    """P14: an SLA-based policy has no active tier to apply."""
    if instance.tiers == () and _has_sla(instance):
        yield Broken()


def unusable_limit(instance: Instance) -> Iterator[Broken]:
    """P15: a limit has no positive maximum or window."""
    for policy in instance.effective.of(TRAFFIC):
        pairs = limits_of(policy.configuration.fields).items()
        if any(isinstance(value, int) and value <= 0 for pair in pairs for value in pair):
            yield _about(policy)


def any_site_with_credentials(instance: Instance) -> Iterator[Broken]:
    """P16: every web site may call with the user's credentials."""
    if any(_is_public(policy) and _takes_credentials(policy) for policy in _cors(instance)):
        yield Broken("cors")


def any_site(instance: Instance) -> Iterator[Broken]:
    """P17: every web site may call."""
    if any(_is_public(policy) or _has_any_origin(policy) for policy in _cors(instance)):
        yield Broken("cors")


def _cors(instance: Instance) -> tuple[Applied, ...]:
    return instance.effective.of(CORS)


def _is_public(policy: Applied) -> bool:
    return policy.configuration.fields.get("publicResource") is True


def _takes_credentials(policy: Applied) -> bool:
    return policy.configuration.fields.get("supportCredentials") is True


def _has_any_origin(policy: Applied) -> bool:
    fields = policy.configuration.fields
    return any(has_wildcard(fields[path]) for path in fields if path.endswith(".origins"))


def allowlist_of_everybody(instance: Instance) -> Iterator[Broken]:
    """P18: an allowlist holds every address."""
    for policy in instance.running:
        if policy.asset_id in ALLOWLISTS and is_mulesofts(policy.group_id):
            entries = policy.configuration.fields.get("ips") or []
            if ANY_NETWORK.intersection(map(str, entries)):
                yield _about(policy)


def contents_logged(instance: Instance) -> Iterator[Broken]:
    """P19: whole payloads or credentials are written to the log."""
    for policy in instance.effective.of(LOGGING):
        items = policy.configuration.bags.get("loggingConfiguration", ())
        if any(writes_contents(item.get("message")) for item in items):
            yield _about(policy)


def not_enforced(instance: Instance) -> Iterator[Broken]:
    """P21: an instance that is not active has policies or approved contracts."""
    own = instance.side.policies.applied if instance.side.policies else ()
    if not instance.is_active and (own or instance.approved):
        yield Broken(None, {"status": words.name(instance.side.facts["status"] or "")})


def deprecated_in_use(instance: Instance) -> Iterator[Broken]:
    """P22: a deprecated instance has approved contracts."""
    if instance.side.facts["deprecated"] and instance.approved:
        who = words.count(instance.approved, "application")
        yield Broken(
            None, {"applications": who, "use": "uses" if instance.approved == 1 else "use"}
        )


def retired_tier_in_use(instance: Instance) -> Iterator[Broken]:
    """P25: an approved contract stands on a tier that is not active."""
    if instance.side.tiers is None or instance.side.contracts is None:
        return
    retired = {tier_key(t.name): t.name for t in instance.side.tiers.every if not t.is_active}
    users: dict[str, list[str]] = {}
    for contract in instance.side.contracts.every:
        key = tier_key(contract.tier or "")
        if contract.status == APPROVED and key in retired:
            users.setdefault(key, []).append(contract.application)
    for key in sorted(users):
        first, *others = sorted(users[key])
        app = words.name(first) + (f" and {len(others)} more" if others else "")
        verb = "use" if others else "uses"
        yield Broken(retired[key], {"app": app, "uses": verb, "tier": words.name(retired[key])})


@dataclass(frozen=True, slots=True)
class Rule:
    """One posture rule. It is asked of active instances, unless `of_all_statuses`."""

    id: str
    severity: Severity
    owasp: str
    sentence: str
    check: Check
    of_all_statuses: bool = False
    yields_to: frozenset[str] = frozenset()


BARE = frozenset({"P01", "P02"})
INFO, MEDIUM, HIGH, CRITICAL = Severity.INFO, Severity.MEDIUM, Severity.HIGH, Severity.CRITICAL
API2, API4, API8, API9 = "API2:2023", "API4:2023", "API8:2023", "API9:2023"

RULES: tuple[Rule, ...] = (
    Rule(
        "P01",
        CRITICAL,
        API2,
        "{env} {has|have} no authentication: anyone who reaches it can call it",
        no_authentication,
    ),
    Rule(
        "P02",
        CRITICAL,
        API2,
        "{policy} is switched off in {env} and nothing else authenticates",
        authentication_switched_off,
    ),
    Rule("P03", CRITICAL, API2, "{env} {accepts|accept} unsigned tokens", unsigned_tokens),
    Rule("P04", CRITICAL, API2, "{policy} in {env} still has the sample key", sample_key),
    Rule(
        "P05",
        INFO,
        API2,
        "Authentication in {env} covers only {pointcut}",
        partial_authentication,
        yields_to=BARE,
    ),
    Rule(
        "P06",
        INFO,
        API2,
        "{env} {asks|ask} for a client id without its secret",
        id_without_secret,
        yields_to=BARE,
    ),
    Rule(
        "P07", MEDIUM, API2, "{env} {accepts|accept} tokens that never expire", tokens_never_expire
    ),
    Rule(
        "P08",
        INFO,
        API2,
        "{env} {accepts|accept} tokens issued for other APIs",
        tokens_of_others,
        yields_to=BARE,
    ),
    Rule(
        "P09",
        HIGH,
        API8,
        "{env} {fetches|fetch} keys over an unencrypted connection",
        keys_over_http,
    ),
    Rule(
        "P10",
        MEDIUM,
        API2,
        "{env} {takes|take} credentials from the address",
        credentials_in_address,
    ),
    Rule("P11", INFO, API2, "Contracts do not limit access in {env}", contracts_not_checked),
    Rule("P12", INFO, API4, "{env} {has|have} no rate limit", no_rate_limit, yields_to=BARE),
    Rule(
        "P13",
        MEDIUM,
        API4,
        "{tiers} in {env} {limit} nothing: no SLA-based policy",
        tiers_without_effect,
    ),
    Rule(
        "P14",
        MEDIUM,
        API4,
        "{env} {rejects|reject} every caller: no active tier",
        sla_without_tiers,
    ),
    Rule("P15", MEDIUM, API4, "{policy} in {env} has no usable limit", unusable_limit),
    Rule(
        "P16",
        HIGH,
        API8,
        "Any web site may call {env} with the user's credentials",
        any_site_with_credentials,
    ),
    Rule("P17", INFO, API8, "Any web site may call {env}", any_site, yields_to=frozenset({"P16"})),
    Rule("P18", HIGH, API8, "The allowlist of {env} allows every address", allowlist_of_everybody),
    Rule("P19", HIGH, API8, "{env} {writes|write} request contents to its log", contents_logged),
    Rule(
        "P21",
        INFO,
        API9,
        "{env} is {status}: its policies are not enforced",
        not_enforced,
        of_all_statuses=True,
    ),
    Rule(
        "P22",
        INFO,
        API9,
        "{applications} still {use} a deprecated instance in {env}",
        deprecated_in_use,
    ),
    Rule("P25", INFO, API9, "{app} {uses} the retired tier {tier} in {env}", retired_tier_in_use),
)
"""Every posture rule that is on, by id."""


def broken_rules(instance: Instance) -> list[tuple[Rule, Broken]]:
    """Return each broken rule with its subject; rules yield to those that say more."""
    broken: list[tuple[Rule, Broken]] = []
    ids: set[str] = set()
    for rule in RULES:
        if instance.is_active or rule.of_all_statuses:
            found = {each.subject: each for each in rule.check(instance)}
            broken += [(rule, each) for each in found.values()]
            ids.update({rule.id} if found else ())
    return [(rule, each) for rule, each in broken if ids.isdisjoint(rule.yields_to)]
