"""What a site's installation, removal, enabling and disabling change.

The order in which they arrive never matters: of installations and removals the last one counts by
the times at which Atlassian signed them, so that a late one neither brings back nor removes a site.
"""

import hashlib
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeGuard

import orjson

from app.caller import INSIDE, Door, Origin, SiteId
from app.connect.door import InstallToken, utc_now
from app.connect.impersonation import UserTokens
from app.connect.known_sites import KnownSites
from app.connect.origins import accepted_base_url, accepted_display_url
from app.errors import BadValue, NotAuthenticated
from app.store import arrivals, audit, install_tokens, sites
from app.store.arrivals import Arrival
from app.store.audit import Act, Action
from app.store.database import Database
from app.store.encryption import Keyring
from app.store.install_tokens import Receipt, Spent

log = logging.getLogger(__name__)

PRODUCT = "confluence"
MIN_SECRET_LENGTH = 16
MAX_SECRET_LENGTH = 2048
MAX_ID_LENGTH = 255


@dataclass(frozen=True, slots=True)
class Lifecycle:
    """The four callbacks, each given what its door has verified."""

    database: Database
    keyring: Keyring
    user_tokens: UserTokens
    known_sites: KnownSites
    app_key: str
    confluence_origins: Sequence[str]
    uninstall_retention: timedelta
    clock: Callable[[], datetime] = utc_now

    async def installed(self, token: InstallToken, body: bytes, origin: Origin = INSIDE) -> None:
        """Install the site, or take its new secret and addresses; a repeated call changes nothing.

        Raises `NotAuthenticated` for a body of another site or app and for one that was signed
        before the site's last word, `BadValue` for a signed body that cannot be accepted.
        """
        arrival = self._arrival(token, self._own_body(token, body))
        async with self.database.lookup(arrival.issuer) as db:
            was_known = await sites.site_of(db, arrival.issuer) is not None
            site_id, spent = await arrivals.install(
                db, arrival, _receipt(token, body), self.keyring, self.clock()
            )
            _refuse_second_body(spent)
            _refuse_late(spent, site_id)
            if spent is Spent.NEW:
                act = Act(Action.REINSTALLED if was_known else Action.INSTALLED, origin=origin)
                await audit.write(db, site_id, audit.WHOLE_SITE, act)
        self._forget(token, site_id)
        log.info("site %s: installed (%s)", site_id, spent)

    async def uninstalled(self, token: InstallToken, body: bytes, origin: Origin = INSIDE) -> None:
        """End the site's tokens and secrets at once; an unknown or uninstalled one stays as it is.

        So does one that was installed after the token was signed. The token is spent in any case.
        """
        self._own_body(token, body)
        async with self.database.lookup(token.issuer) as db:
            site_id = await sites.site_of(db, token.issuer)
        if site_id is None:
            return
        now = self.clock()
        async with self.database.transaction(site_id) as db:
            spent = await install_tokens.spend(db, site_id, _receipt(token, body), now)
            _refuse_second_body(spent)
            since = await sites.installed_since(db, site_id)
            if spent is Spent.NEW and since is not None and since <= token.issued_at:
                until = now + self.uninstall_retention
                await sites.uninstall(db, site_id, token.issued_at, until)
                act = Act(Action.UNINSTALLED, origin=origin)
                await audit.write(db, site_id, audit.WHOLE_SITE, act)
        self._forget(token, site_id)
        log.info("site %s: uninstalled (%s)", site_id, spent)

    async def enabled(self, site_id: SiteId) -> None:
        """Note that the site switched the app on."""
        async with self.database.transaction(site_id) as db:
            await sites.set_enabled(db, site_id, enabled=True)

    async def disabled(self, site_id: SiteId) -> None:
        """Note that the site switched the app off."""
        async with self.database.transaction(site_id) as db:
            await sites.set_enabled(db, site_id, enabled=False)

    def _forget(self, token: InstallToken, site_id: SiteId) -> None:
        self.known_sites.forget(token.issuer)
        self.user_tokens.drop(site_id)

    def _own_body(self, token: InstallToken, body: bytes) -> Mapping[str, object]:
        try:
            payload = orjson.loads(body)
        except orjson.JSONDecodeError:
            raise NotAuthenticated("body is not JSON") from None
        if not isinstance(payload, dict):
            raise NotAuthenticated("body is not an object")
        if payload.get("clientKey") != token.issuer or not _is_id(token.issuer):
            log.warning("security: an install token of one site came with the body of another")
            raise NotAuthenticated("body of another site")
        if payload.get("key") != self.app_key:
            raise NotAuthenticated("body of another app")
        return payload

    def _arrival(self, token: InstallToken, payload: Mapping[str, object]) -> Arrival:
        base_url = accepted_base_url(payload.get("baseUrl"), self.confluence_origins) or ""
        secret = payload.get("sharedSecret")
        problems: dict[str, str] = {}
        if payload.get("productType") != PRODUCT:
            problems["productType"] = "This app is for Confluence."
        if not base_url:
            problems["baseUrl"] = "This address is not one that this deployment accepts."
        if not _is_secret(secret):
            problems["sharedSecret"] = "There is no usable secret."
        if problems:
            raise BadValue(problems)
        client_id = payload.get("oauthClientId")
        forge_id = payload.get("installationId")
        return Arrival(
            door=Door.CONNECT,
            issuer=token.issuer,
            base_url=base_url,
            display_url=accepted_display_url(payload.get("displayUrl"), base_url),
            oauth_client_id=client_id if _is_id(client_id) else None,
            shared_secret=str(secret),
            forge_installation_id=forge_id if _is_id(forge_id) else None,
            said_at=token.issued_at,
        )


def _receipt(token: InstallToken, body: bytes) -> Receipt:
    return Receipt(token.digest, hashlib.sha256(body).digest(), token.expires_at)


def _refuse_second_body(spent: Spent) -> None:
    if spent is Spent.OTHER:
        log.warning("security: an install token was presented again with another body")
        raise NotAuthenticated("token was used for another body")


def _refuse_late(spent: Spent, site_id: SiteId) -> None:
    if spent is Spent.LATE:
        log.warning("security: site %s: an install token came after a later word", site_id)
        raise NotAuthenticated("signed before the site's last word")


def _is_id(value: object) -> TypeGuard[str]:
    return isinstance(value, str) and 0 < len(value) <= MAX_ID_LENGTH and value.isprintable()


def _is_secret(value: object) -> bool:
    if not isinstance(value, str) or not value.isprintable():
        return False
    return MIN_SECRET_LENGTH <= len(value) <= MAX_SECRET_LENGTH
