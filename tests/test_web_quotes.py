"""The quote desk in the browser: a price while it is typed, and what becomes of it (P1, P4, P5, T6, T7)."""

import re
from decimal import Decimal

import pytest

from api.auth import Role
from tests.counter import TYPED, count, drafted, issued
from tests.pages import House, main, said

pytest_plugins = ("tests.calls", "tests.pages", "tests.counter")

HX = {"HX-Request": "true"}


@pytest.fixture
def here(at_the_desk: House) -> House:
    """The desk of the clinic that the tests of this file share."""
    return at_the_desk


def live(house: House, role: Role = Role.FRONT_DESK, **typed: str) -> str:
    browser = house.as_(role)
    fields = browser.hidden(browser.get("/quotes/new"))
    return main(browser.post("/quotes/price", fields | typed, **HX))


def test_the_price_comes_while_it_is_typed_and_nothing_is_kept(here):
    before = count(here)

    page = live(here, **TYPED)

    assert "$1,100.00" in page
    assert "In the market" not in page
    assert page.count("<li><span") == 4
    assert 'role="img"' in page
    assert count(here) == before


def test_a_plain_button_gets_the_whole_page_with_the_same_price(here):
    browser = here.as_(Role.FRONT_DESK)
    fields = browser.hidden(browser.get("/quotes/new"))

    page = browser.post("/quotes/price", fields | TYPED)

    assert page.status_code == 200
    assert "<!doctype html>" in page.get_data(as_text=True)
    assert 'value="P-100"' in main(page)
    assert "$1,100.00" in main(page)


def test_the_price_waits_for_what_is_missing_and_needs_no_patient(here):
    assert "Choose a protocol" in live(here, level="L2", starts_on="2026-01-20")
    assert "$1,100.00" in live(here, **TYPED | {"patient_ref": ""})


def test_a_patients_name_is_refused_in_place_and_the_price_is_told_all_the_same(here):
    page = live(here, **TYPED | {"patient_ref": "Maria Rossi"})

    assert "no name, date or e-mail" in page
    assert "$1,100.00" in page


def test_the_front_desk_sees_no_cost_and_no_margin_while_the_manager_does(here):
    desk, boss = live(here, **TYPED), live(here, Role.MANAGER, **TYPED)

    assert "Cost of the course" in boss
    assert "target margin" in boss
    for word in ("Cost of", "argin", "least the clinic", "floor", "list price"):
        assert word not in desk


def test_leaving_the_protocol_asks_for_a_reason_in_place(here):
    page = live(here, **TYPED | {"sessions": "9"})
    assert "has 3 to 6 sessions, not 9" in page
    assert 'data-asks="plan_reason"' in page

    page = live(here, **TYPED | {"sessions": "9", "plan_reason": "scars of many years"})
    assert "$2,475.00" in page
    assert 'data-asks="plan_reason"' in page


def test_an_allergy_blocks_and_only_the_practitioner_is_asked_for_a_reason(here):
    typed = TYPED | {"allergies": "hyaluronic acid"}

    desk, practitioner = live(here, **typed), live(here, Role.PRACTITIONER, **typed)

    for page in (desk, practitioner):
        assert "Allergy to hyaluronic acid" in page
    assert 'data-asks=""' in desk
    assert 'data-asks="allergen_override"' in practitioner


def test_what_was_typed_wrongly_is_said_beside_its_field(here):
    browser = here.as_(Role.FRONT_DESK)

    page = browser.send("/quotes/new", **TYPED | {"sessions": "a few", "discount": "120", "do": "draft"})

    assert page.status_code == 422
    assert "Must be a whole number." in said(page)
    assert "At most 100 %." in said(page)
    assert 'value="a few"' in main(page)


def test_a_form_sent_twice_makes_one_quote(here):
    browser = here.as_(Role.FRONT_DESK)
    fields = browser.hidden(browser.get("/quotes/new")) | TYPED | {"do": "draft"}
    before = count(here)

    first, second = browser.post("/quotes/new", fields), browser.post("/quotes/new", fields)

    assert first.headers["Location"] == second.headers["Location"]
    assert count(here) == before + 1


def test_back_and_sent_again_with_another_number_asks_first(here):
    browser = here.as_(Role.FRONT_DESK)
    fields = browser.hidden(browser.get("/quotes/new")) | TYPED | {"do": "draft"}
    browser.post("/quotes/new", fields)

    again = browser.post("/quotes/new", fields | {"patient_ref": "P-101"})

    assert again.status_code == 409
    assert "sent this form once already" in said(again)


def test_of_two_tabs_that_accept_the_second_is_told(here):
    key = issued(here)
    browser = here.as_(Role.FRONT_DESK)
    one, other = (browser.hidden(browser.get(f"/quotes/{key}/accept")) for _ in range(2))

    assert browser.post(f"/quotes/{key}/accept", one).status_code == 303
    late = browser.post(f"/quotes/{key}/accept", other)

    assert late.status_code == 409
    assert "is accepted already" in said(late)


