"""Who may see which page: every page as every role, and what no page leaves out or lets through."""

import re

import pytest

from api.auth import MAY as CALLS
from api.auth import Role
from api.web import rights
from tests.pages import House, main, said
from tests.shelves import received

pytest_plugins = ("tests.calls", "tests.pages")

EXAMPLES = {
    "<code:sku>": "HA-3",
    "<id:lot_id>": "1",
    "<id:vial_id>": "1",
    "<id:movement_id>": "1",
    "<id:person_id>": "1",
    "<id:sign_in_id>": "999",
    "<tag>": "x",
    "<path:name>": "vialbook.css",
}
SAME_AS_THE_CALL = {
    "POST /lots/<id:lot_id>/open": "POST /api/v1/opened-vials",
    "POST /lots/<id:lot_id>/quarantine": "POST /api/v1/lots/<id:lot_id>/quarantine",
    "POST /lots/<id:lot_id>/release": "POST /api/v1/lots/<id:lot_id>/release",
    "POST /lots/<id:lot_id>/recall": "POST /api/v1/lots/<id:lot_id>/recall",
    "POST /lots/<id:lot_id>/write-off": "POST /api/v1/write-offs",
    "POST /movements/<id:movement_id>/reverse": "POST /api/v1/movements/<id:movement_id>/reverse",
    "POST /receive": "POST /api/v1/receipts",
    "POST /stock/<code:sku>/edit": "PATCH /api/v1/items/<code:sku>",
    "POST /settings/sites/<code:code>/places/new": "POST /api/v1/sites/<code:code>/places",
    "POST /settings/sites/<code:code>/places/<code:place>": (
        "PUT /api/v1/sites/<code:code>/places/<code:place>"
    ),
    "POST /transfers/<id:transfer_id>/receive": "POST /api/v1/transfers/<id:transfer_id>/receive",
    "POST /transfers/<id:transfer_id>/cancel": "POST /api/v1/transfers/<id:transfer_id>/cancel",
    "POST /transfers/new": "POST /api/v1/moves",
    "POST /vials/<id:vial_id>/discard": "POST /api/v1/opened-vials/<id:vial_id>/discard",
    "POST /vials/discard-due": "POST /api/v1/opened-vials/discard-due",
    "POST /vials/<id:vial_id>/enter-room": "POST /api/v1/opened-vials/<id:vial_id>/enter-room",
    "POST /vials/<id:vial_id>/correct-room": "POST /api/v1/opened-vials/<id:vial_id>/correct-room",
    "POST /quotes/new": "POST /api/v1/quotes",
    "POST /quotes/<id:quote_id>/issue": "POST /api/v1/quotes/<id:quote_id>/issue",
    "POST /quotes/<id:quote_id>/accept": "POST /api/v1/quotes/<id:quote_id>/accept",
    "POST /quotes/<id:quote_id>/decline": "POST /api/v1/quotes/<id:quote_id>/decline",
    "POST /quotes/<id:quote_id>/withdraw": "POST /api/v1/quotes/<id:quote_id>/withdraw",
    "POST /quotes/<id:quote_id>/revise": "POST /api/v1/quotes/<id:quote_id>/revise",
}


def address(call: str) -> tuple[str, str]:
    method, _, rule = call.partition(" ")
    for part, value in EXAMPLES.items():
        rule = rule.replace(part, value)
    return method, re.sub(r"<id:\w+>", "1", rule)


def test_a_page_is_for_whom_its_call_is_for():
    for page, call in SAME_AS_THE_CALL.items():
        assert rights.MAY[page] == CALLS[call], page


def test_who_may_send_a_form_may_see_it_and_the_other_way_round():
    for call, roles in rights.MAY.items():
        if call.startswith("POST ") and f"GET {call[5:]}" in rights.MAY:
            assert rights.MAY[f"GET {call[5:]}"] == roles, call


@pytest.mark.parametrize("role", Role)
def test_every_page_answers_each_role_as_the_table_says(house: House, role: Role):
    for call, roles in rights.MAY.items():
        browser = house.as_(role)
        method, path = address(call)
        token = browser.hidden(browser.get("/account"))
        answer = browser.client.open(path, method=method, data=token if method == "POST" else None)

        if role in roles:
            assert answer.status_code not in (401, 403, 500), call
        else:
            assert answer.status_code == 403, call
            assert re.search(r" is for .*; you are signed in as ", said(answer)), call
            assert role.spoken in said(answer), call


def test_every_page_sends_a_stranger_to_the_door(house: House):
    for call in rights.MAY:
        method, path = address(call)
        answer = house.stranger().client.open(path, method=method)

        if method == "GET":
            assert answer.status_code == 303, call
            assert answer.headers["Location"].startswith("/sign-in"), call
        else:
            assert answer.status_code == 401, call


def test_a_form_from_another_site_changes_nothing(house: House):
    browser = house.as_(Role.MANAGER)
    token = browser.hidden(browser.get("/account"))
    for call in [*rights.MAY, *rights.OPEN]:
        method, path = address(call)
        if method != "POST":
            continue
        for header in (
            {"Sec-Fetch-Site": "cross-site"},
            {"Sec-Fetch-Site": "same-site"},
            {"Origin": "https://evil.example"},
            {"Origin": "null"},
        ):
            answer = browser.client.post(path, data=token, headers=header)

            assert answer.status_code == 403, (call, header)
            assert "not sent from a page of this program" in said(answer)


