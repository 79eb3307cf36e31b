"""The table of known policies: one entry a policy, one line a field."""

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache

from app.posture import forms, weaker
from app.posture.families import is_mulesofts
from app.posture.fields import NO_DEFAULT, Field, FieldClass, Schema, Shape, Siblings, schema
from app.posture.limits import MAXIMUM, WINDOW
from app.posture.model import Json
from app.posture.networks import networks

C, G, H, L = FieldClass.CREDENTIALS, FieldClass.LOGGING, FieldClass.HEADERS, FieldClass.LIMIT
N, O, P, T = FieldClass.NETWORK, FieldClass.ORIGINS, FieldClass.PAYLOAD, FieldClass.TRUST  # noqa: E741

NO_METHOD = "none"
BASIC_HEADER = "httpbasicauthenticationheader"
_BASIC_HEADER_OF_MULE_3 = "httpauthorizationheader"
_MINUTE = 60_000
_UNITS = {
    "milliseconds": 1,
    "seconds": 1_000,
    "minutes": _MINUTE,
    "hours": 60 * _MINUTE,
    "days": 1_440 * _MINUTE,
}


def switch(
    *, default: Json = False, of: FieldClass = FieldClass.OPERATION, weak: bool | None = None
) -> Field:
    """Return a field that is on or off; `weak` is the state that protects less."""
    rule = {None: weaker.cannot_tell, True: weaker.TRUE, False: weaker.FALSE}[weak]
    return Field(forms.boolean, of, default, weaker=rule)


def number(
    default: Json = NO_DEFAULT,
    of: FieldClass = FieldClass.OPERATION,
    rule: weaker.Weaker = weaker.cannot_tell,
) -> Field:
    """Return a field that holds a whole number."""
    return Field(forms.integer, of, default, weaker=rule)


def secret(**extra: Json) -> Field:
    """Return a field that is kept as a fingerprint only."""
    return Field(field_class=FieldClass.SECRET, shape=Shape.SECRET, **extra)


def window(item: Mapping[str, Json]) -> Json:
    """Return an item's window in milliseconds, or what stands there when it is odd."""
    milliseconds = item.get(WINDOW)
    if milliseconds is not None:
        return forms.integer(milliseconds)
    period = forms.integer(item.get("timePeriod"))
    unit = str(item.get("unit", item.get("timeUnit", "milliseconds"))).strip().casefold()
    factor = _UNITS.get(unit, _UNITS.get(unit + "s"))
    return period * factor if isinstance(period, int) and factor else period


def _limit_entry(item: Json) -> tuple[Json, Json]:
    if not isinstance(item, dict):
        return None, item
    return window(item), forms.integer(item.get(MAXIMUM))


def _pair_entry(item: Json) -> tuple[Json, Json]:
    if not isinstance(item, dict):
        return None, item
    return forms.text(item.get("key")), forms.text(item.get("value"))


def _header_entry(item: Json) -> tuple[Json, Json]:
    key, value = _pair_entry(item)
    return forms.folded(key), value


def _group_entry(item: Json) -> tuple[Json, Json]:
    if not isinstance(item, dict):
        return None, item
    group = {key: value for key, value in item.items() if key != "originGroupName"}
    plain = group.pop("plainOrigins", None)
    if isinstance(plain, list):
        group["origins"] = [*(group.get("origins") or []), *plain]
    return item.get("originGroupName") or "default", group


def _allowed_methods(value: Json) -> Json:
    """Return the set of methods that are allowed; a plain list of names allows them all.

    A list that allows none is not one that is empty: that allows all.
    """
    if not isinstance(value, list):
        return forms.text(value)
    return forms.sorted_set(name for item in value for name in _allowed_method(item)) or NO_METHOD


def _allowed_method(item: Json) -> list[Json]:
    if not isinstance(item, dict):
        return [forms.text(item)]
    is_allowed = forms.boolean(item.get("allowed", item.get("isAllowed")))
    return [str(item.get("methodName")).upper()] if is_allowed is True else []


def _allows_more_methods(a: Json, b: Json) -> bool:
    return weaker.superset(*(None if each == NO_METHOD else each for each in (a, b)))


def _log_item(item: Json) -> tuple[Json, Json]:
    """Return a logging item without its name, which is a label."""
    if isinstance(item, dict) and isinstance(item.get("itemData"), dict):
        return None, item["itemData"]
    return None, item


