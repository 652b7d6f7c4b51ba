"""redis-py's connection over a socket of ours. Imported lazily: it stands on that library."""

from collections.abc import Sequence
from typing import Any

from redis.backoff import NoBackoff
from redis.connection import Connection, DefaultParser
from redis.exceptions import RedisError, ResponseError
from redis.retry import Retry

from incident_lib.technologies.redis.connect.problems import ReplyError, from_library, protocol
from incident_lib.technologies.redis.connect.stream import READ_SECONDS, Command, Stream

# Without classes of errors each error reply is a plain ResponseError that holds all the server wrote, the
# code too, which versions before 7 cut off; and "max number of clients" is an answer like the others.
_Parser = type("_Parser", (DefaultParser,), {"EXCEPTION_CLASSES": {}})


class _Connection(Connection):
    """The library's connection over a stream that is open already."""

    stream: Stream

    def _connect(self) -> Stream:
        """Return the stream; the library would give each address a timeout of its own."""
        return self.stream


class Resp:
    """RESP2 over an open stream: commands out, replies in, and nothing else.

    The library greets servers (HELLO, CLIENT SETINFO), which a narrow ACL refuses and a sick server
    answers late, and it repeats what failed. All that is switched off; to log in is a command like others.
    """

    def __init__(self, stream: Stream) -> None:
        make: Any = _Connection
        self._where = stream.where
        self._connection = make(
            protocol=2,
            client_name=None,
            parser_class=_Parser,
            retry=Retry(NoBackoff(), 0),
            health_check_interval=0,
            socket_timeout=READ_SECONDS,
            socket_connect_timeout=READ_SECONDS,
        )
        # What CLIENT SETINFO would say. Versions from 7 on take the first, those before it the others.
        self._connection.driver_info = None
        self._connection.lib_name = self._connection.lib_version = None
        self._connection.stream = stream
        self._connection.connect()

    def exchange(self, commands: Sequence[Command]) -> list[Any]:
        """Return a reply for each command, error replies as values. Errors: TargetError."""
        packed = self._connection.pack_commands(commands)
        try:
            self._connection.send_packed_command(packed)
            return [self._answer() for _ in commands]
        except RedisError as error:
            raise from_library(error, self._where) from error
        except ValueError as error:
            raise protocol(self._where, "a number is missing") from error
        except RecursionError as error:
            raise protocol(self._where, "lists inside lists without end") from error

    def close(self) -> None:
        """Close the stream."""
        self._connection.disconnect()

    def _answer(self) -> Any:
        try:
            # The socket stays open after a timeout: what answers there in place of Redis is tried once more.
            return self._connection.read_response(disable_decoding=True, disconnect_on_error=False)
        except ResponseError as error:
            return ReplyError(str(error))
