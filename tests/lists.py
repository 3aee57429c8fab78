"""Brings lists to a clinic, for the tests of imports."""

import io
from collections.abc import Sequence

import openpyxl

from api import imports
from api.imports import ImportReport
from inventory.catalog import Supplier
from tests.shelf import BY, NOW, Clinic

ITEMS = """
    HA    3 mL  single_dose
    LIDO 20 mL  multi_dose  28 d
"""


def workbook(*rows: Sequence[object]) -> bytes:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(list(row))
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def bring(here: Clinic, kind: str, data: bytes | str, *, partial: bool = False) -> ImportReport:
    content = data.encode() if isinstance(data, str) else data
    return imports.run(here.db, kind, "list", content, partial=partial, at=NOW, by=BY, site=here.site)


def supplier(here: Clinic, code: str = "SUP-01") -> Supplier:
    added = Supplier(code=code, name=f"{code} Medical Ltd", lead_days=7)
    here.db.add(added)
    here.db.flush()
    return added


def refused(report: ImportReport) -> list[tuple[int, str, str]]:
    return [(row.row, row.field, row.message) for row in report.rows if not row.ok]
