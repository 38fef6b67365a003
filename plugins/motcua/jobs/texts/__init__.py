"""The texts of messages: previewed, and registered with the gateways' providers."""
