"""A second opinion on workbooks: LibreOffice reckons every formula anew, without the answers we wrote."""

import re
import shutil
import subprocess
import zipfile
from collections.abc import Sequence
from pathlib import Path

import openpyxl
import pytest

SECONDS = 240
AT_ONCE = 25  # workbooks that one start of the program reckons


def without_answers(path: Path, changes: dict[tuple[str, str], object] | None = None) -> Path:
    """A copy of the workbook whose formulas have no answers, with some cells changed."""
    book = openpyxl.load_workbook(path)
    for (sheet, cell), value in (changes or {}).items():
        book[sheet][cell].value = value
    copy = path.with_name(f"bare-{path.name}")
    book.save(copy)
    return copy


ANSWER = re.compile(rb"(</f>)<v>[^<]*</v>")


def bare(path: Path) -> Path:
    """A copy of the file itself, cell by cell as it is, only that its formulas have no answers."""
    copy = path.with_name(f"bare-{path.name}")
    with zipfile.ZipFile(path) as whole, zipfile.ZipFile(copy, "w", zipfile.ZIP_DEFLATED) as made:
        for name in whole.namelist():
            made.writestr(name, ANSWER.sub(rb"\1", whole.read(name)))
    return copy


def converted(folder: Path, paths: Sequence[Path]) -> list[Path]:
    """The workbooks as LibreOffice writes them, every formula reckoned anew; skips where there is none."""
    office = shutil.which("soffice") or shutil.which("libreoffice")
    if office is None:
        pytest.skip("LibreOffice is not here to reckon the workbook: install libreoffice-calc-nogui")
    out = folder / "recalculated"
    for first in range(0, len(paths), AT_ONCE):
        subprocess.run(
            [
                office,
                f"-env:UserInstallation=file://{folder}/profile",
                *("--headless", "--convert-to", "xlsx", "--outdir", str(out)),
                *map(str, paths[first : first + AT_ONCE]),
            ],
            check=True,
            capture_output=True,
            timeout=SECONDS,
        )
    return [out / path.name for path in paths]


def recalculated(folder: Path, paths: Sequence[Path]) -> list[openpyxl.Workbook]:
    """The workbooks as LibreOffice reckons them; skips the test where there is none."""
    return [openpyxl.load_workbook(path, data_only=True) for path in converted(folder, paths)]
