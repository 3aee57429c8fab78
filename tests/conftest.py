"""What tests are given: `db` for the domain, `database` for what must really be committed; both engines.

A test that asks for either runs twice, on SQLite and on PostgreSQL. Row keys differ between the two
and between runs, for a sequence is never rolled back: tests compare what is recorded, not its number.
"""

import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from itertools import count
from typing import TYPE_CHECKING

import hypothesis
import pytest
from sqlalchemy.orm import Session

from api.migrations.tables import every_table
from inventory.database import Database
from tests import postgres

if TYPE_CHECKING:
    from tests.calls import Clinic

ENGINES = ("sqlite", "postgresql")
os.environ.setdefault("VIALBOOK_SECRET", "of the tests alone")  # else a file would be made where they are run
# How long an example takes says something about the machine, not about the clinic.
hypothesis.settings.register_profile(
    "vialbook", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow], print_blob=True
)
hypothesis.settings.load_profile("vialbook")

NewDatabase = Callable[[], AbstractContextManager[Database]]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say loudly, and once for each reason, what was left out."""
    skipped = [report.longrepr for report in terminalreporter.stats.get("skipped", ())]
    reasons = Counter(found[2].removeprefix("Skipped: ") for found in skipped if isinstance(found, tuple))
    if reasons:
        terminalreporter.section("left out", sep="!", red=True, bold=True)
    for reason, times in reasons.items():
        terminalreporter.write_line(f"{times} × {reason}")


@pytest.fixture(scope="session", params=ENGINES)
def engine_name(request: pytest.FixtureRequest) -> str:
    """Which engine the test runs on; whatever a test asks for, it is asked once per engine."""
    return request.param


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A PostgreSQL server: yours if you name one, else one of our own for as long as the tests run."""
    if yours := os.environ.get("VIALBOOK_TEST_POSTGRES_URL"):
        yield yours
        return
    if os.environ.get("VIALBOOK_TEST_WITHOUT_POSTGRES") == "1":
        pytest.skip("VIALBOOK_TEST_WITHOUT_POSTGRES=1: this half of the tests is left out")
    with postgres.server() as url:
        yield url


@pytest.fixture(scope="session")
def empty_database(
    engine_name: str, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> NewDatabase:
    """Makes databases without any table, each for the length of a block."""
    numbers = count()
    if engine_name == "sqlite":
        folder = tmp_path_factory.mktemp("empty")

        @contextmanager
        def new() -> Iterator[Database]:
            with _closing(f"sqlite:///{folder / f'{next(numbers)}.sqlite3'}") as database:
                yield database
    else:
        server = request.getfixturevalue("postgres_url")

        @contextmanager
        def new() -> Iterator[Database]:
            with (
                postgres.database(server, f"empty_{os.getpid()}_{next(numbers)}") as url,
                _closing(url) as it,
            ):
                yield it

    return new


@pytest.fixture(scope="session")
def new_database(
    engine_name: str, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[NewDatabase]:
    """Makes databases with every table and no row: copies of one that is made once."""
    numbers = count()
    if engine_name == "sqlite":
        folder = tmp_path_factory.mktemp("books")
        with _closing(f"sqlite:///{folder / 'pattern.sqlite3'}") as pattern:
            every_table().create_all(pattern.engine)

        @contextmanager
        def new() -> Iterator[Database]:
            path = folder / f"{next(numbers)}.sqlite3"
            shutil.copyfile(folder / "pattern.sqlite3", path)
            with _closing(f"sqlite:///{path}") as database:
                yield database

        yield new
        return

    server = request.getfixturevalue("postgres_url")
    pattern_name = f"pattern_{os.getpid()}"
    with postgres.database(server, pattern_name) as pattern_url:
        with _closing(pattern_url) as pattern:
            every_table().create_all(pattern.engine)

        @contextmanager
        def new() -> Iterator[Database]:
            name = f"book_{os.getpid()}_{next(numbers)}"
            with postgres.database(server, name, like=pattern_name) as url, _closing(url) as database:
                yield database

        yield new


@pytest.fixture(scope="session")
def shared_database(new_database: NewDatabase) -> Iterator[Database]:
    """The database under `db`. Nothing is ever committed to it."""
    with new_database() as database:
        yield database


@pytest.fixture
def db(shared_database: Database) -> Iterator[Session]:
    """A session in which a test may do anything, even commit: all is undone after it."""
    with rolled_back(shared_database) as session:
        yield session


@pytest.fixture
def database(new_database: NewDatabase) -> Iterator[Database]:
    """A database of the test's own, where what is committed stays: for several sessions at once."""
    with new_database() as fresh:
        yield fresh


@pytest.fixture
def here(database: Database) -> Iterator["Clinic"]:
    """A clinic of the test's own, reached over HTTP."""
    from tests.calls import opened  # imported late, for tests of the domain need no server

    with opened(database) as found:
        yield found


@pytest.fixture(scope="module")
def there(new_database: NewDatabase) -> Iterator["Clinic"]:
    """A clinic reached over HTTP in which nothing changes: one for all tests of a file."""
    from tests.calls import opened

    with new_database() as database, opened(database) as found:
        yield found


@contextmanager
def rolled_back(database: Database) -> Iterator[Session]:
    """A session inside a transaction that is undone after the block, whatever was committed in it."""
    with database.engine.connect() as connection:
        transaction = connection.begin()
        with Session(connection, join_transaction_mode="create_savepoint") as session:
            yield session
        transaction.rollback()


@contextmanager
def _closing(url: str) -> Iterator[Database]:
    database = Database(url)
    try:
        yield database
    finally:
        database.engine.dispose()
