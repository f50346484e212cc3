// Package runtime: what the copy of the map code calls in place of its memory accesses, and who
// runs when. Built into Go's runtime by an overlay (../instrument); ../record drives it.
//
// A section is a program of up to four workers (goroutines of the recorder, parked between
// sections) on one map. One worker runs at a time. Before every access of the map's memory stands a
// point, where another may go on; memory does not change between the point and its access.
package runtime

import "unsafe"

const (
	treadleWorkersMax = 4
	treadleStepsMax   = 20000 // accesses in a section; then it is ENDLESS
)

// Where an access stands.
type treadleSite struct {
	function string
	line     int
	place    string
	first    bool // of its statement: a switch may stand before it without being inside one
}

// By the numbers that accesses give; the first are these (instrument/rewrite.go, ownSites).
const (
	treadleSiteNone = iota
	treadleSiteHash
	treadleSiteHashDraw
	treadleSiteEqual
	treadleSiteEqualSecond
	treadleSiteElementStored
	treadleSiteElementLoaded
	treadleSiteRangeKey
	treadleSiteRangeElement
)

func treadleSiteOf(number int) (function string, line int, place string, first bool) {
	s := &treadleSites[number]
	return s.function, s.line, s.place, s.first
}

// A stretch of a schedule: so many accesses of one worker, one after the other.
type treadleStretch struct {
	worker int
	count  int
	// Of a recorded one: the sites between which the worker was left, when no statement begins
	// between them; else none.
	leftAt    int
	resumedAt int
}

// How a section is to run.
type treadlePlan struct {
	seed      uint64
	threshold uint32           // of 2^32: how likely a switch is before a statement
	follow    []treadleStretch // not nil: who runs is not left to chance
	recording bool             // schedule and digest
	tracing   bool             // and trace
}

// What came of it. The slices are used again for the next section.
type treadleResult struct {
	end      string // how it ended, if not by itself
	endSite  int    // WILD, PANIC: the access that did not happen
	diverged bool   // the plan could not be followed
	steps    int
	schedule []treadleStretch
	digest   uint64
	trace    []treadleAccess
	strays   []treadleAccess // accesses outside live memory, in crowded memory
}

const (
	treadleEndWild = "WILD"
	treadleEndNil  = "PANIC"
	treadleEndLong = "ENDLESS"
)

type treadleState struct {
	running bool // workers run; else the set-up does, and its accesses are not points
	stopped bool // the section is over; who is resumed unwinds

	// Workers, and behind them the recorder.
	gs       [treadleWorkersMax + 1]*g
	parked   [treadleWorkersMax]bool
	workers  int // of this section
	finished [treadleWorkersMax]bool
	left     int // of them, not finished
	current  int
	to       int // whom a switch goes to

	plan      treadlePlan
	random    uint64
	next      int // stretch of the plan that comes after the present one
	remaining int // accesses of the present one

	result   treadleResult
	lastSite [treadleWorkersMax]int
}

var treadle treadleState

// treadleSwitch lets another worker (or the recorder) go on; returns when it is the caller's turn.
func treadleSwitch(to int) {
	treadle.to = to
	treadle.current = to
	gopark(treadleReady, nil, waitReasonZero, traceEvNone, 1)
}

// Runs when the caller of treadleSwitch is parked.
func treadleReady(gp *g, _ unsafe.Pointer) bool {
	ready(treadle.gs[treadle.to], 0, true)
	return true
}

func treadlePark(gp *g, which unsafe.Pointer) bool {
	*(*bool)(which) = true
	return true
}

// treadleWorker makes the calling goroutine worker number i, and waits for its first section.
func treadleWorker(i int) {
	// Racing map code computes pointers that are none, and a stack that grows, or the garbage
	// collector, may see them.
	debug.invalidptr = 0
	treadle.gs[i] = getg()
	gopark(treadlePark, unsafe.Pointer(&treadle.parked[i]), waitReasonZero, traceEvNone, 1)
}

