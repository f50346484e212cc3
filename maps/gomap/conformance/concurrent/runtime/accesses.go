package runtime

import "unsafe"

// What stands in the copy for single accesses of memory, and for the runtime's functions that
// access it.

type treadleKind uint8

const (
	treadleRead treadleKind = 1 + iota
	treadleWrite
	treadleModify // a load and a store in one step
	treadleMoved  // a copy of several words
)

// One access, for a trace.
type treadleAccess struct {
	worker  int
	kind    treadleKind
	site    int
	size    uintptr
	address treadleAddress
	value   treadleAddress // read or written; 0 of more than a word; of a copy, its source
	before  uint64         // of a modification
}

// treadleBegin is everything up to the access; the caller then carries it out and tells
// treadleEnd if that returned true.
func treadleBegin(p unsafe.Pointer, size uintptr, site int) bool {
	if treadle.running {
		treadlePoint(site)
	}
	treadleCheck(p, size, site)
	return treadle.running && treadle.plan.recording
}

// FNV-1a, by words.
const (
	treadleDigestStart = 14695981039346656037
	treadleDigestPrime = 1099511628211
)

func treadleDigest(words ...uint64) {
	for _, word := range words {
		treadle.result.digest = (treadle.result.digest ^ word) * treadleDigestPrime
	}
}

// treadleEnd records the access that was carried out; harness/conformance_port.c computes the same
// digest of the port.
func treadleEnd(kind treadleKind, p unsafe.Pointer, size uintptr, site int, value, before uint64) {
	s := &treadle
	a := treadleAccess{worker: s.current, kind: kind, site: site, size: size, before: before}
	a.address = treadleName(uint64(uintptr(p)))
	a.value = treadleAddress{-1, value}
	if kind == treadleMoved || size == 8 && kind != treadleModify {
		a.value = treadleName(value)
	}
	treadleDigest(uint64(a.worker+1)|uint64(kind)<<8|uint64(size)<<16,
		uint64(a.address.block)<<32|a.address.offset, uint64(a.value.block), a.value.offset, before)
	if s.plan.tracing {
		s.result.trace = append(s.result.trace, a)
	}
}

func treadleLoad8(p *uint8, site int) uint8 {
	recorded := treadleBegin(unsafe.Pointer(p), 1, site)
	value := *p
	if recorded {
		treadleEnd(treadleRead, unsafe.Pointer(p), 1, site, uint64(value), 0)
	}
	return value
}

func treadleLoad16(p *uint16, site int) uint16 {
	recorded := treadleBegin(unsafe.Pointer(p), 2, site)
	value := *p
	if recorded {
		treadleEnd(treadleRead, unsafe.Pointer(p), 2, site, uint64(value), 0)
	}
	return value
}

func treadleLoad32(p *uint32, site int) uint32 {
	recorded := treadleBegin(unsafe.Pointer(p), 4, site)
	value := *p
	if recorded {
		treadleEnd(treadleRead, unsafe.Pointer(p), 4, site, uint64(value), 0)
	}
	return value
}

func treadleLoad64(p *uint64, site int) uint64 {
	recorded := treadleBegin(unsafe.Pointer(p), 8, site)
	value := *p
	if recorded {
		treadleEnd(treadleRead, unsafe.Pointer(p), 8, site, value, 0)
	}
	return value
}

func treadleLoadUintptr(p *uintptr, site int) uintptr {
	return uintptr(treadleLoad64((*uint64)(unsafe.Pointer(p)), site))
}

func treadleLoadInt(p *int, site int) int {
	return int(treadleLoad64((*uint64)(unsafe.Pointer(p)), site))
}

func treadleLoadPointer(p unsafe.Pointer, site int) unsafe.Pointer {
	return unsafe.Pointer(uintptr(treadleLoad64((*uint64)(p), site)))
}

func treadleStore8(value uint8, p *uint8, site int) {
	recorded := treadleBegin(unsafe.Pointer(p), 1, site)
	*p = value
	if recorded {
		treadleEnd(treadleWrite, unsafe.Pointer(p), 1, site, uint64(value), 0)
	}
}

func treadleStore16(value uint16, p *uint16, site int) {
	recorded := treadleBegin(unsafe.Pointer(p), 2, site)
	*p = value
	if recorded {
		treadleEnd(treadleWrite, unsafe.Pointer(p), 2, site, uint64(value), 0)
	}
}

func treadleStore32(value uint32, p *uint32, site int) {
	recorded := treadleBegin(unsafe.Pointer(p), 4, site)
	*p = value
	if recorded {
		treadleEnd(treadleWrite, unsafe.Pointer(p), 4, site, uint64(value), 0)
	}
}

