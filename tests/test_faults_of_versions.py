"""Books of several versions: a migration that fails or is begun twice, an older program, a wrong word."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa
from click.testing import CliRunner
from sqlalchemy.exc import DatabaseError, OperationalError

from api import cli, migrations, starting
from inventory.database import Database
from tests.server import make_first_day
from tests.test_faults_within import failing_at

WRITES = ("CREATE", "ALTER", "DROP", "INSERT", "UPDATE", "COMMIT")
FIRST = migrations.revisions()[0]


def test_a_migration_that_fails_at_any_statement_leaves_the_book_of_before(empty_database):
    with empty_database() as another:
        migrations.upgrade(another, to=FIRST)
        with failing_at(another, 0) as asked:
            migrations.upgrade(another)
    writing = [n for n, words in enumerate(asked, 1) if words.split()[0] in WRITES]
    with empty_database() as book:
        migrations.upgrade(book, to=FIRST)
        before = sorted(sa.inspect(book.engine).get_table_names())

        for number in (*writing[:: len(writing) // 4], writing[-1]):
            with failing_at(book, number), pytest.raises(OperationalError):
                migrations.upgrade(book)

            assert migrations.current(book) == FIRST
            assert sorted(sa.inspect(book.engine).get_table_names()) == before
        migrations.upgrade(book)

        assert migrations.current(book) == migrations.newest()


def test_two_who_migrate_a_book_at_once_do_it_once(empty_database):
    with empty_database() as book:
        migrations.upgrade(book, to=migrations.revisions()[0])
        url = book.engine.url.render_as_string(hide_password=False)
        others = [Database(url), Database(url)]

        with ThreadPoolExecutor(2) as pool:
            for done in [pool.submit(migrations.upgrade, other) for other in others]:
                done.result()

        for other in others:
            other.engine.dispose()
        assert migrations.current(book) == migrations.newest()


def test_verify_says_of_a_word_that_cannot_be_a_date_that_the_book_is_damaged(tmp_path, monkeypatch):
    make_first_day(tmp_path)
    monkeypatch.setenv("VIALBOOK_HOME", str(tmp_path))
    monkeypatch.delenv("VIALBOOK_DATABASE_URL", raising=False)
    list_ = tmp_path / "stock.csv"
    list_.write_text("sku,lot,expires,containers,unit cost\nMP-001,A17,2027-06-30,5,16.50\n", "utf-8")
    CliRunner().invoke(cli.vialbook, ["import", "opening-stock", str(list_)])
    book = Database(f"sqlite:///{tmp_path / 'vialbook.sqlite'}")
    with book.write.begin() as db:
        db.execute(sa.text("UPDATE balances SET expires_on = '20x7-06-30'"))
    book.engine.dispose()

    refused = CliRunner().invoke(cli.vialbook, ["verify"]).exception

    assert isinstance(refused, starting.BookDamaged)
    assert "20x7-06-30" in str(refused)


@pytest.mark.parametrize("missing", [1, 1365, 4095, 4096])
def test_a_book_whose_end_was_cut_off_is_refused_where_every_page_can_still_be_read(tmp_path, missing):
    file = tmp_path / "book.sqlite"
    book = Database(f"sqlite:///{file}")
    with book.write.begin() as db:  # a row that fills pages of its own up to the end of the file
        db.execute(sa.text("CREATE TABLE long (words TEXT)"))
        db.execute(sa.text("INSERT INTO long VALUES (:words)"), {"words": "x" * 40_000})
    starting.refuse_damaged(book)
    book.engine.dispose()
    size = file.stat().st_size
    with file.open("r+b") as cut:
        cut.truncate(size - missing)

    with pytest.raises((starting.BookDamaged, DatabaseError), match=f"{size - missing} bytes|malformed"):
        starting.refuse_damaged(book)


def test_a_program_that_is_older_than_its_book_says_so_and_touches_nothing(tmp_path, monkeypatch):
    make_first_day(tmp_path)
    monkeypatch.setenv("VIALBOOK_HOME", str(tmp_path))
    monkeypatch.delenv("VIALBOOK_DATABASE_URL", raising=False)
    book = Database(f"sqlite:///{tmp_path / 'vialbook.sqlite'}")
    with book.write.begin() as db:
        db.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))

    for words in (["serve"], ["verify"], ["nightly"], ["init"], ["backup", str(tmp_path / "b")]):
        refused = CliRunner().invoke(cli.vialbook, words).exception

        assert "The database is at version 9999, which this program does not know" in str(refused), words
    book.engine.dispose()
    assert migrations.current(book) == "9999"
    assert not (tmp_path / "b").exists()


KILLED = '''
"""End in the middle."""
import os, signal
import sqlalchemy as sa
from alembic import op

revision, down_revision = "9001", "{newest}"

def upgrade():
    op.create_table("half", sa.Column("id", sa.Integer(), primary_key=True))
    os.kill(os.getpid(), signal.SIGKILL)
'''
UPGRADE = """
import sys, pathlib
from api import migrations
from inventory.database import Database
migrations.VERSIONS = (*migrations.VERSIONS, pathlib.Path(sys.argv[2]))
migrations.upgrade(Database(sys.argv[1]))
"""


def test_a_migration_that_is_killed_half_way_leaves_the_book_and_the_next_start_mends_it(
    empty_database, tmp_path
):
    later = tmp_path / "9001_later.py"
    with empty_database() as book:
        migrations.upgrade(book)
        url = book.engine.url.render_as_string(hide_password=False)
        book.engine.dispose()

        def upgraded() -> int:
            words = [sys.executable, "-c", UPGRADE, url, str(tmp_path)]
            return subprocess.run(words, cwd=Path(__file__).parents[1], check=False).returncode

        later.write_text(KILLED.format(newest=migrations.newest()))
        assert upgraded() == -9
        assert migrations.current(book) == migrations.newest()
        assert "half" not in sa.inspect(book.engine).get_table_names()

        later.write_text(later.read_text().replace("    os.kill(os.getpid(), signal.SIGKILL)\n", ""))
        assert upgraded() == 0
        assert migrations.current(book) == "9001"
        assert "half" in sa.inspect(book.engine).get_table_names()
