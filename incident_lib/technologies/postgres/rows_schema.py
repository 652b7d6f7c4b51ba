"""Records of the schema of one database: how much there is, what was written last, and who changes it."""

from datetime import datetime

from incident_lib.model.rows import Row


class PostgresSchema(Row, frozen=True, kw_only=True):
    """The schema of one database in a few numbers, to be compared with those of another look."""

    database: str
    next_transaction: int  # what is written from now on has this number or a later one
    tells_times: bool  # track_commit_timestamp is on
    table_count: int
    index_count: int
    view_count: int
    column_count: int | None


class PostgresRelation(Row, frozen=True, kw_only=True):
    """A table, index or view whose entry in the catalog is among those written last."""

    oid: int
    schema: str
    name: str
    kind: str  # table, index, view, materialized view, sequence, foreign table
    entry_transaction: int  # that wrote its entry: also TRUNCATE, REINDEX and VACUUM FULL do
    columns_transaction: int | None  # that wrote a column's entry
    committed_at: datetime | None  # of the later of the two; only with track_commit_timestamp


class PostgresSchemaStatement(Row, frozen=True, kw_only=True):
    """A change of the schema that a session runs, or that was the last thing it ran."""

    pid: int
    role: str | None
    application: str | None
    state: str | None
    started_at: datetime
    ended_at: datetime | None  # None while it runs
    query: str


PostgresSchemaRow = PostgresSchema | PostgresRelation | PostgresSchemaStatement