def test_a_session_that_ended_in_the_middle_loses_nothing(here):
    browser = here.as_(Role.FRONT_DESK)
    fields = browser.hidden(browser.get("/quotes/new")) | TYPED | {"allergies": "nickel", "do": "draft"}
    del here.browsers[Role.FRONT_DESK]
    later = here.as_(Role.FRONT_DESK)  # signed in anew: the form's token is of the session before

    kept = later.follow(later.post("/quotes/new", fields))

    assert 'value="nickel"' in main(kept)
    assert "Nothing was lost" in said(kept)


def test_the_live_price_of_an_ended_session_leads_to_the_form_with_what_was_typed(here):
    browser = here.as_(Role.FRONT_DESK)
    fields = browser.hidden(browser.get("/quotes/new")) | TYPED | {"allergies": "nickel"}
    del here.browsers[Role.FRONT_DESK]
    later = here.as_(Role.FRONT_DESK)

    answer = later.post("/quotes/price", fields, **HX)
    kept = later.get(answer.headers["HX-Redirect"])

    assert 'value="nickel"' in main(kept)
    stranger = here.stranger().post("/quotes/price", fields, **HX)
    assert stranger.status_code == 401


def test_the_list_is_filtered_by_the_address_and_paged_by_its_last_key(here, monkeypatch):
    from api.web import quote_desk

    browser = here.as_(Role.FRONT_DESK)
    keys = [issued(here, patient_ref=f"LIST-{number}") for number in range(3)]
    monkeypatch.setattr(quote_desk, "PAGE", 2)

    first = main(browser.get("/quotes?status=issued&q=LIST-"))
    assert f'/quotes/{keys[2]}"' in first
    assert f'/quotes/{keys[0]}"' not in first
    assert f"after={keys[1]}" in first
    second = main(browser.get(f"/quotes?status=issued&q=LIST-&after={keys[1]}"))
    assert f'/quotes/{keys[0]}"' in second
    assert "No quote" in said(browser.get("/quotes?status=lapsed&q=LIST-"))
    assert browser.get("/quotes?status=nonsense&after=-1&q=%00").status_code == 200


def test_a_quote_of_two_treatments_is_listed_once_with_what_both_come_to(here):
    key = issued(here, patient_ref="P-TWO-2", protocol_2="P-16")
    quote = here.clinic.seen(f"/quotes/{key}")

    page = here.as_(Role.FRONT_DESK).get("/quotes?q=P-TWO-2")

    assert f"${Decimal(quote['total']):,.2f}" in said(page)
    assert "General facial (default) and 1 more" in said(page)
    assert main(page).count('<th scope="row"') == 1


def test_a_new_quote_is_by_the_level_of_the_last_one(here):
    browser = here.as_(Role.FRONT_DESK)
    drafted(here, level="L6")
    assert '<option value="L6" selected>' in main(browser.get("/quotes/new"))

    drafted(here, level="L2")

    assert '<option value="L2" selected>' in main(browser.get("/quotes/new"))
    assert '<option value="L2" selected>' in main(browser.get("/quotes/price"))


def test_the_manager_reads_what_is_short_with_the_dates_and_amounts_of_pages(here):
    key = drafted(here, Role.MANAGER, starts_on="2026-12-20", patient_ref="P-SHORT-1")

    page = said(here.as_(Role.MANAGER).get(f"/quotes/{key}"))

    (line,) = re.findall(r"MP-001 runs short .*?\)\.", page)
    assert re.search(r"from session 2 on 3 Jan 2027: .* by \d+ Dec 2026 \(\$[0-9,.]+\)\.", line), line
    assert "runs short" not in said(here.as_(Role.FRONT_DESK).get(f"/quotes/{key}"))


def test_htmx_gets_the_rows_alone(here):
    page = here.as_(Role.FRONT_DESK).get("/quotes?q=zzz", **HX, **{"HX-Target": "quotes"})

    assert "<!doctype" not in page.get_data(as_text=True)
    assert "No quote" in page.get_data(as_text=True)


def test_a_role_without_the_right_is_told_who_has_it(here):
    page = here.as_(Role.ACCOUNTANT).get("/quotes/new")

    assert page.status_code == 403
    assert "front desk" in said(page)
    assert "accountant" in said(page)


def test_an_unknown_quote_is_a_page_that_says_so(here):
    page = here.as_(Role.MANAGER).get("/quotes/999999")

    assert page.status_code == 404
    assert "No quote has the key 999999." in said(page)


def test_long_names_and_right_to_left_text_are_kept_as_they_are(here):
    reason = "ا" * 200
    key = drafted(here, sessions="9", plan_reason=reason, allergies="حساسية")

    page = main(here.as_(Role.PRACTITIONER).get(f"/quotes/{key}"))

    assert reason in page
    assert 'dir="auto"' in page
    refused = here.as_(Role.FRONT_DESK).send(
        "/quotes/new", **TYPED | {"patient_ref": "P" * 200, "do": "draft"}
    )
    assert refused.status_code == 422
    assert "At most 40 characters." in said(refused)


def test_what_is_typed_is_never_markup(here):
    page = live(here, **TYPED | {"allergies": "<script>alert(1)</script>"})

    assert "<script>" not in page
