"""Limits: how much one person, or one address that nobody signed in from, may ask for in a minute or an hour.

What was asked is counted in a piece of memory that all workers of a machine share, for it is made before
they part. Nothing of it is kept: a limit protects the machine, it is no fact of the clinic. Several machines
count each for itself.
"""

import hashlib
import ipaddress
import mmap
import struct
import threading
from dataclasses import dataclass
from datetime import datetime

SLOT = struct.Struct("<QQII")  # who and what; when the window began; counted in it, and in the one before
SLOTS, PROBES = 8_192, 8  # for minutes, and as many for hours
STRANGERS_PER_MINUTE = 300
MINUTE, HOUR = 60, 3_600


class TooManyRequests(Exception):
    """More was asked for than is answered in so short a time."""

    def __init__(self, sentence: str, *, seconds: int) -> None:
        super().__init__(sentence)
        self.seconds = seconds


@dataclass(frozen=True)
class Allowed:
    """So many of a kind in so many seconds; none: as many as they like."""

    kind: str
    most: int
    seconds: int


class Limits:
    """Counts what is asked for; to be made before the workers part, and handed to each."""

    def __init__(self, *, calls_per_minute: int, exports_per_hour: int, imports_per_hour: int) -> None:
        self.calls = Allowed("requests a minute", calls_per_minute, MINUTE)
        self.exports = Allowed("exports an hour", exports_per_hour, HOUR)
        self.imports = Allowed("imports an hour", imports_per_hour, HOUR)
        self.strangers = Allowed("requests a minute", calls_per_minute and STRANGERS_PER_MINUTE, MINUTE)
        self._shared = mmap.mmap(-1, 2 * SLOTS * SLOT.size)
        self._alone = threading.Lock()  # of this process; another one's count may be lost, and no more

    def spend(self, *, call: str, person: str | None, address: str, at: datetime) -> None:
        """Count a request. Raises TooManyRequests with the seconds to wait."""
        if person is None:
            self._count(f"address {network(address)}", self.strangers, at)
            return
        self._count(f"person {person}", self.calls, at)
        if is_export(call):
            self._count(f"person {person}", self.exports, at)
        elif is_import(call):
            self._count(f"person {person}", self.imports, at)

    def _count(self, who: str, allowed: Allowed, at: datetime) -> None:
        if not allowed.most:
            return
        now = int(at.timestamp())
        start, passed = now - now % allowed.seconds, now % allowed.seconds
        key = int.from_bytes(hashlib.blake2b(f"{allowed.kind} {who}".encode(), digest_size=8).digest()) or 1
        with self._alone:
            place, counted, before = self._find(key, start, allowed.seconds)
            # What was asked in the window before fades evenly, so that nobody gets twice as much at its end.
            weighed = counted + before * (allowed.seconds - passed) // allowed.seconds
            if weighed >= allowed.most:
                wait = allowed.seconds - passed
                raise TooManyRequests(
                    f"At most {allowed.most} {allowed.kind} are answered; try again in {wait} seconds.",
                    seconds=wait,
                )
            SLOT.pack_into(self._shared, place, key, start, counted + 1, before)

    def _find(self, key: int, start: int, seconds: int) -> tuple[int, int, int]:
        """Where a count stands, what was counted in this window and in the last. Who is not found takes the
        place of the one that was seen longest ago."""
        first, oldest, place = (SLOTS if seconds == HOUR else 0), start + 1, 0
        for step in range(PROBES):
            at = (first + (key + step) % SLOTS) * SLOT.size
            found, began, counted, before = SLOT.unpack_from(self._shared, at)
            if found == key:
                if began == start:
                    return at, counted, before
                return at, 0, counted if began == start - seconds else 0
            if began < oldest:
                oldest, place = began, at
        return place, 0, 0


def network(address: str) -> str:
    """What is counted of an address: of IPv6 the first half, for the rest is its owner's to choose."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(ipaddress.ip_network((found, 64), strict=False))


def is_export(call: str) -> bool:
    """Whether a call makes a workbook of the books, which takes a while."""
    method, _, rule = call.partition(" ")
    return method == "GET" and ("/exports/" in rule or rule.endswith(("workbook.xlsx", "conversion.xlsx")))


def is_import(call: str) -> bool:
    """Whether a call reads a list that somebody brought."""
    return call in ("POST /imports", "POST /receive/photo") or call.startswith("POST /api/v1/imports/<code:")
