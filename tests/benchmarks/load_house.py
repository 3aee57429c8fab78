"""The clinic under load: fifty items in many lots on either database, and bare tables of the same lots."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import psycopg
import sqlalchemy as sa

from api import auth, imports, migrations, settings, starting
from api.auth import Role
from api.settings import utc_now
from api.web import accounts, sign_ins
from api.web.sign_ins import Stage
from inventory import clinic, proof_of_trail
from inventory.balances import BALANCES
from inventory.catalog import Item
from inventory.database import Database
from inventory.ledger import DOCUMENTS
from inventory.proof import verify
from pricing import proof as proof_of_quotes
from tests import postgres
from tests.benchmarks import book, load_duties
from tests.benchmarks.timing import Figure
from tests.server import free_port, started

BARE_TABLES = """
    CREATE TABLE lot (id BIGINT PRIMARY KEY, product INTEGER NOT NULL, expiry DATE NOT NULL,
      unit_cost BIGINT NOT NULL, balance BIGINT NOT NULL CHECK (balance >= 0));
    CREATE TABLE ledger (id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, session BIGINT NOT NULL,
      product INTEGER NOT NULL, lot BIGINT NOT NULL REFERENCES lot(id), qty BIGINT NOT NULL,
      unit_cost BIGINT NOT NULL, at DATE NOT NULL);
    CREATE INDEX lot_fefo ON lot (product, expiry, id) WHERE balance > 0;
    CREATE INDEX ledger_lot ON ledger (lot, at);
