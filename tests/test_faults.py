"""The faults in short: kills, power loss, races for the last vials, repeated requests.

`python -m tests.faults` has them in full. Each starts `vialbook serve` in processes of its own, over a book
as `vialbook init` makes it.
"""

import pytest

from tests.faults import away, crash, damage, disk, failover, halfway, power, race, replay, rude, soak
from tests.faults.__main__ import said
from tests.faults.cluster import NoPatroni
from tests.faults.disk import NoMount
from tests.faults.tally import Tally


@pytest.fixture
def engine(engine_name: str, request: pytest.FixtureRequest) -> str:
    """What `tests.faults.house.houses` is told: SQLite, or the address of the tests' PostgreSQL server."""
    return engine_name if engine_name == "sqlite" else request.getfixturevalue("postgres_url")


def test_nothing_is_lost_or_double_when_the_server_is_killed(engine):
    kills = 6 if engine == "sqlite" else 2

    tally = crash.crash(engine, kills=kills, workers=1, within=1.0)

    assert tally.wrong == []
    assert tally.counts["kills"] == kills
    assert tally.counts["answered"] > 0
    assert tally.counts["retried"] == tally.counts["unanswered"] > 0


def test_the_files_of_a_book_as_the_power_goes_are_a_book():
    tally = power.power(copies=6)

    assert tally.wrong == []
    assert tally.counts["answered"] > 0
    assert tally.counts["frames cut"] > 0


def test_as_many_have_their_way_as_there_are_vials_in_every_call_that_takes_them(engine):
    rounds = 2 * race.AT_ONCE * len(race.CONTESTS)  # one after another, and all at once

    tally = race.race(engine, attempts=rounds, workers=2)

    assert tally.wrong == []
    assert tally.counts["contests"] == 2 * len(race.CONTESTS)


def test_the_same_request_has_one_effect_however_often_it_comes(engine):
    tally = replay.replay(engine, rounds=1, kills=1)

    assert tally.wrong == []
    assert tally.counts["other bodies refused"] == 8


def test_no_answer_is_lost_when_another_server_leads():
    try:
        tally = failover.failover(rounds=1, faults=["switch", "crash"])
    except NoPatroni as missing:
        pytest.skip(str(missing))

    assert tally.wrong == []
    assert (tally.counts["switch"], tally.counts["crash"]) == (1, 1)
    assert tally.counts["reports from a standby"] == 2
    assert tally.counts["answered"] > 0


def test_a_server_that_is_told_to_end_finishes_what_it_has_begun():
    tally = crash.crash("sqlite", kills=2, workers=1, within=1.0, gently=True, rows=2_000)

    assert tally.wrong == []
    assert tally.counts["exports"] > 0
    assert tally.longest["end"] < 30
    assert tally.counts["retried"] == tally.counts["unanswered"]


def test_a_database_that_is_away_for_a_while_costs_nobody_an_answer(engine):
    tally = away.away("sqlite" if engine == "sqlite" else "postgresql", times=2, seconds=1.5)

    assert tally.wrong == []
    assert tally.counts["times away"] == 2
    assert tally.counts["answered"] > 0
    assert tally.counts["retried"] == tally.counts["unanswered"]


def test_mixed_work_goes_on_without_an_error():
    tally = soak.soak("sqlite", minutes=0.25)

    assert tally.wrong == []
    assert tally.counts["reads"] > tally.counts["writes"] > 0


def test_a_full_disk_stops_writing_alone_and_costs_nobody_an_answer():
    try:
        tally = disk.disk(times=1)
    except NoMount as missing:
        pytest.skip(str(missing))

    assert tally.wrong == []
    assert (tally.counts["times full"], tally.counts["files refused"]) == (1, 4)
    assert tally.counts["writes after it"] == 8


def test_a_file_that_was_changed_by_another_hand_is_noticed_before_a_number_is_wrong():
    tally = damage.damage(pages=4, commands=1)

    assert tally.wrong == []
    assert tally.counts["refused at start"] >= len(damage.OF_THE_FILE)
    assert tally.counts["commands that refused"] == 2
    assert tally.counts["named by its anchor"] > 0


def test_a_command_that_is_killed_within_is_run_again_and_there_once():
    tally = halfway.halfway(kills=1, first=0.5, names=("import", "restore"))

    assert tally.wrong == []
    assert tally.counts["killed"] == 2
    assert tally.counts["folders left by the killed"] == 1  # of the restore; none is left afterwards


def test_callers_without_manners_and_slow_statements_keep_nobody_else_waiting_for_ever():
    tally = rude.rude("sqlite", sockets=20, rounds=1, seconds_each=0.1)

    assert tally.wrong == []
    assert tally.counts["heads of 10 MB refused"] == 1


def test_a_breach_is_printed_and_is_the_status_of_the_command(capsys):
    assert said("sqlite", Tally()) == 0
    assert said("sqlite", Tally(wrong=["session S1 is there 2 times"])) == 1
    assert "1 breaches\n  session S1 is there 2 times" in capsys.readouterr().out
