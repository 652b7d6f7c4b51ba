"""Lines in the words of programs, at least three a class: each belongs to its class, and to no other."""

from collections import Counter

import pytest

from incident_lib.technologies.logs.classes import classes_of, log_classes

# A class, and words that belong to it; "//" stands for the end of a line.
LINES = r"""
pool_timeout Caused by: java.sql.SQLException: Acquisition timeout while waiting for new connection
pool_timeout java.sql.SQLException: Cannot get a connection, pool error Timeout waiting for idle object
pool_timeout java.sql.SQLException: An attempt by a client to checkout a Connection has timed out.
pool_timeout reactor.pool.PoolAcquireTimeoutException: Pool#acquire(Duration) has been pending for more than 3s
rate_limited server returned HTTP status 429 Too Many Requests (429): ingestion rate limit exceeded for user a
upstream_denied operation error RDS: ModifyDBInstance, api error AccessDenied: User: ci is not authorized
disk_slow slow fdatasync took=1.7s expected-duration=1s
disk_slow leader failed to send out heartbeat on time; leader is overloaded likely from slow disk
disk_slow fsync-ing the write ahead log in SyncThread:1 took 2310ms which will adversely effect operation latency
disk_slow waiting for ReadIndex response took too long, retrying sent-request-id=7
no_leader Syncing service failed.: service=cart error="No cluster leader"
no_leader etcdserver: no leader
no_leader master not discovered or elected yet, an election requires at least 2 nodes
no_leader org.elasticsearch.discovery.MasterNotDiscoveredException: null
no_leader 2026-01-15 14:31:05,124 ERROR: failed to update leader lock
no_leader ERROR 1047 (08S01): WSREP has not yet prepared node for application use
no_leader WSREP: Node dropped: non-primary view received
broker_blocked memory resource limit alarm set on node rabbit@hare.
broker_blocked disk resource limit alarm set on node rabbit@hare.
broker_blocked Mnesia: memory resource limit alarm set on node rabbit@b at once
slow_consumer 10.0.0.9:41 - cid:12 - Slow Consumer Detected: MaxPending of 64 Exceeded
slow_consumer nats: slow consumer, messages dropped on connection [7] for subscription on "orders"
slow_consumer [WRN] Slow Consumer State: 12 clients
pool_timeout System.InvalidOperationException: The timeout period elapsed prior to obtaining a connection from the pool.
pool_timeout ** (DBConnection.ConnectionError) connection not available and request was dropped from queue after 812ms
connect_refused connect to mx.example[198.51.100.9]:25: Connection refused
connect_refused Error connecting to docs-2:27017 (10.0.0.8:27017) :: caused by :: Connection refused
connect_refused SQLSTATE[HY000] [2002] Connection refused (SQL: select 1)
connect_refused connexion à 10.0.0.8:8080 impossible : Connexion refusée
connect_timeout to=<a@b.example>, dsn=4.4.1, status=deferred (connect to mx.example[198.51.100.9]:25: Connection timed out)
connect_timeout connect to mx.example[198.51.100.9]:25: Connection timed out
name_resolution plugin/errors: 2 cart.example. AAAA: read udp 10.0.0.3:41->10.0.0.2:53: i/o timeout
memory_error Code: 241. DB::Exception: Memory limit (for query) exceeded: would use 9.3 GiB
disk_full write /spool/7: Auf dem Gerät ist kein Speicherplatz mehr verfügbar
upstream_denied Login failed for user 'cart'.
upstream_denied Access denied for user 'cart'@'10.0.0.9' (using password: YES)
pool_timeout sqlx::Error: pool timed out while waiting for an open connection
pool_timeout Npgsql.NpgsqlException: The connection pool has been exhausted, either raise 'Max Pool Size'
redis_pool_timeout redis.exceptions.ConnectionError: No connection available.
redis_pool_timeout redis.exceptions.MaxConnectionsError: Too many connections
redis_pool_timeout redis.exceptions.ConnectionError: Too many connections
redis_clients redis.exceptions.ConnectionError: max number of clients reached
http_pool_timeout org.apache.http.conn.ConnectionPoolTimeoutException: Timeout waiting for connection from pool
http_pool_timeout httpcore.PoolTimeout: timed out
http_pool_timeout httpx.PoolTimeout: The pool has no free connection
db_too_many_clients FATAL:  remaining connection slots are reserved for roles with the SUPERUSER attribute
db_too_many_clients asyncpg.exceptions.TooManyConnectionsError: sorry, too many clients already
db_too_many_clients org.postgresql.util.PSQLException: FATAL: sorry, too many clients already
db_own_limit FATAL:  too many connections for database "shop"
db_own_limit FATAL: 53300: too many connections for role "app"
db_own_limit asyncpg.exceptions.TooManyConnectionsError: too many connections for role "app"
db_pooler_full closing because: client connections exceeded (max_user_client_connections) (age=0s)
db_pooler_full FATAL:  no more connections allowed (max_client_conn)
db_pooler_full closing because: no more connections allowed (max_client_conn) (age=0s)
db_too_many_clients pgx: failed: FATAL: error (SQLSTATE 53300)
db_refused pooler error: server login has been failing, try again later (server_login_retry)
db_refused WARNING ledger/app@10.0.0.5:5432 pgbouncer cannot connect to server
db_refused SQLSTATE[08006] [7] could not connect: Connection refused
db_connect_timeout closing because: connect timeout (age=15s)
db_connect_timeout psycopg.errors.ConnectionTimeout: connection timeout expired
db_connect_timeout failed to connect to `host=db user=app database=shop`: dial error: i/o timeout
db_terminated closing because: server conn crashed? (age=12s)
db_terminated org.postgresql.util.PSQLException: This connection has been closed.
db_terminated asyncpg.exceptions.ConnectionDoesNotExistError: the peer is gone
db_not_ready FATAL:  the database system is shutting down
db_no_hot_standby FATAL:  the database system is not accepting connections
db_not_ready psycopg.errors.CannotConnectNow: (SQLSTATE 57P03)
db_auth asyncpg.exceptions.InvalidPasswordError: the server refused
db_auth closing because: password authentication failed (age=0s) pgbouncer
db_auth Npgsql.PostgresException (0x80004005): 28P01: refused
db_hba FATAL:  pg_hba.conf rejects connection for host "10.0.0.7", user "app", database "shop", SSL encryption
db_hba FATAL:  Peer authentication failed for user "postgres"
db_hba FATAL:  LDAP authentication failed for user "ann"
db_replication_login FATAL:  no pg_hba.conf entry for replication connection from host "10.0.0.7", user "copy", SSL encryption
db_no_encryption FATAL:  no pg_hba.conf entry for host "10.0.0.7", user "app", database "shop", SSL off
db_no_encryption FATAL:  pg_hba.conf rejects connection for host "10.0.0.7", user "app", database "shop", no encryption
db_no_encryption closing because: SSL required (age=0s)
db_no_tls Error: The server does not support SSL connections
db_no_tls psycopg.OperationalError: server does not support SSL, but SSL was required
db_no_tls asyncpg: PostgreSQL server at "db:5432" rejected SSL upgrade
db_no_secret FATAL:  password authentication failed for user "app"//DETAIL:  User "app" does not have a valid SCRAM secret.
db_no_secret DETAIL:  User "mailer" has no password assigned.
db_no_secret DETAIL:  User "old" has a password that cannot be used with MD5 authentication.
db_password_expired FATAL:  password authentication failed for user "app"//DETAIL:  User "app" has an expired password.
db_password_expired DETAIL:  User "mailer" has an expired password.
db_password_expired DETAIL:  User "old" has an expired password.//Connection matched line 9
db_no_role FATAL:  password authentication failed for user "appp"//DETAIL:  Role "appp" does not exist.
db_no_role FATAL:  role "root" does not exist
db_no_role FATAL:  role "readers" is not permitted to log in
db_no_role closing because: no such user (age=0s)
db_no_database psycopg.OperationalError: connection failed: FATAL:  database "shoop" does not exist
db_no_database asyncpg.exceptions.InvalidCatalogNameError: it is not there
db_no_database closing because: no such database: shoop (age=0s)
db_permission ERROR:  permission denied for schema billing
db_permission psycopg.errors.InsufficientPrivilege: no
db_permission ERROR:  must be owner of table orders
db_schema ERROR:  relation "invoices" does not exist at character 15
db_schema sqlite3.OperationalError: no such table: invoices
db_schema sqlalchemy.exc.ProgrammingError: (psycopg.errors.UndefinedColumn) nope
db_statement_timeout ERROR:  canceling statement due to statement timeout
db_statement_timeout closing because: query timeout (age=31s)
db_statement_timeout Error: Query read timeout
db_lock_timeout ERROR:  canceling statement due to lock timeout
db_lock_timeout ERROR:  55P03: not now
db_lock_timeout pgx: (SQLSTATE 55P03)
db_idle_timeout FATAL:  terminating connection due to idle-session timeout
db_idle_timeout FATAL:  terminating connection due to transaction timeout
db_idle_timeout closing because: idle transaction timeout (age=60s)
db_deadlock ERROR:  deadlock detected
db_deadlock pymysql.err.OperationalError: (1213, 'Deadlock found when trying to get lock; try restarting')
db_deadlock sqlalchemy.exc.OperationalError: (psycopg2.errors.DeadlockDetected) no
db_out_of_range ERROR:  smallint out of range
db_out_of_range psycopg.errors.NumericValueOutOfRange: no
db_out_of_range ERROR:  value "3000000000" is out of range for type integer
db_out_of_range ERROR:  22003: too much
db_replication_login FATAL:  pg_hba.conf rejects replication connection for host "10.0.0.9", user "replicator"
db_replication_login FATAL:  could not connect to the primary server: FATAL:  password authentication failed for user "replicator"
db_replication_login ERROR:  could not connect to the publisher: FATAL:  role "copier" does not exist
db_replication_login FATAL:  must be superuser or replication role to start walsender
db_library_missing ERROR:  could not load library "/usr/lib/postgresql/15/lib/timescaledb.so": No such file
db_library_missing psycopg.errors.UndefinedFile: could not access file "$libdir/pgroonga": No such file or directory
db_library_missing ERROR:  could not open extension control file "/usr/share/postgresql/15/extension/vector.control"
db_library_missing psycopg.errors.FeatureNotSupported: extension "vector" is not available
db_driver_old org.postgresql.util.PSQLException: The authentication type 10 is not supported.
db_driver_old Error: Unknown authenticationOk message type 10
db_driver_old pq: unknown authentication response: 10
db_driver_old authentication method 10 not supported
db_index_damaged ERROR:  right sibling's left-link doesn't match: block 5 links to 8 instead of expected 7 in index "a"
db_index_damaged ERROR:  item order invariant violated for index "orders_total_idx"
db_index_damaged ERROR:  index "orders_pkey" contains corrupted page at block 3
db_index_damaged pgx: (SQLSTATE XX002)
db_collation WARNING:  collation "de_DE" has version mismatch//DETAIL:  The collation in the database was created using 153.14
db_collation WARNING:  database "shop" has no actual collation version, but a version was recorded
db_collation LOG:  database "ledger" has a collation version mismatch
db_temp_limit ERROR:  temporary file size exceeds "temp_file_limit" (1024kB)
db_temp_limit psycopg.errors.ConfigurationLimitExceeded: temporary file size exceeds temp_file_limit (8kB)
db_temp_limit ERROR:  53400: it is too much
db_cached_plan ERROR:  cached plan must not change result type
db_cached_plan asyncpg.exceptions.InvalidCachedStatementError: cached statement plan is invalid
db_cached_plan org.postgresql.util.PSQLException: ERROR: cached plan must not change result type
db_start_failed FATAL:  recovery aborted because of insufficient parameter settings
db_start_failed postgres: could not access the server configuration file "/data/postgresql.conf": No such file or directory
db_start_failed FATAL:  could not load library "/usr/lib/postgresql/15/lib/x.so": undefined symbol
db_serialization ERROR:  could not serialize access due to read/write dependencies among transactions
db_serialization psycopg.errors.SerializationFailure: once more
db_serialization {"error_severity":"ERROR","state_code":"40001","message":"once more"}
db_read_only ERROR:  cannot execute DELETE in a read-only transaction
db_read_only psycopg.errors.ReadOnlySqlTransaction: it is a standby
db_read_only ERROR:  cannot execute CREATE TABLE in a read-only transaction
db_out_of_memory ERROR:  out of memory//DETAIL:  Failed on request of size 8388608 in memory context "HashBatchContext".
db_out_of_memory LOG:  could not fork new process for connection: Cannot allocate memory
db_out_of_memory FATAL:  could not map anonymous shared memory: Cannot allocate memory
db_lock_table_full ERROR:  out of shared memory//HINT:  You might need to increase max_locks_per_transaction.
db_lock_table_full HINT:  You might need to increase "max_locks_per_transaction".
db_lock_table_full psycopg.errors.OutOfMemory: out of shared memory
db_shared_memory ERROR:  could not resize shared memory segment "/PostgreSQL.99" to 2097152 bytes: No space left on device
db_shared_memory psycopg.errors.DiskFull: could not resize shared memory segment "/PostgreSQL.7" to 1048576 bytes: No space left on device
db_shared_memory pq: could not resize shared memory segment "/PostgreSQL.5" to 67145088 bytes: No space left on device
db_start_failed FATAL:  configuration file "/srv/pg/postgresql.auto.conf" contains errors
db_start_failed FATAL:  data directory "/srv/pg" has invalid permissions
db_start_failed FATAL:  database files are incompatible with server
db_start_failed FATAL:  lock file "postmaster.pid" already exists
db_start_failed FATAL:  could not create semaphores: No space left on device
db_damaged PANIC:  could not locate a valid checkpoint record
db_damaged ERROR:  could not read block 12 in file "base/16384/16402": read only 0 of 8192 bytes
db_damaged ERROR:  missing chunk number 0 for toast value 16399 in pg_toast_2619
db_standby_settings WARNING:  hot standby is not possible because of insufficient parameter settings
db_standby_settings {"message": "hot standby is not possible because of insufficient parameter settings"}
db_standby_settings hot standby is not possible because of insufficient parameter settings//DETAIL:  max_connections = 100
db_start_failed FATAL:  recovery aborted because of insufficient parameter settings
db_timeline_fork LOG:  new timeline 6 forked off current database system timeline 5 before current recovery point 0/7A000000
db_timeline_fork FATAL:  highest timeline 1 of the primary is behind recovery timeline 2
db_timeline_fork new timeline 12 forked off current database system timeline 11 before current recovery point 1F/A0
db_replication_broken FATAL:  could not receive data from WAL stream: ERROR:  requested WAL segment 0000000A has already been removed
db_replication_broken FATAL:  could not connect to the primary server: connection lost
replica_stopped [Repl] Replica SQL for channel '': Could not execute Write_rows event on table shop.orders; Duplicate entry '4711'
replica_stopped Slave SQL for channel '': Error 'Unknown column 'a'' on query. Error_code: 1054
replica_stopped [Repl] Error running query, replica SQL thread aborted. Fix the problem, and restart
db_replication_broken LOG:  invalidating obsolete replication slot "copy"
db_replication_timeout LOG:  terminating walsender process due to replication timeout
db_replication_timeout FATAL:  terminating walreceiver due to timeout
db_replication_timeout ERROR:  terminating logical replication worker due to timeout
db_standby_conflict FATAL:  terminating connection due to conflict with recovery
db_standby_conflict ERROR:  canceling statement due to conflict with recovery//DETAIL:  User query might have needed to see row versions
db_standby_conflict psycopg.errors.SerializationFailure: canceling statement due to conflict with recovery
db_canceled asyncpg.exceptions.QueryCanceledError: canceling statement due to user request
db_canceled ERROR:  canceling statement due to user request//STATEMENT:  SELECT 1
db_canceled psycopg.errors.QueryCanceled: canceling statement due to user request
db_constraint ERROR:  insert or update on table "lines" violates foreign key constraint "lines_order_fkey"
db_constraint ERROR:  null value in column "sku" of relation "lines" violates not-null constraint
db_constraint sqlalchemy.exc.IntegrityError: (psycopg.errors.UniqueViolation) once is enough
db_bad_statement ERROR:  syntax error at end of input at character 22
db_bad_statement asyncpg.exceptions.PostgresSyntaxError: near "FORM"
db_bad_statement psycopg.errors.SyntaxError: syntax error at or near ")"
db_prepared psycopg.errors.DuplicatePreparedStatement: prepared statement "_pg3_0" already exists
db_prepared asyncpg.exceptions.InvalidSQLStatementNameError: prepared statement "__asyncpg_stmt_4__" does not exist
db_prepared error: prepared statement "s1" already exists
db_transaction_aborted psycopg.errors.InFailedSqlTransaction: no more
db_transaction_aborted pq: current transaction is aborted, commands ignored until end of transaction block
db_transaction_aborted PendingRollbackError: This Session's transaction has been rolled back due to a previous exception during flush.
db_sequence ERROR:  nextval: reached minimum value of sequence "lines_id_seq" (1)
db_sequence psycopg.errors.SequenceGeneratorLimitExceeded: nextval: reached maximum value of sequence "a"
db_sequence {"error_severity":"ERROR","state_code":"2200H"}
redis_refused consumer: Cannot connect to redis://keys:6379/0: Error 111 connecting to keys:6379. Connection refused..
redis_refused Redis::CannotConnectError: (connect to keys:6379)
redis_refused Could not connect to Redis at keys:6379: it is away
redis_refused valkey.exceptions.ConnectionError: Error 111 connecting to keys:6379. Connection refused.
redis_closed valkey.exceptions.ConnectionError: Connection closed by server.
redis_closed redis.exceptions.ConnectionError: Error while reading from keys:6379 : (104, 'Connection reset by peer')
redis_closed redis.exceptions.ConnectionError: Error 104 while writing to socket. Connection reset by peer.
redis_closed SocketClosedUnexpectedlyError: Socket closed unexpectedly
redis_closed AbortError: Redis connection lost and command aborted. It might have been processed.
redis_closed redis.clients.jedis.exceptions.JedisConnectionException: Unexpected end of stream.
redis_closed redis.clients.jedis.exceptions.JedisConnectionException: java.net.SocketException: Broken pipe (Write failed)
redis_closed io.lettuce.core.RedisException: java.io.IOException: Connection reset by peer
redis_closed io.lettuce.core.RedisException: Connection closed
redis_closed StackExchange.Redis.RedisConnectionException: SocketFailure (ReadSocketError/ConnectionReset, last-recv: 4) on keys:6379/Interactive, Idle/Faulted, last: GET
redis_closed RedisConnectionException: SocketClosed (ReadEndOfStream, last-recv: 0) on keys:6379/Interactive, Idle/MarkProcessed, last: PING, origin: ReadFromPipe
redis_closed Redis::ConnectionError: Connection lost (ECONNRESET)
redis_closed PHP Fatal error: Uncaught RedisException: read error on connection to keys:6379 in /srv/app/cart.php:12
redis_closed RedisException: Redis server went away
redis_timeout valkey.exceptions.TimeoutError: slow
redis_timeout Redis::TimeoutError: slow
redis_timeout redis.exceptions.TimeoutError: Timeout reading from socket
redis_no_auth redis.exceptions.AuthenticationError: Authentication required.
redis_no_auth ReplyError: NOAUTH Authentication required.
redis_no_auth (error) NOAUTH HELLO must be called with the client already authenticated, Authentication required.
redis_wrong_password WRONGPASS invalid username-password pair or user is disabled.
redis_wrong_password redis.exceptions.ResponseError: invalid password
redis_wrong_password ReplyError: WRONGPASS invalid username-password pair
redis_no_permission NOPERM this user has no permissions to access one of the keys used as arguments
redis_no_permission redis.exceptions.NoPermissionError: flushall is not for you
redis_no_permission ReplyError: NOPERM User mailer has no permissions to run the 'keys' command
redis_auth redis.exceptions.AuthenticationError: Client sent AUTH, but no password is set
redis_auth ERR AUTH <password> called without any password configured for the default user.
redis_auth redis.exceptions.AuthorizationError: it is not allowed
redis_protected -DENIED Redis is running in protected mode because protected mode is enabled and no password is set
redis_protected redis.exceptions.ResponseError: DENIED Redis is running in protected mode
redis_protected ReplyError: DENIED Valkey is running in protected mode because
redis_cluster_down CLUSTERDOWN Hash slot not served
redis_cluster_down redis.exceptions.ClusterDownError: no
redis_cluster_down 71:M 15 Jan 2026 14:30:00.000 # Cluster state changed: fail
redis_sentinel_down 12:X 15 Jan 2026 14:30:00.000 # +odown master orders 10.0.0.7 6380 #quorum 3/2
redis_sentinel_down +odown master cache redis-0 6379 #quorum 2/2
redis_sentinel_down 1:X 15 Jan 2026 14:30:00.000 * +odown master a 192.0.2.1 6379 #quorum 5/3
redis_failover_failed 1:X 15 Jan 2026 14:30:00.000 # -failover-abort-not-elected master orders 10.0.0.7 6380
redis_failover_failed -failover-abort-no-good-slave master cache redis-0 6379
redis_failover_failed 1:X 15 Jan 2026 14:30:00.000 # -failover-abort-slave-timeout master a 192.0.2.1 6379
disk_watermark high disk watermark [90%] exceeded on [b][es-2][/data] free: 9gb[9%], shards will be relocated
disk_watermark low disk watermark [85%] exceeded on [c][es-0][/data], replicas will not be assigned to this node
disk_watermark flood stage disk watermark [95%] exceeded on [d][es-1][/data] free: 1gb[3%]
db_too_many_clients FATAL:  tut mir leid, schon zu viele Verbindungen
redis_master_down redis.exceptions.MasterDownError: no
redis_master_down ReplyError: MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.
redis_master_down (error) MASTERDOWN Link with MASTER is down and slave-serve-stale-data is set to 'no'.
redis_no_replicas redis.exceptions.ResponseError: NOREPLICAS Not enough good replicas to write.
redis_no_replicas (error) NOREPLICAS Not enough good slaves to write.
redis_no_replicas ReplyError: NOREPLICAS Not enough good replicas to write.
redis_replication Unable to connect to MASTER: Invalid argument
redis_replica_login MASTER aborted replication with an error: NOAUTH nope
redis_replica_login (Non critical) Master does not understand REPLCONF capa: -NOAUTH Authentication required.
redis_replica_login 7:S 15 Jan 2026 14:03:11.004 # Unable to AUTH to MASTER: -WRONGPASS invalid username-password pair
redis_replication MASTER aborted replication with an error: LOADING nope
redis_client_limit Client id=5 addr=10.0.0.7:6379 scheduled to be closed ASAP for overcoming of output buffer limits.
pooler_wait psycopg.errors.ProtocolViolation: query_wait_timeout
pooler_wait closing because: query_wait_timeout (age=120s)
pooler_wait WARNING C-0x5581: shop/app@10.0.0.7:49466 pooler error: query_wait_timeout
redis_no_script ReplyError: NOSCRIPT No matching script. Please use EVAL.
redis_no_script redis.clients.jedis.exceptions.JedisNoScriptException: NOSCRIPT No matching script. Please use EVAL.
redis_no_script redis.exceptions.NoScriptError: No matching script. Please use EVAL.
redis_copy_file Opening the temp file needed for MASTER <-> REPLICA synchronization: Permission denied
redis_copy_file Write error or short write writing to the DB dump file needed for MASTER <-> REPLICA synchronization: No room
redis_copy_file Failed trying to rename the temp DB into dump.rdb in MASTER <-> REPLICA synchronization: Text file busy
redis_redirected ReplyError: MOVED 866 10.0.0.9:6379
redis_redirected redis.exceptions.MovedError: 866 10.0.0.9:6379
redis_redirected (error) MOVED 12182 keys-2:6379
redis_cross_slot Redis::CommandError: CROSSSLOT Keys in request don't hash to the same slot
redis_cross_slot redis.exceptions.RedisClusterException: MGET - all keys must map to the same key slot
redis_cross_slot An error was signalled by the server - CrossSlot: Keys in request don't hash to the same slot
redis_no_database ReplyError: ERR DB index is out of range
redis_no_database Error: ERR invalid DB index
redis_no_database ERR SELECT is not allowed in cluster mode
no_json SyntaxError: Unexpected token < in JSON at position 0
no_json SyntaxError: Unexpected token '<', "<!DOCTYPE "... is not valid JSON
no_json json: invalid character '<' looking for beginning of value
no_json aiohttp.client_exceptions.ContentTypeError: 200, message='Attempt to decode JSON with unexpected mimetype: text/html'
redis_wrong_type redis.exceptions.ResponseError: WRONGTYPE Operation against a key holding the wrong kind of value
redis_wrong_type ReplyError: WRONGTYPE Operation against a key holding the wrong kind of value
redis_wrong_type (error) WRONGTYPE Operation against a key holding the wrong kind of value
redis_replica_limit 71:M 15 Jan 2026 14:30:00.000 # Client id=7 addr=10.0.0.8:51234 laddr=10.0.0.7:6379 name= flags=S cmd=psync scheduled to be closed ASAP for overcoming of output buffer limits.
redis_replica_limit Client id=7 addr=10.0.0.8:51234 name= age=9 flags=S db=0 cmd=replconf closed for overcoming of output buffer limits.
redis_client_limit Client id=9 addr=10.0.0.9:40112 name=live flags=P cmd=subscribe scheduled to be closed ASAP for overcoming of output buffer limits.
redis_client_limit Client id=9 addr=10.0.0.9:40112 name= flags=O cmd=monitor closed for overcoming of output buffer limits.
redis_backlog_short 71:M 15 Jan 2026 14:30:00.000 * Unable to partial resync with replica 10.0.0.8:6379 for lack of backlog (Replica request was: 1193).
redis_backlog_short Unable to partial resync with replica 10.0.0.8:6379 for lack of backlog (Replica request was: ab12:1193).
redis_newer_data # Can't handle foreign type or opcode 119 in RDB with version 9
redis_replica_limit # Client id=8 addr=10.0.0.8:51234 name= flags=S cmd=replconf scheduled to be closed ASAP for overcoming of output buffer limits.
redis_backlog_short # Unable to partial resync with replica 10.0.0.9:6380 for lack of backlog (Replica request was: 71).
redis_replication Error condition on socket for SYNC: Connection refused
redis_save_denied Failed opening the temp RDB file /data/temp-71.rdb (in server root dir unknown) for saving: Permission denied
redis_save_denied Error moving temp DB file temp-71.rdb on the final destination dump.rdb (in server root dir /data): Permission denied
redis_save_gone Failed opening the RDB file dump.rdb (in server root dir unknown) for saving: No such file or directory
redis_save_gone Opening the temp file for AOF rewrite in rewriteAppendOnlyFile(): No such file or directory
redis_aof_damaged # Bad file format reading the append only file appendonly.aof.4.incr.aof: make a backup of your AOF file, then use ./redis-check-aof --fix
redis_aof_damaged # The AOF file appendonly.aof.2.base.rdb doesn't exist
redis_port_taken # Warning: Could not create server TCP listening socket *:6379: bind: Address already in use
redis_port_taken # Failed listening on port 6380 (TLS), aborting.
redis_start_denied Can't chdir to '/var/lib/redis': Permission denied
redis_save_denied Failed opening the temp RDB file temp-71.rdb (in server root dir /data) for saving: Permission denied
redis_save_gone Failed opening the temp RDB file temp-71.rdb (in server root dir /data) for saving: No such file or directory
redis_save_failed Failed opening the temp RDB file temp-71.rdb (in server root dir /data) for saving: Input/output error
redis_save_failed Background AOF rewrite terminated with error
redis_save_killed 71:M 15 Jan 2026 14:30:00.000 # Background saving terminated by signal 9
redis_save_killed 71:M 15 Jan 2026 14:30:00.000 # Background AOF rewrite terminated by signal 9
redis_save_killed 71:M 15 Jan 2026 14:30:00.000 # Background transfer terminated by signal 9
redis_save_failed Write error saving DB on disk(rdbSaveRio): No such device
redis_fsync_slow Asynchronous AOF fsync is taking too long (disk is busy?). Writing the AOF buffer without waiting
redis_fsync_slow 2314:M 01 Mar 2026 05:50:27.101 * Asynchronous AOF fsync is taking too long (disk is busy?).
redis_fsync_slow 7:M 15 Jan 2026 14:03:11.004 # Asynchronous AOF fsync is taking too long (disk is busy?)
redis_fork_failed Can't rewrite append only file in background: fork: Cannot allocate memory
redis_fork_failed 71:M 15 Jan 2026 14:30:00.000 # Can't save in background: fork: Cannot allocate memory
thread_limit Can't save in background: fork: Resource temporarily unavailable
redis_fork_failed # Can't save in background: fork: Cannot allocate memory
redis_overcommit WARNING overcommit_memory is set to 0! Background save may fail under low memory condition.
redis_overcommit # WARNING Memory overcommit must be enabled! Being disabled, it can also cause failures
redis_overcommit 71:C 15 Jan 2026 14:30:00.000 # WARNING Memory overcommit must be enabled!
redis_foreign_dump Wrong signature trying to load DB from file
redis_foreign_dump 71:M 15 Jan 2026 14:30:00.000 # Wrong signature trying to load DB from file
redis_foreign_dump [offset 0] Wrong signature trying to load DB from file: dump.rdb
redis_aof_damaged Unexpected end of file reading the append only file appendonly.aof.1.incr.aof. You can: 1) Make a backup
redis_port_taken Failed listening on port 6379 (TCP), aborting.
redis_start_denied Can't open or create append-only dir appendonlydir: Permission denied
redis_start_denied Fatal error: can't open the RDB file dump.rdb for reading: Permission denied
redis_data_damaged Short read or OOM loading DB. Unrecoverable error, aborting now.
redis_data_damaged 71:M 15 Jan 2026 14:30:00.000 # Wrong RDB checksum expected: (9a7f) but got (11aa). Aborting now.
redis_data_damaged Internal error in RDB reading offset 0, function at rdb.c:2990 -> Unexpected EOF reading RDB file
redis_newer_data 71:M 15 Jan 2026 14:30:00.000 # Can't handle RDB format version 11
redis_newer_data The RDB file contains module data I can't load: no matching module 'search'
redis_newer_data The RDB file contains AUX module data I can't load: no matching module 'graph'
redis_start_failed *** FATAL CONFIG FILE ERROR (Valkey 8.0.1) ***
redis_start_failed Fatal error, can't open config file '/etc/redis/redis.conf': No such file or directory
redis_start_failed Can't chdir to '/data/keys': No such file or directory
redis_out_of_memory 71:M 15 Jan 2026 14:30:00.000 # Out Of Memory allocating 16384 bytes!
redis_out_of_memory Redis aborting for OUT OF MEMORY. Allocating 72 bytes!
redis_out_of_memory # Out Of Memory allocating 72 bytes!
redis_out_of_memory Out Of Memory allocating 4294967296 bytes!
redis_crashed === VALKEY BUG REPORT START: Cut & paste starting from here ===
redis_crashed Redis 7.2.4 crashed by signal: 11, si_code: 1
redis_crashed === ASSERTION FAILED ===
redis_readonly READONLY You can't write against a read only replica.
redis_readonly ReplyError: READONLY You can't write against a read only slave.
redis_readonly redis.exceptions.ReadOnlyError: no writes here
redis_no_group redis.exceptions.ResponseError: NOGROUP No such key 'mail' or consumer group 'senders' in XREADGROUP with GROUP option
redis_no_group ReplyError: NOGROUP the consumer group this client was blocked on no longer exists
redis_no_group NOGROUP No such consumer group 'senders' for key name 'mail'
redis_misconf redis.exceptions.ResponseError: MISCONF Errors writing to the AOF file: No such file
redis_misconf MISCONF Valkey is configured to save RDB snapshots, but it's currently unable to persist to disk.
redis_misconf ReplyError: MISCONF Redis is configured to save RDB snapshots
redis_oom redis.exceptions.OutOfMemoryError: command not allowed when used memory > 'maxmemory'.
redis_oom ReplyError: OOM command not allowed when used memory > 'maxmemory'.
redis_oom valkey.exceptions.OutOfMemoryError: no
redis_clients redis.exceptions.MaxClientsError: no room
redis_clients ReplyError: ERR max number of clients reached
redis_clients redis.exceptions.ConnectionError: max number of clients reached
workers_exhausted *** uWSGI listen queue of socket "127.0.0.1:3031" (fd: 3) full !!! (101/100) ***
upstream_backlog_full connect() to unix:/run/shop.sock failed (11: Resource temporarily unavailable), client: 10.0.0.7
upstream_backlog_full TCP: request_sock_TCP: Possible SYN flooding on port 8000. Sending cookies.
upstream_backlog_full connect() to unix:/run/mail.sock failed (11: Resource temporarily unavailable) while connecting to upstream
upstream_socket_missing dial unix /run/mail.sock: connect: no such file or directory
upstream_socket_missing connect() to unix:/run/php.sock failed (2: No such file or directory) while connecting to upstream
upstream_socket_missing Error: connect ENOENT /tmp/mail.sock
upstream_socket_denied connect() to 127.0.0.1:8000 failed (13: Permission denied) while connecting to upstream
upstream_socket_denied dial unix /var/run/docker.sock: connect: permission denied
upstream_socket_denied Error: connect EACCES /tmp/mail.sock
upstream_none [ALERT] 014/143000 (7) : backend 'mail' has no server available!
upstream_none controller.go:1112] Service "shop/cart" does not have any active Endpoint.
upstream_none upstream request failed: no healthy upstream
upstream_none "GET /a HTTP/1.1" 503 UH no_healthy_upstream - "-" 0 19 0 - "-" "curl" "1" "mail" "-"
upstream_none {"level":"error","msg":"no upstreams available"}
upstream_down [WARNING] (7) : Server mail/mail-3 is DOWN, reason: Layer7 timeout, check duration: 2001ms.
upstream_down [warn] upstream server temporarily disabled while reading response header from upstream
upstream_down Backup Server mail/spare is DOWN, reason: Layer4 timeout.
upstream_down Health check for server mail/mail-3 failed, reason: Layer4 timeout, check duration: 2001ms
upstream_header_too_big upstream sent too big header while reading response header from upstream, client: 10.0.0.1
upstream_header_too_big Error: Parse Error: Header overflow code: 'HPE_HEADER_OVERFLOW'
upstream_header_too_big java.lang.IllegalArgumentException: Request header is too large
host_refused Invalid HTTP_HOST header: 'mail.example'. You may need to add 'mail.example' to ALLOWED_HOSTS.
host_refused raise DisallowedHost(msg) django.core.exceptions.DisallowedHost: Invalid HTTP_HOST header: '10.0.0.7:8000'.
host_refused [ActionDispatch::HostAuthorization::DefaultResponseApp] Blocked hosts: mail.example
upstream_tls upstream SSL certificate verify error: (20: some reason) while doing things
upstream_tls upstream SSL certificate does not match "mail.example" while doing things
upstream_tls SSL_do_handshake() failed (SSL: error:0A000126) while SSL handshaking to upstream, client: 10.0.0.1
upstream_bad_answer upstream sent no valid HTTP/1.0 header while reading response header from upstream
upstream_bad_answer FastCGI sent in stderr: "Primary script unknown" while reading response header
upstream_bad_answer net/http: HTTP/1.x transport connection broken: malformed HTTP response "\x15"
upstream_overflow upstream connect error or disconnect/reset before headers. reset reason: overflow
upstream_overflow "GET /a HTTP/1.1" 503 UO upstream_reset - "-" 0 81 0
upstream_overflow 10.0.0.7:5 [15/Jan/2026:14:30:00.000] front mail/<x> 0/5001/-1/-1/5001 503 213 - - sQ-- 1/1/0/0/0 0/9 "GET / HTTP/1.1"
proxy_connections 512 worker_connections are not enough, reusing connections
proxy_connections Proxy front reached process FD limit (maxsock=4011). Please check 'ulimit-n' and restart.
proxy_connections Proxy front reached the configured maximum connection limit. Please check the global 'maxconn' value.
request_too_large client intended to send too large chunked body: 1048577+8192 bytes
request_too_large PayloadTooLargeError: request entity too large
request_too_large http: request body too large
requests_limited limiting connections by zone "addr", client: 10.0.0.7, server: mail.example
requests_limited ratelimit 10 per 1 minute (10.0.0.7) exceeded at endpoint: login
requests_limited slowapi.errors.RateLimitExceeded: 5 per 1 minute
proxy_config nginx: [emerg] unexpected "}" in /etc/nginx/conf.d/mail.conf:7
proxy_config [ALERT] 014/143000 (7) : config : Fatal errors found in configuration.
proxy_config Error: adapting config using caddyfile: Caddyfile:7: unrecognized directive: proxyy
proxy_config the service "mail@docker" does not exist
proxy_no_route "GET /b HTTP/2" 404 NR route_not_found - "-" 0 0 0
proxy_no_route "GET /b HTTP/1.1" 404 NR - "-" 0 0 0
proxy_no_route {"response_code":404,"response_flags":"NR"}
certificate_renewal Unable to obtain ACME certificate for domains "mail.example"
certificate_renewal {"level":"error","logger":"tls.obtain","msg":"could not get certificate from issuer"}
certificate_renewal HTTP 429 urn:ietf:params:acme:error:rateLimited - too many certificates
tls_peer_rejects OpenSSL: error:0A000418:SSL routines::tlsv1 alert unknown ca
tls_peer_rejects Post "https://bank.example/": remote error: tls: bad certificate
tls_peer_rejects javax.net.ssl.SSLHandshakeException: Received fatal alert: certificate_unknown
tls_handshake [SSL: UNSAFE_LEGACY_RENEGOTIATION_DISABLED] unsafe legacy renegotiation disabled (_ssl.c:1006)
tls_handshake [SSL: DH_KEY_TOO_SMALL] dh key too small (_ssl.c:1006)
tls_handshake Get "https://bank.example/": remote error: tls: handshake failure
tls_handshake javax.net.ssl.SSLHandshakeException: No appropriate protocol (protocol is disabled)
tls_closed Error: Client network socket disconnected before secure TLS connection was established
tls_closed Get "https://bank.example/": net/http: TLS handshake timeout
tls_closed javax.net.ssl.SSLHandshakeException: Remote host terminated the handshake
tls_expired OpenSSL: error:0A000086:SSL routines::certificate verify failed: certificate has expired
tls_expired Error: certificate has expired code: 'CERT_HAS_EXPIRED'
tls_expired x509: certificate has expired or is not yet valid: current time 2026-01-15 is after 2025-12-01
tls_verify [SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed (_ssl.c:1006)
tls_verify Get "https://bank.example/": x509: certificate signed by unknown authority
tls_verify Error: self-signed certificate in certificate chain
redis_plain_client Error accepting a client connection: error:0A00010B:SSL routines::wrong version number (conn: fd=9)
redis_plain_client 71:M 15 Jan 2026 14:30:00.000 # Error accepting a client connection: error:1408F10B:SSL routines:ssl3_get_record:wrong version number (conn: fd=8)
redis_plain_client Error accepting a client connection: error:0A00009C:SSL routines::http request (addr=10.0.0.9:4711 laddr=10.0.0.3:6379)
tls_protocol OpenSSL: error:0A00010B:SSL routines:tls_get_record_header:wrong version number
tls_protocol received corrupt message of type InvalidContentType
tls_protocol Get "https://mail:8080/": http: server gave HTTP response to HTTPS client
name_resolution server DNS lookup failed
name_resolution ssh: Could not resolve hostname mail: it is not there
name_resolution socket.gaierror: [Errno -2] Name or service not known
no_route dial tcp 10.0.0.9:443: connect: no route to host
no_route Error: connect EHOSTUNREACH 10.0.0.9:443
no_route OSError: [Errno 101] Network is unreachable
ports_exhausted dial tcp 10.0.0.9:443: connect: cannot assign requested address
ports_exhausted Error: connect EADDRNOTAVAIL 10.0.0.9:443
ports_exhausted connect() to 10.0.0.9:80 failed (99: Cannot assign requested address) while connecting to upstream
connect_timeout connect() to 10.0.0.9:80 failed (110: Connection timed out) while connecting to upstream
connect_timeout 10.0.0.7:5 [15/Jan/2026:14:30:00.000] front mail/m1 0/0/-1/-1/5001 503 213 - - sC-- 1/1/0/0/3 0/0 "GET / HTTP/1.1"
connect_timeout TimeoutError: [Errno 110] Connection timed out
read_timeout 10.0.0.7:5 [15/Jan/2026:14:30:00.000] front mail/m1 0/0/1/-1/50001 504 194 - - sH-- 1/1/0/0/0 0/0 "GET / HTTP/1.1"
read_timeout Timeout expired.  The timeout period elapsed prior to completion of the operation or the server is not responding.
read_timeout "GET /a HTTP/1.1" 504 UT response_timeout - "-" 0 24 15000
read_timeout curl: (28) Operation timed out after 5001 milliseconds with 0 bytes received
connect_refused 10.0.0.7:5 [15/Jan/2026:14:30:00.000] front mail/m1 0/0/-1/-1/3 503 213 - - SC-- 1/1/0/0/3 0/0 "GET / HTTP/1.1"
connect_refused upstream connect error or disconnect/reset before headers. reset reason: connection failure
connect_refused curl: (7) Failed to connect to mail port 8080 after 0 ms: Connection refused
connect_refused botocore.exceptions.EndpointConnectionError: Could not connect to the endpoint URL: "https://s3.example/"
server_disconnected 10.0.0.7:5 [15/Jan/2026:14:30:00.000] front mail/m1 0/0/1/-1/9 502 209 - - SH-- 1/1/0/0/0 0/0 "GET / HTTP/1.1"
server_disconnected "GET /a HTTP/1.1" 503 UC upstream_reset - "-" 0 95 3
server_disconnected '502 Bad Gateway' caused by: EOF
server_disconnected http.client.RemoteDisconnected: the other side is gone
broker_unreachable [Consumer clientId=a] Connection to node -1 (mq/10.0.0.9:9092) could not be established. Broker may not be available.
broker_unreachable kafka.errors.NoBrokersAvailable: nothing there
broker_unreachable 1/1 brokers are down
upstream_error botocore.exceptions.ClientError: An error occurred (InternalError) when calling the PutObject operation
upstream_error urllib.error.HTTPError: HTTP Error 502: Bad Gateway
upstream_error "GET /a HTTP/1.1" 503 URX via_upstream - "-" 0 19 3
upstream_denied botocore.exceptions.ClientError: An error occurred (ExpiredToken) when calling the GetObject operation
upstream_denied botocore.exceptions.NoCredentialsError: Unable to locate credentials
upstream_denied urllib.error.HTTPError: HTTP Error 403: Forbidden
rate_limited botocore.exceptions.ClientError: An error occurred (ThrottlingException) when calling the Query operation
rate_limited openai.RateLimitError: Error code: 429
rate_limited An error occurred (SlowDown) when calling the PutObject operation: Please reduce your request rate.
slow_steps Executing <Handle Poller._poll() created at /srv/poller.py:12> took 0.912 seconds
slow_steps Event loop blocked for 1204 ms
slow_steps Thread[vert.x-eventloop-thread-3,5,main] has been blocked for 5234 ms, time limit is 2000 ms
address_in_use [ERROR] Connection in use: ('0.0.0.0', 8000)
address_in_use probably another instance of uWSGI is running on the same address (127.0.0.1:3031).
address_in_use Error: listen EADDRINUSE: address already in use :::3000
address_in_use Error starting userland proxy: Bind for 0.0.0.0:80 failed: port is already allocated
address_in_use bind() to 0.0.0.0:80 failed (98: Address already in use)
permission_denied avc:  denied  { name_connect } for  pid=14 comm="nginx" dest=8080 permissive=0
permission_denied audit: type=1400 audit(1768487465.250:7): apparmor="DENIED" operation="open"
permission_denied open /var/lib/mail/queue: permission denied
permission_denied Error: EACCES: permission denied, open '/srv/mail/log'
permission_denied bind() to 0.0.0.0:80 failed (13: Permission denied)
read_only_fs mkdir /srv/mail: read-only file system
read_only_fs Error: EROFS: read-only file system, open '/srv/mail/x'
read_only_fs ERROR:  could not write file "base/16384/1": Read-only file system
disk_quota write /srv/mail/x: disk quota exceeded
disk_quota Error: EDQUOT: out of quota
disk_full Operating system error number 28. Check also that the disk is not full or a disk quota exceeded.
nil_pointer panic: runtime error: invalid memory address or nil pointer dereference//[signal SIGSEGV: segmentation violation code=0x1 addr=0x18 pc=0x6f1a2c]
nil_pointer http: panic serving 10.0.0.9:41: runtime error: invalid memory address or nil pointer dereference
nil_pointer panic recovered: invalid memory address or nil pointer dereference
crashed fatal error: unexpected signal during runtime execution//[signal SIGSEGV: segmentation violation code=0x1 addr=0x0 pc=0x0]
redis_refused RedisConnectionException: It was not possible to connect to the redis server(s). Error connecting right now.
disk_quota ERROR:  could not extend file "base/1": Disk quota exceeded
disk_full write /srv/mail/x: no space left on device
disk_full Error: ENOSPC: no space left on device, write
disk_full ERROR:  could not extend file "base/16384/1": No space left on device
disk_full Write error saving DB on disk: No space left on device
watch_limit failed to create fsnotify watcher: inotify_init: too many open files
watch_limit inotify_add_watch /srv: No space left on device
watch_limit The user limit on the total number of inotify watches was reached
thread_limit java.lang.OutOfMemoryError: unable to create native thread: possibly out of memory
thread_limit bash: fork: retry: Resource temporarily unavailable
thread_limit cgroup: fork rejected by pids controller in /docker/4f1d
open_files accept4() failed (24: Too many open files)
open_files Error: EMFILE: nothing more to open
open_files http: Accept error: accept tcp [::]:8080: accept4: too many open files; retrying in 5ms
memory_error java.lang.OutOfMemoryError: Java heap space
memory_error java.lang.OutOfMemoryError: Metaspace
memory_error numpy._core._exceptions._ArrayMemoryError: Unable to allocate 8.00 GiB
memory_error PHP Fatal error: Allowed memory size of 134217728 bytes exhausted (tried to allocate 20480 bytes)
oom_host Out of memory: Kill process 77 (java) score 912 or sacrifice child
oom_host Jan 15 14:30:00 box kernel: Out of memory: Killed process 77 (java) total-vm:9kB
oom_host [1234.5] Out of memory: Killed process 77 (java), UID 0, total-vm:9kB
oom_limit memory cgroup out of memory: Killed process 77 (node), UID 1000
oom_limit Last State: Terminated Reason: OOMKilled Exit Code: 137
oom_limit [1234.5] Memory cgroup out of memory: Killed process 77 (node) total-vm:9kB
platform_memory Memory limit of 512M exceeded with 530M used
platform_memory Error R14 (Memory quota exceeded)
platform_memory RequestId: 4f1d Error: Runtime exited with error: signal: killed Runtime.ExitError
platform_timeout 2026-01-15T14:30:00Z 4f1d Task timed out after 15.02 seconds
platform_timeout at=error code=H12 desc="Request timeout" method=GET path="/"
platform_timeout REPORT RequestId: 4f1d Duration: 30000.00 ms Billed Duration: 30000 ms Status: timeout
platform_timeout The request has been terminated because it has reached the maximum request timeout.
platform_crashed at=error code=H14 desc="No web processes running" method=GET
platform_crashed Error R10 (Boot timeout) -> Web process failed to bind to $PORT within 60 seconds of launch
raid_degraded md/raid1:md0: Operation continuing on 1 devices.
raid_degraded A DegradedArray event had been detected on md device /dev/md0.
raid_degraded Device: /dev/sdb [SAT], FAILED SMART self-check. BACK UP DATA NOW!
connect_refused 10.2.0.9:41 [15/Jan/2026:14:30:00.000] pg_front pg_back/pg1 1/-1/3003 0 SC 22/22/21/21/3 0/0
connect_timeout 10.2.0.9:41 [15/Jan/2026:14:30:00.000] pg_front pg_back/pg1 1/-1/5001 0 sC 22/22/21/21/3 0/0
workers_exhausted As of "01/15/2026 14:31:05 +00:00", the heartbeat has been running for "00:00:03.1412" which is longer than "00:00:01". This could be caused by thread pool starvation.
probe_failed Liveness probe failed: Get "http://10.244.1.7:8080/healthz": dial tcp 10.244.1.7:8080: connect: connection refused
probe_failed Readiness probe failed: Get "http://10.244.1.7:8080/healthz": net/http: request canceled (Client.Timeout exceeded while awaiting headers)
network_disk_silent nfs: server nas1 not responding, timed out
network_disk_silent CIFS: VFS: \\nas1 has not responded in 180 seconds. Reconnecting...
network_disk_silent session1: session recovery timed out after 120 secs
network_disk_silent mpatha: remaining active paths: 0
pod_evicted "Eviction manager: attempting to reclaim" resourceName="ephemeral-storage"
pod_evicted The node had condition: [DiskPressure].
disk_io_error write failed: Input/output error
disk_io_error write /data/wal/7: input/output error
redis_refused heartbeat: Connection refused - connect(2) for 10.0.4.2:6379 (redis://10.0.4.2:6379)
upstream_no_answer upstream: "10.0.9.4:8080" gave no usable answer: 502
upstream_no_answer upstream: "unix:/run/shop.sock" gave no usable answer: 521
upstream_no_answer app/shop/50dc 203.0.113.9:4001 10.0.1.17:80 0.001 0.004 -1 502 - 287 299 "GET https://shop.example:443/a HTTP/1.1"
upstream_tls upstream: "198.51.100.20" fails the TLS handshake: 525
upstream_none app/shop/50dc 203.0.113.9:4001 - -1 -1 -1 503 - 287 299 "GET https://shop.example:443/a HTTP/1.1"
read_timeout app/shop/50dc 203.0.113.9:4001 10.0.1.17:80 0.001 -1 -1 504 - 287 299 "GET https://shop.example:443/a HTTP/1.1"
read_timeout upstream: "10.0.9.4:8080" gave no answer in time: 504
platform_crashed Container shop_0_99ae64d5 didn't respond to HTTP pings on port: 8080, failing site start. See container logs for debugging.
platform_crashed Container shop_0_99ae64d5 for site shop has exited, failing site start
platform_crashed The request was aborted because there was no available instance.
requests_limited limiting requests, excess: 5.610 by zone "login", client: 10.0.0.7
task_timeout Soft time limit (120s) exceeded for mail.send[4f1d]
task_timeout rq.timeouts.JobTimeoutException: Task exceeded maximum timeout value (180 seconds)
task_timeout Hard time limit (300s) exceeded for mail.send[4f1d]
task_ended billiard.exceptions.SoftTimeLimitExceeded: SoftTimeLimitExceeded()
task_ended dramatiq.middleware.time_limit.TimeLimitExceeded
upstream_denied smtplib.SMTPAuthenticationError: (535, b'5.7.8 Username and Password not accepted')
task_ended Task handler raised error: TimeLimitExceeded(300)
task_ended Task mail.send[4f1d] raised unexpected: SoftTimeLimitExceeded(60)
db_session_broken sqlalchemy.exc.InvalidRequestError: Can't reconnect until invalid transaction is rolled back
db_session_broken PendingRollbackError: Can't reconnect until invalid savepoint transaction is rolled back.
db_session_broken PendingRollbackError: Can't reconnect until invalid transaction is rolled back. Please rollback() fully before proceeding
migration_unknown FAILED: Can't locate revision identified by '3f2a1b'
migration_unknown django.db.migrations.exceptions.InconsistentMigrationHistory: Migration shop.0002 is applied before its dependency
migration_unknown Detected applied migration not resolved locally: 7. If you removed this migration intentionally, run repair
server_disconnected pymongo.errors.AutoReconnect: docs:27017: connection closed (configured timeouts: connectTimeoutMS: 20000.0ms)
task_lost Detected zombie job: {'full_filepath': '/srv/dags/etl.py', 'msg': "{'DAG Id': 'etl', 'Task Id': 'load'}"}
task_lost Detected a task instance without a heartbeat: {'full_filepath': 'etl.py'}
task_lost Task handler raised error: WorkerLostError('Worker exited prematurely: signal 9 (SIGKILL) Job: 3.')
task_lost Moved to FailedJobRegistry, due to AbandonedJobError, at 2026-01-15 14:31:05
task_skipped Execution of job "sync (trigger: cron[hour='12'], next run at: 2026-01-15 12:00:00 UTC)" skipped: maximum number of running instances reached (1)
task_skipped Run time of job "sync (trigger: interval[0:00:30], next run at: 2026-01-15 08:42:29 UTC)" was missed by 0:00:07.998641
task_skipped apscheduler.scheduler: Execution of job "mail.send" skipped: maximum number of running instances reached (3)
request_abandoned Application instance <Task pending name='Task-7' coro=<ASGIHandler.__call__()>> for connection <WebRequest at 0x7f method=GET uri=/a> took too long to shut down and was killed.
request_abandoned Application instance <Task cancelling name='Task-9'> for connection <WebSocketProtocol client=['10.0.0.7', 5] path=b'/ws/'> took too long to shut down and was killed.
request_abandoned WARNING  Application instance <Task pending> for connection <WebRequest> took too long to shut down and was killed.
other_db_too_many_clients (pymysql.err.OperationalError) (1040, 'Too many connections')
other_db_too_many_clients SQLSTATE[HY000] [1040] Too many connections
other_db_too_many_clients ERROR 1226 (42000): User 'shop' has exceeded the 'max_user_connections' resource (current value: 5)
task_unknown [2026-01-15 14:31:05,000: ERROR/MainProcess] Received unregistered task of type 'mail.send'.
task_unknown huey.exceptions.HueyException: mail.tasks.send not found in TaskRegistry
task_unknown 14:31:05: job 4f1d, function 'send' not found
task_unknown Received message for undefined actor 'send'. Moving it to the DLQ.
sqlite_locked django.db.utils.OperationalError: database is locked
sqlite_locked (sqlite3.OperationalError) database table is locked: orders
sqlite_locked SqliteError: SQLITE_BUSY: database is locked
connection_limit WARNING:waitress:total open connections reached the connection limit, no longer accepting new connections
connection_limit waitress: total open connections reached the connection limit, no longer accepting new connections
connection_limit 2026-01-15 14:31:05,000 WARNING [waitress:225][MainThread] total open connections reached the connection limit, no longer accepting new connections
connect_refused aiokafka: Unable connect to node with id 1: [Errno 111] Connect call failed ('10.1.1.1', 9092)
broker_unreachable AMQPConnectionError: (AMQPConnectorSocketConnectError: ConnectionRefusedError(111, 'Connection refused'),)
name_resolution consumer: Cannot connect to redis://keys:6379/0: Error -2 connecting to keys:6379. Name or service not known.
name_resolution consumer: Cannot connect to amqp://app:**@mq:5672//: [Errno -2] Name or service not known.
read_timeout File "/srv/lib/python3.11/site-packages/aiohttp/client.py", line 603, in _request//TimeoutError
worker_timeout Timeout when reading response headers from daemon process 'shop': /srv/shop/wsgi.py
connect_refused details = "failed to connect to all addresses; last error: UNKNOWN: ipv4:10.0.3.9:50051: Failed to connect to remote host: Connection refused"
read_timeout grpc.aio.AioRpcError: status = StatusCode.DEADLINE_EXCEEDED
worker_timeout *** HARAKIRI ON WORKER 2 (pid: 71, try: 1, graceful: no) ***
worker_timeout [1] ! Terminating timed out worker (Worker 2 failed to check in within 60 seconds): 71
worker_timeout worker=2 PID:71 timeout (61s > 60s), killing
worker_killed DAMN ! worker 2 (pid: 71) died, killed by signal 9 :( trying respawn ...
worker_killed child 71 exited on signal 9 (SIGKILL) after 12.3 seconds from start
worker_killed AH00052: child pid 71 exit signal Killed (9)
workers_exhausted [pool www] server reached pm.max_children setting (20), consider raising it
workers_exhausted AH00484: server reached MaxRequestWorkers setting, consider raising the MaxRequestWorkers setting
workers_exhausted WARNING:waitress.queue:Task queue depth is 12
concurrency_limit WARNING:  Exceeded concurrency limit.
concurrency_limit {"level":"warning","message":"Exceeded concurrency limit."}
concurrency_limit uvicorn.error: Exceeded concurrency limit.
module_missing Error: Cannot find module 'express'
module_missing python: error while loading shared libraries: libpq.so.5: cannot open shared object file
module_missing ImportError: cannot import name 'Order' from 'shop.models'
config_invalid django.core.exceptions.ImproperlyConfigured: The SECRET_KEY setting must not be empty.
config_invalid pydantic_settings.sources.SettingsError: error parsing value for field "hosts"
config_invalid 2 validation errors for MailConfig
crashed traps: node[77] general protection fault ip:55d sp:7ff error:0 in node
crashed Fatal Python error: Segmentation fault
crashed SIGSEGV: segmentation violation
crashed systemd-coredump[9]: Process 77 (mail) of user 33 dumped core.
hung_task INFO: task postgres:77 blocked for more than 122 seconds.
hung_task kernel: INFO: task kworker/u8:2:12 blocked for more than 241 seconds.
hung_task [1234.5] INFO: task nfsd:9 blocked for more than 120 seconds.
disk_io_error Buffer I/O error on dev sdb1, logical block 12, lost async page write
disk_io_error OSError: [Errno 5] Input/output error
disk_io_error print_req_error: I/O error, dev nvme0n1, sector 99
file_system_error XFS (sdb1): Metadata corruption detected at xfs_agf_read_verify, xfs_agf block 0x1
file_system_error EXT4-fs (sda1): Remounting filesystem read-only
file_system_error BTRFS error (device sdc): bdev /dev/sdc errs: wr 1
conntrack_full nf_conntrack: nf_conntrack: table full, dropping packet
conntrack_full kernel: nf_conntrack: table full, dropping packet.
conntrack_full ip_conntrack: table full, dropping packet.
tcp_memory kernel: TCP: too many orphaned sockets
tcp_memory kernel: Out of socket memory
tcp_memory [1234.5] TCP: out of memory -- consider tuning tcp_mem
neighbour_table neighbour: ndisc_cache: neighbor table overflow!
neighbour_table kernel: Neighbour table overflow!
neighbour_table [1234.5] neighbour: arp_cache: neighbor table overflow!
cpu_stuck NMI watchdog: Watchdog detected hard LOCKUP on cpu 2
cpu_stuck rcu: INFO: rcu_sched self-detected stall on CPU
cpu_stuck watchdog: BUG: soft lockup - CPU#1 stuck for 23s! [java:77]
cpu_hot CPU1: Package temperature above threshold, cpu clock throttled (total events = 3)
cpu_hot thermal thermal_zone0: critical temperature reached (105 C), shutting down
cpu_hot mce: CPU0: Core temperature above threshold, cpu clock throttled
hardware_error EDAC MC0: 1 UE memory read error on CPU_SrcID#0
hardware_error {1}[Hardware Error]: event severity: corrected
hardware_error mce: [Hardware Error]: CPU 3: Machine Check: 0 Bank 5
link_down bond0: (slave eth1): link status definitely down; eth1: NIC Link is Down
link_down igb 0000:01:00.0 eno1: igb: eno1 NIC Link is Down
link_down NETDEV WATCHDOG: eth0 (virtio_net): transmit queue 0 timed out
image_pull Back-off pulling image "mail:9": ImagePullBackOff
image_pull Error response from daemon: manifest for mail:9 not found: manifest unknown
image_pull Error response from daemon: pull access denied for mail, repository does not exist
exec_format standard_init_linux.go:228: exec user process caused: exec format error
exec_format The requested image's platform (linux/arm64) does not match the detected host platform (linux/amd64)
exec_format OSError: [Errno 8] Exec format error: '/srv/mail'
container_start_failed exec: "mailer": executable file not found in $PATH: unknown
container_start_failed Error: CreateContainerConfigError: secret "mail" not found
container_start_failed OCI runtime create failed: container_linux.go:380: starting container process caused
crash_loop Warning BackOff Back-off restarting failed container mail in pod mail-1
crash_loop back-off 5m0s restarting failed container=mail pod=mail-1
crash_loop pod mail-1 is in CrashLoopBackOff
probe_failed Readiness probe failed: dial tcp 10.0.0.9:80: connect: it is away
probe_failed Container mail failed liveness probe, will be restarted
probe_failed Startup probe failed: command timed out
pod_evicted The node was low on resource: ephemeral-storage.
pod_evicted Pod ephemeral local storage usage exceeds the total limit of containers 1Gi.
pod_evicted Node status is now: NodeHasDiskPressure
unschedulable 0/5 nodes are available: 5 node(s) had untolerated taint {a: }.
unschedulable FailedScheduling pod/mail-1 no node fits
unschedulable Warning default-scheduler 0/1 nodes are available: 1 Insufficient cpu.
mount_failed Unable to attach or mount volumes: unmounted volumes=[data]
mount_failed Multi-Attach error for volume "pvc-4f1d" Volume is already exclusively attached to one node
mount_failed MountVolume.MountDevice failed for volume "pvc-4f1d"
node_not_ready Node node-7 status is now: NodeNotReady
node_not_ready skipping pod synchronization - PLEG is not healthy
node_not_ready kubectl: node-7 condition NodeNotReady
clock jwt.exceptions.InvalidIssuedAtError: iat is in the future
clock google.auth.exceptions.InvalidValue: Token used too early, 1 < 2. Check that your computer's clock is set correctly.
clock An error occurred (RequestTimeTooSkewed) when calling the PutObject operation
db_no_hot_standby reports.store psycopg.OperationalError: FATAL: the database system is not accepting connections DETAIL: Hot standby mode is disabled.
db_schema ERROR:  function gen_random_uuid() does not exist at character 8
db_schema ERROR:  operator does not exist: integer = character varying at character 41
db_schema ERROR:  invalid input value for enum order_status: "archived" at character 23
db_schema ERROR:  schema "billing" does not exist
db_schema psycopg.errors.UndefinedObject: type "order_status" does not exist
db_auth WARNING S-0x55: shop/app@10.0.0.5:5432 cannot do SCRAM authentication: wrong password type
db_replication_broken ERROR:  subscription "shop" could not connect to the publisher: connection to server at "10.0.0.5", port 5432 failed: timeout
db_no_hot_standby DETAIL:  Hot standby mode is disabled.
db_no_hot_standby 2026-01-15 14:30:00 UTC [71] 57P03 FATAL:  the database system is not accepting connections
db_inconsistent FATAL:  the database system is not yet accepting connections//DETAIL:  Consistent recovery state has not been yet reached.
db_not_ready 2026-01-15 14:30:00 UTC [71] app@shop FATAL:  the database system is in recovery mode
db_inconsistent DETAIL:  Consistent recovery state has not been yet reached.
db_inconsistent psycopg.OperationalError: connection failed: FATAL:  the database system is not yet accepting connections
db_closed FATAL:  database "books" is not currently accepting connections
db_closed FATAL:  cannot connect to invalid database "books"
db_closed WARNING C-0x1: books/app@10.0.0.7:41 pooler error: database "books" is disabled
db_pooler_parameter FATAL:  unsupported startup parameter in options: statement_timeout
db_pooler_parameter WARNING C-0x5: (nodb)/(nouser)@10.0.0.7:38 unsupported startup parameter: search_path=shop
db_pooler_parameter org.postgresql.util.PSQLException: ERROR: Unsupported startup parameter: extra_float_digits
db_pooler_config psycopg.OperationalError: connection to server at "10.0.0.7", port 6432 failed: FATAL:  bouncer config error
db_pooler_config LOG C-0x1: shop/(nouser)@10.0.0.7:41 closing because: bouncer config error (age=0s)
db_pooler_config psql: ERROR:  unexpected response from login query
db_pooler_config WARNING C-0x1: authentication database "logins" is not configured.
db_in_use psycopg.errors.ObjectInUse: source database "template1" is being accessed by other users//DETAIL:  There are 19 other sessions using the database.
db_in_use ERROR:  database "tenant_7" is being accessed by other users
db_in_use PG::ObjectInUse: ERROR:  database "shop_test" is being accessed by other users
db_replication_limit FATAL:  number of requested standby connections exceeds "max_wal_senders" (currently 10)
db_replication_limit FATAL:  could not connect to the primary server: FATAL:  number of requested standby connections exceeds max_wal_senders (currently 2)
db_replication_limit ERROR:  could not create replication slot "pg_1_sync_2": ERROR:  all replication slots are in use
db_replication_limit WARNING:  out of logical replication worker slots//HINT:  You might need to increase max_logical_replication_workers.
db_replication_limit WARNING:  out of background worker slots//HINT:  You might need to increase max_worker_processes.
db_replication_limit ERROR:  could not find free replication state slot for replication origin with ID 2
db_slot_missing FATAL:  could not start WAL streaming: ERROR:  replication slot "standby_2" does not exist
db_slot_missing START_REPLICATION: psycopg2.errors.UndefinedObject: replication slot "debezium" does not exist
db_slot_missing ERROR:  replication slot "cdc_2" does not exist//STATEMENT:  START_REPLICATION SLOT "cdc_2" LOGICAL 0/0
db_slot_busy org.postgresql.util.PSQLException: ERROR: replication slot "debezium" is active for PID 4711
db_slot_busy ERROR:  could not start WAL streaming: replication slot "shop" is active for PID 88
db_slot_busy psycopg2.errors.ObjectInUse: replication slot "cdc" is active for PID 12
db_logical_off ERROR:  logical decoding requires "wal_level" >= "logical"
db_logical_off ERROR:  logical decoding on standby requires "wal_level" >= "logical" on the primary
db_logical_off psycopg2.errors.ObjectNotInPrerequisiteState: logical decoding requires wal_level >= logical
db_apply_failed ERROR:  logical replication target relation "public.items" is missing replicated column: "note"
db_apply_failed ERROR:  logical replication target relation "public.items" is missing replicated columns: "a", "b"
db_apply_failed LOG:  subscription "shop" has been disabled because of an error
db_apply_failed ERROR:  could not receive data from WAL stream: ERROR:  publication "shop" does not exist
db_no_identity psycopg.errors.ObjectNotInPrerequisiteState: cannot delete from table "t" because it does not have a replica identity and publishes deletes
db_no_identity ERROR: cannot update table "schema_version" because it does not have a replica identity and publishes updates (SQLSTATE 55000)
db_no_identity ERROR:  cannot merge into table "t" because it does not have a replica identity and publishes updates
db_no_arbiter psycopg.errors.InvalidColumnReference: there is no unique or exclusion constraint matching the ON CONFLICT specification
db_no_arbiter PG::InvalidColumnReference: ERROR:  there is no unique or exclusion constraint matching the ON CONFLICT specification
db_no_arbiter error: there is no unique or exclusion constraint matching the ON CONFLICT specification at Parser.parse
db_no_partition ERROR:  no partition of relation "events" found for row//DETAIL:  Partition key of the failing row contains (day) = (2026-12-01).
db_no_partition psycopg.errors.CheckViolation: no partition of relation "visits" found for row
db_no_partition pq: no partition of relation "m" found for row
db_exists ERROR:  column "note" of relation "orders" already exists
db_exists psycopg2.errors.DuplicateTable: relation "django_session" already exists
db_exists ERROR:  constraint "orders_fk" for relation "orders" already exists
db_exists asyncpg.exceptions.DuplicateColumnError: column "note" of relation "orders" already exists
db_index_row_size psycopg.errors.ProgramLimitExceeded: index row size 5608 exceeds btree version 4 maximum 2704 for index "urls_idx"
db_index_row_size ERROR:  index row requires 8392 bytes, maximum size is 8191
db_index_row_size ERROR:  index row size 2712 exceeds maximum 2712 for index "a"
db_prepared_limit ERROR:  prepared transactions are disabled//HINT:  Set max_prepared_transactions to a nonzero value.
db_prepared_limit ERROR:  maximum number of prepared transactions reached//HINT:  Increase max_prepared_transactions (currently 5).
db_prepared_limit psycopg.errors.ObjectNotInPrerequisiteState: prepared transactions are disabled
db_start_failed FATAL:  could not create lock file "/var/run/postgresql/.s.PGSQL.5432.lock": No such file or directory
db_start_failed FATAL:  lock file "/tmp/.s.PGSQL.5432.lock" already exists//HINT:  Is another postmaster (PID 293) using socket file "/tmp/.s.PGSQL.5432"?
db_start_failed FATAL:  bogus data in lock file "postmaster.pid": ""
db_start_failed FATAL:  recovery ended before configured recovery target was reached
db_start_failed FATAL:  hot standby is not possible because max_connections = 100 is a lower setting than on the primary server (its value was 200)
db_damaged PANIC:  WAL contains references to invalid pages
db_damaged ERROR:  found xmin 4311 from before relfrozenxid 9000
db_damaged ERROR:  MultiXactId 1075235435 has not been created yet -- apparent wraparound
db_damaged FATAL:  incorrect checksum in control file
db_permission ERROR:  new row violates row-level security policy for table "orders"
"""  # noqa: E501 - each is one line of a log


