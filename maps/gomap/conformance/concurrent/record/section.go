package main

import (
	"fmt"
	"sort"
	"strconv"
)

// A recorder runs one program, section after section.
type recorder struct {
	program *program
	crowded bool
	workers [workersMax]interpreter
	result  sectionResult
	entries []uint64
	text    []byte
}

func newRecorder(p *program, crowded bool) *recorder {
	r := &recorder{program: p, crowded: crowded}
	for i := range p.workers {
		go r.worker(i)
	}
	r.setUp()
	return r
}

// setUp makes the map that every section starts with.
func (r *recorder) setUp() {
	defer func() {
		if failure := recover(); failure != nil {
			panic(fmt.Sprintf("the set-up fails: %v", failure))
		}
	}()
	forget(r.crowded)
	in := interpreter{}
	for i := range r.program.setup {
		in.apply(&r.program.setup[i])
	}
	snapshot()
}

func (r *recorder) worker(i int) {
	becomeWorker(i)
	for {
		r.work(i)
		finished(i)
	}
}

func (r *recorder) work(i int) {
	defer func() {
		if failure := recover(); failure != nil {
			recovered(failure)
		}
	}()
	in := &r.workers[i]
	in.results = in.results[:0]
	in.iterators = nil
	for j := range r.program.workers[i] {
		in.apply(&r.program.workers[i][j])
	}
}

// run runs one section. The result is the recorder's, until the next one.
func (r *recorder) run(plan *sectionPlan) *sectionResult {
	if r.crowded {
		r.setUp()
	} else {
		restore()
	}
	runSection(len(r.program.workers), plan, &r.result)
	return &r.result
}

// outcome writes what the section ended in, in the words of the fixtures; it is the recorder's,
// until the next call.
func (r *recorder) outcome() []byte {
	text := r.text[:0]
	if r.result.end != "" {
		text = append(text, r.result.end...)
		r.text = text
		return text
	}
	for i := range r.program.workers {
		if i > 0 {
			text = append(text, "| "...)
		}
		if results := r.workers[i].results; len(results) > 0 {
			text = append(append(text, results...), ' ')
		}
	}
	text = append(text, "; count="...)
	text = strconv.AppendInt(text, int64(mapCount()), 10)
	text = append(text, " {"...)
	r.entries = mapEntries(r.entries[:0])
	sort.Sort(byKeyAndValue(r.entries))
	for i := 0; i < len(r.entries); i += 2 {
		key, value := r.entries[i], r.entries[i+1]
		if i > 0 && key == r.entries[i-2] && value == r.entries[i-1] {
			continue
		}
		if i > 0 {
			text = append(text, ' ')
		}
		text = appendEntry(text, key, value)
	}
	text = append(text, '}')
	r.text = text
	return text
}

// Keys and values in turn.
type byKeyAndValue []uint64

func (e byKeyAndValue) Len() int { return len(e) / 2 }
func (e byKeyAndValue) Less(i, j int) bool {
	if e[2*i] != e[2*j] {
		return e[2*i] < e[2*j]
	}
	return e[2*i+1] < e[2*j+1]
}
func (e byKeyAndValue) Swap(i, j int) {
	e[2*i], e[2*j] = e[2*j], e[2*i]
	e[2*i+1], e[2*j+1] = e[2*j+1], e[2*i+1]
}
