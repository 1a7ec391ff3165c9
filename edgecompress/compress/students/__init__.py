"""Smaller networks to be taught: convolutions redesigned as compact networks have them, and networks of the user's own."""
