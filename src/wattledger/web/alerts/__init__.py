"""Alerts of sites: looking for them, telling of them, what their owners chose."""
