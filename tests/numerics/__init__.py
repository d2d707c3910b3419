"""The rules of numerics and edge cases, one test or more per rule."""
