// interpreter.go: applies operations to a map of the runtime.
package main

import (
	"sort"
	"strconv"
)

type iterator struct {
	id       uint64
	finished bool
	it       *hiter
}

type interpreter struct {
	keys      *keys
	h         *hmap       // nil before the first `new`
	iterators []*iterator // ascending by id
	coverage  coverage
}

// index returns where the iterator of this id stands or belongs.
func (in *interpreter) index(id uint64) (index int, found bool) {
	index = sort.Search(len(in.iterators), func(i int) bool { return in.iterators[i].id >= id })
	return index, index < len(in.iterators) && in.iterators[index].id == id
}

// newIterator returns a fresh iterator under this id; it replaces the one that has the id.
func (in *interpreter) newIterator(id uint64) *iterator {
	fresh := &iterator{id: id, it: new(hiter)}
	index, found := in.index(id)
	if !found {
		in.iterators = append(in.iterators, nil)
		copy(in.iterators[index+1:], in.iterators[index:])
	}
	in.iterators[index] = fresh
	return fresh
}

// finish notes whether the iterator that has this id now, if any, is finished: an operation inside
// a hasher may have replaced the one that took the step, or forgotten it.
func (in *interpreter) finish(id uint64, it *hiter) {
	if index, found := in.index(id); found {
		in.iterators[index].finished = it.key == nil
	}
}

func appendEntry(out []byte, key, elem uint64) []byte {
	out = strconv.AppendUint(out, key, 10)
	out = append(out, '=')
	return strconv.AppendUint(out, elem, 10)
}

func appendStep(out []byte, it *hiter) []byte {
	if it.key == nil {
		return append(out, "end"...)
	}
	return appendEntry(out, *it.key, *it.elem)
}

func (in *interpreter) assign(key, elem uint64) {
	if in.keys.fast64 {
		*mapassignFast64(in.keys.mapType, in.h, key) = elem
	} else {
		*mapassign(in.keys.mapType, in.h, &key) = elem
	}
}

func (in *interpreter) delete(key uint64) {
	if in.keys.fast64 {
		mapdeleteFast64(in.keys.mapType, in.h, key)
	} else {
		mapdelete(in.keys.mapType, in.h, &key)
	}
}

func (in *interpreter) access(key uint64, out []byte) []byte {
	var elem *uint64
	var found bool
	if in.keys.fast64 {
		elem, found = mapaccess2Fast64(in.keys.mapType, in.h, key)
	} else {
		elem, found = mapaccess2(in.keys.mapType, in.h, &key)
	}
	if !found {
		return append(out, "miss"...)
	}
	return strconv.AppendUint(append(out, "hit "...), *elem, 10)
}

func (in *interpreter) rangeFirst(it *hiter) {
	in.coverage.beforeStep(in.h)
	mapiterinit(in.keys.mapType, in.h, it)
	in.coverage.afterStep(it)
}

func (in *interpreter) rangeNext(it *hiter) {
	in.coverage.beforeStep(in.h)
	mapiternext(it)
	in.coverage.afterStep(it)
}

func (in *interpreter) iterate(out []byte) []byte {
	it := new(hiter)
	in.rangeFirst(it)
	out = strconv.AppendUint(append(out, "start="...), it.startBucket, 10)
	out = strconv.AppendUint(append(out, " off="...), uint64(it.offset), 10)
	out = append(out, ':')
	for it.key != nil {
		out = appendEntry(append(out, ' '), *it.key, *it.elem)
		in.rangeNext(it)
	}
	return out
}

func (in *interpreter) iteratorInit(id uint64, out []byte) []byte {
	it := in.newIterator(id).it
	in.rangeFirst(it)
	in.finish(id, it)
	return appendStep(out, it)
}

func (in *interpreter) iteratorNext(id uint64, out []byte) []byte {
	index, found := in.index(id)
	if !found || in.iterators[index].finished {
		return append(out, "none"...)
	}
	it := in.iterators[index].it
	in.rangeNext(it)
	in.finish(id, it)
	return appendStep(out, it)
}

func (in *interpreter) seed(hash0 uint64, out []byte) []byte {
	if in.h == nil {
		return append(out, "refused: no map"...)
	}
	if in.h.count != 0 {
		return append(out, "refused: count != 0"...)
	}
	in.h.hash0 = uint32(hash0)
	return out
}

func (in *interpreter) hash(key uint64, out []byte) []byte {
	seed := uint64(0)
	if in.h != nil {
		seed = uint64(in.h.hash0)
	}
	hash := in.keys.hashOf(key, seed)
	for shift := 60; shift >= 0; shift -= 4 {
		out = append(out, hexDigits[hash>>shift&15])
	}
	return out
}

func (in *interpreter) makeMap(hint uint64) {
	in.iterators = nil
	if hint <= bucketCount {
		in.h = makemapSmall()
	} else {
		in.h = makemap(in.keys.mapType, int(hint), nil)
	}
}

// apply does one operation and appends its result, if it has one, to out. (`rand` is the trace's.)
func (in *interpreter) apply(op operation, out []byte) []byte {
	switch op.kind {
	case opNew:
		in.makeMap(op.first)
	case opAssign:
		in.assign(op.first, op.second)
	case opDelete:
		in.delete(op.first)
	case opAccess:
		return in.access(op.first, out)
	case opClear:
		mapclear(in.keys.mapType, in.h)
	case opIterate:
		return in.iterate(out)
	case opIteratorInit:
		return in.iteratorInit(op.first, out)
	case opIteratorNext:
		return in.iteratorNext(op.first, out)
	case opIteratorForget:
		if index, found := in.index(op.first); found {
			in.iterators = append(in.iterators[:index], in.iterators[index+1:]...)
		}
	case opSeed:
		return in.seed(op.first, out)
	case opInject:
		in.keys.inject(op.first, op.second)
	case opHash:
		return in.hash(op.first, out)
	case opFlip:
		if in.h != nil {
			in.h.flags ^= uint8(op.first)
		}
	}
	return out
}
