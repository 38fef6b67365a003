-- depends: 0035_dossiers_by_phone
-- Lists of an agency's messages, and of what is rare, from the newest on: each costs the rows it shows. What waits or
-- is on its way is left out: senders would write it twice more for each message.

CREATE INDEX messages_of_agency ON motcua.messages (agency_code, state, recorded_at)
WHERE state NOT IN ('queued', 'sending');
