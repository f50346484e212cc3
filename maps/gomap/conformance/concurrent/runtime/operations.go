package runtime

import "unsafe"

// The operations of the trace language on the copy of the map code, and what the compiler emits
// around them: the loads and stores of elements.

// How keys are hashed (the trace language's --hash).
const (
	treadleHashMix = iota
	treadleHashLow
	treadleHashBlk
	treadleHashTable
)

// Which maps (the trace language's --variant).
const (
	treadleFast64 = iota
	treadleGeneric
	treadleFloat64
)

type treadleMapState struct {
	t        maptype
	key      _type
	h        *hmap
	variant  int
	hash     int
	injected []treadleInjection
}

type treadleInjection struct{ key, hash uint64 }

var treadleMap treadleMapState

// treadleNewType makes the type of map[uint64]uint64 or map[float64]uint64 again, with our hasher
// and equality.
func treadleNewType(variant, hash int) {
	var sample any = map[uint64]uint64(nil)
	if variant == treadleFloat64 {
		sample = map[float64]uint64(nil)
	}
	m := &treadleMap
	*m = treadleMapState{variant: variant, hash: hash}
	m.t = *(*maptype)(unsafe.Pointer(efaceOf(&sample)._type))
	m.key = *m.t.key
	m.key.equal = treadleEqual
	m.t.key = &m.key
	m.t.hasher = treadleHash
}

const treadleSplitStep = 0x9e3779b97f4a7c15

// treadleSplitMix is the finisher of splitmix64.
func treadleSplitMix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

func treadleHashOf(key uint64, seed uint32) uint64 {
	mixed := treadleSplitMix(key ^ treadleSplitMix(uint64(seed)+treadleSplitStep) + treadleSplitStep)
	switch treadleMap.hash {
	case treadleHashLow:
		return mixed&^0xff | mixed&3
	case treadleHashBlk:
		return mixed&^0xffffff | key>>6&0xff
	case treadleHashTable:
		for _, injection := range treadleMap.injected {
			if injection.key == key {
				return injection.hash
			}
		}
	}
	return mixed
}

// treadleHash hashes 0 and -0 alike and a NaN as a draw, as Go does.
func treadleHash(p unsafe.Pointer, seed uintptr) uintptr {
	key := treadleKey(p, treadleSiteHash)
	if treadleMap.variant == treadleFloat64 {
		if f := treadleFloat(key); f != f {
			key = uint64(treadleFastrand(treadleSiteHashDraw))
		} else if f == 0 {
			key = 0
		}
	}
	return uintptr(treadleHashOf(key, uint32(seed)))
}

func treadleFloat(bits uint64) float64 {
	return *(*float64)(unsafe.Pointer(&bits))
}

func treadleEqual(p, q unsafe.Pointer) bool {
	second := treadleSiteEqualSecond
	if treadlePrivate(p) {
		second = treadleSiteEqual
	}
	key := treadleKey(p, treadleSiteEqual)
	other := treadleKey(q, second)
	if treadleMap.variant == treadleFloat64 {
		return treadleFloat(key) == treadleFloat(other)
	}
	return key == other
}

func treadleInject(key, hash uint64) {
	for i := range treadleMap.injected {
		if treadleMap.injected[i].key == key {
			treadleMap.injected[i].hash = hash
			return
		}
	}
	treadleMap.injected = append(treadleMap.injected, treadleInjection{key, hash})
}

func treadleMake(hint int) {
	if hint <= bucketCnt {
		treadleMap.h = treadle_makemap_small()
	} else {
		treadleMap.h = treadle_makemap(&treadleMap.t, hint, nil)
	}
}

// treadleKeyOf gives an operation's key an address.
func treadleKeyOf(key uint64) unsafe.Pointer {
	place := &treadleMemory.keys[treadle.current]
	*place = key
	return unsafe.Pointer(place)
}

