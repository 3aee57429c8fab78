"""Privacy: what the book holds of a patient is handed out whole, and forgotten whole (T8)."""

import io
import json
import os
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import openpyxl
import pypdfium2
import pytest
import sqlalchemy as sa
from click.testing import CliRunner
from sqlalchemy.orm import Session

from api import patient_file
from api.auth import Role
from api.cli import vialbook
from api.quote_document import QuoteDocument
from inventory import forgetting, proof, proof_of_trail
from inventory.database import Base, Database
from inventory.forgetting import PREFIX, Erasure, UnknownPatient, reword
from inventory.patients import check_patient_ref
from pricing import privacy
from pricing import proof as proof_of_quotes
from pricing.privacy import StillTreated, TraceStillKept
from tests import server
from tests.calls import NOW, Clinic, opened
from tests.corpus.clinic import furnish
from tests.pages import House, said
from tests.test_api_sites import QUOTE, USE

WHO = "PX-77231"
LATER = date(2045, 1, 1)
BY = {"by": "Ann", "reason": "asked for by letter"}


@pytest.fixture
def here(database: Database) -> Iterator[Clinic]:
    """A clinic in which one patient left traces wherever a patient can."""
    with opened(database, stocked=False) as found:
        keys = furnish(found)
        session = found.made("/sessions", {"patient_ref": WHO} | USE, headers={"Idempotency-Key": "a-key"})
        found.made(f"/sessions/{session['id']}/reverse", {"reason": f"it was not {WHO}."})
        found.made("/sessions", {"patient_ref": WHO} | USE)
        vial = found.made("/opened-vials", {"lot": keys["multi"], "site": "MAIN"})["id"]
        found.made(f"/opened-vials/{vial}/enter-room", {"patient_ref": WHO})
        quote = found.made("/quotes", QUOTE | {"patient_ref": WHO})
        found.made(f"/quotes/{quote['id']}/issue", {})
        found.made(f"/quotes/{quote['id']}/accept", {})
        courses = found.seen("/courses?limit=500")["items"]
        [course] = [one["id"] for one in courses if one["patient_ref"] == WHO]
        found.made(f"/courses/{course}/payments", {"amount": "5.00", "method": "cash", "note": f"by {WHO}"})
        found.made(f"/courses/{course}/refund", {"method": "cash"})
        yield found


def traces(database: Database, text: str) -> dict[str, int]:
    """In how many rows of each table a text stands anywhere: in words, in JSON, in what was answered."""
    found = {}
    with database.read() as db:
        for name in sorted(sa.inspect(database.engine).get_table_names()):
            rows = db.execute(sa.select(sa.literal_column("*")).select_from(sa.table(name))).all()
            held = sum(
                any(
                    text.encode()
                    in (bytes(cell) if isinstance(cell, bytes | memoryview) else str(cell).encode())
                    for cell in row
                )
                for row in rows
            )
            if held:
                found[name] = held
    return found


def forget(here: Clinic, **options: object) -> Erasure:
    with here.database.write(expire_on_commit=False) as db:
        asked = {"on": LATER, "at": NOW} | BY | options
        erasure = patient_file.erase(db, WHO, **asked)
        db.commit()
        return erasure


def breaches(database: Database) -> list[object]:
    with database.read() as db:
        return [*proof.verify(db), *proof_of_quotes.verify(db), *proof_of_trail.verify(db)]


def test_every_column_that_names_a_patient_is_known():
    named = {name for _, name in forgetting.places()}
    alike = {
        column.name
        for table in Base.metadata.tables.values()
        for column in table.c
        if "patient" in column.name and not column.foreign_keys
    }

    assert alike == named == forgetting.REFERENCES


def test_all_that_the_book_holds_of_a_patient_is_handed_out_and_nothing_of_others(here):
    with here.database.read() as db:
        held = privacy.held(db, WHO)

    assert {"treatment_sessions", "quotes", "courses", "course_entries", "course_events", "room_entries",
            "opened_vials", "lots_received", "quote_events", "quote_sessions"} <= set(held.kinds)  # fmt: skip
    assert len(held.kinds["treatment_sessions"]) == 2
    assert "P-9" not in str(held.kinds)
    assert held.kept_until == date(2041, 1, 15)
    for rows in held.kinds.values():
        assert not privacy.NEVER & set(rows[0])


def test_a_patient_who_is_forgotten_stands_nowhere_and_every_fact_stays(here):
    before = {name: count for name, count in counts(here.database).items() if name != "erasures"}
    assert len(traces(here.database, WHO)) >= 7

    erasure = forget(here)

    assert traces(here.database, WHO) == {}
    assert erasure.word.startswith(PREFIX)
    check_patient_ref(erasure.word)
    after = counts(here.database)
    assert {name: after[name] for name in before if name != "trail"} == {
        name: count for name, count in before.items() if name != "trail"
    }
    assert breaches(here.database) == []
    with here.database.read() as db:
        assert len(privacy.held(db, erasure.word).kinds["treatment_sessions"]) == 2
        [kept] = privacy.erasures(db)
    assert (kept.by, kept.reason, kept.kept_until) == ("Ann", "asked for by letter", None)
    assert {"course_entries"} <= set(json.loads(kept.touched))


