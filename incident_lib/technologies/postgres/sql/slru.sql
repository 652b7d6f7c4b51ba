-- View: pg_stat_slru. Needs: nothing. Versions: 13 and later (other names of the caches from 17). Cost: none; read twice.
SELECT name, clock_timestamp() AS at, blks_hit AS hit_count, blks_read AS read_count,
       blks_written AS write_count, blks_zeroed AS new_count
FROM pg_stat_slru
