"""The task store and event log: SQL over SQLite (WAL) and PostgreSQL."""
