"""Templates to text: the Jinja2 environment, static addresses, and what every page is given."""

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import jinja2
import markupsafe
from starlette.responses import HTMLResponse

from app.errors import NotThere
from app.exports.storage_format import NOT_AVAILABLE
from app.web import sentences, words
from app.web.drilldown import words as drilldown_words
from app.web.judging import words as judging_words
from app.web.macros import words as macro_words
from app.web.static_files import StaticTree, imported

if TYPE_CHECKING:
    from app.web.errors import Fault

DIALOG = "/pages/drilldown"
MACRO_PAGE = re.compile(r"/macros/[^/]+$")
TEMPLATES = Path(__file__).resolve().parents[2] / "templates"


@cache
def templates() -> jinja2.Environment:
    """Return the environment: all text is escaped, an undefined name is an error."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.filters["iso"] = iso
    environment.filters["moment"] = sentences.moment
    environment.filters["ago"] = sentences.ago
    environment.filters["number"] = sentences.number
    environment.globals["imported"] = imported
    environment.globals["words"] = words
    environment.globals["t"] = words.TEXTS
    environment.globals["d"] = drilldown_words.TEXTS
    environment.globals["m"] = macro_words
    environment.globals["script_texts"] = script_texts()
    environment.globals["j"] = judging_words
    return environment


def script_texts() -> markupsafe.Markup:
    """Return what every page's script may say, as attributes: escaped once, not with each page."""
    text = markupsafe.Markup(' data-text-{}="{}"')
    return markupsafe.Markup().join(text.format(*item) for item in words.SCRIPT_TEXTS.items())


@lru_cache(maxsize=1024)
def iso(time: datetime) -> str:
    """Return a time as `<time datetime>` wants it, in UTC; those of many rows are one sync's."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")


def base_path(base_url: str) -> str:
    """Return the path under which the product is served, without a trailing slash; mostly empty."""
    return urlsplit(base_url).path.rstrip("/")


def frame(base_url: str, connect_script_url: str, static: StaticTree) -> dict[str, object]:
    """Return what `base.html` needs: where static files and the host's script are."""
    path = base_path(base_url)
    return {
        "base_path": path,
        "static": f"{path}/static/{static.digest}",
        "connect_script_url": connect_script_url,
        "host_base": "",
        "space_id": "",
        "space_key": "",
    }


def rendered(name: str, context: Mapping[str, object]) -> str:
    """Return a template filled in; every name that it uses must be in the context."""
    return templates().get_template(name).render(context)


@lru_cache(maxsize=16)
def fixed(name: str, given: tuple[tuple[str, object], ...]) -> str:
    """Return a template filled in with what never changes while this process runs, made once."""
    return rendered(name, dict(given))


def html(name: str, context: Mapping[str, object]) -> HTMLResponse:
    """Return a template filled in, as an answer."""
    return HTMLResponse(rendered(name, context))


def error_page(
    base_url: str, connect_script_url: str, static: StaticTree
) -> "Callable[[Fault, str], str]":
    """Return what shows a fault as a small readable page; in a macro one sentence stands for it.

    On somebody's page it must not tell whether there is a space that the reader cannot see.
    """
    given = frame(base_url, connect_script_url, static)

    def page(fault: "Fault", route: str = "") -> str:
        if fault.code == NotThere.code and MACRO_PAGE.search(route):
            said = {"view": None, "said": NOT_AVAILABLE, "can_choose": False}
            return rendered("macro.html", {**given, **said, "title": NOT_AVAILABLE})
        told = sentences.of_fault(fault.code, route)
        told["step"] = told["step"] or fault.message
        return rendered(
            "error.html", {**given, **told, "fault": fault, "is_dialog": route.endswith(DIALOG)}
        )

    return page
