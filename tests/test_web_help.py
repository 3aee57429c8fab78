"""Help: a page a task, every setting, every refusal; and errors that are sentences, never traces."""

import importlib
import io
import pkgutil
import re
from collections.abc import Iterator

import pytest
from PIL import Image

import api
import inventory
import pricing
import seed_data
from api.auth import Role
from api.web import (
    explained,
    help_pages,
    help_pictures,
    help_texts,
    problems,
    refusals,
    rights,
    static_files,
)
from inventory import clinic, errors
from inventory.errors import Refusal
from tests.pages import House, main, said

pytest_plugins = ("tests.calls", "tests.pages")

TASKS = {
    "sign-in", "receive", "import", "alerts", "move", "count", "open-and-discard", "vial-room", "quote",
    "course",
    "treat", "reorder", "export", "correct", "recall", "privacy", "audit", "site",
}  # fmt: skip


def every_refusal() -> set[type[Refusal]]:
    """Every way to refuse in the program, wherever it is defined."""
    for package in (inventory, pricing, seed_data, api):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if ".migrations" not in module.name:
                importlib.import_module(module.name)
    ours = {kind for kind in beneath(Refusal) if kind.__module__.split(".")[0] != "tests"}
    return {kind for kind in ours if kind.__module__ != errors.__name__}


def beneath(kind: type) -> Iterator[type]:
    for one in kind.__subclasses__():
        yield one
        yield from beneath(one)


def test_every_refusal_of_the_program_is_explained_and_none_that_is_gone():
    named = {
        f"{module}.{name}"
        for modules in refusals.TOPICS.values()
        for module, found in modules.items()
        for name in found
    }

    assert named == {f"{kind.__module__}.{kind.__name__}" for kind in every_refusal()}


def test_each_refusal_says_what_it_means_and_what_to_do_in_sentences():
    for _, found in refusals.listed():
        for one in found:
            assert re.fullmatch(r"[A-Z][a-z ]+", one.name), one
            assert one.meaning.endswith("."), one
            assert not re.search(r"\([A-Z]\d", one.meaning), one
            assert one.advice.endswith("."), one


def test_the_page_lists_them_all(house: House):
    page = said(house.as_(Role.PRACTITIONER).get("/help/refusals"))

    for _, found in refusals.listed():
        for one in found:
            assert one.name in page
            assert one.advice in page
    assert "Not enough stock" in page


def test_there_is_a_page_for_each_task_and_each_has_steps(house: House):
    assert {task.code for task in help_texts.TASKS} == TASKS
    for task in help_texts.TASKS:
        answer = house.as_(Role.MANAGER).get(f"/help/{task.code}")

        assert answer.status_code == 200
        assert task.title in said(answer)
        assert len(task.steps) >= 3
        assert task.icon in static_files.ICONS
        assert f'href="/help/{task.code}"' in main(house.as_(Role.MANAGER).get("/help"))


def test_every_page_that_help_leads_to_is_there():
    for task in help_texts.TASKS:
        for step in task.steps:
            assert not step.address or f"GET {step.address}" in rights.MAY, step


def test_help_leads_nobody_to_a_page_that_is_not_theirs(house: House):
    manager = main(house.as_(Role.MANAGER).get("/help/receive"))
    front_desk = main(house.as_(Role.FRONT_DESK).get("/help/receive"))

    assert 'href="/receive"' in manager
    assert 'href="/receive"' not in front_desk


def test_every_setting_is_explained_on_the_page(house: House):
    page = said(house.as_(Role.FRONT_DESK).get("/help/settings"))

    for key in clinic.SOURCES:
        assert explained.SETTINGS[key].sentence in page
    assert "/settings/numbers/" not in main(house.as_(Role.FRONT_DESK).get("/help/settings"))


def test_an_unknown_help_page_is_a_page_that_says_so(house: House):
    answer = house.as_(Role.MANAGER).get("/help/brewing-tea")

    assert answer.status_code == 404
    assert "the list of all is under Help" in said(answer)


