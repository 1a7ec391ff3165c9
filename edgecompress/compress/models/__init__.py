"""Keras models taken apart, copied, rebuilt and written."""
