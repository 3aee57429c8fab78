"""Backups: whole, proven, sealed if asked for; restored into a new place, or refused before it is begun."""

import gzip
import os
import sqlite3
import stat
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
from click.testing import CliRunner, Result

from api import backups, cli, migrations, sealing
from api.auth import Role
from api.backups import AlreadyThere, NewerBackup, NotABackup, NotSound, PassphraseNeeded
from api.migrations.tables import every_table
from api.sealing import SealBroken, WeakPassphrase, WrongPassphrase
from inventory import proof_of_trail, trail
from inventory.database import Database
from inventory.proof import verify
from tests.calls import Clinic, opened
from tests.pages import House
from tests.server import make_first_day
from tests.test_api_stock import receive

WORDS = "four words of no meaning"
LATER = datetime(2026, 2, 1, tzinfo=UTC)


@contextmanager
def at_work(database: Database) -> Iterator[Clinic]:
    """A clinic with lots, a session, an opened vial, somebody signed in; its book is as `init` makes one."""
    migrations.upgrade(database)
    with opened(database) as found:
        receive(found, "HA-3", "A17", "2026-06-30", 3, "16.50")
        lot = receive(found, "LIDO-20", "L1", "2026-12-31", 2, "8.00")["lot"]["id"]
        found.made("/opened-vials", {"lot": lot})
        body = {"patient_ref": "P-1", "lines": [{"sku": "HA-3", "quantity": "2"}]}
        found.made("/sessions", body, headers={"Idempotency-Key": "first"})
        House(found).as_(Role.MANAGER)
        yield found


@pytest.fixture(scope="module")
def anywhere(empty_database) -> Iterator[Clinic]:
    """The clinic on each engine."""
    with empty_database() as database, at_work(database) as found:
        yield found


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clinic]:
    """The clinic on SQLite, where it matters not on which it is."""
    database = Database(f"sqlite:///{tmp_path_factory.mktemp('here') / 'book.sqlite'}")
    with at_work(database) as found:
        yield found
    database.engine.dispose()


