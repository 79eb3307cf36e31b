"""A tiny Connect app that shows what the bridge hands over: the stand-in proven without ours."""

import json
import sys

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

SCRIPT = """
const root = document.documentElement;
const show = (name, value) => { root.dataset[name] = value; };
window.step = {
  token: () => new Promise((done) => AP.context.getToken(done)),
  dialog: () => AP.dialog.create({ key: "tiny-dialog", customData: { api: "42" } }),
  customData: () => new Promise((done) => AP.dialog.getCustomData(done)),
  closeWith: (data) => AP.dialog.close(data),
  push: (state) => AP.history.pushState(state),
  state: () => new Promise((done) => AP.history.getState("hash", done)),
  flag: () => AP.flag.create({ title: "Saved", body: "All kept.", type: "success" }),
  macro: () => new Promise((done) => AP.confluence.getMacroData(done)),
  save: (values) => { AP.confluence.saveMacro(values); AP.confluence.closeMacroEditor(); },
};
AP.theming.initializeTheming();
AP.events.on("dialog.close", (data) => show("closed", JSON.stringify(data ?? null)));
const listen = () => AP.history.popState((event) => { show("popped", event.newURL); listen(); });
listen();
show("ready", "true");
"""


def descriptor(base_url: str) -> dict[str, object]:
    """Return a descriptor with one module of each kind that we use."""
    space = "spaceKey={space.key}&spaceId={space.id}"
    name = {"value": "Tiny"}
    macro = {"key": "tiny-macro", "name": name, "url": "/macro?api={api}&page={page.id}"}
    return {
        "key": "tiny",
        "baseUrl": base_url,
        "lifecycle": {"installed": "/installed", "enabled": "/enabled"},
        "modules": {
            "webItems": [
                {
                    "key": "tiny-link",
                    "name": name,
                    "location": "system.space.sidebar/main-links",
                    "context": "page",
                    "url": "tiny-page?space.key={space.key}&space.id={space.id}",
                }
            ],
            "generalPages": [{"key": "tiny-page", "name": name, "url": f"/page?{space}"}],
            "spaceToolsTabs": [{"key": "tiny-settings", "name": name, "url": f"/page?{space}"}],
            "dialogs": [
                {
                    "key": "tiny-dialog",
                    "url": f"/dialog?{space}",
                    "options": {"size": "x-large", "chrome": False},
                }
            ],
            "dynamicContentMacros": [{**macro, "editor": {"url": f"/editor?{space}"}}],
        },
    }


async def page(request: Request) -> Response:
    """Show the query that the frame was signed with."""
    return HTMLResponse(
        "<!doctype html><html><head><link rel='icon' href='data:,'>"
        f"<script src='{request.app.state.script_url}'></script></head>"
        f"<body><main class='ac-content'>{request.url.path}</main>"
        "<button>First</button><script src='/tiny.js'></script></body></html>"
    )


async def script(request: Request) -> Response:
    """Answer the page's script."""
    return PlainTextResponse(SCRIPT, media_type="text/javascript")


async def describe(request: Request) -> Response:
    """Answer the descriptor."""
    return JSONResponse(descriptor(str(request.base_url).rstrip("/")))


async def lifecycle(request: Request) -> Response:
    """Keep the call for the test to read."""
    request.app.state.calls.append(
        {
            "path": request.url.path,
            "authorization": request.headers["authorization"],
            "body": json.loads(await request.body()),
        }
    )
    return Response(status_code=204)


async def calls(request: Request) -> Response:
    """Answer the lifecycle calls so far."""
    return JSONResponse(request.app.state.calls)


def create_app(script_url: str) -> Starlette:
    """Return the app, which loads the host's script from this address."""
    pages = [Route(path, page) for path in ("/page", "/dialog", "/macro", "/editor")]
    lifecycles = [Route(p, lifecycle, methods=["POST"]) for p in ("/installed", "/enabled")]
    other = [
        Route("/atlassian-connect.json", describe),
        Route("/tiny.js", script),
        Route("/calls", calls),
    ]
    app = Starlette(routes=[*pages, *lifecycles, *other])
    app.state.script_url = script_url
    app.state.calls = []
    return app


if __name__ == "__main__":
    from sandbox.confluence import listening

    bound = listening(0)
    sys.stdout.write(json.dumps({"url": f"http://127.0.0.1:{bound.getsockname()[1]}"}) + "\n")
    sys.stdout.flush()
    config = uvicorn.Config(create_app(sys.argv[1]), log_level="warning", access_log=False)
    uvicorn.Server(config).run(sockets=[bound])
