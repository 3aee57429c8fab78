"""The least that a session on PostgreSQL must write by our rules, as one statement over bare tables.

The one statement of the floor picks lots, moves and carries balances. This one also keeps what the rules ask:
who did what (S8), what it cost (C2), what was discarded of it (S3), the audit trail's entry (I13) and the
answer to a repeated request (I7), with the keys and indexes of our tables, and decides as little as it can.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from hashlib import sha256
from uuid import uuid4

TABLES = """
    CREATE TABLE place (id BIGINT PRIMARY KEY);
    INSERT INTO place VALUES (1), (2), (3);
    CREATE TABLE product (id INTEGER PRIMARY KEY);
    INSERT INTO product SELECT DISTINCT product FROM lot;
    CREATE TABLE document (id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, kind TEXT NOT NULL,
      site BIGINT NOT NULL REFERENCES place(id), "on" DATE NOT NULL, at TIMESTAMPTZ NOT NULL,
      recorded_at TIMESTAMPTZ NOT NULL, "by" TEXT NOT NULL);
    CREATE INDEX document_on ON document ("on");
    CREATE TABLE visit (id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
      document BIGINT NOT NULL UNIQUE REFERENCES document(id), site BIGINT NOT NULL REFERENCES place(id),
      "on" DATE NOT NULL, at TIMESTAMPTZ NOT NULL, patient TEXT NOT NULL);
    CREATE INDEX visit_patient ON visit (patient, id);
    CREATE INDEX visit_site ON visit (site, "on");
    CREATE TABLE layer (id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
      product INTEGER NOT NULL REFERENCES product(id), lot BIGINT NOT NULL REFERENCES lot(id),
      quantity_left BIGINT NOT NULL CHECK (quantity_left >= 0), value_left BIGINT NOT NULL);
    INSERT INTO layer (product, lot, quantity_left, value_left)
      SELECT product, id, balance, balance * unit_cost / 10000 FROM lot;
    CREATE INDEX layer_lot ON layer (lot);
    CREATE INDEX layer_live ON layer (product, id, quantity_left, value_left) WHERE quantity_left > 0;
    CREATE TABLE movement (id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
      document BIGINT NOT NULL REFERENCES document(id), "on" DATE NOT NULL,
      product INTEGER NOT NULL REFERENCES product(id), lot BIGINT NOT NULL REFERENCES lot(id),
      source BIGINT NOT NULL REFERENCES place(id), target BIGINT NOT NULL REFERENCES place(id),
      direction SMALLINT NOT NULL, quantity BIGINT NOT NULL CHECK (quantity > 0), value BIGINT NOT NULL,
      layer BIGINT REFERENCES layer(id));
    CREATE INDEX movement_lot ON movement (lot, "on", direction, quantity, value);
    CREATE INDEX movement_on ON movement ("on", id);
    CREATE INDEX movement_product ON movement (product, id);
    CREATE INDEX movement_document ON movement (document);
    CREATE TABLE trail_head (id INTEGER PRIMARY KEY, number BIGINT NOT NULL, hash TEXT NOT NULL);
    INSERT INTO trail_head VALUES (1, 0, '');
    CREATE TABLE trail (number BIGINT PRIMARY KEY, hash TEXT NOT NULL, at TIMESTAMPTZ NOT NULL,
      "by" TEXT NOT NULL, kind TEXT NOT NULL, text TEXT NOT NULL);
    CREATE INDEX trail_at ON trail (at);
    CREATE INDEX trail_kind ON trail (kind, number);
    CREATE INDEX trail_by ON trail ("by", number);
    CREATE TABLE request (person TEXT, key TEXT, fingerprint TEXT NOT NULL, body TEXT NOT NULL,
      at TIMESTAMPTZ NOT NULL, PRIMARY KEY (person, key));
    CREATE INDEX request_at ON request (at);
