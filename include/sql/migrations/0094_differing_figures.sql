-- depends: 0093_department_pages
-- Which figures a verification found different, for the page on which it was asked for.
ALTER TABLE motcua.publication_verifications ADD COLUMN differing jsonb;
COMMENT ON COLUMN motcua.publication_verifications.differing IS 'Which figures differ, the first of them (listed: agency, procedure, kind, figure, was, became), how many (figures), and names of files that differ (files); empty: nothing differs, or it is from before this was kept.';
COMMENT ON TABLE motcua.publication_verifications IS 'Each time that a publication in its store was verified: its files, its place in the chain, its figures against the facts; no value of any but the first figures that differ. Append-only.';
