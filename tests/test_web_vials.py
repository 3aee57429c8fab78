"""The pages of opened vials: the board, one vial, the room, its label, the evening; and scanning to treat."""

from datetime import date, timedelta
from io import BytesIO

import pytest
import sqlalchemy as sa

from api.auth import Role
from inventory import catalog, clinic, vial_labels, wastage
from inventory.lots import Lot
from inventory.vials import OpenedVial, VialRule
from seed_data import read, rows
from tests.pages import House, main, said
from tests.shelves import received

pytest_plugins = ("tests.calls", "tests.pages")


def opened(house: House, sku: str = "LIDO-20", lot: str = "L1", **more: object) -> int:
    """A vial of its own lot, opened now."""
    key = received(house, sku, lot=lot, expires_on=date(2026, 12, 31))
    with house.database.write.begin() as db:
        vial = wastage.open_vial(
            db, db.get_one(Lot, key), site=clinic.site(db, "MAIN"), at=house.clock.now,
            recorded_at=house.clock.now, by="Nora Nurse",
        )  # fmt: skip
        return vial.id


def label_hours(house: House, hours: int) -> None:
    with house.database.write.begin() as db:
        catalog.item(db, "LIDO-20").in_use_hours = hours


def test_the_board_says_what_is_where_and_how_long_it_is_good(house: House):
    label_hours(house, 6)
    past = opened(house, lot="PAST")
    house.clock.now += timedelta(hours=7)
    room, area = opened(house, lot="ROOM"), opened(house, lot="AREA")
    browser = house.as_(Role.PRACTITIONER)
    browser.send(f"/vials/{room}/enter-room", patient_ref="P-7", room="Room 2", minutes="45")

    page = said(browser.get("/vials"))

    assert page.index("Discard now Past") < page.index("PAST") < page.index("Room 2 One")
    assert page.index("Room 2 One") < page.index("P-7 alone") < page.index("Preparation area")
    assert page.index("Preparation area") < page.index("AREA")
    for words in ("past its time", "45 min", "6 h 0 min", "label: 6 h in use", "Discard 1 past its time"):
        assert words in page
    assert [f"/vials/{key}/enter-room" in main(browser.page) for key in (past, room, area)] == [
        False, False, True,
    ]  # fmt: skip
    reading = said(house.as_(Role.ACCOUNTANT).get("/vials"))
    assert "Enter room" not in reading
    assert "Discard 1 past" not in reading


def test_the_page_of_an_item_shows_its_opened_vials_and_no_others(house: House):
    label_hours(house, 6)
    vial = opened(house)
    browser = house.as_(Role.PRACTITIONER)

    page, other = said(browser.get("/stock/LIDO-20")), said(browser.get("/stock/HA-3"))

    for words in (f"vial {vial}", "label: 6 h in use", "Enter room"):
        assert words in page
    assert f"vial {vial}" not in other
    assert "checkbox" not in main(browser.get("/stock/LIDO-20"))


def test_one_vial_says_why_then_and_what_else_the_rules_say(house: House):
    vial = opened(house)

    page = said(house.as_(Role.MANAGER).get(f"/vials/{vial}"))

    assert "Printed expiry 31 Dec 2026" in page
    assert "the strictest" in page
    assert vial_labels.code(vial) in page
    assert "$16.50" in page
    assert "$" not in said(house.as_(Role.PRACTITIONER).get(f"/vials/{vial}"))
    assert house.as_(Role.MANAGER).get("/vials/999999").status_code == 404


