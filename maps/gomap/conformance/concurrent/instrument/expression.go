package main

import (
	"go/ast"
	"go/token"
	"go/types"
)

// pointsToShared says whether memory behind a pointer of this type is a map's.
func pointsToShared(t types.Type) bool {
	pointer, ok := t.Underlying().(*types.Pointer)
	if !ok {
		return false
	}
	named, ok := pointer.Elem().(*types.Named)
	return !ok || !private[named.Obj().Name()]
}

func isPointer(t types.Type) bool {
	_, ok := t.Underlying().(*types.Pointer)
	return ok
}

// place rewrites an expression that names memory, without the access itself. For a map's memory it
// returns the address, found by arithmetic alone: Go's own way there would look whether a pointer
// is nil before the access's turn comes. Else it returns the place.
func (r *rewriter) place(e ast.Expr) (place ast.Expr, shared bool) {
	switch e := e.(type) {
	case *ast.ParenExpr:
		inner, shared := r.place(e.X)
		return &ast.ParenExpr{X: inner}, shared
	case *ast.StarExpr:
		pointer := r.expression(e.X)
		if pointsToShared(r.info.TypeOf(e.X)) {
			return pointer, true
		}
		return &ast.StarExpr{X: pointer}, false
	case *ast.SelectorExpr:
		selection := r.info.Selections[e]
		if selection == nil { // of a package
			return e, false
		}
		var base ast.Expr
		if t := r.info.TypeOf(e.X); isPointer(t) {
			base, shared = r.expression(e.X), pointsToShared(t)
		} else {
			base, shared = r.place(e.X)
		}
		if !shared {
			return &ast.SelectorExpr{X: base, Sel: e.Sel}, false
		}
		return r.behind(e, base, number(r.offset(e, selection))), true
	case *ast.IndexExpr:
		if _, ok := r.info.TypeOf(e.X).Underlying().(*types.Array); !ok {
			r.fail(e, "an index into what is no array")
		}
		inner, shared := r.place(e.X)
		index := r.expression(e.Index)
		if !shared {
			return &ast.IndexExpr{X: inner, Index: index}, false
		}
		bytes := &ast.BinaryExpr{X: conversion("uintptr", index), Op: token.MUL,
			Y: number(r.sizes.Sizeof(r.info.TypeOf(e)))}
		return r.behind(e, inner, bytes), true
	case *ast.Ident, *ast.CompositeLit:
		return e, false
	}
	r.fail(e, "an unknown kind of place")
	return nil, false
}

// behind is the address of place e, so many bytes behind the address base.
func (r *rewriter) behind(e, base, bytes ast.Expr) ast.Expr {
	pointer := &ast.ParenExpr{X: &ast.StarExpr{X: r.typeExpr(r.info.TypeOf(e))}}
	return &ast.CallExpr{Fun: pointer, Args: []ast.Expr{call("add", unsafePointer(base), bytes)}}
}

// offset is where a selected field lies in its struct.
func (r *rewriter) offset(e ast.Expr, selection *types.Selection) int64 {
	t := selection.Recv()
	if pointer, ok := t.Underlying().(*types.Pointer); ok {
		t = pointer.Elem()
	}
	if len(selection.Index()) != 1 {
		r.fail(e, "a field of an embedded struct")
	}
	return r.fieldOffset(t.Underlying().(*types.Struct), selection.Index()[0])
}

func (r *rewriter) fieldOffset(t *types.Struct, index int) int64 {
	fields := make([]*types.Var, t.NumFields())
	for i := range fields {
		fields[i] = t.Field(i)
	}
	return r.sizes.Offsetsof(fields)[index]
}

