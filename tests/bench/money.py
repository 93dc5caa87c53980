"""A budget of one dollar under a thousand clients, while workers are killed: what the provider
served is never worth more."""
import json
import os
import random
import time

import lab

BUDGET_NANO = 1_000_000_000
COST_NANO = 200 * 150 + 100 * 600   # of the provider's usual answer, at the prices below

MORE = """budgets:
  - {name: one, scope: "key:*", amount: 1, period: total, strict: true}
prices:
  - {provider: up, model: slow-50ms, rates: {input: 0.15, output: 0.6}}
"""


def counter_of(proxy):
    """Of the one budget: what is spent and what is reserved, in dollars."""
    (row,) = [row for row in proxy.control("budgets", "list")["counters"] if row["name"] == "one"]
    return float(row["spent"]), float(row["reserved"])


def body_file(folder):
    path = folder / "body.json"
    path.write_text(json.dumps({"model": "up/slow-50ms", "max_tokens": 100, "messages": [
        {"role": "user", "content": "What the weather will be like, in a few words. " * 18}]}))
    return path


def spend(proxy, folder, quick):
    """Load until the budget has been spent for a while; kills of workers on the way."""
    run = lab.Load(proxy.plain_port, "--key", proxy.key, "--body-file", body_file(folder),
                   "--connections", 200 if quick else 1000, "--seconds", 20 if quick else 60,
                   "--timeout-ms", 10000)
    kills = 0
    while run.running():
        time.sleep(random.uniform(0.2, 0.8))
        workers = proxy.worker_pids()
        if kills < (6 if quick else 30) and len(workers) > 1:
            os.kill(random.choice(workers), 9)
            kills += 1
    return run.result(), kills


def one_dollar(folder, given, workers=4):
    folder = lab.pathlib.Path(folder)
    provider = lab.Provider(folder)
    try:
        proxy = lab.Aigw(provider, None, folder, workers=workers, more=MORE).start()
        try:
            provider.reset()
            result, kills = spend(proxy, folder, given.quick)
            served = provider.counts()["requests"]
            time.sleep(6)       # sweeps, and three looks of the audit
            spent, reserved = counter_of(proxy)
        finally:
            proxy.stop()
    finally:
        provider.stop()
        (folder / "provider.out").unlink()
    worth = served * COST_NANO
    text = (f"{kills} kills of workers, {result['requests']:,} requests, {served:,} served, worth "
            f"${worth / 1e9:.6f} of $1; aigw says ${spent:.6f} are spent and ${reserved:.6f} reserved when idle")
    return text, worth <= BUDGET_NANO and reserved == 0 and worth > 0.9 * BUDGET_NANO
