"""The C program around a model that runs on Linux; read as text by `edgecompress.linux.program`."""