@pytest.fixture(scope="module")
def plain(here: Clinic, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its backup."""
    file = tmp_path_factory.mktemp("plain") / "book.backup"
    backups.backup(here.database, file, passphrase=None, secret=None)
    return file


@pytest.fixture(scope="module")
def sealed(here: Clinic, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its sealed backup, with a secret in it."""
    file = tmp_path_factory.mktemp("sealed") / "book.backup"
    backups.backup(here.database, file, passphrase=WORDS, secret="a secret of random letters")
    return file


def restored(file: Path, folder: Path, passphrase: str | None = None) -> Database:
    """Restore into a new file."""
    place = folder / "new.sqlite"
    database = Database(f"sqlite:///{place}")
    backups.restore(file, database, passphrase=passphrase, place=place, folder=folder, at=LATER)
    return database


def content(database: Database) -> dict[str, list[tuple[object, ...]]]:
    """Every row, but for who is signed in and the trail, which tells that they no longer are."""
    with database.read() as db:
        return {
            table.name: [tuple(row) for row in db.execute(sa.select(table).order_by(*table.primary_key))]
            for table in every_table().sorted_tables
            if table.name not in ("sign_ins", "trail", "trail_head")
        }


def test_a_backup_is_the_whole_book_and_what_is_restored_goes_on_where_it_ended(
    anywhere, empty_database, tmp_path
):
    file, folder = tmp_path / "book.backup", tmp_path / "folder"
    folder.mkdir()
    backups.backup(anywhere.database, file, passphrase=None, secret=None)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert sorted(tmp_path.iterdir()) == [file, folder]

    with empty_database() as fresh:
        place = Path(fresh.engine.url.database) if fresh.engine.dialect.name == "sqlite" else None
        backups.restore(file, fresh, passphrase=None, place=place, folder=folder, at=LATER)

        assert list(folder.iterdir()) == []  # nothing is left lying about
        assert content(fresh) == content(anywhere.database)
        with fresh.read() as db, anywhere.database.read() as before:
            assert proof_of_trail.anchored(db, "{}:{}".format(*trail.head(before))) == ""
            assert db.scalars(sa.text("SELECT ended_at FROM sign_ins WHERE ended_at IS NULL")).all() == []
            assert before.scalars(sa.text("SELECT id FROM sign_ins WHERE ended_at IS NULL")).all()
        with opened(fresh, stocked=False) as there:
            body = {"patient_ref": "P-1", "lines": [{"sku": "HA-3", "quantity": "2"}]}
            again = there.post("/sessions", body, headers={"Idempotency-Key": "first"})
            new = there.post("/sessions", body, headers={"Idempotency-Key": "second"})
            assert again.headers["Idempotency-Replayed"] == "true"
            assert (new.status_code, new.get_json()["id"] > again.get_json()["id"]) == (201, True)
            with pytest.raises(AlreadyThere):
                backups.restore(file, fresh, passphrase=None, place=place, folder=folder, at=LATER)
        with fresh.read() as db:
            assert [*verify(db), *proof_of_trail.verify(db)] == []


def test_a_sealed_backup_tells_nothing_and_is_opened_by_its_passphrase_alone(here, plain, sealed, tmp_path):
    raw = sealed.read_bytes()
    assert b"SQLite" not in raw
    assert b"a secret of" not in raw
    assert backups.PACKED not in raw[:100]

    assert content(restored(sealed, tmp_path, WORDS)) == content(here.database)

    target = tmp_path / "target"
    target.mkdir()
    for wrong, refusal in ((WORDS + "!", WrongPassphrase), (None, PassphraseNeeded)):
        with pytest.raises(refusal):
            restored(sealed, target, wrong)
        assert list(target.iterdir()) == []


def test_the_secret_comes_back_out_of_a_sealed_backup_and_replaces_none(sealed, tmp_path):
    place = tmp_path / "new.sqlite"
    _, secret = backups.restore(
        sealed, Database(f"sqlite:///{place}"), passphrase=WORDS, place=place, folder=tmp_path, at=LATER
    )
    assert secret == "a secret of random letters"

    assert backups.keep_secret(tmp_path / "secret.key", secret)
    assert not backups.keep_secret(tmp_path / "secret.key", "another")
    assert (tmp_path / "secret.key").read_text() == secret + "\n"
    assert stat.S_IMODE((tmp_path / "secret.key").stat().st_mode) == 0o600


def test_a_short_passphrase_is_refused(here, tmp_path):
    with pytest.raises(WeakPassphrase, match="has 5 characters; give it 12"):
        backups.backup(here.database, tmp_path / "b", passphrase="short", secret=None)
    assert list(tmp_path.iterdir()) == []


def test_a_backup_overwrites_nothing(here, plain):
    before = plain.read_bytes()
    with pytest.raises(AlreadyThere, match="is there already"):
        backups.backup(here.database, plain, passphrase=None, secret=None)
    assert plain.read_bytes() == before


def test_what_is_cut_short_or_changed_anywhere_is_refused_before_anything_is_begun(plain, sealed, tmp_path):
    damaged, target = tmp_path / "damaged", tmp_path / "target"
    target.mkdir()
    for whole, passphrase in ((plain, None), (sealed, WORDS)):
        raw = whole.read_bytes()
        some = [len(raw) * part // 9 for part in range(9)]
        cut = [raw[:length] for length in (*some, len(raw) - 1)]
        changed = [raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :] for at in (*some[1:], len(raw) - 1)]
        for number, wrong in enumerate((*cut, *changed)):
            damaged.write_bytes(wrong)
            with pytest.raises((NotABackup, SealBroken, WrongPassphrase, PassphraseNeeded)):
                restored(damaged, target, passphrase)
            assert list(target.iterdir()) == [], number


def repacked(plain: Path, folder: Path, change: str) -> Path:
    """The backup with its book changed by a hand that knows SQL."""
    book, file = folder / "book", folder / "changed"
    book.write_bytes(gzip.decompress(plain.read_bytes()))
    with closing(sqlite3.connect(book)) as connection:
        connection.executescript(change)
    file.write_bytes(gzip.compress(book.read_bytes()))
    book.unlink()
    return file


@pytest.mark.parametrize(
    ("change", "refusal", "sentence"),
    [
        ("UPDATE alembic_version SET version_num = '9999'", NewerBackup, "is of version 9999, which this"),
        ("DROP TABLE alembic_version", NotABackup, "is not a book of vialbook"),
        ("UPDATE balances SET quantity = quantity + 1", NotSound, "not sound"),
        ("PRAGMA foreign_keys=OFF; UPDATE balances SET lot_id = lot_id + 990", NotABackup, "damaged"),
    ],
)
def test_a_book_that_is_another_programs_or_not_sound_is_refused(plain, tmp_path, change, refusal, sentence):
    target = tmp_path / "target"
    target.mkdir()

    with pytest.raises(refusal, match=sentence):
        restored(repacked(plain, tmp_path, change), target)

    assert list(target.iterdir()) == []


@pytest.mark.parametrize(
    "raw", [b"", b"hello", b"\x1f\x8b hello", gzip.compress(b"hello", mtime=0), b"VIALBOOK SEALED 1\n"]
)
def test_a_file_of_something_else_is_refused(raw, tmp_path):
    (tmp_path / "file").write_bytes(raw)
    target = tmp_path / "target"
    target.mkdir()

    with pytest.raises((NotABackup, SealBroken)):
        restored(tmp_path / "file", target, WORDS)

    assert list(target.iterdir()) == []


def test_a_backup_of_an_earlier_version_becomes_this_ones(here, plain, tmp_path):
    old = tmp_path / "old.sqlite"
    book = Database(f"sqlite:///{old}")
    migrations.upgrade(book, to=migrations.revisions()[0])
    book.engine.dispose()
    with closing(sqlite3.connect(old)) as connection:
        connection.execute("PRAGMA journal_mode=DELETE")
    (tmp_path / "backup").write_bytes(gzip.compress(old.read_bytes()))

    assert migrations.current(restored(tmp_path / "backup", tmp_path)) == migrations.newest()


def test_backups_taken_while_others_write_are_each_a_moment_of_the_book(database, tmp_path):
    migrated = database
    with migrated.engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)")
        connection.execute(sa.text("INSERT INTO alembic_version VALUES (:it)"), {"it": migrations.newest()})
    stop, wrong = threading.Event(), []
    with opened(migrated) as there:
        receive(there, "HA-3", "A17", "2026-06-30", 500, "16.50")

        def work(name: int) -> None:
            number = 0
            while not stop.is_set():
                number += 1
                body = {"patient_ref": f"W{name}-{number}", "lines": [{"sku": "HA-3", "quantity": "2"}]}
                answer = there.post("/sessions", body)
                if answer.status_code != 201:
                    wrong.append(answer.get_data(as_text=True))

        threads = [threading.Thread(target=work, args=(name,)) for name in range(2)]
        for thread in threads:
            thread.start()
        held = []
        for number in range(2):
            file = tmp_path / f"{number}.backup"
            backups.backup(migrated, file, passphrase=None, secret=None)  # it proves what it wrote
            folder = tmp_path / str(number)
            folder.mkdir()
            with restored(file, folder).read() as db:
                held.append(db.scalar(sa.text("SELECT count(*) FROM treatment_sessions")))
        stop.set()
        for thread in threads:
            thread.join()
    assert wrong == []
    assert held == sorted(held)
    assert held[-1] > 0


