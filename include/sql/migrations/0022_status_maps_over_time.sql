-- depends: 0021_dossiers_in_period
-- When a source's code was mapped: dossiers whose row alone told of that code are read again then.

ALTER TABLE motcua.status_maps ADD COLUMN mapped_at timestamptz NOT NULL DEFAULT now();
COMMENT ON COLUMN motcua.status_maps.mapped_at IS 'When it was last said what the code stands for.';
