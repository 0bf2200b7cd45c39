"""Cars: connecting, answering for them, and what they report by themselves."""
