// record runs a program of the trace language on the real map code, under interleavings of its
// choice, and prints what it ended in, as `treadle outcomes` does for the port. It is built with the
// overlay that ../instrument writes.
//
//	record [OPTIONS] FILE
//
// explores; with -schedules it writes schedules of what it saw, which harness/conformance_port.c
// follows on the port, and with -follow it follows that program's, or its own.
package main

import (
	"bufio"
	"flag"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
)

var variants = map[string]int{"fast64": 0, "generic": 1, "float64": 2}

var hashes = map[string]int{"mix": 0, "low": 1, "blk": 2, "table": 3}

func main() {
	variant := flag.String("variant", "fast64", "fast64, generic or float64")
	hash := flag.String("hash", "mix", "mix, low, blk or table")
	runs := flag.Int("runs", 50000, "random interleavings")
	seed := flag.Uint64("seed", 1, "of the interleavings")
	crowded := flag.Bool("crowded", false, "blocks lie side by side; wild accesses are carried out")
	schedules := flag.String("schedules", "", "file to write schedules to")
	more := flag.Int("more", 0, "schedules of so many runs beside the first of each outcome")
	wild := flag.String("wild", "", "file to write to where runs left live memory")
	follow := flag.String("follow", "", "file with schedules to follow")
	trace := flag.Int("trace", -1, "print the accesses of this run (or line, with -follow) only")
	flag.Parse()
	hashNumber, knownHash := hashes[*hash]
	variantNumber, knownVariant := variants[*variant]
	if flag.NArg() != 1 || !knownHash || !knownVariant {
		flag.Usage()
		os.Exit(2)
	}
	program := readProgram(flag.Arg(0))
	// Workers run one at a time, and nothing else beside them.
	runtime.GOMAXPROCS(1)
	debug.SetGCPercent(-1)
	newType(variantNumber, hashNumber)
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	r := newRecorder(program, *crowded)
	if *follow != "" {
		r.followAll(readSchedules(*follow), *trace, out)
		return
	}
	e := explorer{recorder: r, seed: *seed}
	if *trace >= 0 {
		plan := e.plan(*trace)
		r.trace(&plan, out)
		return
	}
	e.explore(*runs)
	e.print(out)
	if *wild != "" {
		e.writeWild(*wild)
	}
	if *schedules != "" {
		e.writeSchedules(*schedules, *more, *runs)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "record:", err)
	os.Exit(2)
}

func readProgram(path string) *program {
	file, err := os.Open(path)
	if err != nil {
		fail(err)
	}
	defer file.Close()
	program, err := parseProgram(file)
	if err != nil {
		fail(fmt.Errorf("%s: %w", path, err))
	}
	return program
}
