"""Turns what tests/bench/run measured into tables, and compares aigw with what it must reach."""
import re
import time

import lab
from lab import Table

BEGIN = "<!-- figures: written by tests/bench/run; what stands between these marks is replaced -->"
END = "<!-- end of figures -->"


def ratio(rows, key, name, base="nginx"):
    if name == base or base not in rows or name not in rows or not rows[base][key]:
        return ""
    return f" ({rows[name][key] / rows[base][key]:.2f} x)"


def requests_text(found):
    rows = found["medians"]
    base = rows["direct"]
    table = Table("1 kB POST, 700 B answer, 32 kept connections", "CPU us / request",
                  "with all processes", "requests/s", "core busy")
    added = Table("latency added over direct, us", "one connection p50", "p99",
                  "3,000 requests/s p50", "p99")
    for name, row in rows.items():
        if name == "direct":
            table.add(name, "", "", f"{row['rps']:,.0f}", "")
            added.add(name, *(f"({row[key]:.0f})" for key in
                              ("one_p50", "one_p99", "rate_p50", "rate_p99")))
            continue
        table.add(name, f"{row['worker_us']:.1f}" + ratio(rows, "worker_us", name),
                  f"{row['all_us']:.1f}" + ratio(rows, "all_us", name),
                  f"{row['rps']:,.0f}" + ratio(rows, "rps", name), f"{row['busy'] * 100:.0f} %")
        added.add(name, *(f"{row[key] - base[key]:+.0f}" for key in
                          ("one_p50", "one_p99", "rate_p50", "rate_p99")))
    return f"{table.text()}\n\n{added.text()}"


def chunks_text(found):
    rows = found["medians"]
    table = Table("200 B chunks, CPU us / chunk", "fast (32 streams)", "paced 10 ms (100 streams)",
                  "fast, chunks/s", "paced: gap p99, ms", "first chunk p50, ms")
    for name, row in rows.items():
        cost = [f"{row[key]:.2f}" + ratio(rows, key, name) for key in ("fast_us", "paced_us")]
        table.add(name, *(["", ""] if name == "direct" else cost),
                  f"{row['fast_chunks_per_second']:,.0f}", f"{row['paced_gap_p99'] / 1e3:.1f}",
                  f"{row['paced_first_p50'] / 1e3:.1f}")
    return table.text()


def translation_text(found):
    if not found:
        return ""
    rows = found["medians"]
    table = Table("the same chat, OpenAI provider", "CPU us / request", "CPU us / chunk")
    for name, what in (("same", "client speaks the provider's dialect"),
                       ("translated", "Anthropic client, translated both ways")):
        table.add(what, f"{rows[name]['worker_us']:.1f}" + ratio(rows, "worker_us", name, "same"),
                  f"{rows[name]['chunk_us']:.2f}" + ratio(rows, "chunk_us", name, "same"))
    return table.text()


def cache_text(found):
    if not found:
        return ""
    rows = found["medians"]
    table = Table("1 kB POST, 700 B answer, 32 kept connections", "CPU us / request",
                  "with all processes", "requests/s")
    for name, what in (("proxied", "from the provider"), ("hit", "from the cache")):
        row = rows[name]
        table.add(what, f"{row['worker_us']:.1f}" + ratio(rows, "worker_us", name, "proxied"),
                  f"{row['all_us']:.1f}" + ratio(rows, "all_us", name, "proxied"),
                  f"{row['rps']:,.0f}" + ratio(rows, "rps", name, "proxied"))
    return table.text()


def memory_text(found):
    table = Table("memory of the worker (PSS)", "idle, MB", "after 5,000 requests, MB",
                  "with open streams, MB", "bytes per open stream", "streams gone, MB")
    for name, row in found.items():
        held = ", ".join(f"{int(n):,}: {pss / 1e6:.1f}" for n, pss in row["open"].items())
        table.add(name, f"{row['idle'] / 1e6:.1f}", f"{row['warm'] / 1e6:.1f}", held,
                  f"{row['per_stream']:,.0f}", f"{row['after'] / 1e6:.1f}")
    return table.text()


