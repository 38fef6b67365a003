-- Writes a publication, whose files are stored already. Called by store/oversight/publications.py.
INSERT INTO motcua.publications (
    publication_no, closing_no, corrects, folder, manifest_sha256, previous_sha256, manifest, published_at
)
VALUES (
    %(publication_no)s, %(closing_no)s, %(corrects)s, %(folder)s, %(manifest_sha256)s, %(previous_sha256)s,
    %(manifest)s, %(published_at)s
)
