"""Equal requests at one time: one goes to the provider, whatever becomes of it and its worker."""
import json
import os
import re
import signal
import subprocess
import threading
import time

import pytest

from harness import process
from harness.client import Broken, RawClient
from harness.gateway import SLOW
from harness.wait import until
from test_cache import COLD, Counting, ask, house_with, rows, state


@pytest.fixture
def counting():
    return Counting()


@pytest.fixture
def provider(room, counting):
    return room.provider(counting)


def together(gateway, count, **more):
    answers = []
    assert gateway.key
    threads = [threading.Thread(target=lambda: answers.append(ask(gateway, **more)))
               for _ in range(count)]
    for thread in threads:
        thread.start()
    return threads, answers


@pytest.mark.parametrize("stream", [False, True])
def test_equal_requests_at_one_time_are_asked_once(room, provider, counting, stream):
    gateway = house_with(room, provider, {"single_flight": True}, workers=1)
    counting.hold = threading.Event()
    threads, answers = together(gateway, 10, stream=stream)
    until(lambda: gateway.ctl_json("cache", "status")["shared"] == 9, 10 * SLOW, "nine wait", 0.05)
    counting.hold.set()
    for thread in threads:
        thread.join()
    assert sorted(state(answer) for answer in answers) == ["hit"] * 9 + ["miss"]
    assert len({answer.body for answer in answers}) == 1 and counting.count == 1
    gateway.wait_usage(10)
    assert sorted(rows(gateway, "coalesce(cache_layer, '')")) == [("",)] + [("flight",)] * 9


def test_those_who_wait_go_on_when_the_first_one_leaves(room, provider, counting):
    gateway = house_with(room, provider, {"single_flight": True}, workers=1)
    counting.hold = threading.Event()
    first = RawClient(gateway.port)
    body = {"model": "up/gpt-4o-mini", **COLD, "messages": [{"role": "user", "content": "hello"}]}
    first.request("POST", "/v1/chat/completions", gateway.headers(), json.dumps(body).encode())
    until(lambda: counting.count == 1, 5 * SLOW, "the first at the provider")
    threads, answers = together(gateway, 5)
    until(lambda: gateway.ctl_json("cache", "status")["shared"] == 5, 10 * SLOW, "five wait", 0.05)
    first.close()
    until(lambda: counting.count == 2, 5 * SLOW, "the next one leads")
    counting.hold.set()
    for thread in threads:
        thread.join()
    assert sorted(state(answer) for answer in answers) == ["hit"] * 4 + ["miss"]


WORKERS = 4


@pytest.mark.parametrize("stream", [False, True])
def test_equal_requests_at_all_workers_are_asked_once(room, provider, counting, stream):
    gateway = house_with(room, provider, {"single_flight": True}, workers=WORKERS)
    counting.hold = threading.Event()
    threads, answers = together(gateway, 50, stream=stream)
    until(lambda: gateway.ctl_json("cache", "status")["shared"] == 49, 10 * SLOW, "49 wait", 0.05)
    counting.hold.set()
    for thread in threads:
        thread.join()
    assert sorted(state(answer) for answer in answers) == ["hit"] * 49 + ["miss"]
    assert len({answer.body for answer in answers}) == 1 and counting.count == 1
    assert gateway.ctl_json("cache", "status")["unshared"] == 0


def pid_at(port):
    """The gateway's process with a connection to PORT that carries a request."""
    text = subprocess.run(["ss", "-Htnp", "state", "established", "dport", "= :%d" % port],
                          capture_output=True, text=True, check=True).stdout
    return {int(pid) for pid in re.findall(r"pid=(\d+)", text)}


def test_a_leaders_death_frees_those_who_wait_at_other_workers(room, provider, counting):
    gateway = house_with(room, provider, {"single_flight": True}, workers=WORKERS)
    gateway.workers_may_change = True
    counting.hold = threading.Event()
    answers, lost = [], []

    def one():
        try:
            answers.append(ask(gateway))
        except (OSError, Broken):
            lost.append(1)                  # it was at the worker that died

    assert gateway.key
    threads = [threading.Thread(target=one) for _ in range(20)]
    for thread in threads:
        thread.start()
    until(lambda: gateway.ctl_json("cache", "status")["shared"] == 19, 10 * SLOW, "19 wait", 0.05)
    leaders = pid_at(provider.port) & set(gateway.workers())
    assert len(leaders) == 1
    os.kill(leaders.pop(), signal.SIGKILL)
    until(lambda: counting.count == 2, 5 * SLOW, "the next one leads")
    time.sleep(0.1)
    assert counting.count == 2              # and one only
    counting.hold.set()
    for thread in threads:
        thread.join()
    assert lost and sorted(state(answer) for answer in answers) == ["hit"] * (19 - len(lost)) + ["miss"]


def test_when_two_leaders_fail_the_others_ask_at_one_time(room):
    count, lock = [0], threading.Lock()
    holds = [threading.Event(), threading.Event(), threading.Event()]

    def fails(request, connection):
        with lock:
            number = count[0]
            count[0] += 1
        holds[min(number, 2)].wait(20)
        connection.send_json({"error": {"message": "no", "type": "invalid_request_error"}}, status=400)

    gateway = house_with(room, room.provider(fails), {"single_flight": True}, workers=WORKERS)
    threads, answers = together(gateway, 12)
    until(lambda: gateway.ctl_json("cache", "status")["shared"] == 11, 10 * SLOW, "11 wait", 0.05)
    assert count[0] == 1
    holds[0].set()
    until(lambda: count[0] == 2, 5 * SLOW, "one next leader")
    time.sleep(0.1)
    assert count[0] == 2
    holds[1].set()
    until(lambda: count[0] == 12, 5 * SLOW, "all others at the provider at one time")
    holds[2].set()
    for thread in threads:
        thread.join()
    assert [answer.status for answer in answers] == [400] * 12


@pytest.mark.parametrize("workers", [1, WORKERS])
def test_nobody_waits_longer_than_it_is_said(room, provider, counting, workers):
    gateway = house_with(room, provider, {"single_flight": True, "wait": "300ms"}, workers=workers)
    counting.hold = threading.Event()
    threads, answers = together(gateway, 8)
    until(lambda: counting.count == 8, 5 * SLOW, "all at the provider")
    assert gateway.ctl_json("cache", "status")["unshared"] >= 1
    counting.hold.set()
    for thread in threads:
        thread.join()
    assert [state(answer) for answer in answers] == ["miss"] * 8
