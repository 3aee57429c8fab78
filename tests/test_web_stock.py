"""The stock pages: finding, opening, throwing away, undoing."""

from datetime import date, timedelta

import pytest

from api.auth import Role
from inventory import catalog, clinic, wastage
from inventory.lots import Lot
from inventory.vials import OpenedVial
from tests.pages import House, main, said
from tests.shelves import count, on_hand, received

pytest_plugins = ("tests.calls", "tests.pages")


def test_the_list_says_containers_contents_and_the_first_to_expire_first(house: House):
    received(house, lot="LATE", expires_on=date(2027, 12, 31))
    received(house, lot="SOON", containers=5, expires_on=date(2026, 2, 1))

    page = said(house.as_(Role.MANAGER).get("/stock"))

    assert "7 vials 21 mL" in page.replace("\N{NO-BREAK SPACE}", " ")
    assert page.index("SOON") < page.index("LATE")
    assert "$115.50" in page


def test_the_search_needs_every_word_and_stays_in_the_address(house: House):
    received(house)
    received(house, "LIDO-20")
    browser = house.as_(Role.MANAGER)

    assert "Hyaluronic" in said(browser.get("/stock?q=hyal+3&show=all"))
    assert "Lidocaine" not in said(browser.get("/stock?q=hyal+3&show=all"))
    page = browser.get("/stock?q=%25_%27&show=all")
    assert "Nothing here for “%_'”" in said(page)
    assert 'value="%_&#39;"' in main(page)


def test_while_typing_only_the_rows_are_sent(house: House):
    received(house)

    rows = house.as_(Role.MANAGER).get("/stock?q=ha", **{"HX-Request": "true", "HX-Target": "items"})

    text = rows.get_data(as_text=True)
    assert "<html" not in text
    assert 'id="items"' in text


def test_what_is_opened_expiring_or_all_is_shown_apart(house: House):
    received(house, lot="SOON", expires_on=date(2026, 2, 1))
    received(house, "LIDO-20")
    browser = house.as_(Role.MANAGER)

    assert "Hyaluronic" in said(browser.get("/stock?show=expiring"))
    assert "Lidocaine" not in said(browser.get("/stock?show=expiring"))
    assert "Saline" not in said(browser.get("/stock"))
    assert "Saline" in said(browser.get("/stock?show=all"))
    assert "Nothing here." in said(browser.get("/stock?show=opened"))
    assert browser.get("/stock?show=nonsense&start=x").status_code == 200


def test_an_item_shows_its_line_with_a_table_beside_it(house: House):
    received(house)

    page = main(house.as_(Role.MANAGER).get("/stock/HA-3"))

    assert 'role="img"' in page
    assert "<desc" in page
    assert "by weeks" in page
    assert "17 Jun 2027" not in page
    assert "30 Jun 2027" in page


def test_a_name_of_200_characters_and_one_from_right_to_left_are_shown_whole(house: House):
    long, turned = "W" * 200, "חומצה היאלורונית"
    with house.database.write.begin() as db:
        catalog.item(db, "HA-3").name = long
        catalog.item(db, "LIDO-20").name = turned
    received(house)
    received(house, "LIDO-20")

    for path in ("/stock", "/stock/HA-3", "/stock/LIDO-20", "/lots", "/"):
        assert house.as_(Role.MANAGER).get(path).status_code == 200
    page = main(house.as_(Role.MANAGER).get("/stock"))
    assert long in page
    assert f'dir="auto">{turned}' in page


def test_what_people_type_is_never_taken_for_a_page(house: House):
    with house.database.write.begin() as db:
        catalog.item(db, "HA-3").name = "<script>alert(1)</script>{{ 7 * 7 }}"
    received(house, lot="<b>'\"&")

    for path in ("/stock", "/stock/HA-3", "/lots", "/stock?q=<script>"):
        text = house.as_(Role.MANAGER).get(path).get_data(as_text=True)
        assert "<script>alert" not in text
        assert "<b>'" not in text
        assert "49" not in said(house.as_(Role.MANAGER).get("/stock/HA-3"))


def test_opening_a_vial_says_until_when_it_may_be_used(house: House):
    lot = received(house, "LIDO-20")
    browser = house.as_(Role.PRACTITIONER)

    after = browser.follow(browser.send(f"/lots/{lot}/open", prepared_in="preparation_area"))

    assert "Opened one Lidocaine 2%, 20 mL: discard by" in said(after)
    assert "printed expiry 30 Jun 2027" in said(browser.get("/vials"))


