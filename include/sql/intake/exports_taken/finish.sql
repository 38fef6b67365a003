-- What became of a file. Called by store/intake/exports.py.
UPDATE intake.exports SET
    state = CASE WHEN %(state)s = 'taken' AND accepted_at IS NOT NULL THEN 'accepted' ELSE %(state)s END,
    form_no = %(form_no)s,
    sha256 = %(sha256)s,
    exported_at = %(exported_at)s,
    is_whole = %(is_whole)s,
    ends_a_line = %(ends_a_line)s,
    read_at = %(read_at)s,
    lines = %(lines)s,
    dossiers = %(dossiers)s,
    added = %(added)s,
    moved = %(moved)s,
    older = %(older)s,
    refused = %(refused)s,
    vanished = %(vanished)s,
    faults = %(faults)s
WHERE export_no = %(export_no)s
