"""What `make bench` found, as a table, plots and history, in docs/bench.

Everywhere a ratio is how many times better Hartwood is than Linux.
"""
import math
import os
import statistics

import guest

DIR = os.path.join(guest.TOP, "docs", "bench")
HISTORY = os.path.join(DIR, "history.tsv")
HEAD = ("commit", "date", "qemu", "figure", "unit", "better", "hartwood",
        "linux")
COUNTED = ("flushes", "instructions", "kB")


def ratio(mine, linux, better):
    """None where there is nothing to divide by."""
    over, under = (linux, mine) if better == "low" else (mine, linux)
    return over / under if over and under else None


def medians(by_kernel):
    """(Hartwood's, Linux's), None for what was not measured."""
    return tuple(statistics.median(by_kernel[k]) if by_kernel.get(k) else None
                 for k in ("hartwood", "linux"))


def mean_ratio(rows):
    logs = [math.log(r) for r in rows if r]
    return math.exp(sum(logs) / len(logs)) if logs else None


# The table

def short(value):
    if value is None:
        return "-"
    if value and abs(value) < 1000:
        return f"{value:.3g}"
    return f"{value:,.0f}".replace(",", " ")


def cell(values):
    if not values:
        return "-"
    text = short(statistics.median(values))
    if len(values) > 1:
        text += f" ({short(min(values))} to {short(max(values))})"
    return text


def table(values, qemus, units):
    lines = ["| figure | unit | " + " | ".join(
        f"Hartwood, QEMU {q} | Linux, QEMU {q} | ratio" for q in qemus) + " |",
        "|---|---" + "|--:|--:|--:" * len(qemus) + "|"]
    figures = dict.fromkeys(key[1:] for key in values if units(key[2]))
    for name, unit, better in figures:
        cells = []
        for q in qemus:
            got = values.get((q, name, unit, better), {})
            mine, linux = medians(got)
            cells += [cell(got.get("hartwood")), cell(got.get("linux")),
                      short(mine is not None and linux is not None and
                            ratio(mine, linux, better) or None)]
        lines.append(f"| {name} | {unit} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def totals(values, qemus):
    lines = []
    for q in qemus:
        for title, units in (("time", lambda u: u not in COUNTED),
                             ("instructions", lambda u: u == "instructions")):
            rows = [ratio(*medians(v), k[3]) for k, v in values.items()
                    if k[0] == q and units(k[2]) and "control" not in k[1]
                    and None not in medians(v)]
            mean = mean_ratio(rows)
            if mean:
                lines.append(f"- QEMU {q}, {title}: {mean:.2f} times, the "
                             f"geometric mean of {len(rows)} figures")
    return "\n".join(lines)


# Plots

def svg(width, height, parts):
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" '
            f'height="{height}" font-family="sans-serif" font-size="11">\n'
            f'<rect width="{width}" height="{height}" fill="white"/>\n'
            + "\n".join(parts) + "\n</svg>\n")


def escape(text):
    return text.replace("&", "&amp;").replace("<", "&lt;")


def text(x, y, words, anchor="start"):
    return f'<text x="{x:.0f}" y="{y:.0f}" text-anchor="{anchor}">' \
           f'{escape(words)}</text>'


COLOURS = {"7": "#33668c", "10": "#c46a1f"}
MARKS = (0.5, 1, 2, 3, 5, 10, 20, 50, 100)


def bars(values, qemus, title, units):
    """Bars of the ratios, on a logarithmic scale, from 1."""
    rows = []
    for name, unit, better in dict.fromkeys(k[1:] for k in values
                                            if units(k[2])):
        got = [(q, ratio(*m, better)) for q in qemus for m in
               [medians(values.get((q, name, unit, better), {}))]
               if None not in m]
        got = [(q, r) for q, r in got if r]
        if got:
            rows.append((name, got))
    left, scale, step = 280, 110, 9 * len(qemus) + 6

    def x(r):
        return left + scale * math.log2(max(0.25, min(r, 128)) * 2)
    height = 50 + step * len(rows)
    parts = [text(10, 18, title)]
    for m in MARKS:
        parts += [f'<line x1="{x(m):.0f}" x2="{x(m):.0f}" y1="38" '
                  f'y2="{height}" stroke="{"#000" if m == 1 else "#ddd"}"/>',
                  text(x(m), 34, f"{m}", "middle")]
    for i, (name, got) in enumerate(rows):
        y = 44 + step * i
        parts.append(text(left - 120, y + 9, name, "end")
                     if len(name) < 26 else text(10, y + 9, name))
        for j, (q, r) in enumerate(got):
            a, b = sorted((x(1), x(r)))
            parts.append(f'<rect x="{a:.0f}" y="{y + 9 * j}" height="8" '
                         f'width="{b - a:.0f}" fill="{COLOURS.get(q, "gray")}"'
                         f'><title>QEMU {q}: {r:.2f}</title></rect>')
    return svg(left + scale * 8, height + 10, parts)