@pytest.mark.parametrize("line", LINES.strip().splitlines())
def test_each_class_is_known_in_the_words_of_its_program(line: str) -> None:
    expected, _, words = line.partition(" ")
    assert list(classes_of(words.replace("//", "\n") if "://" not in words else words)) == [expected]


def test_most_classes_have_three_lines_or_more_here() -> None:
    count = Counter(line.split(" ", 1)[0] for line in LINES.strip().splitlines())
    assert set(count) <= log_classes().keys()
    assert min(count.values()) >= 3


def test_what_a_policy_only_reports_is_not_denied() -> None:
    denied = 'avc:  denied  { read } for  pid=14 comm="nginx" permissive='
    assert list(classes_of(f"{denied}0")) == ["permission_denied"]
    assert not classes_of(f"{denied}1")
    assert log_classes()["permission_denied"].reason_in(f"{denied}0") == "policy"


def test_a_full_disk_and_its_likes_are_kept_apart() -> None:
    resize = 'could not resize shared memory segment "/PostgreSQL.1" to 8 bytes'
    alike = {
        f"{resize}: No space left on device": "db_shared_memory",
        "out of shared memory": "db_lock_table_full",
        "write /srv/a: no space left on device": "disk_full",
        "write /srv/a: disk quota exceeded": "disk_quota",
        "ENOSPC: System limit for number of file watchers reached": "watch_limit",
        "could not create semaphores: No space left on device": "db_start_failed",
        "OSError: [Errno 30] Read-only file system": "read_only_fs",
    }
    assert {line: "".join(classes_of(line)) for line in alike} == alike
    assert len({log_classes()[name].advice for name in alike.values()}) == len(alike)


