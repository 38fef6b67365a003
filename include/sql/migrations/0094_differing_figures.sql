-- depends: 0093_department_pages
-- Add a column with what a verification of a publication found to differ: figures that differ from a recount, and
-- files. The staff page on which people request verifications lists the figures.
ALTER TABLE motcua.publication_verifications ADD COLUMN differing jsonb;
