"""Turns: the writers of one process go one after the other, in the order in which they came.

SQLite lets in whoever happens to look when the book is free, so that one of many may wait for long.
"""

import threading
from collections import deque
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event

TURN = "vialbook_turn"


class Turns:
    """A line in which the first one writes; each who waits has a place of their own."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._line: deque[threading.Event] = deque()

    def __len__(self) -> int:
        """How many write or wait."""
        return len(self._line)

    def take(self, seconds: float) -> threading.Event | None:
        """Stand in line until it is our turn; none if that took too long, and then we left the line."""
        place = threading.Event()
        with self._guard:
            self._line.append(place)
            if self._line[0] is place:
                return place
        if place.wait(seconds):
            return place
        self.give_back(place)
        return None

    def give_back(self, place: threading.Event) -> None:
        """Leave the line, and let in whoever is first now."""
        with self._guard:
            self._line.remove(place)
            if self._line:
                self._line[0].set()


def take_turns(engine: sa.Engine, seconds: float) -> Turns:
    """Have those who write through an engine line up before they begin, until their connection is given back.

    Who waited too long goes on without a turn, and SQLite says whether the book is free.
    """
    turns = Turns()

    def begin(connection: sa.Connection) -> None:
        reads = connection.get_execution_options().get("vialbook_reads", False)
        # Nobody would hear that a connection without a pool is given back.
        if reads or connection.connection.is_detached or TURN in connection.info:
            return
        if (place := turns.take(seconds)) is not None:
            connection.info[TURN] = place

    def give_back(_connection: Any, record: Any, *_why: Any) -> None:
        place = None if record is None else record.info.pop(TURN, None)
        if place is not None:
            turns.give_back(place)

    event.listen(engine, "begin", begin)
    for moment in ("checkin", "detach", "invalidate", "soft_invalidate"):
        event.listen(engine, moment, give_back)
    return turns
