-- depends: 0093_department_pages
-- Add a column for the differences that a verification of a publication found: figures that differ from a new count,
-- and files that were changed. The staff page on which people request verifications lists the figures.
ALTER TABLE motcua.publication_verifications ADD COLUMN differing jsonb;
