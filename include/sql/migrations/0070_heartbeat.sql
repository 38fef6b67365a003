-- depends: 0069_cells
-- Processes at work beat once a second, and what a look for a gap kept is kept by each beat.
COMMENT ON TABLE motcua.sender_life IS 'The newest heartbeat of those that send and settle: one row, which an orderly stop leaves as it is. After a long sleep they wait for the watch, which may know that the ledger was set back.';
COMMENT ON COLUMN motcua.sender_life.looked_at IS 'The newest heartbeat.';
