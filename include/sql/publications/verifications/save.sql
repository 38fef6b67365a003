-- Keeps that a publication was verified. Called by store/oversight/verifications.py.
INSERT INTO motcua.publication_verifications (publication_no, verified_at, verified_by, faults)
VALUES (%(publication_no)s, %(verified_at)s, %(verified_by)s, %(faults)s)