def _origin(value: Json) -> Json:
    found = forms.enumerated(value)
    return BASIC_HEADER if found == _BASIC_HEADER_OF_MULE_3 else found


def _is_not_in_header(siblings: Siblings) -> bool:
    """Return False where id and secret come in the Basic header: expressions have no effect."""
    return bool(siblings.get("credentialsOrigin") != BASIC_HEADER)


def _origin_is_custom(siblings: Siblings) -> bool:
    return bool(siblings.get("jwtOrigin") != "httpbearerauthenticationheader")


def _key_is_text(siblings: Siblings) -> bool:
    return bool(siblings.get("jwtKeyOrigin") == "text")


def _key_is_jwks(siblings: Siblings) -> bool:
    return bool(siblings.get("jwtKeyOrigin") == "jwks")


def _key_is_computed(siblings: Siblings) -> bool:
    return siblings.get("jwtKeyOrigin") not in ("text", "jwks")


def _audience_is_checked(siblings: Siblings) -> bool:
    return siblings.get("validateAudClaim") is True


def _claims_are_checked(siblings: Siblings) -> bool:
    return siblings.get("validateCustomClaim") is True


def _is_not_public(siblings: Siblings) -> bool:
    return siblings.get("publicResource") is not True


def _has_user(siblings: Siblings) -> bool:
    return siblings.get("username") is not None


EXPRESSION = Field(forms.expression)
SKIPS_CLIENT = switch(of=C, weak=True)
EXPOSES_HEADERS = switch()
SCOPES = Field(forms.words, T, None, weaker=weaker.has(weaker.is_nothing))
SCOPE_CRITERIA = Field(forms.enumerated, T, "and", written="AND", weaker=weaker.has(weaker.is_or))
URL = Field(forms.url, T, weaker=weaker.has(weaker.has_plain_http), is_expected=True)
CLIENT_ID = Field(forms.expression, C, weaker=weaker.has(weaker.reads_query))
CLIENT_SECRET = Field(
    forms.expression,
    C,
    weaker=weaker.either(weaker.has(weaker.is_nothing), weaker.has(weaker.reads_query)),
)
CLUSTERED = switch(default=True, of=L, weak=False)
NETWORKS = Field(networks, N, weaker=weaker.wider_networks, aliases=("ipAddresses",))
BLOCKED = Field(networks, N, weaker=weaker.narrower_networks, aliases=("ipAddresses",))
CALLER_ADDRESS = Field(
    forms.expression,
    N,
    flex_default="attributes.headers['x-forwarded-for']",
    weaker=weaker.has(weaker.reads_forwarded_for),
)
PAYLOAD_LIMIT = number(weaker.NO_LIMIT, P, weaker.larger_or_unlimited)
CHECK = switch(of=T, weak=False)
LIMITS = Field(field_class=L, shape=Shape.MAP, entry=_limit_entry, titles=(WINDOW, MAXIMUM))
HEADER_VALUES = Field(field_class=H, default=None, shape=Shape.MAP, entry=_header_entry)
HEADER_NAMES = Field(forms.folded_names, H, None)
CLAIMS = Field(
    field_class=T,
    default=None,
    weaker=weaker.has(weaker.is_nothing),
    counts=_claims_are_checked,
    shape=Shape.MAP,
    entry=_pair_entry,
)
ALL_METHODS = ["CONNECT", "DELETE", "GET", "OPTIONS", "PATCH", "POST", "PUT", "TRACE"]
WIDER = weaker.either(weaker.superset, weaker.has(weaker.has_wildcard))
ORIGINS = Field(forms.names, O, None, weaker=WIDER)
ORIGIN_GROUP = {
    "origins": ORIGINS,
    "headers": ORIGINS,
    "exposedHeaders": ORIGINS,
    "allowedMethods": Field(_allowed_methods, O, ALL_METHODS, weaker=_allows_more_methods),
    "accessControlMaxAge": number(30),
}
LOG_ITEM = {
    "message": Field(forms.expression, G),
    "conditional": Field(forms.expression, G, "true"),
    "category": Field(forms.text, G, None),
    "level": Field(forms.enumerated, G),
    "firstSection": switch(of=G),
    "secondSection": switch(of=G),
}
TOKEN_ENFORCEMENT = schema(
    {
        "tokenUrl": URL,
        "scopes": SCOPES,
        "scopeValidationCriteria": SCOPE_CRITERIA,
        "skipClientIdValidation": SKIPS_CLIENT,
        "exposeHeaders": EXPOSES_HEADERS,
        "authenticationTimeout": number(),
        "maxCacheEntries": number(),
        "secureTrustStore": switch(default=NO_DEFAULT),
    }
)
BASIC = schema(
    {
        "username": Field(forms.text, C, is_expected=True),
        "password": secret(is_required=True, counts=_has_user),
    }
)
LOGGING = schema(
    {
        "loggingConfiguration": Field(
            field_class=G, shape=Shape.BAG, entry=_log_item, members=LOG_ITEM
        )
    }
)
ALLOWLIST = schema({"ips": NETWORKS, "ipExpression": CALLER_ADDRESS})
BLOCKLIST = schema({"ips": BLOCKED, "ipExpression": CALLER_ADDRESS})
LDAP = Field(forms.text, T, is_expected=True)
LDAP_SCHEMA = schema(
    {
        "ldapServerURL": URL,
        "ldapServerUserDn": LDAP,
        "ldapServerUserPassword": secret(),
        "ldapSearchBase": LDAP,
        "ldapSearchFilter": LDAP,
        "ldapSearchInSubtree": switch(),
    }
)
CREDENTIALS = schema(
    {
        "clientId": Field(forms.text, C, is_expected=True),
        "username": Field(forms.text, C, is_expected=True),
        "password": secret(),
        "clientSecret": secret(),
        "oauthService": URL,
        "tokenUrl": URL,
        "scopes": SCOPES,
        "scope": SCOPES,
    }
)

