"""Scratch: a hidden folder for as long as a command works; what a killed one left is cleared by the next.

A folder is locked while its command runs, and the lock goes with the process, however that ends. Only what
has our name, is a folder of ours and is locked by nobody is taken away.
"""

import os
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp

try:
    import fcntl
except ImportError:  # Windows, which locks no folder: what was left there is for somebody to clear
    fcntl = None  # type: ignore[assignment]

OURS = re.compile(r"\.vialbook-[0-9a-f]{16}\.scratch")


@contextmanager
def scratch(where: Path) -> Iterator[Path]:
    """A folder that nobody else can read, for the length of a block."""
    clear(where)
    # It gets the name by which others clear when it is locked already.
    made = mkdtemp(dir=where, prefix=".vialbook-", suffix=".new")
    lock = None if fcntl is None else os.open(made, os.O_RDONLY)
    try:
        if lock is not None:
            _locked(lock)
        folder = Path(made).rename(where / f".vialbook-{secrets.token_hex(8)}.scratch")
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    finally:
        shutil.rmtree(made, ignore_errors=True)  # where it could not be named
        if lock is not None:
            os.close(lock)


def clear(where: Path) -> None:
    """Take away what commands left here that were killed."""
    for folder in sorted(where.glob(".vialbook-*.scratch")) if fcntl is not None else ():
        if not OURS.fullmatch(folder.name) or folder.is_symlink() or not folder.is_dir():
            continue
        try:
            lock = os.open(folder, os.O_RDONLY | os.O_NOFOLLOW)
        except OSError:  # another's, or gone meanwhile
            continue
        try:
            if os.fstat(lock).st_uid == os.geteuid() and _locked(lock):
                shutil.rmtree(folder, ignore_errors=True)
        finally:
            os.close(lock)


def _locked(folder: int) -> bool:
    """Lock an open folder; false if a running command has it, or if it cannot be locked here."""
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