def test_a_single_dose_vial_is_not_opened_by_hand_and_the_form_says_why(house: House):
    lot = received(house)

    refused = house.as_(Role.PRACTITIONER).send(f"/lots/{lot}/open", prepared_in="preparation_area")

    assert refused.status_code == 422
    assert "the session that uses it opens it" in said(refused)
    assert count(house, OpenedVial) == 0


def test_a_vial_in_the_treatment_room_is_somebodys_and_no_name_will_do(house: House):
    lot = received(house, "LIDO-20")
    browser = house.as_(Role.PRACTITIONER)

    nobody = browser.send(f"/lots/{lot}/open", prepared_in="treatment_room")
    named = browser.send(f"/lots/{lot}/open", prepared_in="treatment_room", patient_ref="Jane Doe")

    assert "one patient's: say whose" in said(nobody)
    assert "chart number" in said(named)
    assert 'value="Jane Doe"' in main(named)


def opened(house: House, lot: int) -> int:
    with house.database.write.begin() as db:
        vial = wastage.open_vial(
            db, db.get_one(Lot, lot), site=clinic.site(db, "MAIN"), at=house.clock.now,
            recorded_at=house.clock.now, by="Practitioner Person",
        )  # fmt: skip
        return vial.id


def test_what_is_past_its_time_is_discarded_by_one_button(house: House):
    lot = received(house, "LIDO-20", expires_on=date(2026, 1, 15))
    opened(house, lot)
    house.clock.now += timedelta(days=1)
    browser = house.as_(Role.PRACTITIONER)
    assert "Discard 1 past its time" in said(browser.get("/vials"))

    after = browser.follow(browser.send("/vials/discard-due"))

    assert "1 vial is discarded: 20 mL of Lidocaine 2%, 20 mL, lot A17." in said(after)
    assert "No vial is open." in said(after)


def test_discarding_for_another_reason_needs_a_note(house: House):
    vial = opened(house, received(house, "LIDO-20"))
    browser = house.as_(Role.PRACTITIONER)

    refused = browser.send(f"/vials/{vial}/discard", reason="other")
    assert refused.status_code == 422
    assert "needs a note" in said(refused)
    assert browser.send(f"/vials/{vial}/discard", reason="other", note="fell").status_code == 303

    gone = browser.get(f"/vials/{vial}/discard")
    assert gone.status_code == 409
    assert "Nothing is left of this vial" in said(gone)


def test_more_than_there_is_cannot_be_written_off(house: House):
    lot = received(house, containers=2)
    browser = house.as_(Role.MANAGER)

    refused = browser.send(f"/lots/{lot}/write-off", containers="3", reason="broken")
    assert refused.status_code == 409
    assert "holds 6 mL of lot A17 sealed; 9 mL cannot be written off" in said(refused)
    assert 'value="3"' in main(refused)

    after = browser.follow(browser.send(f"/lots/{lot}/write-off", containers="1", reason="broken"))
    assert "Wrote off 1 vial of lot A17: $16.50." in said(after).replace("\N{NO-BREAK SPACE}", " ")
    assert on_hand(house, "HA-3") == 3


def test_a_lot_is_held_back_released_and_recalled(house: House):
    lot = received(house)
    browser = house.as_(Role.MANAGER)

    assert "Fill this in." in said(browser.send(f"/lots/{lot}/quarantine", reason="  "))
    assert "is held back" in said(browser.follow(browser.send(f"/lots/{lot}/quarantine", reason="box wet")))
    assert "is released" in said(browser.follow(browser.send(f"/lots/{lot}/release", reason="vials dry")))
    assert "is recalled" in said(browser.follow(browser.send(f"/lots/{lot}/recall", reason="maker says")))
    refused = browser.send(f"/lots/{lot}/release", reason="please")
    assert refused.status_code == 409
    assert "A recalled lot is not released" in said(refused)


def test_undoing_adds_a_movement_and_strikes_the_old_one_through(house: House):
    received(house)
    browser = house.as_(Role.MANAGER)

    after = browser.follow(browser.send("/movements/1/reverse", reason="counted wrong"))

    assert "The movement is undone" in said(after)
    assert 'class="undone"' in main(after)
    assert on_hand(house, "HA-3") == 0
    assert browser.send("/movements/1/reverse", reason="again").status_code == 409


@pytest.mark.parametrize("role", Role)
def test_today_greets_every_role_with_what_is_theirs(house: House, role: Role):
    received(house, expires_on=date(2026, 1, 20))

    page = said(house.as_(role).get("/"))

    assert "Thursday, 15 January 2026" in page
    assert ("Opened vials" in page) == (role in (Role.MANAGER, Role.ADMIN, Role.PRACTITIONER))
    assert ("at risk" in page) == (role in (Role.MANAGER, Role.ADMIN, Role.ACCOUNTANT))
