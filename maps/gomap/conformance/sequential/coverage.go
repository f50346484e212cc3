// coverage.go: what a stream of operations made the runtime do, as counts. Growth is told by the
// fields of the map, looked at before and after each operation, nested ones too.
package main

import (
	"encoding/json"
	"math"
	"os"
	"runtime"
	"unsafe"
)

type counts struct {
	Go                    string `json:"go"`
	Operations            uint64 `json:"operations"` // nested ones not included
	Growths               uint64 `json:"growths"`    // to twice the size
	SameSizeGrowths       uint64 `json:"same_size_growths"`
	GrowthsInsideCalls    uint64 `json:"growths_inside_calls"` // begun by a nested operation
	OverflowBuckets       uint64 `json:"overflow_buckets"`
	OverflowPreallocated  uint64 `json:"overflow_preallocated"`
	OverflowDraws         uint64 `json:"overflow_draws"` // for noverflow, from B = 16 on
	Clears                uint64 `json:"clears"`
	ClearsDuringGrowth    uint64 `json:"clears_during_growth"`
	ClearsDuringIteration uint64 `json:"clears_during_iteration"`
	IteratorSteps         uint64 `json:"iterator_steps"`
	IteratorStepsGrowth   uint64 `json:"iterator_steps_during_growth"`
	IteratorStepsSameSize uint64 `json:"iterator_steps_during_same_size_growth"`
	IteratorStepsFiltered uint64 `json:"iterator_steps_filtered"` // in a bucket not evacuated
	IteratorStepsOutgrown uint64 `json:"iterator_steps_outgrown"` // begun before a growth
	IteratorStepsLookedUp uint64 `json:"iterator_steps_looked_up"`
	IteratorsPausedMax    uint64 `json:"iterators_paused_max"`
	NestedInHasher        uint64 `json:"nested_in_hasher"`
	NestedInEqual         uint64 `json:"nested_in_equal"`
	KeyCollisions         uint64 `json:"key_collisions"` // another key, the same tophash
	NaNAssigns            uint64 `json:"nan_assigns"`
	NaNStepsGrowth        uint64 `json:"nan_steps_during_growth"`
	BMax                  uint64 `json:"b_max"`
}

type coverage struct {
	counts
	float bool
	// The map as it was last looked at.
	h        *hmap
	was      hmap
	overflow uint64 // overflow buckets of its array
	taken    uint64 // of them preallocated ones
}

func (c *coverage) nan(key uint64) bool {
	f := math.Float64frombits(key)
	return c.float && f != f
}

// overflowOf counts the overflow buckets of the map's array, not of the old one. The map lists
// them, for its buckets hold no pointers.
func overflowOf(h *hmap) uint64 {
	if h.extra == nil || h.extra.overflow == nil {
		return 0
	}
	return uint64(len(*h.extra.overflow))
}

// preallocatedOf counts those of them that lie behind the array's 2^B buckets. nextOverflow is the
// next that is free, and nil when none is left, or was there.
func preallocatedOf(h *hmap) uint64 {
	if h.B < preallocatedFrom || h.buckets == nil {
		return 0
	}
	_, bytes := object(address(h.buckets))
	if h.extra != nil && h.extra.nextOverflow != nil {
		bytes = address(h.extra.nextOverflow) - address(h.buckets)
	}
	return uint64(bytes/bucketBytes - 1<<h.B)
}

// since returns how many of a count came since the last look; a map that was cleared counts anew.
func since(count, before uint64) uint64 {
	if count < before {
		return 0
	}
	return count - before
}

// look counts what has happened to the map since the last look.
func (c *coverage) look(h *hmap, inside bool) {
	if h == nil {
		return
	}
	overflow, taken := overflowOf(h), preallocatedOf(h)
	if h == c.h && c.was.buckets != nil {
		if h.buckets != c.was.buckets {
			c.overflow, c.taken = 0, 0
			if h.B > c.was.B {
				c.Growths++
			} else {
				c.SameSizeGrowths++
			}
			if inside {
				c.GrowthsInsideCalls++
			}
		}
		c.OverflowBuckets += since(overflow, c.overflow)
		c.OverflowPreallocated += since(taken, c.taken)
	}
	if uint64(h.B) > c.BMax {
		c.BMax = uint64(h.B)
	}
	c.h, c.was, c.overflow, c.taken = h, *h, overflow, taken
}

// forget drops the last look: the map is to be replaced.
func (c *coverage) forget() {
	c.h, c.was, c.overflow, c.taken = nil, hmap{}, 0, 0
}

func (c *coverage) before(op operation, h *hmap, iterators []*iterator) {
	c.look(h, false)
	if op.kind == opAssign && c.nan(op.first) {
		c.NaNAssigns++
	}
	if op.kind != opClear || h == nil {
		return
	}
	c.Clears++
	if h.oldbuckets != nil {
		c.ClearsDuringGrowth++
	}
	if paused(iterators) != 0 {
		c.ClearsDuringIteration++
	}
}

func (c *coverage) after(op operation, h *hmap, iterators []*iterator, inside bool) {
	c.look(h, inside)
	if op.kind == opIteratorInit {
		if count := paused(iterators); count > c.IteratorsPausedMax {
			c.IteratorsPausedMax = count
		}
	}
}

func paused(iterators []*iterator) (count uint64) {
	for _, one := range iterators {
		if !one.finished {
			count++
		}
	}
	return count
}

func (c *coverage) beforeStep(h *hmap) {
	c.IteratorSteps++
	if h == nil || h.oldbuckets == nil {
		return
	}
	if h.flags&sameSizeGrow != 0 {
		c.IteratorStepsSameSize++
	} else {
		c.IteratorStepsGrowth++
	}
}

func (c *coverage) afterStep(it *hiter) {
	if it.key == nil {
		return
	}
	if it.checkBucket != noCheck {
		c.IteratorStepsFiltered++
	}
	if it.B < it.h.B {
		c.IteratorStepsOutgrown++
	}
	if uintptr(unsafe.Pointer(it.key))-uintptr(unsafe.Pointer(it.bptr)) >= bucketBytes {
		c.IteratorStepsLookedUp++
	}
	if it.h.oldbuckets != nil && c.nan(*it.key) {
		c.NaNStepsGrowth++
	}
}

func (c *coverage) write(path string) error {
	c.Go = runtime.Version()
	text, err := json.Marshal(c.counts)
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(text, '\n'), 0o666)
}
