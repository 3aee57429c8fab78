"""Run the stockroom."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
FACTS_ARE_ONLY_ADDED = {
    "sqlite": [
        "CREATE TRIGGER IF NOT EXISTS documents_no_update BEFORE UPDATE ON documents BEGIN SELECT RAISE(ABORT, 'documents are only added, never changed'); END",
        "CREATE TRIGGER IF NOT EXISTS documents_no_delete BEFORE DELETE ON documents BEGIN SELECT RAISE(ABORT, 'documents are only added, never changed'); END",
    ],
    "postgresql": [],
}


def upgrade() -> None:
    """Run the stockroom."""
    with op.batch_alter_table("places", schema=None) as batch_op:
        batch_op.add_column(sa.Column("temperature", sa.String(24), server_default="any", nullable=False))
        batch_op.add_column(sa.Column("active", sa.Boolean(), server_default=sa.text("true"), nullable=False))
        batch_op.add_column(sa.Column("version", KEY, server_default=sa.text("1"), nullable=False))
        batch_op.create_check_constraint(
            batch_op.f("ck_places_temperature_known"), "temperature IN ('any', 'frozen', 'cold', 'room')"
        )

    with op.batch_alter_table("documents", schema=None) as batch_op:
        batch_op.drop_constraint("ck_documents_kind_known", type_="check")
        batch_op.create_check_constraint(
            batch_op.f("ck_documents_kind_known"),
            "kind IN ('receipt', 'opening', 'session', 'discard', 'write_off', 'hold', 'reversal', 'move', 'transfer')",
        )
    for statement in FACTS_ARE_ONLY_ADDED[op.get_bind().dialect.name]:
        op.execute(statement)
