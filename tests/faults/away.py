"""Away: the database is gone for a while, or breaks connections in the middle; nothing answered is lost.

PostgreSQL ends connections, or crashes and recovers; SQLite's file is held by another program.
"""

import os
import random
import signal
import sqlite3
import time
from contextlib import closing, suppress

import sqlalchemy as sa

from tests.faults.crash import judge, last_look, retry
from tests.faults.house import House, houses
from tests.faults.stockroom import open_shop
from tests.faults.tally import Tally
from tests.faults.writing import Work

OTHERS = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"


def away(engine: str, *, times: int, seconds: float, seed: int = 1) -> Tally:
    """Break the connections so many times, at last for so many seconds; judge what was answered."""
    chance, tally = random.Random(seed), Tally()
    with houses(engine, workers=2, variables={"VIALBOOK_CALLS_PER_MINUTE": "100000"}) as house:
        _keep_what_is_committed(house)
        house.start()
        work = Work(house, open_shop(house.caller(), 100_000), 6, seed)
        work.begin()
        for _ in range(times):
            time.sleep(chance.uniform(0.05, 0.4))
            broken(house, 0.3)
            tally.counts["times away"] += 1
        time.sleep(0.5)
        broken(house, seconds)
        begun = time.monotonic()
        before = done(work)
        while done(work) < before + 10 and time.monotonic() < begun + 60:
            time.sleep(0.05)
        tally.slowest("return to work", time.monotonic() - begun)
        work.end()
        tally.counts["put off"] = work.put_off
        tally.wrong += work.wrong
        judge(house, work.deeds, tally)
        retry(house, work.deeds, tally, chance)
        last_look(house, work.deeds, tally)
    return tally


def _keep_what_is_committed(house: House) -> None:
    """The server of the tests may forget its last commits in a crash; of this book it must not."""
    if not house.url.startswith("sqlite"):
        engine = sa.create_engine(house.url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
        with engine.connect() as connection:
            name = engine.url.database
            connection.exec_driver_sql(f'ALTER DATABASE "{name}" SET synchronous_commit = on')


def done(work: Work) -> int:
    """How much was answered so far."""
    return sum(deed.answer is not None and deed.answer.done for deed in list(work.deeds))


def broken(house: House, seconds: float) -> None:
    """Have the database away for so long."""
    if house.url.startswith("sqlite"):
        with closing(sqlite3.connect(house.file, timeout=30, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            time.sleep(seconds)
            other.execute("ROLLBACK")
        return
    maintenance = sa.create_engine(house.url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    with maintenance.connect() as connection:
        if seconds < 1:
            connection.exec_driver_sql(f"SELECT pg_terminate_backend(pid) {OTHERS}")
            return
        pids = list(connection.exec_driver_sql(f"SELECT pid {OTHERS}").scalars())
    # Those that are there stop in the middle, as when the machine does; then they are gone.
    for pid, number in [(pid, signal.SIGSTOP) for pid in pids]:
        os.kill(pid, number)
    time.sleep(seconds)
    for pid in pids:
        with suppress(ProcessLookupError):
            # One is killed: the server then ends every connection and recovers.
            os.kill(pid, signal.SIGKILL if pid == pids[0] else signal.SIGCONT)
