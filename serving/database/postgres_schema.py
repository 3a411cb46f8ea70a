"""The tables of a ledger in PostgreSQL, and what guards its entries against change."""

from __future__ import annotations

_CHANGED = "BEGIN RAISE EXCEPTION 'an entry is never changed'; END"
_REMOVED = "BEGIN RAISE EXCEPTION 'an entry is never removed'; END"
SCHEMA = f"""
CREATE TABLE head (one integer PRIMARY KEY CHECK (one = 1), origin text NOT NULL, size bigint NOT NULL,
                   frontier bytea NOT NULL);
CREATE TABLE entries (sequence bigint PRIMARY KEY, leaf bytea NOT NULL);
CREATE TABLE nodes (level integer, place bigint, hash bytea NOT NULL, PRIMARY KEY (level, place));
CREATE TABLE payloads (sequence bigint PRIMARY KEY, keep_until integer NOT NULL, salt bytea NOT NULL,
                       payload bytea NOT NULL);
CREATE TABLE retries (retry_key text PRIMARY KEY, request text NOT NULL, sequence bigint NOT NULL);
CREATE INDEX retries_of ON retries (sequence);
CREATE FUNCTION entry_changed() RETURNS trigger LANGUAGE plpgsql AS $${_CHANGED}$$;
CREATE FUNCTION entry_removed() RETURNS trigger LANGUAGE plpgsql AS $${_REMOVED}$$;
CREATE TRIGGER entries_stay BEFORE UPDATE ON entries FOR EACH ROW EXECUTE FUNCTION entry_changed();
CREATE TRIGGER entries_remain BEFORE DELETE ON entries FOR EACH ROW EXECUTE FUNCTION entry_removed();
CREATE TRIGGER entries_all_remain BEFORE TRUNCATE ON entries FOR EACH STATEMENT EXECUTE FUNCTION entry_removed();
"""
TABLES = ("head", "entries", "nodes", "payloads", "retries")

_OURS = f"(SELECT to_regclass(name) FROM unnest(ARRAY{list(TABLES)}) AS name)"
GUARDS_QUERY = f"""
SELECT t.tgname, concat_ws(' ', c.relname, t.tgtype, t.tgenabled, p.prosrc) FROM pg_trigger t
 JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_proc p ON p.oid = t.tgfoid
 WHERE NOT t.tgisinternal AND c.oid IN {_OURS}
UNION ALL SELECT r.rulename, 'a rule' FROM pg_rewrite r WHERE r.ev_class IN {_OURS}
"""
_ROW, _BEFORE, _DELETE, _UPDATE, _TRUNCATE = 1, 2, 8, 16, 32
"""The bits by which PostgreSQL notes when a trigger runs (pg_trigger.tgtype)."""
_ENABLED = "O"
GUARDS = {
    "entries_stay": f"entries {_ROW + _BEFORE + _UPDATE} {_ENABLED} {_CHANGED}",
    "entries_remain": f"entries {_ROW + _BEFORE + _DELETE} {_ENABLED} {_REMOVED}",
    "entries_all_remain": f"entries {_BEFORE + _TRUNCATE} {_ENABLED} {_REMOVED}",
}
