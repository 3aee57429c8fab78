"""Send the hostile corpus: every answer as expected, no 5xx, nothing changed, memory bounded.

`python -m tests.faults.corpus` makes a clinic in a folder of its own and a server beside it, sends every
case, prints counts by category, and exits with 1 if anything is amiss.
"""

import json
import resource
import socket
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from api import auth
from api.auth import Role
from api.migrations.tables import every_table
from inventory.database import Database
from tests import server
from tests.calls import BASE, NOW, Clinic, opened
from tests.corpus import clinic as furnished
from tests.corpus import files
from tests.pages import House

CLEAR, STATUS = Path("/proc/self/clear_refs"), Path("/proc/self/status")  # where there are any
FOLDER = Path(files.__file__).parent
HANGS_UP = "4xx or nothing"
JSON = {"Content-Type": "application/json"}
LARGE = 1_000_000  # bytes of a body whose cost is measured
MOST_MEMORY = 96 * 1024  # kB that one request may cost the program for a moment
MOST_READER = 512 * 1024  # kB that the process may hold in which a sheet is read


@dataclass
class Tally:
    """What came of the cases of a category, and what was amiss."""

    sent: int = 0
    answers: Counter[int] = field(default_factory=Counter)
    peak: int = 0  # the most that one of them cost, in kB
    breaches: list[str] = field(default_factory=list)


def cases(category: str) -> Iterator[dict[str, Any]]:
    """The cases of a category."""
    for line in (FOLDER / f"{category}.jsonl").read_text("ascii").splitlines():
        yield json.loads(line)


def categories() -> list[str]:
    """Every category but the one that needs a socket."""
    return sorted(path.stem for path in FOLDER.glob("*.jsonl") if path.stem != "sockets")


def send_all(category: str, there: Clinic, keys: dict[str, int], cookie: str, *, every: int = 1) -> Tally:
    """Send a category's cases to an application in this process, and look whether anything changed."""
    found, before = Tally(), furnished.digest(there.database)
    client = there.app.test_client(use_cookies=False)
    for case in islice(cases(category), 0, None, every):
        method, path = case["send"].split(" ", 1)
        headers = {"Authorization": f"Bearer {there.tokens[Role.ADMIN]}"}
        if case.get("page"):
            headers = {"Cookie": f"vialbook-session={cookie}"}
        elif not path.startswith("/api"):
            path = BASE + path
        data = files.body(case)
        headers |= furnished.with_keys(case.get("headers", JSON if data is not None else {}), keys)
        if "body" in case:
            headers["Content-Type"] = "application/json"
            data = json.dumps(furnished.with_keys(case["body"], keys)).encode()
        large = len(data or b"") > LARGE or "file" in case
        held = start_peak() if large else 0
        answer = client.open(furnished.address(path, keys), method=method, data=data, headers=headers)
        note(found, case, answer.status_code, answer.get_data())
        found.peak = max(found.peak, peak() - held) if large else found.peak
    changed = [name for name, seen in furnished.digest(there.database).items() if seen != before[name]]
    if found.peak > MOST_MEMORY:
        found.breaches.append(f"a request of {category} held {found.peak // 1024} MB")
    if changed:
        found.breaches.append(f"{category} changed {', '.join(changed)}")
    return found


def note(found: Tally, case: dict[str, Any], status: int, said: bytes) -> None:
    """Count an answer, and say what is wrong with it."""
    found.sent += 1
    found.answers[status] += 1
    expected = case["expect"]
    right = status in (0, *range(400, 500)) if expected == HANGS_UP else status in expected
    if not right or status >= 500:
        found.breaches.append(f"{case['id']} answered {status}, not {expected}: {said[:160]!r}")
    if case.get("absent", "\0").encode() in said and case.get("absent"):
        found.breaches.append(f"{case['id']} said {case['absent']} again as it was sent")