def counts(database: Database) -> dict[str, int]:
    with database.read() as db:
        return {
            name: db.execute(sa.select(sa.func.count()).select_from(sa.table(name))).scalar_one()
            for name in sa.inspect(database.engine).get_table_names()
        }


def test_the_guards_of_facts_stand_again_after_it(here):
    forget(here)

    for table in ("quotes", "course_entries", "room_entries", "request_keys"):
        with pytest.raises(sa.exc.DBAPIError, match="only added"), here.database.write.begin() as db:
            db.execute(sa.delete(sa.table(table)))


def test_a_request_that_is_sent_again_has_no_second_effect_and_tells_nothing(here):
    erasure = forget(here)

    again = here.post("/sessions", {"patient_ref": WHO} | USE, headers={"Idempotency-Key": "a-key"})

    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.status_code == 201
    assert WHO not in again.text
    seen = here.seen(f"/sessions/{again.json['id']}")
    assert seen["patient_ref"] == erasure.word


def test_the_trace_of_a_lot_is_kept_for_its_years_unless_an_admin_says_why(here):
    with pytest.raises(TraceStillKept, match="is kept until 2041-01-15") as refused:
        forget(here, on=date(2041, 1, 15))
    assert WHO not in str(refused.value)

    assert forget(here, on=date(2026, 2, 1), early=True).kept_until == date(2041, 1, 15)


def test_the_day_after_the_trace_needs_no_reason_of_its_own(here):
    assert forget(here, on=date(2041, 1, 16)).kept_until is None


def test_nobody_is_forgotten_while_a_course_is_running(here):
    with pytest.raises(StillTreated, match="sessions to come"), here.database.write.begin() as db:
        privacy.erase(db, "P-9", on=LATER, at=NOW, **BY)


def test_who_is_not_there_cannot_be_forgotten_and_not_twice(here):
    forget(here)
    for ref in (WHO, "P-404"):
        with pytest.raises(UnknownPatient), here.database.write.begin() as db:
            privacy.erase(db, ref, on=LATER, at=NOW, **BY)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("for P-1.", "for E."),
        ("P-1", "E"),
        ("(P-1), P-1!", "(E), E!"),
        ('{"patient_ref": "P-1"}', '{"patient_ref": "E"}'),
        ("P-10 and XP-1 and P-1-2 and A.P-1", "P-10 and XP-1 and P-1-2 and A.P-1"),
        ("see P-1, not P-12", "see E, not P-12"),
    ],
)
def test_a_reference_gives_way_where_it_stands_for_itself_and_not_inside_a_longer_one(text, said):
    assert reword(text, "P-1", "E") == said


def test_a_leap_day_is_kept_until_the_day_after():
    assert privacy.years_after(date(2024, 2, 29), 15) == date(2039, 3, 1)
    assert privacy.years_after(date(2024, 2, 29), 4) == date(2028, 2, 29)
    assert privacy.years_after(date(9999, 1, 1) - timedelta(days=1), 15).year == 9999


def test_what_was_printed_is_printed_anew(here):
    erasure = forget(here)

    with here.database.read() as db:
        bodies = db.scalars(
            sa.select(QuoteDocument.body).where(QuoteDocument.quote_id.in_(quotes(db, erasure)))
        ).all()
    assert len(bodies) >= 2  # one for each language
    for body in bodies:
        text = "".join(page.get_textpage().get_text_range() for page in pypdfium2.PdfDocument(body))
        assert WHO not in text
        assert erasure.word in text


def quotes(db: Session, erasure: Erasure) -> list[int]:
    return [row["id"] for row in privacy.held(db, erasure.word).kinds["quotes"]]


def test_only_an_admin_hands_out_and_forgets_over_http(here):
    for role in set(Role) - {Role.ADMIN}:
        assert here.get(f"/patients/{WHO}/file", role=role).status_code == 403
        assert here.post(f"/patients/{WHO}/erase", {"reason": "x"}, role=role).status_code == 403

    file = here.seen(f"/patients/{WHO}/file", role=Role.ADMIN)
    assert file["trace_kept_until"] == "2041-01-15"
    assert file["held"]["quotes"][0]["total"].replace(".", "").isdigit()
    book = here.get(f"/patients/{WHO}/file.xlsx", role=Role.ADMIN)
    read = openpyxl.load_workbook(io.BytesIO(book.data))
    assert {"Quotes", "Treatment sessions", "Lots received"} <= set(read.sheetnames)

    refused = here.post(f"/patients/{WHO}/erase", {"reason": "a letter"}, role=Role.ADMIN)
    assert (refused.status_code, refused.json["name"]) == (409, "TraceStillKept")
    done = here.post(f"/patients/{WHO}/erase", {"reason": "a letter", "early": True}, role=Role.ADMIN)
    assert done.status_code == 200
    assert done.json["kept_until"] == "2041-01-15"
    assert here.seen("/erasures", role=Role.ADMIN)["items"][0]["word"] == done.json["word"]
    assert here.get(f"/patients/{WHO}/file", role=Role.ADMIN).status_code == 404
    assert traces(here.database, WHO) == {}


