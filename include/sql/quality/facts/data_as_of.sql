-- When the snapshot's sources had last been read, the oldest of them. Called by store/oversight/quality.py.
SELECT min(f.picked_up_at) AS data_as_of FROM quality.source_facts AS f WHERE f.agency_code IS NULL