def test_entering_a_room_says_until_when_and_a_slip_is_corrected_with_its_reason(house: House):
    vial = opened(house)
    browser = house.as_(Role.PRACTITIONER)

    nobody = browser.send(f"/vials/{vial}/enter-room", room="Room 2")
    assert nobody.status_code == 422
    named = browser.send(f"/vials/{vial}/enter-room", patient_ref="Jane Doe")
    assert "chart number" in said(named)
    page = said(browser.follow(browser.send(f"/vials/{vial}/enter-room", patient_ref="P-7")))
    assert "It is that patient’s alone now: discard by today 11:00." in page
    assert "Entered a treatment room for P-7" in page
    again = browser.send(f"/vials/{vial}/enter-room", patient_ref="P-8")
    assert (again.status_code, "is in a treatment room already" in said(again)) == (409, True)

    assert browser.send(f"/vials/{vial}/correct-room", reason=" ").status_code == 422
    page = said(browser.follow(browser.send(f"/vials/{vial}/correct-room", reason="the other vial")))
    assert "Corrected: it is what it was before." in page
    assert "It never entered a treatment room" in page
    assert "nobody in particular yet" in page


def test_a_scan_of_its_label_finds_the_vial_wherever_it_is_scanned(house: House):
    vial = opened(house)
    browser = house.as_(Role.PRACTITIONER)

    found = browser.get(f"/vials?q={vial_labels.code(vial)}")
    assert (found.status_code, found.headers["Location"]) == (303, f"/vials/{vial}")
    assert "is no opened vial&#39;s label" in main(browser.get("/vials?q=VIAL-17-74"))
    assert "No vial of this label is open" in said(browser.get("/vials?q=0109521234543213"))
    assert "This is not a GS1 label" in said(browser.get("/vials?q=nonsense"))


def scanned(house: House, data: str) -> str:
    """What the form of a walk-in session becomes when a label is scanned into it."""
    browser = house.as_(Role.PRACTITIONER)
    form = browser.hidden(browser.get("/treat/walk-in")) | {"patient_ref": "P-7", "level": ""}
    form |= {"prepared_in": "preparation_area", "lines": "0", "formulation": ""}
    return main(browser.post("/treat/preview", form | {"do": "scan", "scan": data}))


def test_scanning_the_label_when_treating_puts_the_vial_on_its_line(house: House):
    opened(house, lot="FIRST")
    vial = opened(house, lot="SECOND")

    page = scanned(house, vial_labels.code(vial))

    assert f"opened vial {vial} of lot SECOND" in page
    assert f'<option value="vial:{vial}" selected>' in page


def test_a_vial_that_is_past_or_gone_is_not_put_on_a_line(house: House):
    label_hours(house, 1)
    vial = opened(house)
    house.clock.now += timedelta(hours=2)

    past = scanned(house, vial_labels.code(vial))
    house.as_(Role.PRACTITIONER).send("/vials/discard-due")
    gone = scanned(house, vial_labels.code(vial))

    assert f"Vial {vial} of Lidocaine 2%, 20 mL was good until today 11:00; it cannot be used." in past
    assert f"Vial {vial} of Lidocaine 2%, 20 mL was used up or discarded; it cannot be used." in gone


def test_labels_are_printed_for_one_vial_for_those_ticked_and_on_a_sheet(house: House):
    import pypdfium2

    keys = [opened(house, lot=f"L{number}") for number in range(2)]
    browser = house.as_(Role.FRONT_DESK)

    def pages(path: str) -> int:
        answer = browser.get(path)
        assert (answer.status_code, answer.mimetype) == (200, "application/pdf")
        assert answer.headers["Cache-Control"] == "no-store"
        return len(pypdfium2.PdfDocument(BytesIO(answer.data)))

    ticked = "&".join(f"vials={key}" for key in keys)
    assert pages(f"/vials/{keys[0]}/label.pdf") == 1
    assert pages(f"/vials/labels.pdf?{ticked}&skip=0") == 2
    assert pages(f"/vials/labels.pdf?{ticked}&sheet=true&skip=5") == 1
    assert "Tick the vials whose labels you want." in said(browser.follow(browser.get("/vials/labels.pdf")))
    assert browser.get("/vials/labels.pdf?vials=999999").status_code == 404


