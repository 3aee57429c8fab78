"""Treating in the browser: who comes, what a session will use and discard, done, and undone (S3, S7, P5)."""

import re
from html import unescape

import pytest
import sqlalchemy as sa
from werkzeug.test import TestResponse

from api.auth import Role
from inventory.treatments import TreatmentSession
from tests.counter import VIALS, course
from tests.pages import Browser, House, main, said

pytest_plugins = ("tests.calls", "tests.pages", "tests.counter")

HX = {"HX-Request": "true"}
FIELD = re.compile(r'<input (?=[^>]*name="([^"]+)")(?=[^>]*value="([^"]*)")[^>]*>')


@pytest.fixture
def here(at_the_desk: House) -> House:
    """The desk of the clinic that the tests of this file share."""
    return at_the_desk


def fields(page: TestResponse) -> dict[str, str]:
    """What a browser would send of the form, as it stands; boxes that are not ticked stay at home."""
    found = {}
    for tag in FIELD.finditer(main(page)):
        if 'type="checkbox"' not in tag[0]:
            found[tag[1]] = unescape(tag[2])
    for name, options in re.findall(r'<select[^>]*name="([^"]+)"[^>]*>(.*?)</select>', main(page), re.DOTALL):
        chosen = re.search(r'value="([^"]*)" selected', options) or re.search(r'value="([^"]*)"', options)
        found.setdefault(name, chosen[1] if chosen else "")
    return found


def opened(house: House, key: int, number: int = 1, role: Role = Role.PRACTITIONER) -> dict[str, str]:
    browser = house.as_(role)
    return fields(browser.get(f"/courses/{key}/sessions/{number}/treat"))


def look(browser: Browser, typed: dict[str, str], **change: str) -> TestResponse:
    return browser.post("/treat/preview", typed | change)


def sessions(house: House, patient_ref: str) -> int:
    with house.database.read() as db:
        counted = sa.select(sa.func.count()).where(TreatmentSession.patient_ref == patient_ref)
        return db.scalar(counted) or 0


def line_of(typed: dict[str, str], sku: str) -> int:
    return next(int(name[4:]) for name, text in typed.items() if name.startswith("sku-") and text == sku)


def test_who_comes_today_is_on_the_list_with_their_vials(here: House):
    key = course(here, patient_ref="T-1")

    page = here.as_(Role.PRACTITIONER).get("/treat")

    assert "T-1" in said(page)
    assert "vials there" in said(page)
    assert f"/courses/{key}/sessions/1/treat" in main(page)


def test_the_form_has_the_recipe_as_sold_and_says_what_will_be_discarded(here: House):
    key = course(here, patient_ref="T-2")

    page = here.as_(Role.PRACTITIONER).get(f"/courses/{key}/sessions/1/treat")

    typed = fields(page)
    assert typed[f"quantity-{line_of(typed, VIALS)}"] == "3"
    assert "Lot SOON" in said(page)
    looked = look(here.as_(Role.PRACTITIONER), typed | {f"quantity-{line_of(typed, VIALS)}": "2"})
    assert "discards 0.9 mL" in said(looked)
    assert sessions(here, "T-2") == 0


def test_done_performs_it_once_however_often_it_is_sent(here: House):
    key = course(here, patient_ref="T-3")
    browser, typed = here.as_(Role.PRACTITIONER), opened(here, key)

    first = browser.post(f"/courses/{key}/sessions/1/treat", typed)
    second = browser.post(f"/courses/{key}/sessions/1/treat", typed)

    assert first.status_code == 303
    assert second.headers["Location"] == first.headers["Location"]
    assert sessions(here, "T-3") == 1
    page = browser.follow(first)
    assert "SOON" in said(page)
    assert "Cost" not in said(page)
    assert "performed" in said(browser.get(f"/courses/{key}"))


