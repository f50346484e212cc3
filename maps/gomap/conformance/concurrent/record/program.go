package main

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// A program of the trace language: set-up operations, then `par A;B | C`.
type program struct {
	lines   []string // as they stood, up to `par`
	setup   []operation
	workers [][]operation
}

type operation struct {
	name   string
	first  uint64
	second uint64
}

const workersMax = 4

// name: how many arguments, and whether workers may do it.
var operations = map[string]struct {
	arguments  int
	concurrent bool
}{
	"rand": {1, false}, "new": {1, false}, "seed": {1, false}, "H": {2, false}, "h": {1, false},
	"xf": {1, false}, "a": {2, true}, "d": {1, true}, "g": {1, true}, "c": {0, true},
	"it": {0, true}, "ii": {1, true}, "in": {1, true}, "ik": {1, true},
}

func parseProgram(in io.Reader) (*program, error) {
	p := &program{}
	scanner := bufio.NewScanner(in)
	for number := 1; scanner.Scan(); number++ {
		line := strings.TrimSpace(scanner.Text())
		if line == "outcomes:" {
			break
		}
		p.lines = append(p.lines, scanner.Text())
		if err := p.parseLine(line); err != nil {
			return nil, fmt.Errorf("line %d: %w", number, err)
		}
	}
	if len(p.workers) == 0 {
		return nil, fmt.Errorf("no line 'par'")
	}
	return p, scanner.Err()
}

func (p *program) parseLine(line string) error {
	if line == "" || line[0] == '#' {
		return nil
	}
	if strings.Fields(line)[0] != "par" {
		operation, err := parseOperation(line)
		p.setup = append(p.setup, operation)
		return err
	}
	for _, part := range strings.Split(line[len("par"):], "|") {
		var list []operation
		for _, text := range strings.Split(part, ";") {
			operation, err := parseOperation(text)
			if err == nil && !operations[operation.name].concurrent {
				err = fmt.Errorf("only the set-up may do %q", text)
			}
			if err != nil {
				return err
			}
			list = append(list, operation)
		}
		p.workers = append(p.workers, list)
	}
	if len(p.workers) > workersMax {
		return fmt.Errorf("more than %d goroutines", workersMax)
	}
	return nil
}

// parseNumber reads a number, decimal or 0x.
func parseNumber(word string) (uint64, error) {
	base, digits := 10, word
	if strings.HasPrefix(word, "0x") || strings.HasPrefix(word, "0X") {
		base, digits = 16, word[2:]
	}
	number, err := strconv.ParseUint(digits, base, 64)
	if err != nil {
		return 0, fmt.Errorf("bad number %q", word)
	}
	return number, nil
}

func parseOperation(text string) (operation, error) {
	words := strings.Fields(text)
	if len(words) == 0 {
		return operation{}, fmt.Errorf("missing operation")
	}
	o := operation{name: words[0]}
	description, ok := operations[o.name]
	if !ok {
		return o, fmt.Errorf("unknown operation %q", o.name)
	}
	if len(words) != 1+description.arguments {
		return o, fmt.Errorf("%q takes %d arguments", o.name, description.arguments)
	}
	for i, place := range []*uint64{&o.first, &o.second}[:description.arguments] {
		number, err := parseNumber(words[1+i])
		if err != nil {
			return o, err
		}
		*place = number
	}
	return o, nil
}

// An interpreter applies operations, for the set-up or for one worker.
type interpreter struct {
	iterators map[uint64]*iterator
	results   []byte // as outcomes show them
}

func (in *interpreter) result(format func([]byte) []byte) {
	if len(in.results) > 0 {
		in.results = append(in.results, ' ')
	}
	in.results = append(in.results, '"')
	in.results = format(in.results)
	in.results = append(in.results, '"')
}

func appendEntry(text []byte, key, value uint64) []byte {
	text = strconv.AppendUint(text, key, 10)
	text = append(text, '=')
	return strconv.AppendUint(text, value, 10)
}

func (in *interpreter) apply(o *operation) {
	switch o.name {
	case "rand":
		setDraws(o.first)
	case "new":
		in.iterators = nil
		makeMap(int(o.first))
	case "seed":
		reseed(uint32(o.first))
	case "H":
		inject(o.first, o.second)
	case "h": // has a result only in traces
	case "xf":
		flip(uint8(o.first))
	case "a":
		assign(o.first, o.second)
	case "d":
		remove(o.first)
	case "c":
		clearMap()
	case "g":
		in.result(func(text []byte) []byte {
			if value, found := access(o.first); found {
				return strconv.AppendUint(append(text, "hit "...), value, 10)
			}
			return append(text, "miss"...)
		})
	case "it":
		in.result(iterate)
	case "ii":
		in.result(func(text []byte) []byte {
			it, key, value, found := rangeFirst()
			if in.iterators == nil {
				in.iterators = map[uint64]*iterator{}
			}
			in.iterators[o.first] = it
			return in.step(text, o.first, key, value, found)
		})
	case "in":
		in.result(func(text []byte) []byte {
			it := in.iterators[o.first]
			if it == nil {
				return append(text, "none"...)
			}
			key, value, found := rangeNext(it)
			return in.step(text, o.first, key, value, found)
		})
	case "ik":
		delete(in.iterators, o.first)
	}
}

func (in *interpreter) step(text []byte, id, key, value uint64, found bool) []byte {
	if found {
		return appendEntry(text, key, value)
	}
	delete(in.iterators, id)
	return append(text, "end"...)
}

// iterate ranges over the whole map.
func iterate(text []byte) []byte {
	it, key, value, found := rangeFirst()
	for separate := false; found; separate = true {
		if separate {
			text = append(text, ' ')
		}
		text = appendEntry(text, key, value)
		key, value, found = rangeNext(it)
	}
	return text
}