def test_the_evenings_button_says_what_went_and_a_second_press_does_nothing(house: House):
    label_hours(house, 6)
    opened(house, lot="A1"), opened(house, lot="A2")
    house.clock.now += timedelta(hours=7)
    manager = house.as_(Role.MANAGER)
    before = said(manager.get("/vials/discard-due")).replace("\N{NO-BREAK SPACE}", " ")
    assert "Together they had cost about $33.00" in before
    assert "label: 6 h in use" in before

    after = said(manager.follow(manager.send("/vials/discard-due"))).replace("\N{NO-BREAK SPACE}", " ")
    again = said(manager.follow(manager.send("/vials/discard-due")))

    assert "2 vials are discarded ($33.00): 20 mL of Lidocaine 2%, 20 mL, lot A1, $16.50; " in after
    assert "0 vials are discarded." in again
    with house.database.read() as db:
        assert db.scalar(sa.select(sa.func.count()).where(OpenedVial.closed_at.is_(None))) == 0


def test_opening_leads_to_the_vial_where_its_label_is_printed(house: House):
    lot = received(house, "LIDO-20")
    browser = house.as_(Role.PRACTITIONER)

    page = browser.follow(browser.send(f"/lots/{lot}/open", prepared_in="preparation_area"))

    assert "Print its label now." in said(page)
    assert "/label.pdf" in main(page)


@pytest.mark.parametrize("path", ["/vials/{}", "/vials/{}/enter-room", "/vials/{}/label.pdf"])
def test_a_vial_of_a_site_where_one_does_not_work_is_not_shown(house: House, path: str):
    from api.auth import Person, PersonSite

    vial = opened(house)
    browser = house.as_(Role.PRACTITIONER)
    with house.database.write.begin() as db:
        other = clinic.open_site(
            db, code="OTHER", name="Other", country="US", region="North America", time_zone="UTC"
        )
        person = db.scalar(sa.select(Person).where(Person.name == house.name_of(Role.PRACTITIONER)))
        db.add(PersonSite(person_id=person.id, site_id=other.id))

    assert browser.get(path.format(vial)).status_code == 404


def test_a_session_recorded_after_the_vials_time_says_when_it_was(house: House):
    label_hours(house, 1)
    vial = opened(house)
    house.clock.now += timedelta(minutes=90)
    browser = house.as_(Role.PRACTITIONER)
    form = browser.hidden(browser.get("/treat/walk-in")) | {"patient_ref": "P-7", "level": "", "lines": "1"}
    form |= {"prepared_in": "treatment_room", "formulation": "", "sku-0": "LIDO-20", "quantity-0": "2"}
    form |= {"from-0": f"vial:{vial}", "reason-0": "it was at hand"}

    late = said(browser.post("/treat/walk-in", form))
    ahead = said(browser.post("/treat/walk-in", form | {"time": "23:59"}))
    wrong = said(browser.post("/treat/walk-in", form | {"time": "noon"}))
    done = browser.post("/treat/walk-in", form | {"time": "10:30"})

    assert "was to be discarded by 15 Jan 2026 11:00" in late, late
    assert "It is not that late yet" in ahead
    assert "Enter a time such as 10:30." in wrong
    assert "15 Jan 2026, 10:30" in said(browser.follow(done))


def test_the_rules_that_only_people_can_follow_are_told_where_they_matter(house: House):
    with house.database.write.begin() as db:
        db.execute(sa.insert(VialRule), [rows.vial_rule(row) for row in read("vial_rules")])
    lot = received(house, "LIDO-20")
    manager = house.as_(Role.MANAGER)

    assert "one patient only" in said(manager.get("/stock/HA-3"))
    assert "Administration begins within 4 h" in said(manager.get("/stock/HA-3"))
    assert "finish dispensing" not in said(manager.get("/stock/BULK-100"))  # ascorbic acid's, not saline's
    opening = said(manager.get(f"/lots/{lot}/open"))
    assert "Once it has been in the treatment room it belongs to that one patient" in opening
    assert "counts by itself" in opening
    settings = said(manager.get("/settings/vial-rules"))
    assert "US (USP 797, 2008) until 31 Oct 2023 1 hour" in settings
    assert "US (USP 797, 2023) from 1 Nov 2023 in force here 4 hours" in settings
