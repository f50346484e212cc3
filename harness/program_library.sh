#!/bin/sh
# program_library.sh: makes what treadle-cc links to programs: engine, harness and all as one object
# in an archive, and the specs by which gcc uses it.
#
#   program_library.sh ARCHIVE SPECS ENGINE PROGRAM_MAIN HARNESS
#
# The first two come whole, of HARNESS what they need.
#
# Of the object nothing but its interface can be seen from outside: the hooks, treadle.h, and its
# versions of the C library's functions, __wrap_NAME. A program is linked with --wrap=NAME; here the
# object's own references to NAME become __real_NAME, which that option takes for NAME itself. Its
# data have sections of their own, so that the program's can be told apart (scheduler/image.h).
set -eu

archive=$1
specs=$2
engine=$3
program_main=$4
harness=$5

work=$archive.parts
rm -rf -- "$work"
mkdir -p -- "$work"
trap 'rm -rf -- "$work"' EXIT

cat >"$work/sections" <<'SCRIPT'
SECTIONS {
    treadle_data : { *(.data .data.*) }
    treadle_bss (NOLOAD) : { *(.bss .bss.* COMMON) }
}
SCRIPT
ld -r -T "$work/sections" -o "$work/all.o" --whole-archive "$engine" "$program_main" \
    --no-whole-archive "$harness"

objcopy --strip-debug \
    --redefine-sym treadle_memcpy=__wrap_memcpy \
    --redefine-sym treadle_memcpy_chk=__wrap___memcpy_chk \
    --redefine-sym treadle_memmove=__wrap_memmove \
    --redefine-sym treadle_memmove_chk=__wrap___memmove_chk \
    --redefine-sym treadle_memset=__wrap_memset \
    --redefine-sym treadle_memset_chk=__wrap___memset_chk \
    "$work/all.o"
nm --defined-only "$work/all.o" | sed -n 's/^[0-9a-f]* T __wrap_//p' | sort >"$work/names"
sed 's/.*/& __real_&/' "$work/names" >"$work/renamed"
objcopy --redefine-syms="$work/renamed" --wildcard --keep-global-symbol='__wrap_*' \
    --keep-global-symbol='__tsan_*' --keep-global-symbol='treadle_*' "$work/all.o" "$work/treadle.o"

rm -f -- "$archive"
ar rcs "$archive" "$work/treadle.o"

wraps=$(sed 's/.*/--wrap=&/' "$work/names" | tr '\n' ' ')
hooks='-fsanitize=thread --param=tsan-instrument-func-entry-exit=0'
hooks="$hooks -fno-builtin-memcpy -fno-builtin-memmove -fno-builtin-memset"
# Uninitialised memory is the same in every process: 0.
hooks="$hooks -ftrivial-auto-var-init=zero -fno-lto -Wno-tsan"
# The archive comes before libgcc, which has a __wrap_pthread_create of its own.
cat >"$specs" <<SPECS
# Written by program_library.sh: what treadle-cc adds to gcc's own specs.

%rename link_gcc_c_sequence treadle_old_sequence

*cc1:
+ %{!O*:-O1} %{!g*:-g} -fsanitize=thread

*cc1_options:
+ $hooks

*link:
+ %{!r:$wraps}

*link_gcc_c_sequence:
%:getenv(TREADLE_CC_LIBRARY /libtreadle.a) -ljansson -lxml2 -ldw -lelf -lm %(treadle_old_sequence)

SPECS
