"""Recalls: tracing a lot that thousands received, and recalling one, against the same SQL and two seconds."""

import sqlite3
import time
from collections.abc import Callable
from typing import Any

from api import recall_sheet
from inventory import clinic, holds, lots, tracing
from inventory.database import Database
from inventory.tracing import Trace
from pricing import recalls
from tests.benchmarks import book, timing
from tests.benchmarks.book import PATIENT, SHELF, UNIT, Book
from tests.benchmarks.timing import Figure

POPULAR = 1  # the lot that everybody received
TWO_SECONDS = 2_000.0

SESSIONS = """
    SELECT s.id, s.at, s.site_id, sites.code, s.patient_ref, sum(m.quantity), c.id IS NOT NULL
    FROM treatment_sessions s JOIN movements m ON m.document_id = s.document_id
    JOIN sites ON sites.id = s.site_id LEFT JOIN movements c ON c.corrects_id = m.id
    WHERE m.lot_id = ? AND m.target_id IN (SELECT id FROM places WHERE kind = 'patient') AND c.id IS NULL
    GROUP BY s.id, s.at, s.site_id, sites.code, s.patient_ref, c.id IS NOT NULL ORDER BY s.at, s.id
"""
RECEIPTS = """
    SELECT r.id, r.received_on, sites.code, r.containers, r.quantity, r.unit_cost, r.value, suppliers.name,
      d.reference, d.by, EXISTS (SELECT 1 FROM movements m JOIN movements c ON c.corrects_id = m.id
                                 WHERE m.document_id = r.document_id)
    FROM receipts r JOIN sites ON sites.id = r.site_id JOIN documents d ON d.id = r.document_id
    LEFT JOIN suppliers ON suppliers.id = r.supplier_id WHERE r.lot_id = ? ORDER BY r.id
"""
HELD = """
    SELECT sites.id, sites.code, sites.name, places.code, places.name, places.kind, balances.quantity
    FROM balances JOIN places ON places.id = balances.place_id JOIN sites ON sites.id = places.site_id
    WHERE balances.lot_id = ? AND balances.quantity > 0
"""
FOUND = """
    SELECT places.site_id, places.id, balances.quantity, balances.last_on, sites.time_zone,
      (SELECT min(q.id) FROM places q WHERE q.site_id = sites.id AND q.kind = 'quarantine' AND q.active)
    FROM balances JOIN places ON places.id = balances.place_id JOIN sites ON sites.id = places.site_id
    WHERE balances.lot_id = ? AND balances.quantity > 0 AND places.kind = 'shelf'
"""
ON_THE_WAY = "SELECT transfer_id FROM transfer_lines WHERE lot_id = ? AND left_quantity > 0"
CLOSED = "SELECT max(month) FROM periods"
OPENED = "SELECT * FROM opened_vials WHERE lot_id = ? AND closed_at IS NULL"
EVENTS = "SELECT * FROM lot_events WHERE lot_id = ? ORDER BY id"

Rows = list[tuple[Any, ...]]


def popular(large: Book, sessions: int) -> Book:
    """A copy of the book in which so many sessions, each of its own patient, received one lot."""
    connection = book.copy(large, "recall")
    (path,) = [row[2] for row in connection.execute("PRAGMA database_list") if row[1] == "main"]
    item, layer = connection.execute(
        "SELECT item_id, (SELECT min(id) FROM cost_layers WHERE lot_id = lots.id) FROM lots WHERE id = ?",
        (POPULAR,),
    ).fetchone()
    first = connection.execute("SELECT max(id) FROM documents").fetchone()[0] + 1
    on, noon = book.TODAY.isoformat(), f"{book.TODAY} 12:00:00.000000"
    keys = range(first, first + sessions)
    connection.execute("BEGIN")
    connection.executemany(
        "INSERT INTO documents VALUES (?, 'session', 1, ?, ?, ?, 'bench', '', '')",
        [(key, on, noon, noon) for key in keys],
    )
    connection.executemany(
        "INSERT INTO treatment_sessions VALUES (NULL, ?, 1, ?, ?, ?, '', '')",
        [(key, on, noon, f"C-{key}") for key in keys],
    )
    connection.executemany(
        "INSERT INTO movements VALUES (NULL, ?, ?, ?, ?, ?, ?, -1, ?, 0, ?, NULL, NULL, NULL)",
        [(key, on, item, POPULAR, SHELF, PATIENT, UNIT, layer) for key in keys],
    )
    connection.execute("COMMIT")
    connection.execute("ANALYZE")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    file = large.path.with_name(path.rpartition("/")[2])
    return Book(Database(f"sqlite:///{file}"), file, large.lots, large.movements + sessions)


