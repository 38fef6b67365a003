-- depends: 0093_department_pages
-- Add a column with the published figures that a verification found to differ from a recount. The staff page on which
-- people request verifications lists these figures.
ALTER TABLE motcua.publication_verifications ADD COLUMN differing jsonb;
