"""report.json made readable: report.md, report.html for a page of print, and figures by gnuplot. Only what the JSON says is written."""

import html
import math
import os
import subprocess

from collect import FIRST, SYSTEMS

EVENTS = [("traps", "traps"), ("page_faults", "page faults"), ("cr3", "CR3 loads"), ("invlpg", "page flushes"), ("fpu", "vector saves"),
          ("cr0", "CR0 writes"), ("atomics", "atomics"), ("string_bytes", "bytes by string moves"), ("loads", "loads"), ("stores", "stores"),
          ("lines", "lines touched")]
SIDE_TITLES = {"unix": "Unix: the same static program on each system", "mach": "Mach and L4: messages, ports, memory, tasks",
               "macro": "Programs as a whole: the same static binaries, everything in /tmp"}


def number(value):
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    return f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.2f}"


def ratio(row, system):
    return row.get("ratio", {}).get(system)


class Markdown:
    def __init__(self):
        self.out = []

    def title(self, level, text):
        self.out.append(f"{'#' * level} {text}\n")

    def text(self, text):
        self.out.append(text + "\n")

    def table(self, head, rows):
        self.out.append("| " + " | ".join(head) + " |\n|" + "|".join("---" if i == 0 else "--:" for i in range(len(head))) + "|")
        self.out += ["| " + " | ".join(str(cell).replace("|", "\\|") for cell in row) + " |" for row in rows]
        self.out.append("")

    def figure(self, name, words):
        self.out.append(f"![{words}]({name})\n")

    def result(self):
        return "\n".join(self.out)


class Html:
    STYLE = """body{font:10pt/1.35 serif;max-width:62em;margin:2em auto;padding:0 1em}table{border-collapse:collapse;margin:.5em 0 1em;font-size:8.5pt}
td,th{padding:.1em .5em;border-bottom:1px solid #ccc;text-align:right;vertical-align:top}td:first-child,th:first-child,td.words{text-align:left}
th{border-bottom:1.5px solid #000}h1{font-size:16pt}h2{font-size:12pt;margin-top:1.5em;page-break-after:avoid}h3{font-size:10.5pt}
svg{max-width:100%;height:auto}tr,figure{page-break-inside:avoid}figure{margin:0}@media print{body{margin:0;max-width:none;font-size:8.5pt}
table{font-size:7pt}@page{size:A4;margin:14mm}}"""

    def __init__(self, folder):
        self.folder = folder
        self.out = []

    def title(self, level, text):
        self.out.append(f"<h{level}>{html.escape(text)}</h{level}>")

    def text(self, text):
        self.out.append(f"<p>{html.escape(text)}</p>")

    def table(self, head, rows):
        self.out.append("<table><tr>" + "".join(f"<th>{html.escape(cell)}</th>" for cell in head) + "</tr>")
        for row in rows:
            self.out.append("<tr>" + "".join(
                f"<td{' class=words' if len(str(cell)) > 24 else ''}>{html.escape(str(cell))}</td>" for cell in row) + "</tr>")
        self.out.append("</table>")

    def figure(self, name, words):
        with open(os.path.join(self.folder, name), encoding="utf-8") as file:
            svg = file.read()
        self.out.append(f"<figure aria-label='{html.escape(words, True)}'>{svg[svg.index('<svg'):]}</figure>")

    def result(self):
        return ("<!DOCTYPE html><html lang=en><meta charset=utf-8><title>Portolan beside its peers</title><style>" + self.STYLE +
                "</style>" + "\n".join(self.out) + "</html>\n")


# --- Figures.

def gnuplot(folder, name, script):
    subprocess.run(["gnuplot"], input=f"set terminal svg size 900,{script[0]} font 'serif,11' background rgb 'white'\n"
                   f"set output '{name}'\n" + script[1], text=True, check=True, cwd=folder)


def bars(report, folder, side, name):
    """Each row of a side over each peer that was measured, by a logarithmic scale: left of 1 this system needs fewer."""
    rows = [row for row in report["rows"] if row["side"] == side and row.get("ratio")]
    if not rows:
        return False
    system = max(SYSTEMS, key=lambda peer: sum(peer in row["ratio"] for row in rows))
    rows = sorted((row for row in rows if system in row["ratio"]), key=lambda row: row["ratio"][system])
    data = "\n".join(f"\"{row['name']}\" {row['ratio'][system]} {i}" for i, row in enumerate(rows))
    gnuplot(folder, name, (120 + 17 * len(rows), f"""$d << END
{data}
END
set logscale x
set title "instructions here, over {SYSTEMS[system]}'s"
set grid x
set style fill solid 0.7
set yrange [-1:{len(rows)}]
set arrow from 1, graph 0 to 1, graph 1 nohead lw 2
plot $d using 2:3:(1):2:($3-0.35):($3+0.35):($2>1?0xc05030:0x306090):ytic(1) with boxxyerror lc rgb variable notitle
"""))
    return True


