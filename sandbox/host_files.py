"""The host's scripts and style sheets, out of the npm packages that set-up brings."""

from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from sandbox import standin

HERE = Path(__file__).parent / "host"
CONNECT = Path("atlassian-connect-js") / "dist"
BORROWED = {
    "jquery.js": Path("jquery") / "dist" / "jquery.min.js",
    "connect-host.js": CONNECT / "connect-host.js",
    "connect-host.css": CONNECT / "connect-host.css",
}
OWN = ("ajs.js", "host.js", "host.css")
CDN = 'CDN_URL = "https://" + CDN_DOMAIN'


class MissingPackages(Exception):
    """The npm packages are not installed: `make` brings them."""


def check(node_modules: Path) -> None:
    """Raise `MissingPackages` unless everything that the stand-in borrows is there."""
    for path in (*BORROWED.values(), CONNECT / "iframe.js"):
        if not (node_modules / path).is_file():
            raise MissingPackages(f"{node_modules / path} is missing: run `make setup`.")


async def script(request: Request) -> Response:
    """Answer the real `all.js`, built for this host: its style sheets come from here.

    The host of the style sheets is a constant that Atlassian's build puts in.
    """
    here = standin.of(request)
    text = (here.node_modules / CONNECT / "iframe.js").read_text(encoding="utf-8")
    if text.count(CDN) != 1:
        raise MissingPackages("iframe.js no longer names its CDN as expected.")
    text = text.replace(CDN, f'CDN_URL = "{here.origin}/atlassian-connect"')
    return PlainTextResponse(text, media_type="text/javascript", headers=SHARED)


async def host_file(request: Request) -> Response:
    """Answer one file of the host's side, ours or borrowed."""
    name = request.path_params["name"]
    if name in OWN:
        return FileResponse(HERE / name)
    if name in BORROWED:
        return FileResponse(standin.of(request).node_modules / BORROWED[name])
    return PlainTextResponse("Not found", 404)


SHARED = {"Access-Control-Allow-Origin": "*"}


def routes(node_modules: Path) -> list[Route | Mount]:
    """Return the routes of all files."""
    return [
        Route("/_host/{name}", host_file),
        Route("/atlassian-connect/all.js", script),
        Mount("/atlassian-connect", StaticFiles(directory=node_modules / CONNECT)),
    ]