POLICIES: dict[str, Schema] = {
    "client-id-enforcement": schema(
        {
            "credentialsOrigin": Field(
                _origin,
                C,
                aliases=("credentialsOriginHasHttpBasicAuthenticationHeader",),
            ),
            "clientIdExpression": replace(CLIENT_ID, counts=_is_not_in_header),
            "clientSecretExpression": replace(CLIENT_SECRET, counts=_is_not_in_header),
        }
    ),
    "jwt-validation": schema(
        {
            "signingMethod": Field(
                forms.enumerated,
                T,
                flex_default="rsa",
                weaker=weaker.has(weaker.is_unsigned),
            ),
            "signingKeyLength": number(256, T, weaker.smaller),
            "jwtOrigin": Field(
                forms.enumerated,
                C,
                "httpbearerauthenticationheader",
                written="httpBearerAuthenticationHeader",
            ),
            "jwtExpression": Field(
                forms.expression, C, "attributes.headers['jwt']", counts=_origin_is_custom
            ),
            "jwtKeyOrigin": Field(forms.enumerated, T, "text"),
            "textKey": secret(counts=_key_is_text, is_required=True),
            "customKeyExpression": Field(forms.expression, T, counts=_key_is_computed),
            "jwksUrl": Field(
                forms.urls,
                T,
                weaker=weaker.either(weaker.superset, weaker.has(weaker.has_plain_http)),
                is_expected=True,
                counts=_key_is_jwks,
            ),
            "jwksServiceTimeToLive": number(60),
            "jwksServiceConnectionTimeout": number(10_000),
            "skipClientIdValidation": SKIPS_CLIENT,
            "clientIdExpression": Field(forms.expression, C, "vars.claimSet.client_id"),
            "validateAudClaim": CHECK,
            "mandatoryAudClaim": CHECK,
            "mandatoryExpClaim": CHECK,
            "mandatoryNbfClaim": CHECK,
            "validateCustomClaim": CHECK,
            "supportedAudiences": Field(
                forms.words,
                T,
                None,
                weaker=weaker.either(weaker.superset_of_some, weaker.has(weaker.is_nothing)),
                is_expected=True,
                counts=_audience_is_checked,
            ),
            "mandatoryCustomClaims": CLAIMS,
            "nonMandatoryCustomClaims": CLAIMS,
            "claimsToHeaders": Field(default=None, shape=Shape.BAG),
        }
    ),
    "external-oauth2-access-token-enforcement": TOKEN_ENFORCEMENT,
    "openidconnect-access-token-enforcement": TOKEN_ENFORCEMENT,
    "openam-access-token-enforcement": TOKEN_ENFORCEMENT,
    "pingfederate-access-token-enforcement": TOKEN_ENFORCEMENT,
    "oauth2-token-introspection": schema(
        {
            "introspectionURL": Field(
                forms.url,
                T,
                weaker=weaker.has(weaker.has_plain_http),
                is_expected=True,
                aliases=("introspectionUrl",),
            ),
            "authorizationValue": secret(is_expected=True, is_required=True),
            "validatedTokenTTL": number(600, T, weaker.larger),
            "scopes": SCOPES,
            "scopeValidationCriteria": SCOPE_CRITERIA,
            "skipClientIdValidation": SKIPS_CLIENT,
            "consumerBy": Field(forms.enumerated, C),
            "exposeHeaders": EXPOSES_HEADERS,
            "authenticationTimeout": number(10_000),
            "maxCacheEntries": number(1_000),
        }
    ),
    "http-basic-authentication": BASIC,
    "simple-security-manager": BASIC,
    "ldap-authentication": LDAP_SCHEMA,
    "ldap-security-manager": LDAP_SCHEMA,
    "rate-limiting": schema(
        {
            "rateLimits": LIMITS,
            "keySelector": Field(forms.expression, L, None),
            "clusterizable": CLUSTERED,
            "exposeHeaders": EXPOSES_HEADERS,
        }
    ),
    "rate-limiting-sla-based": schema(
        {
            "clientIdExpression": CLIENT_ID,
            "clientSecretExpression": CLIENT_SECRET,
            "clusterizable": CLUSTERED,
            "exposeHeaders": EXPOSES_HEADERS,
        }
    ),
    "spike-control": schema(
        {
            "maximumRequests": number(1, L),
            "timePeriodInMilliseconds": number(1_000, L),
            "queuingLimit": number(0),
            "delayAttempts": number(1),
            "delayTimeInMillis": number(1_000),
            "exposeHeaders": EXPOSES_HEADERS,
        }
    ),
    "ip-allowlist": ALLOWLIST,
    "ip-whitelist": ALLOWLIST,
    "ip-blocklist": BLOCKLIST,
    "ip-blacklist": BLOCKLIST,
    "cors": schema(
        {
            "publicResource": switch(default=True, of=O, weak=True),
            "supportCredentials": switch(of=O, weak=True),
            "originGroups": Field(
                field_class=O,
                default=None,
                counts=_is_not_public,
                shape=Shape.MAP,
                entry=_group_entry,
                members=ORIGIN_GROUP,
            ),
        }
    ),
    "json-threat-protection": schema(
        dict.fromkeys(
            (
                "maxContainerDepth",
                "maxObjectEntryCount",
                "maxObjectEntryNameLength",
                "maxArrayElementCount",
                "maxStringValueLength",
            ),
            PAYLOAD_LIMIT,
        )
    ),
    "xml-threat-protection": schema(
        dict.fromkeys(
            (
                "maxNodeDepth",
                "maxAttributeCountPerElement",
                "maxChildCount",
                "maxTextLength",
                "maxAttributeLength",
                "maxCommentLength",
            ),
            PAYLOAD_LIMIT,
        )
    ),
    "message-logging": LOGGING,
    "message-logging-outbound": LOGGING,
    "header-injection": schema({"inboundHeaders": HEADER_VALUES, "outboundHeaders": HEADER_VALUES}),
    "header-removal": schema({"inboundHeaders": HEADER_NAMES, "outboundHeaders": HEADER_NAMES}),
    "http-caching": schema(
        {
            "httpCachingKey": Field(forms.expression, default="attributes.requestPath"),
            "requestExpression": Field(
                forms.expression,
                default="attributes.method == 'GET' or attributes.method == 'HEAD'",
            ),
            "responseExpression": Field(
                forms.expression,
                default="[200, 203, 204, 206, 300, 301, 404, 405, 410, 414, 501] "
                "contains attributes.statusCode",
            ),
            "ttl": number(600),
            "maxCacheEntries": number(10_000),
            "useHttpCacheHeaders": switch(default=True),
            "distributed": switch(),
            "persistCache": switch(),
            "invalidationHeader": Field(default=None),
        }
    ),
    "credential-injection-basic-auth": CREDENTIALS,
    "credential-injection-oauth2": CREDENTIALS,
}
"""Every known policy by asset id; its group is MuleSoft's, or none on Mule 3."""


@lru_cache(maxsize=4096)
def schema_of(group_id: str | None, asset_id: str) -> Schema | None:
    """Return what is known of a policy, or None: then it is compared as it is."""
    return POLICIES.get(asset_id) if is_mulesofts(group_id) else None
