"""Compiled loops over Arrow buffers: UTF-8 bytes (uint8) and document offsets (int64), never Python strings."""
