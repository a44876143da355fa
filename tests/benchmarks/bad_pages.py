"""The time and memory that pages made to hurt take, each for a size and for ten times as much.

    python -m tests.benchmarks.bad_pages

Processor seconds and the most memory of the process that extracts, a fresh one for each; a page that is
refused or ended says why.
"""

import json
import os
import resource
from pathlib import Path

import psutil

from curation.ingest import sandbox
from curation.ingest.limits import MAX_TAGS
from curation.ingest.outcome import UnreadableError
from curation.recipe import Extract

DEEP, FLAT = (10_000, 100_000, 1_000_000), (30_000, 300_000)
PAGES = {
    "nested <div>": ("<div>", DEEP),
    "nested <b>": ("<b>", DEEP),
    "<font> and <p> in turns": ("<font><p>x", DEEP),
    "nested tables": ("<table><tr><td>", DEEP),
    "paragraphs": ("<p>Some words of text, and more.", FLAT),
    "list items": ("<li>One. ", FLAT),
    "links": ("<a href=x>y</a> ", tuple(n // 2 for n in FLAT)),
    "rows of a table": ("<tr><td>a<td>b", (10_000, 100_000)),
    "attributes of one tag": (" a{n}=b", (3_000, *FLAT)),
    "classes of one tag": (" name{n}", FLAT),
    "one long word": ("a", (1_000_000, 10_000_000)),
    "one long comment": ("<!-", FLAT),
}


def made(name: str, unit: str, count: int) -> str:
    """The page: `count` units."""
    text = "".join(unit.format(n=n) for n in range(count)) if "{n}" in unit else unit * count
    if name == "attributes of one tag":
        return f"<p{text}>x"
    if name == "rows of a table":
        return f"<table>{text}"
    return f"<p class='{text}'>x" if name == "classes of one tag" else text


def measure(name: str, count: int) -> tuple[str, float, float]:
    """What became of it, processor seconds, and MiB more than before: NaN if the process was ended."""
    sandbox.extract(b"<p>Ready.", None, Extract())
    child = sandbox._child(os.getpid())
    used, memory = child_use(child.process.pid)
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    try:
        html = made(name, PAGES[name][0], count).encode()
        end = f"{len(sandbox.extract(html, None, Extract()).page.text)} characters"
    except UnreadableError as error:
        end = error.reason
    if child.process.returncode is None:
        after, most = child_use(child.process.pid)
        child.end()
        sandbox._child.cache_clear()
        return end, after - used, most - memory
    now = resource.getrusage(resource.RUSAGE_CHILDREN)
    return end, now.ru_utime + now.ru_stime - ended.ru_utime - ended.ru_stime - used, float("nan")


def child_use(pid: int) -> tuple[float, float]:
    """Processor seconds of a process so far, and the most MiB that it has had."""
    times = psutil.Process(pid).cpu_times()
    status = Path(f"/proc/{pid}/status").read_text().splitlines()
    peak = next(line for line in status if line.startswith("VmHWM"))
    return times.user + times.system, int(peak.split()[1]) / 1024


def main() -> None:
    rows = []
    print(f"the limit is {MAX_TAGS} tags")
    for name, (_, counts) in PAGES.items():
        for count in counts:
            end, seconds, mib = measure(name, count)
            print(f"{name:<26}{count:>10}{seconds:>8.2f} s{mib:>8.0f} MiB  {end}", flush=True)
            rows.append({"page": name, "units": count, "seconds": round(seconds, 2), "mib": mib, "end": end})
    print(json.dumps({"benchmark": "bad_pages", "pages": rows}))


if __name__ == "__main__":
    main()