def test_a_form_without_its_token_or_with_anothers_is_not_done(house: House):
    manager, other = house.as_(Role.MANAGER), house.as_(Role.ACCOUNTANT)
    theirs = other.hidden(other.get("/account"))["csrf"]
    for token in ("", "x", theirs):
        answer = manager.post("/site", {"csrf": token, "site": "MAIN", "next": "/stock"})
        assert answer.headers["Location"] == "/"

        answer = manager.post("/lots/1/quarantine", {"csrf": token, "reason": "x"})
        assert answer.status_code == 303
        assert "?draft=" in answer.headers["Location"]


def test_a_bearer_token_opens_no_page_and_a_cookie_no_call(house: House):
    token = house.clinic.tokens[Role.MANAGER]

    assert house.stranger().get("/stock", Authorization=f"Bearer {token}").status_code == 303
    assert house.as_(Role.MANAGER).get("/api/v1/stock").status_code == 401


def test_every_answer_has_the_headers_that_a_browser_is_held_to(house: House):
    browser = house.as_(Role.ADMIN)
    for call in [*rights.MAY, *rights.OPEN, "GET /nowhere", "GET /stock/NOPE"]:
        method, path = address(call)
        if method == "POST" and path == "/sign-out":
            continue
        answer = browser.client.open(path, method=method)

        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'self'" in policy, call
        assert "unsafe" not in policy, call
        assert "frame-ancestors 'none'" in policy, call
        assert "object-src 'none'" in policy, call
        assert answer.headers["X-Content-Type-Options"] == "nosniff", call
        assert answer.headers["Referrer-Policy"] == "same-origin", call
        if not path.startswith("/static"):
            assert answer.headers["Cache-Control"] == "no-store", call


def test_no_page_has_a_style_or_a_script_of_its_own(house: House):
    browser = house.as_(Role.ADMIN)
    for call in [*rights.MAY, *rights.OPEN]:
        method, path = address(call)
        if method == "GET" and not path.startswith("/static"):
            text = browser.get(path).get_data().decode(errors="replace")

            assert not re.search(
                r"<style|\sstyle=|\son[a-z]+=|javascript:|<script(?! src=\"/static/)", text
            ), call


def test_an_address_that_is_none_is_told_in_a_sentence_with_a_reference(house: House):
    for path in ("/nowhere", "/stock/NOPE", "/lots/999999", "/lots/0", "/lots/x", "/static/x/none.css"):
        answer = house.as_(Role.MANAGER).get(path)

        assert answer.status_code == 404, path
        assert answer.mimetype == "text/html"
        assert re.search(r"Reference [0-9a-f]{8}", said(answer))
        assert "Traceback" not in said(answer)


def test_a_fault_is_a_page_too_and_shows_no_trace(house: House, monkeypatch: pytest.MonkeyPatch):
    from inventory import vial_list

    def broken(*_args: object, **_options: object) -> None:
        raise ZeroDivisionError("a secret of the house")

    monkeypatch.setattr(vial_list, "opened", broken)
    answer = house.as_(Role.MANAGER).get("/vials")

    assert answer.status_code >= 422
    assert "secret of the house" not in answer.get_data(as_text=True)
    assert re.search(r"Reference [0-9a-f]{8}", said(answer))


def test_the_interface_still_answers_in_problems(house: House):
    answer = house.stranger().get("/api/v1/nowhere")

    assert answer.mimetype == "application/problem+json"


def test_the_navigation_leads_nowhere_that_is_forbidden(house: House):
    for role in Role:
        browser = house.as_(role)
        text = browser.get("/").get_data(as_text=True)
        entries = set(re.findall(r'<li><a href="([^"]+)"', text.split("<main")[0]))
        assert "/stock" in entries
        for path in entries:
            assert browser.get(path).status_code == 200, (role, path)


def test_the_theme_is_chosen_without_a_script_and_kept(house: House):
    browser = house.stranger()
    assert 'data-theme="system"' in browser.get("/sign-in").get_data(as_text=True)

    for theme in ("dark", "light", "system"):
        browser.post("/theme", browser.hidden(browser.get("/sign-in")) | {"theme": theme, "next": "/sign-in"})
        assert f'data-theme="{theme}"' in browser.get("/sign-in").get_data(as_text=True)


def test_costs_are_on_no_page_of_those_who_do_not_see_them(house: House):
    received(house, unit_cost="98765.43")
    for role in (Role.FRONT_DESK, Role.PRACTITIONER):
        for call, roles in rights.MAY.items():
            method, path = address(call)
            if method == "GET" and role in roles:
                text = house.as_(role).get(path).get_data().decode(errors="replace").replace(",", "")
                assert "98765" not in text, (role, call)
                assert "197530.86" not in text, (role, call)
    assert "197,530.86" in main(house.as_(Role.MANAGER).get("/stock/HA-3"))