def traced(large: Book, lot: int) -> Callable[[], Trace]:
    """Everyone who received a lot, its papers and where it is."""

    def trace() -> Trace:
        with large.database.read() as db:
            return tracing.trace(db, lots.lot(db, lot))

    return trace


def traced_floor(connection: sqlite3.Connection, lot: int) -> Callable[[], list[Rows]]:
    """The same rows by bare sqlite3."""
    asked = (SESSIONS, RECEIPTS, HELD, OPENED, EVENTS)
    return lambda: [connection.execute(text, (lot,)).fetchall() for text in asked]


def recalled(large: Book, first: int) -> Callable[[], Trace]:
    """Recall one lot after the other, each committed and traced."""
    keys = iter(range(first, large.lots))

    def recall() -> Trace:
        with large.database.write() as db:
            lot = holds.recall(db, lots.lot(db, next(keys)), at=book.NOW, by="bench", reason="letter")
            trace = tracing.trace(db, lot)
            db.commit()
        return trace

    return recall


def recalled_floor(connection: sqlite3.Connection, first: int) -> Callable[[], list[Rows]]:
    """The same by bare sqlite3: read the lot, where it is and whether the month is closed; write; trace."""
    keys = iter(range(first, 10**9))
    on, noon = book.TODAY.isoformat(), f"{book.TODAY} 15:00:00.000000"

    def recall() -> list[Rows]:
        lot = next(keys)
        connection.execute("BEGIN IMMEDIATE")
        item, expires_on, received_on = connection.execute(
            "SELECT item_id, expires_on, received_on, state FROM lots WHERE id = ?", (lot,)
        ).fetchone()[:3]
        for _, place, quantity, *_, quarantine in connection.execute(FOUND, (lot,)).fetchall():
            connection.execute(CLOSED).fetchone()
            document = connection.execute(
                "INSERT INTO documents VALUES (NULL, 'hold', 1, ?, ?, ?, 'bench', '', 'letter')",
                (on, noon, noon),
            ).lastrowid
            connection.execute(
                "INSERT INTO movements VALUES (NULL, ?, ?, ?, ?, ?, ?, 0, ?, 0, NULL, NULL, 'letter', NULL)",
                (document, on, item, lot, place, quarantine, quantity),
            )
            connection.execute(
                "UPDATE balances SET quantity = 0, last_on = ? WHERE place_id = ? AND lot_id = ?",
                (on, place, lot),
            )
            connection.execute(
                "INSERT INTO balances VALUES (?, ?, ?, ?, ?, ?, ?)",
                (quarantine, lot, item, expires_on, received_on, quantity, on),
            )
        connection.execute(ON_THE_WAY, (lot,)).fetchone()
        connection.execute("UPDATE lots SET state = 'recalled' WHERE id = ?", (lot,))
        connection.execute(
            "INSERT INTO lot_events VALUES (NULL, ?, 'recalled', ?, 'bench', 'letter')", (lot, noon)
        )
        rows = traced_floor(connection, lot)()
        connection.execute("COMMIT")
        return rows

    return recall


def printed(large: Book, lot: int) -> bytes:
    """The report of a lot as a PDF, from the first question to the last byte."""
    with large.database.read() as db:
        found = recalls.report(db, lots.lot(db, lot), at=book.NOW)
        return recall_sheet.pdf(db, found, site=clinic.site(db, "MAIN"), by="bench")


def figures(large: Book, *, rounds: int, sessions: int = 2_000) -> list[Figure]:
    """A trace of thousands of sessions, recalls one after the other, and the whole report in two seconds."""
    many = popular(large, sessions)
    connection = book.bare(many.path)
    of = f"{many.movements:,} movements"
    half = many.lots // 2  # what the floor recalls is not ours to recall
    found = [
        timing.compared(
            f"trace of {sessions:,} sessions among {of}",
            traced(many, POPULAR),
            traced_floor(connection, POPULAR),
            rounds=max(5, rounds // 5),
            goal=3,
            warm=2,
        ),
        timing.compared(
            f"recall and trace of a lot among {of}",
            recalled(many, half),
            recalled_floor(connection, half // 2),
            rounds=rounds,
            goal=3,
        ),
    ]
    printed(large, POPULAR)  # typst itself is loaded once
    start = time.perf_counter()
    printed(many, POPULAR)
    took = (time.perf_counter() - start) * 1000
    found.append(Figure(f"the PDF of {sessions:,} sessions, and two seconds", took, TWO_SECONDS, goal=1))
    connection.close()
    many.database.engine.dispose()
    return found
