"""The prefixes of error replies: what each means, and whether it is the server's matter. Pure."""

import msgspec


class ErrorClass(msgspec.Struct, frozen=True):
    """One prefix: `meaning` where it is judged, else `why` says why it is only counted."""

    meaning: str = ""
    why: str = ""


_OWN = "caused by the clients themselves, also on a healthy server"

# Of Redis 6.2 to 8 and Valkey 7.2 to 9; a prefix in a server's program that is not here fails a test.
ERROR_CLASSES = {
    "ASK": ErrorClass(why="a slot is moving right now, and cluster-aware clients follow"),
    "BUSY": ErrorClass("a script runs for too long"),
    "BUSYGROUP": ErrorClass(why=_OWN),
    "BUSYKEY": ErrorClass(why=_OWN),
    "CLUSTERDOWN": ErrorClass("the cluster does not serve all slots"),
    "CROSSSLOT": ErrorClass("clients name keys of several slots in one command"),
    "DENIED": ErrorClass("protected mode refuses clients from other machines because there is no password"),
    "ERR": ErrorClass(why=_OWN),
    "EXECABORT": ErrorClass(why="a command of the transaction was refused, which is counted separately"),
    "INPROG": ErrorClass(why="a failover was requested while another is in progress"),
    "INVALIDOBJ": ErrorClass("a HyperLogLog is damaged"),
    "IOERR": ErrorClass("MIGRATE cannot reach the server that keys are to move to"),
    "LOADING": ErrorClass("clients send commands while it loads its data"),
    "MASTERDOWN": ErrorClass("a replica without its primary refuses reads"),
    "MISCONF": ErrorClass("writes are refused because saving to disk fails"),
    "MOVED": ErrorClass("clients do not follow the cluster"),
    "NOAUTH": ErrorClass("clients connect without a password"),
    "NOGOODPRIMARY": ErrorClass(why="a person or a Sentinel that requested a failover sees it"),
    "NOGOODSLAVE": ErrorClass("a Sentinel tried to fail over, but no replica can take over"),
    "NOGROUP": ErrorClass(why=_OWN),
    "NOMASTERLINK": ErrorClass(why="a replica of a replica waits; the link of this one is judged"),
    "NOPERM": ErrorClass("clients send commands that they are not allowed to use"),
    "NOPROTO": ErrorClass(why=_OWN),
    "NOQUORUM": ErrorClass("there are not enough Sentinels to fail over"),
    "NOREPLICAS": ErrorClass("writes are refused because too few replicas are connected"),
    "NOSCRIPT": ErrorClass(why="clients reload their scripts after a restart"),
    "NOTBUSY": ErrorClass(why="no script was running when SCRIPT KILL was sent"),
    "OOM": ErrorClass("writes are refused because memory is full"),
    "READONLY": ErrorClass("clients write to a replica"),
    "REDIRECT": ErrorClass(why="a failover is in progress, and clients that requested it follow"),
    "TRYAGAIN": ErrorClass("commands with several keys fail while their slot moves"),
    "UNBLOCKED": ErrorClass(why="waiting clients were released because it became a replica"),
    "UNKILLABLE": ErrorClass("a running script has already written, so it cannot be ended"),
    "WRONGPASS": ErrorClass("clients connect with a wrong password"),
    "WRONGTYPE": ErrorClass(why=_OWN),
}
