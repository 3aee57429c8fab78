"""Run the stockroom."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
FACTS_ARE_ONLY_ADDED = {
    "sqlite": [
        "CREATE TRIGGER clinic_marks_no_update BEFORE UPDATE ON clinic_marks BEGIN SELECT RAISE(ABORT, 'clinic_marks are only added, never changed'); END",
        "CREATE TRIGGER clinic_marks_no_delete BEFORE DELETE ON clinic_marks BEGIN SELECT RAISE(ABORT, 'clinic_marks are only added, never changed'); END",
        "CREATE TRIGGER count_entries_no_update BEFORE UPDATE ON count_entries BEGIN SELECT RAISE(ABORT, 'count_entries are only added, never changed'); END",
        "CREATE TRIGGER count_entries_no_delete BEFORE DELETE ON count_entries BEGIN SELECT RAISE(ABORT, 'count_entries are only added, never changed'); END",
        "CREATE TRIGGER course_entries_no_update BEFORE UPDATE ON course_entries BEGIN SELECT RAISE(ABORT, 'course_entries are only added, never changed'); END",
        "CREATE TRIGGER course_entries_no_delete BEFORE DELETE ON course_entries BEGIN SELECT RAISE(ABORT, 'course_entries are only added, never changed'); END",
        "CREATE TRIGGER course_events_no_update BEFORE UPDATE ON course_events BEGIN SELECT RAISE(ABORT, 'course_events are only added, never changed'); END",
        "CREATE TRIGGER course_events_no_delete BEFORE DELETE ON course_events BEGIN SELECT RAISE(ABORT, 'course_events are only added, never changed'); END",
        "CREATE TRIGGER course_lines_no_update BEFORE UPDATE ON course_lines BEGIN SELECT RAISE(ABORT, 'course_lines are only added, never changed'); END",
        "CREATE TRIGGER course_lines_no_delete BEFORE DELETE ON course_lines BEGIN SELECT RAISE(ABORT, 'course_lines are only added, never changed'); END",
        "CREATE TRIGGER IF NOT EXISTS documents_no_update BEFORE UPDATE ON documents BEGIN SELECT RAISE(ABORT, 'documents are only added, never changed'); END",
        "CREATE TRIGGER IF NOT EXISTS documents_no_delete BEFORE DELETE ON documents BEGIN SELECT RAISE(ABORT, 'documents are only added, never changed'); END",
        "CREATE TRIGGER erasures_no_update BEFORE UPDATE ON erasures BEGIN SELECT RAISE(ABORT, 'erasures are only added, never changed'); END",
        "CREATE TRIGGER erasures_no_delete BEFORE DELETE ON erasures BEGIN SELECT RAISE(ABORT, 'erasures are only added, never changed'); END",
        "CREATE TRIGGER formula_changes_no_update BEFORE UPDATE ON formula_changes BEGIN SELECT RAISE(ABORT, 'formula_changes are only added, never changed'); END",
        "CREATE TRIGGER formula_changes_no_delete BEFORE DELETE ON formula_changes BEGIN SELECT RAISE(ABORT, 'formula_changes are only added, never changed'); END",
        "CREATE TRIGGER import_undos_no_update BEFORE UPDATE ON import_undos BEGIN SELECT RAISE(ABORT, 'import_undos are only added, never changed'); END",
        "CREATE TRIGGER import_undos_no_delete BEFORE DELETE ON import_undos BEGIN SELECT RAISE(ABORT, 'import_undos are only added, never changed'); END",
        "CREATE TRIGGER imports_no_update BEFORE UPDATE ON imports BEGIN SELECT RAISE(ABORT, 'imports are only added, never changed'); END",
        "CREATE TRIGGER imports_no_delete BEFORE DELETE ON imports BEGIN SELECT RAISE(ABORT, 'imports are only added, never changed'); END",
        "CREATE TRIGGER names_elsewhere_no_update BEFORE UPDATE ON names_elsewhere BEGIN SELECT RAISE(ABORT, 'names_elsewhere are only added, never changed'); END",
        "CREATE TRIGGER names_elsewhere_no_delete BEFORE DELETE ON names_elsewhere BEGIN SELECT RAISE(ABORT, 'names_elsewhere are only added, never changed'); END",
        "CREATE TRIGGER period_accounts_no_update BEFORE UPDATE ON period_accounts BEGIN SELECT RAISE(ABORT, 'period_accounts are only added, never changed'); END",
        "CREATE TRIGGER period_accounts_no_delete BEFORE DELETE ON period_accounts BEGIN SELECT RAISE(ABORT, 'period_accounts are only added, never changed'); END",
        "CREATE TRIGGER period_lots_no_update BEFORE UPDATE ON period_lots BEGIN SELECT RAISE(ABORT, 'period_lots are only added, never changed'); END",
        "CREATE TRIGGER period_lots_no_delete BEFORE DELETE ON period_lots BEGIN SELECT RAISE(ABORT, 'period_lots are only added, never changed'); END",
        "CREATE TRIGGER period_reopenings_no_update BEFORE UPDATE ON period_reopenings BEGIN SELECT RAISE(ABORT, 'period_reopenings are only added, never changed'); END",
        "CREATE TRIGGER period_reopenings_no_delete BEFORE DELETE ON period_reopenings BEGIN SELECT RAISE(ABORT, 'period_reopenings are only added, never changed'); END",
        "CREATE TRIGGER IF NOT EXISTS periods_no_update BEFORE UPDATE ON periods BEGIN SELECT RAISE(ABORT, 'periods are only added, never changed'); END",
        "CREATE TRIGGER IF NOT EXISTS periods_no_delete BEFORE DELETE ON periods BEGIN SELECT RAISE(ABORT, 'periods are only added, never changed'); END",
        "CREATE TRIGGER purchase_order_cancellations_no_update BEFORE UPDATE ON purchase_order_cancellations BEGIN SELECT RAISE(ABORT, 'purchase_order_cancellations are only added, never changed'); END",
        "CREATE TRIGGER purchase_order_cancellations_no_delete BEFORE DELETE ON purchase_order_cancellations BEGIN SELECT RAISE(ABORT, 'purchase_order_cancellations are only added, never changed'); END",
        "CREATE TRIGGER purchase_order_events_no_update BEFORE UPDATE ON purchase_order_events BEGIN SELECT RAISE(ABORT, 'purchase_order_events are only added, never changed'); END",
        "CREATE TRIGGER purchase_order_events_no_delete BEFORE DELETE ON purchase_order_events BEGIN SELECT RAISE(ABORT, 'purchase_order_events are only added, never changed'); END",
        "CREATE TRIGGER purchase_order_lines_no_update BEFORE UPDATE ON purchase_order_lines BEGIN SELECT RAISE(ABORT, 'purchase_order_lines are only added, never changed'); END",
        "CREATE TRIGGER purchase_order_lines_no_delete BEFORE DELETE ON purchase_order_lines BEGIN SELECT RAISE(ABORT, 'purchase_order_lines are only added, never changed'); END",
        "CREATE TRIGGER purchase_order_receipts_no_update BEFORE UPDATE ON purchase_order_receipts BEGIN SELECT RAISE(ABORT, 'purchase_order_receipts are only added, never changed'); END",
        "CREATE TRIGGER purchase_order_receipts_no_delete BEFORE DELETE ON purchase_order_receipts BEGIN SELECT RAISE(ABORT, 'purchase_order_receipts are only added, never changed'); END",
        "CREATE TRIGGER purchase_orders_no_update BEFORE UPDATE ON purchase_orders BEGIN SELECT RAISE(ABORT, 'purchase_orders are only added, never changed'); END",
        "CREATE TRIGGER purchase_orders_no_delete BEFORE DELETE ON purchase_orders BEGIN SELECT RAISE(ABORT, 'purchase_orders are only added, never changed'); END",
        "CREATE TRIGGER purges_no_update BEFORE UPDATE ON purges BEGIN SELECT RAISE(ABORT, 'purges are only added, never changed'); END",
        "CREATE TRIGGER purges_no_delete BEFORE DELETE ON purges BEGIN SELECT RAISE(ABORT, 'purges are only added, never changed'); END",
        "CREATE TRIGGER quote_documents_no_update BEFORE UPDATE ON quote_documents BEGIN SELECT RAISE(ABORT, 'quote_documents are only added, never changed'); END",
        "CREATE TRIGGER quote_documents_no_delete BEFORE DELETE ON quote_documents BEGIN SELECT RAISE(ABORT, 'quote_documents are only added, never changed'); END",
        "CREATE TRIGGER IF NOT EXISTS quote_events_no_update BEFORE UPDATE ON quote_events BEGIN SELECT RAISE(ABORT, 'quote_events are only added, never changed'); END",
        "CREATE TRIGGER IF NOT EXISTS quote_events_no_delete BEFORE DELETE ON quote_events BEGIN SELECT RAISE(ABORT, 'quote_events are only added, never changed'); END",
        "CREATE TRIGGER quote_overrides_no_update BEFORE UPDATE ON quote_overrides BEGIN SELECT RAISE(ABORT, 'quote_overrides are only added, never changed'); END",
        "CREATE TRIGGER quote_overrides_no_delete BEFORE DELETE ON quote_overrides BEGIN SELECT RAISE(ABORT, 'quote_overrides are only added, never changed'); END",
        "CREATE TRIGGER IF NOT EXISTS quotes_no_update BEFORE UPDATE ON quotes BEGIN SELECT RAISE(ABORT, 'quotes are only added, never changed'); END",
        "CREATE TRIGGER IF NOT EXISTS quotes_no_delete BEFORE DELETE ON quotes BEGIN SELECT RAISE(ABORT, 'quotes are only added, never changed'); END",
        "CREATE TRIGGER IF NOT EXISTS receipts_no_update BEFORE UPDATE ON receipts BEGIN SELECT RAISE(ABORT, 'receipts are only added, never changed'); END",
        "CREATE TRIGGER IF NOT EXISTS receipts_no_delete BEFORE DELETE ON receipts BEGIN SELECT RAISE(ABORT, 'receipts are only added, never changed'); END",
        "CREATE TRIGGER room_entries_no_update BEFORE UPDATE ON room_entries BEGIN SELECT RAISE(ABORT, 'room_entries are only added, never changed'); END",
        "CREATE TRIGGER room_entries_no_delete BEFORE DELETE ON room_entries BEGIN SELECT RAISE(ABORT, 'room_entries are only added, never changed'); END",
        "CREATE TRIGGER session_changes_no_update BEFORE UPDATE ON session_changes BEGIN SELECT RAISE(ABORT, 'session_changes are only added, never changed'); END",
        "CREATE TRIGGER session_changes_no_delete BEFORE DELETE ON session_changes BEGIN SELECT RAISE(ABORT, 'session_changes are only added, never changed'); END",
        "CREATE TRIGGER supplier_invoice_lines_no_update BEFORE UPDATE ON supplier_invoice_lines BEGIN SELECT RAISE(ABORT, 'supplier_invoice_lines are only added, never changed'); END",
        "CREATE TRIGGER supplier_invoice_lines_no_delete BEFORE DELETE ON supplier_invoice_lines BEGIN SELECT RAISE(ABORT, 'supplier_invoice_lines are only added, never changed'); END",
        "CREATE TRIGGER supplier_invoices_no_update BEFORE UPDATE ON supplier_invoices BEGIN SELECT RAISE(ABORT, 'supplier_invoices are only added, never changed'); END",
        "CREATE TRIGGER supplier_invoices_no_delete BEFORE DELETE ON supplier_invoices BEGIN SELECT RAISE(ABORT, 'supplier_invoices are only added, never changed'); END",
        "CREATE TRIGGER trail_no_update BEFORE UPDATE ON trail BEGIN SELECT RAISE(ABORT, 'trail are only added, never changed'); END",
        "CREATE TRIGGER trail_no_delete BEFORE DELETE ON trail BEGIN SELECT RAISE(ABORT, 'trail are only added, never changed'); END",
        "CREATE TRIGGER transfer_steps_no_update BEFORE UPDATE ON transfer_steps BEGIN SELECT RAISE(ABORT, 'transfer_steps are only added, never changed'); END",
        "CREATE TRIGGER transfer_steps_no_delete BEFORE DELETE ON transfer_steps BEGIN SELECT RAISE(ABORT, 'transfer_steps are only added, never changed'); END",
        "CREATE TRIGGER transfers_no_update BEFORE UPDATE ON transfers BEGIN SELECT RAISE(ABORT, 'transfers are only added, never changed'); END",
        "CREATE TRIGGER transfers_no_delete BEFORE DELETE ON transfers BEGIN SELECT RAISE(ABORT, 'transfers are only added, never changed'); END",
        "CREATE TRIGGER value_adjustments_no_update BEFORE UPDATE ON value_adjustments BEGIN SELECT RAISE(ABORT, 'value_adjustments are only added, never changed'); END",
        "CREATE TRIGGER value_adjustments_no_delete BEFORE DELETE ON value_adjustments BEGIN SELECT RAISE(ABORT, 'value_adjustments are only added, never changed'); END",
        "CREATE TRIGGER write_downs_no_update BEFORE UPDATE ON write_downs BEGIN SELECT RAISE(ABORT, 'write_downs are only added, never changed'); END",
        "CREATE TRIGGER write_downs_no_delete BEFORE DELETE ON write_downs BEGIN SELECT RAISE(ABORT, 'write_downs are only added, never changed'); END",
    ],
    "postgresql": [
        "CREATE OR REPLACE FUNCTION clinic_marks_only_added() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'clinic_marks are only added, never changed'; END $$",
        "CREATE TRIGGER clinic_marks_only_added BEFORE UPDATE OR DELETE ON clinic_marks FOR EACH ROW EXECUTE FUNCTION clinic_marks_only_added()",
        "CREATE OR REPLACE FUNCTION count_entries_only_added() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'count_entries are only added, never changed'; END $$",
        "CREATE TRIGGER count_entries_only_added BEFORE UPDATE OR DELETE ON count_entries FOR EACH ROW EXECUTE FUNCTION count_entries_only_added()",
        "CREATE OR REPLACE FUNCTION course_entries_only_added() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'course_entries are only added, never changed'; END $$",
        "CREATE TRIGGER course_entries_only_added BEFORE UPDATE OR DELETE ON course_entries FOR EACH ROW EXECUTE FUNCTION course_entries_only_added()",
        "CREATE OR REPLACE FUNCTION course_events_only_added() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'course_events are only added, never changed'; END $$",
        "CREATE TRIGGER course_events_only_added BEFORE UPDATE OR DELETE ON course_events FOR EACH ROW EXECUTE FUNCTION course_events_only_added()",
        "CREATE OR REPLACE FUNCTION course_lines_only_added() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'course_lines are only added, never changed'; END $$",
        "CREATE TRIGGER course_lines_only_added BEFORE UPDATE OR DELETE ON course_lines FOR EACH ROW EXECUTE FUNCTION course_lines_only_added()",
        "CREATE OR REPLACE FUNCTION erasures_only_added() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'erasures are only added, never changed'; END $$",
        "CREATE TRIGGER erasures_only_added BEFORE UPDATE OR DELETE ON erasures FOR EACH ROW EXECUTE FUNCTION erasures_only_added()",
        "CREATE OR REPLACE FUNCTION formula_changes_only_added() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'formula_changes are only added, never changed'; END $$",
        "CREATE TRIGGER formula_changes_only_added BEFORE UPDATE OR DELETE ON formula_changes FOR EACH ROW EXECUTE FUNCTION formula_changes_only_added()",
        "CREATE OR REPLACE FUNCTION import_undos_only_added() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'import_undos are only added, never changed'; END $$",
        "CREATE TRIGGER import_undos_only_added BEFORE UPDATE OR DELETE ON import_undos FOR EACH ROW EXECUTE FUNCTION import_undos_only_added()",
        "CREATE OR REPLACE FUNCTION imports_only_added() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'imports are only added, never changed'; END $$",
        "CREATE TRIGGER imports_only_added BEFORE UPDATE OR DELETE ON imports FOR EACH ROW EXECUTE FUNCTION imports_only_added()",
        "CREATE OR REPLACE FUNCTION names_elsewhere_only_added() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'names_elsewhere are only added, never changed'; END $$",
        "CREATE TRIGGER names_elsewhere_only_added BEFORE UPDATE OR DELETE ON names_elsewhere FOR EACH ROW EXECUTE FUNCTION names_elsewhere_only_added()",
        "CREATE OR REPLACE FUNCTION period_accounts_only_added() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'period_accounts are only added, never changed'; END $$",
        "CREATE TRIGGER period_accounts_only_added BEFORE UPDATE OR DELETE ON period_accounts FOR EACH ROW EXECUTE FUNCTION period_accounts_only_added()",
        "CREATE OR REPLACE FUNCTION period_lots_only_added() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'period_lots are only added, never changed'; END $$",
        "CREATE TRIGGER period_lots_only_added BEFORE UPDATE OR DELETE ON period_lots FOR EACH ROW EXECUTE FUNCTION period_lots_only_added()",
        "CREATE OR REPLACE FUNCTION period_reopenings_only_added() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'period_reopenings are only added, never changed'; END $$",
        "CREATE TRIGGER period_reopenings_only_added BEFORE UPDATE OR DELETE ON period_reopenings FOR EACH ROW EXECUTE FUNCTION period_reopenings_only_added()",
        "CREATE OR REPLACE FUNCTION purchase_order_cancellations_only_added() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'purchase_order_cancellations are only added, never changed'; END $$",
        "CREATE TRIGGER purchase_order_cancellations_only_added BEFORE UPDATE OR DELETE ON purchase_order_cancellations FOR EACH ROW EXECUTE FUNCTION purchase_order_cancellations_only_added()",
        "CREATE OR REPLACE FUNCTION purchase_order_events_only_added() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'purchase_order_events are only added, never changed'; END $$",
        "CREATE TRIGGER purchase_order_events_only_added BEFORE UPDATE OR DELETE ON purchase_order_events FOR EACH ROW EXECUTE FUNCTION purchase_order_events_only_added()",
        "CREATE OR REPLACE FUNCTION purchase_order_lines_only_added() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'purchase_order_lines are only added, never changed'; END $$",
        "CREATE TRIGGER purchase_order_lines_only_added BEFORE UPDATE OR DELETE ON purchase_order_lines FOR EACH ROW EXECUTE FUNCTION purchase_order_lines_only_added()",
        "CREATE OR REPLACE FUNCTION purchase_order_receipts_only_added() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'purchase_order_receipts are only added, never changed'; END $$",
        "CREATE TRIGGER purchase_order_receipts_only_added BEFORE UPDATE OR DELETE ON purchase_order_receipts FOR EACH ROW EXECUTE FUNCTION purchase_order_receipts_only_added()",
        "CREATE OR REPLACE FUNCTION purchase_orders_only_added() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'purchase_orders are only added, never changed'; END $$",
        "CREATE TRIGGER purchase_orders_only_added BEFORE UPDATE OR DELETE ON purchase_orders FOR EACH ROW EXECUTE FUNCTION purchase_orders_only_added()",
        "CREATE OR REPLACE FUNCTION purges_only_added() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'purges are only added, never changed'; END $$",
        "CREATE TRIGGER purges_only_added BEFORE UPDATE OR DELETE ON purges FOR EACH ROW EXECUTE FUNCTION purges_only_added()",
        "CREATE OR REPLACE FUNCTION quote_documents_only_added() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'quote_documents are only added, never changed'; END $$",
        "CREATE TRIGGER quote_documents_only_added BEFORE UPDATE OR DELETE ON quote_documents FOR EACH ROW EXECUTE FUNCTION quote_documents_only_added()",
        "CREATE OR REPLACE FUNCTION quote_overrides_only_added() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'quote_overrides are only added, never changed'; END $$",
        "CREATE TRIGGER quote_overrides_only_added BEFORE UPDATE OR DELETE ON quote_overrides FOR EACH ROW EXECUTE FUNCTION quote_overrides_only_added()",
        "CREATE OR REPLACE FUNCTION room_entries_only_added() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'room_entries are only added, never changed'; END $$",
        "CREATE TRIGGER room_entries_only_added BEFORE UPDATE OR DELETE ON room_entries FOR EACH ROW EXECUTE FUNCTION room_entries_only_added()",
        "CREATE OR REPLACE FUNCTION session_changes_only_added() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'session_changes are only added, never changed'; END $$",
        "CREATE TRIGGER session_changes_only_added BEFORE UPDATE OR DELETE ON session_changes FOR EACH ROW EXECUTE FUNCTION session_changes_only_added()",
        "CREATE OR REPLACE FUNCTION supplier_invoice_lines_only_added() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'supplier_invoice_lines are only added, never changed'; END $$",
        "CREATE TRIGGER supplier_invoice_lines_only_added BEFORE UPDATE OR DELETE ON supplier_invoice_lines FOR EACH ROW EXECUTE FUNCTION supplier_invoice_lines_only_added()",
        "CREATE OR REPLACE FUNCTION supplier_invoices_only_added() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'supplier_invoices are only added, never changed'; END $$",
        "CREATE TRIGGER supplier_invoices_only_added BEFORE UPDATE OR DELETE ON supplier_invoices FOR EACH ROW EXECUTE FUNCTION supplier_invoices_only_added()",
        "CREATE OR REPLACE FUNCTION trail_only_added() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'trail are only added, never changed'; END $$",
        "CREATE TRIGGER trail_only_added BEFORE UPDATE OR DELETE ON trail FOR EACH ROW EXECUTE FUNCTION trail_only_added()",
        "CREATE OR REPLACE FUNCTION transfer_steps_only_added() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'transfer_steps are only added, never changed'; END $$",
        "CREATE TRIGGER transfer_steps_only_added BEFORE UPDATE OR DELETE ON transfer_steps FOR EACH ROW EXECUTE FUNCTION transfer_steps_only_added()",
        "CREATE OR REPLACE FUNCTION transfers_only_added() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'transfers are only added, never changed'; END $$",
        "CREATE TRIGGER transfers_only_added BEFORE UPDATE OR DELETE ON transfers FOR EACH ROW EXECUTE FUNCTION transfers_only_added()",
        "CREATE OR REPLACE FUNCTION value_adjustments_only_added() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'value_adjustments are only added, never changed'; END $$",
        "CREATE TRIGGER value_adjustments_only_added BEFORE UPDATE OR DELETE ON value_adjustments FOR EACH ROW EXECUTE FUNCTION value_adjustments_only_added()",
        "CREATE OR REPLACE FUNCTION write_downs_only_added() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'write_downs are only added, never changed'; END $$",
        "CREATE TRIGGER write_downs_only_added BEFORE UPDATE OR DELETE ON write_downs FOR EACH ROW EXECUTE FUNCTION write_downs_only_added()",
    ],
}


def upgrade() -> None:
    """Run the stockroom."""
    op.create_table(
        "cancellation_policies",
        sa.Column("id", KEY, nullable=False),
        sa.Column("code", sa.String(length=20), nullable=False),
        sa.Column("country", sa.String(length=2), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("valid_months", KEY, nullable=True),
        sa.Column("notice_hours", KEY, nullable=False),
        sa.Column("refund", sa.String(24), nullable=False),
        sa.Column("credit", sa.Boolean(), nullable=False),
        sa.Column("admin_fee", sa.BigInteger(), nullable=False),
        sa.Column("transfers", KEY, nullable=False),
        sa.Column("changes", KEY, nullable=True),
        sa.Column("late_fee", sa.BigInteger(), nullable=False),
        sa.Column("late_rate", sa.BigInteger(), nullable=False),
        sa.Column("no_show_fee", sa.BigInteger(), nullable=False),
        sa.Column("no_show_rate", sa.BigInteger(), nullable=False),
        sa.Column("no_show_uses_session", sa.Boolean(), nullable=False),
        sa.Column("refund_words", sa.String(length=500), nullable=False),
        sa.Column("missed_words", sa.String(length=500), nullable=False),
        sa.Column("illustrative", sa.Boolean(), nullable=False),
        sa.Column("source", sa.String(length=500), nullable=False),
        sa.CheckConstraint(
            "refund IN ('single_price', 'unused', 'none')", name=op.f("ck_cancellation_policies_refund_known")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cancellation_policies")),
        sa.UniqueConstraint("code", name=op.f("uq_cancellation_policies_code")),
    )
    op.create_table(
        "clinic_marks",
        sa.Column("id", KEY, nullable=False),
        sa.Column("picture", sa.LargeBinary(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by", sa.String(length=80), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_clinic_marks")),
    )
    op.create_table(
        "erasures",
        sa.Column("id", KEY, nullable=False),
        sa.Column("word", sa.String(length=40), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by", sa.String(length=80), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.Column("rows", KEY, nullable=False),
        sa.Column("kept_until", sa.Date(), nullable=True),
        sa.Column("touched", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_erasures")),
        sa.UniqueConstraint("word", name=op.f("uq_erasures_word")),
    )
    op.create_table(
        "names_elsewhere",
        sa.Column("id", KEY, nullable=False),
        sa.Column("software", sa.String(24), nullable=False),
        sa.Column("subject", sa.String(24), nullable=False),
        sa.Column("code", sa.String(length=20), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by", sa.String(length=80), nullable=False),
        sa.CheckConstraint(
            "software IN ('books', 'xero', 'qbo', 'iif', 'sage', 'beancount')",
            name=op.f("ck_names_elsewhere_software_known"),
        ),
        sa.CheckConstraint("subject IN ('account', 'site')", name=op.f("ck_names_elsewhere_subject_known")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_names_elsewhere")),
    )
    with op.batch_alter_table("names_elsewhere", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_names_elsewhere_software_subject_code_id"),
            ["software", "subject", "code", "id"],
            unique=False,
        )

    op.create_table(
        "purges",
        sa.Column("id", KEY, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by", sa.String(length=80), nullable=False),
        sa.Column("counts", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_purges")),
    )
    op.create_table(
        "trail",
        sa.Column("number", KEY, autoincrement=False, nullable=False),
        sa.Column("previous", sa.String(length=64), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("by", sa.String(length=80), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("subject", sa.String(length=200), nullable=False),
        sa.Column("why", sa.String(length=500), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("salts", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_trail")),
    )
    with op.batch_alter_table("trail", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_trail_at"), ["at"], unique=False)
        batch_op.create_index(batch_op.f("ix_trail_by_number"), ["by", "number"], unique=False)
        batch_op.create_index(batch_op.f("ix_trail_kind_number"), ["kind", "number"], unique=False)

    op.create_table(
        "trail_head",
        sa.Column("id", KEY, autoincrement=False, nullable=False),
        sa.Column("number", KEY, nullable=False),
        sa.Column("previous", sa.String(length=64), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_trail_head")),
    )
    op.create_table(
        "calendars",
        sa.Column("id", KEY, nullable=False),
        sa.Column("person_id", KEY, nullable=False),
        sa.Column("site_id", KEY, nullable=False),
        sa.Column("secret_hash", sa.String(length=64), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_calendars_person_id_people")),
        sa.ForeignKeyConstraint(["site_id"], ["sites.id"], name=op.f("fk_calendars_site_id_sites")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_calendars")),
        sa.UniqueConstraint("secret_hash", name=op.f("uq_calendars_secret_hash")),
    )
    op.create_table(
        "imports",
        sa.Column("id", KEY, nullable=False),
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("file_name", sa.String(length=200), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("site_id", KEY, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by", sa.String(length=80), nullable=False),
        sa.Column("total", KEY, nullable=False),
        sa.Column("imported", KEY, nullable=False),
        sa.Column("repeated", KEY, nullable=False),
        sa.Column("first_document", KEY, nullable=True),
        sa.Column("last_document", KEY, nullable=True),
        sa.CheckConstraint(
            "kind IN ('items', 'offers', 'opening-stock', 'formulations')", name=op.f("ck_imports_kind_known")
        ),
        sa.ForeignKeyConstraint(["site_id"], ["sites.id"], name=op.f("fk_imports_site_id_sites")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_imports")),
    )
    with op.batch_alter_table("imports", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_imports_fingerprint"), ["fingerprint"], unique=False)

    op.create_table(
        "period_accounts",
        sa.Column("period_id", KEY, nullable=False),
        sa.Column("account", sa.String(length=10), nullable=False),
        sa.Column("opening", sa.BigInteger(), nullable=False),
        sa.Column("debit", sa.BigInteger(), nullable=False),
        sa.Column("credit", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["period_id"], ["periods.id"], name=op.f("fk_period_accounts_period_id_periods")
        ),
        sa.PrimaryKeyConstraint("period_id", "account", name=op.f("pk_period_accounts")),
    )
    op.create_table(
        "period_reopenings",
        sa.Column("id", KEY, nullable=False),
        sa.Column("period_id", KEY, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by", sa.String(length=80), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.ForeignKeyConstraint(
            ["period_id"], ["periods.id"], name=op.f("fk_period_reopenings_period_id_periods")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_period_reopenings")),
        sa.UniqueConstraint("period_id", name=op.f("uq_period_reopenings_period_id")),
    )
    op.create_table(
        "purchase_orders",
        sa.Column("id", KEY, nullable=False),
        sa.Column("site_id", KEY, nullable=False),
        sa.Column("supplier_id", KEY, nullable=False),
        sa.Column("note", sa.String(length=500), nullable=False),
        sa.ForeignKeyConstraint(["site_id"], ["sites.id"], name=op.f("fk_purchase_orders_site_id_sites")),
        sa.ForeignKeyConstraint(
            ["supplier_id"], ["suppliers.id"], name=op.f("fk_purchase_orders_supplier_id_suppliers")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_purchase_orders")),
    )
    with op.batch_alter_table("purchase_orders", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_purchase_orders_site_id_id"), ["site_id", "id"], unique=False)
        batch_op.create_index(batch_op.f("ix_purchase_orders_supplier_id"), ["supplier_id"], unique=False)

    op.create_table(
        "counts",
        sa.Column("id", KEY, nullable=False),
        sa.Column("site_id", KEY, nullable=False),
        sa.Column("place_id", KEY, nullable=True),
        sa.Column("subject", sa.String(length=200), nullable=False),
        sa.Column("narrowed", sa.Boolean(), nullable=False),
        sa.Column("blind", sa.Boolean(), nullable=False),
        sa.Column("begun_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("begun_by", sa.String(length=80), nullable=False),
        sa.Column("state", sa.String(24), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_by", sa.String(length=80), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.Column("document_id", KEY, nullable=True),
        sa.CheckConstraint("state IN ('open', 'posted', 'abandoned')", name=op.f("ck_counts_state_known")),
        sa.ForeignKeyConstraint(
            ["document_id"], ["documents.id"], name=op.f("fk_counts_document_id_documents")
        ),
        sa.ForeignKeyConstraint(["place_id"], ["places.id"], name=op.f("fk_counts_place_id_places")),
        sa.ForeignKeyConstraint(["site_id"], ["sites.id"], name=op.f("fk_counts_site_id_sites")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_counts")),
        sa.UniqueConstraint("document_id", name=op.f("uq_counts_document_id")),
    )
    with op.batch_alter_table("counts", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_counts_site_id_id"), ["site_id", "id"], unique=False)

    op.create_table(
        "discount_rules",
        sa.Column("id", KEY, nullable=False),
        sa.Column("code", sa.String(length=20), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("promotion", sa.Boolean(), nullable=False),
        sa.Column("protocol_id", KEY, nullable=True),
        sa.Column("from_sessions", KEY, nullable=False),
        sa.Column("rate", sa.BigInteger(), nullable=False),
        sa.Column("free_sessions", KEY, nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("source", sa.String(length=500), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by", sa.String(length=80), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_by", sa.String(length=80), nullable=True),
        sa.CheckConstraint(
            "(rate = 0) <> (free_sessions = 0)", name=op.f("ck_discount_rules_rate_or_free_sessions")
        ),
        sa.CheckConstraint(
            "free_sessions >= 0 AND free_sessions < from_sessions",
            name=op.f("ck_discount_rules_not_all_free"),
        ),
        sa.CheckConstraint("from_sessions > 0", name=op.f("ck_discount_rules_sessions_positive")),
        sa.CheckConstraint("rate >= 0 AND rate <= 1000000", name=op.f("ck_discount_rules_rate_a_fraction")),
        sa.CheckConstraint(
            "valid_to IS NULL OR valid_from <= valid_to", name=op.f("ck_discount_rules_dates_in_order")
        ),
        sa.ForeignKeyConstraint(
            ["protocol_id"], ["protocols.id"], name=op.f("fk_discount_rules_protocol_id_protocols")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_discount_rules")),
        sa.UniqueConstraint("code", name=op.f("uq_discount_rules_code")),
    )
    with op.batch_alter_table("discount_rules", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_discount_rules_promotion_valid_from"), ["promotion", "valid_from"], unique=False
        )

    op.create_table(
        "formula_changes",
        sa.Column("id", KEY, nullable=False),
        sa.Column("document_id", KEY, nullable=False),
        sa.Column("on", sa.Date(), nullable=False),
        sa.Column("before", sa.String(24), nullable=False),
        sa.Column("after", sa.String(24), nullable=False),
        sa.CheckConstraint(
            "after IN ('specific', 'fifo', 'weighted_average')", name=op.f("ck_formula_changes_after_known")
        ),
        sa.CheckConstraint(
            "before IN ('specific', 'fifo', 'weighted_average')", name=op.f("ck_formula_changes_before_known")
        ),
        sa.CheckConstraint('"before" <> "after"', name=op.f("ck_formula_changes_another_formula")),
        sa.ForeignKeyConstraint(
            ["document_id"], ["documents.id"], name=op.f("fk_formula_changes_document_id_documents")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_formula_changes")),
        sa.UniqueConstraint("document_id", name=op.f("uq_formula_changes_document_id")),
        sa.UniqueConstraint("on", name=op.f("uq_formula_changes_on")),
    )
    op.create_table(
        "import_undos",
        sa.Column("id", KEY, nullable=False),
        sa.Column("import_id", KEY, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by", sa.String(length=80), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.Column("document_id", KEY, nullable=True),
        sa.ForeignKeyConstraint(
            ["document_id"], ["documents.id"], name=op.f("fk_import_undos_document_id_documents")
        ),
        sa.ForeignKeyConstraint(
            ["import_id"], ["imports.id"], name=op.f("fk_import_undos_import_id_imports")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_import_undos")),
        sa.UniqueConstraint("import_id", name=op.f("uq_import_undos_import_id")),
    )
    op.create_table(
        "purchase_order_events",
        sa.Column("id", KEY, nullable=False),
        sa.Column("order_id", KEY, nullable=False),
        sa.Column("step", sa.String(24), nullable=False),
        sa.Column("on", sa.Date(), nullable=False),
        sa.Column("expected_on", sa.Date(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by", sa.String(length=80), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.CheckConstraint(
            "step IN ('drafted', 'changed', 'sent', 'closed', 'cancelled')",
            name=op.f("ck_purchase_order_events_step_known"),
        ),
        sa.ForeignKeyConstraint(
            ["order_id"],
            ["purchase_orders.id"],
            name=op.f("fk_purchase_order_events_order_id_purchase_orders"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_purchase_order_events")),
    )
    with op.batch_alter_table("purchase_order_events", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_purchase_order_events_order_id_id"), ["order_id", "id"], unique=False
        )

    op.create_table(
        "supplier_invoices",
        sa.Column("id", KEY, nullable=False),
        sa.Column("document_id", KEY, nullable=False),
        sa.Column("supplier_id", KEY, nullable=False),
        sa.Column("number", sa.String(length=40), nullable=False),
        sa.Column("on", sa.Date(), nullable=False),
        sa.Column("goods", sa.BigInteger(), nullable=False),
        sa.Column("freight", sa.BigInteger(), nullable=False),
        sa.Column("duty", sa.BigInteger(), nullable=False),
        sa.Column("discount", sa.BigInteger(), nullable=False),
        sa.Column("tax", sa.BigInteger(), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.Column("cleared", sa.BigInteger(), nullable=False),
        sa.Column("to_stock", sa.BigInteger(), nullable=False),
        sa.Column("to_variance", sa.BigInteger(), nullable=False),
        sa.Column("reverses_id", KEY, nullable=True),
        sa.CheckConstraint(
            "cleared + to_stock + to_variance + tax = total", name=op.f("ck_supplier_invoices_sides_agree")
        ),
        sa.CheckConstraint(
            "total = goods + freight + duty - discount + tax", name=op.f("ck_supplier_invoices_total_adds_up")
        ),
        sa.ForeignKeyConstraint(
            ["document_id"], ["documents.id"], name=op.f("fk_supplier_invoices_document_id_documents")
        ),
        sa.ForeignKeyConstraint(
            ["reverses_id"],
            ["supplier_invoices.id"],
            name=op.f("fk_supplier_invoices_reverses_id_supplier_invoices"),
        ),
        sa.ForeignKeyConstraint(
            ["supplier_id"], ["suppliers.id"], name=op.f("fk_supplier_invoices_supplier_id_suppliers")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_supplier_invoices")),
        sa.UniqueConstraint("document_id", name=op.f("uq_supplier_invoices_document_id")),
    )
    with op.batch_alter_table("supplier_invoices", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_supplier_invoices_on_id"), ["on", "id"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_supplier_invoices_supplier_id_number"), ["supplier_id", "number"], unique=False
        )
        batch_op.create_index(
            "uq_supplier_invoices_reverses_id",
            ["reverses_id"],
            unique=True,
            sqlite_where=sa.text("reverses_id IS NOT NULL"),
            postgresql_where=sa.text("reverses_id IS NOT NULL"),
        )

    op.create_table(
        "transfers",
        sa.Column("id", KEY, nullable=False),
        sa.Column("document_id", KEY, nullable=False),
        sa.Column("from_site_id", KEY, nullable=False),
        sa.Column("to_site_id", KEY, nullable=False),
        sa.CheckConstraint("from_site_id <> to_site_id", name=op.f("ck_transfers_goes_elsewhere")),
        sa.ForeignKeyConstraint(
            ["document_id"], ["documents.id"], name=op.f("fk_transfers_document_id_documents")
        ),
        sa.ForeignKeyConstraint(["from_site_id"], ["sites.id"], name=op.f("fk_transfers_from_site_id_sites")),
        sa.ForeignKeyConstraint(["to_site_id"], ["sites.id"], name=op.f("fk_transfers_to_site_id_sites")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_transfers")),
        sa.UniqueConstraint("document_id", name=op.f("uq_transfers_document_id")),
    )
    with op.batch_alter_table("transfers", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_transfers_from_site_id_id"), ["from_site_id", "id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_transfers_to_site_id_id"), ["to_site_id", "id"], unique=False)

    op.create_table(
        "period_lots",
        sa.Column("period_id", KEY, nullable=False),
        sa.Column("lot_id", KEY, nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("quantity <> 0 OR value <> 0", name=op.f("ck_period_lots_something")),
        sa.ForeignKeyConstraint(["lot_id"], ["lots.id"], name=op.f("fk_period_lots_lot_id_lots")),
        sa.ForeignKeyConstraint(["period_id"], ["periods.id"], name=op.f("fk_period_lots_period_id_periods")),
        sa.PrimaryKeyConstraint("period_id", "lot_id", name=op.f("pk_period_lots")),
    )
    op.create_table(
        "purchase_order_lines",
        sa.Column("id", KEY, nullable=False),
        sa.Column("order_id", KEY, nullable=False),
        sa.Column("event_id", KEY, nullable=False),
        sa.Column("item_id", KEY, nullable=False),
        sa.Column("packs", KEY, nullable=False),
        sa.Column("pack_containers", KEY, nullable=False),
        sa.Column("pack_price", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("pack_containers > 0", name=op.f("ck_purchase_order_lines_pack_positive")),
        sa.CheckConstraint("pack_price >= 0", name=op.f("ck_purchase_order_lines_price_not_negative")),
        sa.CheckConstraint("packs > 0", name=op.f("ck_purchase_order_lines_packs_positive")),
        sa.ForeignKeyConstraint(
            ["event_id"],
            ["purchase_order_events.id"],
            name=op.f("fk_purchase_order_lines_event_id_purchase_order_events"),
        ),
        sa.ForeignKeyConstraint(
            ["item_id"], ["items.id"], name=op.f("fk_purchase_order_lines_item_id_items")
        ),
        sa.ForeignKeyConstraint(
            ["order_id"],
            ["purchase_orders.id"],
            name=op.f("fk_purchase_order_lines_order_id_purchase_orders"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_purchase_order_lines")),
        sa.UniqueConstraint("event_id", "item_id", name=op.f("uq_purchase_order_lines_event_id_item_id")),
    )
    with op.batch_alter_table("purchase_order_lines", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_purchase_order_lines_order_id_event_id"), ["order_id", "event_id"], unique=False
        )

    op.create_table(
        "quote_documents",
        sa.Column("quote_id", KEY, nullable=False),
        sa.Column("language", sa.String(length=2), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["quote_id"], ["quotes.id"], name=op.f("fk_quote_documents_quote_id_quotes")),
        sa.PrimaryKeyConstraint("quote_id", "language", name=op.f("pk_quote_documents")),
    )
    op.create_table(
        "quote_overrides",
        sa.Column("quote_id", KEY, nullable=False),
        sa.Column("position", KEY, nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("about", sa.String(length=120), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.Column("by", sa.String(length=80), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["quote_id"], ["quotes.id"], name=op.f("fk_quote_overrides_quote_id_quotes")),
        sa.PrimaryKeyConstraint("quote_id", "position", name=op.f("pk_quote_overrides")),
    )
    op.create_table(
        "session_changes",
        sa.Column("session_id", KEY, nullable=False),
        sa.Column("position", KEY, nullable=False),
        sa.Column("kind", sa.String(24), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("sold", sa.BigInteger(), nullable=False),
        sa.Column("used", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.CheckConstraint(
            "kind IN ('added', 'left_out', 'changed')", name=op.f("ck_session_changes_kind_known")
        ),
        sa.ForeignKeyConstraint(
            ["session_id"],
            ["treatment_sessions.id"],
            name=op.f("fk_session_changes_session_id_treatment_sessions"),
        ),
        sa.PrimaryKeyConstraint("session_id", "position", name=op.f("pk_session_changes")),
    )
    op.create_table(
        "transfer_lines",
        sa.Column("transfer_id", KEY, nullable=False),
        sa.Column("lot_id", KEY, nullable=False),
        sa.Column("item_id", KEY, nullable=False),
        sa.Column("sent_quantity", sa.BigInteger(), nullable=False),
        sa.Column("left_quantity", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "left_quantity <= sent_quantity", name=op.f("ck_transfer_lines_left_of_what_was_sent")
        ),
        sa.CheckConstraint("left_quantity >= 0", name=op.f("ck_transfer_lines_left_not_negative")),
        sa.CheckConstraint("sent_quantity > 0", name=op.f("ck_transfer_lines_sent_positive")),
        sa.ForeignKeyConstraint(["item_id"], ["items.id"], name=op.f("fk_transfer_lines_item_id_items")),
        sa.ForeignKeyConstraint(["lot_id"], ["lots.id"], name=op.f("fk_transfer_lines_lot_id_lots")),
        sa.ForeignKeyConstraint(
            ["transfer_id"], ["transfers.id"], name=op.f("fk_transfer_lines_transfer_id_transfers")
        ),
        sa.PrimaryKeyConstraint("transfer_id", "lot_id", name=op.f("pk_transfer_lines")),
    )
    with op.batch_alter_table("transfer_lines", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_transfer_lines_lot_id"), ["lot_id"], unique=False)

    op.create_table(
        "transfer_steps",
        sa.Column("document_id", KEY, nullable=False),
        sa.Column("transfer_id", KEY, nullable=False),
        sa.ForeignKeyConstraint(
            ["document_id"], ["documents.id"], name=op.f("fk_transfer_steps_document_id_documents")
        ),
        sa.ForeignKeyConstraint(
            ["transfer_id"], ["transfers.id"], name=op.f("fk_transfer_steps_transfer_id_transfers")
        ),
        sa.PrimaryKeyConstraint("document_id", name=op.f("pk_transfer_steps")),
    )
    with op.batch_alter_table("transfer_steps", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_transfer_steps_transfer_id"), ["transfer_id"], unique=False)

    op.create_table(
        "write_downs",
        sa.Column("id", KEY, nullable=False),
        sa.Column("document_id", KEY, nullable=False),
        sa.Column("on", sa.Date(), nullable=False),
        sa.Column("item_id", KEY, nullable=False),
        sa.Column("lot_id", KEY, nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("cost", sa.BigInteger(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("reverses_id", KEY, nullable=True),
        sa.CheckConstraint(
            "(amount > 0) = (reverses_id IS NULL)", name=op.f("ck_write_downs_comes_back_once_written")
        ),
        sa.CheckConstraint("amount <> 0", name=op.f("ck_write_downs_changes_something")),
        sa.ForeignKeyConstraint(
            ["document_id"], ["documents.id"], name=op.f("fk_write_downs_document_id_documents")
        ),
        sa.ForeignKeyConstraint(["item_id"], ["items.id"], name=op.f("fk_write_downs_item_id_items")),
        sa.ForeignKeyConstraint(["lot_id"], ["lots.id"], name=op.f("fk_write_downs_lot_id_lots")),
        sa.ForeignKeyConstraint(
            ["reverses_id"], ["write_downs.id"], name=op.f("fk_write_downs_reverses_id_write_downs")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_write_downs")),
    )
    with op.batch_alter_table("write_downs", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_write_downs_document_id"), ["document_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_write_downs_lot_id_id"), ["lot_id", "id"], unique=False)
        batch_op.create_index(batch_op.f("ix_write_downs_reverses_id"), ["reverses_id"], unique=False)

    op.create_table(
        "count_lines",
        sa.Column("id", KEY, nullable=False),
        sa.Column("count_id", KEY, nullable=False),
        sa.Column("place_id", KEY, nullable=False),
        sa.Column("item_id", KEY, nullable=False),
        sa.Column("lot_id", KEY, nullable=False),
        sa.Column("vial_id", KEY, nullable=True),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("added_by", sa.String(length=80), nullable=False),
        sa.Column("change", sa.BigInteger(), nullable=True),
        sa.Column("value", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["count_id"], ["counts.id"], name=op.f("fk_count_lines_count_id_counts")),
        sa.ForeignKeyConstraint(["item_id"], ["items.id"], name=op.f("fk_count_lines_item_id_items")),
        sa.ForeignKeyConstraint(["lot_id"], ["lots.id"], name=op.f("fk_count_lines_lot_id_lots")),
        sa.ForeignKeyConstraint(["place_id"], ["places.id"], name=op.f("fk_count_lines_place_id_places")),
        sa.ForeignKeyConstraint(
            ["vial_id"], ["opened_vials.id"], name=op.f("fk_count_lines_vial_id_opened_vials")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_count_lines")),
        sa.UniqueConstraint("count_id", "vial_id", name=op.f("uq_count_lines_count_id_vial_id")),
    )
    with op.batch_alter_table("count_lines", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_count_lines_lot_id"), ["lot_id"], unique=False)
        batch_op.create_index(
            "uq_count_lines_sealed",
            ["count_id", "place_id", "lot_id"],
            unique=True,
            sqlite_where=sa.text("vial_id IS NULL"),
            postgresql_where=sa.text("vial_id IS NULL"),
        )

    op.create_table(
        "course_entries",
        sa.Column("id", KEY, nullable=False),
        sa.Column("course_id", KEY, nullable=False),
        sa.Column("kind", sa.String(24), nullable=False),
        sa.Column("on", sa.Date(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by", sa.String(length=80), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("number", KEY, nullable=True),
        sa.Column("method", sa.String(length=20), nullable=False),
        sa.Column("note", sa.String(length=500), nullable=False),
        sa.CheckConstraint(
            "kind IN ('deposit', 'payment', 'performed', 'undone', 'forfeited', 'refund', 'credit', 'expired', 'fee')",
            name=op.f("ck_course_entries_kind_known"),
        ),
        sa.CheckConstraint("amount >= 0", name=op.f("ck_course_entries_amount_not_negative")),
        sa.ForeignKeyConstraint(
            ["course_id"], ["courses.id"], name=op.f("fk_course_entries_course_id_courses")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_course_entries")),
    )
    with op.batch_alter_table("course_entries", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_course_entries_course_id_id"), ["course_id", "id"], unique=False)
        batch_op.create_index(batch_op.f("ix_course_entries_on_id"), ["on", "id"], unique=False)

    op.create_table(
        "course_events",
        sa.Column("id", KEY, nullable=False),
        sa.Column("course_id", KEY, nullable=False),
        sa.Column("number", KEY, nullable=True),
        sa.Column("kind", sa.String(24), nullable=False),
        sa.Column("on", sa.Date(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by", sa.String(length=80), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.Column("from_on", sa.Date(), nullable=True),
        sa.Column("to_on", sa.Date(), nullable=True),
        sa.Column("from_patient", sa.String(length=40), nullable=False),
        sa.Column("to_patient", sa.String(length=40), nullable=False),
        sa.Column("notice_hours", KEY, nullable=True),
        sa.Column("fee", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "kind IN ('moved', 'missed', 'transferred', 'without_stock', 'out_of_order', 'taken_back', 'ended')",
            name=op.f("ck_course_events_kind_known"),
        ),
        sa.CheckConstraint("fee >= 0", name=op.f("ck_course_events_fee_not_negative")),
        sa.ForeignKeyConstraint(
            ["course_id"], ["courses.id"], name=op.f("fk_course_events_course_id_courses")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_course_events")),
    )
    with op.batch_alter_table("course_events", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_course_events_course_id_id"), ["course_id", "id"], unique=False)

    op.create_table(
        "purchase_order_cancellations",
        sa.Column("id", KEY, nullable=False),
        sa.Column("event_id", KEY, nullable=False),
        sa.Column("order_line_id", KEY, nullable=False),
        sa.Column("containers", KEY, nullable=False),
        sa.CheckConstraint(
            "containers > 0", name=op.f("ck_purchase_order_cancellations_containers_positive")
        ),
        sa.ForeignKeyConstraint(
            ["event_id"],
            ["purchase_order_events.id"],
            name=op.f("fk_purchase_order_cancellations_event_id_purchase_order_events"),
        ),
        sa.ForeignKeyConstraint(
            ["order_line_id"],
            ["purchase_order_lines.id"],
            name=op.f("fk_purchase_order_cancellations_order_line_id_purchase_order_lines"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_purchase_order_cancellations")),
    )
    with op.batch_alter_table("purchase_order_cancellations", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_purchase_order_cancellations_order_line_id"), ["order_line_id"], unique=False
        )

    op.create_table(
        "room_entries",
        sa.Column("id", KEY, nullable=False),
        sa.Column("vial_id", KEY, nullable=False),
        sa.Column("patient_ref", sa.String(length=40), nullable=False),
        sa.Column("room", sa.String(length=40), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by", sa.String(length=80), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.Column("patient_before", sa.String(length=40), nullable=True),
        sa.Column("discard_at_before", sa.DateTime(timezone=True), nullable=False),
        sa.Column("discard_rule_before", sa.String(length=300), nullable=False),
        sa.Column("corrects_id", KEY, nullable=True),
        sa.CheckConstraint("ends_at > at", name=op.f("ck_room_entries_ends_after_it_began")),
        sa.ForeignKeyConstraint(
            ["corrects_id"], ["room_entries.id"], name=op.f("fk_room_entries_corrects_id_room_entries")
        ),
        sa.ForeignKeyConstraint(
            ["vial_id"], ["opened_vials.id"], name=op.f("fk_room_entries_vial_id_opened_vials")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_room_entries")),
    )
    with op.batch_alter_table("room_entries", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_room_entries_vial_id_id"), ["vial_id", "id"], unique=False)
        batch_op.create_index(
            "uq_room_entries_corrects_id",
            ["corrects_id"],
            unique=True,
            sqlite_where=sa.text("corrects_id IS NOT NULL"),
            postgresql_where=sa.text("corrects_id IS NOT NULL"),
        )

    op.create_table(
        "value_adjustments",
        sa.Column("id", KEY, nullable=False),
        sa.Column("document_id", KEY, nullable=False),
        sa.Column("on", sa.Date(), nullable=False),
        sa.Column("kind", sa.String(24), nullable=False),
        sa.Column("item_id", KEY, nullable=False),
        sa.Column("lot_id", KEY, nullable=False),
        sa.Column("layer_id", KEY, nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "kind IN ('revaluation', 'billed', 'write_down')", name=op.f("ck_value_adjustments_kind_known")
        ),
        sa.CheckConstraint(
            "quantity = 0 OR kind = 'revaluation'", name=op.f("ck_value_adjustments_quantity_by_formula_only")
        ),
        sa.CheckConstraint(
            "quantity <> 0 OR value <> 0", name=op.f("ck_value_adjustments_changes_something")
        ),
        sa.ForeignKeyConstraint(
            ["document_id"], ["documents.id"], name=op.f("fk_value_adjustments_document_id_documents")
        ),
        sa.ForeignKeyConstraint(["item_id"], ["items.id"], name=op.f("fk_value_adjustments_item_id_items")),
        sa.ForeignKeyConstraint(
            ["layer_id"], ["cost_layers.id"], name=op.f("fk_value_adjustments_layer_id_cost_layers")
        ),
        sa.ForeignKeyConstraint(["lot_id"], ["lots.id"], name=op.f("fk_value_adjustments_lot_id_lots")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_value_adjustments")),
    )
    with op.batch_alter_table("value_adjustments", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_value_adjustments_document_id"), ["document_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_value_adjustments_layer_id"), ["layer_id"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_value_adjustments_lot_id_on_value"), ["lot_id", "on", "value"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_value_adjustments_on_id"), ["on", "id"], unique=False)

    op.create_table(
        "count_entries",
        sa.Column("id", KEY, nullable=False),
        sa.Column("line_id", KEY, nullable=False),
        sa.Column("round", sa.SmallInteger(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=True),
        sa.Column("book", sa.BigInteger(), nullable=False),
        sa.Column("mark", KEY, nullable=False),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by", sa.String(length=80), nullable=False),
        sa.Column("serial", sa.String(length=40), nullable=True),
        sa.CheckConstraint(
            "quantity IS NULL OR quantity >= 0", name=op.f("ck_count_entries_quantity_not_negative")
        ),
        sa.CheckConstraint("round IN (1, 2)", name=op.f("ck_count_entries_round_known")),
        sa.ForeignKeyConstraint(
            ["line_id"], ["count_lines.id"], name=op.f("fk_count_entries_line_id_count_lines")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_count_entries")),
    )
    with op.batch_alter_table("count_entries", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_count_entries_line_id_id"), ["line_id", "id"], unique=False)

    op.create_table(
        "count_scans",
        sa.Column("id", KEY, nullable=False),
        sa.Column("count_id", KEY, nullable=False),
        sa.Column("key", sa.String(length=40), nullable=False),
        sa.Column("data", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by", sa.String(length=80), nullable=False),
        sa.Column("line_id", KEY, nullable=True),
        sa.Column("problem", sa.String(length=400), nullable=False),
        sa.Column("waiting", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["count_id"], ["counts.id"], name=op.f("fk_count_scans_count_id_counts")),
        sa.ForeignKeyConstraint(
            ["line_id"], ["count_lines.id"], name=op.f("fk_count_scans_line_id_count_lines")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_count_scans")),
        sa.UniqueConstraint("count_id", "key", name=op.f("uq_count_scans_count_id_key")),
    )
    op.create_table(
        "course_lines",
        sa.Column("entry_id", KEY, nullable=False),
        sa.Column("account", sa.String(length=10), nullable=False),
        sa.Column("course_id", KEY, nullable=False),
        sa.Column("debit", sa.BigInteger(), nullable=False),
        sa.Column("credit", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("debit = 0 OR credit = 0", name=op.f("ck_course_lines_one_side")),
        sa.CheckConstraint("debit >= 0 AND credit >= 0", name=op.f("ck_course_lines_sides_not_negative")),
        sa.ForeignKeyConstraint(
            ["course_id"], ["courses.id"], name=op.f("fk_course_lines_course_id_courses")
        ),
        sa.ForeignKeyConstraint(
            ["entry_id"], ["course_entries.id"], name=op.f("fk_course_lines_entry_id_course_entries")
        ),
        sa.PrimaryKeyConstraint("entry_id", "account", name=op.f("pk_course_lines")),
    )
    with op.batch_alter_table("course_lines", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_course_lines_course_id_account"), ["course_id", "account"], unique=False
        )

    op.create_table(
        "purchase_order_receipts",
        sa.Column("id", KEY, nullable=False),
        sa.Column("receipt_id", KEY, nullable=False),
        sa.Column("order_id", KEY, nullable=False),
        sa.Column("order_line_id", KEY, nullable=True),
        sa.Column("containers", KEY, nullable=False),
        sa.Column("extra", KEY, nullable=False),
        sa.CheckConstraint("containers + extra > 0", name=op.f("ck_purchase_order_receipts_something_came")),
        sa.CheckConstraint(
            "containers >= 0 AND extra >= 0", name=op.f("ck_purchase_order_receipts_not_negative")
        ),
        sa.CheckConstraint(
            "order_line_id IS NOT NULL OR containers = 0",
            name=op.f("ck_purchase_order_receipts_waited_for_by_a_line"),
        ),
        sa.ForeignKeyConstraint(
            ["order_id"],
            ["purchase_orders.id"],
            name=op.f("fk_purchase_order_receipts_order_id_purchase_orders"),
        ),
        sa.ForeignKeyConstraint(
            ["order_line_id"],
            ["purchase_order_lines.id"],
            name=op.f("fk_purchase_order_receipts_order_line_id_purchase_order_lines"),
        ),
        sa.ForeignKeyConstraint(
            ["receipt_id"], ["receipts.id"], name=op.f("fk_purchase_order_receipts_receipt_id_receipts")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_purchase_order_receipts")),
        sa.UniqueConstraint("receipt_id", name=op.f("uq_purchase_order_receipts_receipt_id")),
    )
    with op.batch_alter_table("purchase_order_receipts", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_purchase_order_receipts_order_id"), ["order_id"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_purchase_order_receipts_order_line_id"), ["order_line_id"], unique=False
        )

    op.create_table(
        "supplier_invoice_lines",
        sa.Column("id", KEY, nullable=False),
        sa.Column("invoice_id", KEY, nullable=False),
        sa.Column("receipt_id", KEY, nullable=False),
        sa.Column("containers", KEY, nullable=False),
        sa.Column("unit_price", sa.BigInteger(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("charges", sa.BigInteger(), nullable=False),
        sa.Column("cleared", sa.BigInteger(), nullable=False),
        sa.Column("to_stock", sa.BigInteger(), nullable=False),
        sa.Column("to_variance", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "amount + charges = cleared + to_stock + to_variance",
            name=op.f("ck_supplier_invoice_lines_sides_agree"),
        ),
        sa.ForeignKeyConstraint(
            ["invoice_id"],
            ["supplier_invoices.id"],
            name=op.f("fk_supplier_invoice_lines_invoice_id_supplier_invoices"),
        ),
        sa.ForeignKeyConstraint(
            ["receipt_id"], ["receipts.id"], name=op.f("fk_supplier_invoice_lines_receipt_id_receipts")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_supplier_invoice_lines")),
        sa.UniqueConstraint(
            "invoice_id", "receipt_id", name=op.f("uq_supplier_invoice_lines_invoice_id_receipt_id")
        ),
    )
    with op.batch_alter_table("supplier_invoice_lines", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_supplier_invoice_lines_receipt_id"), ["receipt_id"], unique=False
        )

    with op.batch_alter_table("course_sessions", schema=None) as batch_op:
        batch_op.add_column(sa.Column("settled", sa.String(24), nullable=True))
        batch_op.create_check_constraint(
            batch_op.f("ck_course_sessions_over_in_one_way"), "settled IS NULL OR session_id IS NULL"
        )
        batch_op.create_check_constraint(
            batch_op.f("ck_course_sessions_settled_known"),
            "settled IN ('forfeited', 'without_stock', 'ended')",
        )

    with op.batch_alter_table("courses", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("policy_code", sa.String(length=20), server_default="PC-00", nullable=False)
        )
        batch_op.add_column(
            sa.Column("breakage_rate", sa.BigInteger(), server_default=sa.text("0"), nullable=False)
        )
        batch_op.add_column(sa.Column("expires_on", sa.Date(), nullable=True))

    with op.batch_alter_table("items", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("prescription_only", sa.Boolean(), server_default=sa.text("false"), nullable=False)
        )

    with op.batch_alter_table("offers", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("price_breaks", sa.String(length=300), server_default=sa.text("''"), nullable=False)
        )
        batch_op.add_column(sa.Column("list_price", sa.BigInteger(), nullable=True))
        batch_op.add_column(
            sa.Column("list_currency", sa.String(length=3), server_default=sa.text("''"), nullable=False)
        )

    with op.batch_alter_table("periods", schema=None) as batch_op:
        batch_op.add_column(sa.Column("round", KEY, server_default=sa.text("1"), nullable=False))
        batch_op.add_column(
            sa.Column("reason", sa.String(length=500), server_default=sa.text("''"), nullable=False)
        )
        batch_op.add_column(sa.Column("warnings", sa.Text(), server_default=sa.text("''"), nullable=False))
        batch_op.add_column(sa.Column("facts", sa.String(length=64), nullable=True))
        batch_op.drop_constraint(batch_op.f("uq_periods_month"), type_="unique")
        batch_op.create_unique_constraint(batch_op.f("uq_periods_month_round"), ["month", "round"])

    with op.batch_alter_table("places", schema=None) as batch_op:
        batch_op.add_column(sa.Column("temperature", sa.String(24), server_default="any", nullable=False))
        batch_op.add_column(sa.Column("active", sa.Boolean(), server_default=sa.text("true"), nullable=False))
        batch_op.add_column(sa.Column("version", KEY, server_default=sa.text("1"), nullable=False))
        batch_op.create_check_constraint(
            batch_op.f("ck_places_temperature_known"), "temperature IN ('any', 'frozen', 'cold', 'room')"
        )

    with op.batch_alter_table("quote_events", schema=None) as batch_op:
        batch_op.add_column(sa.Column("lost", sa.String(24), nullable=True))
        batch_op.create_check_constraint(
            batch_op.f("ck_quote_events_lost_known"),
            "lost IN ('price', 'timing', 'elsewhere', 'afraid', 'medical', 'no_answer', 'mistake', 'other')",
        )

    with op.batch_alter_table("quotes", schema=None) as batch_op:
        batch_op.add_column(sa.Column("part_of", KEY, nullable=True))
        batch_op.add_column(
            sa.Column("discount_rule", sa.String(length=20), server_default=sa.text("''"), nullable=False)
        )
        batch_op.add_column(
            sa.Column("discount_name", sa.String(length=120), server_default=sa.text("''"), nullable=False)
        )
        batch_op.add_column(
            sa.Column("deposit", sa.BigInteger(), server_default=sa.text("0"), nullable=False)
        )
        batch_op.create_index(batch_op.f("ix_quotes_part_of"), ["part_of"], unique=False)
        batch_op.create_foreign_key(batch_op.f("fk_quotes_part_of_quotes"), "quotes", ["part_of"], ["id"])

    with op.batch_alter_table("receipts", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("charges", sa.BigInteger(), server_default=sa.text("0"), nullable=False)
        )
        batch_op.create_check_constraint(batch_op.f("ck_receipts_value_not_negative"), "value >= 0")

    with op.batch_alter_table("suppliers", schema=None) as batch_op:
        batch_op.add_column(sa.Column("free_shipping_from", sa.BigInteger(), nullable=True))
        batch_op.add_column(
            sa.Column("order_days", sa.String(length=40), server_default=sa.text("''"), nullable=False)
        )
        batch_op.add_column(
            sa.Column("cold_days", sa.String(length=40), server_default=sa.text("''"), nullable=False)
        )

    with op.batch_alter_table("vial_rules", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("container_form", sa.String(length=40), server_default=sa.text("''"), nullable=False)
        )
        batch_op.add_column(
            sa.Column("ingredient_code", sa.String(length=20), server_default=sa.text("''"), nullable=False)
        )

    with op.batch_alter_table("waiting_scans", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("photo", sa.String(length=40), server_default=sa.text("''"), nullable=False)
        )

    with op.batch_alter_table("documents", schema=None) as batch_op:
        batch_op.drop_constraint("ck_documents_kind_known", type_="check")
        batch_op.create_check_constraint(
            batch_op.f("ck_documents_kind_known"),
            "kind IN ('receipt', 'opening_stock', 'opening', 'session', 'discard', 'write_off', 'hold', 'reversal', 'move', 'transfer', 'count', 'revaluation', 'invoice', 'write_down')",
        )
    for statement in FACTS_ARE_ONLY_ADDED[op.get_bind().dialect.name]:
        op.execute(statement)
