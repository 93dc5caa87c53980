"""Writes settings: plain values in the settings' own style (block at the top, flow below)."""
import re

PLAIN = re.compile(r"^[A-Za-z0-9_./*-][A-Za-z0-9_./+*-]*$")


def scalar(value):
    if value is True or value is False:
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return str(value)
    text = str(value)
    if PLAIN.match(text) and text.lower() not in ("true", "false", "null", "yes", "no", "on", "off"):
        return text
    return '"%s"' % text.replace("\\", "\\\\").replace('"', '\\"')


def flow(value):
    if isinstance(value, dict):
        return "{" + ", ".join("%s: %s" % (name, flow(item)) for name, item in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(flow(item) for item in value) + "]"
    return scalar(value)


def dump(settings):
    lines = []
    for name, value in settings.items():
        if isinstance(value, (list, tuple)) and value:
            lines.append("%s:" % name)
            lines += ["  - " + flow(item) for item in value]
        else:
            lines.append("%s: %s" % (name, flow(value)))
    return "\n".join(lines) + "\n"
