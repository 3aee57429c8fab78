"""SECURITY.md: every line names tests that are there, and no promise stands without one."""

import ast
import re
import tomllib
from functools import cache
from pathlib import Path

import pyotp
import pytest

from api import auth, calendars, sealing, secret, settings
from api.auth import Role
from api.web import accounts, passwords, sign_ins
from tests.pages import House

pytest_plugins = ("tests.calls", "tests.pages")
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

    assert chapters == set(range(1, 18)) - {10, 17}


def test_every_variable_of_the_environment_is_told():
    read = set(re.findall(r"VIALBOOK_[A-Z_]+", Path(settings.__file__).read_text("utf-8")))
    told = TEXT + (ROOT / "README.md").read_text("utf-8")

    assert {name for name in read if name not in told} == set()


PROGRAM = ("api", "inventory", "pricing", "seed_data")
LEAST_BYTES = 16  # 128 bits
NO_SECRETS = {
    ("api/scratch.py", 8), ("api/secret.py", 4), ("api/web/import_jobs.py", 4),  # names of files for a moment
    ("api/watching.py", 8),  # the name of a request
}  # fmt: skip
CALLING = {"urllib.request", "http.client", "requests", "httpx", "smtplib", "ftplib", "telnetlib", "xmlrpc"}
RUNNING = {"eval", "exec", "compile", "pickle", "marshal", "shelve", "yaml"}
OF_KEYS = {"hmac", "cryptography", "argon2", "pyotp", "ssl"}


@cache
def program() -> dict[str, ast.Module]:
    """Every module that is installed, read and not run."""
    return {
        path.relative_to(ROOT).as_posix(): ast.parse(path.read_text("utf-8"))
        for package in PROGRAM
        for path in sorted((ROOT / package).rglob("*.py"))
    }


def imported(tree: ast.Module) -> set[str]:
    """The modules that one imports, each also by the package that it is of."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found | {name.partition(".")[0] for name in found}


@cache
def called() -> list[tuple[str, str, list[ast.expr], set[str | None]]]:
    """Every call in the program: in which module, what is called, with what, and with which names."""
    return [
        (path, ast.unparse(node.func), node.args, {keyword.arg for keyword in node.keywords})
        for path, tree in program().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
    ]


def test_what_must_not_be_guessed_has_128_random_bits_or_more():
    sizes = [(path, size) for path, name, (size, *_), _ in called_of("secrets.token_")]
    told = {(path, size.value) for path, size in sizes if isinstance(size, ast.Constant)}
    named = {ast.unparse(size) for _, size in sizes if not isinstance(size, ast.Constant)}

    assert {(path, size) for path, size in told if size < LEAST_BYTES} == NO_SECRETS
    assert named <= {"TOKEN_BYTES", "auth.TOKEN_BYTES", "KEY_BYTES"}
    assert auth.TOKEN_BYTES == calendars.TOKEN_BYTES == sign_ins.TOKEN_BYTES == secret.KEY_BYTES == 32
    assert len(accounts.LETTERS) ** len(accounts.generated(7).replace("-", "")) > 2**128  # the first start
    assert len(pyotp.random_base32()) * 5 >= 128
    lots = {path for path, tree in program().items() if "random" in imported(tree)}
    assert {path for path in lots if not path.startswith("seed_data/demo")} == {"api/app.py"}  # its pauses


def called_of(start: str) -> list[tuple[str, str, list[ast.expr], set[str | None]]]:
    return [one for one in called() if one[1].startswith(start) and "(" not in one[1]]


def test_no_weak_hash_is_used_and_no_cipher_that_does_not_notice_a_change():
    used = {(name, path) for path, name, _, _ in called_of("hashlib.")}
    ciphers = {name for tree in program().values() for name in imported(tree) if ".ciphers." in name}

    assert {name for name, _ in used} == {"hashlib.sha256", "hashlib.scrypt", "hashlib.blake2b"}
    assert {path for name, path in used if "blake2b" in name} == {"api/limits.py"}  # it counts, no more
    assert {name.rpartition(".")[2] for name in ciphers} == {"aead", "AESGCM"}
    today = passwords.HASHER
    assert (today.type.name, today.memory_cost, today.time_cost, today.parallelism) == ("ID", 19_456, 2, 1)
    assert (sealing.SLOW["n"], sealing.SLOW["dklen"], secret.KEY_BYTES) == (2**15, 32, 32)


def test_every_module_that_has_to_do_with_keys_is_in_the_inventory():
    told = set(re.findall(r"`(api/[a-z_/]+\.py)`", TEXT))
    using = {path for path, tree in program().items() if imported(tree) & OF_KEYS}

    assert using | {path for path, *_ in called_of("hashlib.scrypt")} == told


def test_the_program_calls_nobody_and_runs_nothing_that_it_was_given():
    for path, tree in program().items():
        assert imported(tree) & (CALLING | RUNNING) == set(), path
    assert {name for _, name, _, _ in called()} & RUNNING == set()
    assert [path for path, _, _, names in called() if "shell" in names] == []


@pytest.mark.parametrize(
    "path", ["/.git/config", "/.env", "/static/", "/static/0/", "/vialbook.sqlite", "/console"]
)
def test_nothing_is_served_that_is_not_meant_to_be(house: House, path):
    stranger, insider = house.stranger().get(path), house.as_(Role.ADMIN).get(path)
    traced = house.clinic.app.test_client().open(path, method="TRACE")

    assert stranger.status_code in (303, 404)
    assert (insider.status_code, traced.status_code) in ((404, 404), (404, 405))
    assert not house.clinic.app.debug


def test_what_is_installed_is_the_program_alone():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))

    assert project["tool"]["hatch"]["build"]["targets"]["wheel"] == {"packages": sorted(PROGRAM, key=PACKED)}
    for path, tree in program().items():
        assert imported(tree) & {"tests", "pytest", "hypothesis"} == set(), path


PACKED = ["inventory", "pricing", "api", "seed_data"].index


def test_no_browser_keeps_a_chart_number():
    """Notices travel in a cookie, so none of them names a patient; scripts keep scans and counts alone."""
    notices = [
        ast.unparse(words) for _, name, (_, *rest), _ in called_of_ending("Done", "Notice") for words in rest
    ]
    script = (ROOT / "api/web/static/vialbook.js").read_text("utf-8")

    assert len(notices) > 40
    assert [words for words in notices if re.search(r"\{[^}]*patient", words)] == []
    assert re.findall(r"Storage\.setItem\((\w+)", script) == ["shelf"]
    assert "const shelf = `vialbook-scans-" in script
    assert not re.search(r"indexedDB|document\.cookie|caches\.", script)


def called_of_ending(*ends: str) -> list[tuple[str, str, list[ast.expr], set[str | None]]]:
    return [one for one in called() if one[1].rpartition(".")[2] in ends and one[2]]


def test_the_script_puts_nothing_into_an_object_under_a_name_that_it_was_given():
    script = (ROOT / "api/web/static/vialbook.js").read_text("utf-8")

    assert "new Map" in script
    assert re.findall(r"\w\[[^\]\"]+\]\s*=[^=>]", script) == []
    assert not re.search(r"__proto__|Object\.assign|innerHTML|\beval\b|new Function", script)
