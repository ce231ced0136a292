"""The raw outputs of a comparison (see run) made into one report: a dictionary, written as report.json."""

import glob
import os
import re

HERE = os.path.dirname(os.path.abspath(__file__))
SYSTEMS = {"portolan": "Portolan", "linux": "Linux", "gnumach": "GNU Mach"}
SIDES = {"unix": "unix", "mach": "mach", "macro": "macro", "growth": "growth", "task": "mach"}
FIRST = "portolan"
# What the plugin counts that is an amount; all else are events, which cost more than the instruction that causes them.
AMOUNTS = {"kernel", "user", "string_bytes", "loads", "stores", "lines"}


def table(path):
    """The lines of a tab-separated file, without comments."""
    with open(path, encoding="utf-8") as file:
        return [line.rstrip("\n").split("\t") for line in file if line.strip() and not line.startswith("#")]


def median(numbers):
    numbers = sorted(numbers)
    middle = len(numbers) // 2
    return numbers[middle] if len(numbers) % 2 else (numbers[middle - 1] + numbers[middle]) / 2


def pairs(words):
    return {key: float(value) for key, value in (word.split("=") for word in words)}


def read_events(path, names):
    """What the plugin counted, by the names of the rows in their order; {} if there was no such boot."""
    found = {}
    if not os.path.exists(path):
        return found
    with open(path, encoding="utf-8") as file:
        for line in file:
            words = line.split()
            number, operations, least = int(words[1]), int(words[2]), words.index("least")
            if number >= len(names) or operations == 0:
                continue
            average, best = pairs(words[4:least]), pairs(words[least + 1:])
            # A row that is an average has its marks behind the loop: the single operations say nothing.
            single = best["kernel"] + best["user"] > (average["kernel"] + average["user"]) / 4
            found[names[number]] = {"operations": operations, "of": "least" if single else "average",
                                    "counts": best if single else average}
    return found


def read_rows(path):
    rows, counters = {}, {}
    with open(path, encoding="utf-8", errors="replace") as file:
        for line in file:
            words = line.split()
            if words[0] == "row" and len(words) == 3:
                rows[words[1]] = int(words[2])
            elif words[0] == "counters":
                counts = pairs(words[2:])
                operations = counts.pop("operations")
                counters[words[1]] = {key: round(value / operations, 2) for key, value in counts.items()
                                      if round(value / operations, 2) > 0}
    return rows, counters


def price(instructions, counts, costs):
    """Cycles on each processor: one for each instruction, and what the events cost. Names the events left out."""
    prices = {}
    for processor in dict.fromkeys(cost["processor"] for cost in costs):
        known = {cost["event"]: cost["cycles"] for cost in costs if cost["processor"] == processor}
        events = {event: counts[event] * cycles for event, cycles in known.items() if counts.get(event)}
        missing = {event for event, count in counts.items() if count} - AMOUNTS - set(known)
        prices[processor] = {"cycles": round(instructions + sum(events.values())), "left_out": sorted(missing)}
    return prices


def read_profile(path):
    """What "bench profile" printed: for each row the functions, most instructions first."""
    profiles, row = {}, None
    if not os.path.exists(path):
        return profiles
    with open(path, encoding="utf-8") as file:
        for line in file:
            head = re.match(r"(\S+): (\d+) instructions, average of (\d+)", line)
            part = re.match(r" *([\d.]+) +([\d.]+)% +([\d.]+) +(.+)", line)
            if head:
                row = profiles[head[1]] = {"instructions": int(head[2]), "functions": []}
            elif part and row is not None:
                row["functions"].append({"instructions": float(part[1]), "percent": float(part[2]),
                                         "calls": float(part[3]), "function": part[4].strip()})
    return profiles


