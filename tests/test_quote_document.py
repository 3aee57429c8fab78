"""The quote as a document: what it says and hides, in which language, and that it stays (T7, P4, P5)."""

import re
import tomllib
from decimal import Decimal
from importlib import resources
from io import BytesIO

import pypdfium2
import pytest
import zxingcpp
from PIL import Image

from api import languages, marks
from api.auth import Role
from inventory import clinic
from tests.calls import NOW
from tests.counter import course, drafted, issued, step
from tests.pages import House, main, said

pytest_plugins = ("tests.calls", "tests.pages", "tests.counter")

NEVER = ("vegan", "natural", "no side effects", "18 months", "margin", "cost", "floor", "overhead")


@pytest.fixture
def here(at_the_desk: House) -> House:
    """The desk of the clinic that the tests of this file share."""
    return at_the_desk


def text_of(body: bytes) -> str:
    """The text of a PDF as a reader finds it, with single spaces."""
    with pypdfium2.PdfDocument(body) as document:
        return " ".join(" ".join(page.get_textpage().get_text_range() for page in document).split())


def printed(here: House, key: int, query: str = "") -> bytes:
    answer = here.clinic.get(f"/quotes/{key}.pdf{query}", role=Role.FRONT_DESK)
    assert answer.status_code == 200, answer.text
    assert answer.mimetype == "application/pdf"
    return answer.get_data()


def set_to(here: House, key: str, value: str) -> None:
    with here.database.write.begin() as db:
        clinic.change_setting(db, key, value, at=NOW, by="test")


def test_it_carries_all_that_a_quote_must_say_and_no_cost(here: House):
    key = issued(here)
    quote = here.clinic.seen(f"/quotes/{key}")

    text = text_of(printed(here, key))

    for promise in languages.language("en").lists["to_read"] + languages.language("en").lists["aftercare"]:
        assert promise in text
    assert f"Quote {quote['number']}" in text
    assert "Chart number P-100" in text
    for one in quote["sessions"]:
        assert f"${one['price']}" in text
    assert f"${Decimal(quote['total']):,.2f}" in text
    assert "Date and signature of the patient" in text
    for word in NEVER:
        assert word not in text.casefold()


def test_whatever_the_front_desk_may_not_see_stands_in_no_corner_of_the_file(here: House):
    key = issued(here)
    hidden = here.clinic.seen(f"/quotes/{key}")
    body = printed(here, key)

    for stage in hidden["stages"]:
        if stage["name"] in ("cost", "target"):
            assert stage["amount"] not in text_of(body)
    assert hidden["cost"].encode() not in body


def test_the_square_holds_the_number(here: House):
    key = issued(here)
    with pypdfium2.PdfDocument(printed(here, key)) as document:
        picture = document[0].render(scale=3).to_pil()

    assert [code.text for code in zxingcpp.read_barcodes(picture)] == [
        here.clinic.seen(f"/quotes/{key}")["number"]
    ]


def test_it_is_one_page_or_two_on_the_paper_of_the_country_and_tagged(here: House):
    for sessions in ("3", "12"):
        more = {"sessions": sessions, "plan_reason": "asked for"}
        with pypdfium2.PdfDocument(printed(here, drafted(here, **more))) as document:
            assert len(document) <= 2
            assert [round(side) for side in document[0].get_size()] == [612, 792]
            assert pypdfium2.raw.FPDFCatalog_IsTagged(document)


def test_spanish_is_spoken_on_the_clinics_choice_or_the_patients(here: House):
    key = drafted(here)

    asked = text_of(printed(here, key, "?language=es"))
    set_to(here, "document_language", "es")
    chosen = text_of(printed(here, key))
    set_to(here, "document_language", "en")

    for text in (asked, chosen):
        assert "Borrador de presupuesto" in text
        assert "Ningún medicamento está aprobado por la FDA para la mesoterapia." in text
        assert "Cara completa" in text
        assert "enero" in text
    assert "Draft of a quote" in text_of(printed(here, key, "?language=xx"))


def test_every_language_says_everything():
    first = tomllib.loads((resources.files("api.languages") / "en.toml").read_text("utf-8"))
    for code in languages.known():
        said_here = tomllib.loads((resources.files("api.languages") / f"{code}.toml").read_text("utf-8"))
        assert said_here["texts"].keys() == first["texts"].keys(), code
        assert {key: len(lines) for key, lines in said_here["lists"].items()} == {
            key: len(lines) for key, lines in first["lists"].items()
        }, code
        for key, text in said_here["texts"].items():
            assert text.count("{") == first["texts"][key].count("{"), (code, key)


@pytest.mark.parametrize(
    ("code", "country", "amount"),
    [("en", "US", "$1,234.50"), ("es", "ES", "1.234,50\xa0US$"), ("es", "MX", "USD1,234.50")],
)
def test_amounts_are_written_as_the_country_writes_them(code, country, amount):
    assert languages.language(code, country).money(Decimal("1234.50"), "USD") == amount


