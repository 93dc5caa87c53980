"""Runs every scenario file in its own pytest, two at a time, and adds up the results.

A file is the unit: its gateways, providers and folders are its own, so files cannot disturb one
another. The slowest files (known from the last run) start first, so that the end is not one long
tail. A test that is skipped counts as failed: a scenario that did not run has not passed.
"""
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import threading
import time
import xml.etree.ElementTree as xml

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
TIMES = ROOT / "build" / "play-times.json"
FILE_LIMIT_S = 180
AT_ONCE = int(os.environ.get("PLAY_AT_ONCE", "2"))


def choose(pattern):
    files = sorted(HERE.glob("test_*.py"))
    if not pattern:
        return files, []
    named = [file for file in files if pattern in file.stem]
    return (named, []) if named else (files, ["-k", pattern])


def known_times():
    try:
        return json.loads(TIMES.read_text())
    except (OSError, ValueError):
        return {}


def run_file(file, extra, report):
    command = [sys.executable, "-m", "pytest", "-q", "-x" if os.environ.get("PLAY_FIRST") else "-q",
               "--tb=short", "-p", "no:cacheprovider", "--junitxml", report, *extra, str(file)]
    child = subprocess.Popen(command, cwd=HERE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                             text=True, errors="replace", start_new_session=True)
    try:
        text, _ = child.communicate(timeout=FILE_LIMIT_S)
        return child.returncode, text
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, signal.SIGKILL)
        text, _ = child.communicate()
        return -1, text + "\nthe file took longer than %d s and was killed\n" % FILE_LIMIT_S


def count(report, code):
    """(passed, failed) of one file; a file that broke before its report is one failure."""
    try:
        suite = xml.parse(report).getroot().find("testsuite")
        total = int(suite.get("tests"))
        bad = {case.get("classname") + "::" + case.get("name") for case in suite.iter("testcase")
               if case.find("failure") is not None or case.find("error") is not None
               or case.find("skipped") is not None}
        names = {case.get("classname") + "::" + case.get("name") for case in suite.iter("testcase")}
        if code not in (0, 1, 5) or (total == 0 and code != 5):
            return 0, max(1, len(bad))
        return len(names) - len(bad), len(bad)
    except (OSError, xml.ParseError, AttributeError, TypeError):
        return 0, 1


def main():
    pattern = sys.argv[1] if len(sys.argv) > 1 else ""
    files, extra = choose(pattern)
    times = known_times()
    queue = sorted(files, key=lambda file: -times.get(file.stem, 5))
    lock = threading.Lock()
    totals = [0, 0]
    began_all = time.monotonic()

    def work():
        while True:
            with lock:
                if not queue:
                    return
                file = queue.pop(0)
            began = time.monotonic()
            with tempfile.NamedTemporaryFile(suffix=".xml") as report:
                code, text = run_file(file, extra, report.name)
                passed, failed = count(report.name, code)
            took = time.monotonic() - began
            with lock:
                times[file.stem] = round(took, 1)
                totals[0] += passed
                totals[1] += failed
                if passed or failed:
                    print("%-34s %3d passed %3d failed %6.1f s"
                          % (file.stem, passed, failed, took), flush=True)
                if failed:
                    print(text, flush=True)

    threads = [threading.Thread(target=work) for _ in range(AT_ONCE)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if not extra:
        TIMES.parent.mkdir(exist_ok=True)
        TIMES.write_text(json.dumps(times, indent=1, sort_keys=True))
    print("play: %.0f s" % (time.monotonic() - began_all))
    print("%d passed, %d failed" % tuple(totals))
    return 0 if totals[1] == 0 and totals[0] > 0 else 1


if __name__ == "__main__":
    sys.exit(main())