def test_a_disk_that_is_full_as_a_server_starts_is_no_lock_file() -> None:
    for name in ("postmaster.pid", "/tmp/.s.PGSQL.5432.lock"):
        line = f'FATAL:  could not write lock file "{name}": No space left on device'
        assert list(classes_of(line)) == ["disk_full"]


def test_the_end_of_a_first_copy_misses_no_slot() -> None:
    line = (
        'could not drop replication slot "pg_1_sync_2" on publisher: ERROR:  replication slot "pg_1_sync_2" '
    )
    assert not classes_of(f"LOG:  {line}does not exist")


@pytest.mark.parametrize(
    ("line", "name", "reason"),
    [
        ("FATAL:  the database system is starting up", "db_not_ready", None),
        ("ERROR:  function public.total(integer, text) does not exist", "db_schema", "function"),
        ('ERROR:  invalid input value for enum state: "x"', "db_schema", "enum"),
        ('ERROR:  relation "function_log" does not exist', "db_schema", None),
        ("server login failed: wrong password type", "db_auth", "pooler_secret"),
        ("ERROR:  could not connect to the publisher: no", "db_replication_broken", "publisher"),
        ("ERROR:  all replication slots are in use", "db_replication_limit", "slots"),
        ("WARNING:  out of logical replication worker slots", "db_replication_limit", "apply_workers"),
        ("WARNING:  out of background worker slots", "db_replication_limit", "processes"),
        ('FATAL:  lock file "/tmp/.s.PGSQL.5432.lock" already exists', "db_start_failed", "socket_lock"),
        ("FATAL:  recovery target timeline 3 does not exist", "db_start_failed", "recovery_target"),
        ('ERROR:  new row violates row-level security policy for table "a"', "db_permission", "policy"),
    ],
)
def test_a_line_says_which_limit_or_file_it_is(line: str, name: str, reason: str | None) -> None:
    found = classes_of(line)
    assert list(found) == [name]
    assert log_classes()[name].reason_in(found[name]) == reason


