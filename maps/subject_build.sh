#!/bin/sh
# subject_build.sh: writes a header that says of which build the subjects are: SUBJECT_COMPILER,
# SUBJECT_FLAGS and SUBJECT_HASH, which covers all of their objects except for debug information.
# The same sources and compiler give the same hash in any folder, whatever comments say.
#
#   subject_build.sh HEADER COMPILER FLAGS OBJECT...
set -eu

header=$1
compiler=$2
flags=$3
shift 3

stripped=$header.object
all=$header.objects
trap 'rm -f -- "$stripped" "$all" "$header.tmp"' EXIT
: >"$all"
for object; do
    objcopy --strip-debug "$object" "$stripped"
    cat -- "$stripped" >>"$all"
done
hash=$(sha256sum <"$all" | cut -c 1-16)
version=$("$compiler" -dumpfullversion)

cat >"$header.tmp" <<TEXT
/* Written by subject_build.sh: of which build the subjects are. */
#define SUBJECT_COMPILER "gcc-$version"
#define SUBJECT_FLAGS "$flags"
#define SUBJECT_HASH UINT64_C(0x$hash)
TEXT
# An unchanged header stays as old as it is, so that nothing is built again because of it.
cmp -s -- "$header.tmp" "$header" || mv -f -- "$header.tmp" "$header"