func treadleAssign(key, value uint64) {
	var element unsafe.Pointer
	if treadleMap.variant == treadleFast64 {
		element = treadle_mapassign_fast64(&treadleMap.t, treadleMap.h, key)
	} else {
		element = treadle_mapassign(&treadleMap.t, treadleMap.h, treadleKeyOf(key))
	}
	treadleStore64(value, (*uint64)(element), treadleSiteElementStored)
}

func treadleAccessKey(key uint64) (uint64, bool) {
	var element unsafe.Pointer
	var found bool
	if treadleMap.variant == treadleFast64 {
		element, found = treadle_mapaccess2_fast64(&treadleMap.t, treadleMap.h, key)
	} else {
		element, found = treadle_mapaccess2(&treadleMap.t, treadleMap.h, treadleKeyOf(key))
	}
	if !found {
		return 0, false
	}
	return treadleLoad64((*uint64)(element), treadleSiteElementLoaded), true
}

func treadleDelete(key uint64) {
	if treadleMap.variant == treadleFast64 {
		treadle_mapdelete_fast64(&treadleMap.t, treadleMap.h, key)
	} else {
		treadle_mapdelete(&treadleMap.t, treadleMap.h, treadleKeyOf(key))
	}
}

func treadleClearMap() {
	treadle_mapclear(&treadleMap.t, treadleMap.h)
}

// treadleIterator is a range over the map.
type treadleIterator struct{ it hiter }

func (r *treadleIterator) entry() (key, value uint64, found bool) {
	if r.it.key == nil {
		return 0, 0, false
	}
	key = treadleLoad64((*uint64)(r.it.key), treadleSiteRangeKey)
	value = treadleLoad64((*uint64)(r.it.elem), treadleSiteRangeElement)
	return key, value, true
}

func treadleRangeFirst() (r *treadleIterator, key, value uint64, found bool) {
	r = new(treadleIterator)
	treadle_mapiterinit(&treadleMap.t, treadleMap.h, &r.it)
	key, value, found = r.entry()
	return
}

func treadleRangeNext(r *treadleIterator) (key, value uint64, found bool) {
	treadle_mapiternext(&r.it)
	return r.entry()
}

func treadleFlip(mask uint8) { treadleMap.h.flags ^= mask }

func treadleSeed(seed uint32) bool {
	if treadleMap.h.count != 0 {
		return false
	}
	treadleMap.h.hash0 = seed
	return true
}

// ---- the map between operations ---------------------------------------------------------------

const treadleChainMax = 300

func treadleCount() int {
	if treadleMap.h == nil {
		return 0
	}
	return treadleMap.h.count
}

// treadleEntries appends the live entries of the map, key and element in turn. It reads live
// memory only.
func treadleEntries(entries []uint64) []uint64 {
	h := treadleMap.h
	if h == nil {
		return entries
	}
	if h.oldbuckets != nil {
		entries = treadleArrayEntries(entries, h.oldbuckets, h.noldbuckets(), true)
	}
	return treadleArrayEntries(entries, h.buckets, bucketShift(h.B), false)
}

func treadleArrayEntries(entries []uint64, array unsafe.Pointer, count uintptr, old bool) []uint64 {
	for i := uintptr(0); i < count; i++ {
		b := (*bmap)(add(array, i*uintptr(treadleMap.t.bucketsize)))
		for length := 0; length < treadleChainMax && b != nil; length++ {
			if !treadleLive(uintptr(unsafe.Pointer(b)), uintptr(treadleMap.t.bucketsize)) {
				break
			}
			if old && length == 0 && evacuated(b) {
				break
			}
			for slot := uintptr(0); slot < bucketCnt; slot++ {
				if b.tophash[slot] >= minTopHash {
					key := add(unsafe.Pointer(b), dataOffset+slot*8)
					entries = append(entries, *(*uint64)(key), *(*uint64)(add(key, bucketCnt*8)))
				}
			}
			b = b.overflow(&treadleMap.t)
		}
	}
	return entries
}