def test_of_two_tabs_the_second_is_told_that_it_was_performed(here: House):
    key = course(here, patient_ref="T-4")
    browser = here.as_(Role.PRACTITIONER)
    one, other = opened(here, key), opened(here, key)

    assert browser.post(f"/courses/{key}/sessions/1/treat", one).status_code == 303
    late = browser.post(f"/courses/{key}/sessions/1/treat", other)

    assert late.status_code == 409
    assert "was performed by session" in said(late)
    assert sessions(here, "T-4") == 1


def test_another_lot_than_the_first_to_expire_needs_a_reason(here: House):
    key = course(here, patient_ref="T-5")
    browser, typed = here.as_(Role.PRACTITIONER), opened(here, key)
    line = line_of(typed, VIALS)
    later = re.search(r'value="(lot:\d+)">Lot LATER', main(browser.get(f"/courses/{key}/sessions/1/treat")))
    assert later is not None

    typed[f"from-{line}"] = later[1]
    refused = browser.post(f"/courses/{key}/sessions/1/treat", typed)
    assert refused.status_code == 409
    assert "lot SOON expires first" in said(refused)
    done = browser.post(
        f"/courses/{key}/sessions/1/treat", typed | {f"reason-{line}": "the patient reacted to SOON"}
    )

    assert "LATER" in said(browser.follow(done))


def test_a_line_is_left_out_and_another_amount_is_used(here: House):
    key = course(here, patient_ref="T-6")
    browser, typed = here.as_(Role.PRACTITIONER), opened(here, key)
    gauze = next(name for name, text in typed.items() if name.startswith("sku-") and text == "CN-050")

    typed |= {f"out-{gauze[4:]}": "yes", f"quantity-{line_of(typed, VIALS)}": "5"}
    silent = browser.post(f"/courses/{key}/sessions/1/treat", typed)
    assert silent.status_code == 422
    assert f"({VIALS}: 5 instead of 3): say why." in said(silent)
    typed |= {"change_reason": "a larger face", "request_key": fields(silent)["request_key"]}
    page = said(browser.follow(browser.post(f"/courses/{key}/sessions/1/treat", typed)))

    assert "CN-050" not in page
    assert "5.1 mL" in page  # and what stays in the syringe
    assert "a larger face" in page


def test_a_scan_puts_the_lot_on_its_line_and_a_number_adds_a_line(here: House):
    key = course(here, patient_ref="T-7")
    browser, typed = here.as_(Role.PRACTITIONER), opened(here, key)
    lines = int(typed["lines"])

    added = look(browser, typed, do="scan", scan="cn-050")

    assert "Added a line for" in said(added)
    assert fields(added)["lines"] == str(lines + 1)
    assert fields(added)["patient_ref"] == "T-7"
    wrong = look(browser, typed, do="scan", scan="what is this")
    assert "not a GS1 label" in said(wrong)
    assert fields(wrong)["lines"] == str(lines)


def test_a_wrong_quantity_is_said_beside_its_line(here: House):
    key = course(here, patient_ref="T-8")
    browser, typed = here.as_(Role.PRACTITIONER), opened(here, key)
    line = line_of(typed, VIALS)

    page = browser.post(f"/courses/{key}/sessions/1/treat", typed | {f"quantity-{line}": "a lot"})

    assert page.status_code == 422
    assert "Not a decimal number." in said(page)
    assert 'value="a lot"' in main(page)


def test_what_is_not_there_is_refused_with_the_numbers_and_nothing_moves(here: House):
    key = course(here, patient_ref="T-9")
    browser, typed = here.as_(Role.PRACTITIONER), opened(here, key)
    line = line_of(typed, VIALS)

    page = browser.post(
        f"/courses/{key}/sessions/1/treat", typed | {f"quantity-{line}": "9000", "change_reason": "a test"}
    )

    assert page.status_code == 409
    assert "9000 mL needed" in said(page)
    assert sessions(here, "T-9") == 0


