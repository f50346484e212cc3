package main

import (
	"bufio"
	"fmt"
	"os"
	"strconv"
	"strings"
)

// A schedule is a line OUTCOME <tab> DIGEST <tab> GOROUTINExCOUNT GOROUTINExCOUNT ...; see
// harness/conformance_port.c.
type schedule struct {
	outcome   string
	digest    uint64
	stretches []stretch
}

func scheduleText(stretches []stretch) string {
	var text []byte
	for i, s := range stretches {
		if i > 0 {
			text = append(text, ' ')
		}
		text = strconv.AppendInt(text, int64(s.worker+1), 10)
		text = append(text, 'x')
		text = strconv.AppendInt(text, int64(s.count), 10)
	}
	return string(text)
}

func readSchedules(path string) []schedule {
	content, err := os.ReadFile(path)
	if err != nil {
		fail(err)
	}
	var schedules []schedule
	for i, line := range strings.Split(strings.TrimSuffix(string(content), "\n"), "\n") {
		s, err := parseSchedule(line)
		if err != nil {
			fail(fmt.Errorf("%s, line %d: %w", path, i+1, err))
		}
		schedules = append(schedules, s)
	}
	return schedules
}

func parseSchedule(line string) (s schedule, err error) {
	fields := strings.Split(line, "\t")
	if len(fields) != 3 {
		return s, fmt.Errorf("not three fields")
	}
	s.outcome = fields[0]
	if s.digest, err = strconv.ParseUint(fields[1], 16, 64); err != nil {
		return s, err
	}
	for _, word := range strings.Fields(fields[2]) {
		var one stretch
		if _, err = fmt.Sscanf(word, "%dx%d", &one.worker, &one.count); err != nil {
			return s, err
		}
		one.worker--
		s.stretches = append(s.stretches, one)
	}
	return s, nil
}

// followAll follows schedules, and says for each in one line whether outcome and digest are the
// same, and which switches inside statements the outcome needs:
//
//	same <tab> OUTCOME <tab> FUNCTION|LINE|ACCESS|ACCESS <tab> ...
//	DIFFERENT <tab> OUTCOME <tab> OUTCOME HERE
//
// With trace >= 0 it prints the accesses of that schedule only, from 0.
func (r *recorder) followAll(schedules []schedule, trace int, out *bufio.Writer) {
	for i, s := range schedules {
		plan := sectionPlan{follow: s.stretches, recording: true}
		if trace >= 0 && i != trace {
			continue
		}
		if trace >= 0 {
			r.trace(&plan, out)
			continue
		}
		result := r.run(&plan)
		if text := r.outcome(); string(text) != s.outcome || result.digest != s.digest {
			fmt.Fprintf(out, "DIFFERENT\t%s\t%s\n", s.outcome, text)
			continue
		}
		needed := r.needed(s.outcome, result.schedule)
		fmt.Fprintf(out, "same\t%s%s\n", s.outcome, insideText(needed))
	}
}

// needed reduces a schedule that ends in an outcome: as few switches inside statements as can be
// reached by moving one at a time to the statement's begin or end.
func (r *recorder) needed(outcome string, stretches []stretch) []stretch {
	best := append([]stretch(nil), stretches...)
	for i := 0; i < len(best); i++ {
		if best[i].resumedAt == 0 {
			continue
		}
		for _, moved := range [][]stretch{r.finishBefore(best, i), r.beginAfter(best, i)} {
			if shorter := r.tryShorter(outcome, best, moved); shorter != nil {
				best = shorter
				i = -1 // from the start again
				break
			}
		}
	}
	return best
}

// tryShorter returns what became of the plan moved, if it ends in the outcome with fewer switches
// inside statements than best; else nil.
func (r *recorder) tryShorter(outcome string, best, moved []stretch) []stretch {
	if moved == nil {
		return nil
	}
	result := r.run(&sectionPlan{follow: moved, recording: true})
	if insideCount(result.schedule) >= insideCount(best) || string(r.outcome()) != outcome {
		return nil
	}
	return append([]stretch(nil), result.schedule...)
}

func insideCount(stretches []stretch) int {
	count := 0
	for _, s := range stretches {
		if s.resumedAt != 0 {
			count++
		}
	}
	return count
}

// previous returns the stretch before number i of the same worker.
func previous(stretches []stretch, i int) int {
	j := i - 1
	for j >= 0 && stretches[j].worker != stretches[i].worker {
		j--
	}
	return j
}

// finishBefore lets the worker of stretch i finish its statement before it is left.
func (r *recorder) finishBefore(stretches []stretch, i int) []stretch {
	return shift(stretches, previous(stretches, i), i, r.accessesUntilStatement(stretches, i))
}

// beginAfter has it left before the statement.
func (r *recorder) beginAfter(stretches []stretch, i int) []stretch {
	j := previous(stretches, i)
	return shift(stretches, j, i, -r.accessesOfStatement(stretches, j))
}

// shift moves count accesses from stretch i to the earlier stretch j, or back if it is negative.
func shift(stretches []stretch, j, i, count int) []stretch {
	if j < 0 || count == 0 {
		return nil
	}
	var shifted []stretch
	for k, s := range stretches {
		if k == j {
			s.count += count
		}
		if k == i {
			s.count -= count
		}
		if s.count > 0 {
			shifted = append(shifted, s)
		}
	}
	return shifted
}

// sitesOf returns the sites of the accesses of stretch i, by following the schedule.
func (r *recorder) sitesOf(stretches []stretch, i int) []int {
	result := r.run(&sectionPlan{follow: stretches, recording: true, tracing: true})
	from := 0
	for _, s := range stretches[:i] {
		from += s.count
	}
	to := from + stretches[i].count
	if to > len(result.trace) { // the last access failed
		to = len(result.trace)
	}
	var sites []int
	for _, a := range result.trace[from:to] {
		sites = append(sites, a.site)
	}
	return sites
}

func firstOfStatement(site int) bool {
	_, _, _, first := siteOf(site)
	return first
}

// accessesUntilStatement counts the accesses of stretch i before a statement begins.
func (r *recorder) accessesUntilStatement(stretches []stretch, i int) int {
	sites := r.sitesOf(stretches, i)
	count := 0
	for count < len(sites) && !firstOfStatement(sites[count]) {
		count++
	}
	return count
}

// accessesOfStatement counts the accesses of stretch i's last statement, if it begins there.
func (r *recorder) accessesOfStatement(stretches []stretch, i int) int {
	sites := r.sitesOf(stretches, i)
	for count := 1; count <= len(sites); count++ {
		if firstOfStatement(sites[len(sites)-count]) {
			return count
		}
	}
	return 0
}

// insideText names the statements and accesses between which switches inside a statement stand.
func insideText(stretches []stretch) string {
	var text strings.Builder
	for _, s := range stretches {
		if s.resumedAt != 0 {
			function, line, left, _ := siteOf(s.leftAt)
			_, _, resumed, _ := siteOf(s.resumedAt)
			fmt.Fprintf(&text, "\t%s|%d|%s|%s", function, line, left, resumed)
		}
	}
	return text.String()
}
