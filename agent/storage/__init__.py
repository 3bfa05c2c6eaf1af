"""Primary pools and secondary stores that are directories; ``directories.DirectoryStorage``."""
