package main

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/format"
	"go/token"
	"go/types"
	"sort"
	"strconv"
)

// Where the copy is entered.
var roots = []string{
	"makemap", "makemap_small", "mapclear", "mapiterinit", "mapiternext",
	"mapaccess2", "mapassign", "mapdelete",
	"mapaccess2_fast64", "mapassign_fast64", "mapdelete_fast64",
}

// Structs that goroutines do not share: accesses through pointers to them stay as they are.
var private = map[string]bool{"maptype": true, "_type": true, "hiter": true, "evacDst": true}

// Functions of the runtime whose place others take (../runtime): those that access a map's memory,
// with a site for each access, and those that do not.
var accessing = map[string]struct {
	name   string
	places []string
}{
	"typedmemmove":         {"treadleMove", []string{"source", "destination"}},
	"memclrNoHeapPointers": {"treadleClear", []string{"memory"}},
	"memclrHasPointers":    {"treadleClear", []string{"memory"}},
	"fastrand":             {"treadleFastrand", []string{"random state"}},
	"fastrand64":           {"treadleFastrand64", []string{"random state"}},
	"Or8":                  {"treadleOr8", []string{"flags"}},
}
var replaced = map[string]string{
	"newobject": "treadleNewObject",
	"newarray":  "treadleNewArray",
	"fatal":     "treadleFatal",
	"throw":     "treadleThrow",
}

type rewriter struct {
	*runtimePackage
	reached  map[types.Object]bool
	pending  []types.Object
	sites    []site
	function string
	// Whether an access of the present statement surely stands before the next one.
	accessed bool
}

// Accesses that ../runtime makes by itself; their sites come first, in this order (section.go).
var ownSites = []site{
	{"", 0, "", true},
	{"hasher", 0, "key", false},
	{"hasher", 0, "random state", false},
	{"equal", 0, "key", true},
	{"equal", 0, "second key", false},
	{"caller", 0, "element stored", true},
	{"caller", 0, "element loaded", true},
	{"caller", 0, "key loaded by range", true},
	{"caller", 0, "element loaded by range", true},
}

// instrument returns the copy as a file of package runtime, and its sites by number.
func instrument(runtime *runtimePackage) (file []byte, sites []site, err error) {
	r := &rewriter{runtimePackage: runtime, reached: map[types.Object]bool{}, sites: ownSites}
	byName := map[string]types.Object{}
	for object, declaration := range runtime.functions {
		if declaration.Recv == nil {
			byName[object.Name()] = object
		}
	}
	for _, name := range roots {
		if byName[name] == nil {
			return nil, nil, fmt.Errorf("no function %s in %s: not Go 1.19's map", name, runtime.folder)
		}
		r.reach(byName[name])
	}
	defer func() {
		if failure, ok := recover().(unknown); ok {
			err = fmt.Errorf("%s", string(failure))
		}
	}()
	var declarations []*ast.FuncDecl
	for len(r.pending) > 0 {
		object := r.pending[0]
		r.pending = r.pending[1:]
		declarations = append(declarations, r.declaration(runtime.functions[object]))
	}
	sort.Slice(declarations, func(i, j int) bool {
		return declarations[i].Name.Name < declarations[j].Name.Name
	})
	var text bytes.Buffer
	text.WriteString("package runtime\n\nimport (\n\t\"internal/goarch\"\n" +
		"\t\"runtime/internal/math\"\n\t\"unsafe\"\n)\n")
	for _, declaration := range declarations {
		text.WriteString("\n")
		if err := format.Node(&text, r.fset, declaration); err != nil {
			return nil, nil, err
		}
		text.WriteString("\n")
	}
	return text.Bytes(), r.sites, nil
}

// A construct that the rewriter does not know: better no copy than a wrong one.
type unknown string

func (r *rewriter) fail(node ast.Node, what string) {
	panic(unknown(fmt.Sprintf("%s: %s", r.fset.Position(node.Pos()), what)))
}

// reach makes sure that a function is copied, once.
func (r *rewriter) reach(object types.Object) {
	if !r.reached[object] {
		r.reached[object] = true
		r.pending = append(r.pending, object)
	}
}

func (r *rewriter) declaration(f *ast.FuncDecl) *ast.FuncDecl {
	r.function = f.Name.Name
	return &ast.FuncDecl{
		Recv: f.Recv,
		Name: ast.NewIdent(copyName(f.Name.Name)),
		Type: f.Type,
		Body: r.block(f.Body),
	}
}