def test_the_pages_find_a_patient_and_forget_them_after_asking(here):
    browser = House(here).as_(Role.ADMIN)
    assert "Quotes" in said(browser.get(f"/privacy?ref={WHO}"))
    assert "nothing under this chart number" in said(browser.get("/privacy?ref=P-404"))
    assert "of 1 to 40 letters" in said(browser.get("/privacy?ref=Jane+Doe"))
    assert browser.get(f"/privacy/file.xlsx?ref={WHO}").data[:2] == b"PK"

    path = f"/privacy/erase?ref={WHO}"
    assert "Although a recall must find them until" in said(browser.get(path))
    kept = browser.send(path, ref=WHO, reason="a letter")
    assert kept.status_code == 409
    assert "is kept until 15 Jan 2041" in said(kept)
    gone = browser.follow(browser.send(path, ref=WHO, reason="a letter", early="true"))
    assert PREFIX in said(gone)
    assert WHO not in said(gone)
    assert traces(here.database, WHO) == {}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of the program's own, with files old and new."""
    monkeypatch.setenv("VIALBOOK_HOME", str(tmp_path))
    for folder, name, days in (
        ("imports", "old.list", 8),
        ("imports", "new.list", 6),
        ("workbooks", "old.xlsx", 30),
        ("access", "2025-10-01.jsonl", 0),
        ("access", "2026-01-10.jsonl", 0),
        ("access", "notes.txt", 900),
    ):
        path = tmp_path / folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("x")
        moment = (NOW - timedelta(days=days)).timestamp()
        os.utime(path, (moment, moment))
    return tmp_path


def test_what_was_kept_long_enough_is_put_away_and_nothing_else(here, home: Path):
    here.clock.now = NOW
    seen = {one["code"]: one["due"] for one in here.seen("/retention", role=Role.ADMIN)["items"]}
    assert seen == {
        "sign_ins": 0, "sign_in_failures": 0, "form_drafts": 0, "request_keys": 0, "uploads": 2,
        "access_logs": 1,
    }  # fmt: skip
    facts = {name: count for name, count in counts(here.database).items() if name not in ("trail", "purges")}

    done = here.post("/retention/purge", role=Role.ADMIN)
    assert {one["code"]: one["due"] for one in done.json["items"]} == {"uploads": 2, "access_logs": 1}
    left = sorted(path.name for path in home.rglob("*") if path.is_file())
    assert left == ["2026-01-10.jsonl", "new.list", "notes.txt"]
    assert {name: counts(here.database)[name] for name in facts} == facts

    here.clock.now = NOW + timedelta(days=31)  # the request of the fixture had a key
    browser = House(here).as_(Role.ADMIN)
    assert "Answers for requests sent twice" in said(browser.get("/privacy/retention"))
    browser.send("/privacy/retention")
    assert counts(here.database)["request_keys"] <= 1  # of this very form
    assert counts(here.database)["treatment_sessions"] == facts["treatment_sessions"]
    assert breaches(here.database) == []


def test_the_commands_say_what_they_would_do_and_do_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("VIALBOOK_HOME", str(tmp_path))
    server.make_first_day(tmp_path)
    database = Database(f"sqlite:///{tmp_path / 'vialbook.sqlite'}")
    with opened(database, stocked=False) as found:
        found.made("/quotes", QUOTE | {"patient_ref": WHO})

    out = tmp_path / "file.json"
    run = CliRunner().invoke
    assert run(vialbook, ["patient", "export", WHO, str(out)]).exit_code == 0
    assert json.loads(out.read_text())["held"]["quotes"][0]["patient_ref"] == WHO
    assert run(vialbook, ["patient", "export", WHO, str(tmp_path / "file.xlsx")]).exit_code == 0
    done = run(vialbook, ["patient", "erase", WHO, "--reason", "a letter"])
    assert (done.exit_code, PREFIX in done.output) == (0, True)
    assert traces(database, WHO) == {}

    for name in ("old", "older"):
        (tmp_path / "imports").mkdir(exist_ok=True)
        (tmp_path / "imports" / name).write_text("x")
        os.utime(tmp_path / "imports" / name, (0, 0))
    assert "2 would be put away" in run(vialbook, ["purge", "--dry-run"]).output
    assert "2 were put away" in run(vialbook, ["purge"]).output
    assert "0 were put away" in run(vialbook, ["purge"]).output
    database.engine.dispose()
