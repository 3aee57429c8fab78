"""Waiting: first come, first served, up to a length; who comes then is told at once to come again."""

import http.client
import json
import sqlite3
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress

import pytest
import waitress

from api import checkpoints, serving
from inventory.database import Database


def served(app, monkeypatch, *, waiting: int, threads: int = 1):
    """A server of an application with our queue, on a free port."""
    monkeypatch.setattr(serving, "MOST_WAITING", waiting)
    queue = serving.Queue()
    queue.set_thread_count(threads)
    return waitress.create_server(app, _dispatcher=queue, host="127.0.0.1", port=0)


def test_who_finds_too_many_waiting_is_told_so_at_once_and_the_others_are_served_in_turn(monkeypatch):
    entered, may_go_on, order = threading.Event(), threading.Event(), []

    def slow(environ, start_response):
        entered.set()
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
            assert entered.wait(10)
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


def test_what_was_begun_is_answered_to_its_last_byte_and_who_comes_later_is_told(monkeypatch):
    much, entered, may_go_on = b"x" * 30_000_000, threading.Event(), threading.Event()

    def slow(environ, start_response):
        entered.set()
        may_go_on.wait(30)
        start_response("200 OK", [("Content-Length", str(len(much)))])
        return [much]

    server = served(slow, monkeypatch, waiting=3)
    queue = server.task_dispatcher
    connections = [http.client.HTTPConnection("127.0.0.1", server.effective_port, timeout=30) for _ in "123"]
    running = threading.Thread(target=serving.run, args=(server, queue), daemon=True)
    running.start()
    first, idle, late = connections
    first.request("GET", "/")
    assert entered.wait(10)
    for connection in (idle, late):
        connection.connect()
    until = time.monotonic() + 10
    while len(server.active_channels) < 3 and time.monotonic() < until:
        time.sleep(0.01)

    queue.ending = True
    late.request("GET", "/")
    refused = late.getresponse()
    problem = json.loads(refused.read())
    may_go_on.set()
    time.sleep(0.3)  # more lies in the server than the sockets hold
    answer = first.getresponse().read()
    running.join(20)

    assert len(answer) == len(much)
    assert (refused.status, refused.headers["Retry-After"], problem["name"]) == (503, "2", "Ending")
    assert not running.is_alive()  # it waits for nobody who asks for nothing
    with pytest.raises(ConnectionRefusedError):
        http.client.HTTPConnection("127.0.0.1", server.effective_port, timeout=5).connect()


def test_those_who_still_wait_when_the_time_is_over_are_told_so(monkeypatch):
    monkeypatch.setattr(serving, "GRACE_SECONDS", 0.2)
    entered, may_go_on = threading.Event(), threading.Event()

    def stuck(environ, start_response):
        entered.set()
        may_go_on.wait(30)
        start_response("200 OK", [("Content-Length", "2")])
        return [b"ok"]

    server = served(stuck, monkeypatch, waiting=3)
    queue = server.task_dispatcher
    running = threading.Thread(target=serving.run, args=(server, queue), daemon=True)
    running.start()
    stuck_one, waiting = (
        http.client.HTTPConnection("127.0.0.1", server.effective_port, timeout=30) for _ in "12"
    )
    stuck_one.request("GET", "/")
    assert entered.wait(10)
    waiting.request("GET", "/")
    until = time.monotonic() + 10
    while not queue.queue and time.monotonic() < until:
        time.sleep(0.01)

    queue.ending = True

    assert waiting.getresponse().status == 503
    running.join(20)
    may_go_on.set()
    assert not running.is_alive()


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
