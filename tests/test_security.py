"""SECURITY.md: every line names tests that are there, and no promise stands without one."""

import ast
import re
from pathlib import Path

import pytest

from api import settings

ROOT = Path(__file__).resolve().parents[1]
TEXT = (ROOT / "SECURITY.md").read_text("utf-8")
LINES = [line for line in TEXT.splitlines() if re.match(r"\| V\d", line)]
NAMED = re.compile(r"`(tests/\w+\.py)::(\w+)`")


@pytest.mark.parametrize("line", LINES, ids=lambda line: line.split("|")[1].strip())
def test_a_promise_names_a_test_that_is_there(line):
    named = NAMED.findall(line)

    assert named, "a promise without a test"
    for file, name in named:
        tests = {node.name for node in ast.walk(ast.parse((ROOT / file).read_text("utf-8")))
                 if isinstance(node, ast.FunctionDef)}  # fmt: skip
        assert name in tests, f"{file} has no {name}"


def test_every_chapter_that_applies_is_there():
    chapters = {int(number) for number in re.findall(r"^\| V(\d+)", TEXT, re.MULTILINE)}

    assert chapters >= {1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 13, 14, 15, 16}


def test_every_variable_of_the_environment_is_told():
    read = set(re.findall(r"VIALBOOK_[A-Z_]+", Path(settings.__file__).read_text("utf-8")))
    told = TEXT + (ROOT / "README.md").read_text("utf-8")

    assert {name for name in read if name not in told} == set()
