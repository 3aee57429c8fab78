"""Backups: a whole book in one file, taken while others write in it, proven before it counts; and back again.

Whatever the book is kept in, its backup is an SQLite book, packed with gzip and sealed if that is asked for:
so a backup of PostgreSQL is proven without a server, and a clinic moves from one to the other by a backup.
"""

import gzip
import json
import os
import shutil
import sqlite3
import struct
import zlib
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

import sqlalchemy as sa

from api import migrations, sealing
from api.migrations.tables import every_table
from api.scratch import clear, scratch
from api.web.sign_ins import SignIn
from inventory import proof, proof_of_trail, recording
from inventory.database import AT_ONCE, NOTED, Database
from inventory.errors import Conflict, Invalid
from inventory.recording import Signed
from inventory.trail import TRAIL, Head
from pricing import proof as proof_of_quotes

PACKED = b"\x1f\x8b"
SQLITE_HEAD = b"SQLite format 3\0"
PIECE = 1024 * 1024
BY = "command line"


class AlreadyThere(Conflict):
    """Nothing is ever overwritten by a backup, nor by restoring one."""


class NotABackup(Invalid):
    """The file is none of ours, or not whole."""


class NewerBackup(Conflict):
    """The backup was taken by a later version of the program."""


class NotSound(Conflict):
    """The books in the backup do not hold together."""


class PassphraseNeeded(Conflict):
    """The backup is sealed."""


@dataclass(frozen=True)
class Packed:
    """A backup as it was written and read again: of which version it is, and what it holds."""

    revision: str
    rows: int
    size: int
    with_secret: bool


def backup(database: Database, file: Path, *, passphrase: str | None, secret: str | None) -> Packed:
    """Write the book as it is at this moment into a new file, and prove what was written.

    The secret of second factors goes along only in a sealed file. Raises AlreadyThere, NotSound,
    sealing.WeakPassphrase.
    """
    if file.exists():
        clear(file.parent)
        raise AlreadyThere(f"{file} is there already; a backup overwrites nothing.")
    with scratch(file.parent) as folder:
        copy, draft = folder / "copy.sqlite", folder / "draft"
        _copied(database, copy)
        with draft.open("xb") as target:
            if passphrase is None:
                _pack(copy, target)
            else:
                sealing.seal(_sealed_parts(copy, folder / "packed", secret), target, passphrase=passphrase)
            target.flush()
            os.fsync(target.fileno())
        draft.chmod(0o600)
        copy.unlink()
        with unpacked(draft, folder, passphrase=passphrase) as (found, _secret):
            revision = prove(found)
            rows = _count(found)
        _place(draft, file)
    return Packed(revision, rows, file.stat().st_size, passphrase is not None and secret is not None)


def restore(
    file: Path, database: Database, *, passphrase: str | None, place: Path | None, folder: Path, at: datetime
) -> tuple[Packed, str | None]:
    """Put a backup where there is no book yet: into the file `place`, else into the empty database.

    Everything is looked at first, and nothing is begun with a file that is not whole and sound. Whoever was
    signed in is not any more. Answers what was restored, and the secret that came with it.
    Raises AlreadyThere, NotABackup, NewerBackup, NotSound, PassphraseNeeded, sealing.WrongPassphrase.
    """
    taken = place.exists() if place is not None else bool(sa.inspect(database.engine).get_table_names())
    if taken:
        clear(folder)
        where = place or database.engine.url.render_as_string()
        raise AlreadyThere(f"There is a book at {where} already; a backup is restored into a new place.")
    with unpacked(file, folder, passphrase=passphrase) as (found, secret):
        revision = prove(found)
        rows = _count(found)
        source = Database(f"sqlite:///{found}")
        try:
            migrations.upgrade(source)
            with source.write.begin() as db:
                recording.sign(db, Signed(by=BY, at=at, through="restore"))
                db.execute(sa.update(SignIn).where(SignIn.ended_at.is_(None)).values(ended_at=at))
            if place is None:
                _pour_all(source, database)
        finally:
            source.engine.dispose()
        if place is not None:
            _settle(found)
            _place(found, place)
    return Packed(revision, rows, file.stat().st_size, secret is not None), secret


