"""The twins of Channels' layer, which carries notices between processes: hints that may be lost."""
