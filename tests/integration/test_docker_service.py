"""The container stack that other tests stand on works."""

import urllib.request

import psycopg
import redis

from tests.integration import docker_service

pytestmark = docker_service.MARKS
engine = docker_service.engine


def test_stack_serves(engine):
    with docker_service.stack(engine) as stack:
        with urllib.request.urlopen(f"{stack.backend_url}/health/ready", timeout=5) as answer:
            assert answer.status == 200
        with psycopg.connect(stack.dsn) as connection:
            assert connection.info.server_version // 10000 == 15
        with redis.Redis.from_url(stack.redis_url) as cache:
            assert cache.ping()
    assert not engine.containers.list(all=True, filters={"name": "app-db"})
