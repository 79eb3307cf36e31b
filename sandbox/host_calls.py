"""What the host's own script asks Confluence's server: frames, context tokens, saved macros."""

import uuid

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox import frames, signing, standin
from sandbox.sites import CONTEXT_PATH, Macro


async def frame(request: Request) -> Response:
    """Resolve a frame that has no address yet, such as a dialog's, or whose token has expired."""
    body, visitor = await request.json(), standin.visitor(request)
    installed = visitor.site.installation
    found = installed.module(str(body["module"])) if installed else None
    if installed is None or found is None:
        return JSONResponse({"error": "There is no such module."}, 404)
    kind, module = found
    context = frames.visible(visitor, body["context"])
    return JSONResponse(
        {
            "url": frames.frame_url(visitor, installed, module, context, body["mode"]),
            "addon_key": installed.key,
            "key": module["key"],
            "options": {"moduleType": kind, "productContext": context},
        }
    )


async def token(request: Request) -> Response:
    """Answer a fresh context token for a frame of this person."""
    body, visitor = await request.json(), standin.visitor(request)
    installed = visitor.site.installation
    found = installed.module(str(body["module"])) if installed else None
    if found is None:
        return JSONResponse({"error": "There is no such module."}, 404)
    context = frames.token_context(found[0], frames.visible(visitor, body["context"]))
    return JSONResponse({"token": signing.context_token(visitor.site, visitor.account, context)})


async def save_macro(request: Request) -> Response:
    """Keep what a macro's editor saved, as a new macro or in place of the old one."""
    body, visitor = await request.json(), standin.visitor(request)
    page = visitor.site.pages.get(str(body["page"]))
    if page is None or page.space.right(visitor.role) not in {"editor", "admin"}:
        return JSONResponse({"error": "You may not edit this page."}, 403)
    parameters = {str(k): str(v) for k, v in (body.get("parameters") or {}).items()}
    macro = next((m for m in page.macros if m.id == body.get("id")), None)
    if macro is None:
        macro = Macro(str(uuid.uuid4()), str(body["key"]), {})
        page.macros.append(macro)
    macro.parameters = parameters
    macro.body = body.get("body") or macro.body
    page.version += 1
    return JSONResponse({"id": macro.id})


routes = [
    Route(CONTEXT_PATH + "/_host/frame", frame, methods=["POST"]),
    Route(CONTEXT_PATH + "/_host/token", token, methods=["POST"]),
    Route(CONTEXT_PATH + "/_host/macros", save_macro, methods=["POST"]),
]
