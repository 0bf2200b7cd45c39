"""Why a relay is told to fetch: the contract's words, which the hub sends and the relay takes."""

from __future__ import annotations

CYCLE_REASONS = frozenset(
    {
        "smt_authorized",
        "admin_triggered",
        "admin_refresh",
        "user_refresh",
        "user_orchestrate",
        "auto_after_active_agreement",
        "smt_meter_info",
    }
)
"""ask for a full cycle"""
REQUEST = "smt_request"
"""asks for one call of the utility's API"""
