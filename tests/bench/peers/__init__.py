"""Other chat servers, fetched and raced in the run that ours are measured in: `make bench-peers`."""
