"""The shop's backend: FastAPI, a PostgreSQL pool, a Redis cache and a payments provider.

Runs from environment variables alone (see `settings.py`), so the same code runs as a process of the demo
stack and in a container. It imports nothing else of the workbench.
"""
