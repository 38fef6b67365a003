"""Signing in by Airflow's own form, as a person does."""

from __future__ import annotations

from playwright.sync_api import Page

from tests.journeys.office import Office


def sign_in(page: Page, office: Office, user: str, address: str = "") -> None:
    """Opens an address below Airflow's, signs in where it leads to, and is led back."""
    page.goto(office.url + address)
    page.get_by_label("Username").fill(user)
    page.get_by_label("Password").fill(office.passwords[user])
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(lambda url: "/auth/login" not in url)
