"""What devices said, and the register energy booked from it."""
