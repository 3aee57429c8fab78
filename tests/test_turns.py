"""Writers of one process take turns: the first who came is the first let in, and nobody keeps a turn."""

import threading
import time
from pathlib import Path
from random import Random

import pytest
import sqlalchemy as sa

from inventory.database import Database
from inventory.turns import Turns


@pytest.mark.parametrize("seed", range(20))
def test_who_came_first_is_let_in_first_though_some_leave_the_line(seed):
    chance, turns, let_in = Random(seed), Turns(), []
    holder = turns.take(0)
    assert holder is not None
    patience = [chance.choice([0.0, 30.0]) for _ in range(12)]
    threads = []
    for number, seconds in enumerate(patience):

        def stand(number: int = number, seconds: float = seconds) -> None:
            place = turns.take(seconds)
            if place is not None:
                let_in.append(number)
                turns.give_back(place)

        threads.append(threading.Thread(target=stand))
        threads[-1].start()
        until = time.monotonic() + 30
        while seconds and len(turns) < 2 + sum(map(bool, patience[:number])) and time.monotonic() < until:
            time.sleep(0.001)

    for thread, seconds in zip(threads, patience, strict=True):
        if not seconds:
            thread.join()
    turns.give_back(holder)
    for thread in threads:
        thread.join()

    assert let_in == [number for number, seconds in enumerate(patience) if seconds]
    assert len(turns) == 0


@pytest.fixture
def book(tmp_path: Path):
    database = Database(f"sqlite:///{tmp_path}/book.sqlite")
    with database.engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE arrivals (number INTEGER)")
    yield database
    database.engine.dispose()


def add(database: Database, number: int) -> None:
    with database.write.begin() as db:
        db.execute(sa.text("INSERT INTO arrivals VALUES (:number)"), {"number": number})


@pytest.mark.parametrize("end", ["commit", "rollback", "refused", "detached", "invalidated"])
def test_a_turn_ends_with_its_transaction_however_that_ends(book, end):
    if end == "refused":
        with pytest.raises(sa.exc.OperationalError, match="no such table"), book.write.begin() as db:
            db.execute(sa.text("DELETE FROM nowhere"))
    elif end == "detached":
        with book.engine.connect() as connection:
            connection.detach()
            with connection.begin():
                connection.exec_driver_sql("DELETE FROM arrivals")
    elif end == "invalidated":
        with book.engine.connect() as connection:
            connection.exec_driver_sql("DELETE FROM arrivals")
            connection.invalidate()
    else:
        with book.write() as db:
            db.execute(sa.text("DELETE FROM arrivals"))
            getattr(db, end)()

    begun = time.monotonic()
    add(book, 1)

    assert time.monotonic() - begun < 5  # who finds the turn taken waits for eight seconds
    with book.read() as db:
        assert list(db.scalars(sa.text("SELECT number FROM arrivals"))) == [1]


def test_readers_do_not_wait_for_a_turn(book):
    with book.write() as writer, book.read() as reader:
        writer.execute(sa.text("INSERT INTO arrivals VALUES (1)"))

        assert reader.scalar(sa.text("SELECT count(*) FROM arrivals")) == 0


def test_writers_of_a_process_are_let_in_as_they_came(book):
    threads = [threading.Thread(target=add, args=(book, number)) for number in range(1, 7)]
    with book.write() as first:
        first.execute(sa.text("INSERT INTO arrivals VALUES (0)"))
        for number, thread in enumerate(threads, start=1):
            thread.start()
            until = time.monotonic() + 5
            while len(book.turns) <= number and time.monotonic() < until:
                time.sleep(0.001)
        first.commit()
    for thread in threads:
        thread.join()

    with book.read() as db:
        assert list(db.scalars(sa.text("SELECT number FROM arrivals ORDER BY rowid"))) == list(range(7))
