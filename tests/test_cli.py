"""The command line: what it does, and that each error is one sentence on standard error and a status."""

import json
import re
import shutil
import signal
import stat
import sys
import threading
import time
import urllib.request
from pathlib import Path

import openpyxl
import pytest

from api import columns, migrations, settings
from api.cli import main
from api.settings import BadEnvironment
from tests.conftest import NewDatabase
from tests.server import free_port, make_first_day, started


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the program keeps its things, in a test."""
    monkeypatch.setenv("VIALBOOK_HOME", str(tmp_path / "var"))
    monkeypatch.delenv("VIALBOOK_DATABASE_URL", raising=False)
    monkeypatch.delenv("PORT", raising=False)
    return tmp_path / "var"


@pytest.fixture
def vialbook(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """Runs a command as from a shell: its status, its output, its errors."""

    def run(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["vialbook", *words])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        output = capsys.readouterr()
        status = ended.value.code
        return (status if isinstance(status, int) else 0), output.out, output.err

    return run


@pytest.fixture(scope="module")
def first_day(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clinic on its first day, made once and copied."""
    home = tmp_path_factory.mktemp("first") / "var"
    make_first_day(home)
    return home


@pytest.fixture
def clinic(first_day: Path, home: Path) -> Path:
    """A clinic on its first day."""
    shutil.copytree(first_day, home)
    return home


def test_a_first_day_makes_the_database_the_reference_tables_and_a_site(home, vialbook):
    status, output, errors = vialbook("init")

    assert (status, errors) == (0, "")
    assert "rows added" in output
    assert "Opened the site MAIN" in output
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    assert vialbook("verify") == (0, "The books are sound.\n", "")


def test_a_second_init_adds_nothing(clinic, vialbook):
    status, output, _ = vialbook("init")

    assert status == 0
    assert "complete" in output
    assert "Opened" not in output


def test_the_reference_tables_can_be_left_out(home, vialbook):
    status, output, _ = vialbook("init", "--no-seed")

    assert status == 0
    assert "Reference" not in output


def test_a_time_zone_that_is_none_is_refused(home, vialbook):
    status, _, errors = vialbook("init", "--no-seed", "--time-zone", "Mars/Olympus")

    assert status == 1
    assert errors == "'Mars/Olympus' is not a time zone.\n"


def test_whoever_names_no_command_is_shown_what_there_is(home, vialbook):
    for words in ((), ("export",)):
        status, output, errors = vialbook(*words)

        assert (status, output) == (2, "")
        assert "Commands:\n" in errors


def test_the_help_of_import_names_the_columns_that_each_list_needs(home, vialbook):
    _, told, _ = vialbook("import", "--help")

    for kind, known in columns.OF_KIND.items():
        needed = ", ".join(column.field for column in known if column.required)
        assert re.search(rf"^ *{kind} +needs {needed}$", told, re.MULTILINE)


COMMANDS = """
verify
reorder
token Mia --role manager
serve --port 1
export accounting out.xlsx --from 2026-01-01 --to 2026-01-31
"""


@pytest.mark.parametrize("words", COMMANDS.strip().splitlines())
def test_without_a_database_every_command_says_what_to_do_first(home, vialbook, words):
    status, output, errors = vialbook(*words.split())

    assert (status, output) == (1, "")
    assert errors.count("\n") == 1
    assert "vialbook init" in errors
    assert not (home / "vialbook.sqlite").exists()


def test_a_database_of_an_earlier_version_is_not_worked_with(clinic, vialbook, monkeypatch):
    monkeypatch.setattr(migrations, "newest", lambda: "9999")

    status, _, errors = vialbook("verify")

    assert status == 1
    assert "run `vialbook init`" in errors


def test_a_token_is_printed_alone_and_works_until_it_is_renewed(clinic, vialbook):
    from api.app import create_app

    _, first, _ = vialbook("token", "Mia", "--role", "manager")
    client = create_app(settings.from_environment().open_database()).test_client()

    assert len(first.strip()) == 43
    assert first == first.strip() + "\n"
    before = client.get("/api/v1/sites", headers={"Authorization": f"Bearer {first.strip()}"})
    _, second, _ = vialbook("token", "Mia", "--role", "accountant")
    after = client.get("/api/v1/sites", headers={"Authorization": f"Bearer {first.strip()}"})

    assert (before.status_code, after.status_code) == (200, 401)
    assert second != first