// treadleSection runs a section of the first workers; the recorder's goroutine calls it. What
// result's slices held is overwritten.
func treadleSection(workers int, plan *treadlePlan, result *treadleResult) {
	s := &treadle
	for i := 0; i < workers; i++ {
		for !s.parked[i] {
			Gosched()
		}
		s.finished[i] = false
		s.lastSite[i] = treadleSiteNone
	}
	s.gs[treadleWorkersMax] = getg()
	s.workers, s.left = workers, workers
	s.plan = *plan
	s.random = plan.seed
	s.result = treadleResult{schedule: result.schedule[:0], trace: result.trace[:0],
		strays: result.strays[:0], digest: treadleDigestStart}
	s.stopped = false
	s.next, s.remaining = 0, 0
	treadleForgetNumbers()
	first := 0
	if s.plan.follow != nil {
		first = treadleNextStretch()
	} else {
		first = int(treadleRandom() % uint64(workers))
	}
	s.running = true
	treadleSwitch(first)
	s.running = false
	s.current = treadleWorkersMax
	*result = s.result
}

// treadleFinished: a worker has done its part, or has unwound. Returns when the next section wants
// it.
func treadleFinished(i int) {
	s := &treadle
	s.finished[i] = true
	s.left--
	to := treadleWorkersMax
	if s.left > 0 {
		to = treadleOther(i)
		if s.plan.follow != nil && !s.stopped {
			s.result.diverged = s.result.diverged || s.remaining != 0
			to = treadleNextStretch()
		}
	}
	treadleSwitch(to)
}

// treadleNextStretch goes on to the next stretch of the plan and returns its worker. Where the plan
// does not fit, whoever can goes on.
func treadleNextStretch() int {
	s := &treadle
	for s.next < len(s.plan.follow) {
		stretch := s.plan.follow[s.next]
		s.next++
		if stretch.worker < s.workers && !s.finished[stretch.worker] {
			s.remaining = stretch.count
			return stretch.worker
		}
		s.result.diverged = true
	}
	s.result.diverged = true
	s.remaining = treadleStepsMax + 1
	for worker := s.current; ; worker++ {
		if worker %= treadleWorkersMax; worker < s.workers && !s.finished[worker] {
			return worker
		}
	}
}

// treadleOther draws a worker that is not finished, other than i.
func treadleOther(i int) int {
	s := &treadle
	others := s.left
	if !s.finished[i] {
		others--
	}
	chosen := int(treadleRandom() % uint64(others))
	for other := 0; ; other++ {
		if other == i || s.finished[other] {
			continue
		}
		if chosen == 0 {
			return other
		}
		chosen--
	}
}

func treadleRandom() uint64 {
	treadle.random += treadleSplitStep
	return treadleSplitMix(treadle.random)
}

// What unwinds a worker whose section is over.
type treadleStop struct{}

func treadleStopWith(end string) {
	treadle.result.end = end
	treadle.stopped = true
	panic(treadleStop{})
}

// treadleRecovered: a worker has recovered from a panic, its own or the section's end.
func treadleRecovered(failure any) {
	if _, ok := failure.(treadleStop); !ok && !treadle.stopped {
		treadle.result.end = treadleEndNil
		treadle.stopped = true
	}
}

func treadleFatal(message string) {
	treadleStopWith("FATAL " + message)
}

func treadleThrow(message string) {
	treadleStopWith("FATAL THROW " + message)
}

// treadlePoint stands before every access while workers run.
func treadlePoint(site int) {
	s := &treadle
	s.result.steps++
	if s.result.steps > treadleStepsMax {
		treadleStopWith(treadleEndLong)
	}
	if s.plan.follow != nil {
		for s.remaining == 0 && !s.stopped {
			if to := treadleNextStretch(); to != s.current {
				treadleSwitch(to)
			}
		}
		s.remaining--
	} else if treadleSites[site].first && s.left > 1 &&
		uint32(treadleRandom()>>32) < s.plan.threshold {
		treadleSwitch(treadleOther(s.current))
	}
	if s.stopped {
		panic(treadleStop{})
	}
	if s.plan.recording {
		treadleSchedule(site)
	}
}

// treadleSchedule adds an access to the schedule.
func treadleSchedule(site int) {
	s := &treadle
	worker := s.current
	schedule := s.result.schedule
	last := len(schedule) - 1
	if last < 0 || schedule[last].worker != worker {
		stretch := treadleStretch{worker: worker}
		if before := s.lastSite[worker]; before != treadleSiteNone && !treadleSites[site].first {
			stretch.leftAt, stretch.resumedAt = before, site
		}
		schedule = append(schedule, stretch)
		s.result.schedule = schedule
		last++
	}
	schedule[last].count++
	s.lastSite[worker] = site
}
