#!/bin/sh
# treadle-cc: gcc for programs that Treadle is to execute (--help says more). All it does is to call
# gcc with specs of its own: so its options, messages and exit codes are gcc's.
set -u

here=$(dirname -- "$(readlink -f -- "$0")")
export TREADLE_CC_LIBRARY="$here"

case ${1-} in
--help | -h)
    cat <<'TEXT'
treadle-cc GCC-OPTION... FILE...

Compiles and links C programs for Treadle; called like gcc, also with -c and from build systems
(CC=treadle-cc). The program then runs as always, and with --treadle under Treadle:

  treadle-cc -Wall prog.c -o prog
  ./prog ARGUMENT...                               on real threads
  ./prog ARGUMENT... --treadle fuzz --time 10s     its main under ever new interleavings
  ./prog ARGUMENT... --treadle replay --trace FILE
  ./prog --treadle help

Every file is compiled with a hook at each access to memory (gcc 12, -O1 -g unless told otherwise).
A finding is, among others: a failed assert, an exit status other than 0, a deadlock, memory used
after free or leaked, a lock misused. What the program prints is dropped, but for replay --trace.
TEXT
    exit 0
    ;;
esac
refuse() {
    echo "treadle-cc: $1 is not supported" >&2
    exit 2
}

before=
for option; do
    case $before in
    -o | -MF | -MT | -MQ | -include | -imacros | -isystem | -idirafter | -I | -L | -D | -U | -T | \
        -Xlinker | -aux-info)
        before= # what follows these is no option and no source file
        continue
        ;;
    -x) option=-x$option ;;
    esac
    before=$option
    case $option in
    -shared | -static | -static-pie | -fopenmp) refuse "$option" ;;
    # The program's own threads and memory would be the sanitizer's.
    -fsanitize=*thread* | -fsanitize=*address* | -fsanitize=*leak*) refuse "$option" ;;
    -xc++* | -xobjective-c++* | -std=c++* | -std=gnu++* | -lstdc++*) refuse "C++ ($option)" ;;
    -*) ;;
    *.cc | *.cp | *.cxx | *.cpp | *.CPP | *.c++ | *.C | *.ii | *.mm | *.M | *.mii)
        refuse "C++ ($option)"
        ;;
    esac
done
exec gcc-12 -specs="$here/treadle-cc.specs" "$@" -no-pie
