-- View: pg_stat_io. Needs: nothing. Versions: 16 and later (bytes as columns of their own from 18).
-- Cost: none; read twice.
SELECT backend_type, object, context, clock_timestamp() AS at,
       reads AS read_count,
       coalesce((to_jsonb(s) ->> 'read_bytes')::numeric, reads * (to_jsonb(s) ->> 'op_bytes')::numeric)::int8
         AS read_bytes,
       (read_time / 1000)::float8 AS read_seconds,
       writes AS write_count,
       coalesce((to_jsonb(s) ->> 'write_bytes')::numeric, writes * (to_jsonb(s) ->> 'op_bytes')::numeric)::int8
         AS write_bytes,
       (write_time / 1000)::float8 AS write_seconds,
       extends AS extend_count, hits AS hit_count, evictions AS eviction_count,
       fsyncs AS sync_count, (fsync_time / 1000)::float8 AS sync_seconds
FROM pg_stat_io AS s
WHERE coalesce(reads, 0) + coalesce(writes, 0) + coalesce(extends, 0) + coalesce(hits, 0) + coalesce(fsyncs, 0) > 0
LIMIT 200