@pytest.mark.parametrize("words", [
    ["token", "Mia"], ["token", "Mia", "--role", "boss"], ["token", "", "--role", "admin"],
    ["token", "x" * 81, "--role", "admin"], ["token", "Mia\x07", "--role", "admin"], ["nope"],
    ["import", "cars", "x.csv"], ["import", "items", "/nowhere.csv"], ["reorder", "--on", "2026-02-30"],
    ["reorder", "--site", "NOPE"], ["serve", "--port", "0"], ["init", "--demo", "--no-seed"],
    ["export", "accounting", "out.xlsx", "--from", "2026-13-01", "--to", "2026-01-31"],
])  # fmt: skip
def test_what_cannot_be_is_refused_in_one_sentence(clinic, vialbook, words):
    status, output, errors = vialbook(*words)

    assert status != 0
    assert output == ""
    assert errors.count("\n") == 1
    assert "Traceback" not in errors


def test_a_list_is_imported_whole_or_not_at_all(clinic, vialbook, tmp_path):
    good = tmp_path / "stock.csv"
    good.write_text("sku,lot,expires,containers,unit cost\nMP-001,A17,2027-06-30,5,16.50\n", "utf-8")
    bad = tmp_path / "bad.csv"
    bad.write_text(good.read_text("utf-8") + "NOPE,B18,2027-06-30,5,16.50\n", "utf-8")

    tried = vialbook("import", "opening-stock", str(good), "--dry-run")
    refused = vialbook("import", "opening-stock", str(bad))
    taken = vialbook("import", "opening-stock", str(good))
    again = vialbook("import", "opening-stock", str(good))

    assert tried[:2] == (0, "1 of 1 rows would be imported.\n")
    assert refused[0] == 1
    assert refused[1] == "0 of 2 rows imported.\n"
    assert "NOPE" in refused[2]
    assert taken[0] == 0
    assert re.fullmatch(r"1 of 1 rows imported\.\nThis is import \d+\.\n", taken[1])
    assert again[:2] == (0, "0 of 1 rows imported.\n1 were imported before and are not added again.\n")
    assert "This file was imported on" in again[2]
    assert vialbook("verify")[0] == 0


def test_the_reorder_advice_is_for_people_or_for_programs(clinic, vialbook):
    _, sentences, _ = vialbook("reorder")
    _, listed, _ = vialbook("reorder", "--on", "2026-12-01", "--json")

    assert sentences.endswith("items to order.\n")
    assert isinstance(json.loads(listed), list)


def test_lots_are_followed_from_a_patient_a_session_and_back_to_everyone(clinic, vialbook, tmp_path):
    out = tmp_path / "recall.pdf"

    status, nothing, _ = vialbook("trace", "patient", "NOBODY-1")
    _, _, unknown = vialbook("trace", "lot", "MP-001", "no such lot", "--pdf", str(out))
    _, _, no_session = vialbook("trace", "session", "999999999")

    assert (status, nothing) == (0, "0 uses.\n")
    assert unknown == "No lot no such lot of MP-001 is on record.\n"
    assert "999999999" in no_session
    assert not out.exists()


def test_the_accountants_workbook_is_written(clinic, vialbook, tmp_path):
    out = tmp_path / "books.xlsx"

    status, output, errors = vialbook(
        "export", "accounting", str(out), "--from", "2026-01-01", "--to", "2026-12-31"
    )
    backwards = vialbook("export", "accounting", str(out), "--from", "2026-12-31", "--to", "2026-01-01")
    nowhere = vialbook("export", "accounting", "no/x.xlsx", "--from", "2026-01-01", "--to", "2026-01-31")

    assert (status, errors) == (0, "")
    assert str(out) in output
    assert "Journal" in openpyxl.load_workbook(out).sheetnames
    assert backwards[0] == 1
    assert nowhere == (1, "", "There is no such folder: no.\n")


