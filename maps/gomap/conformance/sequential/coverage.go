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
	OverflowBuckets       uint64 `json:"overflow_buckets"`     // below B = 16, by noverflow
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
	h    *hmap
	was  hmap
	next *bmap
}

func (c *coverage) nan(key uint64) bool {
	f := math.Float64frombits(key)
	return c.float && f != f
}

// look counts what has happened to the map since the last look.
func (c *coverage) look(h *hmap, inside bool) {
	if h == nil {
		return
	}
	var next *bmap
	if h.extra != nil {
		next = h.extra.nextOverflow
	}
	if h == c.h && c.was.buckets != nil {
		if h.buckets == c.was.buckets {
			if h.B < 16 && h.noverflow > c.was.noverflow {
				c.OverflowBuckets += uint64(h.noverflow - c.was.noverflow)
			}
			if c.next != nil && next != c.next {
				c.OverflowPreallocated++
			}
		} else if h.B > c.was.B {
			c.Growths++
		} else {
			c.SameSizeGrowths++
		}
		if h.buckets != c.was.buckets && inside {
			c.GrowthsInsideCalls++
		}
	}
	if uint64(h.B) > c.BMax {
		c.BMax = uint64(h.B)
	}
	c.h, c.was, c.next = h, *h, next
}

// forget drops the last look: the map is to be replaced.
func (c *coverage) forget() {
	c.h, c.was, c.next = nil, hmap{}, nil
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
