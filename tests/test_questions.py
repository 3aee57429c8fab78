"""Questions: put together once, and answered as SQLAlchemy would answer them."""

from decimal import Decimal

import pytest
import sqlalchemy as sa

from inventory.clinic import PlaceKind
from inventory.ledger import DOCUMENTS, MOVEMENTS
from inventory.lots import LOTS
from inventory.questions import Question
from tests.shelf import Clinic

MOVED = (
    sa.select(
        LOTS.c.number, LOTS.c.state, LOTS.c.expires_on, DOCUMENTS.c.at, MOVEMENTS.c.quantity,
        MOVEMENTS.c.value, MOVEMENTS.c.reason, (MOVEMENTS.c.quantity > Decimal(1)).label("much"),
    )
    .join(LOTS, LOTS.c.id == MOVEMENTS.c.lot_id)
    .join(DOCUMENTS, DOCUMENTS.c.id == MOVEMENTS.c.document_id)
    .where(MOVEMENTS.c.item_id == sa.bindparam("item"), MOVEMENTS.c.quantity > Decimal("0.5"))
    .order_by(MOVEMENTS.c.id)
)  # fmt: skip


@pytest.fixture
def clinic(db):
    clinic = Clinic(db)
    clinic.add_items("HA 3 mL single_dose")
    clinic.receive("HA", "A17 exp 2026-06-30 10 x 16.50\nB02 exp 2026-09-30 5 x 17.90")
    clinic.treat("P-1", "HA 2")
    return clinic


def test_a_question_is_answered_with_the_values_that_sqlalchemy_would_give(clinic):
    question, item = Question(MOVED), clinic.item("HA").id

    rows = question.ask(clinic.db, item=item)

    assert len(rows) > 2
    assert rows == [tuple(row) for row in clinic.db.execute(MOVED, {"item": item})]
    assert question.ask(clinic.db, item=item) == rows
    assert all(type(row) is tuple for row in rows)


def test_nothing_found_is_an_empty_answer_and_a_word_can_be_asked_for(clinic):
    places = sa.table("places", sa.column("code"))
    kinds = Question(sa.select(places.c.code).where(places.c.code == sa.bindparam("code")))

    assert Question(MOVED).ask(clinic.db, item=0) == []
    assert kinds.ask(clinic.db, code="SHELF") == [(PlaceKind.SHELF.value.upper(),)]


def test_a_value_that_was_not_given_is_refused(clinic):
    with pytest.raises(KeyError, match="item"):
        Question(MOVED).ask(clinic.db)