def fairness_text(found):
    if not found:
        return ""
    shares = ", ".join("/".join(map(str, held)) for held in found["shares"])
    return (f"32 kept connections on 2 workers: {shares}; the worst share is "
            f"{found['worst_share'] * 100:.0f} %.\n"
            f"Requests/s of model `{found['model']}` with 1 worker {lab.median(found['rps_1']):,.0f}, "
            f"with 2 workers {lab.median(found['rps_2']):,.0f}: {found['ratio']:.2f} x.")


def start_text(found):
    if not found:
        return ""
    return (f"From exec to the first answer (SQLite, one worker): median {found['ms']:.0f} ms, "
            f"worst {found['worst_ms']:.0f} ms of {len(found['rounds'])} starts.")


TEXTS = {"requests": requests_text, "chunks": chunks_text, "translation": translation_text,
         "cache": cache_text,
         "memory": memory_text, "fairness": fairness_text, "start": start_text}


def goals(found):
    """(what, figure, limit, reached) for what could be measured."""
    rows = []

    def add(what, value, limit, at_least=False, form="{:.2f} x nginx"):
        reached = value >= limit if at_least else value <= limit
        sign = ">=" if at_least else "<="
        rows.append((what, form.format(value), f"{sign} {form.format(limit)}", reached))

    for section, key, what, limit in (("requests", "worker_us", "CPU per request", 1.0),
                                      ("chunks", "fast_us", "CPU per fast chunk", 1.1),
                                      ("chunks", "paced_us", "CPU per paced chunk", 1.1)):
        got = found.get(section, {}).get("medians", {})
        if "aigw" in got and "nginx" in got:
            add(what, got["aigw"][key] / got["nginx"][key], limit)
    crossed = (found.get("translation") or {}).get("medians")
    for key, what, limit in (("worker_us", "translated request", 1.35),
                             ("chunk_us", "translated chunk", 1.5)):
        if crossed:
            add(what, crossed["translated"][key] / crossed["same"][key], limit,
                form="{:.2f} x passed on")
    kept = (found.get("cache") or {}).get("medians")
    if kept:
        add("answer from the cache", kept["hit"]["worker_us"] / kept["proxied"]["worker_us"], 0.6,
            form="{:.2f} x passed on")
    held = found.get("memory", {}).get("aigw")
    if held:
        add("worker idle", held["idle"] / 1e6, 10, form="{:.1f} MB")
        add(f"open stream, of {held['streams']:,}", held["per_stream"], 8192, form="{:,.0f} B")
    if found.get("fairness"):
        add("worst share of 32 connections", found["fairness"]["worst_share"] * 100, 60,
            form="{:.0f} %")
        add("2 workers against 1", found["fairness"]["ratio"], 1.8, True, "{:.2f} x")
    if found.get("start"):
        add("start to first answer", found["start"]["ms"], 200, form="{:.0f} ms")
    return rows


def goals_text(found):
    rows = goals(found)
    if not rows:
        return ""
    table = Table("aigw must reach", "measured", "limit", "reached")
    for what, value, limit, reached in rows:
        table.add(what, value, limit, "yes" if reached else "NO")
    return table.text()


def text(report):
    facts = report["machine"]
    parts = [f"Taken {report['date']} by `{report['command']}` on {facts['cpu']}, "
             f"{facts['cores']} cores, {facts['system']}, Linux {facts['kernel']}; load average "
             f"{facts['load_before']:.2f} before, {facts['load_after']:.2f} after; "
             f"{', '.join(report['versions'].values())}. Medians of {report['rounds']} interleaved "
             "rounds; in brackets: times nginx."]
    parts += [TEXTS[name](found) for name, found in report["sections"].items()]
    parts.append(goals_text(report["sections"]))
    return "\n\n".join(part for part in parts if part) + "\n"


def write_page(page, new):
    """Replaces the part between the marks; a page without them gets them at its end."""
    old = page.read_text() if page.exists() else "# Performance\n"
    part = f"{BEGIN}\n\n{new}\n{END}"
    if BEGIN in old and END in old:
        old = re.sub(re.escape(BEGIN) + ".*?" + re.escape(END), lambda _: part, old, flags=re.S)
    else:
        old = f"{old.rstrip()}\n\n{part}\n"
    page.parent.mkdir(exist_ok=True)
    page.write_text(old)


def today():
    return time.strftime("%Y-%m-%d")