def test_why_a_login_fails_is_kept_apart() -> None:
    head = 'FATAL:  password authentication failed for user "app"\n'
    entry = 'FATAL:  no pg_hba.conf entry for host "10.0.0.7", user "app", database "a"'
    alike = {
        head: "db_auth",
        head + 'DETAIL:  Role "app" does not exist.': "db_no_role",
        head + 'DETAIL:  User "app" does not have a valid SCRAM secret.': "db_no_secret",
        head + 'DETAIL:  User "app" has an expired password.': "db_password_expired",
        f"{entry}, SSL encryption": "db_hba",
        f"{entry}, no encryption": "db_no_encryption",
        'FATAL:  database "a" does not exist': "db_no_database",
        "server does not support SSL, but SSL was required": "db_no_tls",
    }
    assert {line: "".join(classes_of(line)) for line in alike} == alike
    assert len({log_classes()[name].advice for name in alike.values()}) == len(alike)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("java.lang.OutOfMemoryError: Metaspace", "metaspace"),
        ("java.lang.OutOfMemoryError: Direct buffer memory", "direct_buffers"),
        ("java.lang.OutOfMemoryError: GC overhead limit exceeded", "heap"),
        ("FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory", "heap"),
        ("fatal error: runtime: out of memory", None),
    ],
)
def test_which_memory_was_used_up(line: str, reason: str | None) -> None:
    found = classes_of(line)
    assert list(found) == ["memory_error"]
    assert log_classes()["memory_error"].reason_in(found["memory_error"]) == reason


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("ERROR:  40P01: it went wrong", "db_deadlock"),
        ('{"error_severity":"FATAL","state_code":"53300"}', "db_too_many_clients"),
        ("SQLSTATE[40P01]: it went wrong", "db_deadlock"),
        ("org.postgresql.util.PSQLException: no; SQL State  : 25006", "db_read_only"),
        ("error: nope { code: '42P01' }", "db_schema"),
        ("2026-01-15 14:30:00 UTC [71] 57P01 FATAL:  it ends", "db_terminated"),
        ('2026-01-15,"app","shop",71,"ERROR",25P02,"no"', "db_transaction_aborted"),
    ],
)
def test_a_code_of_postgresql_stands_for_its_class(line: str, expected: str) -> None:
    assert list(classes_of(line)) == [expected]


