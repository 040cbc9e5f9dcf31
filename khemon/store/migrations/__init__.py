"""Forward-only steps from one schema to the next.

Protected tables grow by ADD COLUMN or a new table: a table that Alembic rebuilds loses its triggers without a word.
"""
