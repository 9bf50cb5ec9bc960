"""What the map is asked for."""
