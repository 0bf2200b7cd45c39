"""The SFTP drop folder, its pinned host key, and the jail that opens PGP files."""
