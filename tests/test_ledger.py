"""The ledger: movements from place to place, balances beside them, never below zero at any time (S8, S12)."""

from datetime import date, datetime
from decimal import Decimal

import pytest
import sqlalchemy as sa

from inventory import clinic as clinics
from inventory import corrections, ledger
from inventory.balances import Balance, WouldHaveBeenNegative
from inventory.clinic import PlaceKind
from inventory.ledger import Act, Document, DocumentKind, Move, Movement, UnknownMovement
from tests.shelf import BY, NOW, TODAY, Clinic, refused


@pytest.fixture
def clinic(db):
    drawn = Clinic(db)
    drawn.add_items("LIDO 20 mL multi_dose 28 d")
    drawn.receive("LIDO", "L1 exp 2026-12-31 5 x 3.20")
    return drawn


def post(clinic, source, target, quantity, *, on=TODAY):
    """Move some of lot L1 within the clinic, which carries no value."""
    act = Act(clinic.site.id, on, clinic.site.moment_on(on, NOW), NOW, BY)
    document_id = ledger.open_document(clinic.db, DocumentKind.HOLD, act)
    move = Move(clinic.lot_facts("LIDO", "L1"), clinic.place(source), clinic.place(target), Decimal(quantity))
    ledger.post(clinic.db, document_id, on, [move], held=frozenset(clinics.held_places(clinic.db)))


def test_what_leaves_one_place_arrives_at_another(clinic):
    post(clinic, PlaceKind.SHELF, PlaceKind.QUARANTINE, 40)

    assert clinic.held("LIDO") == {"L1": 60}
    assert clinic.held("LIDO", PlaceKind.QUARANTINE) == {"L1": 40}
    assert clinic.moved("LIDO")[-1] == ("L1", "shelf", "quarantine", 40, 0, None)


def test_a_movement_knows_its_document_with_its_day_and_who_recorded_it(clinic):
    post(clinic, PlaceKind.SHELF, PlaceKind.QUARANTINE, 40, on=date(2026, 1, 10))

    document = clinic.db.scalars(sa.select(Document).order_by(Document.id.desc())).first()
    assert (document.on, document.recorded_at, document.by) == (date(2026, 1, 10), NOW, "mara")
    assert clinic.site.day(document.at) == date(2026, 1, 10)


def test_more_than_a_place_holds_cannot_leave_it_and_nothing_moves(clinic):
    before = clinic.posted()

    sentence = "Shelf, Main holds 100 of lot L1; 120 cannot leave it."
    with refused(WouldHaveBeenNegative, sentence), clinic.db.begin_nested():
        post(clinic, PlaceKind.SHELF, PlaceKind.QUARANTINE, 120)

    assert clinic.held("LIDO") == {"L1": 100}
    assert clinic.posted() == before


def test_a_backdated_movement_that_was_possible_all_along_is_taken(clinic):
    post(clinic, PlaceKind.SHELF, PlaceKind.QUARANTINE, 60)

    post(clinic, PlaceKind.SHELF, PlaceKind.QUARANTINE, 40, on=date(2026, 1, 6))

    assert clinic.held("LIDO") == {}


def test_a_backdated_movement_is_refused_where_the_stock_was_gone_in_between(clinic):
    post(clinic, PlaceKind.SHELF, PlaceKind.QUARANTINE, 100, on=date(2026, 1, 8))
    post(clinic, PlaceKind.QUARANTINE, PlaceKind.SHELF, 100, on=date(2026, 1, 12))

    sentence = "On 2026-01-08 the place held 0 of the lot; 20 cannot have left on 2026-01-07."
    with refused(WouldHaveBeenNegative, sentence):
        post(clinic, PlaceKind.SHELF, PlaceKind.QUARANTINE, 20, on=date(2026, 1, 7))


def test_a_backdated_movement_is_refused_where_the_stock_was_gone_for_an_hour(clinic):
    # At the end of the 8th all was back, and still it was not there at some time since the 7th.
    post(clinic, PlaceKind.SHELF, PlaceKind.QUARANTINE, 100, on=date(2026, 1, 8))
    post(clinic, PlaceKind.QUARANTINE, PlaceKind.SHELF, 100, on=date(2026, 1, 8))

    sentence = "On 2026-01-08 the place held 0 of the lot; 20 cannot have left on 2026-01-07."
    with refused(WouldHaveBeenNegative, sentence):
        post(clinic, PlaceKind.SHELF, PlaceKind.QUARANTINE, 20, on=date(2026, 1, 7))


