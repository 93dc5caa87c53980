"""Waiting for a condition: the only kind of wait that scenarios use besides scripted delays."""
import time


def until(condition, timeout=5.0, what="the condition", every=0.01):
    """Returns the first true value of condition(); fails by AssertionError after the timeout."""
    end = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() >= end:
            text = what() if callable(what) else what
            raise AssertionError("after %.1f s still not: %s" % (timeout, text))
        time.sleep(every)
