"""ASGI apps: gateway callbacks, the intake of one-stop software, and staff pages."""
