"""A Confluence page that shows the Forge app's real shell, under Forge's own content security policy."""

import asyncio
import os
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from shutil import which
from typing import Any
from urllib.parse import parse_qs, urlsplit

from playwright.async_api import Frame, Page, Route

from sandbox.browser import Record
from sandbox.processes import ROOT
from sandbox.stack import Stack

SITE = "https://ours.atlassian.net"
CDN = "https://a1b2c3.cdn.prod.atlassian-dev.net"
BRIDGE = Path(__file__).with_name("forge_bridge.js")
PATIENCE_MS = 20_000
TYPES = {".html": "text/html", ".js": "text/javascript", ".css": "text/css"}
HOST = """<!doctype html><html><head><link rel="icon" href="data:,"><title>Confluence</title></head>
<body style="margin:0"><main></main><div id="flags"></div></body></html>"""


def policy(folder: Path) -> str:
    """Return the policy that Atlassian's own package makes for the built app."""
    node = which("node", path=f"{os.environ['PATH']}:{ROOT / '.venv' / 'bin'}") or "node"
    made = subprocess.run(
        [node, str(ROOT / "sandbox" / "forge_csp.cjs"), str(folder), urlsplit(CDN).hostname or ""],
        env={**os.environ, "NODE_PATH": str(ROOT / ".node" / "node_modules")},
        capture_output=True,
        text=True,
        check=True,
    )
    return made.stdout.strip()


