"""The demo clinic's counts: the fridge last week, one vial short, and a cupboard that is being counted."""

from datetime import datetime

from inventory import count_posting, counting, differences, places, stocktake
from inventory.counting import Found
from inventory.counts import Count
from inventory.differences import Line
from inventory.stocktake import Scope
from seed_data.demo_places import FRIDGE, ROOM
from seed_data.demo_stockroom import MANAGER, Stockroom


def fridge(room: Stockroom, *, at: datetime) -> None:
    """Count the fridge: all is there but one container of the fullest lot, which is counted twice."""
    count = _begin(room, FRIDGE, at=at)
    lines = differences.lines(room.db, count)
    if not lines:
        return
    fullest = max(lines, key=lambda line: (line.book / line.content, line.lot_number))
    for again in (False, True):
        found = [
            Found(line.id, line.book - (line.content if line is fullest else 0), again=again)
            for line in lines
            if not again or line is fullest
        ]
        counting.write_down(room.db, count, found, at=at, recorded_at=at, by=MANAGER)
    count_posting.post(room.db, count, at=at, by=MANAGER, reason="monthly count of the fridge")


def cupboard(room: Stockroom, *, at: datetime) -> None:
    """Begin to count the treatment room's cupboard; whoever counts was called away."""
    count = _begin(room, ROOM, at=at)
    lines: list[Line] = differences.lines(room.db, count)
    found = [Found(line.id, line.book) for line in lines[: len(lines) // 2]]
    counting.write_down(room.db, count, found, at=at, recorded_at=at, by=MANAGER)


def _begin(room: Stockroom, code: str, *, at: datetime) -> Count:
    there = places.place(room.db, room.site, code)
    return stocktake.begin(room.db, Scope(place=there), site=room.site, at=at, by=MANAGER)
