"""The database keeps exact numbers and aware instants, and refuses to change facts, on both engines."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from random import Random
from threading import Thread

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from inventory import clinic
from inventory.clinic import Setting
from inventory.database import APPEND_ONLY, MONEY, QUANTITY, Database, Exact, Instant, Prepared, sql_list

NOON = datetime(2026, 1, 15, 12, 0, tzinfo=UTC)
SCRATCH = sa.Table(
    "scratch",
    sa.MetaData(),
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("quantity", QUANTITY),
    sa.Column("value", MONEY),
    sa.Column("at", Instant()),
    sa.Column("words", sa.String(20)),
)


@pytest.fixture
def scratch(db: Session) -> Iterator[Session]:
    """A session with a table of no meaning in it."""
    SCRATCH.create(db.connection())
    return db


def test_ten_tenths_sum_to_exactly_one(scratch):
    scratch.execute(SCRATCH.insert(), [{"quantity": Decimal("0.1")} for _ in range(10)])

    total = scratch.scalar(sa.select(sa.func.sum(SCRATCH.c.quantity)))

    assert total == Decimal("1")
    assert isinstance(total, Decimal)


def test_numbers_come_back_as_they_went_in_to_the_last_digit(scratch):
    numbers = [
        Decimal(digits) for digits in ("0.0001", "-3.5", "999999999.9999", "0", "922337203685477.5807")
    ]
    scratch.execute(SCRATCH.insert(), [{"quantity": number} for number in numbers])

    assert list(scratch.scalars(sa.select(SCRATCH.c.quantity).order_by(SCRATCH.c.id))) == numbers
    assert scratch.scalar(sa.select(sa.func.max(SCRATCH.c.quantity))) == numbers[-1]
    assert scratch.scalar(sa.select(sa.func.min(SCRATCH.c.quantity))) == Decimal("-3.5")


def test_sums_and_comparisons_of_one_scale_are_exact(scratch):
    scratch.execute(SCRATCH.insert().values(quantity=Decimal("2.5")))

    assert scratch.scalar(sa.select(SCRATCH.c.quantity + Decimal("0.1"))) == Decimal("2.6")
    assert scratch.scalar(sa.select(SCRATCH.c.quantity - Decimal("2.5"))) == 0
    assert scratch.scalar(sa.select(sa.func.count()).where(SCRATCH.c.quantity > Decimal("2.4999"))) == 1
    assert scratch.scalar(sa.select(sa.func.count()).where(SCRATCH.c.quantity > Decimal("2.5"))) == 0


@pytest.mark.parametrize("number", [0.1, 2.0, float("nan")])
def test_a_float_is_refused_wherever_it_would_enter(scratch, number):
    with pytest.raises(sa.exc.StatementError, match="is a float; quantities and money are exact"):
        scratch.execute(SCRATCH.insert().values(quantity=number))
    with pytest.raises(sa.exc.StatementError, match="is a float; quantities and money are exact"):
        scratch.scalar(sa.select(SCRATCH.c.id).where(SCRATCH.c.quantity > number))


@pytest.mark.parametrize("number", ["0.00001", "1e-999999", "922337203685477.5808", "NaN", "Infinity"])
def test_a_number_that_does_not_fit_is_refused_and_not_rounded(scratch, number):
    with pytest.raises(sa.exc.StatementError):
        scratch.execute(SCRATCH.insert().values(quantity=Decimal(number)))

    assert scratch.scalar(sa.select(sa.func.count()).select_from(SCRATCH)) == 0


def test_sql_may_not_multiply_or_divide_for_it_would_lose_the_scale():
    for attempt in (
        lambda: SCRATCH.c.quantity * 2,
        lambda: SCRATCH.c.quantity / 2,
        lambda: SCRATCH.c.quantity * SCRATCH.c.value,
        lambda: SCRATCH.c.quantity % 2,
    ):
        with pytest.raises(TypeError, match="multiply and divide in Python"):
            attempt()


def test_a_number_written_into_sql_is_scaled_too():
    literal = sa.literal(Decimal("2.5"), Exact(4)).compile(compile_kwargs={"literal_binds": True})

    assert str(literal) == "25000"


def test_rows_written_by_place_are_those_written_by_name(scratch):
    add = Prepared(sa.insert(SCRATCH).inline(), ("at", "quantity"))
    rows = [(NOON, Decimal("2.5")), (NOON + timedelta(days=1), Decimal("0.0001")), (None, None)]

    assert add.run(scratch, rows) == 3

    written = scratch.execute(sa.select(SCRATCH.c.at, SCRATCH.c.quantity).order_by(SCRATCH.c.id)).all()
    assert [tuple(row) for row in written] == rows


def test_a_statement_written_by_place_may_use_a_value_twice_and_have_some_of_its_own(scratch):
    scratch.execute(SCRATCH.insert(), [{"id": key, "quantity": Decimal(key)} for key in (1, 2, 3)])
    less = sa.bindparam("less", type_=QUANTITY)
    take = Prepared(
        sa.update(SCRATCH)
        .where(SCRATCH.c.id == sa.bindparam("key"), SCRATCH.c.quantity - less >= Decimal("0.5"))
        .values(quantity=SCRATCH.c.quantity - less, value=Decimal("1.25")),
        ("key", "less"),
    )

    assert take.run(scratch, [(1, Decimal(1)), (2, Decimal("1.5")), (3, Decimal("0.25"))]) == 2

    left = scratch.execute(sa.select(SCRATCH.c.quantity, SCRATCH.c.value).order_by(SCRATCH.c.id)).all()
    assert [tuple(row) for row in left] == [
        (Decimal(1), None),
        (Decimal("0.5"), Decimal("1.25")),
        (Decimal("2.75"), Decimal("1.25")),
    ]


def test_any_words_are_written_by_place_as_they_are(scratch):
    chance, letters = Random(5), "\"\\{},%'ab \n\té😀NUL"
    words = ["", " ", "NULL", '"', "\\", "{a,b}", "%s", None]
    words += ["".join(chance.choices(letters, k=chance.randint(1, 20))) for _ in range(500)]

    Prepared(sa.insert(SCRATCH).inline(), ("words",)).run(scratch, [(one,) for one in words])

    assert list(scratch.scalars(sa.select(SCRATCH.c.words).order_by(SCRATCH.c.id))) == words


def test_words_too_long_for_their_column_are_not_cut_off_in_silence(scratch):
    add = Prepared(sa.insert(SCRATCH).inline(), ("words",))

    if scratch.get_bind().dialect.name == "sqlite":  # which keeps whatever it is given
        add.run(scratch, [("a" * 21,)])
        assert scratch.scalar(sa.select(SCRATCH.c.words)) == "a" * 21
    else:
        with pytest.raises(sa.exc.DataError, match="too long"):
            add.run(scratch, [("a" * 21,)])


def test_a_float_is_refused_in_a_row_written_by_place(scratch):
    with pytest.raises(TypeError, match="is a float"):
        Prepared(sa.insert(SCRATCH).inline(), ("quantity",)).run(scratch, [(0.1,)])


def test_an_instant_comes_back_in_utc_from_any_zone(scratch):
    evening_in_tokyo = datetime(2026, 1, 15, 21, 0, tzinfo=timezone(timedelta(hours=9)))
    scratch.execute(SCRATCH.insert().values(at=evening_in_tokyo))

    (found,) = scratch.scalars(sa.select(SCRATCH.c.at))

    assert found == NOON
    assert found.tzinfo is UTC


def test_instants_compare_as_moments_and_not_as_texts(scratch):
    early_in_tokyo = datetime(2026, 1, 15, 20, 59, tzinfo=timezone(timedelta(hours=9)))
    scratch.execute(SCRATCH.insert().values(at=early_in_tokyo))

    assert scratch.scalar(sa.select(sa.func.count()).where(SCRATCH.c.at < NOON)) == 1


def test_an_instant_without_a_zone_is_refused(scratch):
    with pytest.raises(sa.exc.StatementError, match="has no time zone"):
        scratch.execute(SCRATCH.insert().values(at=NOON.replace(tzinfo=None)))


@pytest.mark.parametrize("change", ["UPDATE settings SET value = 'another'", "DELETE FROM settings"])
def test_a_fact_can_neither_be_changed_nor_deleted(db, change):
    clinic.change_setting(db, "currency", "EUR", at=NOON, by="mara")

    with (
        pytest.raises(sa.exc.DatabaseError, match="settings are only added, never changed"),
        db.begin_nested(),
    ):
        db.execute(sa.text(change))

    assert clinic.settings(db).currency == "EUR"


def test_a_fact_cannot_be_changed_through_its_object_either(db):
    setting = clinic.change_setting(db, "currency", "EUR", at=NOON, by="mara")

    setting.value = "CHF"

    with (
        pytest.raises(sa.exc.DatabaseError, match="settings are only added, never changed"),
        db.begin_nested(),
    ):
        db.flush()


def test_every_table_of_facts_is_guarded(db):
    guarded = "SELECT name FROM sqlite_master WHERE type = 'trigger'"
    suffixes = ("_no_update", "_no_delete")
    if db.get_bind().dialect.name == "postgresql":
        guarded, suffixes = "SELECT tgname FROM pg_trigger", ("_only_added",)

    found = set(db.scalars(sa.text(guarded)))

    assert "settings" in APPEND_ONLY
    assert {f"{table}{suffix}" for table in APPEND_ONLY for suffix in suffixes} <= found


def test_sqlite_writes_through_to_disk_and_minds_what_points_where(tmp_path):
    book = Database(f"sqlite:///{tmp_path}/book.sqlite3")

    with book.engine.connect() as connection:
        found = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }

    assert found == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 8_000}


def test_a_row_may_not_point_at_nothing(db):
    with pytest.raises(sa.exc.IntegrityError), db.begin_nested():
        db.execute(sa.text("INSERT INTO places (site_id, code, name, kind) VALUES (0, 'X', 'X', 'shelf')"))
        # PostgreSQL and SQLite both look at once, not at the end.


def test_two_who_read_before_they_write_take_turns_and_both_succeed(database):
    def add(value: str) -> None:
        with database.write.begin() as db:
            clinic.settings(db)  # on SQLite a writer that began as a reader could not go on
            clinic.change_setting(db, "clinic_name", value, at=NOON, by="mara")

    threads = [Thread(target=add, args=[f"clinic {number}"]) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    with database.read() as db:
        assert db.scalar(sa.select(sa.func.count()).select_from(Setting)) == 4


def test_a_reader_is_not_held_up_by_a_writer_and_sees_what_was_committed(database):
    with database.write() as writer:
        clinic.change_setting(writer, "clinic_name", "Aster", at=NOON, by="mara")

        with database.read() as reader:
            assert clinic.settings(reader).clinic_name == "Clinic"
        writer.commit()

    with database.read() as reader:
        assert clinic.settings(reader).clinic_name == "Aster"


def test_what_is_not_committed_is_gone(database):
    with database.write() as db:
        clinic.change_setting(db, "clinic_name", "Aster", at=NOON, by="mara")

    with database.read() as db:
        assert clinic.settings(db).clinic_name == "Clinic"


def test_keys_are_listed_once_and_in_order():
    assert sql_list([3, 1, 3, 2]) == [1, 2, 3]


def test_a_report_that_asks_twice_is_answered_from_one_moment(database):
    def open_site(code):
        with database.write() as writing:
            clinic.open_site(
                writing, code=code, name=code, country="US", region="North America", time_zone="UTC"
            )
            writing.commit()

    open_site("FIRST")
    with database.read() as reading:
        before = reading.scalar(sa.select(sa.func.count()).select_from(clinic.Site))
        open_site("SECOND")
        after = reading.scalar(sa.select(sa.func.count()).select_from(clinic.Site))

    assert (before, after) == (1, 1)
