"""Style, script, icons and typeface: from their packages, unchanged, small, and kept by browsers."""

import gzip
import hashlib
import re
from importlib import resources

import pytest

from api.auth import Role
from api.web import static_files
from tests.pages import House

pytest_plugins = ("tests.calls", "tests.pages")

FIRST_PAGE = 100_000  # bytes transferred


def test_htmx_is_the_file_that_was_looked_at():
    body = static_files.asset("htmx.js").body

    assert hashlib.sha256(body).hexdigest() == static_files.HTMX


def test_the_typeface_is_a_small_part_of_the_packages_file():
    body = static_files.asset("inter.woff2").body

    assert body[:4] == b"wOF2"
    assert len(body) < 40_000


def test_every_icon_that_a_template_names_is_in_the_sheet():
    folder = resources.files("api.web") / "templates"
    named = set()
    for template in folder.iterdir():
        text = template.read_text("utf-8")
        named |= set(re.findall(r'icon\("([a-z0-9-]+)"', text)) | set(
            re.findall(r'picture="([a-z0-9-]+)"', text)
        )

    assert named <= set(static_files.ICONS)
    sheet = static_files.asset("icons.svg").body.decode()
    assert all(f'id="{name}"' in sheet for name in static_files.ICONS)


def test_a_file_is_kept_for_good_under_its_own_tag_only(house: House):
    browser = house.stranger()
    current = browser.get(static_files.address("vialbook.css"))
    earlier = browser.get("/static/000000000000/vialbook.css")

    assert "immutable" in current.headers["Cache-Control"]
    assert earlier.headers["Cache-Control"] == "no-cache"
    assert earlier.get_data() == current.get_data()


@pytest.mark.parametrize("name", static_files.MAKERS)
def test_a_packed_file_is_the_same_file(house: House, name: str):
    plain = house.stranger().get(static_files.address(name))
    packed = house.stranger().get(static_files.address(name), **{"Accept-Encoding": "gzip"})

    body = packed.get_data()
    assert (gzip.decompress(body) if packed.headers.get("Content-Encoding") else body) == plain.get_data()


def test_the_first_page_with_all_that_belongs_to_it_is_under_100_kilobytes(house: House):
    browser = house.as_(Role.MANAGER)
    page = browser.get("/stock", **{"Accept-Encoding": "gzip"})
    text = gzip.decompress(page.get_data()).decode()
    files = set(re.findall(r"/static/[0-9a-f]+/[a-z0-9.]+", text))

    sent = len(page.get_data()) + sum(
        len(browser.get(path, **{"Accept-Encoding": "gzip"}).get_data()) for path in files
    )

    assert {path.rpartition("/")[2] for path in files} >= {
        "vialbook.css",
        "htmx.js",
        "inter.woff2",
        "icons.svg",
    }
    assert sent < FIRST_PAGE


def test_nothing_is_loaded_from_elsewhere():
    for name in ("vialbook.css", "vialbook.js"):
        text = static_files.asset(name).body.decode()
        assert not re.search(r"https?://|//[a-z]+\.", text.replace("http://www.w3.org", "")), name