def growth(report, folder, name):
    """Every family: how an operation grows with the number of others beside it."""
    families = {}
    for row in report["rows"]:
        if row["side"] == "growth":
            for system, value in row["values"].items():
                families.setdefault(row["family"], {}).setdefault(system, []).append((row["n"], value["median"]))
    if not families:
        return False
    columns = 3
    lines = math.ceil(len(families) / columns)
    script = f"set multiplot layout {lines},{columns}\nset logscale xy\nset grid\nset key top left samplen 1\nset format y '10^{{%L}}'\n"
    for family, systems in families.items():
        highest = max(value for points in systems.values() for _, value in points)
        lowest = min(value for points in systems.values() for _, value in points)
        plots = []
        for system, points in systems.items():
            block = f"${family}_{system}".replace("-", "_")
            script += f"{block} << END\n" + "\n".join(f"{n} {value}" for n, value in sorted(points)) + "\nEND\n"
            plots.append(f"{block} with linespoints lw 2 title '{SYSTEMS[system]}'")
        script += f"set title '{family}'\nset xrange [7:15000]\nset yrange [{lowest / 3}:{highest * 10}]\nplot {', '.join(plots)}\n"
    gnuplot(folder, name, (200 * lines, script + "unset multiplot\n"))
    return True


# --- Text.

def head(report, to):
    about = report["about"]
    to.title(1, "Portolan beside its peers")
    to.text(f"Source {about['commit']}; {about['qemu']}; programs by {about['compiler']}; Linux {about.get('linux', 'not measured')}; "
            f"GNU Mach {about.get('gnumach', 'not measured')}. Each figure of this run is a number of guest instructions under -accel tcg -icount shift=0 "
            "-cpu max,-erms on one processor: the least of many repetitions, the median of "
            f"{about['boots']} boots. One instruction is one nanosecond of the virtual clock, so it is also the row in nanoseconds of a machine of one "
            "instruction per nanosecond; no wall time is given, which under emulation measures QEMU. Figures that are not of this run are marked with "
            "their source. doc/comparison.md says what is and is not comparable.")
    if report["failed"]:
        to.text("Boots that did not end well, whose rows may be missing: " + ", ".join(report["failed"]))
    to.text("Of the three settings of Unix calls the Unix server has one, port: the Unix rows are of it. The kernel has all three, and the rows foreign-emulation, "
            "foreign-port and foreign-exception measure each with a server that does nothing; whole programs in the other two are not measured, "
            "because run cannot choose them yet.")


def claims(report, to):
    to.title(2, "What was published, and this run")
    rows = []
    for claim in report["claims"]:
        for i, each in enumerate(claim["figures"]):
            rows.append([claim["claim"] if i == 0 else "", claim["published"] if i == 0 else "", each["label"],
                         number(each["value"]), "" if "to" in each or "mean" in each else "instructions"])
    to.table(["claim", "published", "today", "figure", ""], rows)
    for claim in report["claims"]:
        to.text(f"{claim['claim']} ({claim['source']}). {claim['why']}")


def side(report, to, name, folder):
    rows = [row for row in report["rows"] if row["side"] == name]
    if not rows:
        return
    to.title(2, SIDE_TITLES[name])
    systems = [system for system in SYSTEMS if any(system in row["values"] for row in rows)]
    body = []
    for row in rows:
        ours = row["values"].get(FIRST, {})
        body.append([row["name"]] + [number(row["values"].get(system, {}).get("median")) for system in systems] +
                    [number(ratio(row, system)) for system in systems if system != FIRST] +
                    [number(row.get("target")), max((value["spread_percent"] for value in row["values"].values()), default=""),
                     number(ours.get("price", {}).get("Skylake", {}).get("cycles")),
                     *[number(row["values"].get(system, {}).get("price", {}).get("Skylake", {}).get("cycles")) for system in systems if system != FIRST],
                     row["what"]])
    to.table(["row"] + [SYSTEMS[system] for system in systems] + [f"over {SYSTEMS[system]}" for system in systems if system != FIRST] +
             ["target", "spread %", "price, Skylake"] + [f"price, {SYSTEMS[system]}" for system in systems if system != FIRST] + ["what"], body)
    if bars(report, folder, name, f"{name}.svg"):
        to.figure(f"{name}.svg", "the rows as ratios")
    others = [(row["name"], each) for row in rows for each in row.get("published", [])]
    if others:
        to.title(3, "Figures that are not of this run")
        to.table(["row", "system", "value", "unit", "this run", "kind", "source, machine, command"],
                 [[row, each["system"], number(each["value"]), each["unit"],
                   number(next(r for r in rows if r["name"] == row)["values"].get(FIRST, {}).get("median")), each["kind"], each["source"]]
                  for row, each in others])


