package farm

import (
	"context"
	"errors"

	"github.com/farmhand-render/farmhand/deadline"
)

// Objects is a store of objects, as far as the service writes to one.
type Objects interface {
	// Put writes an object. The error is a [RefusedObjectError] when there can be no such object.
	Put(ctx context.Context, bucket, key, contentType string, content []byte) error
}

// RefusedObjectError says why an object store does not take an object: there is no such bucket, or the key cannot be.
type RefusedObjectError struct{ Message string }

func (e *RefusedObjectError) Error() string { return "the object store refuses: " + e.Message }

// templateContentTypes are those of templates in objects.
var templateContentTypes = map[deadline.JobTemplateType]string{
	deadline.JobTemplateTypeJson: "application/json",
	deadline.JobTemplateTypeYaml: "application/yaml",
}

// CopyJobTemplate writes the template of a job, as it was submitted, to an object. Errors: ResourceNotFoundException (farm, queue, job),
// ValidationException (no object store, no such bucket).
func (s *Service) CopyJobTemplate(ctx context.Context, in *deadline.CopyJobTemplateInput) (*deadline.CopyJobTemplateOutput, error) {
	j, err := s.job(ctx, in.FarmId, in.QueueId, in.JobId)
	if err != nil {
		return nil, err
	}
	if s.objects == nil {
		return nil, invalid("targetS3Location", "cannot be written to: this installation has no object store")
	}
	doc, err := s.jobDocument(ctx, j.JobID)
	if err != nil {
		return nil, err
	}
	kind, target := deadline.JobTemplateType(doc.TemplateType), &in.TargetS3Location
	err = s.objects.Put(ctx, target.BucketName, target.Key, templateContentTypes[kind], []byte(doc.Template))
	if refused, ok := errors.AsType[*RefusedObjectError](err); ok {
		return nil, invalid("targetS3Location", "cannot be written to: "+refused.Message)
	}
	if err != nil {
		return nil, err
	}
	return &deadline.CopyJobTemplateOutput{TemplateType: kind}, nil
}
