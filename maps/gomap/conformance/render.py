#!/usr/bin/env python3
"""Makes maps/gomap/CONFORMANCE.md out of what two tests measured (sequence_test.py and
concurrency_test.py of harness/), which they leave in BUILD/conformance:

    maps/gomap/conformance/render.py BUILD/conformance > maps/gomap/CONFORMANCE.md

Each test fails when its section of the file is not what it measures.
"""

import json
import os
import sys
import textwrap

DOCUMENT = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))),
                        "CONFORMANCE.md")
COLUMNS = 100

HEAD = """\
# How the port agrees with the real runtime

Made by `conformance/render.py` from the figures of two tests, which compare the port with the Go
that is installed, and which fail when this file says something else. Seeds are fixed, so the
figures are the same in every run.

"""

DIFFERENCES = (
    """**Outside live memory.** An index by the mask of a grown array into the old one, and the
    like. The real code goes on with whatever lies there. In the port the execution ends with
    `wild-access` (WILD), and in the recorder the real code's run does; both at the same access.""",
    """**Inside a statement.** Where a statement of Go's source reads twice, Go's compiler may make
    it one read; the port never does, and other goroutines may run between the two.""",
    """**Endless.** A walk through a broken chain has no end. The recorder gives up after 20,000
    accesses, the port after 20,000 events; only that both do is compared.""",
    """**Draws.** All goroutines share one random state, in the recorder as in the port; in Go each
    M has its own.""",
    """**Garbage collection.** It never runs, in either. That Go's collector may free an overflow
    bucket in use, because a race has lost its entry in the list, is shown by a target of its own
    (`gomap/overflow-list-gc`).""",
)

# Outcomes in fixtures/*.txt that no run comes to which stays inside live memory. Whoever recorded
# them looked at the end of a run only.
REASONS = {
    ("insert-insert-grow.txt", "| ; count=10 {1=101 2=102 3=103 101=1}"):
        "`evacuate_fast64`, write of the upper destination's tophash, key and element. One "
        "goroutine has published the grown `B` = 2 but not yet its array when the other, "
        "evacuating for `B` = 1, reads `B` for `newbit` and gets 2 old buckets where there is "
        "one: its upper destination is bucket 2 of an array of two",
    ("insert-insert-grow.txt",
     "| ; count=9 {2=102 3=103 4=104 5=105 6=106 7=107 100=1 101=2}"):
        "`evacuate_fast64`, in the run *before*: it evacuated bucket 1 of an old array of one, so "
        "that eight slots behind that array were marked evacuated. Go's allocator handed this "
        "memory out, as never used and hence clear, for the first bucket of the next run's map: "
        "the set-up lost keys 0 and 1, and the two goroutines did nothing unusual",
    ("read-grow.txt", "PANIC"):
        "`mapaccess2_fast64`, read of a bucket's keys and overflow word. The reader takes the "
        "mask from the new `B` = 2 and then the old array of two buckets: bucket 2 or 3 lies "
        "behind its end, and what the heap holds there is taken for an overflow pointer",
}

# What sequential/coverage.go counts, in the order of the table.
COVERAGE = (
    ("growths", "growths to twice the size"),
    ("same_size_growths", "growths to the same size"),
    ("growths_inside_calls", "growths begun inside a hasher or equality call of another operation"),
    ("overflow_buckets", "overflow buckets added"),
    ("overflow_preallocated", "of them preallocated ones"),
    ("overflow_draws", "draws of whether to count an overflow bucket (from B = 16 on)"),
    ("clears", "clears"),
    ("clears_during_growth", "of them during a growth"),
    ("clears_during_iteration", "of them during an iteration"),
    ("iterator_steps", "steps of iterators"),
    ("iterator_steps_during_growth", "of them during a growth"),
    ("iterator_steps_during_same_size_growth", "of them during one to the same size"),
    ("iterator_steps_filtered", "of them in a bucket not yet evacuated, that stands for two"),
    ("iterator_steps_outgrown", "of them of iterators begun before a growth"),
    ("iterator_steps_looked_up", "of them that looked an entry up where it had moved to"),
    ("iterators_paused_max", "iterators paused at a time, at most"),
    ("nested_in_hasher", "operations inside a hasher call"),
    ("nested_in_equal", "operations inside an equality call"),
    ("key_collisions", "comparisons of other keys with the same tophash"),
    ("nan_assigns", "assignments to NaN"),
    ("nan_steps_during_growth", "NaNs met by an iterator during a growth"),
    ("b_max", "largest B"),
)


