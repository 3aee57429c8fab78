"""The nightly command lapses what is over, ends what has expired, and touches nothing else (P4, B2)."""

import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from api import cli, settings
from inventory import clinic
from inventory.database import Database
from pricing import quote_life, quote_records, quotes
from pricing.quote_records import QuoteStatus
from tests.faults.house import houses
from tests.server import make_first_day

LONG_AGO = datetime(2024, 1, 15, 15, tzinfo=UTC)
EXPIRING = "PC-07"  # a course is good for six months


def test_a_second_night_does_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setenv("VIALBOOK_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("VIALBOOK_DATABASE_URL", raising=False)
    make_first_day(tmp_path / "home")
    database = cli.opened(settings.from_environment())
    keys = due(database)

    said = [_run("nightly", monkeypatch, capsys) for _ in range(2)]

    assert said == ["1 quote lapsed, 1 course expired.\n", "0 quotes lapsed, 0 courses expired.\n"]
    assert _run("verify", monkeypatch, capsys) == "The books are sound.\n"
    with database.read() as db:
        assert [quote_records.state(db, quote_records.quote(db, key)).status for key in keys] == [
            QuoteStatus.LAPSED,
            QuoteStatus.ACCEPTED,
            QuoteStatus.DECLINED,
            QuoteStatus.DRAFT,
        ]


def test_two_who_do_the_nightly_work_at_once_do_each_thing_once(engine_name, request):
    engine = engine_name if engine_name == "sqlite" else request.getfixturevalue("postgres_url")
    with houses(engine) as house:
        with house.book() as database:
            due(database)

        with ThreadPoolExecutor(2) as pool:
            both = [done.result() for done in [pool.submit(house.run, "nightly") for _ in range(2)]]

        assert [one.returncode for one in both] == [0, 0], [one.stderr for one in both]
        said = sorted(one.stdout for one in both)
        assert said == ["0 quotes lapsed, 0 courses expired.\n", "1 quote lapsed, 1 course expired.\n"]
        assert house.breaches() == []


def due(database: Database) -> list[int]:
    """Four quotes of long ago: one issued, one sold whose course is over, one declined, one never issued."""
    with database.write.begin() as db:
        clinic.change_setting(db, "cancellation_policy", EXPIRING, at=LONG_AGO, by="test")
        site = clinic.site(db, "MAIN")
        request = quotes.Request("P-00", "L2", date(2024, 1, 20), "P-1")
        made = [quotes.draft(db, request, site=site, at=LONG_AGO, by="test") for _ in range(4)]
        waiting, sold, declined, drafted = made
        for one in (waiting, sold, declined):
            quote_life.issue(db, one, site=site, at=LONG_AGO, by="test")
        quote_life.accept(db, sold, site=site, at=LONG_AGO, by="test")
        quote_life.decline(db, declined, at=LONG_AGO, by="test")
        return [one.id for one in (waiting, sold, declined, drafted)]


def _run(word: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> str:
    monkeypatch.setattr(sys, "argv", ["vialbook", word])
    capsys.readouterr()
    with pytest.raises(SystemExit) as ended:
        cli.main()
    found = capsys.readouterr()
    assert not ended.value.code, found.err
    return found.out
