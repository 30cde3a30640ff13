package installation

import (
	"context"
	"errors"
	"net/http"

	"github.com/farmhand-render/farmhand/internal/farm"
	"github.com/farmhand-render/farmhand/internal/objectstore"
)

// templateObjects is the object store as the service writes to it.
type templateObjects struct{ objectstore.Objects }

func (o templateObjects) Put(ctx context.Context, bucket, key, contentType string, content []byte) error {
	err := o.Objects.Put(ctx, bucket, key, contentType, content)
	if e, ok := errors.AsType[*objectstore.Error](err); ok && e.Status < http.StatusInternalServerError {
		return &farm.RefusedObjectError{Message: e.Message}
	}
	return err
}
