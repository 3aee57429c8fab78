"""Numbering: the next number of a series, without gaps, whoever asks at the same time (P4)."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from inventory.database import Base


class NumberSeries(Base):
    """The last number given in a series and year; the row is locked while one is given (P4)."""

    __tablename__ = "number_series"

    series: Mapped[str] = mapped_column(sa.String(20), primary_key=True)
    year: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    last: Mapped[int]


def next_number(db: Session, series: str, year: int) -> str:
    """The next number of a series, without gaps: a refused transaction gives its number back (P4)."""
    insert = sqlite_insert if db.get_bind().dialect.name == "sqlite" else postgresql_insert
    # Of two who open a year at once, the second finds it open.
    db.execute(insert(NumberSeries).values(series=series, year=year, last=0).on_conflict_do_nothing())
    row = db.scalars(
        sa.select(NumberSeries)
        .where(NumberSeries.series == series, NumberSeries.year == year)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()
    row.last += 1
    db.flush()
    return f"{series[0].upper()}-{year}-{row.last:05}"
