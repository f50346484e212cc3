// Command sequential drives the maps of the Go runtime that it is linked with by the trace
// language, as `treadle trace gomap` drives the port, and prints the same lines: options and input
// are the same, and so must the output be. Maps hash by the language's own hashes, and draw from
// a generator that is set before each operation.
package main

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"syscall"
	"unsafe"
)

const (
	batchMax    = 64
	batchBytes  = 1 << 21
	outputBytes = 1 << 16
	garbageMax  = 1 << 29 // of dropped maps, before they are collected

	sparsePeriod = 5000 // operations
)

type trace struct {
	interpreter
	dumper
	dump       string // full, digest, sum, sparse, none
	out        []byte
	number     int    // of the operation that runs
	line       []byte // as it is written
	running    operation
	result     []byte
	random     uint64 // the generator's state between operations
	draws      uint64 // of this operation, before the last `rand` inside it
	before     uint64 // the state from which draws are counted
	nested     [2]nested
	calls      [2]uint64
	inside     []byte // lines K
	isInside   bool
	titles     [batchMax][]byte
	lines      [batchMax][]byte
	batch      int
	batchBytes int
	values     []uint64
	fatal      []byte // what the runtime has printed of its last message
}

// ---- output

// write writes to a file descriptor without a word to the scheduler, on whose own stack it must
// not be told of a system call.
func write(fd uintptr, text []byte) {
	for len(text) > 0 {
		count, _, err := syscall.RawSyscall(syscall.SYS_WRITE, fd,
			uintptr(unsafe.Pointer(&text[0])), uintptr(len(text)))
		if err == syscall.EINTR {
			continue
		}
		if err != 0 {
			syscall.RawSyscall(syscall.SYS_EXIT_GROUP, 2, 0, 0)
		}
		text = text[count:]
	}
}

func (t *trace) flush() {
	write(1, t.out)
	t.out = t.out[:0]
}

func appendDigest(out []byte, value uint64) []byte {
	out = append(out, "D "...)
	for shift := 60; shift >= 0; shift -= 4 {
		out = append(out, hexDigits[value>>shift&15])
	}
	return append(out, '\n')
}

func (t *trace) flushBatch() {
	t.values = digests(t.lines[:t.batch], t.values[:0])
	for i, value := range t.values {
		t.out = appendDigest(append(t.out, t.titles[i]...), value)
	}
	t.batch = 0
	t.batchBytes = 0
}

func (t *trace) appendTitle(out []byte) []byte {
	out = strconv.AppendInt(append(out, "O "...), int64(t.number), 10)
	out = append(append(out, ' '), t.line...)
	return append(out, '\n')
}

// appendDump appends the lines of the operation that has just run; with sum only the first ones.
func (t *trace) appendDump(out []byte, sum bool) []byte {
	out = append(append(out, t.inside...), "R "...)
	out = append(append(out, t.result...), '\n')
	draws, calls := uint64(0), uint64(0)
	if t.running.counted() {
		draws = t.draws + (t.random-t.before)*randomInverse
		calls = t.calls[hashCall]
	}
	out = t.appendMap(out, t.h, draws, calls, sum)
	if t.h == nil {
		return out
	}
	if sum {
		t.meetIterators(t.iterators)
		return out
	}
	return t.appendIterators(out, t.iterators)
}

func (t *trace) report() {
	switch t.dump {
	case "none":
	case "digest":
		t.titles[t.batch] = t.appendTitle(t.titles[t.batch][:0])
		t.lines[t.batch] = t.appendDump(t.lines[t.batch][:0], false)
		t.batchBytes += len(t.lines[t.batch])
		t.batch++
		if t.batch == batchMax || t.batchBytes >= batchBytes {
			t.flushBatch()
		}
	default:
		t.out = t.appendDump(t.appendTitle(t.out), t.dump != "full")
		if t.dump == "sparse" && t.number%sparsePeriod == 0 {
			t.lines[0] = t.appendDump(t.lines[0][:0], false)
			t.out = appendDigest(t.out, advance(fnvBasis, t.lines[0]))
		}
	}
	if len(t.out) >= outputBytes {
		t.flush()
	}
}

// end reports what ended the operation, and with it the trace.
func (t *trace) end(what, message string) {
	if t.dump != "none" {
		t.flushBatch()
		t.out = append(append(t.appendTitle(t.out), t.inside...), "R "...)
		t.out = append(append(append(t.out, what...), message...), '\n')
	}
	t.flush()
	syscall.RawSyscall(syscall.SYS_EXIT_GROUP, 1, 0, 0)
}

// ---- running

// drawn returns how many draws this operation has made.
func (t *trace) drawn() uint64 {
	return t.draws + (*randomState()-t.before)*randomInverse
}

func (t *trace) apply(op operation, out []byte) []byte {
	state := randomState()
	if op.kind == opRand {
		// Draws are told by the distance of states: count those before the jump.
		t.draws = t.drawn()
		t.before = op.first
		*state = op.first
		return out
	}
	if op.kind == opNew {
		before := *state
		t.dumper.forget() // makes a map, too
		*state = before
	}
	before := t.drawn() - t.keys.nanHashes
	t.coverage.before(op, t.h, t.iterators)
	out = t.interpreter.apply(op, out)
	t.coverage.after(op, t.h, t.iterators, t.isInside)
	if op.kind == opAssign && t.h.B >= 16 {
		t.coverage.OverflowDraws += t.drawn() - t.keys.nanHashes - before
	}
	return out
}

