"""The audit trail: one chain, an entry for whatever is written, each fact proven by its entry (I13-I15)."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from random import Random

import pytest
import sqlalchemy as sa

from inventory import catalog, clinic, corrections, proof_of_trail, recording, trail
from inventory.catalog import Item
from inventory.ledger import Movement
from inventory.proof_of_trail import BadAnchor
from inventory.recording import Signed
from inventory.trail import TRAIL, Entry
from tests.shelf import BY, NOW, Clinic
from tests.test_closing import unguarded

ITEMS = "HA 3 mL single_dose\nLIDO 20 mL multi_dose 28 d"


@pytest.fixture
def book(database):
    """A clinic whose every act is a transaction."""
    with database.write.begin() as db:
        Clinic(db).add_items(ITEMS)
    do(database, lambda here: here.receive("HA", "A17 exp 2026-09-30 20 x 16.50 on 2026-01-05"))
    do(database, lambda here: here.receive("LIDO", "L1 exp 2026-12-31 2 x 8.00 on 2026-01-05"))
    for patient in ("P-1", "P-2"):
        do(database, lambda here, patient=patient: here.treat(patient, "HA 2.5", "LIDO 1"))
    return database


def do(database, deed, signed=None):
    with database.write() as db:
        if signed:
            recording.sign(db, signed)
        deed(Clinic.at_main(db))
        db.commit()


def entries(database):
    with database.read() as db:
        return db.scalars(sa.select(Entry).order_by(Entry.number)).all()


def wrong(database):
    with database.read() as db:
        return [breach.sentence for breach in proof_of_trail.verify(db)]


def break_it(database, statement, *tables, **values):
    with database.engine.begin() as connection:
        for table in tables or ("trail",):
            unguarded(_Bound(connection), table)
        assert connection.execute(sa.text(statement), values).rowcount, statement


class _Bound:
    """A connection that says of itself what a session says."""

    def __init__(self, connection):
        self.execute = connection.execute
        self.get_bind = lambda: connection


def test_every_transaction_that_writes_has_one_entry_and_one_that_reads_has_none(book):
    before = len(entries(book))
    with book.write() as db:
        db.scalars(sa.select(Item)).all()
        db.commit()
    assert len(entries(book)) == before == 5

    do(book, lambda here: here.treat("P-3", "HA 1"), Signed("Mara", NOW, "POST /sessions"))

    last = entries(book)[-1]
    assert (last.by, last.at, last.kind) == ("Mara", NOW, "session")
    assert json.loads(last.text)["through"] == "POST /sessions"
    assert json.loads(last.text)["facts"].keys() == {"documents", "movements", "treatment_sessions"}
    assert wrong(book) == []


def test_what_a_savepoint_takes_back_is_in_no_entry(book):
    def deed(here):
        here.treat("P-3", "HA 1")
        attempt = here.db.begin_nested()
        here.treat("P-4", "HA 1")
        attempt.rollback()
        with here.db.begin_nested():
            here.treat("P-5", "HA 1")

    do(book, deed)

    facts = json.loads(entries(book)[-1].text)["facts"]
    assert sum(count for *_, count in facts["documents"]["keys"]) <= 2
    assert wrong(book) == []


def test_what_is_rolled_back_leaves_nothing_to_the_next_transaction(book):
    with book.write() as db:
        Clinic.at_main(db).treat("P-3", "HA 1")
        db.rollback()
        db.commit()
        Clinic.at_main(db).treat("P-4", "HA 1")
        db.commit()

    assert len(entries(book)) == 6
    assert wrong(book) == []


def test_an_edit_says_what_was_before_and_after_and_secrets_are_never_told(book):
    def deed(here):
        item = catalog.item(here.db, "HA")
        item.name, item.maker = "Hyaluronic acid", "Maker"
        clinic.change_setting(here.db, "draw_loss_ml", "0.2", at=NOW, by=BY, reason="a dearer street")

    do(book, deed)

    last = entries(book)[-1]
    (change,) = [one for one in json.loads(last.text)["changes"] if one["what"] == "item"]
    assert (change["before"]["name"], change["after"]["name"]) == ("HA", "Hyaluronic acid")
    assert "item Hyaluronic acid" in last.subject
    assert "setting draw_loss_ml" in last.subject
    assert last.why == "a dearer street"


def test_no_patient_stands_in_the_trail_and_one_who_is_forgotten_breaks_nothing(book):
    assert [entry for entry in entries(book) if "P-1" in entry.text + entry.salts + entry.subject] == []

    with book.engine.begin() as connection:
        for table in ("trail", "treatment_sessions"):
            unguarded(_Bound(connection), table)
        for number, salts in connection.execute(sa.select(TRAIL.c.number, TRAIL.c.salts)).all():
            kept = json.loads(salts or "{}")
            left = {
                hidden: "=GONE" if trail.committed(salt, "P-1") == hidden else salt
                for hidden, salt in kept.items()
            }
            connection.execute(
                sa.text("UPDATE trail SET salts = :left WHERE number = :number"),
                {"left": json.dumps(left) if left else "", "number": number},
            )
        for table in ("treatment_sessions", "opened_vials"):
            connection.execute(
                sa.text(f"UPDATE {table} SET patient_ref = 'GONE' WHERE patient_ref = 'P-1'")  # noqa: S608
            )

    assert wrong(book) == []
    break_it(book, "UPDATE treatment_sessions SET patient_ref = 'P-9' WHERE patient_ref = 'P-2'")
    assert wrong(book) != []


@pytest.mark.parametrize(
    ("table", "statement"),
    [
        ("movements", "UPDATE movements SET value = value + 1 WHERE direction = -1"),
        ("movements", "DELETE FROM movements WHERE direction = -1"),
        ("documents", "UPDATE documents SET by = 'somebody else' WHERE kind = 'session'"),
        ("treatment_sessions", "UPDATE treatment_sessions SET patient_ref = 'P-7' WHERE patient_ref = 'P-2'"),
        ("lots", "UPDATE lots SET expires_on = '2027-01-31' WHERE number = 'A17'"),
        ("settings", "INSERT INTO settings (key, value, at, by, reason)"
                     " VALUES ('currency', 'EUR', '2026-01-15 00:00:00+00', 'x', '')"),
    ],
)  # fmt: skip
def test_a_fact_that_is_changed_removed_or_added_behind_our_back_is_named(book, table, statement):
    break_it(book, statement, table)

    assert any(table in sentence for sentence in wrong(book)), wrong(book)


@pytest.mark.parametrize("column", ["previous", "hash", "by", "kind", "subject", "why", "text", "at"])
def test_any_byte_of_an_entry_that_is_flipped_is_noticed(book, column):
    chance = Random(column)
    for entry in chance.sample(entries(book), 2):
        value = str(getattr(entry, column) or "")
        place = chance.randrange(len(value) or 1)
        if column == "at":
            changed = (entry.at or NOW) + timedelta(seconds=1)
        else:
            flipped = chr(ord(value[place]) ^ 1) if value else "x"
            changed = value[:place] + flipped + value[place + 1 :]
        put(book, entry.number, column, changed)
        assert wrong(book) != [], (column, entry.number, changed)
        put(book, entry.number, column, getattr(entry, column))


def put(database, number, column, value):
    with database.engine.begin() as connection:
        unguarded(_Bound(connection), "trail")
        connection.execute(sa.update(TRAIL).where(TRAIL.c.number == number).values({column: value}))


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM trail WHERE number = 3",
        "UPDATE trail SET number = CASE number WHEN 3 THEN 40 ELSE number END",
        "INSERT INTO trail SELECT 40, hash, hash, at, by, kind, subject, why, text, salts FROM trail"
        " WHERE number = 3",
    ],
)
def test_an_entry_taken_out_moved_or_put_in_is_noticed(book, statement):
    break_it(book, statement)

    assert wrong(book) != []


def test_two_entries_that_change_places_are_noticed(book):
    for old, new in ((2, -1), (3, 2), (-1, 3)):
        break_it(book, "UPDATE trail SET number = :new WHERE number = :old", new=new, old=old)

    assert wrong(book) != []


def test_an_end_that_is_cut_off_with_its_facts_shows_against_an_anchor(book):
    with book.read() as db:
        anchor = "{}:{}".format(*trail.head(db))
        assert proof_of_trail.anchored(db, anchor) == ""
    break_it(book, "DELETE FROM trail WHERE number = 5")

    with book.read() as db:
        said = proof_of_trail.anchored(db, anchor)
        assert said == "The anchor is entry 5; the trail ends with 4: its end was cut off, or it is older."
        with pytest.raises(BadAnchor):
            proof_of_trail.anchored(db, "5:short")
        earlier = db.execute(sa.select(TRAIL.c.number, TRAIL.c.hash).where(TRAIL.c.number == 4)).one()
        assert proof_of_trail.anchored(db, f"{earlier.number}:{earlier.hash}") == ""
        assert "written anew" in proof_of_trail.anchored(db, f"4:{'0' * 64}")


def test_the_guard_refuses_to_change_and_to_delete_entries(book):
    for statement in ("UPDATE trail SET why = 'another'", "DELETE FROM trail"):
        with pytest.raises(sa.exc.DBAPIError, match="only added"), book.engine.begin() as connection:
            connection.execute(sa.text(statement))


def test_eight_writers_at_once_make_one_unbroken_chain(book):
    def receive(number):
        picture = f"W{number} exp 2026-09-30 1 x 10.00 on 2026-01-05"
        do(book, lambda here: here.receive("HA", picture))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(receive, range(24)))

    assert [entry.number for entry in entries(book)] == list(range(1, 30))
    assert wrong(book) == []


def test_a_book_that_is_older_than_the_trail_begins_it_with_all_that_it_has(book):
    with book.engine.begin() as connection:
        unguarded(_Bound(connection), "trail")
        connection.execute(sa.text("DELETE FROM trail"))
        connection.execute(sa.text("DELETE FROM trail_head"))
        trail.begin(connection, Signed("vialbook init", NOW, "migration"))

    assert wrong(book) == []
    do(book, lambda here: here.treat("P-3", "HA 1"))
    assert [entry.kind for entry in entries(book)] == ["beginning", "session"]
    assert wrong(book) == []


def test_a_correction_and_its_original_have_an_entry_each(book):
    def deed(here):
        used = here.db.scalars(sa.select(Movement).where(Movement.direction == -1)).first()
        corrections.reverse(
            here.db, used, at=NOW + timedelta(hours=1), recorded_at=NOW + timedelta(hours=1), by=BY,
            reason="the wrong line",
        )  # fmt: skip

    do(book, deed)

    assert (entries(book)[-1].kind, entries(book)[-1].why) == ("reversal", "the wrong line")
    assert wrong(book) == []
