// Package cases takes the cases out of the tests of other Go packages, as data.
//
// What counts as one case of a test function: each element of a literal that it ranges over, be the literal in place or
// in a variable; each call in a statement of its own that is handed the test; and the function itself when it has
// neither.
package cases

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/constant"
	"go/parser"
	"go/token"
	"io"
	"math"
	"os/exec"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
)

// Case is one case as it stands in the source: literals as JSON, calls and names as one-member objects.
type Case struct {
	// Function is the test, Table the variable or the helper it belongs to, "" for a function that is one case.
	Function string `json:"function"`
	Table    string `json:"table"`
	Data     any    `json:"case"`
}

// Write prints the cases of a package, one a line, in the order of the source.
func Write(out io.Writer, path string) error {
	directory, err := exec.Command("go", "list", "-find", "-f", "{{.Dir}}", path).Output()
	if err != nil {
		return fmt.Errorf("go list %s: %w", path, err)
	}
	cases, err := of(strings.TrimSpace(string(directory)))
	if err != nil {
		return err
	}
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	for _, one := range cases {
		if err := encoder.Encode(one); err != nil {
			return err
		}
	}
	return nil
}

func of(directory string) ([]Case, error) {
	files, err := filepath.Glob(filepath.Join(directory, "*_test.go"))
	if err != nil {
		return nil, err
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("no tests in %s", directory)
	}
	sort.Strings(files)
	var cases []Case
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		shared := variables(file)
		for _, declaration := range file.Decls {
			function, ok := declaration.(*ast.FuncDecl)
			if ok && function.Recv == nil && strings.HasPrefix(function.Name.Name, "Test") && function.Name.Name != "TestMain" {
				cases = append(cases, casesOf(function, shared)...)
			}
		}
	}
	return cases, nil
}

// scope holds the literals of variables by name.
type scope map[string]ast.Expr

func variables(node ast.Node) scope {
	found := scope{}
	ast.Inspect(node, func(node ast.Node) bool {
		switch node := node.(type) {
		case *ast.FuncDecl:
			return false
		case *ast.ValueSpec:
			for i, name := range node.Names {
				if i < len(node.Values) {
					found[name.Name] = node.Values[i]
				}
			}
		}
		return true
	})
	return found
}

func casesOf(function *ast.FuncDecl, shared scope) []Case {
	local := scope{}
	for name, value := range shared {
		local[name] = value
	}
	var cases []Case
	seen := map[token.Pos]bool{}
	add := func(table string, data any) {
		cases = append(cases, Case{function.Name.Name, table, data})
	}
	ast.Inspect(function.Body, func(node ast.Node) bool {
		switch node := node.(type) {
		case *ast.AssignStmt:
			for i, left := range node.Lhs {
				if name, ok := left.(*ast.Ident); ok && len(node.Lhs) == len(node.Rhs) {
					local[name.Name] = node.Rhs[i]
				}
			}
		case *ast.ValueSpec:
			for i, name := range node.Names {
				if i < len(node.Values) {
					local[name.Name] = node.Values[i]
				}
			}
		case *ast.RangeStmt:
			table, literal := "range", node.X
			if name, ok := node.X.(*ast.Ident); ok {
				table, literal = name.Name, local[name.Name]
			}
			// A table that is gone through twice is one table.
			if literal, ok := literal.(*ast.CompositeLit); ok && !seen[literal.Pos()] {
				seen[literal.Pos()] = true
				for _, element := range literal.Elts {
					add(table, local.data(element, 0))
				}
			}
		case *ast.ExprStmt:
			call, ok := node.X.(*ast.CallExpr)
			if !ok || len(call.Args) == 0 {
				return true
			}
			name, isName := call.Fun.(*ast.Ident)
			test, isTest := call.Args[0].(*ast.Ident)
			if isName && isTest && test.Name == "t" {
				arguments := []any{}
				for _, argument := range call.Args[1:] {
					arguments = append(arguments, local.data(argument, 0))
				}
				add(name.Name, arguments)
			}
		}
		return true
	})
	if len(cases) == 0 {
		add("", nil)
	}
	return cases
}