func copyName(name string) string {
	return "treadle_" + name
}

// site numbers an access, in the order of the table of sites, and returns the number as an
// expression.
func (r *rewriter) site(node ast.Node, place string, first bool) ast.Expr {
	r.sites = append(r.sites, site{r.function, r.fset.Position(node.Pos()).Line, place, first})
	return number(int64(len(r.sites) - 1))
}

// access is site for the next access of the statement.
func (r *rewriter) access(node ast.Node, place string) ast.Expr {
	number := r.site(node, place, !r.accessed)
	r.accessed = true
	return number
}

func call(name string, arguments ...ast.Expr) *ast.CallExpr {
	return &ast.CallExpr{Fun: ast.NewIdent(name), Args: arguments}
}

func selector(x, sel string) ast.Expr {
	return &ast.SelectorExpr{X: ast.NewIdent(x), Sel: ast.NewIdent(sel)}
}

func unsafePointer(e ast.Expr) ast.Expr {
	return &ast.CallExpr{Fun: selector("unsafe", "Pointer"), Args: []ast.Expr{e}}
}

// placeName says in a word which memory an expression names: h.flags, b.tophash, *k.
func placeName(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.ParenExpr:
		return placeName(e.X)
	case *ast.SelectorExpr:
		return placeName(e.X) + "." + e.Sel.Name
	case *ast.IndexExpr:
		return placeName(e.X)
	case *ast.StarExpr:
		return "*" + placeName(e.X)
	case *ast.CallExpr: // a conversion, an addition
		if len(e.Args) > 0 {
			return placeName(e.Args[0])
		}
		return placeName(e.Fun)
	}
	return "memory"
}

func conversion(name string, e ast.Expr) ast.Expr {
	return call(name, e)
}

func number(value int64) ast.Expr {
	return &ast.BasicLit{Kind: token.INT, Value: strconv.FormatInt(value, 10)}
}

// suffix names the load and store for a type; false for structs and the like.
func suffix(t types.Type) (string, bool) {
	switch u := t.Underlying().(type) {
	case *types.Pointer:
		return "Pointer", true
	case *types.Basic:
		switch u.Kind() {
		case types.UnsafePointer:
			return "Pointer", true
		case types.Uint8:
			return "8", true
		case types.Uint16:
			return "16", true
		case types.Uint32:
			return "32", true
		case types.Uint64:
			return "64", true
		case types.Uintptr:
			return "Uintptr", true
		case types.Int:
			return "Int", true
		}
	}
	return "", false
}

// typeExpr writes a type of the runtime.
func (r *rewriter) typeExpr(t types.Type) ast.Expr {
	switch t := t.(type) {
	case *types.Pointer:
		return &ast.StarExpr{X: r.typeExpr(t.Elem())}
	case *types.Slice:
		return &ast.ArrayType{Elt: r.typeExpr(t.Elem())}
	case *types.Array:
		return &ast.ArrayType{Len: number(t.Len()), Elt: r.typeExpr(t.Elem())}
	case *types.Named:
		return ast.NewIdent(t.Obj().Name())
	case *types.Basic:
		if t.Kind() == types.UnsafePointer {
			return selector("unsafe", "Pointer")
		}
		return ast.NewIdent(t.Name())
	}
	panic(unknown("a type that cannot be written: " + t.String()))
}

// load reads memory of the map at address, which is already rewritten.
func (r *rewriter) load(original, address ast.Expr) ast.Expr {
	t := r.info.TypeOf(original)
	kind, ok := suffix(t)
	if !ok {
		r.fail(original, "a load of type "+t.String())
	}
	name := placeName(original)
	if kind != "Pointer" {
		return call("treadleLoad"+kind, address, r.access(original, name))
	}
	loaded := call("treadleLoadPointer", unsafePointer(address), r.access(original, name))
	return &ast.CallExpr{Fun: &ast.ParenExpr{X: r.typeExpr(t)}, Args: []ast.Expr{loaded}}
}

// store writes value to memory of the map; both are already rewritten.
func (r *rewriter) store(original, address, value, site ast.Expr) ast.Stmt {
	t := r.info.TypeOf(original)
	kind, ok := suffix(t)
	if !ok {
		r.fail(original, "a store of type "+t.String())
	}
	if kind == "Pointer" {
		value, address = unsafePointer(value), unsafePointer(address)
	}
	return &ast.ExprStmt{X: call("treadleStore"+kind, value, address, site)}
}
