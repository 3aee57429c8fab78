"""Files that a page hands out: to be saved, and kept nowhere on the way."""

from pathlib import Path
from typing import IO

from flask import Response, send_file

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def workbook(file: Path | IO[bytes], *, name: str) -> Response:
    """A spreadsheet under its name."""
    answer = send_file(file, mimetype=XLSX, as_attachment=True, download_name=name)
    answer.headers["Cache-Control"] = "no-store"
    return answer
