"""The benchmarks work, and ours and the floors give the same answers; how fast is for the command to say."""

import gzip
from pathlib import Path

import pytest

from tests.benchmarks import __main__ as command
from tests.benchmarks import (
    book,
    dispense,
    load_clients,
    load_house,
    loading,
    over_http,
    pages,
    quoting,
    reading,
    recall,
    receiving,
    timing,
)
from tests.benchmarks.book import Book
from tests.benchmarks.timing import Figure

LOTS = 200


@pytest.fixture
def tiny(tmp_path: Path) -> Book:
    """Two hundred lots and two thousand movements."""
    return book.build(tmp_path, LOTS, 10 * LOTS)


def test_ours_and_the_floor_take_the_same_lots(tiny, tmp_path):
    ours, floor = dispense.ours(tiny), dispense.floor(tmp_path, tiny)

    for _ in range(5):
        assert ours() == floor()


def test_a_session_over_http_takes_the_same_lots(tiny, tmp_path):
    app, token = over_http.opened(tiny)
    posted = over_http.ours(app, token)
    floor = dispense.floor(tmp_path, tiny)

    assert posted() == floor()


def test_a_session_through_a_server_takes_the_same_lots(tiny, tmp_path):
    app, token = over_http.opened(tiny)
    floor = dispense.floor(tmp_path, tiny)

    with over_http.serving(app) as port:
        assert over_http.through_a_server(port, token, seed=1)() == floor()


def test_pages_of_lots_are_the_floors_first_and_last(tiny):
    connection = book.bare(tiny.path)
    last = reading.before_last_page(connection)

    for after in (None, last):
        ours = reading.page(tiny, after)()
        floor = reading.page_floor(connection, after)()
        assert len(ours) == reading.PAGE
        assert [(row.id, row.sku, row.on_hand * book.UNIT, row.value * 100) for row in ours] == [
            (row[0], row[1], row[8], row[9]) for row in floor
        ]
    connection.close()


def test_the_valuation_is_the_floors(tiny):
    connection = book.bare(tiny.path)

    ours = reading.valuation(tiny)()
    floor = reading.valuation_floor(connection)()

    assert [(row.sku, row.lot_id, row.value * 100) for row in ours.rows] == [
        (row[0], row[2], row[6]) for row in floor
    ]
    assert ours.total * 100 == sum(row[6] for row in floor) > 0
    connection.close()


def test_the_floor_of_a_quote_finds_the_same_cost_and_writes_as_many_rows(tmp_path):
    here = book.build(tmp_path, 2_000, 4_000)
    quoting.offer_course(here)
    first = quoting.ours(here)()
    connection = book.copy(here, "quotes")

    cost = quoting.floor(connection, here, first)()

    lines, actual = connection.execute(
        "SELECT count(*), sum(actual) FROM quote_lines WHERE kind = 'injectable' AND quote_id = ?", (first,)
    ).fetchone()
    assert lines == quoting.INGREDIENTS * quoting.SESSIONS
    assert abs(actual - cost) <= lines  # each line is rounded to cents
    for table in quoting.TABLES:
        of_ours, of_both = (
            reader.execute(f"SELECT count(*) FROM {table}").fetchone()[0]  # noqa: S608
            for reader in (book.bare(here.path), connection)
        )
        assert of_both == 2 * of_ours > 0
    connection.close()


@pytest.mark.parametrize("work", [receiving.ours, receiving.from_a_file])
def test_the_floor_of_a_delivery_inserts_the_rows_of_ours(tiny, work):
    copied, reader = book.copy(tiny, "receipts"), book.bare(tiny.path)

    work(tiny, 60)("new")
    rows = receiving.rows_since(reader, LOTS)
    receiving.insert(copied, rows)

    assert {table: len(found) for table, found in rows.items()} == dict.fromkeys(receiving.TABLES, 60)
    assert receiving.rows_since(copied, LOTS) == rows
    copied.close()
    reader.close()


def test_the_demo_clinic_is_loaded_for_so_many_days(tmp_path):
    assert min(loading.demo_year(tmp_path, days=2)) > 0


LONG = {"pages", "sizing", "load"}
"""They serve a clinic, or load a whole year of it twice."""


