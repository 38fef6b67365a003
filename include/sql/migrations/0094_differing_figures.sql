-- depends: 0093_department_pages
-- Add a column with the figures that a verification found different. The page lists them where the verification was
-- requested.
ALTER TABLE motcua.publication_verifications ADD COLUMN differing jsonb;
