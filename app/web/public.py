"""What anybody may read: the descriptor, two health answers and the static files."""

from starlette.responses import JSONResponse, Response

from app.caller import Right, TokenKind
from app.errors import NotThere, Unavailable
from app.web.dependencies import App
from app.web.routing import guard, protected_router

router = protected_router()

KEPT = {"Cache-Control": "public, max-age=31536000, immutable"}


@router.get("/atlassian-connect.json")
@guard(token=TokenKind.NONE, right=Right.NONE)
async def show_descriptor(app: App) -> Response:
    """Show the descriptor, the same for everybody."""
    return Response(app.descriptor, media_type="application/json")


@router.get("/healthz")
@guard(token=TokenKind.NONE, right=Right.NONE)
async def show_health() -> Response:
    """Say that the process answers; nothing else is asked."""
    return JSONResponse({"alive": True})


@router.get("/readyz")
@guard(token=TokenKind.NONE, right=Right.NONE)
async def show_readiness(app: App) -> Response:
    """Say whether requests can be served; 503 with the reason otherwise."""
    if app.stopping.is_set():
        raise Unavailable("This process is shutting down.")
    problem = await app.database.problem() or await app.keys.problem()
    if problem:
        raise Unavailable(problem)
    return JSONResponse({"ready": True})


@router.get("/static/{digest}/{name}")
@guard(token=TokenKind.NONE, right=Right.NONE)
async def show_static_file(app: App, digest: str, name: str) -> Response:
    """Show a static file; only under the present digest, so that it may be kept for ever."""
    file = app.static.files.get(name) if digest == app.static.digest else None
    if file is None:
        raise NotThere
    return Response(file.body, headers=KEPT, media_type=file.media_type)
