"""What Alembic runs for each migration: inside the transaction that `upgrade` began."""

from alembic import context

context.configure(connection=context.config.attributes["connection"])
context.run_migrations()
