"""Sites, people, sign-in, API tokens and the audit trail."""
