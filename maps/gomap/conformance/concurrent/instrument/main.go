// instrument writes what `go build -overlay` needs to build a runtime with a second copy of the
// installed map code, in which every access to a map's memory is a call (copy.go), and the files
// that those calls lead to (../runtime).
//
//	instrument -with OURS -out FOLDER
//
// OURS is the folder ../runtime. FOLDER then holds copy.go, sites.go and overlay.json. Nothing of
// Go's source is kept elsewhere.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"go/ast"
	"go/build"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"os"
	"path/filepath"
	"strings"
)

func main() {
	with := flag.String("with", "", "folder of the files of package runtime that are ours")
	out := flag.String("out", "", "folder to write to")
	flag.Parse()
	if *with == "" || *out == "" || flag.NArg() != 0 {
		flag.Usage()
		os.Exit(2)
	}
	if err := run(*with, *out); err != nil {
		fmt.Fprintln(os.Stderr, "instrument:", err)
		os.Exit(1)
	}
}

func run(with, out string) error {
	runtime, err := load()
	if err != nil {
		return err
	}
	copied, sites, err := instrument(runtime)
	if err != nil {
		return err
	}
	if with, err = filepath.Abs(with); err != nil {
		return err
	}
	if out, err = filepath.Abs(out); err != nil {
		return err
	}
	ours, err := filepath.Glob(filepath.Join(with, "*.go"))
	if err != nil {
		return err
	}
	ours = append(ours, filepath.Join(out, "copy.go"), filepath.Join(out, "sites.go"))
	replace := map[string]string{}
	for _, path := range ours {
		replace[filepath.Join(runtime.folder, "treadle_"+filepath.Base(path))] = path
	}
	overlayText, err := json.MarshalIndent(map[string]any{"Replace": replace}, "", "\t")
	if err != nil {
		return err
	}
	for name, content := range map[string][]byte{
		"copy.go": copied, "sites.go": sitesFile(sites), "overlay.json": overlayText,
	} {
		if err := writeIfNew(filepath.Join(out, name), content); err != nil {
			return err
		}
	}
	return nil
}

// An unchanged file stays as old as it is.
func writeIfNew(path string, content []byte) error {
	if old, err := os.ReadFile(path); err == nil && string(old) == string(content) {
		return nil
	}
	return os.WriteFile(path, content, 0o644)
}

// The installed package runtime, its types known.
type runtimePackage struct {
	folder string
	fset   *token.FileSet
	info   *types.Info
	sizes  types.Sizes
	// The functions of map.go and map_fast64.go.
	functions map[types.Object]*ast.FuncDecl
}

func load() (*runtimePackage, error) {
	found, err := build.Import("runtime", "", 0)
	if err != nil {
		return nil, err
	}
	fset := token.NewFileSet()
	var files []*ast.File
	for _, name := range found.GoFiles {
		file, err := parser.ParseFile(fset, filepath.Join(found.Dir, name), nil, 0)
		if err != nil {
			return nil, err
		}
		files = append(files, file)
	}
	info := &types.Info{
		Types:      map[ast.Expr]types.TypeAndValue{},
		Defs:       map[*ast.Ident]types.Object{},
		Uses:       map[*ast.Ident]types.Object{},
		Selections: map[*ast.SelectorExpr]*types.Selection{},
	}
	config := types.Config{
		Importer: importer.ForCompiler(fset, "source", nil),
		Sizes:    types.SizesFor("gc", "amd64"),
	}
	if _, err := config.Check("runtime", fset, files, info); err != nil {
		return nil, err
	}
	functions := map[types.Object]*ast.FuncDecl{}
	for _, file := range files {
		name := filepath.Base(fset.Position(file.Pos()).Filename)
		if name != "map.go" && name != "map_fast64.go" {
			continue
		}
		for _, declaration := range file.Decls {
			if function, ok := declaration.(*ast.FuncDecl); ok && function.Body != nil {
				functions[info.Defs[function.Name]] = function
			}
		}
	}
	return &runtimePackage{found.Dir, fset, info, config.Sizes, functions}, nil
}

// What the recorder knows of an access: see runtime/section.go.
type site struct {
	function string
	line     int
	place    string // "h.flags"
	first    bool   // of its statement: a switch may stand before it in statement mode
}

func sitesFile(sites []site) []byte {
	var text strings.Builder
	text.WriteString("package runtime\n\nvar treadleSites = [...]treadleSite{\n")
	for _, s := range sites {
		fmt.Fprintf(&text, "\t{%q, %d, %q, %t},\n", s.function, s.line, s.place, s.first)
	}
	text.WriteString("}\n")
	return []byte(text.String())
}
