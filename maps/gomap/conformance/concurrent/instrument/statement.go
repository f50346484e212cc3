package main

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
)

func (r *rewriter) block(b *ast.BlockStmt) *ast.BlockStmt {
	if b == nil {
		return nil
	}
	rewritten := &ast.BlockStmt{}
	for _, s := range b.List {
		if s = r.statement(s); s != nil {
			rewritten.List = append(rewritten.List, s)
		}
	}
	return rewritten
}

// statement rewrites one statement; nil if the copy leaves it out.
func (r *rewriter) statement(s ast.Stmt) ast.Stmt {
	r.accessed = false
	switch s := s.(type) {
	case nil:
		return nil
	case *ast.BranchStmt, *ast.EmptyStmt:
		return s
	case *ast.BlockStmt:
		return r.block(s)
	case *ast.LabeledStmt:
		return &ast.LabeledStmt{Label: s.Label, Stmt: r.statement(s.Stmt)}
	case *ast.ExprStmt:
		return &ast.ExprStmt{X: r.expression(s.X)}
	case *ast.ReturnStmt:
		return &ast.ReturnStmt{Results: r.expressions(s.Results)}
	case *ast.DeclStmt:
		return r.variables(s)
	case *ast.AssignStmt:
		return r.assignment(s)
	case *ast.IncDecStmt:
		operation := token.ADD
		if s.Tok == token.DEC {
			operation = token.SUB
		}
		one := &ast.BasicLit{Kind: token.INT, Value: "1"}
		if modified := r.modification(s.X, operation, one); modified != nil {
			return modified
		}
		return s
	case *ast.IfStmt:
		return r.ifStatement(s)
	case *ast.ForStmt:
		// Condition and post statement are rewritten like statements of their own.
		init := r.statement(s.Init)
		r.accessed = false
		condition := s.Cond
		if condition != nil {
			condition = r.expression(condition)
		}
		return &ast.ForStmt{Init: init, Cond: condition, Post: r.statement(s.Post), Body: r.block(s.Body)}
	}
	r.fail(s, fmt.Sprintf("an unknown kind of statement, %T", s))
	return nil
}

// variables rewrites `var x T`, with or without a value.
func (r *rewriter) variables(s *ast.DeclStmt) ast.Stmt {
	for _, spec := range s.Decl.(*ast.GenDecl).Specs {
		value, ok := spec.(*ast.ValueSpec)
		if !ok || len(value.Values) != 0 {
			r.fail(s, "a declaration of more than variables")
		}
	}
	return s
}

// The race detector and the sanitizers are off in every build that runs the copy.
var off = map[string]bool{"raceenabled": true, "msanenabled": true, "asanenabled": true}

func (r *rewriter) ifStatement(s *ast.IfStmt) ast.Stmt {
	names := false
	ast.Inspect(s.Cond, func(node ast.Node) bool {
		name, ok := node.(*ast.Ident)
		names = names || ok && off[name.Name]
		return true
	})
	if names {
		return nil
	}
	init := r.statement(s.Init)
	condition := r.expression(s.Cond)
	rewritten := &ast.IfStmt{Init: init, Cond: condition, Body: r.block(s.Body)}
	if s.Else != nil {
		rewritten.Else = r.statement(s.Else)
	}
	return rewritten
}

var operations = map[token.Token]token.Token{
	token.ADD_ASSIGN: token.ADD, token.SUB_ASSIGN: token.SUB, token.XOR_ASSIGN: token.XOR,
	token.OR_ASSIGN: token.OR, token.AND_ASSIGN: token.AND, token.AND_NOT_ASSIGN: token.AND_NOT,
	token.SHR_ASSIGN: token.SHR,
}

// modification splits a read-modify-write of a map's memory into load and store, each the first
// access of a statement; nil if the memory is private.
func (r *rewriter) modification(target ast.Expr, operation token.Token, value ast.Expr) ast.Stmt {
	sites := len(r.sites)
	address, shared := r.place(target)
	if !shared {
		return nil
	}
	if len(r.sites) != sites {
		r.fail(target, "a read-modify-write behind an access")
	}
	loaded := r.load(target, address)
	modified := &ast.BinaryExpr{X: loaded, Op: operation, Y: &ast.ParenExpr{X: r.expression(value)}}
	if len(r.sites) != sites+1 {
		r.fail(target, "a read-modify-write with another access")
	}
	return r.store(target, address, modified, r.site(target, placeName(target), true))
}

