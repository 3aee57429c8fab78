"""Damage: the file of a book was changed behind its back; it is said at the start, or `verify` names it.

SQLite keeps no checksum of its pages. What it does not notice itself is found against the audit trail and
the facts; that the end of a book was cut off whole is found by the anchor that was kept elsewhere.
"""

import json
import random
import re
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from subprocess import TimeoutExpired
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from api import migrations, starting
from api.app import create_app
from inventory import proof_of_trail, trail
from inventory.database import Database
from tests.faults.disk import one_sentence
from tests.faults.house import House, breaches_of, on_sqlite
from tests.faults.power import frozen_copy
from tests.faults.stockroom import YEAR, open_shop, today
from tests.faults.tally import Tally
from tests.faults.writing import Work

PAGE = 4096
HEADER = 100
NUMBER = re.compile(r"-?\d+(\.\d+)?")
UNREADABLE = (SQLAlchemyError, starting.BookDamaged, ValueError, LookupError, TypeError, ArithmeticError)
"""What a value that cannot be one makes of the program; the commands say it in a sentence."""


@dataclass(frozen=True)
class Whole:
    """A sound book in a folder: its file and log at a moment, its anchor, the numbers in its reports."""

    folder: Path
    earlier: Path  # the same book some writes before
    anchor: str
    numbers: list[str]
    token: str


def damage(*, pages: int, commands: int = 9, seed: int = 1) -> Tally:
    """Damage copies of a book in every way, and this many of its pages by one byte each.

    What the commands say is asked of so many of the ways.
    """
    chance, tally = random.Random(seed), Tally()
    with on_sqlite(workers=1) as house:
        with_log = prepare(house, seed)
        one_file = settled(with_log, house.home / "settled")
        for hurt in BY_A_HAND:
            for file in hurt_copy(with_log, house.home / "hurt"):
                hurt(file, with_log)
                judge(spoken(hurt), file, with_log, tally)
        for number, hurt in enumerate(OF_THE_FILE):
            for file in hurt_copy(one_file, house.home / "hurt"):
                hurt(file, one_file)
                if number < commands:
                    said_by_commands(spoken(hurt), house, file, tally)
                judge(spoken(hurt), file, one_file, tally)
        size = (one_file.folder / house.file.name).stat().st_size // PAGE
        for page in chance.sample(range(size), min(pages, size)):
            for file in hurt_copy(one_file, house.home / "hurt"):
                place = page * PAGE + chance.randrange(PAGE)
                flip(file, place, chance.randrange(1, 256))
                judge(f"byte {place} changed", file, one_file, tally)
    return tally


def settled(whole: Whole, folder: Path) -> Whole:
    """The same book with its log carried into its file."""
    shutil.copytree(whole.folder, folder)
    (file,) = folder.glob("*.sqlite")
    with closing(sqlite3.connect(file)) as book:
        book.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        book.execute("PRAGMA journal_mode=DELETE")
    return replace(whole, folder=folder)


def spoken(hurt: Callable[[Path, Whole], None]) -> str:
    """What is done to a file, as words."""
    return hurt.__name__.replace("_", " ")


def prepare(house: House, seed: int) -> Whole:
    """Work for a while, and freeze the files twice, while there is a log beside the book."""
    house.start()
    shop = open_shop(house.caller())
    work = Work(house, shop, 3, seed)
    work.begin()
    for name in ("earlier", "now"):
        before = len(work.deeds)
        while len(work.deeds) < before + 40:
            time.sleep(0.05)
        frozen_copy(house, work, house.home / name)
    work.end()
    house.kill()
    for name in ("earlier", "now"):
        (house.home / name / f"{house.file.name}-shm").unlink(missing_ok=True)
    shutil.copytree(house.home / "now", house.home / "look")
    database = Database(f"sqlite:///{house.home / 'look' / house.file.name}")
    with database.read() as db:
        anchor = "{}:{}".format(*trail.head(db))
    numbers = numbers_of(database, house.tokens[0])
    database.engine.dispose()
    return Whole(house.home / "now", house.home / "earlier", anchor, numbers, house.tokens[0])


def hurt_copy(whole: Whole, folder: Path) -> Iterator[Path]:
    """A copy of the book to be damaged, and taken away afterwards."""
    shutil.copytree(whole.folder, folder)
    yield next(path for path in folder.iterdir() if path.suffix == ".sqlite")
    shutil.rmtree(folder)


def log_of(file: Path) -> Path:
    return file.with_name(f"{file.name}-wal")


def flip(file: Path, place: int, by: int) -> None:
    """Change one byte."""
    with file.open("r+b") as book:
        book.seek(place)
        (found,) = book.read(1)
        book.seek(place)
        book.write(bytes([found ^ by]))


