-- depends: 0034_runs
-- Lists of messages of an agency, and of what is rare, from the newest on: each costs the rows it shows.

CREATE INDEX messages_of_agency ON motcua.messages (agency_code, state, recorded_at);
