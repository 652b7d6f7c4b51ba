"""The prefixes of error replies: what each means, and whether it is the server's matter. Pure."""

import msgspec


class ErrorClass(msgspec.Struct, frozen=True):
    """One prefix: `meaning` where it is judged, else `why` says why it is only counted."""

    meaning: str = ""
    why: str = ""


_OWN = "the clients' own doing, and the same on a server that is well"

# Of Redis 6.2 to 8 and Valkey 7.2 to 9; a prefix in a server's program that is not here fails a test.
ERROR_CLASSES = {
    "ASK": ErrorClass(why="a slot moves just now, and clients that know clusters follow"),
    "BUSY": ErrorClass("a script runs for too long"),
    "BUSYGROUP": ErrorClass(why=_OWN),
    "BUSYKEY": ErrorClass(why=_OWN),
    "CLUSTERDOWN": ErrorClass("the cluster does not serve all slots"),
    "CROSSSLOT": ErrorClass("clients name keys of several slots in one command"),
    "DENIED": ErrorClass("protected mode refuses clients of other machines, as there is no password"),
    "ERR": ErrorClass(why=_OWN),
    "EXECABORT": ErrorClass(why="a command of the transaction was refused, and that is counted, too"),
    "INPROG": ErrorClass(why="a failover was requested while another one goes on"),
    "INVALIDOBJ": ErrorClass("a HyperLogLog is damaged"),
    "IOERR": ErrorClass("MIGRATE cannot reach the server that keys are to move to"),
    "LOADING": ErrorClass("clients send commands while it loads its data"),
    "MASTERDOWN": ErrorClass("a replica without its primary refuses reads"),
    "MISCONF": ErrorClass("writes are refused, as saving to disk fails"),
    "MOVED": ErrorClass("clients do not follow the cluster"),
    "NOAUTH": ErrorClass("clients come without a password"),
    "NOGOODPRIMARY": ErrorClass(why="a person or a Sentinel that requested a failover sees it"),
    "NOGOODSLAVE": ErrorClass("a Sentinel was to fail over, and has no replica that could take over"),
    "NOGROUP": ErrorClass(why=_OWN),
    "NOMASTERLINK": ErrorClass(why="a replica of a replica waits; the link of this one is judged"),
    "NOPERM": ErrorClass("clients send commands that they may not"),
    "NOPROTO": ErrorClass(why=_OWN),
    "NOQUORUM": ErrorClass("there are not enough Sentinels to fail over"),
    "NOREPLICAS": ErrorClass("writes are refused, as too few replicas are there"),
    "NOSCRIPT": ErrorClass(why="after a restart clients load their scripts again"),
    "NOTBUSY": ErrorClass(why="no script ran when one was to be ended"),
    "OOM": ErrorClass("writes are refused, as memory is full"),
    "READONLY": ErrorClass("clients write to a replica"),
    "REDIRECT": ErrorClass(why="a failover goes on, and clients that asked for it follow"),
    "TRYAGAIN": ErrorClass("commands with several keys fail while their slot moves"),
    "UNBLOCKED": ErrorClass(why="clients that waited were sent away, as it became a replica"),
    "UNKILLABLE": ErrorClass("a script that has written runs, and cannot be ended"),
    "WRONGPASS": ErrorClass("clients come with a wrong password"),
    "WRONGTYPE": ErrorClass(why=_OWN),
}
