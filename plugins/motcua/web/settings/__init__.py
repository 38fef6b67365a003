"""The pages *Thiết lập → Cơ quan*: an agency's own settings, what they cost, and who changed them."""
