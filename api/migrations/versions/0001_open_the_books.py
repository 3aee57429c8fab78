"""Open the books."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
FACTS_ARE_ONLY_ADDED = {
    "sqlite": [
        "CREATE TRIGGER access_rules_no_update BEFORE UPDATE ON access_rules BEGIN SELECT RAISE(ABORT, 'access_rules are only added, never changed'); END",
        "CREATE TRIGGER access_rules_no_delete BEFORE DELETE ON access_rules BEGIN SELECT RAISE(ABORT, 'access_rules are only added, never changed'); END",
        "CREATE TRIGGER documents_no_update BEFORE UPDATE ON documents BEGIN SELECT RAISE(ABORT, 'documents are only added, never changed'); END",
        "CREATE TRIGGER documents_no_delete BEFORE DELETE ON documents BEGIN SELECT RAISE(ABORT, 'documents are only added, never changed'); END",
        "CREATE TRIGGER formulation_lines_no_update BEFORE UPDATE ON formulation_lines BEGIN SELECT RAISE(ABORT, 'formulation_lines are only added, never changed'); END",
        "CREATE TRIGGER formulation_lines_no_delete BEFORE DELETE ON formulation_lines BEGIN SELECT RAISE(ABORT, 'formulation_lines are only added, never changed'); END",
        "CREATE TRIGGER formulation_versions_no_update BEFORE UPDATE ON formulation_versions BEGIN SELECT RAISE(ABORT, 'formulation_versions are only added, never changed'); END",
        "CREATE TRIGGER formulation_versions_no_delete BEFORE DELETE ON formulation_versions BEGIN SELECT RAISE(ABORT, 'formulation_versions are only added, never changed'); END",
        "CREATE TRIGGER list_prices_no_update BEFORE UPDATE ON list_prices BEGIN SELECT RAISE(ABORT, 'list_prices are only added, never changed'); END",
        "CREATE TRIGGER list_prices_no_delete BEFORE DELETE ON list_prices BEGIN SELECT RAISE(ABORT, 'list_prices are only added, never changed'); END",
        "CREATE TRIGGER lot_events_no_update BEFORE UPDATE ON lot_events BEGIN SELECT RAISE(ABORT, 'lot_events are only added, never changed'); END",
        "CREATE TRIGGER lot_events_no_delete BEFORE DELETE ON lot_events BEGIN SELECT RAISE(ABORT, 'lot_events are only added, never changed'); END",
        "CREATE TRIGGER movements_no_update BEFORE UPDATE ON movements BEGIN SELECT RAISE(ABORT, 'movements are only added, never changed'); END",
        "CREATE TRIGGER movements_no_delete BEFORE DELETE ON movements BEGIN SELECT RAISE(ABORT, 'movements are only added, never changed'); END",
        "CREATE TRIGGER periods_no_update BEFORE UPDATE ON periods BEGIN SELECT RAISE(ABORT, 'periods are only added, never changed'); END",
        "CREATE TRIGGER periods_no_delete BEFORE DELETE ON periods BEGIN SELECT RAISE(ABORT, 'periods are only added, never changed'); END",
        "CREATE TRIGGER quote_events_no_update BEFORE UPDATE ON quote_events BEGIN SELECT RAISE(ABORT, 'quote_events are only added, never changed'); END",
        "CREATE TRIGGER quote_events_no_delete BEFORE DELETE ON quote_events BEGIN SELECT RAISE(ABORT, 'quote_events are only added, never changed'); END",
        "CREATE TRIGGER quote_lines_no_update BEFORE UPDATE ON quote_lines BEGIN SELECT RAISE(ABORT, 'quote_lines are only added, never changed'); END",
        "CREATE TRIGGER quote_lines_no_delete BEFORE DELETE ON quote_lines BEGIN SELECT RAISE(ABORT, 'quote_lines are only added, never changed'); END",
        "CREATE TRIGGER quote_sessions_no_update BEFORE UPDATE ON quote_sessions BEGIN SELECT RAISE(ABORT, 'quote_sessions are only added, never changed'); END",
        "CREATE TRIGGER quote_sessions_no_delete BEFORE DELETE ON quote_sessions BEGIN SELECT RAISE(ABORT, 'quote_sessions are only added, never changed'); END",
        "CREATE TRIGGER quote_stages_no_update BEFORE UPDATE ON quote_stages BEGIN SELECT RAISE(ABORT, 'quote_stages are only added, never changed'); END",
        "CREATE TRIGGER quote_stages_no_delete BEFORE DELETE ON quote_stages BEGIN SELECT RAISE(ABORT, 'quote_stages are only added, never changed'); END",
        "CREATE TRIGGER quotes_no_update BEFORE UPDATE ON quotes BEGIN SELECT RAISE(ABORT, 'quotes are only added, never changed'); END",
        "CREATE TRIGGER quotes_no_delete BEFORE DELETE ON quotes BEGIN SELECT RAISE(ABORT, 'quotes are only added, never changed'); END",
        "CREATE TRIGGER receipts_no_update BEFORE UPDATE ON receipts BEGIN SELECT RAISE(ABORT, 'receipts are only added, never changed'); END",
        "CREATE TRIGGER receipts_no_delete BEFORE DELETE ON receipts BEGIN SELECT RAISE(ABORT, 'receipts are only added, never changed'); END",
        "CREATE TRIGGER request_keys_no_update BEFORE UPDATE ON request_keys BEGIN SELECT RAISE(ABORT, 'request_keys are only added, never changed'); END",
        "CREATE TRIGGER request_keys_no_delete BEFORE DELETE ON request_keys BEGIN SELECT RAISE(ABORT, 'request_keys are only added, never changed'); END",
        "CREATE TRIGGER settings_no_update BEFORE UPDATE ON settings BEGIN SELECT RAISE(ABORT, 'settings are only added, never changed'); END",
        "CREATE TRIGGER settings_no_delete BEFORE DELETE ON settings BEGIN SELECT RAISE(ABORT, 'settings are only added, never changed'); END",
    ],
    "postgresql": [
        "CREATE OR REPLACE FUNCTION access_rules_only_added() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'access_rules are only added, never changed'; END $$",
        "CREATE TRIGGER access_rules_only_added BEFORE UPDATE OR DELETE ON access_rules FOR EACH ROW EXECUTE FUNCTION access_rules_only_added()",
        "CREATE OR REPLACE FUNCTION documents_only_added() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'documents are only added, never changed'; END $$",
        "CREATE TRIGGER documents_only_added BEFORE UPDATE OR DELETE ON documents FOR EACH ROW EXECUTE FUNCTION documents_only_added()",
        "CREATE OR REPLACE FUNCTION formulation_lines_only_added() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'formulation_lines are only added, never changed'; END $$",
        "CREATE TRIGGER formulation_lines_only_added BEFORE UPDATE OR DELETE ON formulation_lines FOR EACH ROW EXECUTE FUNCTION formulation_lines_only_added()",
        "CREATE OR REPLACE FUNCTION formulation_versions_only_added() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'formulation_versions are only added, never changed'; END $$",
        "CREATE TRIGGER formulation_versions_only_added BEFORE UPDATE OR DELETE ON formulation_versions FOR EACH ROW EXECUTE FUNCTION formulation_versions_only_added()",
        "CREATE OR REPLACE FUNCTION list_prices_only_added() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'list_prices are only added, never changed'; END $$",
        "CREATE TRIGGER list_prices_only_added BEFORE UPDATE OR DELETE ON list_prices FOR EACH ROW EXECUTE FUNCTION list_prices_only_added()",
        "CREATE OR REPLACE FUNCTION lot_events_only_added() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'lot_events are only added, never changed'; END $$",
        "CREATE TRIGGER lot_events_only_added BEFORE UPDATE OR DELETE ON lot_events FOR EACH ROW EXECUTE FUNCTION lot_events_only_added()",
        "CREATE OR REPLACE FUNCTION movements_only_added() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'movements are only added, never changed'; END $$",
        "CREATE TRIGGER movements_only_added BEFORE UPDATE OR DELETE ON movements FOR EACH ROW EXECUTE FUNCTION movements_only_added()",
        "CREATE OR REPLACE FUNCTION periods_only_added() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'periods are only added, never changed'; END $$",
        "CREATE TRIGGER periods_only_added BEFORE UPDATE OR DELETE ON periods FOR EACH ROW EXECUTE FUNCTION periods_only_added()",
        "CREATE OR REPLACE FUNCTION quote_events_only_added() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'quote_events are only added, never changed'; END $$",
        "CREATE TRIGGER quote_events_only_added BEFORE UPDATE OR DELETE ON quote_events FOR EACH ROW EXECUTE FUNCTION quote_events_only_added()",
        "CREATE OR REPLACE FUNCTION quote_lines_only_added() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'quote_lines are only added, never changed'; END $$",
        "CREATE TRIGGER quote_lines_only_added BEFORE UPDATE OR DELETE ON quote_lines FOR EACH ROW EXECUTE FUNCTION quote_lines_only_added()",
        "CREATE OR REPLACE FUNCTION quote_sessions_only_added() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'quote_sessions are only added, never changed'; END $$",
        "CREATE TRIGGER quote_sessions_only_added BEFORE UPDATE OR DELETE ON quote_sessions FOR EACH ROW EXECUTE FUNCTION quote_sessions_only_added()",
        "CREATE OR REPLACE FUNCTION quote_stages_only_added() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'quote_stages are only added, never changed'; END $$",
        "CREATE TRIGGER quote_stages_only_added BEFORE UPDATE OR DELETE ON quote_stages FOR EACH ROW EXECUTE FUNCTION quote_stages_only_added()",
        "CREATE OR REPLACE FUNCTION quotes_only_added() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'quotes are only added, never changed'; END $$",
        "CREATE TRIGGER quotes_only_added BEFORE UPDATE OR DELETE ON quotes FOR EACH ROW EXECUTE FUNCTION quotes_only_added()",
        "CREATE OR REPLACE FUNCTION receipts_only_added() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'receipts are only added, never changed'; END $$",
        "CREATE TRIGGER receipts_only_added BEFORE UPDATE OR DELETE ON receipts FOR EACH ROW EXECUTE FUNCTION receipts_only_added()",
        "CREATE OR REPLACE FUNCTION request_keys_only_added() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'request_keys are only added, never changed'; END $$",
        "CREATE TRIGGER request_keys_only_added BEFORE UPDATE OR DELETE ON request_keys FOR EACH ROW EXECUTE FUNCTION request_keys_only_added()",
        "CREATE OR REPLACE FUNCTION settings_only_added() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'settings are only added, never changed'; END $$",
        "CREATE TRIGGER settings_only_added BEFORE UPDATE OR DELETE ON settings FOR EACH ROW EXECUTE FUNCTION settings_only_added()",
    ],
}


def upgrade() -> None:
    """Open the books."""
    op.create_table(
        "access_rules",
        sa.Column("id", KEY, nullable=False),
        sa.Column("idle_minutes", KEY, nullable=False),
        sa.Column("longest_hours", KEY, nullable=False),
        sa.Column("second_factor_roles", sa.String(length=120), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by", sa.String(length=80), nullable=False),
        sa.CheckConstraint("idle_minutes > 0", name=op.f("ck_access_rules_idle_positive")),
        sa.CheckConstraint("longest_hours > 0", name=op.f("ck_access_rules_longest_positive")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_access_rules")),
    )
    op.create_table(
        "accounts",
        sa.Column("id", KEY, nullable=False),
        sa.Column("code", sa.String(length=10), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("kind", sa.String(24), nullable=False),
        sa.Column("normal_balance", sa.String(24), nullable=False),
        sa.Column("statement", sa.String(24), nullable=False),
        sa.Column("xero_type", sa.String(length=40), nullable=False),
        sa.Column("qbo_type", sa.String(length=60), nullable=False),
        sa.Column("tax_default", sa.String(length=20), nullable=False),
        sa.Column("description", sa.String(length=300), nullable=False),
        sa.Column("illustrative", sa.Boolean(), nullable=False),
        sa.Column("source", sa.String(length=500), nullable=False),
        sa.CheckConstraint(
            "kind IN ('asset', 'contra asset', 'liability', 'equity', 'revenue', 'contra revenue', 'cost of sales', 'expense')",
            name=op.f("ck_accounts_kind_known"),
        ),
        sa.CheckConstraint(
            "normal_balance IN ('debit', 'credit')", name=op.f("ck_accounts_normal_balance_known")
        ),
        sa.CheckConstraint(
            "statement IN ('balance sheet', 'profit and loss')", name=op.f("ck_accounts_statement_known")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_accounts")),
        sa.UniqueConstraint("code", name=op.f("uq_accounts_code")),
    )
    op.create_table(
        "first_secrets",
        sa.Column("id", KEY, nullable=False),
        sa.Column("secret_hash", sa.String(length=64), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_first_secrets")),
    )
    op.create_table(
        "formulations",
        sa.Column("id", KEY, nullable=False),
        sa.Column("code", sa.String(length=20), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("concern", sa.String(length=120), nullable=False),
        sa.Column("area", sa.String(length=60), nullable=False),
        sa.Column("technique", sa.String(length=80), nullable=False),
        sa.Column("total_volume_ml", sa.BigInteger(), nullable=False),
        sa.Column("preparation_rule", sa.String(length=300), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("illustrative", sa.Boolean(), nullable=False),
        sa.Column("note", sa.String(length=500), nullable=False),
        sa.Column("source", sa.String(length=500), nullable=False),
        sa.CheckConstraint("total_volume_ml > 0", name=op.f("ck_formulations_volume_positive")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_formulations")),
        sa.UniqueConstraint("code", name=op.f("uq_formulations_code")),
    )
    op.create_table(
        "ingredients",
        sa.Column("id", KEY, nullable=False),
        sa.Column("code", sa.String(length=20), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("category", sa.String(length=60), nullable=False),
        sa.Column("role", sa.String(length=120), nullable=False),
        sa.Column("allergen_class", sa.String(length=120), nullable=False),
        sa.Column("contraindications", sa.String(length=200), nullable=False),
        sa.Column("regulatory_note", sa.String(length=300), nullable=False),
        sa.Column("illustrative", sa.Boolean(), nullable=False),
        sa.Column("source", sa.String(length=500), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ingredients")),
        sa.UniqueConstraint("code", name=op.f("uq_ingredients_code")),
    )
    op.create_table(
        "number_series",
        sa.Column("series", sa.String(length=20), nullable=False),
        sa.Column("year", KEY, autoincrement=False, nullable=False),
        sa.Column("last", KEY, nullable=False),
        sa.PrimaryKeyConstraint("series", "year", name=op.f("pk_number_series")),
    )
    op.create_table(
        "people",
        sa.Column("id", KEY, nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("role", sa.String(24), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=True),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("renewed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "role IN ('manager', 'front_desk', 'accountant', 'practitioner', 'admin')",
            name=op.f("ck_people_role_known"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_people")),
        sa.UniqueConstraint("name", name=op.f("uq_people_name")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_people_token_hash")),
    )
    op.create_table(
        "periods",
        sa.Column("id", KEY, nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_by", sa.String(length=80), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_periods")),
        sa.UniqueConstraint("month", name=op.f("uq_periods_month")),
    )
    op.create_table(
        "practitioner_levels",
        sa.Column("id", KEY, nullable=False),
        sa.Column("code", sa.String(length=20), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("multiplier", sa.BigInteger(), nullable=False),
        sa.Column("labour_rate", sa.BigInteger(), nullable=False),
        sa.Column("can_prescribe", sa.String(length=40), nullable=False),
        sa.Column("may_inject_rx", sa.String(length=40), nullable=False),
        sa.Column("needs_supervision", sa.String(length=40), nullable=False),
        sa.Column("commission_rate", sa.BigInteger(), nullable=False),
        sa.Column("version", KEY, nullable=False),
        sa.Column("illustrative", sa.Boolean(), nullable=False),
        sa.Column("note", sa.String(length=500), nullable=False),
        sa.Column("source", sa.String(length=500), nullable=False),
        sa.CheckConstraint(
            "commission_rate BETWEEN 0 AND 1000000", name=op.f("ck_practitioner_levels_commission_a_fraction")
        ),
        sa.CheckConstraint("labour_rate >= 0", name=op.f("ck_practitioner_levels_labour_rate_not_negative")),
        sa.CheckConstraint("multiplier > 0", name=op.f("ck_practitioner_levels_multiplier_positive")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_practitioner_levels")),
        sa.UniqueConstraint("code", name=op.f("uq_practitioner_levels_code")),
    )
    op.create_table(
        "price_bands",
        sa.Column("id", KEY, nullable=False),
        sa.Column("code", sa.String(length=20), nullable=False),
        sa.Column("region", sa.String(length=40), nullable=False),
        sa.Column("country", sa.String(length=40), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("treatment", sa.String(length=80), nullable=False),
        sa.Column("family", sa.String(length=80), nullable=False),
        sa.Column("area", sa.String(length=60), nullable=False),
        sa.Column("unit", sa.String(length=40), nullable=False),
        sa.Column("low", sa.BigInteger(), nullable=False),
        sa.Column("high", sa.BigInteger(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("illustrative", sa.Boolean(), nullable=False),
        sa.Column("note", sa.String(length=500), nullable=False),
        sa.Column("source", sa.String(length=500), nullable=False),
        sa.CheckConstraint("low >= 0 AND low <= high", name=op.f("ck_price_bands_low_to_high")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_price_bands")),
        sa.UniqueConstraint("code", name=op.f("uq_price_bands_code")),
    )
    with op.batch_alter_table("price_bands", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_price_bands_currency_valid_from"), ["currency", "valid_from"], unique=False
        )

    op.create_table(
        "request_keys",
        sa.Column("id", KEY, nullable=False),
        sa.Column("person", sa.String(length=80), nullable=False),
        sa.Column("call", sa.String(length=300), nullable=False),
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("status", KEY, nullable=False),
        sa.Column("headers", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_request_keys")),
        sa.UniqueConstraint("person", "call", "key", name=op.f("uq_request_keys_person_call_key")),
    )
    op.create_table(
        "settings",
        sa.Column("id", KEY, nullable=False),
        sa.Column("key", sa.String(length=40), nullable=False),
        sa.Column("value", sa.String(length=200), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by", sa.String(length=80), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_settings")),
    )
    with op.batch_alter_table("settings", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_settings_key_id"), ["key", "id"], unique=False)

    op.create_table(
        "sign_in_failures",
        sa.Column("id", KEY, nullable=False),
        sa.Column("account", sa.String(length=64), nullable=False),
        sa.Column("address", sa.String(length=60), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sign_in_failures")),
    )
    with op.batch_alter_table("sign_in_failures", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_sign_in_failures_account_at"), ["account", "at"], unique=False)
        batch_op.create_index(batch_op.f("ix_sign_in_failures_address_at"), ["address", "at"], unique=False)

    op.create_table(
        "sites",
        sa.Column("id", KEY, nullable=False),
        sa.Column("code", sa.String(length=20), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("country", sa.String(length=2), nullable=False),
        sa.Column("region", sa.String(length=40), nullable=False),
        sa.Column("tax_region", sa.String(length=20), nullable=False),
        sa.Column("time_zone", sa.String(length=60), nullable=False),
        sa.Column("share_opened_vials", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sites")),
        sa.UniqueConstraint("code", name=op.f("uq_sites_code")),
    )
    op.create_table(
        "suppliers",
        sa.Column("id", KEY, nullable=False),
        sa.Column("code", sa.String(length=20), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("kind", sa.String(length=60), nullable=False),
        sa.Column("country", sa.String(length=2), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("payment_days", KEY, nullable=False),
        sa.Column("lead_days", KEY, nullable=False),
        sa.Column("minimum_order", sa.BigInteger(), nullable=False),
        sa.Column("shipping", sa.BigInteger(), nullable=False),
        sa.Column("cold_chain", sa.Boolean(), nullable=False),
        sa.Column("returns_rule", sa.String(length=200), nullable=False),
        sa.Column("version", KEY, nullable=False),
        sa.Column("illustrative", sa.Boolean(), nullable=False),
        sa.Column("source", sa.String(length=500), nullable=False),
        sa.CheckConstraint("lead_days >= 0", name=op.f("ck_suppliers_lead_days_not_negative")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_suppliers")),
        sa.UniqueConstraint("code", name=op.f("uq_suppliers_code")),
    )
    op.create_table(
        "tax_rules",
        sa.Column("id", KEY, nullable=False),
        sa.Column("code", sa.String(length=20), nullable=False),
        sa.Column("country", sa.String(length=2), nullable=False),
        sa.Column("region", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("supply", sa.String(length=120), nullable=False),
        sa.Column("treatment", sa.String(length=80), nullable=False),
        sa.Column("rate", sa.BigInteger(), nullable=True),
        sa.Column("effective_from", sa.Date(), nullable=False),
        sa.Column("effective_to", sa.Date(), nullable=True),
        sa.Column("inclusive", sa.Boolean(), nullable=False),
        sa.Column("evidence", sa.String(length=500), nullable=False),
        sa.Column("illustrative", sa.Boolean(), nullable=False),
        sa.Column("source", sa.String(length=500), nullable=False),
        sa.CheckConstraint(
            "effective_to IS NULL OR effective_from <= effective_to", name=op.f("ck_tax_rules_dates_in_order")
        ),
        sa.CheckConstraint(
            "rate IS NULL OR (rate >= 0 AND rate < 1000000)", name=op.f("ck_tax_rules_rate_a_fraction")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tax_rules")),
        sa.UniqueConstraint("code", name=op.f("uq_tax_rules_code")),
    )
    with op.batch_alter_table("tax_rules", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_tax_rules_country_effective_from"), ["country", "effective_from"], unique=False
        )

    op.create_table(
        "techniques",
        sa.Column("id", KEY, nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("family", sa.String(24), nullable=False),
        sa.Column("source", sa.String(length=500), nullable=False),
        sa.CheckConstraint(
            "family IN ('fine_needle', 'mesogun', 'microneedling')", name=op.f("ck_techniques_family_known")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_techniques")),
        sa.UniqueConstraint("name", name=op.f("uq_techniques_name")),
    )
    op.create_table(
        "vial_rules",
        sa.Column("id", KEY, nullable=False),
        sa.Column("code", sa.String(length=20), nullable=False),
        sa.Column("jurisdiction", sa.String(length=80), nullable=False),
        sa.Column("country", sa.String(length=2), nullable=False),
        sa.Column("region", sa.String(length=20), nullable=False),
        sa.Column("dose_class", sa.String(length=24), nullable=False),
        sa.Column("environment", sa.String(length=24), nullable=False),
        sa.Column("max_hours", KEY, nullable=True),
        sa.Column("max_days", KEY, nullable=True),
        sa.Column("automatic", sa.Boolean(), nullable=False),
        sa.Column("effective_from", sa.Date(), nullable=True),
        sa.Column("effective_to", sa.Date(), nullable=True),
        sa.Column("text", sa.String(length=500), nullable=False),
        sa.Column("status", sa.String(length=120), nullable=False),
        sa.Column("source", sa.String(length=500), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_vial_rules")),
        sa.UniqueConstraint("code", name=op.f("uq_vial_rules_code")),
    )
    op.create_table(
        "credentials",
        sa.Column("person_id", KEY, nullable=False),
        sa.Column("password_hash", sa.String(length=200), nullable=False),
        sa.Column("must_change", sa.Boolean(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("totp_secret", sa.String(length=64), nullable=True),
        sa.Column("totp_offered", sa.String(length=64), nullable=True),
        sa.Column("totp_step", KEY, nullable=True),
        sa.Column("demo", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_credentials_person_id_people")),
        sa.PrimaryKeyConstraint("person_id", name=op.f("pk_credentials")),
    )
    op.create_table(
        "documents",
        sa.Column("id", KEY, nullable=False),
        sa.Column("kind", sa.String(24), nullable=False),
        sa.Column("site_id", KEY, nullable=False),
        sa.Column("on", sa.Date(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by", sa.String(length=80), nullable=False),
        sa.Column("reference", sa.String(length=80), nullable=False),
        sa.Column("note", sa.String(length=500), nullable=False),
        sa.CheckConstraint(
            "kind IN ('receipt', 'opening', 'session', 'discard', 'write_off', 'hold', 'reversal')",
            name=op.f("ck_documents_kind_known"),
        ),
        sa.ForeignKeyConstraint(["site_id"], ["sites.id"], name=op.f("fk_documents_site_id_sites")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_documents")),
    )
    with op.batch_alter_table("documents", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_documents_on"), ["on"], unique=False)

    op.create_table(
        "form_drafts",
        sa.Column("id", KEY, nullable=False),
        sa.Column("person_id", KEY, nullable=False),
        sa.Column("path", sa.String(length=300), nullable=False),
        sa.Column("values", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_form_drafts_person_id_people")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_form_drafts")),
    )
    with op.batch_alter_table("form_drafts", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_form_drafts_at"), ["at"], unique=False)

    op.create_table(
        "formulation_versions",
        sa.Column("id", KEY, nullable=False),
        sa.Column("formulation_id", KEY, nullable=False),
        sa.Column("number", KEY, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by", sa.String(length=80), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.CheckConstraint("number > 0", name=op.f("ck_formulation_versions_number_positive")),
        sa.ForeignKeyConstraint(
            ["formulation_id"],
            ["formulations.id"],
            name=op.f("fk_formulation_versions_formulation_id_formulations"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_formulation_versions")),
        sa.UniqueConstraint(
            "formulation_id", "number", name=op.f("uq_formulation_versions_formulation_id_number")
        ),
    )
    op.create_table(
        "items",
        sa.Column("id", KEY, nullable=False),
        sa.Column("sku", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("maker", sa.String(length=120), nullable=False),
        sa.Column("kind", sa.String(24), nullable=False),
        sa.Column("category", sa.String(length=60), nullable=False),
        sa.Column("ingredient_id", KEY, nullable=True),
        sa.Column("unit", sa.String(24), nullable=False),
        sa.Column("content", sa.BigInteger(), nullable=False),
        sa.Column("overfill", sa.BigInteger(), nullable=False),
        sa.Column("container_form", sa.String(length=40), nullable=False),
        sa.Column("dose_class", sa.String(24), nullable=False),
        sa.Column("in_use_hours", KEY, nullable=True),
        sa.Column("sterile", sa.Boolean(), nullable=False),
        sa.Column("storage", sa.String(length=40), nullable=False),
        sa.Column("shelf_life_months", KEY, nullable=True),
        sa.Column("pack_containers", KEY, nullable=False),
        sa.Column("gtin", sa.String(length=14), nullable=True),
        sa.Column("pack_gtin", sa.String(length=14), nullable=True),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("version", KEY, nullable=False),
        sa.Column("illustrative", sa.Boolean(), nullable=False),
        sa.Column("note", sa.String(length=500), nullable=False),
        sa.Column("source", sa.String(length=500), nullable=False),
        sa.CheckConstraint(
            "dose_class IN ('single_dose', 'multi_dose', 'pharmacy_bulk', 'kit', 'none')",
            name=op.f("ck_items_dose_class_known"),
        ),
        sa.CheckConstraint(
            "kind IN ('injectable', 'topical', 'consumable', 'retail')", name=op.f("ck_items_kind_known")
        ),
        sa.CheckConstraint("unit IN ('mL', 'g', 'IU', 'each')", name=op.f("ck_items_unit_known")),
        sa.CheckConstraint("content > 0", name=op.f("ck_items_content_positive")),
        sa.CheckConstraint("overfill >= 0", name=op.f("ck_items_overfill_not_negative")),
        sa.CheckConstraint("pack_containers > 0", name=op.f("ck_items_pack_positive")),
        sa.ForeignKeyConstraint(
            ["ingredient_id"], ["ingredients.id"], name=op.f("fk_items_ingredient_id_ingredients")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_items")),
        sa.UniqueConstraint("sku", name=op.f("uq_items_sku")),
    )
    with op.batch_alter_table("items", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_items_gtin"), ["gtin"], unique=False)
        batch_op.create_index(batch_op.f("ix_items_ingredient_id"), ["ingredient_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_items_pack_gtin"), ["pack_gtin"], unique=False)

    op.create_table(
        "person_sites",
        sa.Column("person_id", KEY, nullable=False),
        sa.Column("site_id", KEY, nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_person_sites_person_id_people")),
        sa.ForeignKeyConstraint(["site_id"], ["sites.id"], name=op.f("fk_person_sites_site_id_sites")),
        sa.PrimaryKeyConstraint("person_id", "site_id", name=op.f("pk_person_sites")),
    )
    op.create_table(
        "places",
        sa.Column("id", KEY, nullable=False),
        sa.Column("site_id", KEY, nullable=False),
        sa.Column("code", sa.String(length=20), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("kind", sa.String(24), nullable=False),
        sa.CheckConstraint(
            "kind IN ('supplier', 'shelf', 'opened', 'quarantine', 'transit', 'patient', 'waste', 'count')",
            name=op.f("ck_places_kind_known"),
        ),
        sa.ForeignKeyConstraint(["site_id"], ["sites.id"], name=op.f("fk_places_site_id_sites")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_places")),
        sa.UniqueConstraint("site_id", "code", name=op.f("uq_places_site_id_code")),
    )
    op.create_table(
        "protocols",
        sa.Column("id", KEY, nullable=False),
        sa.Column("code", sa.String(length=20), nullable=False),
        sa.Column("concern", sa.String(length=120), nullable=False),
        sa.Column("area", sa.String(length=60), nullable=False),
        sa.Column("technique", sa.String(length=80), nullable=False),
        sa.Column("treatment", sa.String(length=80), nullable=False),
        sa.Column("formulation_id", KEY, nullable=False),
        sa.Column("sessions_min", KEY, nullable=False),
        sa.Column("sessions_typical", KEY, nullable=False),
        sa.Column("sessions_max", KEY, nullable=False),
        sa.Column("interval_weeks_min", KEY, nullable=False),
        sa.Column("interval_weeks_typical", KEY, nullable=False),
        sa.Column("interval_weeks_max", KEY, nullable=False),
        sa.Column("session_minutes_min", KEY, nullable=False),
        sa.Column("session_minutes_typical", KEY, nullable=False),
        sa.Column("session_minutes_max", KEY, nullable=False),
        sa.Column("numbing_minutes", KEY, nullable=False),
        sa.Column("volume_ml_min", sa.BigInteger(), nullable=False),
        sa.Column("volume_ml_typical", sa.BigInteger(), nullable=False),
        sa.Column("volume_ml_max", sa.BigInteger(), nullable=False),
        sa.Column("injection_points_typical", KEY, nullable=False),
        sa.Column("depth_mm_min", sa.BigInteger(), nullable=False),
        sa.Column("depth_mm_max", sa.BigInteger(), nullable=False),
        sa.Column("result_months_min", KEY, nullable=False),
        sa.Column("result_months_max", KEY, nullable=False),
        sa.Column("maintenance_months_min", KEY, nullable=False),
        sa.Column("maintenance_months_typical", KEY, nullable=False),
        sa.Column("maintenance_months_max", KEY, nullable=False),
        sa.Column("illustrative", sa.Boolean(), nullable=False),
        sa.Column("source_covers", sa.String(length=200), nullable=False),
        sa.Column("note", sa.String(length=500), nullable=False),
        sa.Column("source", sa.String(length=500), nullable=False),
        sa.CheckConstraint(
            "0 <= interval_weeks_min AND interval_weeks_min <= interval_weeks_typical AND interval_weeks_typical <= interval_weeks_max",
            name=op.f("ck_protocols_interval_weeks_in_order"),
        ),
        sa.CheckConstraint(
            "0 <= maintenance_months_min AND maintenance_months_min <= maintenance_months_typical AND maintenance_months_typical <= maintenance_months_max",
            name=op.f("ck_protocols_maintenance_months_in_order"),
        ),
        sa.CheckConstraint(
            "0 <= session_minutes_min AND session_minutes_min <= session_minutes_typical AND session_minutes_typical <= session_minutes_max",
            name=op.f("ck_protocols_session_minutes_in_order"),
        ),
        sa.CheckConstraint(
            "0 <= sessions_min AND sessions_min <= sessions_typical AND sessions_typical <= sessions_max",
            name=op.f("ck_protocols_sessions_in_order"),
        ),
        sa.CheckConstraint(
            "0 <= volume_ml_min AND volume_ml_min <= volume_ml_typical AND volume_ml_typical <= volume_ml_max",
            name=op.f("ck_protocols_volume_ml_in_order"),
        ),
        sa.CheckConstraint("depth_mm_min <= depth_mm_max", name=op.f("ck_protocols_depth_in_order")),
        sa.CheckConstraint("numbing_minutes >= 0", name=op.f("ck_protocols_numbing_not_negative")),
        sa.CheckConstraint("sessions_min > 0", name=op.f("ck_protocols_sessions_positive")),
        sa.ForeignKeyConstraint(
            ["formulation_id"], ["formulations.id"], name=op.f("fk_protocols_formulation_id_formulations")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_protocols")),
        sa.UniqueConstraint("code", name=op.f("uq_protocols_code")),
    )
    with op.batch_alter_table("protocols", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_protocols_formulation_id"), ["formulation_id"], unique=False)

    op.create_table(
        "sign_ins",
        sa.Column("id", KEY, nullable=False),
        sa.Column("person_id", KEY, nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("stage", sa.String(24), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("address", sa.String(length=60), nullable=False),
        sa.Column("browser", sa.String(length=200), nullable=False),
        sa.CheckConstraint("stage IN ('password', 'done')", name=op.f("ck_sign_ins_stage_known")),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_sign_ins_person_id_people")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sign_ins")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_sign_ins_token_hash")),
    )
    with op.batch_alter_table("sign_ins", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_sign_ins_person_id_id"), ["person_id", "id"], unique=False)

    op.create_table(
        "waiting_scans",
        sa.Column("id", KEY, nullable=False),
        sa.Column("person_id", KEY, nullable=False),
        sa.Column("site_id", KEY, nullable=False),
        sa.Column("key", sa.String(length=40), nullable=False),
        sa.Column("data", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_waiting_scans_person_id_people")),
        sa.ForeignKeyConstraint(["site_id"], ["sites.id"], name=op.f("fk_waiting_scans_site_id_sites")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_waiting_scans")),
        sa.UniqueConstraint("person_id", "key", name=op.f("uq_waiting_scans_person_id_key")),
    )
    with op.batch_alter_table("waiting_scans", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_waiting_scans_person_id_site_id_id"), ["person_id", "site_id", "id"], unique=False
        )

    op.create_table(
        "allocations",
        sa.Column("id", KEY, nullable=False),
        sa.Column("site_id", KEY, nullable=False),
        sa.Column("item_id", KEY, nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("reference", sa.String(length=80), nullable=False),
        sa.Column("patient_ref", sa.String(length=40), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_allocations_quantity_positive")),
        sa.ForeignKeyConstraint(["item_id"], ["items.id"], name=op.f("fk_allocations_item_id_items")),
        sa.ForeignKeyConstraint(["site_id"], ["sites.id"], name=op.f("fk_allocations_site_id_sites")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_allocations")),
    )
    with op.batch_alter_table("allocations", schema=None) as batch_op:
        batch_op.create_index(
            "ix_allocations_open",
            ["item_id", "site_id", "due_on"],
            unique=False,
            sqlite_where=sa.text("ended_at IS NULL"),
            postgresql_where=sa.text("ended_at IS NULL"),
        )
        batch_op.create_index(batch_op.f("ix_allocations_reference"), ["reference"], unique=False)

    op.create_table(
        "formulation_lines",
        sa.Column("id", KEY, nullable=False),
        sa.Column("version_id", KEY, nullable=False),
        sa.Column("line_no", KEY, nullable=False),
        sa.Column("kind", sa.String(24), nullable=False),
        sa.Column("item_id", KEY, nullable=True),
        sa.Column("ingredient_id", KEY, nullable=True),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=True),
        sa.Column("unit", sa.String(24), nullable=True),
        sa.Column("declared_amount", sa.String(length=60), nullable=False),
        sa.Column("role", sa.String(length=60), nullable=False),
        sa.Column("source", sa.String(length=500), nullable=False),
        sa.CheckConstraint(
            "kind <> 'component' OR quantity IS NULL",
            name=op.f("ck_formulation_lines_component_only_declared"),
        ),
        sa.CheckConstraint(
            "kind <> 'product' OR (quantity IS NOT NULL AND quantity > 0 AND unit IS NOT NULL AND (item_id IS NOT NULL OR ingredient_id IS NOT NULL))",
            name=op.f("ck_formulation_lines_product_measured"),
        ),
        sa.CheckConstraint("kind IN ('product', 'component')", name=op.f("ck_formulation_lines_kind_known")),
        sa.CheckConstraint("unit IN ('mL', 'g', 'IU', 'each')", name=op.f("ck_formulation_lines_unit_known")),
        sa.CheckConstraint("line_no BETWEEN 1 AND 100", name=op.f("ck_formulation_lines_line_no_in_range")),
        sa.ForeignKeyConstraint(
            ["ingredient_id"], ["ingredients.id"], name=op.f("fk_formulation_lines_ingredient_id_ingredients")
        ),
        sa.ForeignKeyConstraint(["item_id"], ["items.id"], name=op.f("fk_formulation_lines_item_id_items")),
        sa.ForeignKeyConstraint(
            ["version_id"],
            ["formulation_versions.id"],
            name=op.f("fk_formulation_lines_version_id_formulation_versions"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_formulation_lines")),
        sa.UniqueConstraint("version_id", "line_no", name=op.f("uq_formulation_lines_version_id_line_no")),
    )
    with op.batch_alter_table("formulation_lines", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_formulation_lines_ingredient_id"), ["ingredient_id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_formulation_lines_item_id"), ["item_id"], unique=False)

    op.create_table(
        "list_prices",
        sa.Column("id", KEY, nullable=False),
        sa.Column("protocol_id", KEY, nullable=False),
        sa.Column("level_id", KEY, nullable=False),
        sa.Column("price", sa.BigInteger(), nullable=True),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by", sa.String(length=80), nullable=False),
        sa.CheckConstraint("price IS NULL OR price > 0", name=op.f("ck_list_prices_price_positive")),
        sa.ForeignKeyConstraint(
            ["level_id"], ["practitioner_levels.id"], name=op.f("fk_list_prices_level_id_practitioner_levels")
        ),
        sa.ForeignKeyConstraint(
            ["protocol_id"], ["protocols.id"], name=op.f("fk_list_prices_protocol_id_protocols")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_list_prices")),
    )
    with op.batch_alter_table("list_prices", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_list_prices_protocol_id_level_id_valid_from"),
            ["protocol_id", "level_id", "valid_from"],
            unique=False,
        )

    op.create_table(
        "lots",
        sa.Column("id", KEY, nullable=False),
        sa.Column("item_id", KEY, nullable=False),
        sa.Column("number", sa.String(length=20), nullable=False),
        sa.Column("expires_on", sa.Date(), nullable=False),
        sa.Column("produced_on", sa.Date(), nullable=True),
        sa.Column("received_on", sa.Date(), nullable=False),
        sa.Column("state", sa.String(24), nullable=False),
        sa.CheckConstraint(
            "state IN ('released', 'quarantined', 'recalled')", name=op.f("ck_lots_state_known")
        ),
        sa.ForeignKeyConstraint(["item_id"], ["items.id"], name=op.f("fk_lots_item_id_items")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lots")),
        sa.UniqueConstraint("item_id", "number", name=op.f("uq_lots_item_id_number")),
    )
    with op.batch_alter_table("lots", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_lots_expires_on_id"), ["expires_on", "id"], unique=False)
        batch_op.create_index(batch_op.f("ix_lots_number"), ["number"], unique=False)

    op.create_table(
        "offers",
        sa.Column("id", KEY, nullable=False),
        sa.Column("item_id", KEY, nullable=False),
        sa.Column("supplier_id", KEY, nullable=False),
        sa.Column("pack_containers", KEY, nullable=False),
        sa.Column("pack_price", sa.BigInteger(), nullable=False),
        sa.Column("minimum_packs", KEY, nullable=False),
        sa.Column("lead_days", KEY, nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("preferred", sa.Boolean(), nullable=False),
        sa.Column("source", sa.String(length=500), nullable=False),
        sa.CheckConstraint("lead_days >= 0", name=op.f("ck_offers_lead_days_not_negative")),
        sa.CheckConstraint("minimum_packs > 0", name=op.f("ck_offers_minimum_positive")),
        sa.CheckConstraint("pack_containers > 0", name=op.f("ck_offers_pack_positive")),
        sa.CheckConstraint("pack_price >= 0", name=op.f("ck_offers_price_not_negative")),
        sa.ForeignKeyConstraint(["item_id"], ["items.id"], name=op.f("fk_offers_item_id_items")),
        sa.ForeignKeyConstraint(
            ["supplier_id"], ["suppliers.id"], name=op.f("fk_offers_supplier_id_suppliers")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_offers")),
    )
    with op.batch_alter_table("offers", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_offers_item_id_valid_from"), ["item_id", "valid_from"], unique=False
        )

    op.create_table(
        "quotes",
        sa.Column("id", KEY, nullable=False),
        sa.Column("root_id", KEY, nullable=True),
        sa.Column("version", KEY, nullable=False),
        sa.Column("site_id", KEY, nullable=False),
        sa.Column("protocol_id", KEY, nullable=False),
        sa.Column("level_id", KEY, nullable=False),
        sa.Column("formulation_version_id", KEY, nullable=False),
        sa.Column("patient_ref", sa.String(length=40), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.String(length=80), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("sessions", KEY, nullable=False),
        sa.Column("interval_weeks", KEY, nullable=False),
        sa.Column("plan_reason", sa.String(length=500), nullable=False),
        sa.Column("region", sa.String(length=40), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("band_low", sa.BigInteger(), nullable=False),
        sa.Column("band_high", sa.BigInteger(), nullable=False),
        sa.Column("band_source", sa.String(length=500), nullable=False),
        sa.Column("tax_name", sa.String(length=80), nullable=False),
        sa.Column("tax_rate", sa.BigInteger(), nullable=False),
        sa.Column("tax_inclusive", sa.Boolean(), nullable=False),
        sa.Column("discount_rate", sa.BigInteger(), nullable=False),
        sa.Column("price_override", sa.String(length=500), nullable=False),
        sa.Column("cost", sa.BigInteger(), nullable=False),
        sa.Column("floor", sa.BigInteger(), nullable=False),
        sa.Column("subtotal", sa.BigInteger(), nullable=False),
        sa.Column("discount", sa.BigInteger(), nullable=False),
        sa.Column("tax", sa.BigInteger(), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.Column("answers", sa.JSON(), nullable=False),
        sa.Column("warnings", sa.JSON(), nullable=False),
        sa.Column("shortages", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["formulation_version_id"],
            ["formulation_versions.id"],
            name=op.f("fk_quotes_formulation_version_id_formulation_versions"),
        ),
        sa.ForeignKeyConstraint(
            ["level_id"], ["practitioner_levels.id"], name=op.f("fk_quotes_level_id_practitioner_levels")
        ),
        sa.ForeignKeyConstraint(
            ["protocol_id"], ["protocols.id"], name=op.f("fk_quotes_protocol_id_protocols")
        ),
        sa.ForeignKeyConstraint(["root_id"], ["quotes.id"], name=op.f("fk_quotes_root_id_quotes")),
        sa.ForeignKeyConstraint(["site_id"], ["sites.id"], name=op.f("fk_quotes_site_id_sites")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_quotes")),
        sa.UniqueConstraint("root_id", "version", name=op.f("uq_quotes_root_id_version")),
    )
    with op.batch_alter_table("quotes", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_quotes_patient_ref"), ["patient_ref"], unique=False)

    op.create_table(
        "technique_steps",
        sa.Column("id", KEY, nullable=False),
        sa.Column("family", sa.String(24), nullable=False),
        sa.Column("position", KEY, nullable=False),
        sa.Column("step", sa.String(24), nullable=False),
        sa.Column("item_id", KEY, nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("illustrative", sa.Boolean(), nullable=False),
        sa.Column("note", sa.String(length=500), nullable=False),
        sa.Column("source", sa.String(length=500), nullable=False),
        sa.CheckConstraint(
            "family IN ('fine_needle', 'mesogun', 'microneedling')",
            name=op.f("ck_technique_steps_family_known"),
        ),
        sa.CheckConstraint(
            "step IN ('consultation', 'cleansing', 'numbing', 'injection', 'aftercare')",
            name=op.f("ck_technique_steps_step_known"),
        ),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_technique_steps_quantity_positive")),
        sa.ForeignKeyConstraint(["item_id"], ["items.id"], name=op.f("fk_technique_steps_item_id_items")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_technique_steps")),
        sa.UniqueConstraint("family", "position", name=op.f("uq_technique_steps_family_position")),
    )
    op.create_table(
        "treatment_sessions",
        sa.Column("id", KEY, nullable=False),
        sa.Column("document_id", KEY, nullable=False),
        sa.Column("site_id", KEY, nullable=False),
        sa.Column("on", sa.Date(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("patient_ref", sa.String(length=40), nullable=False),
        sa.Column("formulation", sa.String(length=60), nullable=False),
        sa.Column("level", sa.String(length=20), nullable=False),
        sa.ForeignKeyConstraint(
            ["document_id"], ["documents.id"], name=op.f("fk_treatment_sessions_document_id_documents")
        ),
        sa.ForeignKeyConstraint(["site_id"], ["sites.id"], name=op.f("fk_treatment_sessions_site_id_sites")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_treatment_sessions")),
        sa.UniqueConstraint("document_id", name=op.f("uq_treatment_sessions_document_id")),
    )
    with op.batch_alter_table("treatment_sessions", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_treatment_sessions_patient_ref_id"), ["patient_ref", "id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_treatment_sessions_site_id_on"), ["site_id", "on"], unique=False)

    op.create_table(
        "balances",
        sa.Column("place_id", KEY, nullable=False),
        sa.Column("lot_id", KEY, nullable=False),
        sa.Column("item_id", KEY, nullable=False),
        sa.Column("expires_on", sa.Date(), nullable=False),
        sa.Column("received_on", sa.Date(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("last_on", sa.Date(), nullable=False),
        sa.CheckConstraint("quantity >= 0", name=op.f("ck_balances_quantity_not_negative")),
        sa.ForeignKeyConstraint(["item_id"], ["items.id"], name=op.f("fk_balances_item_id_items")),
        sa.ForeignKeyConstraint(["lot_id"], ["lots.id"], name=op.f("fk_balances_lot_id_lots")),
        sa.ForeignKeyConstraint(["place_id"], ["places.id"], name=op.f("fk_balances_place_id_places")),
        sa.PrimaryKeyConstraint("place_id", "lot_id", name=op.f("pk_balances")),
    )
    with op.batch_alter_table("balances", schema=None) as batch_op:
        batch_op.create_index(
            "ix_balances_fefo",
            ["item_id", "place_id", "expires_on", "received_on", "lot_id"],
            unique=False,
            sqlite_where=sa.text("quantity > 0"),
            postgresql_where=sa.text("quantity > 0"),
        )
        batch_op.create_index(batch_op.f("ix_balances_lot_id"), ["lot_id"], unique=False)

    op.create_table(
        "cost_layers",
        sa.Column("id", KEY, nullable=False),
        sa.Column("item_id", KEY, nullable=False),
        sa.Column("lot_id", KEY, nullable=True),
        sa.Column("received_on", sa.Date(), nullable=False),
        sa.Column("quantity_left", sa.BigInteger(), nullable=False),
        sa.Column("value_left", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "quantity_left > 0 OR value_left = 0", name=op.f("ck_cost_layers_no_value_without_stock")
        ),
        sa.CheckConstraint("quantity_left >= 0", name=op.f("ck_cost_layers_quantity_not_negative")),
        sa.CheckConstraint("value_left >= 0", name=op.f("ck_cost_layers_value_not_negative")),
        sa.ForeignKeyConstraint(["item_id"], ["items.id"], name=op.f("fk_cost_layers_item_id_items")),
        sa.ForeignKeyConstraint(["lot_id"], ["lots.id"], name=op.f("fk_cost_layers_lot_id_lots")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cost_layers")),
    )
    with op.batch_alter_table("cost_layers", schema=None) as batch_op:
        batch_op.create_index(
            "ix_cost_layers_item_id_left",
            ["item_id", "received_on", "id", "quantity_left", "value_left"],
            unique=False,
            sqlite_where=sa.text("quantity_left > 0"),
            postgresql_where=sa.text("quantity_left > 0"),
        )
        batch_op.create_index(batch_op.f("ix_cost_layers_lot_id"), ["lot_id"], unique=False)

    op.create_table(
        "courses",
        sa.Column("id", KEY, nullable=False),
        sa.Column("quote_id", KEY, nullable=False),
        sa.Column("site_id", KEY, nullable=False),
        sa.Column("patient_ref", sa.String(length=40), nullable=False),
        sa.Column("formulation_version_id", KEY, nullable=False),
        sa.Column("level", sa.String(length=20), nullable=False),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("accepted_by", sa.String(length=80), nullable=False),
        sa.Column("late_reason", sa.String(length=500), nullable=False),
        sa.ForeignKeyConstraint(
            ["formulation_version_id"],
            ["formulation_versions.id"],
            name=op.f("fk_courses_formulation_version_id_formulation_versions"),
        ),
        sa.ForeignKeyConstraint(["quote_id"], ["quotes.id"], name=op.f("fk_courses_quote_id_quotes")),
        sa.ForeignKeyConstraint(["site_id"], ["sites.id"], name=op.f("fk_courses_site_id_sites")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_courses")),
        sa.UniqueConstraint("quote_id", name=op.f("uq_courses_quote_id")),
    )
    with op.batch_alter_table("courses", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_courses_patient_ref"), ["patient_ref"], unique=False)

    op.create_table(
        "lot_events",
        sa.Column("id", KEY, nullable=False),
        sa.Column("lot_id", KEY, nullable=False),
        sa.Column("state", sa.String(24), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by", sa.String(length=80), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.CheckConstraint(
            "state IN ('released', 'quarantined', 'recalled')", name=op.f("ck_lot_events_state_known")
        ),
        sa.ForeignKeyConstraint(["lot_id"], ["lots.id"], name=op.f("fk_lot_events_lot_id_lots")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lot_events")),
    )
    with op.batch_alter_table("lot_events", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_lot_events_lot_id_id"), ["lot_id", "id"], unique=False)

    op.create_table(
        "opened_vials",
        sa.Column("id", KEY, nullable=False),
        sa.Column("site_id", KEY, nullable=False),
        sa.Column("item_id", KEY, nullable=False),
        sa.Column("lot_id", KEY, nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("opened_by", sa.String(length=80), nullable=False),
        sa.Column("prepared_in", sa.String(24), nullable=False),
        sa.Column("patient_ref", sa.String(length=40), nullable=True),
        sa.Column("discard_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("discard_rule", sa.String(length=300), nullable=False),
        sa.Column("remaining", sa.BigInteger(), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "prepared_in IN ('preparation_area', 'treatment_room')",
            name=op.f("ck_opened_vials_prepared_in_known"),
        ),
        sa.CheckConstraint(
            "closed_at IS NULL OR remaining = 0", name=op.f("ck_opened_vials_closed_is_empty")
        ),
        sa.CheckConstraint("remaining >= 0", name=op.f("ck_opened_vials_remaining_not_negative")),
        sa.ForeignKeyConstraint(["item_id"], ["items.id"], name=op.f("fk_opened_vials_item_id_items")),
        sa.ForeignKeyConstraint(["lot_id"], ["lots.id"], name=op.f("fk_opened_vials_lot_id_lots")),
        sa.ForeignKeyConstraint(["site_id"], ["sites.id"], name=op.f("fk_opened_vials_site_id_sites")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_opened_vials")),
    )
    with op.batch_alter_table("opened_vials", schema=None) as batch_op:
        batch_op.create_index(
            "ix_opened_vials_in_use",
            ["item_id", "site_id"],
            unique=False,
            sqlite_where=sa.text("closed_at IS NULL"),
            postgresql_where=sa.text("closed_at IS NULL"),
        )
        batch_op.create_index(batch_op.f("ix_opened_vials_lot_id"), ["lot_id"], unique=False)

    op.create_table(
        "quote_events",
        sa.Column("id", KEY, nullable=False),
        sa.Column("quote_id", KEY, nullable=False),
        sa.Column("status", sa.String(24), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by", sa.String(length=80), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.CheckConstraint(
            "status IN ('draft', 'issued', 'accepted', 'declined', 'withdrawn', 'lapsed')",
            name=op.f("ck_quote_events_status_known"),
        ),
        sa.ForeignKeyConstraint(["quote_id"], ["quotes.id"], name=op.f("fk_quote_events_quote_id_quotes")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_quote_events")),
    )
    with op.batch_alter_table("quote_events", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_quote_events_quote_id_id"), ["quote_id", "id"], unique=False)

    op.create_table(
        "quote_lines",
        sa.Column("quote_id", KEY, nullable=False),
        sa.Column("session", KEY, nullable=False),
        sa.Column("position", KEY, nullable=False),
        sa.Column("kind", sa.String(24), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("item_id", KEY, nullable=True),
        sa.Column("unit", sa.String(length=10), nullable=False),
        sa.Column("containers", sa.BigInteger(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("discarded", sa.BigInteger(), nullable=False),
        sa.Column("actual", sa.BigInteger(), nullable=False),
        sa.Column("average", sa.BigInteger(), nullable=False),
        sa.Column("replacement", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.String(length=500), nullable=False),
        sa.CheckConstraint(
            "kind IN ('injectable', 'consumable', 'topical', 'labour', 'overhead')",
            name=op.f("ck_quote_lines_kind_known"),
        ),
        sa.ForeignKeyConstraint(["item_id"], ["items.id"], name=op.f("fk_quote_lines_item_id_items")),
        sa.ForeignKeyConstraint(["quote_id"], ["quotes.id"], name=op.f("fk_quote_lines_quote_id_quotes")),
        sa.PrimaryKeyConstraint("quote_id", "session", "position", name=op.f("pk_quote_lines")),
    )
    op.create_table(
        "quote_sessions",
        sa.Column("quote_id", KEY, nullable=False),
        sa.Column("number", KEY, nullable=False),
        sa.Column("on", sa.Date(), nullable=False),
        sa.Column("price", sa.BigInteger(), nullable=False),
        sa.Column("actual", sa.BigInteger(), nullable=False),
        sa.Column("average", sa.BigInteger(), nullable=False),
        sa.Column("replacement", sa.BigInteger(), nullable=False),
        sa.Column("short_of", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["quote_id"], ["quotes.id"], name=op.f("fk_quote_sessions_quote_id_quotes")),
        sa.PrimaryKeyConstraint("quote_id", "number", name=op.f("pk_quote_sessions")),
    )
    op.create_table(
        "quote_stages",
        sa.Column("quote_id", KEY, nullable=False),
        sa.Column("position", KEY, nullable=False),
        sa.Column("name", sa.String(length=20), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["quote_id"], ["quotes.id"], name=op.f("fk_quote_stages_quote_id_quotes")),
        sa.PrimaryKeyConstraint("quote_id", "position", name=op.f("pk_quote_stages")),
    )
    op.create_table(
        "quote_states",
        sa.Column("quote_id", KEY, nullable=False),
        sa.Column("status", sa.String(24), nullable=False),
        sa.Column("number", sa.String(length=20), nullable=True),
        sa.Column("issued_on", sa.Date(), nullable=True),
        sa.Column("valid_until", sa.Date(), nullable=False),
        sa.CheckConstraint(
            "status IN ('draft', 'issued', 'accepted', 'declined', 'withdrawn', 'lapsed')",
            name=op.f("ck_quote_states_status_known"),
        ),
        sa.ForeignKeyConstraint(["quote_id"], ["quotes.id"], name=op.f("fk_quote_states_quote_id_quotes")),
        sa.PrimaryKeyConstraint("quote_id", name=op.f("pk_quote_states")),
    )
    with op.batch_alter_table("quote_states", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_quote_states_number"), ["number"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_quote_states_status_valid_until"), ["status", "valid_until"], unique=False
        )

    op.create_table(
        "course_sessions",
        sa.Column("id", KEY, nullable=False),
        sa.Column("course_id", KEY, nullable=False),
        sa.Column("number", KEY, nullable=False),
        sa.Column("planned_on", sa.Date(), nullable=False),
        sa.Column("price", sa.BigInteger(), nullable=False),
        sa.Column("quoted_cost", sa.BigInteger(), nullable=False),
        sa.Column("session_id", KEY, nullable=True),
        sa.CheckConstraint("price >= 0", name=op.f("ck_course_sessions_price_not_negative")),
        sa.ForeignKeyConstraint(
            ["course_id"], ["courses.id"], name=op.f("fk_course_sessions_course_id_courses")
        ),
        sa.ForeignKeyConstraint(
            ["session_id"],
            ["treatment_sessions.id"],
            name=op.f("fk_course_sessions_session_id_treatment_sessions"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_course_sessions")),
        sa.UniqueConstraint("course_id", "number", name=op.f("uq_course_sessions_course_id_number")),
        sa.UniqueConstraint("session_id", name=op.f("uq_course_sessions_session_id")),
    )
    with op.batch_alter_table("course_sessions", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_course_sessions_planned_on"), ["planned_on"], unique=False)

    op.create_table(
        "movements",
        sa.Column("id", KEY, nullable=False),
        sa.Column("document_id", KEY, nullable=False),
        sa.Column("on", sa.Date(), nullable=False),
        sa.Column("item_id", KEY, nullable=False),
        sa.Column("lot_id", KEY, nullable=False),
        sa.Column("source_id", KEY, nullable=False),
        sa.Column("target_id", KEY, nullable=False),
        sa.Column("direction", sa.SmallInteger(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.Column("layer_id", KEY, nullable=True),
        sa.Column("vial_id", KEY, nullable=True),
        sa.Column("reason", sa.String(length=200), nullable=True),
        sa.Column("corrects_id", KEY, nullable=True),
        sa.CheckConstraint("direction <> 0 OR value = 0", name=op.f("ck_movements_value_at_the_border")),
        sa.CheckConstraint("direction IN (-1, 0, 1)", name=op.f("ck_movements_direction_known")),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_movements_quantity_positive")),
        sa.CheckConstraint("source_id <> target_id", name=op.f("ck_movements_goes_somewhere")),
        sa.CheckConstraint("value >= 0", name=op.f("ck_movements_value_not_negative")),
        sa.ForeignKeyConstraint(
            ["corrects_id"], ["movements.id"], name=op.f("fk_movements_corrects_id_movements")
        ),
        sa.ForeignKeyConstraint(
            ["document_id"], ["documents.id"], name=op.f("fk_movements_document_id_documents")
        ),
        sa.ForeignKeyConstraint(["item_id"], ["items.id"], name=op.f("fk_movements_item_id_items")),
        sa.ForeignKeyConstraint(
            ["layer_id"], ["cost_layers.id"], name=op.f("fk_movements_layer_id_cost_layers")
        ),
        sa.ForeignKeyConstraint(["lot_id"], ["lots.id"], name=op.f("fk_movements_lot_id_lots")),
        sa.ForeignKeyConstraint(["source_id"], ["places.id"], name=op.f("fk_movements_source_id_places")),
        sa.ForeignKeyConstraint(["target_id"], ["places.id"], name=op.f("fk_movements_target_id_places")),
        sa.ForeignKeyConstraint(
            ["vial_id"], ["opened_vials.id"], name=op.f("fk_movements_vial_id_opened_vials")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_movements")),
    )
    with op.batch_alter_table("movements", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_movements_document_id"), ["document_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_movements_item_id_id"), ["item_id", "id"], unique=False)
        batch_op.create_index(batch_op.f("ix_movements_on_id"), ["on", "id"], unique=False)
        batch_op.create_index(
            "ix_movements_valuation", ["lot_id", "on", "direction", "quantity", "value"], unique=False
        )
        batch_op.create_index(
            "uq_movements_corrects_id",
            ["corrects_id"],
            unique=True,
            sqlite_where=sa.text("corrects_id IS NOT NULL"),
            postgresql_where=sa.text("corrects_id IS NOT NULL"),
        )

    op.create_table(
        "receipts",
        sa.Column("id", KEY, nullable=False),
        sa.Column("document_id", KEY, nullable=False),
        sa.Column("site_id", KEY, nullable=False),
        sa.Column("item_id", KEY, nullable=False),
        sa.Column("lot_id", KEY, nullable=False),
        sa.Column("supplier_id", KEY, nullable=True),
        sa.Column("received_on", sa.Date(), nullable=False),
        sa.Column("containers", KEY, nullable=False),
        sa.Column("unit_cost", sa.BigInteger(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.Column("layer_id", KEY, nullable=False),
        sa.CheckConstraint("containers > 0", name=op.f("ck_receipts_containers_positive")),
        sa.CheckConstraint("unit_cost >= 0", name=op.f("ck_receipts_unit_cost_not_negative")),
        sa.ForeignKeyConstraint(
            ["document_id"], ["documents.id"], name=op.f("fk_receipts_document_id_documents")
        ),
        sa.ForeignKeyConstraint(["item_id"], ["items.id"], name=op.f("fk_receipts_item_id_items")),
        sa.ForeignKeyConstraint(
            ["layer_id"], ["cost_layers.id"], name=op.f("fk_receipts_layer_id_cost_layers")
        ),
        sa.ForeignKeyConstraint(["lot_id"], ["lots.id"], name=op.f("fk_receipts_lot_id_lots")),
        sa.ForeignKeyConstraint(["site_id"], ["sites.id"], name=op.f("fk_receipts_site_id_sites")),
        sa.ForeignKeyConstraint(
            ["supplier_id"], ["suppliers.id"], name=op.f("fk_receipts_supplier_id_suppliers")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_receipts")),
        sa.UniqueConstraint("document_id", name=op.f("uq_receipts_document_id")),
    )
    with op.batch_alter_table("receipts", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_receipts_item_id_received_on"), ["item_id", "received_on"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_receipts_lot_id"), ["lot_id"], unique=False)
    for statement in FACTS_ARE_ONLY_ADDED[op.get_bind().dialect.name]:
        op.execute(statement)
