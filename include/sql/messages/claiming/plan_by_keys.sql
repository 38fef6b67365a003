-- From here on this connection plans each statement once, for any values, and reads tables through their keys alone,
-- whatever PostgreSQL believes of their size: just after installation, or within a burst, it is wrong about that.
-- Called by store/notices/messages.py.
SELECT set_config(s.name, s.value, FALSE)
FROM
    (
        VALUES
        ('plan_cache_mode', 'force_generic_plan'),
        ('enable_seqscan', 'off'),
        ('enable_bitmapscan', 'off'),
        ('enable_hashjoin', 'off'),
        ('enable_mergejoin', 'off'),
        ('enable_sort', 'off')
    ) AS s (name, value)
