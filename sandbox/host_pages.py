"""Confluence's own pages: a space, its settings, a page with macros, and an app's frame."""

from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from sandbox import frames, standin
from sandbox.frames import Context, Visitor
from sandbox.sites import CONTEXT_PATH, ROLES, Installation, Macro, Page, Space

TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "host"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
THEMES = ("light", "dark", "auto")
SERVLET = CONTEXT_PATH + "/plugins/servlet/ac"


def show(
    request: Request, name: str, *, space: Space | None, status: int = 200, **values: Any
) -> Response:
    """Return a page of Confluence with its head, the space's sidebar and the bridge's data."""
    visitor = standin.visitor(request)
    theme = request.query_params.get("theme") or request.cookies.get("theme", "light")
    body = TEMPLATES.get_template(name).render(
        site=visitor.site,
        visitor=visitor,
        space=space,
        theme=theme if theme in THEMES else "light",
        persons={role: looked_at_as(request, role) for role in ROLES},
        sidebar=sidebar(visitor, space) if space else [],
        pages=[p for p in visitor.site.pages.values() if p.space is space],
        host=host_data(
            visitor, values.pop("context", frames.space_context(space) if space else {})
        ),
        **{"title": space.name if space else "Confluence", **values},
    )
    response = HTMLResponse(body, status, headers={"Cache-Control": "no-store"})
    response.set_cookie(standin.PERSON_COOKIE, visitor.role, samesite="lax")
    return response


def looked_at_as(request: Request, role: str) -> str:
    """Return the address of this very page as another person sees it."""
    kept = [(k, v) for k, v in parse_qsl(request.url.query) if k != "as"]
    return f"{request.url.path}?{urlencode([*kept, ('as', role)])}"


def host_data(visitor: Visitor, context: Context) -> dict[str, Any]:
    """Return what the page's script needs to play the product's side of the bridge."""
    installed = visitor.site.installation
    dialogs = installed.modules("dialogs") if installed else []
    return {
        "contextPath": CONTEXT_PATH,
        "role": visitor.role,
        "account": visitor.account,
        "appKey": installed.key if installed else "",
        "context": frames.visible(visitor, context),
        "dialogs": {d["key"]: {"options": d.get("options", {})} for d in dialogs},
    }


def sidebar(visitor: Visitor, space: Space) -> list[dict[str, str]]:
    """Return the app's links in a space's sidebar."""
    installed = visitor.site.installation
    if installed is None:
        return []
    items = [
        item
        for item in installed.modules("webItems")
        if item["location"] == "system.space.sidebar/main-links"
    ]
    context = frames.space_context(space)
    return [
        {"name": item["name"]["value"], "address": item_address(installed, item, context)}
        for item in items
    ]


def item_address(installed: Installation, item: dict[str, Any], context: Context) -> str:
    """Return where a web item leads: to a page of the app, of the product, or to the app itself."""
    filled = frames.fill(str(item["url"]), context)
    kind = item.get("context", "addon")
    if kind == "page":
        return f"{SERVLET}/{installed.key}/{filled}"
    return CONTEXT_PATH + filled if kind == "product" else installed.app_url + filled


def nothing(request: Request, reason: str) -> Response:
    """Answer that there is no such page, or none that this person may see."""
    return show(request, "nothing.html", space=None, status=404, reason=reason)


def in_space(render: Callable[[Request, Space], Response]) -> Any:
    """Return an endpoint about the addressed space, 404 where the person may not view it."""

    async def endpoint(request: Request) -> Response:
        visitor = standin.visitor(request)
        space = visitor.site.space(request.path_params["key"])
        if space is None or not visitor.may_view(space):
            return nothing(request, "This space does not exist, or you may not see it.")
        return render(request, space)

    return endpoint


def show_space(request: Request, space: Space) -> Response:
    """Show a space's overview."""
    return show(request, "space.html", space=space)


def show_settings(request: Request, space: Space) -> Response:
    """Show a space's settings with the app's tabs, to its administrators."""
    visitor = standin.visitor(request)
    if space.right(visitor.role) != "admin":
        return nothing(request, "Only a space administrator may see this.")
    installed = visitor.site.installation
    query = urlencode(frames.space_context(space))
    tabs = [
        {
            "name": tab["name"]["value"],
            "address": f"{SERVLET}/{installed.key}/{tab['key']}?{query}",
        }
        for tab in (installed.modules("spaceToolsTabs") if installed else [])
        if installed
    ]
    return show(request, "settings.html", space=space, tabs=tabs)


