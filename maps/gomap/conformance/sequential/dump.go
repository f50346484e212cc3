// dump.go: the state of a map as text. Bucket ids go by address and are given in the order in which
// dumps meet the buckets; within one `new` nothing is freed, so that an address stays a bucket's.
package main

import (
	"sort"
	"strconv"
	"unsafe"
)

const (
	chainMax    = 300 // a longer chain is a cycle
	memoryCount = 4096
	hexDigits   = "0123456789abcdef"
)

type array struct {
	start, buckets uintptr
	number         int
}

// part is how a bucket's part of a line read when the bucket had this content.
type part struct {
	address uintptr
	content [contentBytes]byte
	text    []byte
}

type dumper struct {
	arrays  []array // ascending by address
	singles map[uintptr]int
	memory  [memoryCount]part
}

func (d *dumper) forget() {
	d.arrays = d.arrays[:0]
	d.singles = map[uintptr]int{}
	for i := range d.memory {
		d.memory[i].address = 0
	}
}

func address(b *bmap) uintptr {
	return uintptr(unsafe.Pointer(b))
}

// before returns how many arrays begin at or before this address.
func (d *dumper) before(address uintptr) int {
	return sort.Search(len(d.arrays), func(i int) bool { return d.arrays[i].start > address })
}

// meetArray makes an array known that some field of the map holds.
func (d *dumper) meetArray(buckets *bmap) {
	at := d.before(address(buckets))
	if buckets == nil || at > 0 && d.arrays[at-1].start == address(buckets) {
		return
	}
	start, bytes := object(address(buckets))
	if start != address(buckets) {
		return
	}
	d.arrays = append(d.arrays, array{})
	copy(d.arrays[at+1:], d.arrays[at:])
	d.arrays[at] = array{start, bytes / bucketBytes, len(d.arrays) - 1}
}

// appendID appends a bucket's id, given now if it has none.
func (d *dumper) appendID(out []byte, b *bmap) []byte {
	if b == nil {
		return append(out, '-')
	}
	if at := d.before(address(b)); at > 0 {
		in := &d.arrays[at-1]
		distance := address(b) - in.start
		if distance < in.buckets*bucketBytes && distance%bucketBytes == 0 {
			out = strconv.AppendUint(out, uint64(in.number), 10)
			return strconv.AppendUint(append(out, '.'), uint64(distance/bucketBytes), 10)
		}
	}
	number, met := d.singles[address(b)]
	if !met {
		if start, _ := object(address(b)); start != address(b) {
			return append(out, '?')
		}
		number = len(d.singles)
		d.singles[address(b)] = number
	}
	return strconv.AppendUint(append(out, 'h'), uint64(number), 10)
}

func appendField(out []byte, name string, number uint64) []byte {
	return strconv.AppendUint(append(out, name...), number, 10)
}

func (d *dumper) appendSum(out []byte, h *hmap, draws, hashCalls uint64) []byte {
	out = strconv.AppendInt(append(out, "S count="...), int64(h.count), 10)
	out = appendField(out, " flags=", uint64(h.flags))
	out = appendField(out, " B=", uint64(h.B))
	out = appendField(out, " nov=", uint64(h.noverflow))
	out = strconv.AppendUint(append(out, " hash0="...), uint64(h.hash0), 16)
	out = appendField(out, " nevac=", uint64(h.nevacuate))
	out = d.appendID(append(out, " buckets="...), h.buckets)
	out = d.appendID(append(out, " old="...), h.oldbuckets)
	out = appendField(out, " fr=", draws)
	out = appendField(out, " hc=", hashCalls)
	return append(out, '\n')
}

func (d *dumper) appendList(out []byte, list *[]*bmap) []byte {
	if list == nil {
		return append(out, '-')
	}
	out = append(out, '[')
	for i, b := range *list {
		if i != 0 {
			out = append(out, ' ')
		}
		out = d.appendID(out, b)
	}
	return append(out, ']')
}

func (d *dumper) appendExtra(out []byte, extra *mapextra) []byte {
	if extra == nil {
		return append(out, "X -\n"...)
	}
	out = d.appendID(append(out, "X next="...), extra.nextOverflow)
	out = d.appendList(append(out, " oldovf="...), extra.oldoverflow)
	out = d.appendList(append(out, " ovf="...), extra.overflow)
	return append(out, '\n')
}

