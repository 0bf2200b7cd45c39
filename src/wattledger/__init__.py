"""Wattledger: one exact ledger for a site's electricity."""

__version__ = "0.1.0"