// data is an expression as JSON. Variables are replaced by what they were given last.
func (s scope) data(expression ast.Expr, depth int) any {
	if depth > 20 {
		return nil
	}
	next := func(expression ast.Expr) any { return s.data(expression, depth+1) }
	if value := s.constant(expression, 0); value.Kind() == constant.Int || value.Kind() == constant.Float {
		return json.Number(number(value))
	}
	switch expression := expression.(type) {
	case *ast.BasicLit:
		return literal(expression)
	case *ast.Ident:
		switch expression.Name {
		case "true", "false":
			return expression.Name == "true"
		case "nil":
			return nil
		}
		if value, ok := s[expression.Name]; ok {
			return next(value)
		}
		return map[string]any{"name": expression.Name}
	case *ast.SelectorExpr:
		if of, ok := expression.X.(*ast.Ident); ok {
			return map[string]any{"name": of.Name + "." + expression.Sel.Name}
		}
	case *ast.UnaryExpr:
		if expression.Op == token.AND {
			return next(expression.X)
		}
	case *ast.ParenExpr:
		return next(expression.X)
	case *ast.CallExpr:
		arguments := []any{}
		for _, argument := range expression.Args {
			arguments = append(arguments, next(argument))
		}
		name := "?"
		if called, ok := next(expression.Fun).(map[string]any); ok {
			if text, ok := called["name"].(string); ok {
				name = text
			}
		}
		return map[string]any{"call": name, "with": arguments}
	case *ast.KeyValueExpr:
		return map[string]any{"key": next(expression.Key), "value": next(expression.Value)}
	case *ast.CompositeLit:
		return s.composite(expression, next)
	}
	return map[string]any{"name": "?"}
}

// composite is an object for a literal with names of fields or texts as keys, a list for one without keys.
func (s scope) composite(literal *ast.CompositeLit, next func(ast.Expr) any) any {
	object, list := map[string]any{}, []any{}
	for _, element := range literal.Elts {
		pair, ok := element.(*ast.KeyValueExpr)
		if !ok {
			list = append(list, next(element))
			continue
		}
		key, isField := pair.Key.(*ast.Ident)
		if isField {
			object[key.Name] = next(pair.Value)
			continue
		}
		text, isText := next(pair.Key).(string)
		if !isText {
			list = append(list, next(element))
			continue
		}
		object[text] = next(pair.Value)
	}
	if len(object) > 0 {
		return object
	}
	if _, isMap := literal.Type.(*ast.MapType); isMap && len(list) == 0 {
		return object
	}
	return list
}

func literal(basic *ast.BasicLit) any {
	if text, err := strconv.Unquote(basic.Value); err == nil && basic.Kind == token.STRING {
		return text
	}
	return basic.Value
}

// constant is the value of arithmetic, of unknown kind for anything else.
func (s scope) constant(expression ast.Expr, depth int) constant.Value {
	known := map[string]constant.Value{
		"math.MaxInt64": constant.MakeInt64(math.MaxInt64), "math.MinInt64": constant.MakeInt64(math.MinInt64),
		"mostPositive": constant.MakeInt64(math.MaxInt64), "mostNegative": constant.MakeInt64(math.MinInt64),
	}
	switch expression := expression.(type) {
	case *ast.BasicLit:
		if expression.Kind == token.INT || expression.Kind == token.FLOAT {
			return constant.MakeFromLiteral(expression.Value, expression.Kind, 0)
		}
	case *ast.Ident:
		if value, ok := known[expression.Name]; ok {
			return value
		}
		if value, ok := s[expression.Name]; ok && depth < 9 {
			return s.constant(value, depth+1)
		}
	case *ast.SelectorExpr:
		if of, ok := expression.X.(*ast.Ident); ok {
			if value, ok := known[of.Name+"."+expression.Sel.Name]; ok {
				return value
			}
		}
	case *ast.ParenExpr:
		return s.constant(expression.X, depth)
	case *ast.UnaryExpr:
		if value := s.constant(expression.X, depth); value.Kind() != constant.Unknown && expression.Op == token.SUB {
			return constant.UnaryOp(token.SUB, value, 0)
		}
	case *ast.CallExpr:
		name, ok := expression.Fun.(*ast.Ident)
		if !ok || len(expression.Args) != 1 {
			break
		}
		switch name.Name {
		case "int64":
			return s.constant(expression.Args[0], depth)
		case "float64":
			return constant.ToFloat(s.constant(expression.Args[0], depth))
		}
	case *ast.BinaryExpr:
		left, right := s.constant(expression.X, depth), s.constant(expression.Y, depth)
		if left.Kind() == constant.Unknown || right.Kind() == constant.Unknown {
			break
		}
		switch expression.Op {
		case token.SHL:
			if by, ok := constant.Uint64Val(right); ok && left.Kind() == constant.Int {
				return constant.Shift(left, token.SHL, uint(by))
			}
		case token.ADD, token.SUB, token.MUL:
			return constant.BinaryOp(left, expression.Op, right)
		case token.QUO:
			if left.Kind() == constant.Int && right.Kind() == constant.Int {
				return constant.BinaryOp(left, token.QUO_ASSIGN, right)
			}
			return constant.BinaryOp(left, token.QUO, right)
		}
	}
	return constant.MakeUnknown()
}

func number(value constant.Value) string {
	if value.Kind() == constant.Int {
		return value.ExactString()
	}
	float, _ := constant.Float64Val(value)
	return strconv.FormatFloat(float, 'g', -1, 64)
}
