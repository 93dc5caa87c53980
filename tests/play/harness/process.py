"""Looking at processes through /proc: children, titles, descriptors, sockets, memory."""
import ctypes
import os
import signal
import socket

PR_SET_CHILD_SUBREAPER = 36


def adopt_orphans():
    """Orphans of a killed daemon become children of this process, so none can hide."""
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def reap():
    """Collects children that have ended."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass


def free_port(host="127.0.0.1"):
    with socket.socket() as probe:
        probe.bind((host, 0))
        return probe.getsockname()[1]


def stat(pid):
    """(state, parent pid) or None when the process is gone."""
    try:
        with open("/proc/%d/stat" % pid) as file:
            text = file.read()
    except OSError:
        return None
    fields = text[text.rindex(")") + 2:].split()
    return fields[0], int(fields[1])


def alive(pid):
    now = stat(pid)
    return now is not None and now[0] not in "ZX"


def all_pids():
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def children(pid):
    found = []
    for candidate in all_pids():
        now = stat(candidate)
        if now and now[1] == pid and now[0] not in "ZX":
            found.append(candidate)
    return sorted(found)


def descendants(pid):
    found = []
    todo = [pid]
    while todo:
        for child in children(todo.pop()):
            found.append(child)
            todo.append(child)
    return found


def title(pid):
    try:
        with open("/proc/%d/cmdline" % pid, "rb") as file:
            return file.read().split(b"\0")[0].decode(errors="replace").strip()
    except OSError:
        return ""


def whole_cmdline(pid):
    try:
        with open("/proc/%d/cmdline" % pid, "rb") as file:
            return file.read()
    except OSError:
        return b""


def descriptors(pid):
    """{fd: what it points to} of a process."""
    found = {}
    folder = "/proc/%d/fd" % pid
    try:
        names = os.listdir(folder)
    except OSError:
        return found
    for name in names:
        try:
            found[int(name)] = os.readlink(folder + "/" + name)
        except OSError:
            pass
    return found


def tcp_states(pid):
    """{state: count} of the process's own TCP sockets (01 established, 08 close-wait, 0A listen)."""
    inodes = {where[8:-1] for where in descriptors(pid).values() if where.startswith("socket:[")}
    states = {}
    for name in ("tcp", "tcp6"):
        try:
            with open("/proc/%d/net/%s" % (pid, name)) as file:
                lines = file.readlines()[1:]
        except OSError:
            continue
        for line in lines:
            fields = line.split()
            if fields[9] in inodes:
                states[fields[3]] = states.get(fields[3], 0) + 1
    return states


def resident_kb(pid):
    """What a process itself wrote to memory, in kB. The program's own pages are left out: their
    proportional share grows whenever another gateway beside this one ends."""
    try:
        with open("/proc/%d/smaps_rollup" % pid) as file:
            for line in file:
                if line.startswith("Anonymous:"):
                    return int(line.split()[1])
    except OSError:
        pass
    return 0


def send(pid, number):
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass


def kill(pid):
    send(pid, signal.SIGKILL)