func treadleStore64(value uint64, p *uint64, site int) {
	recorded := treadleBegin(unsafe.Pointer(p), 8, site)
	*p = value
	if recorded {
		treadleEnd(treadleWrite, unsafe.Pointer(p), 8, site, value, 0)
	}
}

func treadleStoreUintptr(value uintptr, p *uintptr, site int) {
	treadleStore64(uint64(value), (*uint64)(unsafe.Pointer(p)), site)
}

func treadleStoreInt(value int, p *int, site int) {
	treadleStore64(uint64(value), (*uint64)(unsafe.Pointer(p)), site)
}

func treadleStorePointer(value, p unsafe.Pointer, site int) {
	treadleStore64(uint64(uintptr(value)), (*uint64)(p), site)
}

// treadleOr8 stands for the atomic or of mapiterinit.
func treadleOr8(p *uint8, bits uint8, site int) {
	recorded := treadleBegin(unsafe.Pointer(p), 1, site)
	before := *p
	*p = before | bits
	if recorded {
		treadleEnd(treadleModify, unsafe.Pointer(p), 1, site, uint64(before|bits), uint64(before))
	}
}

// treadleMove stands for typedmemmove of a word. A key comes from its operation's argument.
func treadleMove(_ *_type, to, from unsafe.Pointer, readSite, writeSite int) {
	treadleStore64(treadleKey(from, readSite), (*uint64)(to), writeSite)
}

// treadleKey loads a word that may be an operation's argument.
func treadleKey(p unsafe.Pointer, site int) uint64 {
	if treadlePrivate(p) {
		return *(*uint64)(p)
	}
	return treadleLoad64((*uint64)(p), site)
}

// treadleClear stands for memclrNoHeapPointers.
func treadleClear(p unsafe.Pointer, size uintptr, site int) {
	recorded := treadleBegin(p, size, site)
	memclrNoHeapPointers(p, size)
	if recorded {
		treadleEnd(treadleWrite, p, size, site, 0, 0)
	}
}

// treadleDraw is one step of the generator's state, which all workers share. The step itself is
// Go's, on the state of the machine that runs.
func treadleDraw(site int, step func() uint64) uint64 {
	p := treadleMemory.draw
	recorded := treadleBegin(unsafe.Pointer(p), 8, site)
	before := *p
	mp := getg().m
	saved := mp.fastrand
	mp.fastrand = before
	drawn := step()
	*p = mp.fastrand
	mp.fastrand = saved
	if recorded {
		treadleEnd(treadleModify, unsafe.Pointer(p), 8, site, *p, before)
	}
	return drawn
}

func treadleFastrand(site int) uint32 {
	return uint32(treadleDraw(site, treadleStep32))
}

func treadleFastrand64(site int) uint64 {
	return treadleDraw(site, treadleStep64)
}

func treadleStep32() uint64 { return uint64(fastrand()) }

func treadleStep64() uint64 { return fastrand64() }

// treadleAppend is `*list = append(*list, b)`, in the order of the compiler's code: length, array
// and capacity are read; a grown slice's capacity and array are written; then the length, then the
// element.
func treadleAppend(list *[]*bmap, b *bmap, lenSite, arraySite, capSite, copySite,
	capStored, arrayStored, lenStored, elementStored int) {
	place := func(word uintptr) unsafe.Pointer { return add(unsafe.Pointer(list), word*8) }
	length := treadleLoadInt((*int)(place(1)), lenSite)
	array := treadleLoadPointer(place(0), arraySite)
	capacity := treadleLoadInt((*int)(place(2)), capSite)
	if length+1 > capacity {
		array, capacity = treadleGrow(array, length, capacity, copySite)
		treadleStoreInt(capacity, (*int)(place(2)), capStored)
		treadleStorePointer(array, place(0), arrayStored)
	}
	treadleStoreInt(length+1, (*int)(place(1)), lenStored)
	treadleStorePointer(unsafe.Pointer(b), add(array, uintptr(length)*8), elementStored)
}

// treadleGrow is growslice; its capacity comes from Go's, on other memory.
func treadleGrow(array unsafe.Pointer, length, capacity, site int) (unsafe.Pointer, int) {
	if length < 0 || length > treadleStepsMax {
		panic(errorString("growslice: cap out of range"))
	}
	var pointer any = (*bmap)(nil)
	scratch := make([]*bmap, length+1)
	old := slice{unsafe.Pointer(&scratch[0]), length, capacity}
	capacity = growslice(efaceOf(&pointer)._type, old, length+1).cap
	grown := treadleNew(uintptr(capacity) * 8)
	if length == 0 {
		return grown, capacity
	}
	size := uintptr(length) * 8
	recorded := treadleBegin(grown, size, site)
	treadleCheck(array, size, site)
	memmove(grown, array, size)
	if recorded {
		treadleEnd(treadleMoved, grown, size, site, uint64(uintptr(array)), 0)
	}
	return grown, capacity
}
