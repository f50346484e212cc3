"""sequence_streams.py: random streams of operations of gomap's trace language, each a function of
its seed and shape alone. No check of Go's ends a stream, but those of checked() and
evacuated_twice().

A writer keeps a rough model of the map (present keys, B; what nested operations do is only guessed)
to steer to where the algorithm has most to do: growth under way, chains full of holes, the load
limit.
"""

import itertools
import random
import struct

VARIANTS = ("fast64", "generic", "float64")
HASHES = ("mix", "low", "blk", "table")
KEY_COUNTS = (12, 30, 80, 200, 350, 600)
LARGE_HINT = 700_000  # B = 17
FULL_HINT = 425_984  # B = 16, and one key more makes it grow
VALUE_MAX = 1_000_000
ITERATORS_MAX = 24
BLOCK = 64  # so many neighbours go to one bucket under blk


def float_bits(number):
    return struct.unpack("<Q", struct.pack("<d", number))[0]


def fastrand(state):
    """What the runtime's generator draws first in this state."""
    state = (state + 0xa0761d6478bd642f) % (1 << 64)
    product = state * (state ^ 0xe7037ed1a0b428db)
    return (product >> 64 ^ product) % (1 << 32)


MIX_START = 0x9e3779b97f4a7c15
MIX_STEPS = [(shift, factor, pow(factor, -1, 1 << 64)) for shift, factor in (
    (30, 0xbf58476d1ce4e5b9), (27, 0x94d049bb133111eb), (31, 1))]


def split_mix(number):
    number = (number + MIX_START) % (1 << 64)
    for shift, factor, _ in MIX_STEPS:
        number = (number ^ number >> shift) * factor % (1 << 64)
    return number


def split_mix_inverse(number):
    for shift, _, inverse in reversed(MIX_STEPS):
        number = number * inverse % (1 << 64)
        number ^= number >> shift ^ number >> 2 * shift
    return (number - MIX_START) % (1 << 64)


FLOAT_SPECIALS = [float_bits(number) for number in (
    0.0, -0.0, float("inf"), float("-inf"), 5e-324, -1.0, 1.7976931348623157e308)]
MINUS_ZERO = float_bits(-0.0)
NANS = [0x7ff8000000000000, 0x7ff8000000000001, 0xfff8000000000000, 0x7ff0000000000001,
        0xffffffffffffffff, 0x7ff8dead00000000]

# How often a phase takes each operation.
FILL = {"a": 75, "d": 5, "g": 6, "in": 10, "ii": 3, "ik": 1}
CHURN = {"a": 36, "d": 34, "g": 8, "in": 18, "ii": 3, "ik": 1}
DRAIN = {"a": 6, "d": 68, "g": 6, "in": 16, "ii": 3, "ik": 1}
READ = {"a": 4, "d": 4, "g": 70, "in": 18, "ii": 3, "ik": 1}
WALK = {"a": 4, "d": 3, "g": 6, "in": 76, "ii": 10, "ik": 1}  # growth takes long
HOVER = {"hover": 80, "g": 4, "in": 12, "ii": 3, "ik": 1}

# What operations do inside calls of others.
READS = ("g", "in", "in", "ii", "it", "h")
ANYTHING = READS + ("a", "a", "a", "a", "d", "d", "c", "ik", "seed", "rand")
LARGE_READS = ("g", "in", "in", "ii", "h")
LARGE_ANYTHING = LARGE_READS + ("a", "a", "a", "a", "d", "d", "ik", "rand")