def test_pieces_are_sealed_each_in_its_place(tmp_path):
    text = os.urandom(2 * sealing.PIECE + 5)
    for plain in ([text], [text[:7], text[7:]], [text[: sealing.PIECE]], [b""]):
        file = tmp_path / "file"
        with file.open("wb") as target:
            sealing.seal(plain, target, passphrase=WORDS)
        with file.open("rb") as source:
            assert b"".join(sealing.unseal(source, passphrase=WORDS)) == b"".join(plain)

    with file.open("wb") as target:
        sealing.seal([text], target, passphrase=WORDS)
    raw = file.read_bytes()
    head, step = len(raw) - len(text) - 3 * sealing.TAG_BYTES, sealing.PIECE + sealing.TAG_BYTES
    pieces = [raw[head + n * step : head + (n + 1) * step] for n in range(3)]
    for order in ([1, 0, 2], [0, 1], [0, 2], [0, 1, 1, 2], [0, 1, 2, 2]):
        file.write_bytes(raw[:head] + b"".join(pieces[n] for n in order))
        with file.open("rb") as source, pytest.raises((SealBroken, WrongPassphrase)):
            list(sealing.unseal(source, passphrase=WORDS))


def killed_before(folder: Path) -> None:
    """What a command leaves there that is killed at its work."""
    left = folder / ".vialbook-00000000000000ff.scratch"
    left.mkdir()
    (left / "copy.sqlite").write_text("half of a book")


def test_the_commands_take_a_sealed_backup_and_put_it_into_a_new_place(tmp_path, monkeypatch):
    old, new, file = tmp_path / "old", tmp_path / "new", tmp_path / "book.backup"
    make_first_day(old)
    (old / "secret.key").write_text("of second factors\n")
    for name in ("VIALBOOK_SECRET", "VIALBOOK_DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)

    def run(home: Path, *words: str) -> Result:
        surroundings = {"VIALBOOK_HOME": str(home), "VIALBOOK_BACKUP_PASSPHRASE": WORDS}
        return CliRunner().invoke(cli.vialbook, words, env=surroundings)

    killed_before(tmp_path)
    taken = run(old, "backup", str(file), "--encrypt")
    assert sorted(tmp_path.iterdir()) == [file, old]
    killed_before(tmp_path)
    again = run(old, "backup", str(file), "--encrypt")
    assert sorted(tmp_path.iterdir()) == [file, old]
    back = run(new, "restore", str(file))
    killed_before(new)
    twice = run(new, "restore", str(file))

    assert taken.exit_code == 0, taken.output
    assert "it was read again, and its books are sound" in taken.output
    assert "The secret of second factors is in it." in taken.output
    assert isinstance(again.exception, AlreadyThere)
    assert back.exit_code == 0, back.output
    assert "everybody signs in again" in back.output
    assert isinstance(twice.exception, AlreadyThere)
    assert (new / "secret.key").read_text() == "of second factors\n"
    verified = run(new, "verify")
    assert verified.output == "The books are sound.\n", verified.exception
    assert {path.name.partition("-")[0] for path in new.iterdir()} == {"secret.key", "vialbook.sqlite"}


def test_a_plain_backup_says_what_is_not_in_it(tmp_path, monkeypatch):
    make_first_day(tmp_path / "old")
    monkeypatch.setenv("VIALBOOK_HOME", str(tmp_path / "old"))
    monkeypatch.delenv("VIALBOOK_DATABASE_URL", raising=False)

    taken = CliRunner().invoke(cli.vialbook, ["backup", str(tmp_path / "book.backup")])

    assert taken.exit_code == 0, taken.output
    assert "Not in it: the secret of second factors" in taken.output
