"""What changes the map: an import, and the erasure of a chat."""
