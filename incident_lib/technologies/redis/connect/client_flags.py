"""The letters in `flags` of CLIENT LIST: what each means, and what it is judged by. Pure."""

import msgspec


class ClientFlag(msgspec.Struct, frozen=True):
    """One letter: `judged` is the finding that asks for it, else `why` says why it is not judged."""

    meaning: str
    judged: str = ""
    why: str = ""


# Of Redis 6.2 to 8 and Valkey 7.2 to 9; a server that knows another letter fails a test.
CLIENT_FLAGS = {
    "A": ClientFlag("is being closed at once", why="it will be gone in a moment"),
    "B": ClientFlag("client-side caching in broadcasting mode", why="harmless; its buffer is judged"),
    "E": ClientFlag(
        "receives a slot that moves away from this node", why="the cluster moves it, and ends it"
    ),
    "I": ClientFlag("imports data", why="an operator does that, for as long as it takes"),
    "M": ClientFlag("is the link to the primary", why="the link is judged by redis.replication"),
    "N": ClientFlag("an ordinary client", judged="redis.clients.output_buffer"),
    "O": ClientFlag("runs MONITOR", judged="redis.clients.monitor"),
    "P": ClientFlag("subscribes to channels", judged="redis.clients.subscriber_buffer"),
    "R": ClientFlag(
        "its invalidations go to a client that has disconnected", why="only its own cache may be stale"
    ),
    "S": ClientFlag("a replica", judged="redis.clients.replica_buffer"),
    "T": ClientFlag("its commands do not touch keys", why="as it requested"),
    "U": ClientFlag("came through a Unix socket", why="equivalent to a network connection"),
    "b": ClientFlag("waits in a blocking command", judged="redis.clients.blocked"),
    "c": ClientFlag("is closed when it has its reply", why="it will be gone in a moment"),
    "d": ClientFlag("its EXEC will fail, as a watched key changed", why="that is what WATCH is for"),
    "e": ClientFlag("is not evicted for memory", why="as it requested; its buffer is judged"),
    "i": ClientFlag("sends a slot that moves to this node", why="the cluster moves it, and ends it"),
    "r": ClientFlag("reads from a replica of a cluster", why="as it requested"),
    "t": ClientFlag("client-side caching", why="harmless; its buffer is judged"),
    "u": ClientFlag("was unblocked just now", why="it continues in a moment"),
    "x": ClientFlag("has a transaction open (MULTI)", judged="redis.clients.transaction_buffer"),
}
