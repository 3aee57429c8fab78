"""The house rules that a machine can hold us to: who may import whom, sizes, no clock, no floats."""

import ast
import os
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("inventory", "pricing", "seed_data", "api")

# A module imports only what stands before it. Within a line one order is as good as another; that there is
# one keeps a reader from going in circles.
INVENTORY = [
    "errors", "measures", "at_once", "turns", "database", "recording", "trail", "trail_list", "questions",
    "defaults", "clinic", "suppliers", "catalog",
    "gs1", "scanning", "boxes", "patients", "forgetting",
    "allocations", "periods", "lots", "balances", "places", "layers", "vials", "ledger", "adjustments",
    "snapshots", "history", "shelf_life", "charges", "receiving", "opening", "opening_undone",
    "orders", "order_views", "purchasing", "invoices", "bills", "matching", "uninvoiced",
    "picking", "shelf", "shortage", "drawing", "treatments", "dry_run", "wastage",
    "moving", "transfers", "on_the_way", "holds",
    "retelling", "revaluation",
    "counts", "rota", "stocktake", "count_book", "counting", "differences", "count_posting",
    "vial_advice", "rooms", "vial_limits", "vial_labels", "vial_list",
    "lot_list", "stock", "usage", "evidence", "need", "levels", "paces", "forecasting", "futures", "new_lot",
    "surplus", "policy", "weighing", "elsewhere", "reasons", "reordering", "foresight", "write_downs",
    "alerts", "tracing", "corrections", "preview",
    "proof_of_use", "proof_of_places", "proof_of_orders", "proof_of_counts", "proof_of_values",
    "proof", "proof_of_trail",
]  # fmt: skip
PRICING = [
    "formulations", "protocols", "price_list", "stages",
    "covering", "sharing", "sharing_hints", "paths", "outlook", "sheets", "sourcing", "costing",
    "screening", "entitlement", "discounts", "policies", "course_book", "course_money",
    "course_events", "course_records", "session_changes", "courses", "course_life", "retention",
    "certainty", "quote_records", "variance", "deferred", "offers", "quotes", "drifting", "numbering",
    "quote_life", "prospects", "recalls", "privacy",
    "chart", "mapping", "stock_book", "accounting", "details", "lot_changes", "purchases", "reports",
    "stock_months", "close_checks", "closing",
    "proof_of_courses", "proof", "conversion",
]  # fmt: skip
ORDER = [
    "inventory", *(f"inventory.{chapter}" for chapter in INVENTORY),
    "pricing", *(f"pricing.{chapter}" for chapter in PRICING),
]  # fmt: skip

STATISTICS = {
    "inventory.levels", "inventory.paces", "inventory.forecasting", "inventory.futures", "inventory.new_lot",
    "inventory.surplus", "inventory.policy", "inventory.weighing", "inventory.elsewhere",
    "inventory.reasons",
    "inventory.foresight",
    "pricing.paths", "pricing.certainty",
}  # fmt: skip
"""Modules whose floats are estimates of what is to come; what they say is rounded where it is used."""
TOP_LEVEL = {
    "inventory", "pricing", "api", "tests", "seed_data",
    "pyproject.toml", "constraints.txt", "Makefile", "README.md", "LICENSE", "CHANGELOG.md", "SECURITY.md",
}  # fmt: skip
ONLY_BELOW_API = {
    "flask", "flask_smorest", "werkzeug", "marshmallow", "openpyxl", "click", "waitress", "alembic",
}  # fmt: skip
CLOCK = {
    ("datetime", "now"), ("datetime", "utcnow"), ("datetime", "today"), ("date", "today"),
    ("time", "time"), ("time", "time_ns"), ("time", "monotonic"), ("time", "localtime"), ("time", "gmtime"),
}  # fmt: skip
MADE = re.compile(r"\..*|var|build|dist|__pycache__|.*\.egg-info")
THIRD_PARTY = (".min.js", ".min.css", ".woff", ".woff2", ".ttf", ".otf", ".eot", ".whl")
SHARED = ("../" + "shared", "/work" + "/")


def modules(*packages: str) -> dict[str, ast.Module]:
    """The modules of the packages by name, read and not run; migrations apart, which are generated."""
    found = {}
    for package in packages:
        for path in sorted((ROOT / package).rglob("*.py")):
            if path.parent.name == "versions":
                continue
            name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
            found[name] = parsed(path)
    return found