@contextmanager
def unpacked(file: Path, folder: Path, *, passphrase: str | None) -> Iterator[tuple[Path, str | None]]:
    """The book in a backup, in a file of its own for the length of a block, and the secret beside it.

    Raises NotABackup, PassphraseNeeded, sealing.WrongPassphrase, sealing.SealBroken.
    """
    with scratch(folder) as own, file.open("rb") as source:
        packed, book, secret = file, own / "book.sqlite", None
        start = source.read(len(sealing.HEAD))
        source.seek(0)
        if start == sealing.HEAD:
            if passphrase is None:
                raise PassphraseNeeded(f"{file.name} is sealed: its passphrase is needed.")
            packed = own / "packed"
            secret = _unseal(source, packed, passphrase)
        elif not start.startswith(PACKED):
            raise NotABackup(f"{file.name} is not a backup of vialbook.")
        try:
            with gzip.open(packed) as plain, book.open("xb") as target:
                shutil.copyfileobj(plain, target, PIECE)
        except (EOFError, zlib.error, gzip.BadGzipFile):
            raise NotABackup(f"{file.name} is not whole: it was cut short or changed.") from None
        yield book, secret


def prove(book: Path) -> str:
    """Look at every page and at every invariant; answers the book's version.

    Raises NotABackup, NewerBackup, NotSound.
    """
    _whole(book)
    with _read_only(book) as engine:
        revision = _revision(engine)
        if revision not in migrations.revisions():
            raise NewerBackup(
                f"The backup is of version {revision}, which this program does not know: "
                "restore it with the version of the program that took it, or a later one."
            )
        with engine.connect() as connection:
            said = list(connection.exec_driver_sql("PRAGMA integrity_check").scalars())
            astray = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
        if said != ["ok"] or astray:
            raise NotABackup(f"The book in it is damaged: {said[0] if said != ['ok'] else astray[0]}.")
        if revision == migrations.newest():
            with sa.orm.Session(engine) as db:
                every_table()  # the trail is about all of them
                breaches = [*proof.verify(db), *proof_of_quotes.verify(db), *proof_of_trail.verify(db)]
            if breaches:
                raise NotSound(
                    f"The books in it are not sound, {len(breaches)} breaches: {breaches[0].sentence}"
                )
    return revision


def _copied(database: Database, copy: Path) -> None:
    """The book at one moment as an SQLite file; who writes meanwhile neither waits nor is in it."""
    if database.engine.dialect.name == "sqlite":
        with database.reading.connect() as connection, closing(sqlite3.connect(copy)) as target:
            source = connection.connection.driver_connection
            assert isinstance(source, sqlite3.Connection), source
            source.backup(target)
        _settle(copy)
        return
    target = Database(f"sqlite:///{copy}")
    try:
        migrations.upgrade(target)
        with database.reading.connect() as source, target.engine.begin() as connection:
            _pour(source, connection)
    finally:
        target.engine.dispose()
    _settle(copy)


