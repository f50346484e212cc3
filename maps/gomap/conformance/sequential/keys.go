// keys.go: the maps' types: those that the compiler made, with another hasher and a key equality
// that tell of their calls.
package main

import (
	"fmt"
	"math"
	"unsafe"
)

// keyCall is a call from the map back into its type.
type keyCall int

const (
	hashCall keyCall = iota
	equalCall
)

// keys says how the keys of a map are hashed.
type keys struct {
	hash       func(k, seed uint64) uint64
	injected   map[uint64]uint64 // `H`; nil unless --hash table
	float      bool
	fast64     bool // mapassign_fast64 and so on, not the generic functions
	mapType    *mapType
	collisions uint64 // equality calls for another key
	nanHashes  uint64 // draws for hashes
}

// splitMix is the finisher of splitmix64.
func splitMix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

func mix(k, seed uint64) uint64 {
	return splitMix(k ^ splitMix(seed))
}

func low(k, seed uint64) uint64 {
	hash := mix(k, seed)
	return hash&^0xff | hash&3
}

func blk(k, seed uint64) uint64 {
	return mix(k, seed)&^0xffffff | k>>6&0xff
}

// newKeys makes the map type of a variant with a hash. enter is called as a hasher or equality
// call begins.
func newKeys(variant, hash string, enter func(keyCall)) (*keys, error) {
	k := &keys{}
	var prototype any = map[uint64]uint64(nil)
	switch variant {
	case "fast64":
		k.fast64 = true
	case "generic":
	case "float64":
		k.float = true
		prototype = map[float64]uint64(nil)
	default:
		return nil, fmt.Errorf("unknown variant '%s' (fast64, generic, float64)", variant)
	}
	switch hash {
	case "mix":
		k.hash = mix
	case "low":
		k.hash = low
	case "blk":
		k.hash = blk
	case "table":
		k.hash = mix
		k.injected = map[uint64]uint64{}
	default:
		return nil, fmt.Errorf("unknown hash '%s' (mix, low, blk, table)", hash)
	}
	// The first word of an interface is its type.
	copied := **(**mapType)(unsafe.Pointer(&prototype))
	key := *copied.key
	equal := key.equal
	key.equal = func(a, b unsafe.Pointer) bool {
		enter(equalCall)
		if !equal(a, b) {
			if a != b {
				k.collisions++
			}
			return false
		}
		return true
	}
	copied.key = &key
	copied.hasher = func(p unsafe.Pointer, seed uintptr) uintptr {
		enter(hashCall)
		return uintptr(k.hashOf(*(*uint64)(p), uint64(seed)))
	}
	k.mapType = &copied
	return k, nil
}

// hashOf returns the hash of a key. That of a NaN takes a draw of the running M's generator.
func (k *keys) hashOf(key, seed uint64) uint64 {
	if k.float {
		if f := math.Float64frombits(key); f == 0 {
			key = 0
		} else if f != f {
			key = uint64(fastrand())
			k.nanHashes++
		}
	}
	// Looking up and assigning without growth draw nothing; nor does anything else here.
	if hash, found := k.injected[key]; found {
		return hash
	}
	return k.hash(key, seed)
}

// inject gives a key this hash; without effect unless --hash table.
func (k *keys) inject(key, hash uint64) {
	if k.injected != nil {
		k.injected[key] = hash
	}
}
