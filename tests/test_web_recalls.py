"""The pages of recalls: what one reaches, its paper, a patient's lots, and what undoing would change."""

import re
from datetime import timedelta

import pytest
import sqlalchemy as sa

from api.auth import Role
from inventory import clinic, treatments
from inventory.ledger import Movement
from inventory.lots import Lot, LotState
from inventory.treatments import Line, Visit
from tests.calls import NOW
from tests.pages import House, main, said
from tests.shelves import on_hand, received

pytest_plugins = ("tests.calls", "tests.pages")


def treated(house: House, patient_ref: str, sku: str = "HA-3") -> int:
    with house.database.write.begin() as db:
        done = treatments.treat(
            db, Visit(patient_ref, NOW), [Line(quantity=2, sku=sku)], site=clinic.site(db, "MAIN"),
            recorded_at=NOW, by="Doctor",
        )  # fmt: skip
        return done.session.id


@pytest.fixture
def lot(house: House) -> int:
    received(house, lot="A17", containers=7)
    treated(house, "C-1001")
    with house.database.read() as db:
        return db.scalars(sa.select(Lot.id).where(Lot.number == "A17")).one()


def plain(page) -> str:
    return said(page).replace("\N{NO-BREAK SPACE}", " ")


def test_a_recall_says_what_it_reaches_before_and_after(house, lot):
    browser = house.as_(Role.MANAGER)

    before = plain(browser.get(f"/lots/{lot}/recall"))
    after = plain(browser.follow(browser.send(f"/lots/{lot}/recall", reason="maker's letter")))

    assert "Shelf, Main" in before
    assert "Received it 1 patient" in before
    assert "Recall of lot A17" in after
    assert "Quarantine, Main" in after
    assert "1 patient received the lot in 1 session." in after
    assert "C-1001" in after
    assert "maker's letter" in after
    with house.database.read() as db:
        assert db.get_one(Lot, lot).state is LotState.RECALLED


def test_the_report_is_a_page_to_print_for_everybody(house, lot):
    answer = house.as_(Role.FRONT_DESK).get(f"/lots/{lot}/recall-report.pdf")

    assert (answer.status_code, answer.mimetype) == (200, "application/pdf")
    assert answer.data.startswith(b"%PDF")
    assert answer.headers["Content-Disposition"] == 'inline; filename="recall-HA-3-A17.pdf"'


def test_a_patients_lots_are_found_by_chart_number_with_maker_and_expiry(house, lot):
    browser = house.as_(Role.PRACTITIONER)

    page = plain(browser.get("/patients?ref=C-1001"))

    assert "A17" in page
    assert "30 Jun 2027" in page
    assert "No session of this chart number" in said(browser.get("/patients?ref=C-9"))
    assert "known by a chart number" in said(browser.get("/patients?ref=Ann+Smith"))
    assert browser.get("/patients?ref=C-1001&start=x.y").status_code == 200


def test_a_reversed_use_is_shown_on_request_as_what_it_is(house, lot):
    session = treated(house, "C-7")
    browser = house.as_(Role.MANAGER)
    browser.send(f"/sessions/{session}/undo", reason="the wrong chart")

    assert "C-7" not in said(browser.get(f"/lots/{lot}/trace"))
    assert re.search(r"C-7 \d+ reversed", said(browser.get(f"/lots/{lot}/trace?reversed=true")))
    assert "No session of this chart number" in said(browser.get("/patients?ref=C-7"))
    assert "reversed" in said(browser.get("/patients?ref=C-7&reversed=true")).split("Received")[1]


def test_undoing_shows_what_would_change_before_it_is_done_and_as_of_another_day(house, lot):
    session = treated(house, "C-7")
    browser, address = house.as_(Role.MANAGER), f"/sessions/{session}/undo"
    before = on_hand(house, "HA-3")

    opened = plain(browser.get(address))
    hidden = browser.hidden(browser.page)
    looked = browser.post(address, hidden | {"look": "1", "reason": "", "on": "2026-01-14"})

    assert re.search(r"Shelf, Main Street MAIN A17 HA-3 15 mL 18 mL", opened)
    assert "+$16.50" in opened
    assert looked.status_code == 200
    assert "it cannot be undone on 2026-01-14." in said(looked)
    assert 'value="2026-01-14"' in main(looked)
    assert on_hand(house, "HA-3") == before
    done = browser.post(address, browser.hidden(looked) | {"reason": "the wrong chart"})
    assert "Undone" in browser.follow(done).get_data(as_text=True)
    assert on_hand(house, "HA-3") != before


def test_a_write_off_is_looked_at_with_the_days_before_today_that_it_would_change(house, lot):
    house.clock.now += timedelta(days=3)
    browser, address = house.as_(Role.MANAGER), f"/lots/{lot}/write-off"
    typed = {"containers": "2", "reason": "lost", "on": "2026-01-15"}

    browser.get(address)
    early = browser.post(address, browser.hidden(browser.page) | typed | {"look": "1", "on": "2026-01-12"})
    looked = browser.post(address, browser.hidden(browser.page) | typed | {"look": "1"})
    done = browser.post(address, browser.hidden(looked) | typed)

    assert "On 2026-01-12 the place held 0 of the lot; 6 cannot have left on 2026-01-12." in said(early)
    assert "1 day before today would be other than on record" in said(looked)
    assert "18 mL 12 mL" in plain(looked)
    assert 'value="lost" selected' in main(looked)
    assert done.status_code == 303
    with house.database.read() as db:
        assert str(db.scalars(sa.select(Movement.on).order_by(Movement.id.desc())).first()) == "2026-01-15"


def test_a_whole_document_is_undone_from_the_page_of_one_of_its_movements(house, lot):
    session = treated(house, "C-7", "HA-3")
    with house.database.read() as db:
        document = db.get_one(treatments.TreatmentSession, session).document_id
        movement = db.scalars(sa.select(Movement.id).where(Movement.document_id == document)).first()
        receipt = db.scalars(sa.select(Movement.document_id).order_by(Movement.id)).first()
    browser = house.as_(Role.MANAGER)

    assert f"/documents/{document}/undo" in main(browser.get(f"/movements/{movement}/reverse"))
    assert browser.get(f"/documents/{document}/undo").headers["Location"] == f"/sessions/{session}/undo"
    refused = browser.send(f"/documents/{receipt}/undo", reason="not ours")
    assert refused.status_code == 409
    assert "only" in said(refused)