# ---- Markdown

def paragraph(text, first="", rest=""):
    return textwrap.fill(" ".join(text.split()), COLUMNS, initial_indent=first,
                         subsequent_indent=rest, break_long_words=False,
                         break_on_hyphens=False) + "\n"


def item(text):
    return paragraph(text, "- ", "  ")


def code(text):
    return "`" + text.replace("|", "\\|") + "`"


def number(value):
    return f"{value:,}"


def plural(count, noun):
    return f"{number(count)} {noun}" + ("" if count == 1 else "s")


def listed(counts, noun="{}"):
    """'24 fast64, 24 generic'"""
    return ", ".join(f"{number(count)} {noun.format(name)}" for name, count in counts.items())


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    lines += ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def version(figures):
    return "Go " + figures["go"].removeprefix("go")


# ---- the sections

def sequence(figures):
    """The section on one goroutine."""
    variants = sorted({name.split("_")[2] for name in figures
                       if name.startswith("whole_streams_")})
    hashes = sorted({name.split("_")[3] for name in figures if name.startswith("whole_streams_")})
    each = tuple(f"_{variant}_{hash_name}" for variant in variants for hash_name in hashes)
    ended = {name.removeprefix("checked_ended_").replace("_", " "): count
             for name, count in sorted(figures.items())
             if name.startswith("checked_ended_") and not name.endswith(each)}
    return "\n".join((
        "## One goroutine\n",
        paragraph(f"""`harness/sequence_test.py`, seed {figures['seed']}, {version(figures)}.
            Streams of operations of the trace language go to Go's own map functions, with the same
            hashes and random state (`conformance/sequential`), and to `treadle trace`. After every
            operation result, `hmap` and `mapextra`, every chain with all slots, stale ones
            included, and every iterator must be the same, byte for byte; "in part" means result
            and `hmap` only. Variants {', '.join(variants)}; hashes {', '.join(hashes)}. No
            difference in:"""),
        item(f"{plural(figures['whole_streams'], 'stream')} of "
             f"{number(figures['whole_operations'])} operations together, up to B = "
             f"{figures['whole_b_max']};")
        + item(f"{plural(figures['large_streams'], 'stream')} on large maps, "
               f"{number(figures['large_operations'])} operations, up to B = "
               f"{figures['large_b_max']}: in part after every operation, whole after "
               f"{number(figures['large_digests'])} of them (every 5,000th of a stream, and each "
               f"of the three short streams);")
        + item(f"{plural(sum(ended.values()), 'stream')} with racing operations inside hasher and "
               f"equality calls, which a check of Go's ended by the same message: "
               f"{'; '.join(f'{message} {number(count)}' for message, count in ended.items())};")
        + item(f"{plural(figures['cleared_maps'], 'map')} over which a range went on after a "
               f"growth and a loop that deleted all: "
               f"{number(figures['cleared_maps_with_stale'])} gave "
               f"{number(figures['cleared_stale_entries'])} deleted entries, in Go and in the port "
               f"(a defect of Go's up to 1.20; plain Go programs show it, too);")
        + item(f"{plural(figures['fixtures'], 'recorded stream')} of `fixtures/` "
               f"({number(figures['fixtures_sum'])} in part)."),
        "What the streams made the runtime do:\n",
        table(("", "streams", "large maps"),
              [(text, number(figures[f"whole_{name}"]), number(figures[f"large_{name}"]))
               for name, text in COVERAGE])))


def needs(inside):
    """The sentence before the table of switches inside statements."""
    if inside == 0:
        return ""
    what = "The other one needs" if inside == 1 else f"The other {number(inside)} need"
    return f" {what} a switch between the two accesses of a row:"


def port_only(figures):
    total, between, inside = (figures[f"port_only{part}"] for part in ("", "_between", "_inside"))
    text = paragraph(f"""The port ended in {number(figures['port_outcomes'])} outcomes,
        {number(total)} of which the runs above had not met. The real code followed
        {plural(figures['executions_followed'], 'execution')} of the port, at least one for each
        outcome, switching where the port did, and made the same accesses each time. The schedules
        of the {number(total)} were then changed so that as few switches as could be stand inside
        a statement of Go's source. {number(between)} need none: the real code ends so, too, when
        it switches between statements only; chance had not met it."""
                     + needs(inside))
    rows = [(code(one["function"]), one["line"], code(one["after"]), code(one["before"]),
             number(one["outcomes"])) for one in figures["port_only_needs"]]
    return text + ("\n" + table(("Go function", "line", "after", "before", "outcomes"), rows)
                   if rows else "")