@pytest.mark.parametrize(
    "line",
    [
        "order 53300 was shipped to 23505 Hamburg",
        "the code of the door is in drawer 40001",
        "GET /errors/42P01 HTTP/1.1",
        "user asked why the disk is full",
        "we had no route to market last year",
        "Loaded 12 nodes; 3 are available",
        "segfaults are rare here",
        "the certificate of merit was rejected",
        "no pg_hba.conf file in this folder: nothing to do",
        "HTTP request with a large body was accepted",
        "took 7.512 seconds",
        "worker ready, memory limit of the team is fine",
        "OOMKilled: false",
        "oom-kill:constraint=CONSTRAINT_MEMCG,oom_memcg=/docker/4f1d,task=node,pid=77",  # the kill comes next
        "SYSTEMFILE was read; OPENFILE too",
        'limiting requests, delaying request, excess: 0.100, by zone "api"',
        "connection to the past was reset",
        "nfs: server nas1 OK",
        'automatic vacuum of table "shop.public.places": index scans: 1',
        "the entrance is being accessed by other users of the building",
        "setup of the bouncer: config error rate is zero",
        "mpatha: remaining active paths: 3",
        "the node was low on coffee",
        "stdin: Input/output error",
        "warning: hostname a.example does not resolve to address 203.0.113.9: Name or service not known",
        "reverse mapping checking getaddrinfo for a.example [203.0.113.9] failed: Name or service not known",
        "app/shop/50dc 203.0.113.9:4001 10.0.1.17:80 0.001 0.020 0.000 502 502 287 299",  # its own answer
    ],
)
def test_prose_and_numbers_are_no_class(line: str) -> None:
    assert classes_of(line) == {}
