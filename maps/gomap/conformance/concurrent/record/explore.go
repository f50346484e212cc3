package main

import (
	"bufio"
	"fmt"
	"os"
	"runtime"
	"sort"
	"strings"
)

// How many points, on average, a worker passes before another one goes on; run number i takes
// period i modulo their count.
var periods = []uint64{2, 4, 8, 16, 32, 64, 128, 256}

type explorer struct {
	*recorder
	seed     uint64
	outcomes []*outcome  // most frequent first
	wild     map[int]int // by site: runs in which that access would have left live memory
}

type outcome struct {
	text    string
	count   int
	first   int // run
	strayed int // of count: with accesses outside live memory, or in memory that such had written
}

// plan is that of run number i.
func (e *explorer) plan(i int) sectionPlan {
	return sectionPlan{
		seed:      (e.seed<<32 + uint64(i)) * 0xd1342543de82ef95,
		threshold: uint32(1<<32/periods[i%len(periods)] - 1),
	}
}

func (e *explorer) explore(runs int) {
	known := map[string]*outcome{}
	e.wild = map[int]int{}
	for i := 0; i < runs; i++ {
		plan := e.plan(i)
		result := e.run(&plan)
		text := e.outcome()
		o := known[string(text)]
		if o == nil {
			o = &outcome{text: string(text), first: i}
			known[o.text] = o
			e.outcomes = append(e.outcomes, o)
		}
		o.count++
		if result.end == "WILD" {
			e.wild[result.endSite]++
		}
		if dirty() || len(result.strays) > 0 {
			o.strayed++
		}
		if i%100000 == 99999 {
			runtime.GC()
		}
	}
	sort.SliceStable(e.outcomes, func(i, j int) bool {
		return e.outcomes[i].count > e.outcomes[j].count
	})
}

// print writes the outcomes as the fixtures do; for crowded memory, with the number of runs that
// strayed behind the count.
func (e *explorer) print(out *bufio.Writer) {
	for _, line := range e.program.lines {
		fmt.Fprintln(out, line)
	}
	fmt.Fprintln(out, "outcomes:")
	for _, o := range e.outcomes {
		if e.crowded {
			fmt.Fprintln(out, o.count, o.strayed, o.text)
		} else {
			fmt.Fprintln(out, o.count, o.text)
		}
	}
}

// writeWild writes where runs would have left live memory: COUNT <tab> FUNCTION <tab> LINE <tab>
// ACCESS.
func (e *explorer) writeWild(path string) {
	var lines []string
	for site, count := range e.wild {
		function, line, place, _ := siteOf(site)
		lines = append(lines, fmt.Sprintf("%d\t%s\t%d\t%s\n", count, function, line, place))
	}
	sort.Strings(lines)
	if err := os.WriteFile(path, []byte(strings.Join(lines, "")), 0o644); err != nil {
		fail(err)
	}
}

// writeSchedules writes the schedule of each outcome's first run, and of more runs out of all.
func (e *explorer) writeSchedules(path string, more, runs int) {
	file, err := os.Create(path)
	if err != nil {
		fail(err)
	}
	out := bufio.NewWriter(file)
	for _, o := range e.outcomes {
		e.writeSchedule(out, o.first)
	}
	for i := 0; i < more; i++ {
		e.writeSchedule(out, i*runs/more)
	}
	if err := out.Flush(); err != nil {
		fail(err)
	}
	file.Close()
}

func (e *explorer) writeSchedule(out *bufio.Writer, run int) {
	plan := e.plan(run)
	plan.recording = true
	result := e.run(&plan)
	fmt.Fprintf(out, "%s\t%016x\t%s\n", e.outcome(), result.digest, scheduleText(result.schedule))
}
