"""A clinic's first day: its reference tables, its first site, or a demo clinic to sign in to."""

import os
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.orm import Session

from api import auth
from api.auth import Role
from api.web import accounts
from api.web.accounts import DemoPeople
from inventory import clinic, trail
from inventory.clinic import Site
from inventory.database import Database
from inventory.errors import Conflict
from inventory.recording import Signed, sign

SIZE = ("page_count", "page_size")


class BookDamaged(Conflict):
    """The file of the book is not as it was written."""


def damaged(reason: str) -> BookDamaged:
    """What is said of a damaged book, and what to do."""
    return BookDamaged(
        f"The file of the book is damaged ({reason}): stop every program that uses it, keep a copy of it, "
        "and put the last backup into a new place with `vialbook restore`."
    )


def refuse_damaged(database: Database, *, thorough: bool = False) -> None:
    """Look at every page of a book that is a file; thoroughly at every index, too. Raises BookDamaged."""
    if database.engine.dialect.name != "sqlite":
        return
    look = "integrity_check(1)" if thorough else "quick_check(1)"
    with database.read() as db:
        said = db.connection().exec_driver_sql(f"PRAGMA {look}").scalar()
        if said == "ok":
            said = _cut_off(db, Path(database.engine.url.database or ""))
    if said != "ok":
        raise damaged(" ".join(str(said).split()))


def _cut_off(db: Session, file: Path) -> str:
    """What is missing of the end, which SQLite reads as zeros, else "ok". With a log it is still to come."""
    pages, each = (int(db.connection().exec_driver_sql(f"PRAGMA {what}").scalar() or 0) for what in SIZE)
    log = file.with_name(f"{file.name}-wal")
    if not file.is_file() or (log.is_file() and log.stat().st_size):
        return "ok"
    size = file.stat().st_size
    return "ok" if size >= pages * each else f"it has {size} bytes, and {pages * each} were written"


def load_reference(database: Database, *, now: datetime) -> int:
    """Load the reference tables that are missing; answers how many rows were added."""
    from seed_data import reference

    with database.write.begin() as db:
        sign(db, Signed("command line", now, "vialbook init"))
        return reference.load(db, at=now).total


def has_site(database: Database) -> bool:
    """Whether a clinic is on record."""
    with database.read() as db:
        return db.scalar(sa.select(Site.id).limit(1)) is not None


def open_first_site(
    database: Database, *, site_name: str, country: str, region: str, tax_region: str, time_zone: str
) -> bool:
    """Open the site MAIN, unless there is a site; answers whether it was opened."""
    if has_site(database):
        return False
    with database.write.begin() as db:
        clinic.open_site(
            db,
            code="MAIN",
            name=site_name,
            country=country,
            region=region,
            tax_region=tax_region,
            time_zone=time_zone,
        )
    return True


def load_demo(
    database: Database, *, now: datetime, progress: Callable[[int, int], None]
) -> tuple[dict[str, tuple[Role, str]], DemoPeople]:
    """Load the demo clinic with a person of each role, at once or not at all: nobody finds it locked.

    Answers the tokens, name to role and token, and the names and password for the pages.
    """
    from seed_data import demo

    with database.write.begin() as db:

        def told(done: int, of: int) -> None:
            trail.seal(db.connection())  # a year in one entry would tell nobody anything
            progress(done, of)

        demo.load(db, now=now, progress=told)
        people = {f"demo {role.spoken}": role for role in Role}
        tokens = {
            name: (role, auth.issue_token(db, name, role=role, at=now)) for name, role in people.items()
        }
        return tokens, accounts.add_demo_people(db, at=now)


def write_tokens(file: Path, tokens: dict[str, tuple[Role, str]]) -> None:
    """Write the tokens where only their owner can read them."""
    _write(file, [f"{role.value:<13}{token}" for role, token in tokens.values()])


def write_sign_in(file: Path, people: DemoPeople) -> None:
    """Write the demo people's names and password where only their owner can read them."""
    names = [f"{role.value:<13}{name}" for role, name in people.names.items()]
    _write(file, [*names, f"{'password':<13}{people.password}"])


def check_who_may_come(database: Database, *, host: str, now: datetime) -> str | None:
    """Refuse demo people where others can reach them; in a new book, answer the first admin's secret.

    Raises accounts.DemoPeopleAbroad.
    """
    with database.write.begin() as db:
        accounts.refuse_demo_abroad(db, host)
        return accounts.new_first_secret(db, at=now)


def _write(file: Path, lines: list[str]) -> None:
    file.unlink(missing_ok=True)
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as kept:
        kept.write("\n".join(lines) + "\n")
