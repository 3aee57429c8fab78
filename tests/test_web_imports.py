"""The pages and calls of imports: tried, taken, kept apart from other people's, and never doubled."""

import io
from typing import Any

import openpyxl
import pytest

from api.auth import Role
from api.web import import_jobs
from tests.pages import House, main, said

pytest_plugins = ("tests.calls", "tests.pages")

HEAD = "SKU,Lot,Exp,Qty,Cost\n"
GOOD = "HA-3,IMP-1,2028-06-30,4,16.50\n"
BAD = "NOPE,IMP-2,2028-06-30,4,16.50\n"


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("VIALBOOK_HOME", str(tmp_path))


WAITING: list[Any] = []


@pytest.fixture(autouse=True)
def in_turn(monkeypatch):
    """What the pages begin is done when the test says so, not beside it."""
    WAITING.clear()
    monkeypatch.setattr(import_jobs, "begin", lambda *job, **how: WAITING.append((job, how)))


def work() -> None:
    """Do what the pages have begun."""
    while WAITING:
        job, how = WAITING.pop()
        import_jobs.work(*job, **({"partial": None} | how))


def brought(house: House, text: str, role: Role = Role.MANAGER, kind: str = "opening-stock") -> str:
    """The address of the report on a list that somebody of the role brought."""
    person = house.as_(role)
    fields = person.hidden(person.get("/imports")) | {"kind": kind}
    answer = person.post("/imports", fields | {"file": (io.BytesIO(text.encode()), "list.csv")})
    assert answer.status_code == 303, said(answer)
    assert "Checking the list" in said(person.follow(answer))
    work()
    return str(answer.headers["Location"])


def test_a_list_is_tried_then_its_good_rows_are_taken_and_undone(house: House):
    manager = house.as_(Role.MANAGER)
    address = brought(house, HEAD + GOOD + BAD)

    tried = said(manager.get(address))
    assert "Some rows need mending" in tried
    assert "No item on record is called 'NOPE'." in tried
    assert "IMP-1" not in said(manager.get("/stock/HA-3"))
    manager.post(address, manager.hidden(manager.get(address)) | {"rows": "good"})
    work()
    taken = manager.get(address)

    assert "It is taken over" in said(taken)
    assert "IMP-1" in said(manager.get("/stock/HA-3"))
    manager.post(address, manager.hidden(taken) | {"rows": "good"})  # the back button
    assert not WAITING
    assert said(manager.get("/imports")).count("list.csv") == 1
    undone = manager.send("/imports/1/undo", reason="Twice")
    assert "The stock of 1 rows was reversed" in said(manager.follow(undone))
    assert "was undone on" in said(manager.send("/imports/1/undo", reason="Again"))


def test_the_report_has_every_row_a_page_at_a_time_and_the_list_to_download(house: House):
    rows = "".join(f"HA-3,L{number:03},2028-06-30,1,1\n" for number in range(60))
    address = brought(house, HEAD + rows + BAD)
    manager = house.as_(Role.MANAGER)

    first, second = (said(manager.get(f"{address}?show=all{more}")) for more in ("", "&start=50"))
    file = manager.get(f"{address}/corrected.xlsx")

    assert "61 rows" in first
    assert first.count("good") > second.count("good") > 0
    assert "NOPE" in second
    page = openpyxl.load_workbook(io.BytesIO(file.data)).active
    assert [page.cell(row, 6).value for row in (1, 2, 62)] == ["Result", "good", "not taken"]


def test_of_another_persons_list_nothing_is_said(house: House):
    address = brought(house, HEAD + GOOD)

    assert house.as_(Role.ADMIN).get(address).status_code == 404
    assert house.as_(Role.MANAGER).get("/imports/lists/AAAAAAAAAAAAAAAA").status_code == 404


@pytest.mark.parametrize("text", ["%PDF-1.7", "SKU\n", "Colour,Size\nred,1\n"])
def test_a_file_that_is_no_list_is_told_in_a_sentence(house: House, text: str):
    address = brought(house, text)

    page = said(house.as_(Role.MANAGER).get(address))
    assert "Nothing was taken over." in page
    assert "Traceback" not in page


def test_no_file_is_a_field_to_fill_in(house: House):
    manager = house.as_(Role.MANAGER)
    answer = manager.send("/imports", kind="items")

    assert answer.status_code == 422
    assert "Choose a file that is not empty." in said(answer)


def test_every_template_can_be_had(house: House):
    manager = house.as_(Role.MANAGER)
    for kind in ("items", "offers", "opening-stock", "formulations"):
        assert f"/imports/templates/{kind}" in main(manager.get("/imports"))
        answer = manager.get(f"/imports/templates/{kind}")
        assert openpyxl.load_workbook(io.BytesIO(answer.data)).worksheets[0].freeze_panes == "A2"
    assert manager.get("/imports/templates/cars").status_code == 404


def call(here: Any, path: str, text: str) -> Any:
    return here.post(path, data=text, content_type="text/csv")


def test_the_calls_tell_the_import_list_it_and_undo_it_once(here):
    taken = call(here, "/imports/opening-stock", HEAD + GOOD).json
    again = call(here, "/imports/opening-stock", HEAD + GOOD).json

    assert (taken["imported"], again["imported"], again["repeated"]) == (1, 0, 1)
    [listed] = here.seen("/imports")["items"]
    assert (listed["id"], listed["kind"], listed["undone_at"]) == (taken["id"], "opening-stock", None)
    undone = here.post(f"/imports/{taken['id']}/undo", json={"reason": "twice"})
    twice = here.post(f"/imports/{taken['id']}/undo", json={"reason": "twice"})
    assert (undone.status_code, undone.json["removed"], twice.status_code) == (200, 1, 409)
    assert here.seen(f"/imports/{taken['id']}")["undone_by"]
    assert here.post("/imports/999/undo", json={"reason": "none"}).status_code == 404
    assert call(here, "/imports/opening-stock", HEAD + GOOD).json["imported"] == 1


def test_the_calls_give_a_template_and_the_list_with_its_problems(here):
    template = here.get("/imports/opening-stock/template.xlsx")
    marked = call(here, "/imports/opening-stock/corrected.xlsx", HEAD + GOOD + BAD)

    assert openpyxl.load_workbook(io.BytesIO(template.data)).active["A2"].value == "EXAMPLE-1"
    page = openpyxl.load_workbook(io.BytesIO(marked.data)).active
    assert "No item on record is called 'NOPE'" in page["G3"].value
    assert here.seen("/imports")["items"] == []
    assert here.get("/imports/cars/template.xlsx").status_code == 404


def test_two_hundred_megabytes_are_too_many_and_are_not_waited_for(here):
    answer = here.post(
        "/imports/items",
        data=b"x",
        content_type="text/csv",
        environ_overrides={"CONTENT_LENGTH": "200000000"},
    )

    assert answer.status_code == 413