def knock_all(port: int, token: str) -> Tally:
    """Send bytes that are hardly HTTP to a server, and see that it answers or hangs up, and goes on."""
    found = Tally()
    for case in cases("sockets"):
        data = files.content(case["raw"], "latin-1").replace(b"@token", token.encode())
        status = knock(port, data)
        note(found, case, status, b"")
        if not server.answers(f"http://127.0.0.1:{port}/health"):
            found.breaches.append(f"{case['id']} stopped the server")
            break
    return found


def knock(port: int, data: bytes) -> int:
    """The status of the last answer to these bytes; 0 if there was none."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as line:
        try:
            line.sendall(data)
            line.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # it hung up on us, which it may
        said = b""
        try:
            while part := line.recv(65536):
                said += part
        except OSError:
            pass
    statuses = [int(line[9:12]) for line in said.split(b"\r\n") if line.startswith(b"HTTP/1.")]
    return max(statuses, default=0) if b" 100 " not in said[:20] or len(statuses) > 1 else 0


def start_peak() -> int:
    """Forget the most that was held so far; answers what is held now, in kB."""
    if CLEAR.exists():
        CLEAR.write_text("5")
    return peak()


def peak() -> int:
    """The most that this process has held since, in kB."""
    for line in STATUS.read_text().splitlines() if STATUS.exists() else ():
        if line.startswith("VmHWM:"):
            return int(line.split()[1])
    return 0


def main() -> int:
    """Send everything; answers 1 after any breach."""
    started = time.monotonic()
    with TemporaryDirectory() as folder:
        tallies = here(Path(folder))
        reader = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
        tallies["sockets"] = knock_at(Path(folder, "home"))
    for name, tally in tallies.items():
        said = ", ".join(f"{times} × {status}" for status, times in sorted(tally.answers.items()))
        sys.stdout.write(f"{name:<11} {tally.sent:>5} sent: {said}; {len(tally.breaches)} breaches\n")
        for breach in tally.breaches[:20]:
            sys.stdout.write(f"    {breach}\n")
    breaches = sum(len(tally.breaches) for tally in tallies.values()) + (reader > MOST_READER)
    total, most = sum(tally.sent for tally in tallies.values()), max(tally.peak for tally in tallies.values())
    sys.stdout.write(
        f"{total} sent in {time.monotonic() - started:.0f} s, {breaches} breaches; one request held at most "
        f"{most // 1024} MB of {MOST_MEMORY // 1024}, a reader of sheets {reader // 1024} MB of "
        f"{MOST_READER // 1024}.\n"
    )
    return 1 if breaches else 0


def here(folder: Path) -> dict[str, Tally]:
    """Send what needs no socket to a clinic of its own."""
    database = Database(f"sqlite:///{folder / 'corpus.sqlite'}")
    every_table().create_all(database.engine)
    with opened(database, stocked=False) as there:
        keys, cookie = furnished.furnish(there), signed_in(there)
        found = {name: send_all(name, there, keys, cookie) for name in categories()}
    database.engine.dispose()
    return found


def signed_in(there: Clinic) -> str:
    """The cookie of an admin's browser."""
    browser = House(there).as_(Role.ADMIN)
    found = browser.client.get_cookie("vialbook-session")
    assert found is not None
    return found.value


def knock_at(home: Path) -> Tally:
    """Start the program as it is served, send it the raw bytes, and see that its book is as it was."""
    server.make_first_day(home)
    database = Database(f"sqlite:///{home / 'vialbook.sqlite'}")
    with database.write.begin() as db:
        token = auth.issue_token(db, "Manager Person", role=Role.MANAGER, at=NOW)
    before, port = furnished.digest(database), server.free_port()
    words = [sys.executable, "-m", "api.cli", "serve", "--port", str(port)]
    process = server.started(words, port, VIALBOOK_HOME=str(home))
    try:
        found = knock_all(port, token)
    finally:
        process.terminate()
        process.wait(timeout=30)
    if furnished.digest(database) != before:
        found.breaches.append("the raw requests changed the book")
    database.engine.dispose()
    return found


if __name__ == "__main__":
    sys.exit(main())
