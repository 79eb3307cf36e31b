"""The served app, with Forge calling it as it does in life."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from app.store.database import Database
from app.store.encryption import Keyring
from tests.postgres import FreshDatabase
from tests.web.product import Product, served

USER_TOKEN = "the-opaque-token-of-a-person"


@dataclass
class Forge:
    """Forge before our door."""

    product: Product

    async def call(
        self,
        token: str,
        path: str = "/forge/open",
        body: Any = None,
        user_token: str | None = USER_TOKEN,
    ) -> httpx.Response:
        """Call a route as Forge's proxy does."""
        headers = {"Authorization": f"Bearer {token}"}
        if user_token is not None:
            headers["x-forge-oauth-user"] = user_token
        return await self.product.http.post(path, json=body or {}, headers=headers)

    async def opened(self, route: str = "page", **changes: Any) -> dict[str, Any]:
        """Open a page as the shell does, and return the answer."""
        answer = await self.call(self.product.invocation(**changes), body={"route": route})
        assert answer.status_code == 200, answer.text
        said: dict[str, Any] = answer.json()
        return said

    async def exchanged(self, opened: dict[str, Any]) -> httpx.Response:
        """Exchange what stands in the fragment of a frame's address."""
        handover = opened["frame_url"].partition("#")[2]
        return await self.product.http.post("/forge/exchange", json={"handover": handover})

    async def get(self, path: str, token: str) -> httpx.Response:
        """Ask as a framed page does."""
        return await self.product.http.get(path, headers={"Authorization": f"Bearer {token}"})


@pytest.fixture
async def forge(
    addresses: FreshDatabase, database: Database, keyring: Keyring
) -> AsyncIterator[Forge]:
    async with served(addresses, database, keyring) as product:
        yield Forge(product)
