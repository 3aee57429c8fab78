"""Halfway: a command is killed at one of its statements; what it had begun is not there, and it is run again.

The first start, a migration, an import, a count that is posted, a backup, a restore, the nightly work.
"""

import json
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from api import migrations
from api.migrations.tables import every_table
from inventory.database import Database
from tests.faults.house import House, breaches_of, on_sqlite
from tests.faults.stockroom import YEAR, open_shop, today
from tests.faults.tally import Tally
from tests.faults.writing import deeds_of

KILLED = -9
PROGRAM = """
import os, signal, sys
import sqlalchemy as sa
from sqlalchemy import event

last, done = int(sys.argv.pop(1)), 0

def count(*_):
    global done
    done += 1
    if done == last:
        os.kill(os.getpid(), signal.SIGKILL)

event.listen(sa.engine.Engine, "before_cursor_execute", count)
event.listen(sa.engine.Engine, "commit", count)

def post(path, body, token):
    from api import settings
    from api.app import create_app
    client = create_app(settings.from_environment().open_database()).test_client()
    sent = {"Authorization": f"Bearer {token}", "Idempotency-Key": "halfway"}
    answer = client.post(path, data=body, content_type="application/json", headers=sent)
    sys.exit(answer.status_code not in (200, 201) and answer.get_data(as_text=True))

try:
    if sys.argv[1] == "post":
        post(*sys.argv[2:])
    from api.cli import main
    main()
finally:
    print("statements", done)
"""


@dataclass(frozen=True)
class Task:
    """A command in a house of its own: how its place is prepared, and what is run."""

    prepare: Callable[[House], None]
    words: Callable[[House], list[str]]
    at_once: bool = True  # or in several steps, each of which is whole: tables, reference, the first site


def halfway(*, kills: int, first: float = 0, names: tuple[str, ...] = ()) -> Tally:
    """Kill each command at so many of its statements, from the first, or so far along, to its last."""
    tally = Tally()
    for name in names or TASKS:
        task = TASKS[name]
        with on_sqlite() as house:
            task.prepare(house)
            kept = house.file.read_bytes() if house.file.exists() else None
            said = run(house, 0, task)
            assert said.returncode == 0, (name, said.stderr)
            statements = int(said.stdout.split()[-1])
            wanted = rows(house.file)
            for number in range(kills):
                put_back(house, kept)
                along = first + (1 - first) * number / max(kills - 1, 1)
                at = 1 + int(along * (statements - 1))
                kill_and_repeat(f"{name} killed at {at} of {statements}", house, task, at, wanted, tally)
    return tally


def kill_and_repeat(name: str, house: House, task: Task, at: int, wanted: object, tally: Tally) -> None:
    """The book of before or that of afterwards, and the same command ends well."""
    before = rows(house.file)
    ended = run(house, at, task)
    tally.counts["killed"] += ended.returncode == KILLED
    tally.counts["folders left by the killed"] += len(hidden(house))
    if ended.returncode not in (0, KILLED):
        tally.wrong.append(f"{name}: {ended.returncode} {ended.stderr[-300:]}")
    if task.at_once and rows(house.file) not in (before, wanted):
        tally.wrong.append(f"{name}: it is there by half")
    again = run(house, 0, task)
    done = again.returncode == 0 or "there already" in again.stderr
    if not done or rows(house.file) != wanted:
        tally.wrong.append(f"{name}, again: {again.returncode} {again.stderr[-300:]}")
    tally.wrong += [f"{name}: {left} is still there" for left in hidden(house)]
    database = Database(f"sqlite:///{house.file}")
    tally.wrong += [f"{name}: {found}" for found in breaches_of(database)]
    database.engine.dispose()


def run(house: House, at: int, task: Task) -> subprocess.CompletedProcess[str]:
    """The program, which kills itself at one of its statements; at none if it is 0."""
    return subprocess.run(
        [sys.executable, "-c", PROGRAM, str(at), *task.words(house)],
        env=house.surroundings,
        capture_output=True,
        text=True,
        check=False,
    )


def hidden(house: House) -> list[str]:
    """What the program keeps out of sight while it works."""
    return [path.name for path in house.home.iterdir() if path.name.startswith(".")]


def put_back(house: House, kept: bytes | None) -> None:
    """The house as it was prepared."""
    for path in house.home.iterdir():
        if path.is_file() and path.name not in ("list.csv", "whole.backup"):
            path.unlink()
    if kept is not None:
        house.file.write_bytes(kept)


def rows(file: Path) -> dict[str, int]:
    """How many rows each table has; but for those that only say who came."""
    if not file.exists():
        return {}
    database = Database(f"sqlite:///{file}")
    with database.engine.connect() as connection:
        names = set(sa.inspect(connection).get_table_names()) & set(every_table().tables)
        found = {
            name: connection.scalar(sa.select(sa.func.count()).select_from(sa.table(name))) or 0
            for name in sorted(names)
        }
    database.engine.dispose()
    return found


def nothing(_: House) -> None:
    """As the house is."""


def without_a_book(house: House) -> None:
    house.file.unlink()


def with_an_old_book(house: House) -> None:
    house.file.unlink()
    book = Database(f"sqlite:///{house.file}")
    migrations.upgrade(book, to=migrations.revisions()[0])
    book.engine.dispose()
    settle(house)


def with_a_list(house: House) -> None:
    lines = [f"MP-001,L{number},{today() + YEAR},2,9.00" for number in range(50)]
    head = "sku,lot_number,expires_on,containers,unit_cost"
    (house.home / "list.csv").write_text("\n".join([head, *lines]), "utf-8")


def with_a_count(house: House) -> None:
    """A count that found less, ready to be posted."""
    house.start()
    caller = house.caller()
    shop = open_shop(caller, 50)
    for make in deeds_of(shop).values():
        caller.do(make("Q-9001"))
    count = caller.made("/counts", {"skus": [shop.single], "site": "MAIN"})
    for again in (False, True):
        lines = [{"line": line["id"], "containers": 1, "again": again} for line in count["lines"]]
        answer = caller.ask("PUT", f"/counts/{count['id']}/lines", {"lines": lines})
    body = {"reason": "weekly count", "digest": answer.json["digest"]}
    asked = ["post", f"/api/v1/counts/{count['id']}/post", json.dumps(body), house.tokens[0]]
    house.variables["ASKED"] = json.dumps(asked)
    caller.close()
    house.stop()
    settle(house)


def with_a_backup(house: House) -> None:
    assert house.run("backup", str(house.home / "whole.backup")).returncode == 0
    house.file.unlink()


def settle(house: House) -> None:
    """Make the book one file."""
    with closing(sqlite3.connect(house.file)) as book:
        book.execute("PRAGMA wal_checkpoint(TRUNCATE)")


TASKS = {
    "first start": Task(without_a_book, lambda _: ["init"], at_once=False),
    "migration": Task(with_an_old_book, lambda _: ["init", "--no-seed"], at_once=False),
    "import": Task(with_a_list, lambda house: ["import", "opening-stock", str(house.home / "list.csv")]),
    "count": Task(with_a_count, lambda house: json.loads(house.variables["ASKED"])),
    "backup": Task(nothing, lambda house: ["backup", str(house.home / "new.backup")]),
    "restore": Task(with_a_backup, lambda house: ["restore", str(house.home / "whole.backup")]),
    "nightly": Task(nothing, lambda _: ["nightly"]),
}
