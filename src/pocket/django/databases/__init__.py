"""Database backends of Pocket: an ENGINE each."""