class Writer:
    def __init__(self, seed, variant, hash_name, key_count):
        self.rng = random.Random(f"{seed} {variant} {hash_name} {key_count}")
        self.variant = variant
        self.hash_name = hash_name
        self.lines = []
        self.counted = 0  # operations: nested ones are not
        self.reads = READS
        self.anything = ANYTHING
        self.rarely = ("new",)
        self.hints = [0, 0, 0, 0, 1, 8, 9, 13, 14, 26, 27, 52, 53, 104, 105, 208, 209, 416, 417,
                      key_count // 2, key_count]
        base = BLOCK * self.rng.randrange(256) if hash_name == "blk" else self.rng.randrange(3)
        if variant == "float64":
            base += float_bits(1.0)
        self.keys = [base + i for i in range(key_count)]
        if variant == "float64":
            self.keys[:len(FLOAT_SPECIALS)] = FLOAT_SPECIALS[:key_count]
        self.make(0)

    # ---- the model

    def make(self, hint):
        self.present = []  # in no order
        self.places = {}  # of the present keys
        self.nan_count = 0
        self.limit = 8
        while hint > self.limit:
            self.limit = 13 if self.limit == 8 else 2 * self.limit

    def insert(self, key):
        if self.variant == "float64" and key == MINUS_ZERO:
            key = 0
        if key in self.places:
            return
        if self.variant == "float64" and key in NANS:
            self.nan_count += 1
        else:
            self.places[key] = len(self.present)
            self.present.append(key)
        if len(self.present) + self.nan_count > self.limit:
            self.limit = 13 if self.limit == 8 else 2 * self.limit

    def remove(self, key):
        if self.variant == "float64" and key == MINUS_ZERO:
            key = 0
        place = self.places.pop(key, None)
        if place is None:
            return
        last = self.present.pop()
        if last != key:
            self.present[place] = last
            self.places[last] = place

    def clear(self):
        self.present = []
        self.places = {}
        self.nan_count = 0

    # ---- operations

    def pick(self, items):
        return items[int(self.rng.random() * len(items))]

    def key(self):
        if self.variant == "float64" and self.rng.random() < 0.1:
            return self.pick(NANS)
        return self.pick(self.keys)

    def assign(self, key):
        self.insert(key)
        return f"a {key} {int(self.rng.random() * VALUE_MAX)}"

    def delete(self, key):
        self.remove(key)
        return f"d {key}"

    def hover(self):
        """Stays at the load limit, so that in time every bucket has had too many."""
        room = min(self.limit, len(self.keys)) - len(self.present) - self.nan_count
        if room > 0 and self.rng.random() < 0.35 + 0.1 * room:
            return self.assign(self.pick(self.keys))
        return self.delete(self.pick(self.present or self.keys))

    def operation(self, name):
        if name == "a":
            return self.assign(self.key())
        if name == "d":
            few = self.rng.random() < 0.3 or not self.present
            return self.delete(self.key() if few else self.pick(self.present))
        if name == "hover":
            return self.hover()
        if name in ("g", "h"):
            return f"{name} {self.key()}"
        if name in ("ii", "in", "ik"):
            return f"{name} {1 + int(self.rng.random() ** 2 * ITERATORS_MAX)}"
        if name == "new":
            hint = self.pick(self.hints)
            self.make(hint)
            return f"new {hint}"
        if name == "c":
            self.clear()
        if name == "seed":
            return f"seed {self.rng.getrandbits(32)}"
        if name == "rand":
            return f"rand {self.rng.getrandbits(64)}"
        if name == "xf":  # iterator flags
            return f"xf {self.rng.randrange(1, 4)}"
        return name

    def write(self, line):
        self.lines.append(line)
        self.counted += 1

    def list_of(self, names, count_max):
        count = self.rng.randrange(1, count_max + 1)
        return ";".join(self.operation(self.pick(names)) for _ in range(count))

    def nest(self, name):
        """Writes what is to happen inside a call of the next operation, and that operation, so
        that no check of Go's ends the trace: the first call of a write comes before it sets the
        writing flag, all others behind, where `xf 4` lifts the flag for a while; reads set none."""
        rng = self.rng
        if name in ("a", "d", "hover"):
            if rng.random() < 0.5:
                self.lines.append(f"@1 {self.list_of(self.anything, 4)}")
            else:
                equal = self.variant != "fast64" and rng.random() < 0.5
                call = f"={rng.randrange(1, 4)}" if equal else f"@{rng.randrange(2, 9)}"
                self.lines.append(f"{call} xf 4;{self.list_of(self.reads, 3)};xf 4")
        elif rng.random() < 0.3:
            self.lines.append(f"@1 {self.list_of(self.reads, 2)}")
            self.lines.append(f"=1 {self.list_of(self.reads, 2)}")
        else:
            names = self.rarely if rng.random() < 0.05 else self.anything
            call = f"{rng.choice('@@@=')}{rng.choice((1, 1, 1, 2, 3))}"
            self.lines.append(f"{call} {self.list_of(names, 4)}")
        self.write(self.operation(name))

    # ---- phases

    def mixture(self, weights, count):
        names = list(weights)
        cumulative = list(itertools.accumulate(weights.values()))
        for name in self.rng.choices(names, cum_weights=cumulative, k=count):
            if self.rng.random() < 0.04:
                self.nest(name)
            else:
                self.write(self.operation(name))

    def grow(self):
        """Keys until a growth begins, then iterators during it."""
        limit = self.limit
        for key in self.rng.sample(self.keys, len(self.keys)):
            if self.limit > limit:
                break
            if self.rng.random() < 0.15:
                self.write(self.operation(self.pick(("ii", "in"))))
            self.write(self.assign(key))
        self.mixture(WALK, self.rng.randrange(5, 100))

    def room(self):
        """How many keys may come before the map grows."""
        return max(self.limit - len(self.present) - self.nan_count, 0)

    def roll(self):
        """Again and again fills up, one chain if it can, and empties: overflow buckets stay, until
        there are too many and the map grows to the same size."""
        blocks = range(0, len(self.keys), BLOCK)
        first = self.rng.randrange(len(blocks))
        for i in range(self.rng.randrange(3, 12)):
            if self.hash_name == "blk":
                start = blocks[(first + i) % len(blocks)]
                some = self.keys[start:start + BLOCK][:self.room()]
            else:
                some = self.rng.sample(self.keys, min(self.room(), len(self.keys), 100))
            lines = [self.assign(key) for key in some]
            lines += [self.delete(key) for key in some if self.rng.random() < 0.95]
            for line in lines:
                self.write(line)
                if self.rng.random() < 0.2:
                    self.write(self.operation(self.pick(("in", "in", "in", "ii"))))
                if self.rng.random() < 0.02:
                    self.mixture(WALK, 15)

    def phase(self):
        chance = self.rng.random()
        if chance < 0.5:
            self.grow()
        elif chance < 0.6:
            self.roll()
        elif chance < 0.7:
            self.mixture(HOVER, self.rng.randrange(100, 500))
        else:
            self.mixture(self.pick((FILL, CHURN, DRAIN, READ, WALK)), self.rng.randrange(10, 200))

    def between_phases(self):
        chance = self.rng.random()
        if chance < 0.15:
            self.write(self.operation("c"))
        elif chance < 0.4:
            self.write(self.operation("new"))
        elif chance < 0.5:
            self.write(self.operation(self.pick(("rand", "seed", "xf", "h"))))
        elif chance < 0.6:
            self.write("it")

    def begin(self, hint):
        self.write(self.operation("rand"))
        self.make(hint)
        self.write(f"new {hint}")
        if self.hash_name == "table":
            self.inject()

    def inject(self):
        """Gives many keys hashes which collide: wholly, in the bucket, in the tophash."""
        rng = self.rng
        hashes = [rng.getrandbits(64) for _ in range(2 + len(self.keys) // 8)]
        hashes += [one & (1 << 56) - 1 | rng.randrange(8) << 56 for one in hashes[:8]]
        hashes += [0, (1 << 64) - 1]
        for key in self.keys:
            hash_value = self.pick(hashes)
            if rng.random() < 0.3:
                hash_value ^= rng.getrandbits(8)
            if rng.random() < 0.3:
                hash_value ^= rng.getrandbits(8) << 56
            if rng.random() < 0.8:
                self.write(f"H {key} {hash_value:#x}")

    def text(self):
        return ("\n".join(self.lines) + "\n").encode()


def cut(writer, count):
    """The stream's first count operations."""
    while writer.counted > count:
        line = writer.lines.pop()
        writer.counted -= line[0] not in "@="
    return writer.text()


def whole(seed, variant, hash_name, key_count, count):
    """Maps that grow, shrink, are cleared and made anew under iterators."""
    writer = Writer(seed, variant, hash_name, key_count)
    writer.begin(writer.pick(writer.hints))
    while writer.counted < count:
        writer.phase()
        writer.between_phases()
    return cut(writer, count)


def large_writer(seed, variant, hash_name, key_count, hint):
    writer = Writer(seed, variant, hash_name, key_count)
    writer.reads = LARGE_READS
    writer.anything = writer.rarely = LARGE_ANYTHING
    writer.hints = [hint]
    writer.begin(hint)
    return writer


def large(seed, variant, count):
    """2^17 buckets, few of them used: whether an overflow bucket is counted is drawn."""
    writer = large_writer(seed, variant, "blk", 12_000, LARGE_HINT)
    while writer.counted < count:
        writer.mixture({"a": 70, "d": 15, "g": 14, "in": 0.5, "ii": 0.5}, 2000)
    return cut(writer, count)


def large_growth(seed, variant, count):
    """From 2^16 buckets, all in use, to 2^17, and count operations more."""
    writer = large_writer(seed, variant, "mix", FULL_HINT + 50_000, FULL_HINT)
    for key in writer.keys:
        if writer.room() < 20:
            writer.write(writer.operation("ii"))
        if writer.limit > FULL_HINT:
            break
        writer.write(writer.assign(key))
    writer.mixture({"a": 50, "d": 10, "g": 10, "in": 28, "ii": 2}, count)
    return writer.text()


def large_same_size_growth(seed, variant, count):
    """2^16 buckets and 2^15 overflow buckets, three behind a bucket, of which none is missed, for
    the generator is set before each; then count operations more."""
    writer = large_writer(seed, variant, "mix", 0, FULL_HINT)
    hash0 = writer.rng.getrandbits(32)
    writer.write(f"seed {hash0}")
    seed_mix = split_mix(hash0)
    state = next(state for state in itertools.count(seed) if fastrand(state) & 1 == 0)
    for i in range((1 << 15) // 3 * 32 + 64):
        key = split_mix_inverse(i // 32 | i % 251 << 56) ^ seed_mix
        if i % 8 == 0:
            writer.write(f"rand {state}")
        writer.write(writer.assign(key))
        writer.keys.append(key)
    writer.mixture({"a": 20, "d": 30, "g": 10, "in": 35, "ii": 5}, count)
    return writer.text()


def checked(seed, variant, hash_name, count):
    """Nested operations that do not heed the writing flag, and others while it is set: sooner or
    later one meets a check."""
    writer = Writer(seed, variant, hash_name, 40)
    names = ("a", "a", "d", "g", "in", "ii", "it", "c")
    writer.begin(writer.pick((0, 9, 30)))
    writer.mixture(FILL, writer.rng.randrange(10, 120))
    while writer.counted < count:
        writer.mixture(CHURN, writer.rng.randrange(1, 20))
        if writer.rng.random() < 0.1:
            writer.write("xf 4")
        else:
            call = f"{writer.pick('@=')}{writer.rng.randrange(1, 6)}"
            writer.lines.append(f"{call} {writer.list_of(names, 3)}")
        writer.write(writer.operation(writer.pick(names)))
    return cut(writer, count)


def evacuated_twice(seed, variant):
    """An assignment inside the evacuation of a bucket evacuates the same one: bad map state."""
    writer = Writer(seed, variant, "mix", 300)
    writer.begin(0)
    keys = writer.rng.sample(writer.keys, len(writer.keys))
    while writer.limit <= 208:
        writer.write(writer.assign(keys.pop()))
    for key in writer.present[:100]:
        writer.lines.append(f"@2 xf 4;a {key} 1;xf 4")
        writer.write(f"a {key} 2")
    return writer.text()


def cleared(seed, variant, hash_name, count):
    """That many maps over which a range begins, then a growth, then all entries are deleted in a
    loop; the range goes on."""
    writer = Writer(seed, variant, hash_name, 700)
    rng = writer.rng
    writer.write(writer.operation("rand"))
    for _ in range(count):
        writer.make(0)
        writer.write("new 0")
        keys = rng.sample(writer.keys, len(writer.keys))
        full = rng.choice((26, 52, 104, 208, 416))
        while len(writer.present) < full:
            writer.write(writer.assign(keys.pop()))
        writer.write("ii 1")
        for _ in range(rng.randrange(full // 2)):
            writer.write("in 1")
        for _ in range(rng.randrange(1, 2 + full // 26)):  # evacuates two old buckets each
            writer.write(writer.assign(keys.pop()))
        writer.write(writer.operation("c"))
        for _ in range(rng.randrange(3)):
            writer.write(writer.assign(keys.pop()))
        for _ in range(full + 5):
            writer.write("in 1")
    return writer.text()
