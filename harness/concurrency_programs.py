"""concurrency_programs.py: concurrent programs of the trace language, generated from a seed: two or
three goroutines that assign, delete, access, clear and iterate, over maps of 0 to 60 entries.
"""

import collections
import random

# name: of the file; text: of the program, up to `par`
Generated = collections.namedtuple("Generated", "name text variant hash_name goroutines")

ENTRIES_MAX = 60
# With them a map grows by the next assignment or the one after it, or has just begun to.
SIZES_AT_GROWTH = (7, 8, 8, 9, 12, 13, 13, 14, 25, 26, 26, 27, 51, 52, 52, 53)
VARIANTS = ("fast64", "generic", "float64")
HASHES = ("mix", "mix", "low", "blk")
NEW_KEYS = (100, 101, 102, 103)
MINUS_ZERO, NAN = 0x8000000000000000, 0x7ff8000000000001  # keys are a float64's bits
NEW_FLOAT_KEYS = (100, 101, MINUS_ZERO, NAN)
# How likely are a, d, g, c, it, ii: of one goroutine, of the others.
WRITING, ANY = (70, 22, 0, 8, 0, 0), (36, 14, 20, 4, 20, 6)


def operation(generator, entries, new_keys, weights):
    """An operation of a goroutine; keys are those of the set-up, one more, or the new ones, few of
    them, so that goroutines meet."""
    kind = generator.choices(("a", "d", "g", "c", "it", "ii"), weights)[0]
    new = generator.random() < (0.7 if kind == "a" else 0.2)
    key = generator.choice(new_keys) if new else generator.randrange(entries + 1)
    if kind == "a":
        return f"a {key} {generator.randint(1, 9)}"
    if kind in ("d", "g"):
        return f"{kind} {key}"
    return "ii 1;in 1;in 1" if kind == "ii" else kind


def set_up(generator, entries, variant):
    """The lines before `par`. Some maps have been larger, so that they hold overflow buckets with
    little in them; some are in the middle of a growth, some have been iterated. An eighth of
    float64 keys are NaN, each of them a key of its own."""
    hint = generator.choice((0, 0, entries, 2 * entries))
    lines = [f"rand {generator.getrandbits(32)}", f"new {hint}"]
    dropped = generator.choice((0, 0, 0, generator.randint(0, ENTRIES_MAX - entries)))
    keys = list(range(entries)) + [200 + i for i in range(dropped)]
    generator.shuffle(keys)
    is_nan = {key for key in keys if variant == "float64" and key % 8 == 7}
    lines += [f"a {NAN if key in is_nan else key} {1000 + key}" for key in keys]
    lines += [f"d {key}" for key in keys if key >= 200 and key not in is_nan]
    if generator.random() < 0.15:
        lines.append("it")
    return lines


def generate(seed, number):
    """Program number `number`. Variants take turns, and so do numbers of goroutines."""
    generator = random.Random(f"{seed} {number}")
    if generator.random() < 0.6:
        entries = generator.choice(SIZES_AT_GROWTH)
    else:
        entries = generator.randint(0, ENTRIES_MAX)
    goroutines = 3 if number % 4 == 3 else 2
    variant = VARIANTS[number % len(VARIANTS)]
    new_keys = NEW_FLOAT_KEYS if variant == "float64" else NEW_KEYS
    programs = []
    for goroutine in range(goroutines):
        weights = WRITING if goroutine == 0 else ANY
        count = generator.randint(1, 3 if goroutines == 2 else 2)
        programs.append(";".join(operation(generator, entries, new_keys, weights)
                                 for _ in range(count)))
    generator.shuffle(programs)
    lines = set_up(generator, entries, variant) + ["par " + " | ".join(programs)]
    return Generated(f"{number:02}", "\n".join(lines) + "\n", variant,
                     generator.choice(HASHES), goroutines)
