// Command stale shows a defect of Go's map before 1.21 with nothing but plain Go: a range that
// began before a growth goes on over entries that a loop has deleted in the meantime. The
// specification says that such entries are not produced.
//
// It prints how many maps were tried, in how many of them this happened, and how many entries
// came that way.
package main

import "fmt"

const (
	maps = 1000
	keys = 208 // the load limit of 32 buckets: one more begins a growth
)

// staleEntries ranges over a fresh map, deletes all of it on the way, and returns how many entries
// came after that. The compiler makes one call of mapclear of the loop that deletes; not so where
// it copies this function into another.
//
//go:noinline
func staleEntries() (count int) {
	m := map[int]int{}
	for key := 0; key < keys; key++ {
		m[key] = key
	}
	first := true
	for range m {
		if !first {
			count++
			continue
		}
		first = false
		m[keys] = keys
		for key := range m {
			delete(m, key)
		}
		if len(m) != 0 {
			panic("the map is not empty")
		}
	}
	return count
}

func main() {
	affected, entries := 0, 0
	for i := 0; i < maps; i++ {
		count := staleEntries()
		entries += count
		if count > 0 {
			affected++
		}
	}
	fmt.Println(maps, affected, entries)
}
