"""Routes that both doors use: the scheme of the header selects one fixed verifier, the token never."""

from starlette.requests import Request

from app.errors import NotAuthenticated
from app.web.state import Knock


def by_scheme(verifiers: dict[str, Knock]) -> Knock:
    """Return a knock that asks the verifier of the request's scheme, and refuses any other."""

    async def knock(request: Request) -> object:
        headers = request.headers.getlist("authorization")
        scheme = headers[0].partition(" ")[0].lower() if len(headers) == 1 else ""
        verifier = verifiers.get(scheme)
        if verifier is None:
            raise NotAuthenticated("not one token in the header")
        return await verifier(request)

    return knock


def by_prefix(prefix: str, own: Knock, others: Knock) -> Knock:
    """Return a knock that asks `own` for bearers of tokens that begin so, and `others` else."""

    async def knock(request: Request) -> object:
        headers = request.headers.getlist("authorization")
        scheme, _, token = headers[0].partition(" ") if len(headers) == 1 else ("", "", "")
        is_own = scheme.lower() == "bearer" and token.startswith(prefix)
        return await (own if is_own else others)(request)

    return knock