# Errors


def test_what_goes_wrong_inside_is_a_sentence_with_a_reference_and_no_trace(
    house: House, monkeypatch: pytest.MonkeyPatch
):
    def fail() -> tuple[()]:
        raise RuntimeError("secret of the house")

    monkeypatch.setattr(help_pages.refusals, "listed", fail)

    answer = house.as_(Role.MANAGER).get("/help/refusals")

    page = answer.get_data(as_text=True)
    assert answer.status_code == 500
    assert problems.TITLES[500] in said(answer)
    assert problems.ADVICE[500] in said(answer)
    assert re.search(r"Reference [0-9a-f]{8}", said(answer))
    for leak in ("RuntimeError", "secret of the house", "Traceback", "help_pages", ".py"):
        assert leak not in page


@pytest.mark.parametrize(("path", "status"), [("/nowhere", 404), ("/people", 403)])
def test_an_error_within_a_page_is_a_line_of_it_and_not_a_page_in_a_page(
    house: House, path: str, status: int
):
    answer = house.as_(Role.MANAGER).get(path, **{"HX-Request": "true"})

    assert answer.status_code == status
    assert problems.ADVICE[status] in said(answer)
    assert re.search(r"Reference [0-9a-f]{8}", said(answer))
    assert "<main" not in answer.get_data(as_text=True)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/nowhere", 404),
        ("/stock/NONE", 404),
        ("/lots/999999", 404),
        ("/settings/levels/L99", 404),
        ("/settings/suppliers/NONE", 404),
        ("/people", 403),
        ("/books/workbook/none", 404),
    ],
)
def test_every_error_has_a_sentence_what_to_do_and_a_reference(house: House, path: str, status: int):
    answer = house.as_(Role.MANAGER).get(path)

    assert answer.status_code == status
    page = said(answer)
    assert problems.TITLES[status] in page
    assert problems.ADVICE[status] in page
    assert re.search(r"Reference [0-9a-f]{8}", page)
    assert re.search(r"\. ", page)
    assert "Traceback" not in page


# Pictures


def test_each_task_has_its_picture_in_both_themes_and_says_in_words_what_it_shows(house: House):
    assert set(help_pictures.ALTS) == {task.code for task in help_texts.TASKS}, (
        "python -m tests.browser.help_pictures TASK takes a new one; say in help_pictures.ALTS what it shows"
    )
    for task in help_texts.TASKS:
        page = main(house.as_(Role.MANAGER).get(f"/help/{task.code}"))
        picture = help_pictures.picture(task.code)

        assert picture is not None
        assert re.fullmatch(r"[A-Z].{30,170}\.", picture.alt)
        assert f'alt="{picture.alt}"' in page
        assert f'width="{picture.width}" height="{picture.height}" loading="lazy"' in page
        for file in (picture.light, picture.dark):
            body = static_files.asset(file).body
            assert Image.open(io.BytesIO(body)).size == (picture.width, picture.height)
            assert len(body) <= 40_000, file
            assert house.stranger().get(static_files.address(file)).mimetype == "image/webp"


def test_no_picture_is_shipped_that_no_task_shows():
    shipped = {name for name in static_files.MAKERS if name.startswith("help/")}

    assert shipped == {
        help_pictures.file_of(task.code, theme) for task in help_texts.TASKS for theme in ("light", "dark")
    }


@pytest.mark.parametrize(("theme", "sources"), [("system", 1), ("light", 0), ("dark", 0)])
def test_a_picture_is_as_light_or_dark_as_the_page(house: House, theme: str, sources: int):
    browser = house.as_(Role.MANAGER)
    browser.post("/theme", browser.hidden(browser.get("/account")) | {"theme": theme, "next": "/help"})

    page = main(browser.get("/help/receive"))

    assert page.count("<source") == sources
    shown = "dark" if theme == "dark" else "light"
    assert f'src="{static_files.address(f"help/receive-{shown}.webp")}"' in page
