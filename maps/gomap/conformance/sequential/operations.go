// operations.go: reading the operations of the trace language.
package main

import (
	"bytes"
	"fmt"
	"strconv"
)

type operationKind int

const (
	opRand operationKind = iota
	opNew
	opAssign
	opDelete
	opAccess
	opClear
	opIterate
	opIteratorInit
	opIteratorNext
	opIteratorForget
	opSeed
	opInject
	opHash
	opFlip
)

var descriptions = map[string]struct {
	kind      operationKind
	arguments int
}{
	"rand": {opRand, 1}, "new": {opNew, 1}, "a": {opAssign, 2}, "d": {opDelete, 1},
	"g": {opAccess, 1}, "c": {opClear, 0}, "it": {opIterate, 0}, "ii": {opIteratorInit, 1},
	"in": {opIteratorNext, 1}, "ik": {opIteratorForget, 1}, "seed": {opSeed, 1},
	"H": {opInject, 2}, "h": {opHash, 1}, "xf": {opFlip, 1},
}

const hintMax = 1000000

type operation struct {
	kind          operationKind
	first, second uint64
}

// counted tells whether a dump shows the draws and hasher calls of such an operation.
func (o operation) counted() bool {
	return o.kind >= opNew && o.kind <= opIteratorNext
}

func parseNumber(word []byte) (uint64, error) {
	base := 10
	digits := word
	if len(word) > 2 && word[0] == '0' && (word[1] == 'x' || word[1] == 'X') {
		base = 16
		digits = word[2:]
	}
	number, err := strconv.ParseUint(string(digits), base, 64)
	if err != nil {
		return 0, fmt.Errorf("bad number '%s'", word)
	}
	return number, nil
}

func parseOperation(text []byte) (operation, error) {
	words := bytes.Fields(text)
	if len(words) == 0 {
		return operation{}, fmt.Errorf("missing operation")
	}
	description, found := descriptions[string(words[0])]
	if !found {
		return operation{}, fmt.Errorf("unknown operation '%s'", words[0])
	}
	if len(words) != 1+description.arguments {
		return operation{}, fmt.Errorf("'%s' takes %d arguments", words[0], description.arguments)
	}
	var arguments [2]uint64
	for i, word := range words[1:] {
		number, err := parseNumber(word)
		if err != nil {
			return operation{}, err
		}
		arguments[i] = number
	}
	if description.kind == opNew && arguments[0] > hintMax {
		return operation{}, fmt.Errorf("size hint above %d", hintMax)
	}
	return operation{description.kind, arguments[0], arguments[1]}, nil
}

// nested holds what an `@N` or `=N` line wants done inside the at-th call of the next operation.
type nested struct {
	armed      bool
	at         uint64
	operations []operation
	texts      [][]byte // the operations as written
}

func parseNested(line []byte) (nested, error) {
	rest := line[1:]
	end := bytes.IndexAny(rest, " \t")
	if end < 0 {
		end = len(rest)
	}
	at, err := parseNumber(rest[:end])
	if err != nil {
		return nested{}, err
	}
	n := nested{armed: true, at: at}
	for _, text := range bytes.Split(rest[end:], []byte(";")) {
		text = bytes.TrimSpace(text)
		op, err := parseOperation(text)
		if err != nil {
			return nested{}, err
		}
		n.operations = append(n.operations, op)
		n.texts = append(n.texts, text)
	}
	return n, nil
}
