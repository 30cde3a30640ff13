package template

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/farmhand-render/farmhand/openjd/expr"
)

// argumentType is what an argument may give: nothing, a text, or several arguments.
var argumentType = expr.TypeString | expr.TypeNull | expr.ListOf(expr.TypeString)

// ResolveArgs returns the arguments of a run: null is left out, and a list becomes as many arguments as it has items.
func (a *Action) ResolveArgs(symbols *expr.SymbolTable) ([]string, error) {
	var all []string
	for i, arg := range a.Args {
		v, err := arg.Value(symbols, argumentType)
		if err != nil {
			return nil, fmt.Errorf("resolve argument %d: %w", i+1, err)
		}
		switch {
		case v.IsNull():
		case v.Type().IsList():
			for _, item := range v.Items() {
				all = append(all, item.Text())
			}
		default:
			all = append(all, v.Text())
		}
	}
	return all, nil
}

// ResolveTimeout returns the timeout of a run in seconds, at least 1, or 0 when the action has none.
func (a *Action) ResolveTimeout(symbols *expr.SymbolTable) (int64, error) {
	seconds, err := a.Timeout.seconds(symbols, 0)
	if err != nil {
		return 0, fmt.Errorf("resolve the timeout: %w", err)
	}
	return seconds, nil
}

// seconds returns a positive number of seconds, at most most unless that is 0, or 0 when s is absent or null.
func (s *Scalar) seconds(symbols *expr.SymbolTable, most int64) (int64, error) {
	if s == nil {
		return 0, nil
	}
	v, err := s.Integer(symbols)
	switch {
	case err != nil:
		return 0, err
	case v == nil:
		return 0, nil
	case *v < 1:
		return 0, fmt.Errorf("must be at least 1, is %d", *v)
	case most > 0 && *v > most:
		return 0, fmt.Errorf("must be at most %d, is %d", most, *v)
	}
	return *v, nil
}

// Integer resolves a scalar that must be an integer; nil when it is null.
func (s *Scalar) Integer(symbols *expr.SymbolTable) (*int64, error) {
	v, err := s.Format.Value(symbols, 0)
	if err != nil {
		return nil, err
	}
	if v.IsNull() {
		return nil, nil
	}
	if v.Type() == expr.TypeInt {
		return new(v.AsInt()), nil
	}
	n, ok := parseInt(v.Text())
	if !ok || v.Type() == expr.TypeFloat || v.Type() == expr.TypeBool {
		return nil, fmt.Errorf("expected an integer, found %s", quote(v.Text()))
	}
	return &n, nil
}

// Number resolves a scalar that must be a finite number.
func (s *Scalar) Number(symbols *expr.SymbolTable) (float64, error) {
	text, err := s.Format.Resolve(symbols)
	if err != nil {
		return 0, err
	}
	v, ok := parseFloat(text)
	if !ok {
		return 0, fmt.Errorf("%s is not a finite number", quote(text))
	}
	return v, nil
}

// Bounds of a notify period, in seconds.
const maxNotifyPeriod = 600

// Resolve returns how a run is stopped: the mode, and the notify period in seconds, 0 when the template gives none. A mode that is null
// is [Terminate], as if the action had no cancelation.
func (c *Cancelation) Resolve(symbols *expr.SymbolTable) (mode CancelationMode, period int64, err error) {
	if c == nil {
		return Terminate, 0, nil
	}
	v, err := c.Mode.Value(symbols, expr.TypeString|expr.TypeNull)
	if err != nil {
		return "", 0, fmt.Errorf("resolve the cancelation mode: %w", err)
	}
	if v.IsNull() {
		return Terminate, 0, nil
	}
	mode = CancelationMode(v.Text())
	if mode != Terminate && mode != NotifyThenTerminate {
		return "", 0, fmt.Errorf("the cancelation mode must be %s or %s, is %s", Terminate, NotifyThenTerminate, quote(string(mode)))
	}
	if period, err = c.NotifyPeriod.seconds(symbols, maxNotifyPeriod); err != nil {
		return "", 0, fmt.Errorf("resolve the notify period: %w", err)
	}
	if mode == Terminate && period != 0 {
		return "", 0, fmt.Errorf("the cancelation mode %s has no notify period", Terminate)
	}
	return mode, period, nil
}

