"""What is watched: a line for every request without a chart number, figures, and whether it is ready (T8)."""

import json
import logging
import sys
import urllib.request
from dataclasses import replace
from pathlib import Path

import pytest

from api import migrations, watching
from api.app import create_app
from api.auth import Role
from api.errors import SENTENCES
from api.settings import Exposure
from inventory.database import Database
from tests import server
from tests.calls import NOW, Clinic
from tests.pages import House

pytest_plugins = ("tests.calls", "tests.pages")

FAR = {"REMOTE_ADDR": "203.0.113.9"}


def exposed(here: Clinic, **chosen: object) -> Clinic:
    """The same clinic, reached as the environment says."""
    return replace(here, app=create_app(here.database, clock=here.clock, exposure=Exposure(**chosen)))


def lines(caplog: pytest.LogCaptureFixture) -> list[dict[str, object]]:
    return [record.facts for record in caplog.records if record.name == "vialbook.requests"]


@pytest.fixture
def said(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> pytest.LogCaptureFixture:
    """What is written of requests."""
    monkeypatch.setattr(watching.REQUESTS, "propagate", True)
    caplog.set_level(logging.INFO, logger="vialbook.requests")
    return caplog


def test_a_request_has_a_name_in_its_answer_and_in_its_line(here, said):
    first, second = here.get("/items"), here.get("/items/NOPE")

    names = [answer.headers["X-Request-Id"] for answer in (first, second)]
    assert [line["request"] for line in lines(said)] == names
    assert names[0] != names[1]
    assert lines(said)[1]["call"] == "/api/v1/items/<code:sku>"
    assert lines(said)[1]["status"] == 404
    assert lines(said)[1]["person"] == "Manager Person"


CHART = "PX-77231"


def test_no_line_ever_holds_a_patient_reference_a_token_or_a_password(house: House, said, monkeypatch):
    said.set_level(logging.INFO)
    here = house.clinic
    receipt = {
        "sku": "HA-3",
        "lot_number": "A17",
        "expires_on": "2026-12-31",
        "containers": 5,
        "unit_cost": "1",
    }
    here.made("/receipts", receipt)
    line = {"lines": [{"sku": "HA-3", "quantity": "1"}]}
    made = here.made("/sessions", line | {"patient_ref": CHART}, headers={"Idempotency-Key": CHART})
    here.get(f"/sessions?patient_ref={CHART}")
    here.seen(f"/patients/{CHART}/lots")
    here.get(f"/patients/{CHART}%20X/lots")
    here.get(f"/nowhere/{CHART}")
    here.post("/sessions", {"lines": [{"sku": "HA-3", "quantity": "900"}], "patient_ref": CHART})
    house.as_(Role.MANAGER).get(f"/patients?ref={CHART}")
    house.come_in(Role.MANAGER, password="a wrong one, and long")

    from inventory import tracing

    def broken(*_args: object, **_options: object) -> None:
        raise RuntimeError("a fault")

    monkeypatch.setattr(tracing, "of_patient", broken)
    assert here.get(f"/patients/{CHART}/lots").status_code == 500
    assert SENTENCES[500] in here.get(f"/patients/{CHART}/lots").text

    written = "\n".join(watching.JsonLines().format(record) for record in said.records)
    assert made["id"]
    assert "fault in GET /api/v1/patients/<path:patient_ref>/lots" in written
    for word in (CHART, "a wrong one", *here.tokens.values()):
        assert word not in written


def test_lines_are_json_in_a_file_for_each_day_that_its_owner_alone_can_read(tmp_path: Path):
    handler = watching.DailyFile(tmp_path / "access")
    handler.setFormatter(watching.JsonLines())
    record = logging.LogRecord("vialbook.requests", logging.INFO, "", 0, "GET /x", (), None)
    record.facts = {"request": "ab", "status": 200}
    record.created = NOW.timestamp()
    handler.emit(record)
    handler.emit(record)
    record.created += 86_400
    handler.emit(record)

    days = sorted((tmp_path / "access").iterdir())
    assert [day.name for day in days] == ["2026-01-15.jsonl", "2026-01-16.jsonl"]
    assert [json.loads(line)["status"] for line in days[0].read_text().splitlines()] == [200, 200]
    assert days[0].stat().st_mode & 0o777 == 0o600


def test_a_log_that_cannot_be_written_stops_nobody(tmp_path: Path):
    (tmp_path / "access").write_text("a file where a folder should be")
    handler = watching.DailyFile(tmp_path / "access")
    handler.emit(logging.LogRecord("vialbook.requests", logging.INFO, "", 0, "GET /x", (), None))


def test_the_figures_are_read_here_or_with_the_token(here):
    guarded = exposed(here, metrics_token="a token for the figures")
    right = {"Authorization": "Bearer a token for the figures"}

    assert guarded.app.test_client().get("/metrics").status_code == 200
    assert guarded.app.test_client().get("/metrics", environ_base=FAR).status_code == 401
    for said in ({"X-Forwarded-For": "203.0.113.9"}, {"Forwarded": "for=203.0.113.9"}):
        # A proxy of which nobody told us asks for somebody else.
        assert guarded.app.test_client().get("/metrics", headers=said).status_code == 401
    for wrong in ("", "Bearer x", "Bearer ", "a token"):
        headers = {"Authorization": wrong}
        assert guarded.app.test_client().get("/metrics", environ_base=FAR, headers=headers).status_code == 401
    assert guarded.app.test_client().get("/metrics", environ_base=FAR, headers=right).status_code == 200
    assert exposed(here).app.test_client().get("/metrics", environ_base=FAR, headers=right).status_code == 401


def test_the_figures_count_calls_by_rule_and_hold_no_address(here):
    here.get("/items/SECRET-SKU")
    here.call("BREW", "/items")

    told = here.app.test_client().get("/metrics").text

    assert 'vialbook_requests_total{call="/api/v1/items/<code:sku>",method="GET",status="404"}' in told
    assert 'method="OTHER"' in told
    assert "vialbook_request_seconds_bucket" in told
    assert "SECRET-SKU" not in told
    assert "BREW" not in told


def test_ready_is_who_has_a_database_of_this_version(tmp_path: Path, here):
    assert here.get("/health", role=None).status_code == 200
    bare = here.app.test_client().get("/ready")  # its tables were made without a migration
    assert (bare.status_code, bare.json["name"]) == (503, "NotReady")
    assert "at version none" in bare.json["detail"]

    database = Database(f"sqlite:///{tmp_path / 'book.sqlite'}")
    migrations.upgrade(database)
    answer = create_app(database).test_client().get("/ready")
    assert (answer.status_code, answer.json["status"]) == (200, "ready")
    assert answer.json["migration"] == migrations.newest()
    database.engine.dispose()

    away = Database("postgresql+psycopg://nobody@127.0.0.1:1/none", connect_args={"connect_timeout": 1})
    assert create_app(away).test_client().get("/ready").json["detail"] == "The database does not answer."
    assert create_app(away).test_client().get("/health").status_code == 200


def test_the_program_as_it_is_served_counts_over_its_workers_and_writes_its_lines(tmp_path: Path):
    server.make_first_day(tmp_path)
    port = server.free_port()
    words = [sys.executable, "-m", "api.cli", "serve", "--port", str(port), "--workers", "2"]
    process = server.started(words, port, VIALBOOK_HOME=str(tmp_path), VIALBOOK_METRICS_TOKEN="")
    try:
        for _ in range(20):
            assert server.answers(f"http://127.0.0.1:{port}/ready")
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
            told = answer.read().decode()
    finally:
        process.terminate()
        process.wait(timeout=30)

    [count] = [line for line in told.splitlines() if 'call="/ready"' in line and "requests_total" in line]
    assert float(count.split()[-1]) == 20
    [log] = list((tmp_path / "access").iterdir())
    assert sum('"call": "/ready"' in line for line in log.read_text().splitlines()) == 20
