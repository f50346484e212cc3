#!/bin/sh
# compile_subject.sh: compiles one instrumented source and redirects its calls of the memory
# functions to the engine's. Renaming in the object, rather than --wrap in the link, keeps the
# engine's own calls out of it.
#
#   compile_subject.sh OBJECT COMPILER ARGUMENT...
set -eu

object=$1
shift
"$@" -c -o "$object.tmp"
objcopy \
    --redefine-sym memcpy=treadle_memcpy --redefine-sym __memcpy_chk=treadle_memcpy_chk \
    --redefine-sym memmove=treadle_memmove --redefine-sym __memmove_chk=treadle_memmove_chk \
    --redefine-sym memset=treadle_memset --redefine-sym __memset_chk=treadle_memset_chk \
    "$object.tmp" "$object"
rm -f -- "$object.tmp"
