"""ASGI apps: gateway callbacks and staff pages."""
