-- One agency's settings, new or changed; its history is kept by a trigger. Called by store/agencies.py.
INSERT INTO motcua.agencies (
    agency_code,
    name,
    short_name,
    province,
    enabled_from,
    accented,
    same_day_excluded,
    kinds_off,
    result_hold,
    changed_by
)
VALUES (
    %(agency_code)s, %(name)s, %(short_name)s, %(province)s, %(enabled_from)s, %(accented)s, %(same_day_excluded)s,
    %(kinds_off)s, %(result_hold)s, %(changed_by)s
)
ON CONFLICT (agency_code) DO UPDATE SET
    name = excluded.name,
    short_name = excluded.short_name,
    province = excluded.province,
    enabled_from = excluded.enabled_from,
    accented = excluded.accented,
    same_day_excluded = excluded.same_day_excluded,
    kinds_off = excluded.kinds_off,
    result_hold = excluded.result_hold,
    changed_by = excluded.changed_by