def test_a_draft_and_a_withdrawn_offer_say_that_they_are_none(here: House):
    key = drafted(here)
    assert "Draft: not an offer" in text_of(printed(here, key))

    step(here.as_(Role.FRONT_DESK), key, "issue")
    assert "not an offer" not in text_of(printed(here, key))
    step(here.as_(Role.FRONT_DESK), key, "withdraw", "asked twice")

    assert "This offer does not stand any more." in text_of(printed(here, key))


def test_what_was_issued_is_the_same_bytes_whatever_is_edited(here: House):
    key = issued(here)
    before = printed(here, key)

    set_to(here, "clinic_name", "Another Name")
    set_to(here, "validity_days", "3")
    set_to(here, "deposit_rate", "0.5")
    with here.database.write.begin() as db:
        marks.change(db, png(), at=NOW, by="test")

    assert printed(here, key) == before
    assert printed(here, drafted(here)) != before
    set_to(here, "clinic_name", "Clinic")
    set_to(here, "validity_days", "30")
    set_to(here, "deposit_rate", "0")
    with here.database.write.begin() as db:
        marks.change(db, b"", at=NOW, by="test")


def test_a_deposit_is_part_of_the_total_and_asked_for_where_the_clinic_wants_one(here: House):
    assert "Deposit" not in text_of(printed(here, drafted(here)))

    set_to(here, "deposit_rate", "0.20")
    key = drafted(here)
    set_to(here, "deposit_rate", "0")

    quote = here.clinic.seen(f"/quotes/{key}")
    assert Decimal(quote["deposit"]) == (Decimal(quote["total"]) / 5).quantize(Decimal("0.01"))
    assert f"Deposit to book the first session ${quote['deposit']}" in text_of(printed(here, key))


def test_an_accepted_quote_is_still_what_was_printed(here: House):
    quote_id = here.clinic.seen(f"/courses/{course(here)}")["quote"]

    assert "not stand any more" not in text_of(printed(here, quote_id))


def test_the_desk_prints_what_was_kept_in_either_language_and_nothing_else(here: House):
    key = issued(here)
    browser = here.as_(Role.FRONT_DESK)
    page = browser.get(f"/quotes/{key}")

    links = re.findall(rf'href="(/quotes/{key}/quote\.pdf[^"]*)"', main(page))
    copies = [browser.get(link).get_data() for link in links]

    assert "The patient's copy in another language: Spanish" in said(page)
    assert copies == [printed(here, key), printed(here, key, "?language=es")]
    assert "Quote Q-2026-" in text_of(copies[0])
    assert "Presupuesto Q-2026-" in text_of(copies[1])
    assert browser.get(f"/quotes/{key}/print").status_code == 404


def png(size: tuple[int, int] = (900, 300)) -> bytes:
    out = BytesIO()
    Image.new("RGB", size, "teal").save(out, "PNG")
    return out.getvalue()


def test_a_mark_is_drawn_anew_at_a_sensible_size(here: House):
    with here.database.write() as db:
        marks.change(db, png((3000, 1000)), at=NOW, by="test")
        with Image.open(BytesIO(marks.current(db) or b"")) as kept:
            assert kept.size == (1200, 400)
            assert kept.format == "PNG"
        marks.change(db, b"", at=NOW, by="test")
        assert marks.current(db) is None
        db.rollback()


@pytest.mark.parametrize("file", [b"<svg/>", b"GIF89a", b"\x89PNG\r\n\x1a\n" + b"\0" * 40, png()[:200]])
def test_what_is_no_picture_is_no_mark(here: House, file: bytes):
    with here.database.write() as db, pytest.raises(marks.NotAPicture):
        marks.change(db, file, at=NOW, by="test")


def test_a_picture_beyond_all_measure_is_refused(here: House):
    with here.database.write() as db, pytest.raises(marks.NotAPicture, match="5000 × 5000 dots"):
        marks.change(db, png((5000, 5000)), at=NOW, by="test")


def test_a_manager_sets_the_mark_and_takes_it_away_on_its_page(here: House):
    browser = here.as_(Role.MANAGER)
    hidden = browser.hidden(browser.get("/settings/mark"))

    answer = browser.client.post("/settings/mark", data={**hidden, "picture": (BytesIO(png()), "mark.png")})
    assert "The mark is set" in browser.follow(answer).get_data(as_text=True)
    assert browser.get("/settings/mark.png").mimetype == "image/png"

    refused = browser.client.post(
        "/settings/mark",
        data={**browser.hidden(browser.get("/settings/mark")), "picture": (BytesIO(b"<svg/>"), "mark.svg")},
    )
    assert refused.status_code == 422
    assert "not a PNG or JPEG picture" in said(refused)

    browser.send("/settings/mark")
    assert browser.get("/settings/mark.png").status_code == 404
