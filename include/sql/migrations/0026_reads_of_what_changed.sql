-- depends: 0025_template_registrations
-- What is asked for again and again is found without reading all that was ever kept.

-- Receipts that were stored and not read. The triggers alone write it: no foreign key, which would lock, and so write,
-- each receipt once more.
CREATE TABLE motcua.unread_receipts (
    receipt_id bigint PRIMARY KEY
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
COMMENT ON TABLE motcua.unread_receipts IS 'Receipts that have no reading yet: in with the receipt, out with its reading, in the same transactions.';
COMMENT ON COLUMN motcua.unread_receipts.receipt_id IS 'The receipt.';
GRANT SELECT ON motcua.unread_receipts TO motcua_app;

CREATE FUNCTION motcua.note_unread_receipts() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, motcua AS $$
BEGIN
    INSERT INTO motcua.unread_receipts (receipt_id) SELECT receipt_id FROM written;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION motcua.note_unread_receipts() IS 'Receipts that were stored wait to be read.';
CREATE FUNCTION motcua.note_read_receipts() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, motcua AS $$
BEGIN
    DELETE FROM motcua.unread_receipts WHERE receipt_id IN (SELECT receipt_id FROM written);
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION motcua.note_read_receipts() IS 'Receipts that were read wait no more.';
-- Nobody stores or reads one between here and the end of this transaction: a trigger is made under a lock.
CREATE TRIGGER note_unread_receipts AFTER INSERT ON motcua.receipts
REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION motcua.note_unread_receipts();
CREATE TRIGGER note_read_receipts AFTER INSERT ON motcua.receipt_readings
REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION motcua.note_read_receipts();
INSERT INTO motcua.unread_receipts (receipt_id)
SELECT r.receipt_id
FROM motcua.receipts AS r
LEFT JOIN motcua.receipt_readings AS s ON r.receipt_id = s.receipt_id
WHERE s.receipt_id IS NULL;

-- The occasions of a day, for the identity.
CREATE INDEX transitions_calling ON motcua.transitions (recorded_at) WHERE at_one_stop_desk AND status_code IN (5, 9);
CREATE INDEX inquiries_received ON motcua.inquiries (received_at);
CREATE INDEX apology_evenings_moment ON motcua.apology_evenings (evening_at);
CREATE INDEX apology_evenings_due ON motcua.apology_evenings (agency_code, last_due);

-- A quarantined row is looked at again without being written: when, follows from its age alone.
CREATE FUNCTION motcua.looks_by(age interval) RETURNS double precision
LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN CASE
    WHEN age <= interval '10 minutes' THEN greatest(extract(EPOCH FROM age), 0) / 60
    WHEN age <= interval '10 hours' THEN 10 + 10 * ln(extract(EPOCH FROM age) / 600)
    ELSE 10 + 10 * ln(60) + (extract(EPOCH FROM age) - 36000) / 3600
END::double precision;
COMMENT ON FUNCTION motcua.looks_by(interval)
IS 'How often a quarantined row of this age was due to be looked at again so far: after each tenth of its age, a minute to an hour.';
COMMENT ON COLUMN motcua.quarantine.last_seen_at IS 'When it last came in this form and was unusable; a row that is read again as it was is not written again.';

-- Dossiers whose phone was read anew, or one of whose messages failed, since a plan last compared the two. A row for
-- each such change, in the transaction of the change: whoever sees it sees the change, and takes no later one away.
CREATE TABLE motcua.phone_changes (
    change_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    dossier_id bigint NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
COMMENT ON TABLE motcua.phone_changes IS 'Dossiers whose messages and phone are to be compared: either has changed since planning last did so.';
COMMENT ON COLUMN motcua.phone_changes.change_id IS 'Our number, growing.';
COMMENT ON COLUMN motcua.phone_changes.dossier_id IS 'The dossier.';
GRANT SELECT, DELETE ON motcua.phone_changes TO motcua_app;

CREATE FUNCTION motcua.note_phone_change() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, motcua AS $$
BEGIN
    INSERT INTO motcua.phone_changes (dossier_id) VALUES (NEW.dossier_id);
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION motcua.note_phone_change() IS 'The dossier''s messages and phone are to be compared again.';
CREATE TRIGGER note_phone_change AFTER UPDATE ON motcua.dossiers FOR EACH ROW
WHEN ((old.msisdn, old.phone_refusal) IS DISTINCT FROM (new.msisdn, new.phone_refusal))
EXECUTE FUNCTION motcua.note_phone_change();
CREATE TRIGGER note_phone_change AFTER UPDATE ON motcua.messages FOR EACH ROW
WHEN (new.state IN ('suppressed', 'undelivered', 'rejected') AND new.state <> old.state AND new.dossier_id IS NOT NULL)
EXECUTE FUNCTION motcua.note_phone_change();
INSERT INTO motcua.phone_changes (dossier_id)
SELECT DISTINCT m.dossier_id
FROM motcua.messages AS m
INNER JOIN motcua.dossiers AS d ON m.dossier_id = d.dossier_id
WHERE
    m.state IN ('suppressed', 'undelivered', 'rejected') AND m.useful_until > now()
    AND (d.msisdn IS DISTINCT FROM m.msisdn OR d.phone_refusal IS DISTINCT FROM m.reason);