def values_of(raw, costs):
    """{(side, row): {system: value}}, in the order of the programs."""
    found = {}
    programs = {}
    for path in sorted(glob.glob(os.path.join(raw, "*.rows"))):
        system, program, boot, _ = os.path.basename(path).split(".")
        programs.setdefault((system, program), []).append((boot, path))
    order = list(SIDES)
    for (system, program), boots in sorted(programs.items(), key=lambda item: (order.index(item[0][1]), item[0][0] != FIRST)):
        read = {boot: read_rows(path) for boot, path in boots}
        with_plugin = read.get("events", ({}, {}))[0]
        events = read_events(os.path.join(raw, f"{system}.{program}.events"), list(with_plugin))
        counted = [boot for boot in read if boot != "events"]
        for name in dict.fromkeys(name for boot in counted for name in read[boot][0]):
            numbers = [read[boot][0][name] for boot in counted if name in read[boot][0]]
            middle = median(numbers)
            value = {"boots": numbers, "median": middle,
                     "spread_percent": round(100 * (max(numbers) - min(numbers)) / middle, 2) if middle else 0}
            if name in events:
                value["events"] = events[name]
                value["with_plugin"] = with_plugin[name]
                value["price"] = price(middle, events[name]["counts"], costs)
            counters = read[counted[0]][1].get(name)
            if counters:
                value["counters"] = counters
            found.setdefault((SIDES[program], name), {})[system] = value
    return found


def targets_of(values):
    """The targets of ../targets: a number, or another row's figure and so much."""
    targets, what = {}, {}
    ours = {name: systems[FIRST]["median"] for (_, name), systems in values.items() if FIRST in systems}
    for line in table(os.path.join(HERE, "..", "targets")):
        name, target, words = (line + ["", ""])[:3]
        what[name] = words
        relative = re.match(r"([\w-]+?)([+*])([\d.]+)$", target)
        if relative and relative[1] in ours:
            base, by = ours[relative[1]], float(relative[3])
            targets[name] = int(base + by if relative[2] == "+" else base * by)
        elif target.isdigit():
            targets[name] = int(target)
    for name, words in table(os.path.join(HERE, "rows")):
        what[name] = words
    return targets, what


def collect(raw):
    costs = [{"processor": line[0], "event": line[1], "cycles": int(line[2]), "source": line[3]}
             for line in table(os.path.join(HERE, "costs"))]
    values = values_of(raw, costs)
    targets, what = targets_of(values)
    profiles = read_profile(os.path.join(raw, "profile"))
    published = {}
    for name, system, value, unit, kind, source in table(os.path.join(HERE, "published")):
        published.setdefault(name, []).append(
            {"system": system, "value": float(value), "unit": unit, "kind": kind, "source": source})
    rows = []
    for (side, name), systems in values.items():
        row = {"name": name, "side": side, "what": what.get(name, ""), "unit": "instructions", "values": systems}
        grown = re.match(r"(.*)-of-(\d+)$", name)
        if grown:
            row["family"], row["n"] = grown[1], int(grown[2])
        if name in targets:
            row["target"] = targets[name]
        if name in published:
            row["published"] = published[name]
        ours = systems.get(FIRST, {}).get("median")
        peers = [value["median"] for system, value in systems.items() if system != FIRST]
        if ours is not None and peers:
            row["ratio"] = {system: round(ours / value["median"], 3)
                            for system, value in systems.items() if system != FIRST and value["median"]}
            row["lost"] = ours > min(peers) * 1.01  # less is no difference
        elif ours is not None and name in targets:
            row["lost"] = ours > targets[name]
        if name in profiles:
            row["profile"] = profiles[name]
        rows.append(row)
    about = dict(table(os.path.join(raw, "about")))
    commands = dict(line for line in table(os.path.join(raw, "commands")))
    failed = os.path.join(raw, "failed")
    return {"format": 1, "about": about, "commands": commands, "systems": SYSTEMS, "costs": costs, "rows": rows,
            "failed": [line[0] for line in table(failed)] if os.path.exists(failed) else []}
