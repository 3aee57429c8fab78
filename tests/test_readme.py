"""What the README says is so: its tree, its commands, its settings, and its first quote, line by line."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tomllib
import urllib.request
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import click
import pytest

from api import auth, columns
from api.auth import Role
from api.cli import vialbook
from api.settings import from_environment
from inventory.clinic import Settings
from inventory.measures import plain
from tests.server import free_port, make_first_day, started

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text("utf-8")
BIN = Path(sys.executable).parent


def section(title: str) -> str:
    """The text under a heading."""
    return README.split(f"\n## {title}\n")[1].split("\n## ")[0]


def code(title: str) -> list[str]:
    """The lines of the shell, or of the tree, under a heading."""
    return [
        line
        for block in re.findall(r"```(?:sh)?\n(.*?)```", section(title), re.DOTALL)
        for line in block.splitlines()
    ]


def commands(group: click.Group, before: str = "") -> Iterator[tuple[str, click.Command]]:
    """Every command by its words."""
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, f"{before}{name} ")
        else:
            yield f"{before}{name}", command


def test_the_tree_is_the_folders_that_are_there():
    lines = dict(line.split(maxsplit=1) for line in code("The tree"))
    kept = subprocess.run(
        ["git", "ls-files", "*/*"], cwd=ROOT, capture_output=True, text=True, check=False
    ).stdout.splitlines()
    folders = {f"{path.split('/')[0]}/" for path in kept if not path.startswith(".")}

    assert set(lines) == (folders or set(lines))
    for folder, about in lines.items():
        named = [ROOT / folder / below for below in re.findall(r"\b[\w-]+/", about)]
        assert [path for path in [ROOT / folder, *named] if not path.is_dir()] == []


def test_every_file_that_is_named_is_there():
    named = set(re.findall(r"`((?:\w+/)+\w+\.\w+)`", README))

    assert len(named) >= 3
    assert [path for path in named if not (ROOT / path).is_file()] == []


def test_the_table_of_commands_is_the_command():
    rows = dict(re.findall(r"^\| `vialbook ([^`]*)` \| (.*) \|$", section("The command"), re.MULTILINE))
    real = dict(commands(vialbook))
    told = {}
    for words in rows:
        name = next(name for name in sorted(real, reverse=True) if f"{words} ".startswith(f"{name} "))
        told[name] = set(re.findall(r"--[\w-]+", words))
        # What is left of `export accounting OUT.xlsx --from DATE` without its name and options is OUT.xlsx.
        plain = re.sub(r"\[[^]]*\]|--[\w-]+ [A-Z]+", "", words).removeprefix(name)
        takes = [part for part in real[name].params if isinstance(part, click.Argument)]
        assert len(plain.split()) == len(takes), words

    assert set(told) == set(real)
    for name, options in told.items():
        known = {option for part in real[name].params for option in part.opts + part.secondary_opts}
        assert options <= known, name
    assert set(re.findall(r"`(\w+)`", rows["token NAME --role ROLE"])) == {role.value for role in Role}


def test_the_columns_that_an_import_needs_are_told():
    told = " ".join(section("The command").split()).replace(" and ", ", ")

    for kind, known in columns.OF_KIND.items():
        needed = ", ".join(column.field for column in known if column.required)
        assert f"{needed} for `{kind}`" in told


def test_the_two_commands_are_the_makefiles_and_the_long_lines_do_the_same():
    makefile = (ROOT / "Makefile").read_text("utf-8")
    run, test, plain_run, plain_test = code("Two commands")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]

    assert [line.split()[:2] for line in (run, test)] == [["make", "run"], ["make", "test"]]
    for target in {"run", "test", *re.findall(r"`make ([a-z]+)`", README)}:
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
    assert (ROOT / "tests" / "benchmarks" / "__main__.py").is_file()
    for line in (plain_run, plain_test):
        assert "-c constraints.txt" in line
    assert (ROOT / "constraints.txt").is_file()
    assert project["scripts"] == {"vialbook": "api.cli:main"}
    assert set(re.findall(r"\.\[(\w+)\]", plain_test)) <= set(project["optional-dependencies"])
    assert re.findall(r"vialbook (\w+)", plain_run) == re.findall(r"\$\(BIN\)/vialbook (\w+)", makefile)
    ran = re.search(r"\$\(BIN\)/(python -m pytest.*)", makefile)
    assert ran is not None
    assert plain_test.endswith(f".venv/bin/{ran[1]}")


def test_the_variables_that_are_named_move_the_book(tmp_path):
    named = set(re.findall(r"VIALBOOK_\w+", README))
    url = "postgresql+psycopg://desk@db/books"

    moved = from_environment({"VIALBOOK_HOME": str(tmp_path), "VIALBOOK_DATABASE_URL": url})

    read = {
        name
        for path in ROOT.glob("api/*.py")
        for name in re.findall(r"VIALBOOK_\w+", path.read_text("utf-8"))
    }
    assert {"VIALBOOK_HOME", "VIALBOOK_DATABASE_URL", "VIALBOOK_SECRET"} <= named
    assert named - read == {"VIALBOOK_BROWSER", "VIALBOOK_EXAMPLES"}  # which the tests alone read
    assert '"VIALBOOK_EXAMPLES", "0"' in (ROOT / "tests/test_api_schemathesis.py").read_text("utf-8")
    assert '"VIALBOOK_BROWSER") == "none"' in (ROOT / "tests/browser/clinic.py").read_text("utf-8")
    assert (moved.home, moved.database_url) == (tmp_path, url)
    assert from_environment({}).home.name == "var"
    assert "/var/" in (ROOT / ".gitignore").read_text("utf-8").splitlines()


def test_the_defaults_that_are_told_are_the_settings():
    told = " ".join(section("Where the defaults come from").split())

    for name, value in {
        "Overhead": f"{plain(Settings.overhead_rate * 100)} %",
        "target margin": f"{plain(Settings.target_margin_rate * 100)} %",
        "least margin": f"{plain(Settings.least_margin_rate * 100)} %",
        "price step": f"{Settings.price_step}",
        "validity": f"{Settings.validity_days} days",
    }.items():
        assert f"{name} {value}" in told


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """`vialbook serve` for a clinic on its first day: its address and its home."""
    home = tmp_path_factory.mktemp("readme") / "var"
    make_first_day(home)
    port = free_port()
    process = started(
        [str(BIN / "vialbook"), "serve", "--port", str(port)],
        port,
        VIALBOOK_HOME=str(home),
        VIALBOOK_DATABASE_URL="",
    )
    yield f"http://127.0.0.1:{port}", home
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=20)


def test_the_first_quote_is_issued_by_the_lines_as_they_stand(served, tmp_path):
    if missing := [name for name in ("bash", "curl") if shutil.which(name) is None]:
        pytest.skip(f"not here to run the README's lines: {', '.join(missing)}")
    address, home = served
    lines = "\n".join(code("A first quote"))
    assert "http://127.0.0.1:8000" in lines
    script = lines.replace("http://127.0.0.1:8000", address).replace(".venv/bin/", f"{BIN}/")
    environment = os.environ | {
        "VIALBOOK_HOME": str(home),
        "VIALBOOK_DATABASE_URL": "",
        "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
    }

    ran = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert ran.returncode == 0, ran.stderr
    stock, issued = (json.loads(text) for text in ran.stdout.strip().split("\n"))
    assert set(stock) == {"items", "next"}
    assert (issued["status"], issued["number"][:2]) == ("issued", "Q-")
    prices = [Decimal(session["price"]) for session in issued["sessions"]]
    assert len(prices) == 4
    low, high = Decimal(issued["band"]["low"]), Decimal(issued["band"]["high"])
    assert (low, high) == (250, 600)
    assert all(low <= price <= high for price in prices)
    assert list(tmp_path.iterdir()) == []  # nothing is left lying beside the program


def fetched(address: str) -> bytes:
    """What a browser gets; anything but success is raised."""
    with urllib.request.urlopen(address, timeout=20) as answer:
        return answer.read()


def test_the_calls_are_described_where_the_readme_says(served):
    address, _ = served

    described = json.loads(fetched(f"{address}/api/v1/openapi.json"))
    page = fetched(f"{address}/api/v1/docs")
    files = [fetched(address + path) for path in re.findall(r'(?:src|href)="(/[^"]+)"', page.decode())]

    assert len(files) >= 3
    assert any(b"/api/v1/openapi.json" in file for file in files)
    assert {"/api/v1/openapi.json", "/api/v1/docs"} <= set(re.findall(r"`(/api/[^`]+)`", README))
    assert described["openapi"].startswith("3.1")
    calls = {
        f"{method.upper()} {re.sub(r'[{][^}]*[}]', '{}', path)}"
        for path, methods in described["paths"].items()
        for method in methods
    }
    may = {re.sub(r"<[^>]*>", "{}", call) for call in auth.MAY}
    assert may <= calls