def test_verify_prints_each_breach_and_fails(clinic, vialbook, tmp_path):
    good = tmp_path / "stock.csv"
    good.write_text("sku,lot,expires,containers,unit cost\nMP-001,A17,2027-06-30,5,16.50\n", "utf-8")
    vialbook("import", "opening-stock", str(good))
    with settings.from_environment().open_database().engine.begin() as connection:
        connection.exec_driver_sql("UPDATE balances SET quantity = quantity + 1")

    status, output, errors = vialbook("verify")

    assert status == 1
    assert output
    assert "breach" in errors


def test_the_demo_clinic_is_loaded_once_and_its_tokens_are_its_owners_alone(home, vialbook, monkeypatch):
    from seed_data import demo

    whole = demo.load
    monkeypatch.setattr(demo, "load", lambda db, **options: whole(db, days=14, **options))

    first = vialbook("init", "--demo")
    kept = (home / "demo-tokens.txt").read_text("utf-8")
    second = vialbook("init", "--demo")

    assert (first[0], second[0]) == (0, 0)
    assert stat.S_IMODE((home / "demo-tokens.txt").stat().st_mode) == 0o600
    assert "manager" in kept
    assert kept.strip() in first[1]
    assert kept.strip() in second[1]
    people = (home / "demo-sign-in.txt").read_text("utf-8")
    assert stat.S_IMODE((home / "demo-sign-in.txt").stat().st_mode) == 0o600
    assert people.split()[-1] not in first[1] + second[1], "it is said by serve, beside the address"
    assert str(home / "demo-sign-in.txt") in second[1]
    assert "The demo clinic is on record." in second[1]
    assert (home / "demo-tokens.txt").read_text("utf-8") == kept
    assert vialbook("verify")[0] == 0


def test_a_demo_is_not_added_to_a_clinic_that_works(clinic, vialbook):
    status, output, _ = vialbook("init", "--demo")

    assert status == 0
    assert "There is a clinic on record already; the demo clinic is not added to it." in output
    assert not (clinic / "demo-tokens.txt").exists()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "0"),
        ("PORT", "70000"),
        ("PORT", "eight"),
        ("VIALBOOK_DATABASE_URL", "mysql://root:secret@db/x"),
    ],
)
def test_an_environment_that_cannot_be_is_refused_without_repeating_secrets(home, name, value):
    with pytest.raises(BadEnvironment) as refused:
        settings.from_environment({name: value})

    assert "secret" not in str(refused.value)


def test_the_server_says_where_it_is_and_ends_when_it_is_told(clinic):
    port = free_port()
    left = clinic / ".vialbook-00000000000000ff.scratch"  # by a restore that was killed after its work
    left.mkdir()
    process = started([sys.executable, "-m", "api.cli", "serve", "--port", str(port)], port)

    process.send_signal(signal.SIGTERM)
    output, _ = process.communicate(timeout=15)

    assert f"http://127.0.0.1:{port}" in output
    assert process.returncode == 0
    assert not left.exists()


SLOW = """
import sys, time
from flask import Flask
from api import serving

app = Flask("slow")
app.add_url_rule("/health", "health", lambda: "up")
app.add_url_rule("/slow", "slow", lambda: time.sleep(1) or "finished")
serving.serve(lambda: app, serving.listen("127.0.0.1", int(sys.argv[1])), workers=int(sys.argv[2]))
"""


@pytest.mark.parametrize("workers", [1, 2])
def test_a_request_under_way_is_finished_before_the_server_ends(workers):
    port = free_port()
    process = started([sys.executable, "-c", SLOW, str(port), str(workers)], port)
    answered: list[bytes] = []

    def ask() -> None:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/slow", timeout=20) as answer:
            answered.append(answer.read())

    asking = threading.Thread(target=ask)
    asking.start()
    time.sleep(0.3)  # the request has reached the server
    process.send_signal(signal.SIGTERM)
    asking.join(timeout=20)

    assert answered == [b"finished"]
    assert process.wait(timeout=15) == 0


def test_the_same_commands_work_on_either_database(empty_database: NewDatabase, home, vialbook, monkeypatch):
    with empty_database() as database:
        url = database.engine.url.render_as_string(hide_password=False)
        monkeypatch.setenv("VIALBOOK_DATABASE_URL", url)

        made = vialbook("init", "--no-seed")
        token = vialbook("token", "Mia", "--role", "admin")
        sound = vialbook("verify")

    assert (made[0], token[0], sound[0]) == (0, 0, 0)
