#!/bin/sh
# clang_test.sh: everything compiles with clang 14 too, without a warning. Keeps its build
# directory, so that only what has changed is compiled again.
#
#   clang_test.sh BUILD      the build directory that this one is to lie in
set -eu

command -v clang-14 >/dev/null || exit 77 # skipped

source=$(dirname -- "$(dirname -- "$(readlink -f -- "$0")")")
build=$1/clang

mkdir -p -- "$1"
exec 9<"$1"
flock 9
if [ ! -f "$build/build.ninja" ]; then
    rm -rf -- "$build"
    CC=clang-14 meson setup "$build" "$source" -Dsanitize=false
fi
ninja -C "$build"
