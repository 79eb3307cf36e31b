"""Encryption of single fields: AES-256-GCM, bound to the very place that a value belongs to."""

import os
import secrets
from base64 import b64decode, b64encode
from collections.abc import Mapping
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from app import metrics
from app.errors import Unavailable

VERSION = 1
NONCE_BYTES = 12
KEY_BYTES = 32


class CannotDecrypt(Unavailable):
    """A kept secret's key is missing, or the secret was altered or moved: the operator must act."""

    code = "cannot_decrypt"
    message = "A stored secret cannot be read. Ask whoever runs Plumbline to check its keys."


class Keyring:
    """The encryption keys by id; the first encrypts, all decrypt."""

    def __init__(self, keys: Mapping[str, bytes]) -> None:
        """Take 32-byte keys in their order; ValueError without any."""
        if not keys:
            raise ValueError("at least one encryption key is needed")
        self._ciphers = {key_id: AESGCM(key) for key_id, key in keys.items()}
        self.ids = frozenset(keys)
        self.first = next(iter(keys))

    def __repr__(self) -> str:
        return f"Keyring({', '.join(self._ciphers)})"

    def encrypt(
        self, plain: bytes, *, site: str, space: str, table: str, field: str, row: str
    ) -> bytes:
        """Return the sealed value, good only in this field of this row."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        bound = _place(site, space, table, field, row)
        sealed = self._ciphers[self.first].encrypt(nonce, plain, bound)
        key_id = self.first.encode()
        return bytes([VERSION, len(key_id)]) + key_id + nonce + sealed

    def decrypt(
        self, sealed: bytes, *, site: str, space: str, table: str, field: str, row: str
    ) -> bytes:
        """Return what was sealed for this very place, or raise `CannotDecrypt`."""
        cipher = self._ciphers.get(key_id(sealed))
        if cipher is None or sealed[0] != VERSION:
            metrics.DECRYPTION_FAILURES.labels("no such key").inc()
            raise CannotDecrypt
        start = 2 + sealed[1]
        nonce, body = sealed[start : start + NONCE_BYTES], sealed[start + NONCE_BYTES :]
        try:
            return cipher.decrypt(nonce, body, _place(site, space, table, field, row))
        except (InvalidTag, ValueError):
            metrics.DECRYPTION_FAILURES.labels("altered or moved").inc()
            raise CannotDecrypt from None


def key_id(sealed: bytes) -> str:
    """Return the id of the key that a value was sealed with, '' if it is no sealed value."""
    if len(sealed) < 2:
        return ""
    return sealed[2 : 2 + sealed[1]].decode("ascii", errors="replace")


def load_or_make_keys(data_dir: Path) -> dict[str, bytes]:
    """Return the keys kept beside the embedded database, made once if there are none yet."""
    path = data_dir / "encryption.keys"
    if not path.exists():
        _make_keys(path)
    pairs = (item.partition(":") for item in path.read_text().strip().split(","))
    return {key_id: b64decode(encoded) for key_id, _, encoded in pairs}


def _make_keys(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    line = f"k1:{b64encode(secrets.token_bytes(KEY_BYTES)).decode()}\n"
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(line)
    try:
        os.link(part, path)  # refuses if another process was first: its keys are the keys
    except FileExistsError:
        pass
    finally:
        part.unlink()


def _place(*parts: str) -> bytes:
    # Lengths, not separators: no two places can be written as the same bytes.
    words = [bytes([VERSION]), *(part.encode() for part in parts)]
    return b"".join(len(word).to_bytes(4, "big") + word for word in words)