async def show_module(request: Request) -> Response:
    """Show any page module of the app to anybody, as Confluence does."""
    visitor = standin.visitor(request)
    installed = visitor.site.installation
    found = installed.module(request.path_params["module"]) if installed else None
    if installed is None or found is None or installed.key != request.path_params["app"]:
        return nothing(request, "The app is not installed, or has no such module.")
    kind, module = found
    context = frames.visible(visitor, dict(request.query_params))
    space = visitor.site.space(context.get("space.id") or context.get("space.key") or "")
    if space:
        context |= frames.space_context(space)
    frame = frame_data(visitor, installed, kind, module, context)
    name = module.get("name", {}).get("value", "")
    return show(request, "module.html", space=space, frame=frame, context=context, title=name)


def frame_data(
    visitor: Visitor, installed: Installation, kind: str, module: dict[str, Any], context: Context
) -> dict[str, Any]:
    """Return what the host script needs to create a module's frame."""
    return {
        "addon_key": installed.key,
        "key": module["key"],
        "url": frames.frame_url(visitor, installed, module, context),
        "options": {
            "moduleType": kind,
            "isFullPage": kind == "generalPages",
            "productContext": context,
            "width": module.get("width", "100%"),
            "height": module.get("height", ""),
        },
    }


async def show_page(request: Request) -> Response:
    """Show a page with its macros, 404 where the person may not view its space."""
    visitor = standin.visitor(request)
    page = visitor.site.pages.get(request.path_params["id"])
    if page is None or not visitor.may_view(page.space):
        return nothing(request, "This page does not exist, or you may not see it.")
    installed = visitor.site.installation
    kinds = installed.modules("dynamicContentMacros") if installed else []
    return show(
        request,
        "page.html",
        space=page.space,
        title=page.title,
        context=frames.page_context(page),
        page=page,
        may_edit=page.space.right(visitor.role) in {"editor", "admin"},
        macro_kinds=[editor_data(kind, None) for kind in kinds],
        macros=[m for m in (macro_data(visitor, page, macro) for macro in page.macros) if m],
    )


def editor_data(module: dict[str, Any], macro: Macro | None) -> dict[str, Any]:
    """Return what the page's script needs to open a macro's editor, for a new macro too."""
    editor = module.get("editor", {})
    return {
        "id": macro.id if macro else None,
        "key": module["key"],
        "name": module["name"]["value"],
        "parameters": macro.parameters if macro else {},
        "body": macro.body if macro else "",
        "editor": {
            "insertTitle": editor.get("insertTitle", module["name"])["value"],
            "editTitle": editor.get("editTitle", module["name"])["value"],
            "width": editor.get("width", "600px"),
            "height": editor.get("height", "400px"),
        },
    }


def macro_data(visitor: Visitor, page: Page, macro: Macro) -> dict[str, Any] | None:
    """Return a macro on a page as it is shown, or None once its app is gone."""
    installed = visitor.site.installation
    found = installed.module(macro.key) if installed else None
    if installed is None or found is None:
        return None
    kind, module = found
    context = frames.macro_context(page, macro, "display")
    return {
        "name": module["name"]["value"],
        "frame": frame_data(visitor, installed, kind, module, context),
        "edit": editor_data(module, macro),
    }


async def home(request: Request) -> Response:
    """Lead to the first space."""
    key = standin.of(request).site(request).spaces[0].key
    query = f"?{request.url.query}" if request.url.query else ""
    return RedirectResponse(f"{CONTEXT_PATH}/spaces/{key}{query}")


routes = [
    Route("/", home),
    Route(CONTEXT_PATH, home),
    Route(CONTEXT_PATH + "/", home),
    Route(CONTEXT_PATH + "/spaces/{key}", in_space(show_space)),
    Route(CONTEXT_PATH + "/spaces/{key}/settings", in_space(show_settings)),
    Route(CONTEXT_PATH + "/pages/{id}", show_page),
    Route(CONTEXT_PATH + "/spaces/{key}/pages/{id}", show_page),
    Route(SERVLET + "/{app}/{module}", show_module),
]
