-- What auditors may read of inquiries to 9029: nobody's phone or words, also where an id of before holds a number.
CREATE OR REPLACE VIEW audit.inquiries AS
SELECT
    inquiry_id, gateway, motcua.without_numbers(gateway_message_id) AS gateway_message_id, received_at, outcome,
    dossier_id, agency_code, as_of, told_result, fee, message_id, counted_at
FROM motcua.inquiries;