func (r *rewriter) assignment(s *ast.AssignStmt) ast.Stmt {
	if operation, ok := operations[s.Tok]; ok {
		if modified := r.modification(s.Lhs[0], operation, s.Rhs[0]); modified != nil {
			return modified
		}
		return &ast.AssignStmt{Lhs: s.Lhs, Tok: s.Tok, Rhs: r.expressions(s.Rhs)}
	}
	if s.Tok == token.DEFINE {
		return &ast.AssignStmt{Lhs: s.Lhs, Tok: s.Tok, Rhs: r.expressions(s.Rhs)}
	}
	if s.Tok != token.ASSIGN {
		r.fail(s, "an unknown kind of assignment "+s.Tok.String())
	}
	if len(s.Lhs) == 1 {
		return r.assign(s.Lhs[0], s.Rhs[0])
	}
	return r.assignSeveral(s)
}

// assign rewrites `target = value`. The value is computed first, then what leads to the target.
func (r *rewriter) assign(target, value ast.Expr) ast.Stmt {
	if function, ok := value.(*ast.CallExpr); ok {
		if builtin := r.called(function); builtin != nil && builtin.Name() == "append" {
			return r.assignAppended(target, function)
		}
	}
	if zero, ok := value.(*ast.CompositeLit); ok && len(zero.Elts) == 0 {
		return r.assignZero(target)
	}
	rewritten := r.expression(value)
	place, shared := r.place(target)
	if !shared {
		return &ast.AssignStmt{Lhs: []ast.Expr{place}, Tok: token.ASSIGN, Rhs: []ast.Expr{rewritten}}
	}
	return r.store(target, place, rewritten, r.access(target, placeName(target)))
}

// assignSeveral rewrites `a, b = ...`. Map memory among the targets is stored after the others.
func (r *rewriter) assignSeveral(s *ast.AssignStmt) ast.Stmt {
	values := r.expressions(s.Rhs)
	targets := make([]ast.Expr, len(s.Lhs))
	block := &ast.BlockStmt{}
	var stores []ast.Stmt
	for i, target := range s.Lhs {
		place, shared := r.place(target)
		targets[i] = place
		if shared {
			name := fmt.Sprintf("treadle%d", i)
			variable := &ast.ValueSpec{Names: []*ast.Ident{ast.NewIdent(name)},
				Type: r.typeExpr(r.info.TypeOf(target))}
			block.List = append(block.List, &ast.DeclStmt{
				Decl: &ast.GenDecl{Tok: token.VAR, Specs: []ast.Spec{variable}}})
			targets[i] = ast.NewIdent(name)
			stores = append(stores, r.store(target, place, ast.NewIdent(name),
				r.access(target, placeName(target))))
		}
	}
	all := &ast.AssignStmt{Lhs: targets, Tok: token.ASSIGN, Rhs: values}
	if len(stores) == 0 {
		return all
	}
	block.List = append(append(block.List, all), stores...)
	return block
}

// assignZero rewrites `*p = T{}` into a store for each field.
func (r *rewriter) assignZero(target ast.Expr) ast.Stmt {
	pointer, ok := target.(*ast.StarExpr)
	if !ok {
		r.fail(target, "a struct's zero stored otherwise than through a pointer")
	}
	fields := r.info.TypeOf(target).Underlying().(*types.Struct)
	variable := ast.NewIdent("treadleZeroed")
	block := &ast.BlockStmt{List: []ast.Stmt{&ast.AssignStmt{Lhs: []ast.Expr{variable},
		Tok: token.DEFINE, Rhs: []ast.Expr{r.expression(pointer.X)}}}}
	for i := 0; i < fields.NumFields(); i++ {
		field := fields.Field(i)
		if kind, _ := suffix(field.Type()); kind != "Pointer" {
			r.fail(target, "a zero of other fields than pointers")
		}
		address := call("add", unsafePointer(variable), number(r.fieldOffset(fields, i)))
		block.List = append(block.List, &ast.ExprStmt{X: call("treadleStorePointer",
			ast.NewIdent("nil"), address, r.access(target, field.Name()))})
	}
	return block
}

// assignAppended rewrites `*p = append(*p, bucket)`. The words of the slice are read, then written;
// see treadleAppend for their order.
func (r *rewriter) assignAppended(target ast.Expr, function *ast.CallExpr) ast.Stmt {
	pointer, ok := target.(*ast.StarExpr)
	if !ok || types.ExprString(target) != types.ExprString(function.Args[0]) || len(function.Args) != 2 {
		r.fail(target, "an append of another form than *p = append(*p, x)")
	}
	slice := r.expression(pointer.X)
	value := r.expression(function.Args[1])
	arguments := []ast.Expr{slice, value}
	for _, place := range []string{"len", "array", "cap"} {
		arguments = append(arguments, r.access(target, place))
	}
	arguments = append(arguments, r.access(target, "elements copied"))
	// From here on the read-modify-write stores.
	arguments = append(arguments, r.site(target, "cap", true), r.site(target, "array", false),
		r.site(target, "len", true), r.site(target, "element", false))
	return &ast.ExprStmt{X: call("treadleAppend", arguments...)}
}