def keep(file: Path, size: int) -> None:
    with file.open("r+b") as book:
        book.truncate(size)


def no_header(file: Path, _: Whole) -> None:
    """The first bytes are zero."""
    with file.open("r+b") as book:
        book.write(b"\0" * HEADER)


def cut_in_half(file: Path, _: Whole) -> None:
    keep(file, file.stat().st_size // 2 // PAGE * PAGE)


def cut_within_a_page(file: Path, _: Whole) -> None:
    keep(file, file.stat().st_size - PAGE // 3)


def emptied(file: Path, _: Whole) -> None:
    keep(file, 0)


def without_its_log(file: Path, _: Whole) -> None:
    log_of(file).unlink()


def with_the_log_of_before(file: Path, whole: Whole) -> None:
    shutil.copyfile(log_of(whole.earlier / file.name), log_of(file))


def with_the_file_of_before(file: Path, whole: Whole) -> None:
    shutil.copyfile(whole.earlier / file.name, file)


def of_before(file: Path, whole: Whole) -> None:
    """An older copy of everything was put in its place."""
    with_the_file_of_before(file, whole)
    with_the_log_of_before(file, whole)


def another_file(file: Path, _: Whole) -> None:
    file.write_bytes(b"A letter of nine words, which is no book.\n" * 200)


def a_table_missing(file: Path, _: Whole) -> None:
    """Somebody with SQL took a table away."""
    with closing(sqlite3.connect(file)) as book:
        book.execute("DROP TABLE cost_layers")


BY_A_HAND = (without_its_log, with_the_log_of_before, with_the_file_of_before, of_before, a_table_missing)
OF_THE_FILE = (no_header, cut_in_half, cut_within_a_page, emptied, another_file)
"""What the start itself must refuse, and `verify` too."""


def judge(name: str, file: Path, whole: Whole, tally: Tally) -> None:
    """Whoever works with the damaged book is told, or every number is as it was."""
    database = Database(f"sqlite:///{file}")
    try:
        found = noticed(database, whole)
        tally.counts[found or "without effect on a number"] += 1
        if not found and numbers_of(database, whole.token) != whole.numbers:
            tally.wrong.append(f"{name}: a number is another one, and nobody says so")
    except UNREADABLE as unreadable:
        tally.wrong.append(f"{name}: only the reports fail, with {unreadable!r}"[:300])
    finally:
        database.engine.dispose()


def noticed(database: Database, whole: Whole) -> str:
    """Who notices the damage; nobody, if nobody does."""
    try:
        if migrations.current(database) != migrations.newest():
            return "refused at start"
        starting.refuse_damaged(database)
    except UNREADABLE:
        return "refused at start"
    try:
        starting.refuse_damaged(database, thorough=True)
        if breaches_of(database):
            return "named by verify"
        with database.read() as db:
            if proof_of_trail.anchored(db, whole.anchor):
                return "named by its anchor"
    except UNREADABLE:
        return "named by verify"
    return ""


def numbers_of(database: Database, token: str) -> list[str]:
    """Every number in the reports of a book."""
    client, day = create_app(database).test_client(), today()
    reports = (
        f"/valuation?on={day}", f"/journal?from={day - YEAR}&to={day}&limit=500", "/stock?limit=500",
        "/reconciliation",
    )  # fmt: skip
    found: list[str] = []
    for report in reports:
        answer = client.get(f"/api/v1{report}", headers={"Authorization": f"Bearer {token}"})
        if answer.status_code != 200:
            raise ValueError(f"{report}: {answer.status_code} {answer.get_data(as_text=True)[:200]}")
        found += numbers_in(json.loads(answer.get_data()))
    return found


def numbers_in(said: Any) -> Iterator[str]:
    match said:
        case dict():
            for part in said.values():
                yield from numbers_in(part)
        case list():
            for part in said:
                yield from numbers_in(part)
        case int() | str() if NUMBER.fullmatch(str(said)):
            yield str(said)


def said_by_commands(name: str, house: House, file: Path, tally: Tally) -> None:
    """`serve` and `verify` as they are run: one sentence and the status 1."""
    surroundings = house.surroundings | {"VIALBOOK_DATABASE_URL": f"sqlite:///{file}"}
    for words in (("serve", "--port", str(house.port)), ("verify",)):
        try:
            done = house.run(*words, surroundings=surroundings, patience=120)
        except TimeoutExpired:
            tally.wrong.append(f"{words[0]} with {name} is served")
            continue
        tally.counts["commands that refused"] += one_sentence(done)
        if not one_sentence(done):
            tally.wrong.append(f"{words[0]} with {name}: {done.returncode} {done.stderr[-300:]}")
