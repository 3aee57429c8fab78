"""The engine to a server of several machines: how long it waits, and which answers mean that it is gone.

A server that was replaced may still answer: one that only follows by now refuses to write (25006). Its
connections are dropped like those that broke, and the next ones find whoever leads.
"""

import ipaddress
import os

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import ExceptionContext

from inventory.database import Database

GONE = ("25006", "57P01", "57P02", "57P03")  # follows only; was ended; crashed; starts or stops
WAITS = {
    "connect_timeout": 3,
    "tcp_user_timeout": 4000,  # milliseconds in which a machine that is alive acknowledges what it was sent
    "keepalives": 1,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    # Who waits for a lock is told to come again; who holds one and was frozen lets go of it.
    "options": "-c lock_timeout=3000 -c idle_in_transaction_session_timeout=60000",
}


def postgresql(url: str, *, pool_size: int = 10, pool_timeout: float = 5) -> Database:
    """The book on a PostgreSQL server, or on whichever of several leads; nothing is connected yet.

    Who finds twice so many connections in use waits for one so long, and is then told to come again.
    """
    database = Database(
        url,
        hide_parameters=True,  # what people wrote has no place in a log
        pool_pre_ping=True,  # a connection that died with a restarted server is noticed before it is used
        pool_recycle=900,
        pool_size=pool_size,
        max_overflow=pool_size,
        pool_timeout=pool_timeout,
        connect_args=WAITS | _sealed_off(sa.make_url(url)),
    )
    event.listen(database.engine, "handle_error", _drop_what_is_gone)
    return database


def _sealed_off(url: sa.URL) -> dict[str, str]:
    """To other machines TLS only, with no way back to plain text, unless the address says how."""
    if "sslmode" in url.query or "PGSSLMODE" in os.environ:
        return {}
    named = url.query.get("host", ())
    hosts = [url.host or "", *([named] if isinstance(named, str) else named)]
    return {"sslmode": "require"} if any(_is_elsewhere(host) for host in hosts) else {}


def _is_elsewhere(host: str) -> bool:
    """Whether it is another machine: not a socket's folder, nor this one by whatever name."""
    name = host if host.count(":") > 1 else host.partition(":")[0]
    if not name or name.startswith(("/", "@")) or name == "localhost":
        return False
    try:
        return not ipaddress.ip_address(name).is_loopback
    except ValueError:
        return True


def _drop_what_is_gone(context: ExceptionContext) -> None:
    if getattr(context.original_exception, "sqlstate", None) in GONE:
        context.is_disconnect = True
