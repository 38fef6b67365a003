-- Whether a gap was noticed since a moment. Called by store/notices/gaps.py.
SELECT EXISTS(SELECT 1 FROM motcua.gaps WHERE noticed_at >= %(since)s) AS noticed
