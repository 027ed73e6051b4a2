"""Long fits in chunks: between two of them a fit can be watched and stopped."""

from automl.clock import CHUNK_SECONDS


def next_chunk(chunk: int, seconds_each: float) -> int:
    """Return how many trees to grow after a chunk that took ``seconds_each``: half a second's, at most 4 chunks."""
    return max(1, min(4 * chunk, int(CHUNK_SECONDS / seconds_each)))
