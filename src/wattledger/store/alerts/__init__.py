"""Alerts as they are kept: opened once, closed when cured, told once; and what they are judged from."""
