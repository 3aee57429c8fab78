"""What stands between the program and those who reach it: proxies, host names, limits, logs and figures."""

import logging
import os
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from api import secret, settings, watching
from api.app import create_app
from api.auth import Role
from api.limits import Limits, TooManyRequests
from api.settings import BadEnvironment, Exposure
from tests.calls import NOW, Clinic
from tests.pages import House

pytest_plugins = ("tests.calls", "tests.pages")

FAR = {"REMOTE_ADDR": "203.0.113.9"}


def exposed(here: Clinic, limits: Limits | None = None, **chosen: object) -> Clinic:
    """The same clinic, reached as the environment says."""
    app = create_app(here.database, clock=here.clock, exposure=Exposure(**chosen), limits=limits)
    app.config["PROPAGATE_EXCEPTIONS"] = False
    return replace(here, app=app)


def lines(caplog: pytest.LogCaptureFixture) -> list[dict[str, object]]:
    return [record.facts for record in caplog.records if record.name == "vialbook.requests"]


@pytest.fixture
def said(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> pytest.LogCaptureFixture:
    """What is written of requests."""
    monkeypatch.setattr(watching.REQUESTS, "propagate", True)
    caplog.set_level(logging.INFO, logger="vialbook.requests")
    return caplog


@pytest.mark.parametrize(
    ("proxies", "forwarded", "address"),
    [
        (0, "198.51.100.1", "203.0.113.9"),
        (1, "198.51.100.1", "198.51.100.1"),
        (1, "127.0.0.1, 198.51.100.1", "198.51.100.1"),  # the caller wrote the first one
        (2, "127.0.0.1, 198.51.100.1, 10.0.0.2", "198.51.100.1"),
    ],
)
def test_what_a_proxy_says_of_the_caller_is_believed_of_so_many_proxies(
    here, said, proxies, forwarded, address
):
    behind = exposed(here, proxies=proxies)

    answer = behind.get(
        "/items", headers={"X-Forwarded-For": forwarded, "X-Forwarded-Proto": "https"}, environ_base=FAR
    )

    assert lines(said)[-1]["address"] == address
    assert ("Strict-Transport-Security" in answer.headers) == (proxies == 1)


def test_behind_tls_every_answer_tells_the_browser_to_stay_there(here):
    behind = exposed(here, proxies=1)
    for path in ("/items", "/health", "/api/v1/docs", "/nowhere"):
        answer = behind.get(path, headers={"X-Forwarded-Proto": "https"})

        assert answer.headers["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains", path


def test_only_the_names_of_the_clinic_are_answered_to_and_private_addresses_bear_the_first(here):
    named = exposed(here, hosts=("book.clinic.example", "127.0.0.1"))

    assert named.get("/items", base_url="http://book.clinic.example").status_code == 200
    assert named.get("/items", base_url="http://127.0.0.1:8000").status_code == 200
    for host in (
        "evil.example",
        "book.clinic.example.evil.example",
        "evil.example:80",
        "xbook.clinic.example",
    ):
        answer = named.get("/items", base_url=f"http://{host}")
        assert answer.status_code == 400, host
        assert named.app.test_client().get("/sign-in", base_url=f"http://{host}").status_code == 400

    made = named.made("/calendars", {"site": "MAIN"}, base_url="http://127.0.0.1:8000")
    assert made["address"].startswith("http://book.clinic.example/api/v1/calendars/")


def test_who_asks_too_often_waits_and_nobody_else_does(here):
    kept = exposed(here, Limits(calls_per_minute=5, exports_per_hour=0, imports_per_hour=0))
    for _ in range(5):
        assert kept.get("/items").status_code == 200

    refused = kept.get("/items")
    assert refused.status_code == 429
    assert refused.json["name"] == "TooManyRequests"
    assert refused.json["detail"] == "At most 5 requests a minute are answered; try again in 60 seconds."
    assert refused.headers["Retry-After"] == "60"
    assert kept.get("/items", role=Role.ADMIN).status_code == 200
    assert kept.get("/health", role=None).status_code == 200

    here.clock.now += timedelta(seconds=90)  # what was asked a minute ago counts by half
    assert [kept.get("/items").status_code for _ in range(4)] == [200, 200, 200, 429]


def test_a_refused_write_changes_nothing_and_is_done_when_it_is_sent_again(here):
    kept = exposed(here, Limits(calls_per_minute=1, exports_per_hour=0, imports_per_hour=0))
    new, key = {"code": "SUP-9", "name": "Harbour"}, {"Idempotency-Key": "once"}
    kept.get("/items")

    assert kept.post("/suppliers", new, headers=key).status_code == 429
    here.clock.now += timedelta(minutes=2)
    assert kept.post("/suppliers", new, headers=key).status_code == 201


def test_exports_and_imports_have_an_hour_of_their_own(here):
    kept = exposed(here, Limits(calls_per_minute=600, exports_per_hour=2, imports_per_hour=1))
    month = "/exports/conversion.csv?from=2026-01-01&to=2026-01-31"
    assert [kept.get(month).status_code for _ in range(3)] == [200, 200, 429]
    sent = {"data": b"sku\nX\n", "content_type": "text/csv"}
    assert [kept.post("/imports/items", **sent).status_code for _ in range(2)] == [422, 429]
    assert kept.get("/items").status_code == 200
    here.clock.now += timedelta(hours=2)
    assert kept.get(month).status_code == 200


def test_an_address_from_which_nobody_signs_in_waits_too(here):
    kept = exposed(here, Limits(calls_per_minute=600, exports_per_hour=0, imports_per_hour=0))
    wrong = {"headers": {"Authorization": "Bearer wrong"}, "role": None, "environ_base": FAR}
    seen = [kept.get("/items", **wrong).status_code for _ in range(302)]

    assert seen == [401] * 300 + [429] * 2
    assert kept.get("/items", environ_base=FAR).status_code == 200  # a person is counted by their name
    assert kept.get("/items", role=None).status_code == 401  # from another address


def test_a_page_that_is_asked_for_too_often_is_told_so_as_a_page(house: House):
    few = Limits(calls_per_minute=2, exports_per_hour=0, imports_per_hour=0)
    browser = house.as_(Role.MANAGER)
    client = exposed(house.clinic, few).app.test_client()
    client.set_cookie("vialbook-session", browser.client.get_cookie("vialbook-session").value)

    answers = [client.get("/account") for _ in range(3)]

    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[-1].mimetype == "text/html"
    assert int(answers[-1].headers["Retry-After"]) > 0


def test_workers_count_together():
    shared = Limits(calls_per_minute=10, exports_per_hour=0, imports_per_hour=0)
    asked = {"call": "GET /x", "person": "Ann", "address": "", "at": NOW}
    for _ in range(2):
        child = os.fork()
        if child == 0:
            for _ in range(4):
                shared.spend(**asked)
            os._exit(0)
        os.waitpid(child, 0)
    for _ in range(2):
        shared.spend(**asked)

    with pytest.raises(TooManyRequests):
        shared.spend(**asked)


def test_many_addresses_take_no_more_room_than_there_is_and_wash_no_person_away():
    shared = Limits(calls_per_minute=1, exports_per_hour=1, imports_per_hour=0)
    shared.spend(call="GET /api/v1/exports/x", person="Ann", address="", at=NOW)
    for number in range(40_000):
        shared.spend(call="GET /x", person=None, address=f"10.{number}", at=NOW)

    with pytest.raises(TooManyRequests, match="exports an hour"):
        shared.spend(call="GET /api/v1/exports/x", person="Ann", address="", at=NOW + timedelta(minutes=2))


def test_limits_hold_where_others_can_reach_the_program_unless_they_are_chosen():
    assert list(Exposure().limits(abroad=False).values()) == [0, 0, 0]
    assert list(Exposure().limits(abroad=True).values()) == [600, 10, 20]
    assert list(Exposure(calls_per_minute=5).limits(abroad=False).values()) == [5, 0, 0]
    assert list(Exposure(calls_per_minute=0).limits(abroad=True).values()) == [0, 10, 20]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("VIALBOOK_PROXIES", "-1"),
        ("VIALBOOK_PROXIES", "many"),
        ("VIALBOOK_PROXIES", "10"),
        ("VIALBOOK_HOSTS", "http://book.example/"),
        ("VIALBOOK_HOSTS", "a b"),
        ("VIALBOOK_METRICS_TOKEN", "short"),
        ("VIALBOOK_CALLS_PER_MINUTE", "1.5"),
        ("VIALBOOK_EXPORTS_PER_HOUR", "٣"),
        ("VIALBOOK_ACCESS_LOG", "syslog"),
    ],
)
def test_an_environment_that_cannot_be_meant_is_refused_by_name(name, value):
    with pytest.raises(BadEnvironment, match=name):
        settings.from_environment({name: value})


@pytest.mark.skipif(os.name != "posix", reason="rights of files are POSIX's")
@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660])
def test_a_secret_that_others_can_read_or_guess_keeps_the_program_from_starting(tmp_path: Path, mode):
    environment = settings.from_environment({"VIALBOOK_HOME": str(tmp_path)})
    secret.check(environment)
    environment.secret_file.write_text("x" * 40)
    environment.secret_file.chmod(0o600)
    secret.check(environment)

    environment.secret_file.chmod(mode)
    with pytest.raises(secret.SecretOpenToOthers, match=f"its rights are {mode:o}"):
        secret.check(environment)
    with pytest.raises(secret.WeakSecret):
        secret.check(replace(environment, secret="short"))
