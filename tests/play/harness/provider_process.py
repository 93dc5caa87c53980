"""A provider that is a process: one for each connection, killed or stopped in the middle of its work.

Prints its port, then the model of each request as a JSON text. Ends with its standard input. The model's name says
what becomes of the process: killed, killed_stream (after some words), stopped (and continued soon) or frozen (and
continued when the gateway has given up).
"""
import json
import os
import select
import signal
import socket
import sys
import time

from harness import fake_openai, troubles
from harness.provider import Connection

STOPPED_S = 0.5
FROZEN_S = 6


def die():
    os.kill(os.getpid(), signal.SIGKILL)


def stop_for(seconds):
    """Stops this process; a child of it wakes it up again."""
    mine = os.getpid()
    if os.fork() == 0:
        time.sleep(seconds)
        os.kill(mine, signal.SIGCONT)
        os._exit(0)
    os.kill(mine, signal.SIGSTOP)


def work(sock):
    connection = Connection(1, sock)
    request = connection.read_request()
    if request is None:
        return
    os.write(1, (json.dumps(request.model()) + "\n").encode())
    name = request.model().partition(".")[0]
    if name == "killed":
        die()
    if name == "killed_stream":
        troubles.begin(connection, "Half")
        time.sleep(0.3)                 # so that the words are not overtaken by the end
        die()
    stop_for(FROZEN_S if name == "frozen" else STOPPED_S)
    try:
        fake_openai.answer(request, connection)
    except OSError:
        pass                            # the gateway has gone
    connection.close()


def main():
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(128)
    print(listener.getsockname()[1], flush=True)
    while sys.stdin not in select.select([listener, sys.stdin], [], [])[0]:
        sock, _ = listener.accept()
        if os.fork() == 0:
            listener.close()
            work(sock)
            os._exit(0)
        sock.close()
    os.killpg(0, signal.SIGKILL)        # those that are stopped too


main()
