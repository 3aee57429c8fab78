"""Disk: it is full while the book is served, or can only be read; nothing answered is lost, and all is said.

On a small disk in memory of our own: the tests must be run by root, and be allowed to mount.
"""

import random
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile, TemporaryDirectory
from threading import Event, Thread

from tests.faults.caller import BASE, Answer
from tests.faults.crash import judge, last_look, retry
from tests.faults.house import House, on_sqlite
from tests.faults.stockroom import Shop, open_shop, today
from tests.faults.tally import Tally
from tests.faults.writing import Work, deeds_of

SIZE_MB, REFUSED = 24, 8
READS = ("/stock?limit=20", "/items?limit=20", "/lots?limit=20", "/health")
UPLOAD_BYTES = 700_000  # more than the server keeps in memory while it comes
PATIENCE = 60


class NoMount(Exception):
    """The tests may not mount a disk here."""


def disk(*, times: int, seed: int = 1, writers: int = 2) -> Tally:
    """Fill the disk under writers so many times, and make room again. Raises NoMount."""
    tally = Tally()
    with small_disk() as folder, NamedTemporaryFile() as log, on_sqlite(folder, log=Path(log.name)) as house:
        house.start()
        shop = open_shop(house.caller(), 100_000)
        assert upload(house).status == 422  # from now on the server knows where it puts what comes
        for number in range(times):
            work = Work(house, shop, writers, seed * 1_000 + number)
            work.begin()
            while not any(deed.answer for deed in list(work.deeds)):
                time.sleep(0.02)
            with filled(folder):
                while_full(house, shop, work, number, tally)
            recovered(house, shop, number, tally)
            work.end()
            tally.wrong += [*work.wrong, *left_behind(house)]
            judge(house, work.deeds, tally)
            retry(house, work.deeds, tally, random.Random(seed))
            tally.counts["times full"] += 1
        only_read(house, shop, folder, tally)
        house.start()
        last_look(house, work.deeds, tally)
    return tally


@contextmanager
def small_disk() -> Iterator[Path]:
    """A folder that is a disk of its own. Raises NoMount."""
    with TemporaryDirectory(prefix="vialbook-disk-") as folder:
        try:
            words = ["mount", "-t", "tmpfs", "-o", f"size={SIZE_MB}m", "tmpfs", folder]
            subprocess.run(words, check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError) as refused:
            raise NoMount("What a full disk does is left out: nobody may mount one here.") from refused
        try:
            yield Path(folder)
        finally:
            subprocess.run(["umount", "--lazy", folder], check=False)


@contextmanager
def filled(folder: Path) -> Iterator[None]:
    """The disk for a block: full, and kept full whatever the program frees."""
    filler, stop = folder / "filler", Event()

    def fill() -> None:
        with filler.open("ab", buffering=0) as file:
            while not stop.wait(0.005):
                try:
                    while file.write(b"\0" * 4096):
                        pass
                except OSError:
                    continue

    filling = Thread(target=fill, daemon=True)
    filling.start()
    try:
        yield
    finally:
        stop.set()
        filling.join()
        filler.unlink()


def while_full(house: House, shop: Shop, work: Work, number: int, tally: Tally) -> None:
    """Writing is refused with a sentence, reading goes on, and no command leaves half a file."""
    caller, kinds, until = house.caller(), deeds_of(shop), time.monotonic() + PATIENCE
    refused = 0
    for count in range(10_000):
        if refused == REFUSED or time.monotonic() > until:
            break
        kind = [*kinds][count % len(kinds)]
        deed = kinds[kind](f"C{number}-0-full.{number}.{count}")
        answer = caller.once(deed)
        if answer.done:  # a little room was left in the log
            deed.answer = answer
            work.deeds.append(deed)
        elif (answer.status, answer.name) == (503, "CannotWrite") and "Retry-After" in answer.headers:
            refused += 1
            tally.counts["writes refused"] += 1
            work.deeds.append(deed)
        elif answer.name != "Busy":
            tally.wrong.append(f"{kind} on a full disk: {answer.status} {answer.body[:200]!r}")
    if refused < REFUSED:
        tally.wrong.append("the disk was never full")
    for path in READS:
        answer = caller.ask("GET", path)
        tally.counts["reads"] += 1
        if answer.status != 200:
            tally.wrong.append(f"{path} on a full disk: {answer.status} {answer.body[:200]!r}")
    files(house, tally)
    caller.close()


