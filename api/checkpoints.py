"""Checkpoints of SQLite's log, made behind the requests: none of them waits while pages are carried over.

The log is carried into the file every second. Under writers that never pause it would grow without end, so
once it is long the last pages are carried while they wait, which is short, and it begins anew.
"""

import logging
import sqlite3
import threading
from contextlib import closing
from pathlib import Path

EVERY_SECONDS = 1.0
LONG_PAGES = 4_000  # 16 MB
WAIT_SECONDS = 0.5  # for readers of the old log, before it begins anew
NET_PAGES = 25_000  # should nobody carry the log over, whoever commits does

log = logging.getLogger("vialbook")


def keep(file: Path) -> threading.Thread:
    """Carry the log of a book over in a thread of its own, as long as the process lives."""
    thread = threading.Thread(target=_for_ever, args=(file,), name="checkpoints", daemon=True)
    thread.start()
    return thread


def _for_ever(file: Path) -> None:
    pause = threading.Event()
    while not pause.wait(EVERY_SECONDS):
        try:
            with closing(sqlite3.connect(file, timeout=WAIT_SECONDS, isolation_level=None)) as book:
                while not pause.wait(EVERY_SECONDS):
                    carry(book)
        except sqlite3.Error as error:  # the disk is full, say; whoever writes hears of it too
            log.warning("checkpoint: %s", error)


def carry(book: sqlite3.Connection) -> int:
    """Carry the log over as far as nobody has to wait, and begin it anew if it is long; its pages then."""
    _, pages, _ = book.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
    if pages > LONG_PAGES:
        _, pages, _ = book.execute("PRAGMA wal_checkpoint(RESTART)").fetchone()
    return int(pages)
