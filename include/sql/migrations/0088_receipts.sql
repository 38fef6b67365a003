-- depends: 0087_gateway_forms
-- Allow a late delivery receipt to change a message that its gateway had finally rejected: the message becomes accepted
-- or delivered. Also store whether a gateway sends receipts at all, so that the system's monitoring does not report
-- missing receipts of a gateway that sends none.
INSERT INTO motcua.message_moves (from_state, to_state, cause, only_for) VALUES
('rejected', 'accepted', 'a late receipt contradicts the gateway''s refusal', 'late_receipt'),
('rejected', 'delivered', 'a late receipt contradicts the gateway''s refusal', 'late_receipt');
ALTER TABLE motcua.gateways ADD COLUMN reports_deliveries boolean;
