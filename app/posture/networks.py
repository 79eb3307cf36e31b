"""Sets of networks: every way to write one, and which addresses they hold together."""

import re
from collections.abc import Iterable
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, IPv6Network
from typing import NamedTuple

from app.posture.forms import is_empty, sorted_set, text
from app.posture.model import Json

EVERYTHING = frozenset({"0.0.0.0/0", "::/0"})

_OCTET = "(0|[1-9][0-9]{0,2})"
_IPV4 = re.compile(rf"{_OCTET}(?:\.{_OCTET})?(?:\.{_OCTET})?(?:\.{_OCTET})?\.?(?:/([0-9]{{1,2}}))?")
_BITS = {4: 32, 6: 128}
_WIDE = re.compile(r"/0*[0-6](?![0-9])")
_FEW = 128
"""Fewer networks than this, none of them wider than /7, cannot hold every address."""


class Network(NamedTuple):
    """A network: its first address and how many it holds, host bits cleared."""

    version: int
    start: int
    size: int

    @property
    def end(self) -> int:
        """The first address behind it."""
        return self.start + self.size


@lru_cache(maxsize=16384)
def network(entry: str) -> Network | None:
    """Return the network that a text names, or None where it names none.

    `192.168` is /16 and `192.168.2` is /24; a bare address is a network of one.
    """
    bare = entry.strip()
    match = _IPV4.fullmatch(bare)
    if match is None:
        return _ipv6(bare)
    octets = [int(group) for group in match.groups()[:4] if group is not None]
    bits = int(match[5]) if match[5] is not None else 8 * len(octets)
    if max(octets) > 255 or bits > 32:
        return None
    address = int.from_bytes(bytes(octets + [0] * (4 - len(octets))), "big")
    size = 1 << (32 - bits)
    return Network(4, address & -size, size)


def _ipv6(bare: str) -> Network | None:
    try:
        found = IPv6Network(bare, strict=False)
    except ValueError:
        return None
    return Network(6, int(found.network_address), found.num_addresses)


def networks(value: Json) -> Json:
    """Return a set of networks, adjacent and contained ones merged; other entries stay text."""
    entries = entries_of(value)
    if entries is None:
        return text(value)
    named = [network(entry) if isinstance(entry, str) else None for entry in entries]
    merged = ranges(found for found in named if found is not None)
    others = [text(e) for e, found in zip(entries, named, strict=True) if found is None]
    told = [cidr for each in merged for cidr in _cidrs(each)]
    return sorted_set([*told, *(entry for entry in others if not is_empty(entry))])


def entries_of(value: Json) -> list[Json] | None:
    """Return the entries of a list, or of a text in which they are separated; None otherwise."""
    if isinstance(value, str):
        return re.split(r"[,\s]+", value)
    return value if isinstance(value, list) else None


def ranges(found: Iterable[Network]) -> list[Network]:
    """Return runs of addresses without gaps, in order; their sizes need not be powers of two."""
    merged: list[Network] = []
    for each in sorted(found):
        last = merged[-1] if merged else None
        if last is not None and last.version == each.version and each.start <= last.end:
            end = max(last.end, each.end)
            merged[-1] = Network(last.version, last.start, end - last.start)
        else:
            merged.append(each)
    return merged


def _cidrs(run: Network) -> Iterable[str]:
    """Yield the fewest networks that make up a run of addresses."""
    start, left = run.start, run.size
    while left:
        fitting = start & -start or 1 << _BITS[run.version]
        size = min(fitting, 1 << (left.bit_length() - 1))
        address = IPv4Address(start) if run.version == 4 else IPv6Address(start)
        yield f"{address}/{_BITS[run.version] + 1 - size.bit_length()}"
        start, left = start + size, left - size


def may_hold_everything(value: Json) -> bool:
    """Whether it is worth while to look: some networks are wide, or there are very many."""
    entries = entries_of(value) or []
    return len(entries) >= _FEW or _WIDE.search(" ".join(map(str, entries))) is not None


def only_in(a: Json, b: Json) -> list[str]:
    """Return the entries of the normal set `a` that `b` does not cover, in order."""
    others = _as_list(b)
    covered = ranges(found for entry in others if (found := network(str(entry))))
    return [entry for entry in _as_list(a) if not _is_covered(entry, others, covered)]


def covers(a: Json, b: Json) -> bool:
    """Whether the normal set `a` holds all of `b`."""
    return not only_in(b, a)


def _is_covered(entry: Json, others: list[Json], covered: list[Network]) -> bool:
    inner = network(str(entry))
    if inner is None:
        return entry in others
    return any(
        run.version == inner.version and run.start <= inner.start and inner.end <= run.end
        for run in covered
    )


def _as_list(value: Json) -> list[Json]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]
