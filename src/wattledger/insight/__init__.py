"""What the ledger tells: pure functions over energy and observations."""
