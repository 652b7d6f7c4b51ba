"""Servers inside a container, for what looks at them from in there: `python3 inside_server.py FOLDER`.

The standard library alone: it is mounted into an image that has nothing else.
"""

import pathlib
import socket
import ssl
import struct
import sys
import threading
import time

PORTS = {
    "plain": 7001,
    "reset": 7002,
    "good": 7003,
    "expired": 7004,
    "other": 7005,
    "chain": 7006,
    "full": 7007,
}
SILENT = 7008


def listen(port: int, backlog: int = 20) -> socket.socket:
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.bind(("127.0.0.1", port))
    made.listen(backlog)
    return made


def serve(listener: socket.socket, context: ssl.SSLContext | None) -> None:
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=talk, args=(connection, context), daemon=True).start()


def talk(connection: socket.socket, context: ssl.SSLContext | None) -> None:
    try:
        if context:
            connection = context.wrap_socket(connection, server_side=True)
        while connection.recv(4096):
            pass
    except OSError:
        return
    finally:
        connection.close()


def reset(listener: socket.socket) -> None:
    while True:
        connection, _ = listener.accept()
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()


def main() -> None:
    folder = pathlib.Path(sys.argv[1])
    threading.Thread(target=serve, args=(listen(PORTS["plain"]), None), daemon=True).start()
    threading.Thread(target=serve, args=(listen(SILENT), None), daemon=True).start()
    threading.Thread(target=reset, args=(listen(PORTS["reset"]),), daemon=True).start()
    for name in ("good", "expired", "other", "chain"):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(folder / f"{name}.pem")
        threading.Thread(target=serve, args=(listen(PORTS[name]), context), daemon=True).start()
    full = [listen(PORTS["full"], 0)]
    for _ in range(4):
        full.append(socket.socket())
        full[-1].settimeout(0)
        full[-1].connect_ex(("127.0.0.1", PORTS["full"]))
    print("ready", flush=True)
    time.sleep(600)


if __name__ == "__main__":
    main()