def imports(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """Every name that a module imports, as far as it can be a module, with its line."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module, node.lineno
            yield from ((f"{node.module}.{alias.name}", node.lineno) for alias in node.names)


@cache
def files() -> list[Path]:
    """Every file of the project, and nothing that was made from them."""
    found = []
    for folder, folders, names in os.walk(ROOT):
        folders[:] = [name for name in folders if name == ".ci" or not MADE.fullmatch(name)]
        found += [Path(folder, name) for name in names]
    return found


def python_files() -> list[Path]:
    """What is written by hand in Python."""
    return [path for path in files() if path.suffix == ".py" and path.parent.name != "versions"]


@cache
def parsed(path: Path) -> ast.Module:
    """The module, read and not run."""
    return ast.parse(path.read_text("utf-8"))


def test_every_module_of_the_domain_has_its_place_in_the_order():
    known = set(modules("inventory", "pricing"))

    assert known - set(ORDER) == set(), "add them to ORDER"
    assert set(ORDER) - known == set(), "ORDER lists what is gone"
    assert len(ORDER) == len(set(ORDER))


@pytest.mark.parametrize("name", ORDER)
def test_a_module_of_the_domain_imports_only_what_stands_before_it(name):
    place = ORDER.index(name)
    for imported, line in imports(modules("inventory", "pricing")[name]):
        if imported in ORDER:
            assert ORDER.index(imported) < place, f"{name}:{line} imports {imported}"
        assert imported.split(".")[0] not in {"seed_data", "api", "tests"}, (
            f"{name}:{line} imports {imported}"
        )


def test_seed_data_imports_the_domain_and_nothing_above_it():
    for name, tree in modules("seed_data").items():
        for imported, line in imports(tree):
            assert imported.split(".")[0] not in {"api", "tests"}, f"{name}:{line} imports {imported}"


def test_nothing_that_is_installed_imports_the_tests():
    for name, tree in modules(*PACKAGES).items():
        for imported, line in imports(tree):
            assert imported.split(".")[0] != "tests", f"{name}:{line} imports {imported}"


def test_only_the_api_knows_the_web_and_the_workbook():
    for name, tree in modules("inventory", "pricing", "seed_data").items():
        for imported, line in imports(tree):
            assert imported.split(".")[0] not in ONLY_BELOW_API, f"{name}:{line} imports {imported}"


def test_the_domain_never_asks_what_time_it_is():
    for name, tree in modules("inventory", "pricing", "seed_data").items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute):
                owner = node.value.attr if isinstance(node.value, ast.Attribute) else node.value
                owner = owner.id if isinstance(owner, ast.Name) else owner
                assert (owner, node.attr) not in CLOCK, f"{name}:{node.lineno} asks the clock"


def test_floats_live_in_reordering_and_go_nowhere_else():
    for name, tree in modules("inventory", "pricing").items():
        if name in STATISTICS:
            continue
        for node in ast.walk(tree):
            made = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "float"
            written = isinstance(node, ast.Constant) and isinstance(node.value, float)
            assert not made, f"{name}:{node.lineno} makes a float"
            assert not written, f"{name}:{node.lineno} has a float in it"


@pytest.mark.parametrize("name", ORDER)
def test_a_module_and_all_that_is_public_in_it_says_what_it_is(name):
    tree = modules("inventory", "pricing")[name]

    assert ast.get_docstring(tree), f"{name} does not say what it is about"
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            assert ast.get_docstring(node), f"{name}:{node.lineno} {node.name} does not say what it does"


def test_every_file_of_ours_says_what_it_is_about():
    silent = [str(path) for path in python_files() if not ast.get_docstring(parsed(path))]

    assert silent == []


def test_no_file_is_longer_than_a_chapter():
    long = {str(path.relative_to(ROOT)): len(path.read_text("utf-8").splitlines()) for path in python_files()}

    assert {path: lines for path, lines in long.items() if lines > 350} == {}


def test_no_function_is_longer_than_a_page():
    long = {
        f"{path.relative_to(ROOT)}:{node.name}": length
        for path in python_files()
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.FunctionDef) and (length := (node.end_lineno or 0) - node.lineno + 1) > 50
    }

    assert long == {}


def test_no_line_is_wider_than_110_columns():
    wide = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in python_files()
        for number, line in enumerate(path.read_text("utf-8").splitlines(), start=1)
        if len(line) > 110
    ]

    assert wide == []


def test_nothing_of_others_is_copied_in():
    assert [str(path) for path in files() if path.name.endswith(THIRD_PARTY)] == []


def test_the_top_level_holds_what_was_agreed_and_no_more():
    found = {path.relative_to(ROOT).parts[0] for path in files()}

    assert {name for name in found if not name.startswith(".")} == TOP_LEVEL


def test_the_project_names_no_folder_outside_itself():
    naming = [
        f"{path.relative_to(ROOT)}: {folder}"
        for path in files()
        for folder in SHARED
        if folder.encode() in path.read_bytes()
    ]

    assert naming == []
