"""What the house checks share: the files of the tree, and C text without comments or strings."""

import os
import re
import subprocess
import sys

FOLDERS = ("shared", "supervisor", "worker", "cli", "tests")


def files(root, endings):
    """Paths relative to root, sorted: what git would commit, or all files where there is no git."""
    listing = subprocess.run(
        ["git", "-C", root, "ls-files", "-co", "--exclude-standard", "--", *FOLDERS],
        capture_output=True, text=True, check=False)
    if listing.returncode == 0:
        paths = listing.stdout.split("\n")
    else:
        paths = []
        for top in FOLDERS:
            for folder, _, names in os.walk(os.path.join(root, top)):
                paths += [os.path.relpath(os.path.join(folder, name), root) for name in names]
    return sorted(path for path in set(paths)
                  if path.endswith(endings) and os.path.isfile(os.path.join(root, path)))


def read(root, path):
    with open(os.path.join(root, path), encoding="utf-8", errors="replace") as file:
        return file.read()


TOKEN = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)


def without(text, comments=True, strings=True):
    """The text with comments and the insides of strings blanked; lines keep their numbers."""
    def blank(match):
        token = match.group(0)
        if token.startswith("//") and comments == "block":
            return token
        if token.startswith(("/*", "//")):
            return re.sub(r"[^\n]", " ", token) if comments else token
        return token[0] + token[0] if strings else token
    return TOKEN.sub(blank, text)


def report(name, root_files, findings):
    """Prints findings as file:line: text; exits 1 when there is any."""
    for path, line, text in findings:
        print(f"{path}:{line}: {text}")
    print(f"{name}: {root_files} files, {len(findings)} findings")
    sys.exit(1 if findings else 0)
