package runtime

import "unsafe"

// The map's memory. Every block lies alone in slots of an arena, with more bytes behind it that
// belong to nothing than it has itself, so that an access outside live memory is known as such
// (outcome WILD) and never hits another block. Blocks are not used again within a section.
//
// Or memory is crowded: blocks lie side by side with others of their size, as Go's allocator lays
// them, later sections' behind earlier ones', and are not cleared because nobody has used them. An
// access outside live memory is noted and carried out, for what that leads to.

const (
	treadleSlotBits   = 16
	treadleSlotCount  = 2048
	treadleRoomFactor = 4    // how many times its size a block has for itself
	treadleSpanBytes  = 8192 // crowded: blocks of one size share so many
	treadleSmallMax   = 4096 // larger ones have spans of their own
	treadleNilMax     = 4096
)

type treadleBlock struct {
	start, end uintptr
}

var treadleArena [treadleSlotCount << treadleSlotBits]byte

var treadleMemory struct {
	draw       *uint64 // state of the generator that maps draw from
	blocks     [treadleSlotCount]treadleBlock
	slots      int // in use
	setupSlots int
	setup      []byte // their bytes
	numbers    [treadleSlotCount]int32
	numbered   int32
	keys       [treadleWorkersMax + 1]uint64 // of operations under way

	crowded bool
	dirty   bool                              // a block was handed out that an access outside live memory has written
	spans   [treadleSmallMax / 8]treadleBlock // by size: room for more blocks
	used    uintptr                           // of the arena
}

func treadleArenaStart() uintptr {
	return uintptr(unsafe.Pointer(&treadleArena))
}

// treadleForget drops all memory, and says how the next one lies.
func treadleForget(crowded bool) {
	m := &treadleMemory
	treadle.current = treadleWorkersMax
	m.crowded = crowded
	m.dirty = false
	m.slots, m.setupSlots = 0, 0
	m.setup = m.setup[:0]
	if m.used > unsafe.Sizeof(treadleArena)/2 {
		memclrNoHeapPointers(unsafe.Pointer(&treadleArena), m.used)
		m.used = 0
		for i := range m.spans {
			m.spans[i] = treadleBlock{}
		}
	}
	m.draw = (*uint64)(treadleNew(8))
}

func treadleSetDraws(state uint64) { *treadleMemory.draw = state }

// treadleSnapshot takes the memory for what every section starts with.
func treadleSnapshot() {
	m := &treadleMemory
	m.setupSlots = m.slots
	m.setup = m.setup[:0]
	for _, b := range m.blocks[:m.slots] {
		for at := b.start; at < b.end; at++ {
			m.setup = append(m.setup, *(*byte)(unsafe.Pointer(at)))
		}
	}
}

// treadleRestore makes memory what it was at the snapshot.
func treadleRestore() {
	m := &treadleMemory
	from := uintptr(0)
	for _, b := range m.blocks[:m.setupSlots] {
		if size := b.end - b.start; size > 0 {
			memmove(unsafe.Pointer(b.start), unsafe.Pointer(&m.setup[from]), size)
			from += size
		}
	}
	m.slots = m.setupSlots
}

// treadleNew allocates cleared memory.
func treadleNew(size uintptr) unsafe.Pointer {
	m := &treadleMemory
	if m.crowded {
		return treadleNewCrowded(size)
	}
	slots := 1 + int(size*treadleRoomFactor>>treadleSlotBits)
	if m.slots+slots > treadleSlotCount {
		treadleStopWith(treadleEndLong)
	}
	number := m.slots
	m.slots += slots
	start := treadleArenaStart() + uintptr(number)<<treadleSlotBits
	// Not all of them on the same lines of the cache.
	start += uintptr(number) * 320 % 4096 &^ 63
	m.blocks[number] = treadleBlock{start, start + size}
	m.numbers[number] = 0
	for i := 1; i < slots; i++ {
		m.blocks[number+i] = treadleBlock{}
	}
	memclrNoHeapPointers(unsafe.Pointer(start), size)
	return unsafe.Pointer(start)
}

