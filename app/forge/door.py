"""The Forge door: an invocation or a page token becomes a `Caller`, or is refused."""

from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, field
from datetime import datetime

import httpx
from starlette.requests import Request

from app.caller import Caller, Door, SpaceId
from app.errors import NotAuthenticated
from app.forge import carried, invocation, modules
from app.forge.acting import UserToken
from app.forge.invocation import Invocation
from app.forge.keys import ForgeKeys
from app.forge.lifecycle import ForgeLifecycle, rest_base
from app.forge.page_token import HANDOVER, HANDOVER_LIFE, LIFE, PAGE, Named, PageTokens
from app.store import page_tokens
from app.store.database import Database
from app.store.encryption import CannotDecrypt, Keyring
from app.store.page_tokens import Grant, Granted

AskSpaceId = Callable[[str, httpx.Auth, str], Awaitable[SpaceId | None]]
"""`confluence.spaces.id_of` with its client: REST base, the person's sign-in, the space's key."""

FRAMES = ("https://*.atlassian.net", "https://*.cdn.prod.atlassian-dev.net")
"""Who frames our pages: Confluence, and in it the shell's own host."""


@dataclass(frozen=True, slots=True)
class Invoker(Caller):
    """A verified call of the Forge app, with all that it says."""

    invocation: Invocation | None = None
    user_token: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Opened:
    """What the shell is given: the handover in the frame's address, and the page's token."""

    handover: str = field(repr=False)
    token: str = field(repr=False)
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Exchanged:
    """What a frame is given for its handover: the token, and the page that it is to show."""

    token: str = field(repr=False)
    page: str
    expires_at: datetime


class ForgeDoor:
    """One method for each kind of token; without an app id all of them refuse."""

    def __init__(
        self,
        *,
        database: Database,
        keyring: Keyring,
        keys: ForgeKeys,
        page_tokens: PageTokens,
        lifecycle: ForgeLifecycle,
        space_id: AskSpaceId,
        app_ids: Collection[str],
        api_origins: Collection[str],
        clock: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._keyring = keyring
        self._keys = keys
        self._tokens = page_tokens
        self._lifecycle = lifecycle
        self._space_id = space_id
        self._app_ids = frozenset(app_ids)
        self._api_origins = frozenset(api_origins)
        self._clock = clock

    async def invocation(self, request: Request) -> Invoker:
        """Return who calls through Forge; a call without a person is the site's own."""
        said = await self._said(carried.bearer(request))
        token = carried.user_token(request)
        if said.has_context and said.module_key not in modules.MODULES:
            raise NotAuthenticated("a module of another app")
        auth = UserToken(token) if token and said.account_id else None
        space_id = await self._space_of(said, auth)
        return Invoker(
            site_id=await self._lifecycle.site_of(said),
            door=Door.FORGE,
            account_id=said.account_id,
            space_id=space_id,
            space_key=said.space_key,
            frame_origins=FRAMES,
            rest_base=rest_base(said),
            rest_auth=auth,
            invocation=said,
            user_token=token,
        )

    async def named_space(self, invoker: Invoker, key: str) -> tuple[SpaceId, httpx.Auth] | None:
        """Return the space that our own function names, as whoever rides along sees it, or None.

        Forge signs neither a place nor a person for calls of functions: only the person's own token
        says what may be seen. A call of the shell names no space; its own is signed.
        """
        said = invoker.invocation
        if said is None or said.has_context or invoker.account_id or not invoker.user_token:
            return None
        if not invocation.SPACE_KEY.fullmatch(key):
            return None
        auth = UserToken(invoker.user_token)
        space_id = await self._space_id(invoker.rest_base, auth, key)
        return (space_id, auth) if space_id else None

    async def page(self, request: Request) -> Caller:
        """Return who sees the framed page that a token is for; any other page is refused."""
        granted, caller = await self._granted(request)
        if request.url.path.removeprefix(request.scope.get("root_path", "")) != _path(granted):
            raise NotAuthenticated("a token for another page")
        return caller

    async def context(self, request: Request) -> Caller:
        """Return who sits before a framed page, by the token its script holds."""
        return (await self._granted(request))[1]

    async def opened(self, invoker: Invoker, page: str) -> Opened:
        """Return new tokens for a page, after the right to it was asked."""
        if invoker.invocation is None or invoker.account_id is None or invoker.space_id is None:
            raise NotAuthenticated("no person in a space")
        now = self._clock().replace(microsecond=0)
        grant = Grant(
            account_id=invoker.account_id,
            module_key=invoker.invocation.module_key,
            page=page,
            space_id=invoker.space_id,
            space_key=invoker.space_key,
            user_token=invoker.user_token,
        )
        site_id, until = invoker.site_id, now + LIFE
        async with self._database.transaction(site_id) as db:
            token_id = await page_tokens.keep(db, site_id, grant, self._keyring, now, until)
        handover = Named(site_id, token_id, now + HANDOVER_LIFE)
        return Opened(
            handover=self._tokens.signed(handover, HANDOVER, now),
            token=self._tokens.signed(Named(site_id, token_id, until), PAGE, now),
            expires_at=until,
        )

    async def exchanged(self, handover: str) -> Exchanged:
        """Return the token behind a handover; a handover is good for one exchange."""
        self._refuse_while_closed()
        now = self._clock()
        named = self._tokens.verified(handover, HANDOVER, now)
        async with self._database.transaction(named.site_id) as db:
            taken = await page_tokens.exchange(db, named.site_id, named.token_id, now)
        if not taken:
            raise NotAuthenticated("the handover was taken before")
        granted = await self._kept(named)
        whole = Named(named.site_id, named.token_id, granted.expires_at)
        token = self._tokens.signed(whole, PAGE, now)
        return Exchanged(token, granted.grant.page, granted.expires_at)

    async def _said(self, token: str) -> Invocation:
        self._refuse_while_closed()
        key = await self._keys.key(invocation.key_id(token))
        return invocation.verified(token, key, self._app_ids, self._api_origins, self._clock())

    async def _space_of(self, said: Invocation, auth: httpx.Auth | None) -> SpaceId | None:
        # Forge signs the key and mostly the id; the key alone is asked about as this person.
        if said.space_id is not None or said.space_key is None or auth is None:
            return said.space_id
        return await self._space_id(rest_base(said), auth, said.space_key)

    async def _granted(self, request: Request) -> tuple[Granted, Caller]:
        self._refuse_while_closed()
        named = self._tokens.verified(carried.bearer(request), PAGE, self._clock())
        granted = await self._kept(named)
        grant = granted.grant
        caller = Caller(
            site_id=named.site_id,
            door=Door.FORGE,
            account_id=grant.account_id,
            space_id=grant.space_id,
            space_key=grant.space_key,
            frame_origins=FRAMES,
            rest_base=granted.rest_base,
            rest_auth=UserToken(grant.user_token) if grant.user_token else None,
        )
        return granted, caller

    async def _kept(self, named: Named) -> Granted:
        try:
            async with self._database.transaction(named.site_id) as db:
                granted = await page_tokens.one(
                    db, named.site_id, named.token_id, self._keyring, self._clock()
                )
        except CannotDecrypt:
            # Sealed with a key that was taken away: the shell asks for a new token.
            raise NotAuthenticated("page token of an unknown key") from None
        if granted is None:
            raise NotAuthenticated("no such page token")
        return granted

    def _refuse_while_closed(self) -> None:
        if not self._app_ids:
            raise NotAuthenticated("the Forge door is closed")


def _path(granted: Granted) -> str:
    return granted.grant.page.partition("?")[0]