"""
"""The least that a session must read and write, on PostgreSQL and, with its words for them, on SQLite."""
SQLITE_WORDS = {"lot (id BIGINT": "lot (id INTEGER", "BIGINT GENERATED ALWAYS AS IDENTITY": "INTEGER"}


@dataclass(frozen=True)
class House:
    """A book, its bare likeness, the token of a program that writes in it, and of a browser that reads."""

    engine: str
    home: Path
    url: str
    bare: str
    port: int
    token: str
    cookie: str
    sku: str

    @property
    def file(self) -> Path:
        """The file of a book that is one."""
        return self.home / "vialbook.sqlite"

    def opened(self, *, log_pages: int = 1_000) -> Database:
        """The book as the program opens it."""
        named = {"VIALBOOK_HOME": str(self.home), "VIALBOOK_DATABASE_URL": self.url}
        return settings.from_environment(named).open_database(log_pages=log_pages)

    @contextmanager
    def served(self, *, workers: int) -> Iterator[None]:
        """`vialbook serve` over the book in processes of its own."""
        words = [
            sys.executable,
            "-m",
            "api.cli",
            "serve",
            "--port",
            str(self.port),
            "--workers",
            str(workers),
        ]
        named = {"VIALBOOK_HOME": str(self.home), "VIALBOOK_DATABASE_URL": self.url}
        process = started(words, self.port, **named)
        try:
            yield
        finally:
            process.terminate()
            process.wait(30)


@contextmanager
def houses(engine: str, folder: Path, *, lots: int, server: str | None = None) -> Iterator[House]:
    """A furnished clinic on SQLite, on the PostgreSQL server of an address, or on one of its own that writes
    through to the disk."""
    home = folder / engine
    home.mkdir()
    if engine == "sqlite":
        yield _furnished(engine, home, f"sqlite:///{home}/vialbook.sqlite", str(home / "bare"), lots)
        return
    own = postgres.server(durable=True) if server is None else nullcontext(server)
    mark = f"load_{os.getpid()}"
    with own as at, postgres.database(at, mark) as url, postgres.database(at, f"{mark}_bare") as bare:
        yield _furnished(engine, home, url, bare.replace("+psycopg", ""), lots)


def _furnished(engine: str, home: Path, url: str, bare: str, lots: int) -> House:
    now = utc_now()
    house = House(engine, home, url, bare, free_port(), "", "", book.sku(1))
    database = house.opened()
    migrations.upgrade(database)
    starting.load_reference(database, now=now)
    with database.write.begin() as db:
        site = clinic.open_site(
            db, code="MAIN", name="Bench", country="US", region="North America", time_zone="UTC"
        )
        for kind, rows in (("items", _items()), ("opening-stock", _stock(lots))):
            taken = imports.run(db, kind, f"{kind}.csv", rows, partial=False, at=now, by="Bench", site=site)
            assert taken.imported == taken.total > 0, taken
        token = auth.issue_token(db, "Bench", role=Role.MANAGER, at=now)
        accounts.add_demo_people(db, at=now)
        reader = accounts.by_name(db, accounts.DEMO_NAMES[Role.MANAGER])
        assert reader is not None
        cookie = sign_ins.begin(db, reader, stage=Stage.DONE, at=now)
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("ANALYZE" if engine == "sqlite" else "VACUUM ANALYZE")
    _lay_bare(database, bare, engine)
    database.engine.dispose()
    return House(engine, home, url, bare, house.port, token, cookie, house.sku)


def _items() -> bytes:
    lines = [
        f"{book.sku(n)},Item {n},Bench,injectable,mL,1,0.05,vial,single_dose"
        for n in range(1, book.ITEMS + 1)
    ]
    head = "sku,name,maker,kind,unit,content,overfill,container_form,dose_class"
    return "\n".join((head, *lines)).encode()


def _stock(lots: int) -> bytes:
    """Lots of every item in turn, of 1 to 6 vials, that expire over the next two years."""
    today = utc_now().date()
    lines = [
        f"{book.sku(n % book.ITEMS + 1)},B{n:06},{today + timedelta(days=n * 104_729 % 751 + 1)},"
        f"{n * 7919 % 6 + 1},{100 + n * 7919 % 801}.00"
        for n in range(lots)
    ]
    return "\n".join(("sku,lot_number,expires_on,containers,unit_cost", *lines)).encode()


def _lay_bare(database: Database, bare: str, engine: str) -> None:
    """Write the lots that may be used into the bare tables."""
    numbers = {book.sku(number): number for number in range(1, book.ITEMS + 1)}
    with database.read() as db:
        rows = db.execute(
            sa.select(BALANCES.c.lot_id, Item.sku, BALANCES.c.expires_on, BALANCES.c.quantity)
            .join(Item, Item.id == BALANCES.c.item_id)
            .where(Item.sku.in_(numbers))
            .order_by(BALANCES.c.lot_id)
        ).all()
    lots = [(lot, numbers[sku], str(day), 10_000, int(held * book.UNIT)) for lot, sku, day, held in rows]
    if engine == "sqlite":
        tables = BARE_TABLES
        for words, instead in SQLITE_WORDS.items():
            tables = tables.replace(words, instead)
        here = book.bare(Path(bare))
        here.executescript(tables)
        here.execute("BEGIN")
        here.executemany("INSERT INTO lot VALUES (?, ?, ?, ?, ?)", lots)
        here.execute("COMMIT")
        here.execute("ANALYZE")
        here.close()
        return
    with psycopg.connect(bare, autocommit=True) as there:
        there.execute(BARE_TABLES)
        with there.cursor().copy("COPY lot FROM STDIN") as copy:
            for row in lots:
                copy.write_row(row)
        there.execute(load_duties.TABLES)
        there.execute("VACUUM ANALYZE")


def restock(house: House) -> None:
    """Give the bare lots of a server back what the one statement of the floor took."""
    with psycopg.connect(house.bare, autocommit=True) as there:
        there.execute(load_duties.RESTOCK)
        there.execute("VACUUM ANALYZE")


def server_spent(house: House) -> tuple[float, float]:
    """The processor's milliseconds of the server's processes for the book, and for its bare likeness; none
    of SQLite, which works within its clients."""
    if house.engine == "sqlite":
        return 0.0, 0.0
    names = [sa.make_url(url).database for url in (house.url, house.bare)]
    with psycopg.connect(house.bare) as there:
        rows = there.execute("SELECT datname, pid FROM pg_stat_activity").fetchall()
    book, bare = (sum(_spent_by(pid) for name, pid in rows if name == one) for one in names)
    return book, bare


def _spent_by(process: int) -> float:
    """The processor's milliseconds of a process, as Linux counts them; nothing for one that has ended."""
    try:
        counted = Path(f"/proc/{process}/stat").read_text("ascii").rpartition(")")[2].split()
    except FileNotFoundError:
        return 0.0
    return (int(counted[11]) + int(counted[12])) * 1000 / os.sysconf("SC_CLK_TCK")


def checked(house: House, *, answered: int) -> Iterator[Figure]:
    """What must be nothing: sessions that were answered and are not in the book, or the other way round;
    balances below zero; what `verify` finds."""
    database = house.opened()
    with database.read() as db:
        kept = db.scalar(sa.select(sa.func.count()).where(DOCUMENTS.c.kind == "session")) or 0
        below = db.scalar(sa.select(sa.func.count()).where(BALANCES.c.quantity < sa.literal_column("0"))) or 0
        found = [*verify(db), *proof_of_quotes.verify(db), *proof_of_trail.verify(db)]
    database.engine.dispose()
    name = f"{house.engine}, {answered:,} sessions answered"
    yield Figure(f"{name}: lost or doubled", abs(kept - answered), unit="", most=0)
    yield Figure(f"{name}: balances below zero", below, unit="", most=0)
    yield Figure(f"{name}: breaches that verify finds", len(found), unit="", most=0)
