"""The demo stack on Docker with the images of the tests, where the official ones cannot be had.

with container_stack(engine) as stack: ...                        # engine: docker_service.engine
with container_stack(engine, options=fault.options) as stack: ...
"""

from collections.abc import Iterator
from contextlib import contextmanager

import docker

from incident_lib.demo.container_roles import Images, Options
from incident_lib.demo.containers import ContainerStack
from tests import services
from tests.integration import docker_image, docker_service


def local_images() -> Images:
    """Return the images of the tests; the demo's packages are those of this Python, mounted."""
    code = docker_service.mounted_code()
    if "/srv/packages" not in code:
        services.missing("the packages of this Python do not fit the image's, which is 3.11")
    return Images(
        postgres=docker_image.POSTGRES,
        redis=docker_image.REDIS,
        shop=docker_image.BACKEND,
        mounts={inside: str(here) for inside, here in code.items()},
        environment=docker_service.PYTHON,
    )


@contextmanager
def container_stack(client: docker.DockerClient, options: Options | None = None) -> Iterator[ContainerStack]:
    """Run the stack until the block ends; the images are on the engine already."""
    with (
        docker_service.network(client, "demo-") as network,
        ContainerStack(local_images(), network=network, options=options) as stack,
    ):
        yield stack