def _settle(book: Path) -> None:
    """Make it one file, without a log beside it."""
    with closing(sqlite3.connect(book)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.execute("PRAGMA journal_mode=DELETE")


def _pour_all(source: Database, target: Database) -> None:
    """Fill an empty database with a book: all of it or nothing."""
    from alembic import command  # imported late, for it doubles the time every command takes to start

    with target.engine.connect() as connection, connection.begin():
        command.upgrade(migrations.config_of(connection), "head")
        with source.reading.connect() as reading:
            _pour(reading, connection)
        last = sa.select(sa.literal(1), TRAIL.c.number, TRAIL.c.previous, TRAIL.c.hash)
        last = last.order_by(TRAIL.c.number.desc()).limit(1)
        connection.execute(sa.insert(Head).from_select(["id", "number", "previous", "hash"], last))
        for table in every_table().sorted_tables:
            if (key := table.autoincrement_column) is not None:
                _go_on_from(connection, table, key.name)


def _go_on_from(connection: sa.Connection, table: sa.Table, key: str) -> None:
    """Have the next key of a table follow the ones that it has."""
    sequence = connection.scalar(sa.select(sa.func.pg_get_serial_sequence(table.name, key)))
    last = connection.scalar(sa.select(sa.func.max(table.c[key])))
    if sequence is not None and last is not None:
        connection.execute(sa.select(sa.func.setval(sequence, last)))


def _pour(source: sa.Connection, target: sa.Connection) -> None:
    """Copy every row of every table, those first that others point at, each in the order of its keys."""
    for table in every_table().sorted_tables:
        if table.name == Head.__tablename__:
            continue  # each engine's own: the last entry says the same
        rows = source.execution_options(stream_results=True).execute(
            sa.select(table).order_by(*table.primary_key.columns)
        )
        insert = sa.insert(table).execution_options(**{NOTED: True})  # the audit trail came along
        for part in rows.mappings().partitions(AT_ONCE):
            target.execute(insert, [dict(row) for row in part])


def _pack(copy: Path, target: BinaryIO) -> None:
    with copy.open("rb") as plain, gzip.GzipFile("", "wb", 4, target, mtime=0) as packed:
        shutil.copyfileobj(plain, packed, PIECE)


def _sealed_parts(copy: Path, packed: Path, secret: str | None) -> Iterator[bytes]:
    """What is sealed: a line of facts, and the packed book."""
    with packed.open("xb") as target:
        _pack(copy, target)
    yield json.dumps({"secret": secret}).encode() + b"\n"
    with packed.open("rb") as source:
        yield from iter(lambda: source.read(PIECE), b"")
    packed.unlink()


def _unseal(source: BinaryIO, packed: Path, passphrase: str) -> str | None:
    """Write the packed book out; the secret that was sealed with it."""
    parts = sealing.unseal(source, passphrase=passphrase)
    first, _, rest = next(parts).partition(b"\n")
    with packed.open("xb") as target:
        target.write(rest)
        for part in parts:
            target.write(part)
    found: dict[str, Any] = json.loads(first)
    return found["secret"]


def _whole(book: Path) -> None:
    """Refuse a file that is no database, or shorter than it says."""
    with book.open("rb") as file:
        head = file.read(100)
    if len(head) < 100 or not head.startswith(SQLITE_HEAD):
        raise NotABackup("What is packed in it is not a book.")
    page, pages = struct.unpack_from(">H", head, 16)[0], struct.unpack_from(">I", head, 28)[0]
    if book.stat().st_size < (65_536 if page == 1 else page) * pages:
        raise NotABackup("The book in it was cut short.")


@contextmanager
def _read_only(book: Path) -> Iterator[sa.Engine]:
    """An engine that cannot change the file, nor leave others beside it."""
    address = f"file:{book}?mode=ro&immutable=1".replace("#", "%23")
    engine = sa.create_engine(
        "sqlite://", creator=lambda: sqlite3.connect(address, uri=True), poolclass=sa.NullPool
    )
    try:
        yield engine
    finally:
        engine.dispose()


def _revision(engine: sa.Engine) -> str:
    try:
        with engine.connect() as connection:
            found = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
    except sa.exc.DatabaseError:
        found = None
    if found is None:
        raise NotABackup("The database in it is not a book of vialbook.")
    return str(found)


def _count(book: Path) -> int:
    with _read_only(book) as engine, engine.connect() as connection:
        return sum(
            connection.scalar(sa.select(sa.func.count()).select_from(sa.table(name))) or 0
            for name in sa.inspect(connection).get_table_names()
        )


def _place(draft: Path, file: Path) -> None:
    """Put the finished file under its name, where there is none yet, and have the disk keep it."""
    draft.chmod(0o600)
    try:
        os.link(draft, file)
    except FileExistsError:
        raise AlreadyThere(f"{file} is there already; nothing was overwritten.") from None
    folder = os.open(file.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def keep_secret(file: Path, secret: str) -> bool:
    """Put the secret that came with a backup where the program looks for it; false if there is one."""
    if file.exists():
        return False
    with scratch(file.parent) as folder:
        draft = folder / "draft"
        draft.write_text(secret + "\n", "utf-8")
        _place(draft, file)
    return True
