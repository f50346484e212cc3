// runtime.go: the map functions of the Go runtime that this program is linked with, and what they
// work on, by the layouts of Go 1.19 on amd64.
package main

import (
	"fmt"
	"runtime"
	"unsafe"
)

const (
	bucketCount  = 8
	bucketBytes  = 144 // of map[uint64]uint64 and map[float64]uint64
	contentBytes = bucketBytes - 8
	noCheck      = ^uint64(0)

	preallocatedFrom = 4 // B of the smallest map with preallocated overflow buckets

	sameSizeGrow = 8 // hmap.flags

	randomOffset  = 288 // of m.fastrand
	randomStep    = 0xa0761d6478bd642f
	randomInverse = 0x939c72e4af1e62cf // 1/randomStep modulo 2^64

	elementBytesOffset = 104 // of mspan.elemsize
)

// goType is runtime._type.
type goType struct {
	size, ptrdata                  uintptr
	hash                           uint32
	tflag, align, fieldAlign, kind uint8
	equal                          func(unsafe.Pointer, unsafe.Pointer) bool
	gcdata                         *byte
	str, ptrToThis                 int32
}

type mapType struct {
	typ               goType
	key, elem, bucket *goType
	hasher            func(unsafe.Pointer, uintptr) uintptr
	keysize, elemsize uint8
	bucketsize        uint16
	flags             uint32
}

type bmap struct {
	tophash  [bucketCount]uint8
	keys     [bucketCount]uint64
	elems    [bucketCount]uint64
	overflow *bmap
}

type mapextra struct {
	overflow, oldoverflow *[]*bmap
	nextOverflow          *bmap
}

type hmap struct {
	count               int
	flags, B            uint8
	noverflow           uint16
	hash0               uint32
	buckets, oldbuckets *bmap
	nevacuate           uintptr
	extra               *mapextra
}

type hiter struct {
	key, elem             *uint64
	t                     *mapType
	h                     *hmap
	buckets, bptr         *bmap
	overflow, oldoverflow *[]*bmap
	startBucket           uint64
	offset                uint8
	wrapped               bool
	B, i                  uint8
	bucket, checkBucket   uint64
}

//go:linkname makemap runtime.makemap
func makemap(t *mapType, hint int, h *hmap) *hmap

//go:linkname makemapSmall runtime.makemap_small
func makemapSmall() *hmap

//go:linkname mapaccess2 runtime.mapaccess2
func mapaccess2(t *mapType, h *hmap, key *uint64) (*uint64, bool)

//go:linkname mapaccess2Fast64 runtime.mapaccess2_fast64
func mapaccess2Fast64(t *mapType, h *hmap, key uint64) (*uint64, bool)

//go:linkname mapassign runtime.mapassign
func mapassign(t *mapType, h *hmap, key *uint64) *uint64

//go:linkname mapassignFast64 runtime.mapassign_fast64
func mapassignFast64(t *mapType, h *hmap, key uint64) *uint64

//go:linkname mapdelete runtime.mapdelete
func mapdelete(t *mapType, h *hmap, key *uint64)

//go:linkname mapdeleteFast64 runtime.mapdelete_fast64
func mapdeleteFast64(t *mapType, h *hmap, key uint64)

//go:linkname mapclear runtime.mapclear
func mapclear(t *mapType, h *hmap)

//go:linkname mapiterinit runtime.mapiterinit
func mapiterinit(t *mapType, h *hmap, it *hiter)

//go:linkname mapiternext runtime.mapiternext
func mapiternext(it *hiter)

//go:linkname fastrand runtime.fastrand
func fastrand() uint32

//go:linkname getm runtime.getm
func getm() uintptr

//go:linkname findObject runtime.findObject
func findObject(p, refBase, refOffset uintptr) (base, span, index uintptr)

// overrideWrite, if not nil, is what the runtime's print calls instead of write.
//
//go:linkname overrideWrite runtime.overrideWrite
var overrideWrite func(fd uintptr, p unsafe.Pointer, n int32) int32

// randomState returns the generator's state of the M that runs this goroutine.
func randomState() *uint64 {
	return (*uint64)(unsafe.Pointer(getm() + randomOffset))
}

// object returns the heap object that holds this address: where it begins, and its bytes, slack
// of the size class included.
func object(address uintptr) (start, bytes uintptr) {
	start, span, _ := findObject(address, 0, 0)
	if start == 0 {
		return 0, 0
	}
	return start, *(*uintptr)(unsafe.Pointer(span + elementBytesOffset))
}

var block *[bucketBytes]byte // a global: it lies on the heap

// checkRuntime makes sure that the layouts above are those of the runtime linked.
func checkRuntime() error {
	before := *randomState()
	fastrand()
	if *randomState() != before+randomStep {
		return fmt.Errorf("%s has no m.fastrand at %d", runtime.Version(), randomOffset)
	}
	block = new([bucketBytes]byte)
	start, bytes := object(uintptr(unsafe.Pointer(&block[100])))
	if start != uintptr(unsafe.Pointer(block)) || bytes != bucketBytes {
		return fmt.Errorf("%s has no mspan.elemsize at %d", runtime.Version(), elementBytesOffset)
	}
	return nil
}
