"""The files of `static/`, read once and served from memory under an address that holds their digest."""

import hashlib
import mimetypes
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

STATIC = Path(__file__).parents[2] / "static"
IMPORT = re.compile(r'^import (?:[^"]+ from )?"\./([\w-]+\.js)";$', re.MULTILINE)
TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}


@dataclass(frozen=True, slots=True)
class StaticFile:
    """One file as it is sent."""

    body: bytes
    media_type: str


@dataclass(frozen=True, slots=True)
class StaticTree:
    """All files by name, and one digest over them: modules import each other by relative names."""

    digest: str
    files: Mapping[str, StaticFile]

    @classmethod
    def read(cls, folder: Path = STATIC) -> "StaticTree":
        """Return the tree of a folder; without subfolders, without hidden files."""
        paths = sorted(path for path in folder.iterdir() if path.is_file() and path.name[0] != ".")
        files = {path.name: StaticFile(path.read_bytes(), media_type(path)) for path in paths}
        digest = hashlib.blake2b(digest_size=8)
        for name, file in files.items():
            digest.update(name.encode() + b"\0" + file.body + b"\0")
        return cls(digest.hexdigest(), files)

    def path(self, name: str) -> str:
        """Return a file's path behind the base URL; KeyError for a file that does not exist."""
        self.files[name]
        return f"/static/{self.digest}/{name}"


@cache
def imported(*names: str) -> tuple[str, ...]:
    """Return the modules that these modules of `static/` need, directly or not, without them."""
    found, waiting = set(names), [*names]
    while waiting:
        needed = set(IMPORT.findall((STATIC / waiting.pop()).read_text()))
        waiting += needed - found
        found |= needed
    return tuple(sorted(found - {*names}))


def media_type(path: Path) -> str:
    """Return the type by which a file is sent."""
    known = TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0]
    return known or "application/octet-stream"
