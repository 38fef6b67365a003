"""The working calendars: kept, imported and exported."""
