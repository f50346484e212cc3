package main

import _ "unsafe" // for go:linkname

// What ../runtime adds to package runtime.

//go:linkname newType runtime.treadleNewType
func newType(variant, hash int)

//go:linkname hashOf runtime.treadleHashOf
func hashOf(key uint64, seed uint32) uint64

//go:linkname inject runtime.treadleInject
func inject(key, hash uint64)

//go:linkname forget runtime.treadleForget
func forget(crowded bool)

//go:linkname snapshot runtime.treadleSnapshot
func snapshot()

//go:linkname restore runtime.treadleRestore
func restore()

//go:linkname dirty runtime.treadleDirty
func dirty() bool

//go:linkname setDraws runtime.treadleSetDraws
func setDraws(state uint64)

//go:linkname makeMap runtime.treadleMake
func makeMap(hint int)

//go:linkname assign runtime.treadleAssign
func assign(key, value uint64)

//go:linkname access runtime.treadleAccessKey
func access(key uint64) (uint64, bool)

//go:linkname remove runtime.treadleDelete
func remove(key uint64)

//go:linkname clearMap runtime.treadleClearMap
func clearMap()

type iterator struct{ _ [12]uintptr }

//go:linkname rangeFirst runtime.treadleRangeFirst
func rangeFirst() (it *iterator, key, value uint64, found bool)

//go:linkname rangeNext runtime.treadleRangeNext
func rangeNext(it *iterator) (key, value uint64, found bool)

//go:linkname flip runtime.treadleFlip
func flip(mask uint8)

//go:linkname reseed runtime.treadleSeed
func reseed(seed uint32) bool

//go:linkname mapCount runtime.treadleCount
func mapCount() int

//go:linkname mapEntries runtime.treadleEntries
func mapEntries(entries []uint64) []uint64

//go:linkname becomeWorker runtime.treadleWorker
func becomeWorker(i int)

//go:linkname finished runtime.treadleFinished
func finished(i int)

//go:linkname recovered runtime.treadleRecovered
func recovered(failure any)

//go:linkname runSection runtime.treadleSection
func runSection(workers int, plan *sectionPlan, result *sectionResult)

// The same in package runtime: treadlePlan, treadleStretch, treadleResult, treadleAccess.

type sectionPlan struct {
	seed      uint64
	threshold uint32    // of 2^32: how likely a switch is before a statement
	follow    []stretch // not nil: who runs is not left to chance
	recording bool
	tracing   bool
}

type stretch struct {
	worker, count     int
	leftAt, resumedAt int // sites, if the worker was left inside a statement; else 0
}

type sectionResult struct {
	end      string
	endSite  int
	diverged bool
	steps    int
	schedule []stretch
	digest   uint64
	trace    []tracedAccess
	strays   []tracedAccess
}

type tracedAccess struct {
	worker  int
	kind    uint8
	site    int
	size    uintptr
	address tracedAddress
	value   tracedAddress
	before  uint64
}

type tracedAddress struct {
	block  int
	offset uint64
}

//go:linkname siteOf runtime.treadleSiteOf
func siteOf(number int) (function string, line int, place string, first bool)
