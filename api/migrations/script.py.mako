"""${message}."""

import sqlalchemy as sa
from alembic import op

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}

% if "KEY" in upgrades:
KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
% endif
FACTS_ARE_ONLY_ADDED = {
% for dialect, statements in triggers.items():
    ${repr(dialect)}: [
    % for statement in statements:
        ${repr(statement)},
    % endfor
    ],
% endfor
}


def upgrade() -> None:
    """${message}."""
    ${upgrades}
    for statement in FACTS_ARE_ONLY_ADDED[op.get_bind().dialect.name]:
        op.execute(statement)
