package servertest

import (
	"context"
	"errors"
	"reflect"

	"github.com/farmhand-render/farmhand/deadline"
	"github.com/farmhand-render/farmhand/deadline/server"
)

// NotBuilt returns the names of the operations that service leaves to server.Unimplemented, in the order of deadline.Operations.
//
// It calls every method with a cancelled context and no input. A method that is built fails at once on one or the other, which may be a panic; it must be
// a service of its own, made for the question.
func NotBuilt(service server.Service) []string {
	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(errors.New("only asking whether the operation is built"))
	v := reflect.ValueOf(service)
	var names []string
	for _, op := range deadline.Operations {
		if server.IsNotBuilt(ask(ctx, v.MethodByName(op.Name))) {
			names = append(names, op.Name)
		}
	}
	return names
}

// ask calls a method and returns its error, which is nil when it panics.
func ask(ctx context.Context, method reflect.Value) (err error) {
	defer func() {
		if recover() != nil {
			err = nil
		}
	}()
	results := method.Call([]reflect.Value{reflect.ValueOf(ctx), reflect.Zero(method.Type().In(1))})
	err, _ = reflect.TypeAssert[error](results[1])
	return err
}