def test_htmx_gets_what_will_be_used_alone(here: House):
    key = course(here, patient_ref="T-10")
    browser, typed = here.as_(Role.PRACTITIONER), opened(here, key)

    page = browser.post("/treat/preview", typed, **HX).get_data(as_text=True)

    assert "<!doctype" not in page
    assert 'id="foreseen"' in page
    assert 'hx-swap-oob="true"' in page


def test_a_walk_in_follows_a_formulation(here: House):
    browser = here.as_(Role.PRACTITIONER)
    typed = fields(browser.get("/treat/walk-in?formulation=F-01"))

    nameless = browser.post("/treat/walk-in", typed)
    assert nameless.status_code == 422
    done = browser.post("/treat/walk-in", typed | {"patient_ref": "W-1", "level": "L2"})

    assert "F-01 version" in said(browser.follow(done))


def test_a_walk_in_without_a_line_uses_nothing_and_is_refused(here: House):
    browser = here.as_(Role.PRACTITIONER)
    typed = fields(browser.get("/treat/walk-in"))

    page = browser.post("/treat/walk-in", typed | {"patient_ref": "W-2"})

    assert page.status_code == 422
    assert sessions(here, "W-2") == 0


def test_a_manager_undoes_a_session_and_it_is_to_come_again(here: House):
    key = course(here, patient_ref="T-11")
    done = here.as_(Role.PRACTITIONER).post(f"/courses/{key}/sessions/1/treat", opened(here, key))
    address, boss = done.headers["Location"], here.as_(Role.MANAGER)

    assert here.as_(Role.PRACTITIONER).get(f"{address}/undo").status_code == 403
    assert "Fill this in." in said(boss.send(f"{address}/undo"))
    undone = boss.follow(boss.send(f"{address}/undo", reason="recorded for the wrong patient"))

    assert "was undone" in said(undone)
    assert f"/courses/{key}/sessions/1/treat" in main(boss.get(f"/courses/{key}"))


def test_a_session_that_ended_in_the_middle_keeps_the_lines(here: House):
    key = course(here, patient_ref="T-12")
    typed = opened(here, key)
    line = line_of(typed, VIALS)
    del here.browsers[Role.PRACTITIONER]
    later = here.as_(Role.PRACTITIONER)

    kept = later.follow(later.post(f"/courses/{key}/sessions/1/treat", typed | {f"quantity-{line}": "2.5"}))

    assert fields(kept)[f"quantity-{line}"] == "2.5"
    assert "Nothing was lost" in said(kept)


def test_the_front_desk_sees_the_course_and_may_not_treat(here: House):
    key = course(here, patient_ref="T-13")
    desk = here.as_(Role.FRONT_DESK)

    assert "Treat session" not in said(desk.get(f"/courses/{key}"))
    refused = desk.get(f"/courses/{key}/sessions/1/treat")
    assert refused.status_code == 403
    assert "Treating patients is for" in said(refused)


def test_the_courses_are_filtered_by_the_address(here: House):
    course(here, patient_ref="FIND-ME")
    desk = here.as_(Role.FRONT_DESK)

    assert "FIND-ME" in said(desk.get("/courses?q=FIND"))
    assert "FIND-ME" not in said(desk.get("/courses?q=FIND&show=done"))
    assert desk.get("/courses?show=none&after=x").status_code == 200


def test_a_course_or_a_session_that_is_not_there_is_a_page_that_says_so(here: House):
    boss = here.as_(Role.MANAGER)
    key = course(here, patient_ref="T-14")

    assert boss.get("/courses/999999").status_code == 404
    assert boss.get("/sessions/999999").status_code == 404
    assert "has sessions 1 to 4" in said(boss.get(f"/courses/{key}/sessions/9/treat"))
    typed = opened(here, key, role=Role.MANAGER)
    for odd in ("\N{SUPERSCRIPT TWO}", "9" * 22, "9" * 17, "\N{ARABIC-INDIC DIGIT ONE}", "-1"):
        for name in ("course", "number"):
            assert look(boss, typed, **{name: odd}).status_code in (200, 303, 404), (name, odd)
