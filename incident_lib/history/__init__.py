"""The memory of past incidents: found by words and by likeness, and counted. Writes nothing."""
