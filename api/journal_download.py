"""The journal for other software as a download: the file, or several of them in a zip (B6)."""

import shutil
import zipfile
from datetime import date
from pathlib import Path
from tempfile import SpooledTemporaryFile, TemporaryDirectory

from flask import Response, send_file
from sqlalchemy.orm import Session

from api import journal_files
from pricing.mapping import Software

IN_MEMORY = 4 * 1024 * 1024


def answer(db: Session, *, software: Software, since: date, until: date) -> Response:
    """The file or files of a period, named after their control total; kept nowhere on the way.

    Raises what `journal_files.write` raises.
    """
    file = SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115  (closed when it was sent)
    with TemporaryDirectory() as folder:
        made = journal_files.write(db, Path(folder), software=software, since=since, until=until)
        name, mimetype = made.parts[0].path.name, journal_files.mimetype(software)
        if len(made.parts) == 1:
            with made.parts[0].path.open("rb") as whole:
                shutil.copyfileobj(whole, file)
        else:
            name = f"journal-{software}-{since}-{until}-total-{made.total}.zip"
            mimetype = "application/zip"
            with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as package:
                for part in made.parts:
                    package.write(part.path, part.path.name)
    file.seek(0)
    sent = send_file(file, mimetype=mimetype, as_attachment=True, download_name=name)
    sent.headers["Cache-Control"] = "no-store"
    return sent