// enter is called as a hasher or key equality call begins.
func (t *trace) enter(call keyCall) {
	t.calls[call]++
	n := &t.nested[call]
	if !n.armed || t.calls[call] != n.at {
		return
	}
	n.armed = false
	outer := t.isInside
	t.isInside = true
	for i, op := range n.operations {
		result := t.apply(op, nil)
		t.inside = append(t.inside, [...]string{"K hash ", "K equal "}[call]...)
		t.inside = append(append(t.inside, n.texts[i]...), " => "...)
		t.inside = append(append(t.inside, result...), '\n')
		if call == hashCall {
			t.coverage.NestedInHasher++
		} else {
			t.coverage.NestedInEqual++
		}
	}
	t.isInside = outer
}

// runtimePrints is called for each piece of what the runtime prints, on the scheduler's stack when
// a check of the runtime's own ends the program.
func (t *trace) runtimePrints(fd uintptr, p unsafe.Pointer, n int32) int32 {
	const announced = "fatal error: "
	t.fatal = append(t.fatal, unsafe.Slice((*byte)(p), n)...)
	if t.fatal[len(t.fatal)-1] != '\n' {
		return n
	}
	message := t.fatal[:len(t.fatal)-1]
	if bytes.HasPrefix(message, []byte(announced)) {
		message = message[len(announced):]
		what := "FATAL THROW "
		if bytes.HasPrefix(message, []byte("concurrent map ")) { // else the runtime calls throw
			what = "FATAL "
		}
		t.end(what, string(message))
	}
	write(fd, t.fatal)
	t.fatal = t.fatal[:0]
	return n
}

func (t *trace) recoverPanic() {
	if cause := recover(); cause != nil {
		t.end("PANIC ", fmt.Sprint(cause))
	}
}

func (t *trace) runLine() {
	defer t.recoverPanic()
	t.result = t.apply(t.running, t.result[:0])
}

// collect frees the maps that were dropped. Otherwise nothing is ever freed: ids go by address.
func collect() {
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	if memory.HeapAlloc > garbageMax {
		runtime.GC()
	}
}

func (t *trace) traceOperation(line []byte, op operation) {
	if op.kind == opNew {
		t.h = nil
		t.iterators = nil
		t.coverage.forget()
		collect()
	}
	t.number++
	t.coverage.Operations++
	t.line = line
	t.running = op
	t.inside = t.inside[:0]
	t.calls = [2]uint64{}
	t.draws = 0
	t.before = t.random
	*randomState() = t.random
	t.runLine()
	t.random = *randomState()
	t.nested[hashCall].armed = false
	t.nested[equalCall].armed = false
	t.report()
}

func (t *trace) traceLine(line []byte) error {
	line = bytes.TrimSpace(line)
	if len(line) == 0 || line[0] == '#' {
		return nil
	}
	if line[0] == '@' || line[0] == '=' {
		n, err := parseNested(line)
		call := hashCall
		if line[0] == '=' {
			call = equalCall
		}
		t.nested[call] = n
		return err
	}
	op, err := parseOperation(line)
	if err == nil {
		t.traceOperation(line, op)
	}
	return err
}

func fail(format string, arguments ...any) {
	fmt.Fprintf(os.Stderr, format+"\n", arguments...)
	os.Exit(2)
}

func main() {
	// Allocation and collection must not draw from the generator, nor the goroutine change its M.
	runtime.MemProfileRate = 0
	debug.SetGCPercent(-1)
	runtime.LockOSThread()
	variant := flag.String("variant", "fast64", "fast64, generic, float64")
	hash := flag.String("hash", "mix", "mix, low, blk, table")
	dump := flag.String("dump", "full", "full, digest, sum, sparse, none")
	coveragePath := flag.String("coverage", "", "the `file` in which to count what was done")
	flag.Parse()
	if err := checkRuntime(); err != nil {
		fail("%v", err)
	}
	t := &trace{dump: *dump, fatal: make([]byte, 0, 1<<12)}
	switch *dump {
	case "full", "digest", "sum", "sparse", "none":
	default:
		fail("unknown dump '%s' (full, digest, sum, sparse, none)", *dump)
	}
	var err error
	if t.keys, err = newKeys(*variant, *hash, t.enter); err != nil {
		fail("%v", err)
	}
	t.coverage.float = t.keys.float
	input, err := io.ReadAll(os.Stdin)
	if err != nil {
		fail("standard input: %v", err)
	}
	overrideWrite = t.runtimePrints
	for i, line := range bytes.Split(input, []byte("\n")) {
		if err := t.traceLine(line); err != nil {
			t.flushBatch()
			t.flush()
			fail("line %d: %v", i+1, err)
		}
	}
	t.flushBatch()
	t.flush()
	if *coveragePath != "" {
		t.coverage.KeyCollisions = t.keys.collisions
		if err := t.coverage.write(*coveragePath); err != nil {
			fail("%v", err)
		}
	}
}