def lines(history):
    """The mean ratio of each landing, by QEMU, of times and of counts."""
    landings = list(dict.fromkeys(row[0] for row in history))
    parts = [text(10, 18, "times better than Linux by landing: times (full), "
                          "instructions (dashed), one colour for each QEMU")]
    step = max(6, min(60, 800 // max(1, len(landings))))

    def y(r):
        return 300 - 60 * math.log2(max(0.5, min(r, 16)) * 2) + 20
    for m in (0.5, 1, 2, 4, 8, 16):
        parts += [f'<line x1="40" x2="900" y1="{y(m):.0f}" y2="{y(m):.0f}" '
                  'stroke="#ddd"/>', text(35, y(m) + 4, f"{m}", "end")]
    for q in dict.fromkeys(row[2] for row in history):
        for dash, wanted in (("none", lambda u: u not in COUNTED),
                             ("4 3", lambda u: u == "instructions")):
            dots = []
            for i, c in enumerate(landings):
                mean = mean_ratio(
                    [ratio(float(r[6]), float(r[7]), r[5]) for r in history
                     if r[0] == c and r[2] == q and wanted(r[4])
                     and r[6] and r[7] and "control" not in r[3]])
                if mean:
                    dots.append((50 + step * i, y(mean)))
            colour = COLOURS.get(q, "gray")
            parts.append(f'<polyline fill="none" stroke="{colour}" '
                         f'stroke-dasharray="{dash}" points="'
                         + " ".join(f"{a:.0f},{b:.0f}" for a, b in dots)
                         + '"/>')
            parts += [f'<circle cx="{a:.0f}" cy="{b:.0f}" r="2.5" '
                      f'fill="{colour}"/>' for a, b in dots]
    for i, c in enumerate(landings):
        if i % max(1, 60 // step) == 0:
            parts.append(text(50 + step * i, 345, c, "middle"))
    return svg(920, 360, parts)


# History

def read_history():
    if not os.path.exists(HISTORY):
        return []
    with open(HISTORY) as f:
        return [line.rstrip("\n").split("\t") for line in f][1:]


def exact(value):
    return "" if value is None else f"{value:.6g}"


def add_history(values, name, date):
    """A commit measured again replaces its figures."""
    fresh = [[name, date, q, figure, unit, better,
              *map(exact, medians(got))]
             for (q, figure, unit, better), got in values.items()]
    known = {(r[0], r[2], r[3], r[4]) for r in fresh}
    rows = [r for r in read_history()
            if (r[0], r[2], r[3], r[4]) not in known] + fresh
    with open(HISTORY + ".new", "w") as f:
        for row in [HEAD, *rows]:
            f.write("\t".join(row) + "\n")
    os.replace(HISTORY + ".new", HISTORY)
    return rows


def save(name, content):
    with open(os.path.join(DIR, name), "w") as f:
        f.write(content)


def is_time(unit):
    return unit not in COUNTED


def is_count(unit):
    return unit in COUNTED


def write_times(values, qemus, head):
    save("times.md", "# Times\n\n" + head + table(values, qemus, is_time)
         + "\n\n![ratios](times.svg)\n")
    save("times.svg", bars(values, qemus, "times faster than Linux", is_time))


def write_counts(values, qemus, head):
    save("counts.md", "# Counts\n\n" + head + table(values, qemus, is_count)
         + "\n\n![ratios](counts.svg)\n")
    save("counts.svg", bars(values, qemus, "times fewer instructions than "
                            "Linux", lambda u: u == "instructions"))


def write(values, commit, runs, smp, load):
    """commit: (name, date, whether it is what was built)."""
    name, date, is_clean = commit
    os.makedirs(DIR, exist_ok=True)
    qemus = list(dict.fromkeys(key[0] for key in values))
    times = {k: v for k, v in values.items() if is_time(k[2])}
    counted = {k: v for k, v in values.items() if is_count(k[2])}
    about = f"Of {name} ({date}){'' if is_clean else ', changed'}.  " \
            "`make bench` wrote this; ../bench.md says how to read it.\n\n"
    if times:
        write_times(times, qemus, about + f"{smp} harts, {runs} boots of each "
                    "kernel: median (least to most).  Highest load of the "
                    f"host: {load:.1f}.\n\n" + totals(times, qemus) + "\n\n")
    if counted:
        write_counts(counted, qemus, about + "One hart, for one operation.\n\n"
                     + totals(counted, qemus) + "\n\n")
    if is_clean:
        save("history.svg", lines(add_history(values, name, date)))
    else:
        print("bench: the tree has changes: no history is written")
    print(totals(values, qemus))
