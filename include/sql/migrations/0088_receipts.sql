-- depends: 0087_gateway_forms
-- A gateway may have no receipts at all, so that none is missed; and one may say of a message that its gateway had
-- refused for good that it arrived all the same.
INSERT INTO motcua.message_moves (from_state, to_state, cause, only_for) VALUES
('rejected', 'accepted', 'a late receipt contradicts the gateway''s refusal', 'late_receipt'),
('rejected', 'delivered', 'a late receipt contradicts the gateway''s refusal', 'late_receipt');
ALTER TABLE motcua.gateways ADD COLUMN reports_deliveries boolean;
COMMENT ON COLUMN motcua.gateways.reports_deliveries IS 'Its provider tells what became of a message; empty: it does.';
