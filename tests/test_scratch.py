"""Scratch: what a killed command left is cleared by the next one; what is another's or in use stays."""

import subprocess
import sys

from api import scratch

WORKING = """
import os, signal, sys
from pathlib import Path
from api.scratch import scratch

with scratch(Path(sys.argv[1])) as folder:
    (folder / "book.sqlite").write_text("half of a book")
    print(folder.name, flush=True)
    sys.stdin.readline()
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_a_killed_command_left_is_cleared_and_what_a_running_one_has_is_not(tmp_path):
    words = [sys.executable, "-c", WORKING, str(tmp_path)]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as working:
        name = working.stdout.readline().strip()
        with scratch.scratch(tmp_path) as mine:
            beside = {path.name for path in tmp_path.iterdir()}
        working.stdin.write("now\n")
    left = [path.name for path in tmp_path.iterdir()]
    with scratch.scratch(tmp_path) as next_one:
        after = list(tmp_path.iterdir())
        rights = next_one.stat().st_mode & 0o777

    assert beside == {name, mine.name}
    assert left == [name]  # its process is gone
    assert after == [next_one]
    assert rights == 0o700
    assert list(tmp_path.iterdir()) == []


def test_nothing_of_anybody_else_is_cleared(tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "kept").write_text("mine")
    ours = ".vialbook-0123456789abcdef.scratch"
    (tmp_path / "place").mkdir()
    (tmp_path / "place" / ours).symlink_to(elsewhere)
    (tmp_path / "place" / ours.replace("0", "1")).write_text("a file")
    for name in (".vialbook-notes.scratch", ".vialbook-0123456789abcdef.new", "vialbook.sqlite", ".book.abc"):
        (tmp_path / "place" / name).mkdir()
    before = sorted(tmp_path.rglob("*"))

    scratch.clear(tmp_path / "place")
    scratch.clear(tmp_path / "no such place")

    assert sorted(tmp_path.rglob("*")) == before
