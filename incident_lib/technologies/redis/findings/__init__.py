"""What the evidence of a Redis or Valkey server means."""

from incident_lib.findings.base import Analyzer
from incident_lib.technologies.redis.findings.access import analyze_acl, analyze_settings
from incident_lib.technologies.redis.findings.clients import analyze_clients
from incident_lib.technologies.redis.findings.commands import analyze_commands
from incident_lib.technologies.redis.findings.connection import analyze_connection, analyze_failure
from incident_lib.technologies.redis.findings.errors import analyze_errors
from incident_lib.technologies.redis.findings.keyspace import analyze_keyspace
from incident_lib.technologies.redis.findings.memory import analyze_memory
from incident_lib.technologies.redis.findings.persistence import analyze_persistence
from incident_lib.technologies.redis.findings.replication import analyze_replication
from incident_lib.technologies.redis.findings.slowlog import analyze_slowlog

ANALYZERS: dict[str, Analyzer] = {
    "redis.connection": analyze_connection,
    "redis.slowlog": analyze_slowlog,
    "redis.acl": analyze_acl,
    "redis.settings": analyze_settings,
    "redis.errors": analyze_errors,
    "redis.memory": analyze_memory,
    "redis.commands": analyze_commands,
    "redis.clients": analyze_clients,
    "redis.persistence": analyze_persistence,
    "redis.replication": analyze_replication,
    "redis.keyspace": analyze_keyspace,
}
ON_FAILURE: dict[str, Analyzer] = {"redis.connection": analyze_failure}
