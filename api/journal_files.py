"""Files of the journal for other software: checked first, then written whole, or not at all (B6)."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy.orm import Session

from api import journal_ledger, journal_rows
from api.journal_rows import Elsewhere, Form
from api.package import with_room
from inventory import clinic
from pricing import accounting, mapping
from pricing.accounting import AccountTotal, Entry, check_period
from pricing.mapping import Software

Progress = Callable[[date, int], None]
"""Is told the day that is being written and how many entries there are so far."""

PROGRESS_EVERY = 200


@dataclass
class Part:
    """One file: what it is called, what it holds."""

    path: Path
    entries: int = 0
    lines: int = 0
    total: Decimal = Decimal(0)  # of its debits


@dataclass
class JournalFiles:
    """The files of a period; `total` is the control total of them all."""

    software: Software
    parts: list[Part] = field(default_factory=list)

    @property
    def total(self) -> Decimal:
        return sum((part.total for part in self.parts), Decimal(0))

    @property
    def entries(self) -> int:
        """How many entries of the journal they hold."""
        return sum(part.entries for part in self.parts)


def ending(software: Software) -> str:
    """How the name of its files ends."""
    form = journal_rows.FORMS.get(software)
    return form.ending if form else journal_ledger.ENDING


def mimetype(software: Software) -> str:
    """What kind of file it is."""
    form = journal_rows.FORMS.get(software)
    return form.mimetype if form else journal_ledger.MIMETYPE


def write(
    db: Session,
    out: Path,
    *,
    software: Software,
    since: date,
    until: date,
    progress: Progress | None = None,
) -> JournalFiles:
    """Write the journal of a period; where a program takes so many lines only, several files, numbered.

    In a folder each gets a name with its period and its control total; a name of a file is kept, and
    numbers follow it from the second on. Raises accounting.BadPeriod, and mapping.AccountsNotMapped
    before anything is written, and package.NoRoom.
    """
    with with_room(f"the journal for {software.spoken}"):
        return _write(db, out, software=software, since=since, until=until, progress=progress)


def _write(
    db: Session, out: Path, *, software: Software, since: date, until: date, progress: Progress | None
) -> JournalFiles:
    check_period(since, until)
    balances = accounting.trial_balance(db, since=since, until=until)
    currency = clinic.settings(db).currency
    decimals = _decimals(currency)
    ledger = software is Software.BEANCOUNT
    used = {one.account for one in balances if ledger or one.debit or one.credit}
    if used and not decimals and not ledger:
        used.add(journal_rows.ROUNDING)
    names = mapping.check(db, software, used=used)
    folder = out if out.is_dir() else out.parent
    if not folder.is_dir():
        raise FileNotFoundError(2, "There is no such folder", str(folder))
    entries = _counted(accounting.journal(db, since=since, until=until), progress)
    with TemporaryDirectory(dir=folder, prefix=f".{out.name}.", suffix=".part") as hidden:
        if ledger:
            made = _ledger(db, Path(hidden), balances, entries, names, since, until)
        else:
            to = Elsewhere(names, mapping.site_names(db, software), min(decimals, 2))
            if not decimals:
                entries = _without_cents(entries, balances)
            made = _rows(Path(hidden), software, entries, to)
        if decimals:
            assert made.total == sum((one.debit for one in balances), Decimal(0)), made.total
        _put_in_place(made, out, since=since, until=until)
    return made


def _counted(entries: Iterator[Entry], progress: Progress | None) -> Iterator[Entry]:
    for number, entry in enumerate(entries, start=1):
        if progress is not None and not number % PROGRESS_EVERY:
            progress(entry.on, number)
        yield entry


def _decimals(currency: str) -> int:
    from babel.numbers import get_currency_precision

    return get_currency_precision(currency)


def _without_cents(entries: Iterator[Entry], balances: tuple[AccountTotal, ...]) -> Iterator[Entry]:
    exact = {one.account: one.opening for one in balances}
    for entry in entries:
        rounded = journal_rows.without_cents(entry, exact, journal_rows.ROUNDING)
        if rounded.lines:
            yield rounded


def _rows(folder: Path, software: Software, entries: Iterator[Entry], to: Elsewhere) -> JournalFiles:
    form = journal_rows.FORMS[software]
    made = JournalFiles(software)
    pending: list[Entry] = []  # of the file that is being written
    for entry in entries:
        lines = sum(len(one.lines) for one in pending) + len(entry.lines) if form.most_lines else 0
        if form.most_lines and pending and lines > form.most_lines:
            _close(folder, made, pending, form, to)
            pending = []
        pending.append(entry)
        if form.most_lines is None and len(pending) == PROGRESS_EVERY:
            _close(folder, made, pending, form, to, one_file=True)
            pending = []
    if pending or not made.parts:
        _close(folder, made, pending, form, to, one_file=form.most_lines is None)
    return made


def _close(
    folder: Path,
    made: JournalFiles,
    entries: list[Entry],
    form: Form,
    to: Elsewhere,
    *,
    one_file: bool = False,
) -> None:
    """Write entries to the next file, or to the end of the only one."""
    first = not (one_file and made.parts)
    if first:
        made.parts.append(Part(folder / str(len(made.parts) + 1)))
    part = made.parts[-1]
    rows = [list(row) for row in form.header] if first else []
    rows += [row for entry in entries for row in form.rows(entry, to)]
    with part.path.open("ab") as file:
        file.write(journal_rows.table(rows, form).encode(form.encoding, errors="replace"))
    _count(part, entries)


def _ledger(
    db: Session,
    folder: Path,
    balances: tuple[AccountTotal, ...],
    entries: Iterator[Entry],
    names: dict[str, str],
    since: date,
    until: date,
) -> JournalFiles:
    settings = clinic.settings(db)
    part = Part(folder / "1")
    pieces = journal_ledger.write(
        db,
        balances,
        entries,
        names=names,
        since=since,
        until=until,
        currency=settings.currency,
        title=f"Journal of {settings.clinic_name}",
    )
    with part.path.open("w", encoding="utf-8", newline="\n") as file:
        for text, told in pieces:
            file.write(text)
            _count(part, told)
    return JournalFiles(Software.BEANCOUNT, [part])


def _count(part: Part, entries: list[Entry]) -> None:
    part.entries += len(entries)
    part.lines += sum(len(entry.lines) for entry in entries)
    part.total += sum((entry.amount for entry in entries), Decimal(0))


def _put_in_place(made: JournalFiles, out: Path, *, since: date, until: date) -> None:
    """Give the files their names, all of them written; what failed on the way leaves none."""
    many, placed = len(made.parts), []
    try:
        for number, part in enumerate(made.parts, start=1):
            if out.is_dir():
                which = f"-{number}-of-{many}" if many > 1 else ""
                name = f"journal-{made.software}-{since}-{until}{which}-total-{part.total}"
                path = out / f"{name}.{ending(made.software)}"
            else:
                path = out if number == 1 else out.with_name(f"{out.stem}-{number}{out.suffix}")
            part.path.chmod(0o640)
            part.path = part.path.replace(path)
            placed.append(path)
    except BaseException:
        for path in placed:
            with suppress(OSError):
                path.unlink()
        raise