func treadleNewCrowded(size uintptr) unsafe.Pointer {
	m := &treadleMemory
	rounded := roundupsize(size)
	var own treadleBlock
	span := &own
	if rounded <= treadleSmallMax {
		span = &m.spans[rounded/8-1]
	}
	if span.end-span.start < rounded {
		bytes := (rounded + treadleSpanBytes - 1) &^ (treadleSpanBytes - 1)
		if m.slots == treadleSlotCount || m.used+bytes > unsafe.Sizeof(treadleArena) {
			treadleStopWith(treadleEndLong)
		}
		start := treadleArenaStart() + m.used
		*span = treadleBlock{start, start + bytes}
		m.used += bytes
	}
	start := span.start
	span.start += rounded
	m.blocks[m.slots] = treadleBlock{start, start + size}
	m.numbers[m.slots] = 0
	m.slots++
	for at := start; at < start+size; at++ {
		m.dirty = m.dirty || *(*byte)(unsafe.Pointer(at)) != 0
	}
	return unsafe.Pointer(start)
}

func treadleDirty() bool { return treadleMemory.dirty }

func treadleNewObject(t *_type) unsafe.Pointer {
	return treadleNew(t.size)
}

func treadleNewArray(t *_type, count int) unsafe.Pointer {
	if count < 0 || uintptr(count) > unsafe.Sizeof(treadleArena)/treadleRoomFactor/t.size {
		treadleStopWith(treadleEndLong)
	}
	return treadleNew(t.size * uintptr(count))
}

// treadleFind returns the block in which address lies, or (not when crowded) in whose room; -1 if
// none.
func treadleFind(address uintptr) int {
	m := &treadleMemory
	if m.crowded {
		for i, b := range m.blocks[:m.slots] {
			if b.start <= address && address < b.end {
				return i
			}
		}
		return -1
	}
	offset := address - treadleArenaStart()
	if offset >= uintptr(m.slots)<<treadleSlotBits {
		return -1
	}
	number := int(offset >> treadleSlotBits)
	for m.blocks[number].start == 0 { // the further slots of a large block
		number--
	}
	if address < m.blocks[number].start {
		return -1
	}
	return number
}

// treadleLive says whether an access of so many bytes stays inside a live block.
func treadleLive(address, size uintptr) bool {
	number := treadleFind(address)
	return number >= 0 && address+size <= treadleMemory.blocks[number].end
}

// treadlePrivate says whether a key lies there that an operation was called with: on the stack, or
// among the keys.
func treadlePrivate(p unsafe.Pointer) bool {
	keys := &treadleMemory.keys
	gp := getg()
	return uintptr(p)-uintptr(unsafe.Pointer(keys)) < unsafe.Sizeof(*keys) ||
		gp.stack.lo <= uintptr(p) && uintptr(p) < gp.stack.hi
}

// treadleCheck ends the section if the access is none of live memory.
func treadleCheck(p unsafe.Pointer, size uintptr, site int) {
	if treadleLive(uintptr(p), size) {
		return
	}
	treadle.result.endSite = site
	if uintptr(p) < treadleNilMax {
		treadleStopWith(treadleEndNil)
	}
	if !treadleMemory.crowded || uintptr(p)-treadleArenaStart() > unsafe.Sizeof(treadleArena)-size {
		treadleStopWith(treadleEndWild)
	}
	treadle.result.strays = append(treadle.result.strays, treadleAccess{worker: treadle.current,
		site: site, size: size, address: treadleAddress{-1, uint64(uintptr(p))}})
}

// ---- names of addresses -----------------------------------------------------------------------

type treadleAddress struct {
	block  int // -1: offset is a number, or an address outside
	offset uint64
}

func treadleForgetNumbers() {
	m := &treadleMemory
	numbers := m.numbers[:m.slots]
	for i := range numbers {
		numbers[i] = 0
	}
	m.numbered = 0
}

// treadleName writes an address (or a value that may be one) as block and offset. Blocks are
// numbered from 1 as a section first meets them.
func treadleName(word uint64) treadleAddress {
	m := &treadleMemory
	number := -1
	if word >= treadleNilMax {
		number = treadleFind(uintptr(word))
	}
	if number < 0 {
		return treadleAddress{-1, word}
	}
	if m.numbers[number] == 0 {
		m.numbered++
		m.numbers[number] = m.numbered
	}
	return treadleAddress{int(m.numbers[number]), word - uint64(m.blocks[number].start)}
}
