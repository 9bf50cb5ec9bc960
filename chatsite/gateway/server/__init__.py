"""uvicorn's protocols with the bounds that it has not: per address, per request, per slow reader.

They build on its insides, so its version is pinned, and tests hold what they rely on.
"""
