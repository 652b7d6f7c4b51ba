"""Was the schema changed? What sessions run or ran last, and what was written last in the catalog."""

from incident_lib.model import Window
from incident_lib.probes.base import Fetched, Probe
from incident_lib.technologies.postgres.connect import PostgresSession
from incident_lib.technologies.postgres.probes.reading import privilege_problem, read, statement
from incident_lib.technologies.postgres.rows import (
    PostgresRelation,
    PostgresSchema,
    PostgresSchemaStatement,
)


def fetch_schema(session: PostgresSession, _window: Window) -> Fetched:
    """Return the schema in numbers, the 20 relations written last, and changes that sessions report.

    Source: sql/schema.sql, schema_relations.sql, schema_statements.sql. Needs: pg_monitor for the last one.
    Cost: two scans of pg_class, one of pg_attribute. When something was written is known with
    track_commit_timestamp alone; else only a comparison with an earlier snapshot shows them.
    """
    schema, _ = read(session, "schema", PostgresSchema)
    relations, _ = read(session, "schema_relations", PostgresRelation)
    statements, _ = read(session, "schema_statements", PostgresSchemaStatement)
    source = "\n\n".join(statement(name) for name in ("schema", "schema_relations", "schema_statements"))
    return Fetched(rows=(*schema, *statements, *relations), source=source, problem=privilege_problem(session))


SCHEMA = Probe(
    name="postgres.schema",
    fetch=fetch_schema,
    question="Was the schema changed, by whom, and is it being changed?",
    source=statement("schema"),
    needs="pg_monitor",
    cost="scans of pg_class and pg_attribute",
    tier=1,
)