// expression rewrites an expression whose value is wanted.
func (r *rewriter) expression(e ast.Expr) ast.Expr {
	switch e := e.(type) {
	case nil, *ast.BasicLit, *ast.Ident:
		return e
	case *ast.ParenExpr:
		if r.info.Types[e].IsType() {
			return e
		}
		return &ast.ParenExpr{X: r.expression(e.X)}
	case *ast.SelectorExpr, *ast.IndexExpr, *ast.StarExpr:
		place, shared := r.place(e)
		if shared {
			return r.load(e, place)
		}
		return place
	case *ast.UnaryExpr:
		if e.Op == token.AND {
			place, shared := r.place(e.X)
			if shared {
				return place // is the address
			}
			return &ast.UnaryExpr{Op: token.AND, X: place}
		}
		return &ast.UnaryExpr{Op: e.Op, X: r.expression(e.X)}
	case *ast.BinaryExpr:
		left := r.expression(e.X)
		accessed := r.accessed
		right := r.expression(e.Y)
		if e.Op == token.LAND || e.Op == token.LOR { // the right one may be left out
			r.accessed = accessed
		}
		return &ast.BinaryExpr{X: left, Op: e.Op, Y: right}
	case *ast.CallExpr:
		return r.call(e)
	case *ast.CompositeLit:
		if len(e.Elts) == 0 {
			return e
		}
	}
	r.fail(e, "an unknown kind of expression")
	return nil
}

func (r *rewriter) expressions(list []ast.Expr) []ast.Expr {
	rewritten := make([]ast.Expr, len(list))
	for i, e := range list {
		rewritten[i] = r.expression(e)
	}
	return rewritten
}

// called returns the function that a call names; nil for conversions and function values.
func (r *rewriter) called(e *ast.CallExpr) types.Object {
	var name *ast.Ident
	switch function := e.Fun.(type) {
	case *ast.Ident:
		name = function
	case *ast.SelectorExpr:
		name = function.Sel
	default:
		return nil
	}
	switch object := r.info.Uses[name].(type) {
	case *types.Func, *types.Builtin:
		return object
	}
	return nil
}

func (r *rewriter) call(e *ast.CallExpr) ast.Expr {
	function := r.called(e)
	if function == nil { // a conversion, or a function value such as t.hasher
		f := e.Fun
		if !r.info.Types[f].IsType() {
			f = r.expression(f)
		}
		return &ast.CallExpr{Fun: f, Args: r.expressions(e.Args)}
	}
	name := function.Name()
	if _, ok := function.(*types.Builtin); ok {
		if name == "new" {
			size := &ast.CallExpr{Fun: selector("unsafe", "Sizeof"),
				Args: []ast.Expr{&ast.StarExpr{X: call("new", e.Args[0])}}}
			kind := &ast.StarExpr{X: e.Args[0]}
			return &ast.CallExpr{Fun: &ast.ParenExpr{X: kind}, Args: []ast.Expr{call("treadleNew", size)}}
		}
		if name != "panic" && name != "Sizeof" {
			r.fail(e, "an unknown builtin "+name)
		}
		return &ast.CallExpr{Fun: e.Fun, Args: r.expressions(e.Args)}
	}
	if access, ok := accessing[name]; ok {
		arguments := r.expressions(e.Args)
		for _, place := range access.places {
			arguments = append(arguments, r.access(e, place))
		}
		return call(access.name, arguments...)
	}
	if other, ok := replaced[name]; ok {
		return call(other, r.expressions(e.Args)...)
	}
	f := e.Fun
	if method, ok := f.(*ast.SelectorExpr); ok && r.info.Selections[method] != nil {
		f = &ast.SelectorExpr{X: r.expression(method.X), Sel: method.Sel}
	}
	if r.functions[function] != nil {
		r.reach(function)
		if method, ok := f.(*ast.SelectorExpr); ok {
			f = &ast.SelectorExpr{X: method.X, Sel: ast.NewIdent(copyName(name))}
		} else {
			f = ast.NewIdent(copyName(name))
		}
	}
	return &ast.CallExpr{Fun: f, Args: r.expressions(e.Args)}
}