// itemType is the type of one value of a task parameter in expressions.
func (t TaskParameterType) itemType() expr.Type {
	switch t {
	case FloatTaskParameter:
		return expr.TypeFloat
	case StringTaskParameter, PathTaskParameter:
		return expr.TypeString
	}
	return expr.TypeInt
}

// isInteger says whether values are integers.
func (t TaskParameterType) isInteger() bool {
	return t == IntTaskParameter || t == ChunkIntTaskParameter
}

// Resolve returns the values of a task parameter: a range expression, which only integers have, or a list. The path of an error begins
// with the item, "[3]", where the template lists values.
func (r *TaskRange) Resolve(t TaskParameterType, symbols *expr.SymbolTable) (span string, values []string, err error) {
	if r.Items == nil {
		return r.resolveExpression(t, symbols)
	}
	var all Errors
	for i, item := range r.Items {
		text, err := item.Format.Resolve(symbols)
		if err == nil {
			text, err = CheckTaskValue(t, text)
		}
		if err != nil {
			all = append(all, Error{Path: "[" + strconv.Itoa(i) + "]", Message: err.Error()})
		}
		values = append(values, text)
	}
	if all != nil {
		return "", nil, all
	}
	return "", values, nil
}

func (r *TaskRange) resolveExpression(t TaskParameterType, symbols *expr.SymbolTable) (span string, values []string, err error) {
	v, err := r.Expression.Value(symbols, 0)
	if err != nil {
		return "", nil, err
	}
	switch {
	case v.Type() == expr.TypeRange && t.isInteger():
		if v.AsRange().Len() == 0 {
			return "", nil, errors.New("the range is empty")
		}
		return v.Text(), nil, nil
	case v.Type().IsList():
		return r.resolveList(t, v)
	case !t.isInteger():
		return "", nil, fmt.Errorf("expected a list of values, the expression gives %s", v.Type())
	}
	text := strings.TrimSpace(v.Text())
	if _, err := expr.ParseRange(text); err != nil {
		return "", nil, fmt.Errorf("%s is not a range expression: %w", quote(text), err)
	}
	return text, nil, nil
}

func (r *TaskRange) resolveList(t TaskParameterType, list expr.Value) (span string, values []string, err error) {
	if n := len(list.Items()); n == 0 || n > MaxRangeItems {
		return "", nil, fmt.Errorf("a list of values has 1 to %d items, this one has %d", MaxRangeItems, n)
	}
	for i, item := range list.Items() {
		if t.isInteger() && item.Type() == expr.TypeFloat {
			if f := item.AsFloat(); f == math.Trunc(f) && math.Abs(f) < 1<<53 {
				item = expr.Int(int64(f))
			}
		}
		text, err := CheckTaskValue(t, item.Text())
		if err != nil {
			return "", nil, fmt.Errorf("item %d: %w", i, err)
		}
		values = append(values, text)
	}
	return "", values, nil
}

// Resolve returns how many values a chunk has by default, at least 1, and how long it should run in seconds, 0 for any time.
func (c *Chunks) Resolve(symbols *expr.SymbolTable) (count, seconds int64, err error) {
	v, err := c.DefaultTaskCount.Integer(symbols)
	if err == nil && (v == nil || *v < 1) {
		err = errors.New("must be at least 1")
	}
	if err != nil {
		return 0, 0, fmt.Errorf("defaultTaskCount: %w", err)
	}
	if c.TargetRuntimeSeconds == nil {
		return *v, 0, nil
	}
	target, err := c.TargetRuntimeSeconds.Integer(symbols)
	if err == nil && target != nil && *target < 0 {
		err = errors.New("must be at least 0")
	}
	if err != nil {
		return 0, 0, fmt.Errorf("targetRuntimeSeconds: %w", err)
	}
	if target == nil {
		return *v, 0, nil
	}
	return *v, *target, nil
}