# No slots: Playwright keeps a mark on the object whose method it calls.
@dataclass
class ForgeHost:
    """One page of Confluence with the app's modules in it, and what the bridge was asked."""

    page: Page
    record: Record
    stack: Stack
    folder: Path
    policy: str
    role: str = "admin"
    shells: dict[str, dict[str, Any]] = field(default_factory=dict)
    address: list[str] = field(default_factory=lambda: [""])
    flags: list[dict[str, Any]] = field(default_factory=list)
    submitted: list[dict[str, Any]] = field(default_factory=list)
    visited: list[dict[str, Any]] = field(default_factory=list)
    opening: asyncio.Task[Frame] | None = None

    async def prepare(self) -> None:
        """Play Confluence and Forge's CDN in this page's window from now on."""
        context = self.page.context
        await context.route(f"{SITE}/**", self._confluence)
        await context.route(f"{CDN}/**", self._cdn)
        await context.expose_function("forgeCall", self._call)
        await context.add_init_script(path=BRIDGE)

    async def open(self, module: str, *, state: str = "", **extension: Any) -> Frame:
        """Show a module on a fresh page and return our frame in it."""
        self.shells.clear()
        self.address = [state]
        await self.page.goto(f"{SITE}/wiki/spaces/page")
        return await self.add("main", module, has_address=True, **extension)

    async def add(self, resource: str, module: str, **given: Any) -> Frame:
        """Add a shell to the page and return our frame in it once its page's script is up."""
        key = str(len(self.shells))
        space = self.stack.space
        has_address = given.pop("has_address", False)
        extension = {"space": {"id": space["id"], "key": space["key"]}, **given}
        self.shells[key] = {"module": module, "extension": extension, "has_address": has_address}
        await self.page.evaluate(
            """([src, key]) => {
              const frame = document.createElement("iframe");
              // As "Custom UI iframe" lists it: no popups, no way to the top.
              frame.sandbox = "allow-downloads allow-forms allow-modals allow-pointer-lock " +
                "allow-same-origin allow-scripts";
              Object.assign(frame, { src, id: `shell-${key}` });
              frame.style.cssText = "width:100%;height:900px;border:0";
              document.querySelector("main").append(frame);
            }""",
            [f"{CDN}/{resource}/index.html?key={key}", key],
        )
        return await self.frame(key)

    async def shell(self, key: str) -> Frame:
        """Return a shell's own frame."""
        holder = await self.page.wait_for_selector(f"#shell-{key}", timeout=PATIENCE_MS)
        frame = await holder.content_frame() if holder else None
        assert frame is not None
        return frame

    async def frame(self, key: str) -> Frame:
        """Return our frame in a shell once its script is up."""
        shell = await self.shell(key)
        holder = await shell.wait_for_selector("iframe", timeout=PATIENCE_MS)
        inner = await holder.content_frame() if holder else None
        assert inner is not None
        await inner.wait_for_selector('html[data-ready="true"]', timeout=PATIENCE_MS)
        return inner

    async def _confluence(self, route: Route) -> None:
        await route.fulfill(body=HOST, content_type="text/html")

    async def _cdn(self, route: Route) -> None:
        file = self.folder / "static" / urlsplit(route.request.url).path.lstrip("/")
        if not file.is_file():
            await route.fulfill(status=204)
            return
        headers = {"Content-Security-Policy": self.policy} if file.suffix == ".html" else {}
        headers["Content-Type"] = TYPES[file.suffix]
        await route.fulfill(body=await asyncio.to_thread(file.read_bytes), headers=headers)

    async def _call(self, key: str, command: str, payload: dict[str, Any]) -> Any:
        act = getattr(self, f"_on_{command}", None)
        return await act(key, payload) if act else None

    # The bridge's commands: named as Forge names them.

    async def _on_getContext(self, key: str, _: Any) -> Any:  # noqa: N802
        shell = self.shells[key]
        return {"moduleKey": shell["module"], "extension": shell["extension"]}

    async def _on_invoke(self, key: str, payload: dict[str, Any]) -> Any:
        shell = self.shells[key]
        # The documented example of a macro's token holds no config.
        signed = {k: v for k, v in shell["extension"].items() if k not in {"modal", "config"}}
        answer = await asyncio.to_thread(
            self.stack.control,
            "forge-call",
            app_url=self.stack.app_url,
            path=payload["path"],
            method=payload.get("method", "POST"),
            headers=payload.get("headers", {}),
            body=payload.get("body", {}),
            module=shell["module"],
            extension=signed,
            **{"as": self.role},
        )
        if answer["status"] != 200:
            return {"success": False, "error": {"message": "The remote answered with an error."}}
        # As documented: no status, whatever the bridge's types say.
        return {"success": True, "payload": {"headers": {}, "body": answer["body"]}}

    async def _on_openModal(self, key: str, payload: dict[str, Any]) -> bool:  # noqa: N802
        opener = self.shells[key]
        modal = {"modal": payload["context"], "opener": key}
        # Not waited for: the modal's frame is up after the call is answered.
        self.opening = asyncio.create_task(self.add("main", opener["module"], **modal))
        return True

    async def _on_close(self, key: str, _: Any) -> None:
        await self.page.evaluate("(id) => document.getElementById(id).remove()", f"shell-{key}")
        opener = self.shells[key]["extension"].get("opener")
        if opener is not None:
            shell = await self.shell(opener)
            await shell.evaluate("() => globalThis.__stand.closed?.()")

    async def _on_emit(self, _: str, payload: dict[str, Any]) -> None:
        for frame in self.page.frames:
            if frame.url.startswith(CDN):
                await frame.evaluate(
                    "([event, data]) => globalThis.__stand.told.get(event)?.(data)",
                    [payload["event"], payload["payload"]],
                )

    async def _on_address(self, key: str, _: Any) -> str | None:
        return self.address[-1] if self.shells[key]["has_address"] else None

    async def _on_push(self, _: str, payload: dict[str, Any]) -> None:
        self.address.append(urlsplit(payload["place"]).query)

    async def _on_replace(self, _: str, payload: dict[str, Any]) -> None:
        self.address[-1] = urlsplit(payload["place"]).query

    async def _on_back(self, key: str, _: Any) -> None:
        if len(self.address) > 1:
            self.address.pop()
        shell = await self.shell(key)
        await shell.evaluate("(place) => globalThis.__stand.popped(place)", f"/?{self.address[-1]}")

    async def _on_showFlag(self, _: str, payload: dict[str, Any]) -> None:  # noqa: N802
        self.flags.append(payload)

    async def _on_submit(self, _: str, payload: dict[str, Any]) -> bool:
        self.submitted.append(payload)
        return True

    async def _on_navigate(self, _: str, payload: dict[str, Any]) -> None:
        self.visited.append(payload)

    @property
    def filter(self) -> dict[str, list[str]]:
        """The state that the address holds now."""
        return parse_qs(self.address[-1])