def test_what_was_received_later_cannot_have_left_before(clinic):
    sentence = "On 2026-01-04 the place held 0 of the lot; 20 cannot have left on 2026-01-04."
    with refused(WouldHaveBeenNegative, sentence):
        post(clinic, PlaceKind.SHELF, PlaceKind.QUARANTINE, 20, on=date(2026, 1, 4))


@pytest.mark.parametrize("table", ["movements", "documents"])
@pytest.mark.parametrize("statement", ["UPDATE {} SET id = id + 1000", "DELETE FROM {}"])
def test_facts_are_only_added_even_for_whoever_reaches_the_database(clinic, table, statement):
    with pytest.raises(sa.exc.DBAPIError, match=f"{table} are only added, never changed"):
        clinic.db.execute(sa.text(statement.format(table)))


def test_the_database_itself_refuses_a_balance_below_zero(clinic):
    with pytest.raises(sa.exc.IntegrityError, match="quantity_not_negative"):
        clinic.db.execute(sa.text("UPDATE balances SET quantity = -1"))


@pytest.mark.parametrize(
    ("fact", "constraint"),
    [
        ({"quantity": Decimal(0)}, "quantity_positive"),
        ({"value": Decimal("-0.01")}, "value_not_negative"),
        ({"direction": 0, "value": Decimal("1.00")}, "value_at_the_border"),
        ({"direction": 2}, "direction_known"),
    ],
)
def test_the_database_itself_refuses_a_movement_that_cannot_be(clinic, fact, constraint):
    known = clinic.db.scalars(sa.select(Movement)).first()
    columns = [column.key for column in sa.inspect(Movement).columns if column.key != "id"]
    facts = {column: getattr(known, column) for column in columns}

    with pytest.raises(sa.exc.IntegrityError, match=constraint):
        clinic.db.execute(sa.insert(Movement).values(**{**facts, **fact}))


def test_a_movement_cannot_end_where_it_began(clinic):
    with pytest.raises(sa.exc.IntegrityError, match="goes_somewhere"):
        post(clinic, PlaceKind.SHELF, PlaceKind.SHELF, 20)


def test_a_movement_that_is_not_on_record_is_refused_by_its_key(clinic):
    with refused(UnknownMovement, "No movement has the key 987654."):
        ledger.movement(clinic.db, 987654)


def test_a_day_belongs_to_the_site_not_to_greenwich(db):
    clinic = Clinic(db)
    late_evening = datetime.fromisoformat("2026-01-16T03:30:00+00:00")  # half past ten on the 15th there

    assert clinic.site.day(late_evening) == date(2026, 1, 15)


def visit(clinic, patient_ref, wanted, *, on):
    return clinic.treat(patient_ref, wanted, at=clinic.site.moment_on(on, NOW), recorded_at=NOW)


def test_what_came_and_went_at_once_moved_that_day_too(clinic):
    # The 5 mL left of the first vial go, a second is opened and 5 mL stay of it: the place holds 5 as before.
    visit(clinic, "P-1", "LIDO 15", on=date(2026, 1, 6))
    visit(clinic, "P-1", "LIDO 20", on=date(2026, 1, 8))

    opened = clinic.db.scalars(
        sa.select(Balance).where(Balance.place_id == clinic.place(PlaceKind.OPENED))
    ).one()
    assert (opened.quantity, opened.last_on) == (5, date(2026, 1, 8))


def test_one_opened_vial_does_not_lend_to_another(clinic):
    # On the 9th 15 mL went out of the first vial, on the 12th they were given back; a second vial was open.
    visit(clinic, "P-1", "LIDO 1", on=date(2026, 1, 6))
    visit(clinic, "P-2", "LIDO 1", on=date(2026, 1, 6))
    wrong = visit(clinic, "P-1", "LIDO 15", on=date(2026, 1, 9))
    back = clinic.site.moment_on(date(2026, 1, 12), NOW)
    undoing = {"at": back, "recorded_at": NOW, "by": BY, "reason": "the wrong chart"}
    corrections.reverse_session(clinic.db, wrong.session, **undoing)

    sentence = "On 2026-01-09 the opened vial held 4 of the lot; 10 cannot have left on 2026-01-07."
    with refused(WouldHaveBeenNegative, sentence), clinic.db.begin_nested():
        visit(clinic, "P-1", "LIDO 10", on=date(2026, 1, 7))
    sentence = "On 2026-01-09 the opened vial held 4 of the lot; 19 cannot have left on 2026-01-07."
    with refused(WouldHaveBeenNegative, sentence), clinic.db.begin_nested():
        visit(clinic, "P-1", "LIDO 20", on=date(2026, 1, 7))  # and a third is opened: the place gains 18
    visit(clinic, "P-1", "LIDO 4", on=date(2026, 1, 7))
