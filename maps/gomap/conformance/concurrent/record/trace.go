package main

import (
	"bufio"
	"fmt"
)

var kinds = [...]string{0: "?", 1: "read", 2: "write", 3: "modify", 4: "copy"}

func (a tracedAddress) String() string {
	if a.block < 0 {
		return fmt.Sprintf("%#x", a.offset)
	}
	return fmt.Sprintf("block %d+%d", a.block, a.offset)
}

func (a *tracedAccess) String() string {
	function, line, place, _ := siteOf(a.site)
	return fmt.Sprintf("g%d %s %d bytes at %v = %v\t%s:%d %s", a.worker+1, kinds[a.kind], a.size,
		a.address, a.value, function, line, place)
}

// trace runs a section and prints its accesses; behind each where it stands in Go's source.
func (r *recorder) trace(plan *sectionPlan, out *bufio.Writer) {
	plan.recording, plan.tracing = true, true
	result := r.run(plan)
	for i := range result.trace {
		fmt.Fprintln(out, &result.trace[i])
	}
	for i := range result.strays {
		fmt.Fprintln(out, "outside live memory:", &result.strays[i])
	}
	fmt.Fprintf(out, "%s\t%016x\t%s\n", r.outcome(), result.digest, scheduleText(result.schedule))
}
