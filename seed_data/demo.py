"""A year in the life of a demo clinic, by the clinic's own acts and from a fixed seed.

Patients, dates, lots, costs of deliveries and mishaps are all invented.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from random import Random
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from inventory import clinic, treatments, wastage
from inventory.clinic import Site
from inventory.picking import NotEnoughStock
from inventory.treatments import Visit
from seed_data import (
    demo_bills,
    demo_counts,
    demo_discounts,
    demo_front_desk,
    demo_menu,
    demo_mishaps,
    demo_orders,
    demo_places,
    demo_stockroom,
)
from seed_data.demo_front_desk import PRACTITIONER, FrontDesk
from seed_data.demo_menu import LIDOCAINE, POPULARITY, Menu
from seed_data.demo_stockroom import MANAGER, Stockroom

SEED = 797
DAYS = 365
SESSIONS_A_DAY = (5, 5, 6, 6, 6, 8)
SESSIONS_A_WEEK = 30
HOURS = ("09:00", "10:00", "11:00", "12:00", "13:30", "14:30", "15:30", "16:30")
LEVELS = ("L2", "L2", "L2", "L3", "L5", "L5", "L6")
PATIENTS = 320
FRIDAY = 4
ORDER_DAYS = (0, 3)  # Mondays and Thursdays
BRANCH_DAYS = (1, 3)
ENQUIRY_DAYS = (1, 3)
SECOND_OPENED = 90  # days before the end
BILLED = range(330, 0, -30)  # days before the end on which bills are entered
SECOND_MENU = ("F-01", "F-03", "F-27")
NOT_USED = ("AC-002", "AC-004", "AC-005", "CN-035", "MP-006", "MP-050", "RX-025", "RX-038")
"""Items that no formulation calls for: retail, boosters and diluents that lie on the shelf nevertheless."""

Progress = Callable[[int, int], None]
Scene = Callable[["Diary", date, datetime], object]


@dataclass(frozen=True)
class Year:
    """What the year brought."""

    sessions: int
    turned_away: int


@dataclass
class Diary:
    """The clinic's day: who comes, what is done, how many were turned away."""

    db: Session
    room: Stockroom
    menu: Menu
    chance: Random
    now: datetime
    desk: FrontDesk
    script: list[tuple[int, Scene]] = field(default_factory=list)
    sessions: int = 0
    turned_away: int = 0

    def moment(self, day: date, clock: str) -> datetime:
        """A time of day at the site, but never later than the end of the story."""
        at = datetime.combine(day, time.fromisoformat(clock), tzinfo=ZoneInfo(self.room.site.time_zone))
        return min(at, self.now)


def load(db: Session, *, now: datetime, days: int = DAYS, progress: Progress | None = None) -> Year:
    """Add the demo clinic to a book that has its reference tables: two sites and a year that ends at `now`.

    The same `now` gives the same story; fewer `days` begin it later. It commits nothing.
    """
    main, second = _open_sites(db, now=now)
    diary = _diary(db, main, POPULARITY, sessions_a_week=SESSIONS_A_WEEK, now=now)
    diary.script = _script(main.day(now))
    branch = _diary(db, second, SECOND_MENU, sessions_a_week=2, now=now)
    first = main.day(now) - timedelta(days=days)
    opening = diary.moment(first, "08:00")
    demo_stockroom.fill(diary.room, [*diary.room.weekly, *NOT_USED], on=first, at=opening)
    for done in range(days + 1):
        day, left = first + timedelta(days=done), days - done
        _day(diary, day, left=left)
        if left <= SECOND_OPENED:
            _branch_day(branch, day, left=left)
        if progress is not None:
            progress(done + 1, days + 1)
    demo_places.send(diary.room, second, at=now)
    demo_counts.cupboard(diary.room, at=now)
    demo_orders.draft(diary.room, demo_orders.DRAFTED, at=now)
    demo_front_desk.enquire(diary.desk, at=now)  # a draft that nobody has issued yet
    for each in (diary, branch):
        _evening(each, at=now)
    return Year(diary.sessions + branch.sessions, diary.turned_away + branch.turned_away)


def _script(last: date) -> list[tuple[int, Scene]]:
    """What happens once, so many days before the end: on that day, or the next working day after it."""
    soon, later, past = (last + timedelta(days=days) for days in (20, 27, -30))
    scenes: list[tuple[int, Scene]] = [
        *((days, lambda it, on, at: demo_bills.bill(it.room, on=on, at=at)) for days in BILLED),
        (150, lambda it, _, at: demo_mishaps.hold(it.room, "MP-024", at=at, reason="box wet on arrival")),
        (146, lambda it, _, at: demo_mishaps.release(it.room, at=at, reason="vials dry, seals whole")),
        (105, lambda it, on, _: demo_stockroom.raise_prices(it.room, supplier="SUP-02", on=on)),
        (100, lambda it, _, at: demo_mishaps.spoil_one(it.room, LIDOCAINE, at=at)),
        (
            60,
            lambda it, _, at: demo_mishaps.recall(it.room, "MP-036", at=at, reason="maker: glass in vial"),
        ),
        (41, lambda it, _, at: demo_mishaps.open_one(it.room, "RX-038", at=at)),  # and used by nobody
        (40, lambda it, on, at: _short_dated(it, "MP-020", soon, on, at)),
        (30, lambda it, on, at: _short_dated(it, "MP-085", later, on, at)),
        (28, lambda it, on, at: demo_bills.lower(it.room, "MP-020", on=on, at=at)),
        (20, lambda it, _, at: demo_mishaps.slip(it.room, at=at)),
        (12, lambda it, on, at: _short_dated(it, "MP-079", past, on, at)),  # goes straight to quarantine
        (11, lambda it, _, at: demo_counts.fridge(it.room, at=at)),
        (9, lambda it, _, at: demo_orders.send(it.room, demo_orders.LATE, at=at)),
        (
            6,
            lambda it, _, at: demo_mishaps.hold(it.room, "MP-040", at=at, reason="carton opened in transit"),
        ),
        (5, lambda it, on, at: demo_orders.receive_part(it.room, on=on, at=at)),
        (4, lambda it, _, at: demo_mishaps.open_one(it.room, LIDOCAINE, at=at)),
        (3, lambda it, _, at: demo_mishaps.fridge_fails(it.room, "MP-076", at=at)),
        (2, lambda it, _, at: demo_places.lay_ready(it.room, at=at)),
        (1, lambda it, _, at: demo_orders.send(it.room, demo_orders.COMING, at=at)),
    ]
    return sorted(scenes, key=lambda scene: -scene[0])