"""
RESTOCK = "UPDATE lot SET balance = layer.quantity_left FROM layer WHERE layer.lot = lot.id"
"""The lots with all but what the statement below took."""
STATEMENT = """
    WITH need AS (SELECT * FROM unnest(%(items)s::int[], %(whole)s::bigint[], %(dose)s::bigint[])
        AS t(p, q, d)),
      cand AS MATERIALIZED (SELECT n.p, n.q, n.d, l.id, l.balance, l.expiry
        FROM need n CROSS JOIN LATERAL (
          SELECT id, balance, expiry FROM lot
          WHERE product = n.p AND balance > 0 AND expiry >= %(on)s ORDER BY expiry, id LIMIT 4 FOR UPDATE) l),
      run AS (SELECT *, coalesce(sum(balance) OVER (
          PARTITION BY p ORDER BY expiry, id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS before
        FROM cand),
      take AS MATERIALIZED (
        SELECT run.p, run.id, least(balance, q - before) AS t,
          greatest(0, least(balance, q - before, d - before)) AS used, layer.id AS layer,
          layer.value_left * least(balance, q - before) / layer.quantity_left AS value
        FROM run JOIN layer ON layer.lot = run.id AND layer.quantity_left > 0 WHERE before < q),
      act AS (INSERT INTO document (kind, site, "on", at, recorded_at, "by")
        VALUES ('session', 1, %(on)s, %(at)s, %(at)s, %(by)s) RETURNING id),
      visited AS (INSERT INTO visit (document, site, "on", at, patient)
        SELECT id, 1, %(on)s, %(at)s, 'P-1' FROM act),
      up AS (UPDATE lot SET balance = lot.balance - take.t FROM take WHERE lot.id = take.id RETURNING 1),
      spent AS (UPDATE layer SET quantity_left = quantity_left - take.t, value_left = value_left - take.value
        FROM take WHERE layer.id = take.layer),
      ins AS (INSERT INTO movement
          (document, "on", product, lot, source, target, direction, quantity, value, layer)
        SELECT act.id, %(on)s, p, take.id, 1, target, -1, much, value * much / t, layer
        FROM act, take, LATERAL (VALUES (2, used), (3, t - used)) AS part(target, much) WHERE much > 0),
      head AS (UPDATE trail_head SET number = number + 1,
          hash = encode(sha256(convert_to(hash || %(text)s, 'UTF8')), 'hex')
        WHERE id = 1 RETURNING number, hash),
      entry AS (INSERT INTO trail (number, hash, at, "by", kind, text)
        SELECT number, hash, %(at)s, %(by)s, 'session', %(text)s FROM head),
      asked AS (INSERT INTO request (person, key, fingerprint, body, at)
        VALUES (%(by)s, %(key)s, %(fingerprint)s, %(body)s, %(at)s))
    SELECT id, t, (SELECT count(*) FROM up) FROM take
"""


def asked(doses: Sequence[tuple[int, int, int]], *, now: datetime, by: str, body: bytes) -> dict[str, object]:
    """What the statement is given for a session: item, whole containers and dose of each line, ascending."""
    items, whole, dose = (list(column) for column in zip(*doses, strict=True))
    lines = "\n".join(_lines(doses, by))
    return {
        "items": items, "whole": whole, "dose": dose, "on": now.date(), "at": now, "by": by,
        "key": uuid4().hex, "fingerprint": sha256(body).hexdigest(), "body": '{"id": 1, "cost": "123.45"}',
        "text": f"{now.isoformat()} {by} session {sha256(lines.encode()).hexdigest()}" * 4,
    }  # fmt: skip


def _lines(doses: Sequence[tuple[int, int, int]], by: str) -> Iterator[str]:
    """As many as there are movements, to be hashed as the trail does."""
    for item, whole, dose in doses:
        yield f"item={item}\x1fquantity={dose}\x1fby={by}"
        yield f"item={item}\x1fquantity={whole - dose}\x1fby={by}"
