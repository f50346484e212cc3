#!/bin/bash
# build.sh: what ClusterFuzzLite and OSS-Fuzz call, in the checkout: for each target of `treadle
# list` but bench/* it leaves in $OUT a program, called after it with '_' for '/', its seeds (what
# the committed findings wish for) and its options. All the programs are harness/fuzz_target.c.
#
# From outside come $OUT, $WORK, $CC, $CXX, $CFLAGS, $CXXFLAGS and $LIB_FUZZING_ENGINE.
set -euo pipefail

build=$WORK/treadle
program=$WORK/fuzz_target
seeds=$WORK/seeds

# What executions show is told by counters: coverage of the scheduler's own code is not wanted.
# Names in reports and schedules come from all of the debug information, not from lines alone.
[ -f "$build/build.ninja" ] ||
    CFLAGS="${CFLAGS//-fsanitize=fuzzer-no-link/} -g" CXXFLAGS= meson setup "$build" . \
        -Dsanitize=false -Dlibfuzzer=disabled -Dafl=disabled -Dwerror=false
ninja -C "$build" treadle libengine.a libharness.a libsubjects.a

# At fixed addresses, as meson.build links. Libraries that the machine that runs it all may not have
# lie beside the programs.
libraries=$(pkg-config --libs libdw libelf jansson libxml-2.0 libxxhash)
# shellcheck disable=SC2086 # flags are words
$CC $CFLAGS -std=gnu11 -fno-pie -c harness/fuzz_target.c -o "$program.o"
# shellcheck disable=SC2086,SC2016 # the dynamic linker knows $ORIGIN
$CXX $CXXFLAGS -no-pie -Wl,--build-id "$program.o" -o "$program" \
    -Wl,--whole-archive "$build/libsubjects.a" -Wl,--no-whole-archive \
    "$build/libharness.a" "$build/libengine.a" $LIB_FUZZING_ENGINE $libraries -lm \
    -Wl,--disable-new-dtags '-Wl,-rpath,$ORIGIN/lib'
mkdir -p "$OUT/lib"
ldd "$program" | awk '$2 == "=>" && $3 ~ /^\// { print $3 }' |
    grep -Ev '/lib(c|m|dl|rt|pthread|gcc_s|stdc\+\+)\.so' | xargs -r cp -L -t "$OUT/lib"

rm -rf "$seeds"
targets=$("$build/treadle" list --json | sed -n 's/.*"target": "\([^"]*\)".*/\1/p')
for target in $targets; do
    [ "${target#bench/}" = "$target" ] || continue
    name=${target//\//_}
    mkdir -p "$seeds/$target"
    echo >"$seeds/$target/first"
    [ ! -d "findings/$target" ] ||
        "$build/treadle" corpus import "findings/$target" -o "$seeds" || true # fewer seeds, then
    [ ! -d "corpus/$target" ] || cp -r "corpus/$target/." "$seeds/$target"
    (cd "$seeds/$target" && python3 -m zipfile -c "$OUT/${name}_seed_corpus.zip" *)
    printf '[libfuzzer]\nmax_len = 512\nlen_control = 0\n' >"$OUT/$name.options"
    cp "$program" "$OUT/$name"
done
