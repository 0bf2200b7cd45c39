"""The REST API: requests, limits and typed outcomes. Used on the relay only."""
