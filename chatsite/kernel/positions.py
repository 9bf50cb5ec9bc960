"""What a pos is made of: a log's generation, above an offset of one of its partitions. Pure.

What lies before the first record of a partition has no offset, and the pos 0.
"""

OFFSET_BITS = 40  # so that 8,191 generations stay below 2^53, where JavaScript still counts


def pos_at(generation: int, offset: int) -> int:
    """The pos of a record."""
    return (generation << OFFSET_BITS) + offset


def offset_of(pos: int) -> int:
    """The offset in a pos, whatever its generation."""
    return pos & ((1 << OFFSET_BITS) - 1)


def generation_of(pos: int) -> int:
    """The generation in a pos."""
    return pos >> OFFSET_BITS
