"""What was published about Mach, L4 and Unix, and what this run says: figures computed from the rows of the report.

A figure is {"label", "of": [ROW, SYSTEM], "to": [ROW, SYSTEM], "value"}: one row's median over another's, or, with no "to", the
median itself; or the geometric mean of a side's ratios ("mean": SIDE, "to_system"). None of them is typed in.
"""

import math

FIRST = "portolan"
HARTIG = "Härtig and others, The Performance of Microkernel-Based Systems, SOSP 1997 (Pentium 133)"
TEXTBOOK = "the textbooks' figures for a null system call, after the measurements of the early 1990s"

CLAIMS = [
    {"claim": "A system call of Unix on Mach takes five to six times that of a monolithic kernel",
     "source": TEXTBOOK, "published": "5 to 6",
     "figures": [("getpid here over Linux", ("getpid", FIRST), ("getpid", "linux")),
                 ("read of a byte here over Linux", ("read-1-zero", FIRST), ("read-1-zero", "linux")),
                 ("open and close here over Linux", ("open-close", FIRST), ("open-close", "linux")),
                 ("Mach's first way here, an exception message for each call, over Linux's getpid",
                  ("foreign-exception", FIRST), ("getpid", "linux")),
                 ("a buffered message to a server and back here, over Linux's getpid", ("mach-msg-rpc", FIRST), ("getpid", "linux")),
                 ("the same on GNU Mach, over Linux's getpid", ("mach-msg-rpc", "gnumach"), ("getpid", "linux"))],
     "why": "The factor is the price of two buffered messages: rights looked up, a message allocated, queued, scheduled for and copied out, "
            "each way. Here a call is a register message that switches straight into the server, so the two address spaces remain and the rest goes."},
    {"claim": "A null system call: about 40 us on BSD, just under 500 us by a Unix server on Mach",
     "source": TEXTBOOK, "published": "12",
     "figures": [("unknown call here over Linux", ("unknown-call", FIRST), ("unknown-call", "linux")),
                 ("getpid here over Linux", ("getpid", FIRST), ("getpid", "linux"))],
     "why": "500 us were a message to an emulation library, one to the server, and their misses in the caches of 1991. "
            "Instructions do not show misses: see the lines of cache and the loads of CR3 of these rows."},
    {"claim": "A single Unix server on Mach 3.0 runs programs about 50% slower than a native Unix (1997)",
     "source": HARTIG + ", and the literature that it cites", "published": "1.5",
     "figures": [("all macro rows here over Linux, geometric mean", "macro", "linux"),
                 ("a shell script", ("shell-script", FIRST), ("shell-script", "linux")),
                 ("compile", ("compile", FIRST), ("compile", "linux"))],
     "why": "Programs spend most instructions in themselves. What is left is fork, exec and files; these are decided by the algorithms behind the "
            "call, not by the call."},
    {"claim": "L4Linux: getpid 2.4 times Linux's, a pipe 1.8 times, fork and exit 2.8 times",
     "source": HARTIG, "published": "2.36, 1.79, 2.83",
     "figures": [("getpid here over Linux", ("getpid", FIRST), ("getpid", "linux")),
                 ("a pipe, there and back, here over Linux", ("pipe-round-trip", FIRST), ("pipe-round-trip", "linux")),
                 ("fork, exit, wait here over Linux", ("fork-exit-wait", FIRST), ("fork-exit-wait", "linux"))],
     "why": "L4Linux kept Linux's own code and put an exchange of messages before it; here the kernel makes the copy of a task in one operation, "
            "and the server has no kernel's stacks and schedulers to go through."},
    {"claim": "MkLinux: getpid 9 times Linux's with its server in the kernel, 66 times as a task",
     "source": HARTIG, "published": "9.2 and 66",
     "figures": [("getpid here (a task) over Linux", ("getpid", FIRST), ("getpid", "linux")),
                 ("an exception message, the state fetched and set, here, over Linux's getpid", ("foreign-exception", FIRST), ("getpid", "linux"))],
     "why": "MkLinux got an exception message for each call, and its server fetched and set the thread's state. That way is still here (foreign-exception), "
            "beside a register message from the same trap (foreign-port) and a handler in the caller's task (foreign-emulation)."},
    {"claim": "A call redirected to the caller's own task is much cheaper than one to a server",
     "source": "Golub and others, Unix as an Application Program, USENIX 1990", "published": "", "figures": [
         ("answered in the task, over Linux's getpid", ("foreign-emulation", FIRST), ("getpid", "linux")),
         ("by a server's port, over the same", ("foreign-port", FIRST), ("foreign-emulation", FIRST)),
         ("by an exception message, over the same", ("foreign-exception", FIRST), ("foreign-emulation", FIRST))],
     "why": "The upcall changes three registers and switches no address space. It can only answer what the task may know by itself."},
    {"claim": "Second-generation kernels exchange messages several times faster than Mach",
     "source": "Liedtke, Improving IPC by Kernel Design, SOSP 1993 (i486 at 50 MHz: a short message 115 us on Mach, 5 us on L3)", "published": "23",
     "figures": [("this kernel's buffered path over its register path", ("mach-msg-rpc", FIRST), ("register-call", FIRST)),
                 ("GNU Mach's buffered path over this kernel's", ("mach-msg-rpc", "gnumach"), ("mach-msg-rpc", FIRST)),
                 ("GNU Mach's buffered path over this kernel's register path", ("mach-msg-rpc", "gnumach"), ("register-call", FIRST))],
     "why": "The gap is the path, not the abstraction: the same port and right, called with eight words in registers, costs what L4 costs; "
            "what a buffer, a queue and a scheduler add is the difference between the two rows."},
    {"claim": "Handing a processor over by continuation takes 83 instructions, a full switch 250",
     "source": "Draves and others, Using Continuations to Implement Thread Management and Communication in Operating Systems, SOSP 1991 (MIPS R2000)",
     "published": "83 and 250",
     "figures": [("register call and answer: two hand-overs, two kernel entries, the stubs", ("register-call", FIRST), None),
                 ("a trap that does nothing", ("null-trap", FIRST), None)],
     "why": "No thread owns a kernel stack here: a hand-over is another thread's pointer, another CR3 and a return."},
    {"claim": "A page fault served by a user task costs 825 cycles on L4, more than ten times that on Mach",
     "source": HARTIG + " (6.2 us); GNU Mach of 2026: 12,290 instructions", "published": "825 cycles",
     "figures": [("here, per page, in clusters", ("pager-fault-page", FIRST), None),
                 ("a page of zeros, no pager", ("zero-fill-fault", FIRST), None)],
     "why": "A pager is asked for a run of pages at a time and moves them instead of copying."},
]


def medians(report):
    return {(row["name"], system): value["median"] for row in report["rows"] for system, value in row["values"].items()}


def mean_ratio(report, side, system):
    ratios = [row["values"][FIRST]["median"] / row["values"][system]["median"] for row in report["rows"]
              if row["side"] == side and FIRST in row["values"] and system in row["values"]]
    return math.exp(sum(map(math.log, ratios)) / len(ratios)) if ratios else None


def figure(report, known, label, of, to):
    if isinstance(of, str):
        value = mean_ratio(report, of, to)
        return None if value is None else {"label": label, "mean": of, "to_system": to, "value": round(value, 2)}
    if of not in known or (to is not None and to not in known):
        return None
    if to is None:
        return {"label": label, "of": list(of), "value": known[of]}
    return {"label": label, "of": list(of), "to": list(to), "value": round(known[of] / known[to], 2)}


def claims(report):
    """Those claims of which this run has at least one figure."""
    known, made = medians(report), []
    for claim in CLAIMS:
        figures = [figure(report, known, *parts) for parts in claim["figures"]]
        figures = [each for each in figures if each is not None]
        if figures:
            made.append({**claim, "figures": figures})
    return made
