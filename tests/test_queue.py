"""Waiting: first come, first served, up to a length; who comes then is told at once to come again."""

import http.client
import json
import sqlite3
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress

import waitress
from waitress.task import ThreadedTaskDispatcher

from api import checkpoints, serving
from inventory.database import Database


def served(app, monkeypatch, *, waiting: int, threads: int = 1):
    """A server of an application with our queue, on a free port."""
    monkeypatch.setattr(serving, "MOST_WAITING", waiting)
    queue = serving.Queue()
    queue.set_thread_count(threads)
    return waitress.create_server(app, _dispatcher=queue, host="127.0.0.1", port=0)


def test_who_finds_too_many_waiting_is_told_so_at_once_and_the_others_are_served_in_turn(monkeypatch):
    may_go_on, order = threading.Event(), []

    def slow(environ, start_response):
        may_go_on.wait(30)
        order.append(environ["PATH_INFO"])
        start_response("200 OK", [("Content-Length", "2")])
        return [b"ok"]

    server = served(slow, monkeypatch, waiting=3)

    def run() -> None:
        with suppress(OSError):  # its socket is closed under it in the end
            server.run()

    threading.Thread(target=run, daemon=True).start()

    def ask(number: int) -> tuple[int, str | None, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", server.effective_port, timeout=30)
        connection.request("GET", f"/{number}")
        answer = connection.getresponse()
        found = answer.status, answer.headers["Retry-After"], answer.read()
        connection.close()
        return found

    with ThreadPoolExecutor(8) as pool:
        first = []
        for number in range(4):  # one under way, three waiting
            first.append(pool.submit(ask, number))
            until = time.monotonic() + 10
            while len(server.task_dispatcher.queue) < number and time.monotonic() < until:
                time.sleep(0.005)
        refused = [ask(9) for _ in range(3)]  # while nobody is served
        may_go_on.set()
        answers = [one.result() for one in first]
    server.close()

    assert [status for status, _, _ in refused] == [503] * 3
    assert {after for _, after, _ in refused} == {"2"}
    problem = json.loads(refused[0][2])
    assert (problem["name"], problem["status"]) == ("TooManyWaiting", 503)
    assert [status for status, _, _ in answers] == [200] * 4
    assert order == ["/0", "/1", "/2", "/3"]


def test_those_under_way_are_given_time_when_the_server_ends(monkeypatch):
    given = []
    monkeypatch.setattr(
        ThreadedTaskDispatcher, "shutdown", lambda self, cancel, timeout: given.append(timeout)
    )

    serving.Queue().shutdown()

    assert given == [serving.GRACE_SECONDS]


def test_a_log_that_grew_is_carried_into_the_book_and_begins_anew(tmp_path, monkeypatch):
    file, log = tmp_path / "book.sqlite", tmp_path / "book.sqlite-wal"
    database = Database(f"sqlite:///{file}", log_pages=checkpoints.NET_PAGES)

    def write(rows: int) -> None:
        with database.engine.begin() as writer:
            writer.exec_driver_sql("CREATE TABLE IF NOT EXISTS notes (text TEXT)")
            for _ in range(rows):
                writer.exec_driver_sql("INSERT INTO notes VALUES (hex(randomblob(20000)))")

    write(200)
    size = file.stat().st_size
    with closing(sqlite3.connect(file, isolation_level=None)) as book:
        carried = checkpoints.carry(book)
        assert carried > 1_000  # by itself a commit would have carried it
        assert size < 1_000_000 < file.stat().st_size
        monkeypatch.setattr(checkpoints, "LONG_PAGES", 100)
        write(20)
        checkpoints.carry(book)
        grown = log.stat().st_size
        write(20)  # from the beginning of the log again

    assert log.stat().st_size == grown
    with database.read() as db:
        assert db.connection().exec_driver_sql("SELECT count(*) FROM notes").scalar() == 240
    database.engine.dispose()


def test_the_log_of_a_book_is_carried_while_the_process_lives(tmp_path, monkeypatch):
    monkeypatch.setattr(checkpoints, "EVERY_SECONDS", 0.01)
    carried = threading.Event()
    monkeypatch.setattr(checkpoints, "carry", lambda book: carried.set())

    checkpoints.keep(tmp_path / "book.sqlite")

    assert carried.wait(30)