def recorded(figures):
    rows = figures["fixture_outcomes_wild"]
    text = paragraph(f"""`fixtures/*.txt` holds what another recorder saw in 50,000 runs each; it
        used Go's allocator and looked at the end of a run only. Of its
        {number(figures['fixture_outcomes'])} outcomes real code and port come to all but
        {number(len(rows))} by the schedules of `fixtures/*.schedules`. The others do not occur in
        {number(figures['fixture_runs'])} runs that end where they leave live memory. When such runs
        go on, in memory where blocks lie side by side as Go's allocator lays them, they do, and
        every run that ended so had left live memory or worked on a block that an earlier run had
        written from outside:""")
    return text + "\n" + table(
        ("file", "outcome", "the access that leaves live memory"),
        [(code(one["file"]), code(one["outcome"]),
          REASONS.get((one["file"], one["outcome"]), "(not looked into)")) for one in rows])


def concurrency(figures):
    """The section on several goroutines."""
    by = {name: listed(figures[f"programs_by_{name}"]) for name in ("variant", "hash")}
    goroutines = listed(figures["programs_by_goroutines"], "with {} goroutines")
    return "\n".join((
        "## Several goroutines\n",
        paragraph(f"""`harness/concurrency_test.py`, seed {figures['seed']}, {version(figures)}.
            Before the test, every access to a map's memory in a copy of the installed `map.go` and
            `map_fast64.go` is made a call (`conformance/concurrent/instrument`), and package
            runtime is built with that copy. A recorder (`conformance/concurrent/record`) runs
            programs on it, one goroutine at a time. By itself it switches between statements, by
            chance; a read-modify-write counts as two. Each block lies alone in memory, so that an
            access outside live memory is known before it happens; it ends the run (WILD), as it
            ends the port's."""),
        "### What the real code does, the port does\n",
        paragraph(f"""{plural(figures['programs'], 'program')} ({by['variant']}; hash {by['hash']};
            {goroutines}) over maps of up to 60 entries;
            {plural(figures['runs'], 'run')} of the real code, which ended in
            {plural(figures['outcomes'], 'outcome')}, not counting WILD
            ({plural(figures['runs_wild'], 'run')}) and ENDLESS
            ({plural(figures['runs_endless'], 'run')})."""),
        item(f"""All {number(figures['outcomes'])} are outcomes of the port. `treadle outcomes` met
            {number(figures['outcomes_searched'])} of them within
            {number(figures['executions'])} executions; to the other
            {number(figures['outcomes_followed'])} it was led by a real run's schedule.""")
        + item(f"""{number(figures['runs_followed'])} of the runs, of every outcome at least one,
            were repeated on the port access by access: the same
            {number(figures['accesses_followed'])} accesses in the same order, to the same places,
            reading and writing the same values, to the same outcome; also where that is WILD or
            PANIC. No difference."""),
        "### What the port does, the real code does\n",
        port_only(figures),
        "### Where the real code leaves live memory\n",
        "The lines of Go's source whose accesses ended runs above with WILD:\n",
        table(("Go function", "line", "runs"),
              [(code(one["function"]), one["line"], number(one["runs"]))
               for one in figures["wild"]]),
        "### Outcomes recorded earlier\n",
        recorded(figures)))


def document(sequence_figures, concurrency_figures):
    return (HEAD + sequence(sequence_figures) + "\n" + concurrency(concurrency_figures)
            + "\n## Known differences\n\n" + "".join(item(text) for text in DIFFERENCES))


def check(section, figures):
    """Raises unless the committed file holds this section. With another Go it cannot."""
    with open(DOCUMENT, encoding="utf-8") as file:
        committed = file.read()
    if version(figures).split()[1] + "." not in committed:
        print(f"CONFORMANCE.md was made with another Go than {version(figures)}: not compared")
    elif section(figures) not in committed:
        raise AssertionError("CONFORMANCE.md does not say what was measured. To make it anew: "
                             "maps/gomap/conformance/render.py build/conformance "
                             "> maps/gomap/CONFORMANCE.md")


def read(name):
    with open(os.path.join(sys.argv[1], name), encoding="ascii") as file:
        return json.load(file)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(f"usage: {sys.argv[0]} BUILD/conformance > maps/gomap/CONFORMANCE.md")
    print(document(read("sequence.json"), read("concurrency.json")), end="")