func (d *dumper) appendBucket(out []byte, b *bmap) []byte {
	content := (*[contentBytes]byte)(unsafe.Pointer(b))
	known := &d.memory[address(b)/16%memoryCount]
	if known.address == address(b) && known.content == *content {
		return append(out, known.text...)
	}
	start := len(out)
	out = append(d.appendID(append(out, ' '), b), ':')
	for _, top := range b.tophash {
		out = append(out, hexDigits[top>>4], hexDigits[top&15])
	}
	for i := range b.keys {
		out = appendEntry(append(out, ','), b.keys[i], b.elems[i])
	}
	known.address = address(b)
	known.content = *content
	known.text = append(known.text[:0], out[start:]...)
	return out
}

// appendChains appends the chains of an array's first count buckets.
func (d *dumper) appendChains(out []byte, line byte, buckets *bmap, count uintptr) []byte {
	for i := uintptr(0); buckets != nil && i < count; i++ {
		out = strconv.AppendUint(append(out, line, ' '), uint64(i), 10)
		b := (*bmap)(unsafe.Add(unsafe.Pointer(buckets), i*bucketBytes))
		for length := 0; b != nil; length++ {
			if length == chainMax {
				out = append(out, " CYCLE"...)
				break
			}
			out = d.appendBucket(out, b)
			b = b.overflow
		}
		out = append(out, '\n')
	}
	return out
}

// appendMap appends the lines of a map; with sum only the first.
func (d *dumper) appendMap(out []byte, h *hmap, draws, hashCalls uint64, sum bool) []byte {
	if h == nil {
		return append(out, "S nil\n"...)
	}
	d.meetArray(h.oldbuckets)
	d.meetArray(h.buckets)
	out = d.appendSum(out, h, draws, hashCalls)
	if sum {
		return out
	}
	out = d.appendExtra(out, h.extra)
	oldCount := uintptr(1) << h.B
	if h.flags&sameSizeGrow == 0 {
		oldCount /= 2
	}
	out = d.appendChains(out, 'o', h.oldbuckets, oldCount)
	return d.appendChains(out, 'b', h.buckets, 1<<h.B)
}

// bucketOf returns the bucket that holds this word.
func (d *dumper) bucketOf(word *uint64) *bmap {
	at := uintptr(unsafe.Pointer(word))
	distance := at
	if i := d.before(at); i > 0 && at-d.arrays[i-1].start < d.arrays[i-1].buckets*bucketBytes {
		distance = (at - d.arrays[i-1].start) % bucketBytes
	} else {
		start, _ := object(at)
		distance = at - start
	}
	return (*bmap)(unsafe.Add(unsafe.Pointer(word), -int(distance)))
}

// appendSlot appends "BUCKETID/k3" for the fourth key of a bucket.
func (d *dumper) appendSlot(out []byte, word *uint64) []byte {
	if word == nil {
		return append(out, '-')
	}
	b := d.bucketOf(word)
	out = d.appendID(out, b)
	index := (uintptr(unsafe.Pointer(word)) - uintptr(unsafe.Pointer(&b.keys))) / 8
	if index < bucketCount {
		return strconv.AppendUint(append(out, "/k"...), uint64(index), 10)
	}
	return strconv.AppendUint(append(out, "/e"...), uint64(index-bucketCount), 10)
}

// meetIterators gives ids to what appendIterators would meet, without a line.
func (d *dumper) meetIterators(iterators []*iterator) {
	for _, one := range iterators {
		d.meetArray(one.it.buckets)
	}
}

func (d *dumper) appendIterators(out []byte, iterators []*iterator) []byte {
	for _, one := range iterators {
		it := one.it
		d.meetArray(it.buckets)
		out = appendField(out, "I ", one.id)
		out = d.appendID(append(out, " buckets="...), it.buckets)
		out = appendField(out, " B=", uint64(it.B))
		out = appendField(out, " start=", it.startBucket)
		out = appendField(out, " off=", uint64(it.offset))
		out = strconv.AppendBool(append(out, " wrapped="...), it.wrapped)
		out = appendField(out, " bucket=", it.bucket)
		out = d.appendID(append(out, " bptr="...), it.bptr)
		out = appendField(out, " i=", uint64(it.i))
		out = strconv.AppendInt(append(out, " check="...), int64(it.checkBucket), 10)
		out = d.appendSlot(append(out, " k="...), it.key)
		out = d.appendSlot(append(out, " e="...), it.elem)
		out = append(out, '\n')
	}
	return out
}