def files(house: House, tally: Tally) -> None:
    """What makes or brings a file says that there is no room, and leaves nothing."""
    caller = house.caller()
    asked: dict[str, Answer] = {
        "an export": caller.ask("GET", f"{BASE}/exports/accounting.xlsx?from={today()}&to={today()}"),
        "an upload": upload(house),
    }
    for what, answer in asked.items():
        tally.counts["files refused"] += not answer.done
        if not answer.done and answer.name not in ("CannotWrite", "NoRoom"):
            tally.wrong.append(f"{what} on a full disk: {answer.status} {answer.body[:200]!r}")
    days = ("--from", str(today()), "--to", str(today()))
    commands = {
        "a backup": ("backup", str(house.home / "full.backup")),
        "a workbook": ("export", "accounting", str(house.home / "full.xlsx"), *days),
    }
    for what, words in commands.items():
        done = house.run(*words)
        tally.counts["files refused"] += 1
        if not one_sentence(done):
            tally.wrong.append(f"{what} on a full disk: {done.returncode} {done.stdout} {done.stderr[-300:]}")
    tally.wrong += left_behind(house)
    caller.close()


def upload(house: House) -> Answer:
    """Bring a file that is no list, and more than the server keeps in memory while it comes."""
    caller = house.caller()
    body = b"sku,lot_number,expires_on,containers,unit_cost\n" + b"x" * UPLOAD_BYTES
    answer = caller.ask("POST", "/imports/opening-stock", body, **{"Content-Type": "text/csv"})
    caller.close()
    return answer


def left_behind(house: House) -> list[str]:
    """Files that are neither the book nor what was there before."""
    known = {"vialbook.sqlite", "vialbook.sqlite-wal", "vialbook.sqlite-shm"}
    known |= {"log", "access", "scratch", "secret.key"}
    found = [path.name for path in house.home.iterdir() if path.name not in known]
    return [f"left behind: {name}" for name in [*found, *(path.name for path in house.scratch.iterdir())]]


def recovered(house: House, shop: Shop, number: int, tally: Tally) -> None:
    """With room again everything works, without a restart."""
    caller, begun = house.caller(), time.monotonic()
    for kind, make in deeds_of(shop).items():
        answer = caller.do(make(f"R{number}-{kind.replace(' ', '.')}"))
        tally.counts["writes after it"] += answer.done
        if not answer.done:
            tally.wrong.append(f"{kind} with room again: {answer.status} {answer.body[:200]!r}")
    tally.slowest("return to work", time.monotonic() - begun)
    caller.close()


def only_read(house: House, shop: Shop, folder: Path, tally: Tally) -> None:
    """On a disk that can only be read the book is read; whoever would write is told so in a sentence."""
    house.stop()
    surroundings = house.surroundings
    subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)
    try:
        house.start()
        caller = house.caller()
        for path in READS:
            tally.counts["reads"] += 1
            if (answer := caller.ask("GET", path)).status != 200:
                tally.wrong.append(f"{path} on a disk to be read: {answer.status} {answer.body[:200]!r}")
        for kind, make in deeds_of(shop).items():
            answer = caller.once(make(f"O1-{kind.replace(' ', '.')}"))
            tally.counts["writes refused"] += 1
            if (answer.status, answer.name) != (503, "CannotWrite"):
                tally.wrong.append(f"{kind} on a disk to be read: {answer.status} {answer.body[:200]!r}")
        caller.close()
        house.stop()
        done = house.run("token", "Somebody", "--role", "manager", surroundings=surroundings)
        if not one_sentence(done):
            tally.wrong.append(f"a token on a disk to be read: {done.returncode} {done.stderr}")
    finally:
        subprocess.run(["mount", "-o", "remount,rw", str(folder)], check=True)


def one_sentence(done: subprocess.CompletedProcess[str]) -> bool:
    """Whether a command failed with one sentence."""
    said = done.stderr.strip()
    return done.returncode == 1 and bool(said) and "Traceback" not in said and "\n" not in said
