"""What a log message writes: whole payloads and credentials are for nobody's log."""

import re

from app.posture.model import Json

_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")
_WHOLE_PAYLOAD = re.compile(r"(?<![\w.])payload(?!\s*[.\[?\w])")
_INTERPOLATED = re.compile(r"\$\(\s*payload\s*\)")
_SIZE_OF = re.compile(r"sizeOf\s*\(\s*payload\s*\)")
_AUTHORIZATION = re.compile(
    r"headers?\s*\??\s*(?:\.|\[)\s*['\"]?\s*(?:proxy-)?authorization\b", re.IGNORECASE
)


def writes_contents(message: Json) -> bool:
    """Whether a message holds the whole payload or the Authorization header."""
    if not isinstance(message, str):
        return False
    bare = _SIZE_OF.sub("", message)
    return bool(
        _AUTHORIZATION.search(bare)
        or _INTERPOLATED.search(bare)
        or _WHOLE_PAYLOAD.search(_QUOTED.sub("", bare))
    )