def test_every_benchmark_of_the_command_gives_its_figures(tmp_path):
    size = command.Size(
        lots=2_000, movements=20_000, rounds=4, lines=20, days=14, shelf=200, courses=2, seeds=1
    )

    for name, work in command.works(tmp_path, size).items():
        for figure in [] if name in LONG else work():
            assert figure.ours > 0 or figure.unit == "MB"  # so little memory may be none
            assert figure.name in figure.line()


def test_a_goal_is_met_or_missed_by_the_ratio_or_by_the_difference():
    assert not Figure("", 10, 2, goal=5).missed
    assert Figure("", 10.1, 2, goal=5).missed
    assert not Figure("", 5, 2, most_over=3).missed
    assert Figure("", 5.1, 2, most_over=3).missed
    assert not Figure("", 5).missed
    assert not Figure("", 5, 2).missed


def test_a_goal_may_be_a_number_that_ours_must_not_pass():
    assert not Figure("", 100, unit="KB", most=100).missed
    assert Figure("", 100.1, unit="KB", most=100).missed
    assert Figure("", 0.01, unit="", most=0).missed


def test_pages_are_served_by_the_program_and_their_floor_reads_the_same_rows(tmp_path):
    house = pages.furnished(tmp_path, lots=200, days=14)
    connection = book.bare(house.file)

    asked = {path: pages.queries(house, path) for path in (pages.FIRST, pages.STOCK)}
    with pages.served(house) as port:
        shown = {path: gzip.decompress(pages.fetched(port, house, path)()).decode() for path in asked}

    assert f"{house.sku}" in shown[pages.STOCK]
    assert "signed in" not in shown[pages.FIRST]
    for statements in asked.values():
        assert any("FROM balances" in statement for statement, _ in statements)
        assert pages.floor(connection, statements)() > 150
    connection.close()
    house.database.engine.dispose()


def test_works_are_run_in_turn_and_timed_by_the_clock():
    now, calls = [0.0], []

    def work(name, seconds):
        calls.append(name)
        now[0] += seconds

    ours, floor = timing.in_turn(
        lambda: work("ours", 0.002), lambda: work("floor", 0.001), rounds=3, warm=1, clock=lambda: now[0]
    )

    assert calls == ["ours", "floor"] * 4
    assert [round(each, 6) for each in (*ours, *floor)] == [2, 2, 2, 1, 1, 1]


def test_a_recall_and_its_floor_find_the_same_sessions_and_leave_the_same_rows(tiny):
    many = recall.popular(tiny, 30)
    connection = book.bare(many.path)

    trace, rows = recall.traced(many, recall.POPULAR)(), recall.traced_floor(connection, recall.POPULAR)()
    ours, floor = recall.recalled(many, 100)(), recall.recalled_floor(connection, 50)()

    assert [(one.session_id, one.quantity * book.UNIT) for one in trace.sessions] == [
        (row[0], row[5]) for row in rows[0]
    ]
    assert len(trace.sessions) == 30
    assert [len(part) for part in floor] == [
        len(ours.sessions), len(ours.receipts), len(ours.held), len(ours.opened), len(ours.events),
    ]  # fmt: skip
    assert {one.place for one in ours.held} == {row[3] for row in floor[2]} == {"QUARANTINE"}
    connection.close()
    many.database.engine.dispose()


def test_sessions_under_load_take_what_their_floor_takes_and_all_are_in_the_book(
    engine_name, request, tmp_path
):
    server = None if engine_name == "sqlite" else request.getfixturevalue("postgres_url")
    with load_house.houses(engine_name, tmp_path, lots=300, server=server) as house:
        ours, floor = load_clients.in_process(house, 0), load_clients.bare(house, 0)

        taken, least = (sorted(one for _ in range(3) for one in session()) for session in (ours, floor))

        assert taken == least
        assert len(least) >= 30
        checked = [[figure.ours for figure in load_house.checked(house, answered=n)] for n in (3, 4)]
        assert checked == [[0, 0, 0], [1, 0, 0]]
        if engine_name == "postgresql":  # what keeps all takes the same of the restocked lots
            load_house.restock(house)
            dutiful = load_clients.dutiful(house, 0)
            assert sorted(one for _ in range(3) for one in dutiful()) == taken