def events(report, to):
    to.title(2, "Events of each operation")
    to.text("Counted from outside by a plugin of QEMU's, the same for every system; of the cheapest repetition, or the average where the row is one "
            "(tests/bench/events.c). Kernel and user are instructions by where they lie: servers are user.")
    body = []
    for row in report["rows"]:
        for system, value in row["values"].items():
            if "events" in value:
                counts = value["events"]["counts"]
                body.append([row["name"], SYSTEMS[system], number(counts["kernel"]), number(counts["user"])] +
                            [number(counts[event]) for event, _ in EVENTS])
    to.table(["row", "system", "kernel", "user"] + [title for _, title in EVENTS], body)
    body = [[row["name"], ", ".join(f"{key} {number(count)}" for key, count in row["values"][FIRST]["counters"].items())]
            for row in report["rows"] if "counters" in row["values"].get(FIRST, {})]
    if body:
        to.title(3, "The kernel's own counters (host_info), per operation")
        to.table(["row", "what it counted"], body)


def prices(report, to):
    to.title(2, "Prices")
    to.text("A price is one cycle for each instruction and the published cost of each event. The first is an assumption, not a measurement: real kernels run "
            "below it (misses) and above it. An event without a published figure for a processor is left out of its price, which is then too low. As a check: "
            "seL4's round trip of 431 instructions is published as 772 cycles on an i7-6700 (383 and 389: Heiser, seL4/sel4bench issue 41, 2024); "
            "this table makes 431 + 2 traps + 2 loads of CR3 = 1117 of it, without its page-table identifiers.")
    to.table(["processor", "event", "cycles", "source"], [[cost["processor"], cost["event"], cost["cycles"], cost["source"]] for cost in report["costs"]])
    processors = list(dict.fromkeys(cost["processor"] for cost in report["costs"]))
    body = []
    for row in report["rows"]:
        for system, value in row["values"].items():
            if "price" in value:
                left = {event: [processor for processor in processors if event in value["price"][processor]["left_out"]]
                        for event in sorted({event for each in value["price"].values() for event in each["left_out"]})}
                body.append([row["name"], SYSTEMS[system], number(value["median"])] +
                            [number(value["price"][processor]["cycles"]) for processor in processors] + [", ".join(event if of == processors else f"{event} ({' and '.join(of)})" for event, of in left.items())])
    to.table(["row", "system", "instructions"] + processors + ["left out"], body)


def losses(report, to):
    lost = [row for row in report["rows"] if row.get("lost") and row["side"] != "growth"]
    if not lost:
        return
    to.title(2, "Where this system loses, by function")
    to.text("Rows where a peer that was measured needs fewer instructions, or, without a peer, that miss their target. "
            "Averages of all repetitions, by bench profile; further rows: ./portolan bench profile ROW.")
    for row in lost:
        to.title(3, f"{row['name']}: " + ", ".join(f"{SYSTEMS[system]} {number(value['median'])}" for system, value in row["values"].items()))
        if "profile" in row:
            to.table(["function", "instructions", "%", "calls"], [[each["function"], number(each["instructions"]), each["percent"], each["calls"]]
                                                                for each in row["profile"]["functions"]])
        else:
            to.text("No profile: programs as a whole are not profiled here." if row["side"] == "macro" else "No profile in this run.")


def appendix(report, to):
    grown = [row for row in report["rows"] if row["side"] == "growth"]
    if grown:
        to.title(2, "Growth: the numbers")
        systems = [system for system in SYSTEMS if any(system in row["values"] for row in grown)]
        to.table(["row"] + [SYSTEMS[system] for system in systems],
                 [[row["name"]] + [number(row["values"].get(system, {}).get("median")) for system in systems] for row in grown])
    to.title(2, "Commands")
    to.table(["boot", "command"], sorted(report["commands"].items()))


def write(report, folder):
    has_growth = growth(report, folder, "growth.svg")
    for to, name in ((Markdown(), "report.md"), (Html(folder), "report.html")):
        head(report, to)
        claims(report, to)
        for each in SIDE_TITLES:
            side(report, to, each, folder)
        if has_growth:
            to.title(2, "Growth: one operation beside N others of a kind")
            to.figure("growth.svg", "instructions of an operation, by the number of others")
        losses(report, to)
        events(report, to)
        prices(report, to)
        appendix(report, to)
        with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
            file.write(to.result())
