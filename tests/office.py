"""A second opinion on workbooks: LibreOffice reckons every formula anew, without the answers we wrote."""

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import openpyxl
import pytest

SECONDS = 240


def without_answers(path: Path, changes: dict[tuple[str, str], object] | None = None) -> Path:
    """A copy of the workbook whose formulas have no answers, with some cells changed."""
    book = openpyxl.load_workbook(path)
    for (sheet, cell), value in (changes or {}).items():
        book[sheet][cell].value = value
    copy = path.with_name(f"bare-{path.name}")
    book.save(copy)
    return copy


def recalculated(folder: Path, paths: Sequence[Path]) -> list[openpyxl.Workbook]:
    """The workbooks as LibreOffice reckons them; skips the test where there is none."""
    office = shutil.which("soffice") or shutil.which("libreoffice")
    if office is None:
        pytest.skip("LibreOffice is not here to reckon the workbook: install libreoffice-calc-nogui")
    out = folder / "recalculated"
    subprocess.run(
        [
            office,
            f"-env:UserInstallation=file://{folder}/profile",
            *("--headless", "--convert-to", "xlsx", "--outdir", str(out)),
            *map(str, paths),
        ],
        check=True,
        capture_output=True,
        timeout=SECONDS,
    )
    return [openpyxl.load_workbook(out / path.name, data_only=True) for path in paths]
