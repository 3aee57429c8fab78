"""Power loss: the files of a book as they lie on the disk at a random moment are a book of that moment.

The server is frozen while its files are copied, as a machine is when its power goes. A second copy loses the
end of the log as well, or has rubbish there: what had not reached the disk. The log is only cut where
nothing of it was carried into the file yet; that order is what a disk flush is for.
"""

import random
import shutil
import signal
import struct
import time
from pathlib import Path

import sqlalchemy as sa

from api.idempotency import RequestKey
from inventory.database import Database
from tests.faults.house import House, breaches_of, houses
from tests.faults.stockroom import open_shop
from tests.faults.tally import Tally
from tests.faults.writing import Work

HEADER, FRAME_HEAD = 32, 24  # bytes at the head of a write-ahead log, and of each page in it


def power(*, copies: int, seed: int = 1, writers: int = 6) -> Tally:
    """Copy the files so many times under writers, and open each copy elsewhere."""
    chance, tally = random.Random(seed), Tally()
    with houses("sqlite", workers=2) as house:
        house.start()
        work = Work(house, open_shop(house.caller(), 100_000), writers, seed)
        work.begin()
        for number in range(copies):
            time.sleep(chance.uniform(0.02, 0.4))
            whole, cut = house.home / f"whole-{number}", house.home / f"cut-{number}"
            answered = frozen_copy(house, work, whole)
            with work.paused():  # or the book would grow for as long as its copies are looked at
                judge(number, whole / house.file.name, cut / house.file.name, answered, chance, tally)
        work.end()
        tally.wrong += [*work.wrong, *house.breaches()]
    return tally


def judge(
    number: int, whole: Path, cut: Path, answered: set[str], chance: random.Random, tally: Tally
) -> None:
    """A copy has every answered write, and without the end of its log it is an earlier moment of the book."""
    shutil.copytree(whole.parent, cut.parent)
    tally.counts["frames cut"] += cut_log(cut.parent, chance)
    there, left = keys_in_order(whole), keys_in_order(cut)
    tally.counts["copies"] += 1
    tally.counts["answered"] = len(answered)
    tally.counts["writes lost with the end of the log"] += len(there) - len(left)
    if missing := answered - set(there):
        tally.wrong.append(f"copy {number} lacks {len(missing)} answered writes")
    if there[: len(left)] != left:
        tally.wrong.append(f"copy {number} cut short is no earlier moment of the book")
    for book in (whole, cut):
        tally.wrong += [f"{book.parent.name}: {found}" for found in look(book)]
        shutil.rmtree(book.parent)


def frozen_copy(house: House, work: Work, folder: Path) -> set[str]:
    """The files as they are at one moment; the keys of what had been answered by then."""
    folder.mkdir()
    house.signal(signal.SIGSTOP)
    try:
        answered = {deed.key for deed in work.deeds if deed.answer is not None and deed.answer.done}
        for suffix in ("", "-wal", "-shm"):
            source = house.file.with_name(house.file.name + suffix)
            if source.exists():
                shutil.copyfile(source, folder / source.name)
    finally:
        house.signal(signal.SIGCONT)
    return answered


def cut_log(folder: Path, chance: random.Random) -> int:
    """Take away or spoil the end of the copied log; answers how many pages were lost."""
    (log,) = folder.glob("*-wal")
    (index,) = folder.glob("*-shm")
    raw = index.read_bytes()
    page_size = struct.unpack_from("=H", raw, 14)[0]
    last, carried = (struct.unpack_from("=I", raw, place)[0] for place in (16, 128))
    index.unlink()  # it is memory, and does not outlive the power
    frame = FRAME_HEAD + (page_size if page_size > 1 else 65_536)
    kept = chance.randint(min(carried, last), last)
    size = HEADER + kept * frame
    with log.open("r+b") as file:
        if chance.random() < 0.5:
            file.truncate(size + chance.randrange(frame) if kept < last else size)
        else:
            end = file.seek(0, 2)
            file.seek(size)
            file.write(chance.randbytes(max(end - size, 0)))
    return last - kept


def keys_in_order(file: Path) -> list[str]:
    """The request keys of a book in the order in which they were committed."""
    database = Database(f"sqlite:///{file}")
    with database.read() as db:
        found = list(db.scalars(sa.select(RequestKey.key).order_by(RequestKey.id)))
    database.engine.dispose()
    return found


def look(file: Path) -> list[str]:
    """What is wrong with a copy: as a file, and as a book."""
    database = Database(f"sqlite:///{file}")
    with database.read() as db:
        said = db.execute(sa.text("PRAGMA integrity_check")).scalars().all()
    found = [*(line for line in said if line != "ok"), *breaches_of(database)]
    database.engine.dispose()
    return found
