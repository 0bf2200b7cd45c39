"""Everything of a site: taken away as one ZIP, or deleted for good."""