def _short_dated(diary: Diary, sku: str, expires_on: date, on: date, at: datetime) -> None:
    demo_stockroom.receive_one(diary.room, sku, packs=1, expires_on=expires_on, on=on, at=at)


def _open_sites(db: Session, *, now: datetime) -> tuple[Site, Site]:
    clinic.change_setting(db, "clinic_name", "Demo Clinic", at=now, by=MANAGER, reason="demo data")
    main = clinic.open_site(
        db,
        code="MAIN",
        name="Demo Clinic, Main Street",
        country="US",
        region="North America",
        time_zone="UTC",  # so that a script's today is the clinic's
        share_opened_vials=True,
    )
    demo_places.furnish(db, main)
    demo_discounts.open_discounts(db, site=main, at=now, by=MANAGER)
    second = clinic.open_site(
        db,
        code="SECOND",
        name="Demo Clinic, Harbour",
        country="US",
        region="North America",
        tax_region="CA",
        time_zone="America/Los_Angeles",
    )
    return main, second


def _diary(db: Session, site: Site, codes: Iterable[str], *, sessions_a_week: int, now: datetime) -> Diary:
    chance = Random(f"{SEED} {site.code}")
    menu = demo_menu.menu(db, codes)
    items = demo_stockroom.items_by_sku(db)
    weekly = demo_menu.weekly_use(db, menu, items, sessions=sessions_a_week)
    room = demo_stockroom.open_stockroom(db, site, chance, weekly, items, on=site.day(now))
    return Diary(db, room, menu, chance, now, demo_front_desk.FrontDesk(db, site, chance))


def _day(diary: Diary, day: date, *, left: int) -> None:
    """One day at the main site; on a weekend nobody comes and nothing is delivered."""
    if day.weekday() > FRIDAY:
        return
    room, morning, evening = diary.room, diary.moment(day, "08:00"), diary.moment(day, "18:00")
    demo_stockroom.deliver(room, on=day, at=morning)
    if day.weekday() in ORDER_DAYS:
        demo_stockroom.order(room, on=day)
    while diary.script and diary.script[0][0] >= left:
        diary.script.pop(0)[1](diary, day, morning)
    demo_front_desk.follow_up(diary.desk, at=diary.moment(day, "08:30"))
    hours = sorted(diary.chance.sample(HOURS, diary.chance.choice(SESSIONS_A_DAY)))
    _sessions(diary, day, hours)
    if day.weekday() in ENQUIRY_DAYS:
        demo_front_desk.enquire(diary.desk, at=diary.moment(day, "17:30"))
    _evening(diary, at=evening)
    if day.weekday() == FRIDAY:
        demo_mishaps.throw_away_expired(room, at=evening)
        if day.isocalendar().week % 3 == 0:
            demo_mishaps.mishap(room, at=evening)


def _branch_day(branch: Diary, day: date, *, left: int) -> None:
    """The second site: a little stock, and a session on Tuesdays and Thursdays."""
    if not branch.room.lots_made:
        demo_stockroom.fill(branch.room, branch.room.weekly, on=day, at=branch.moment(day, "08:00"))
    if day.weekday() in BRANCH_DAYS and left:
        demo_stockroom.deliver(branch.room, on=day, at=branch.moment(day, "08:00"))
        demo_stockroom.order(branch.room, on=day)
        _sessions(branch, day, ["10:00"])
        _evening(branch, at=branch.moment(day, "17:00"))


def _sessions(diary: Diary, day: date, hours: Sequence[str]) -> None:
    """Course patients first, walk-ins in the hours that are left; who cannot be supplied is turned away."""
    waiting = list(demo_front_desk.due_today(diary.desk, on=day))
    for clock in hours:
        at = diary.moment(day, clock)
        if at >= diary.now:
            return
        try:
            if waiting:
                demo_front_desk.perform(diary.desk, waiting.pop(0), at=at)
            else:
                _walk_in(diary, at=at)
            diary.sessions += 1
        except NotEnoughStock:  # refused before anything moved (S7)
            diary.turned_away += 1


def _walk_in(diary: Diary, *, at: datetime) -> None:
    treatment = diary.menu.choose(diary.chance)
    visit = Visit(
        patient_ref=f"P-{1000 + diary.chance.randrange(PATIENTS)}",
        at=at,
        formulation=treatment.label,
        level=diary.chance.choice(LEVELS),
    )
    treatments.treat(diary.db, visit, treatment.lines, site=diary.room.site, recorded_at=at, by=PRACTITIONER)


def _evening(diary: Diary, *, at: datetime) -> None:
    wastage.discard_due(diary.db, site=diary.room.site, at=at, recorded_at=at, by=MANAGER)
