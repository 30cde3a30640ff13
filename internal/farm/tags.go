package farm

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/farmhand-render/farmhand/deadline"
	"github.com/farmhand-render/farmhand/internal/scheduler"
	"github.com/farmhand-render/farmhand/internal/store"
	"github.com/farmhand-render/farmhand/internal/store/row"
)

// Rules of tags, the same for all of AWS.
const (
	maxTags           = 50
	maxTagKey         = 128
	maxTagValue       = 256
	reservedTagPrefix = "aws:"
	tagPunctuation    = "_.:/=+-@"
)

// checkTags refuses tags that cannot be.
func checkTags(tags map[string]string) error {
	if len(tags) > maxTags {
		return invalid("tags", fmt.Sprintf("must not come to more than %d for one resource", maxTags))
	}
	for key, value := range tags {
		switch n := utf8.RuneCountInString(key); {
		case n == 0 || n > maxTagKey:
			return invalid("tags", fmt.Sprintf("must have keys of 1 to %d characters", maxTagKey))
		case len(key) >= len(reservedTagPrefix) && strings.EqualFold(key[:len(reservedTagPrefix)], reservedTagPrefix):
			return invalid("tags", "must not have keys that begin with "+reservedTagPrefix+": they are reserved")
		case !tagText(key):
			return invalid("tags", "must have keys of letters, digits, spaces and "+tagPunctuation)
		case utf8.RuneCountInString(value) > maxTagValue:
			return invalid("tags", fmt.Sprintf("must have values of at most %d characters", maxTagValue))
		case !tagText(value):
			return invalid("tags", "must have values of letters, digits, spaces and "+tagPunctuation)
		}
	}
	return nil
}

func tagText(text string) bool {
	for _, r := range text {
		if !unicode.IsLetter(r) && !unicode.IsNumber(r) && !unicode.IsSpace(r) && !strings.ContainsRune(tagPunctuation, r) {
			return false
		}
	}
	return true
}

// tagNew tags a resource that is about to be made. Tags are written first: should the resource not come into being, they belong to
// an id that nobody will ever have.
func (s *Service) tagNew(ctx context.Context, farmID, arn string, tags map[string]string) error {
	if err := checkTags(tags); err != nil || len(tags) == 0 {
		return err
	}
	_, err := s.commit(ctx, farmID, scheduler.PutTags{Tags: row.Tags{ARN: arn, Tags: tags}})
	return err
}

// untagDeleted removes the tags of a resource that was deleted. What is left when that fails can never be seen again.
func (s *Service) untagDeleted(ctx context.Context, farmID, arn string) {
	if tags, err := s.tags(ctx, arn); err == nil && len(tags) > 0 {
		_, _ = s.commit(ctx, farmID, scheduler.PutTags{Tags: row.Tags{ARN: arn}})
	}
}

func (s *Service) tags(ctx context.Context, arn string) (map[string]string, error) {
	tags, err := s.store.Tags(ctx, arn)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return nil, fmt.Errorf("read tags: %w", err)
	}
	return tags, nil
}

// TagResource adds tags to a resource or changes their values. Errors: ResourceNotFoundException, ValidationException.
func (s *Service) TagResource(ctx context.Context, in *deadline.TagResourceInput) (*deadline.TagResourceOutput, error) {
	if err := checkTags(in.Tags); err != nil {
		return nil, err
	}
	return &deadline.TagResourceOutput{}, s.editTags(ctx, "TagResource", in, in.ResourceArn, func(tags map[string]string) {
		maps.Copy(tags, in.Tags)
	})
}

// UntagResource removes tags. Removing one that is not there changes nothing.
func (s *Service) UntagResource(ctx context.Context, in *deadline.UntagResourceInput) (*deadline.UntagResourceOutput, error) {
	return &deadline.UntagResourceOutput{}, s.editTags(ctx, "UntagResource", in, in.ResourceArn, func(tags map[string]string) {
		for _, key := range in.TagKeys {
			delete(tags, key)
		}
	})
}

// editTags reads the tags of a resource, edits and stores them.
func (s *Service) editTags(ctx context.Context, operation string, input any, arn string, edit func(map[string]string)) error {
	target, err := s.parseARN(arn)
	if err != nil {
		return err
	}
	w := write{operation: operation, farmID: target.core(), input: input}
	_, err = configure(ctx, s, target.ids[typeFarm], w, func(time.Time) (*struct{}, scheduler.Command, error) {
		if err := s.exists(ctx, target); err != nil {
			return nil, nil, err
		}
		stored, err := s.tags(ctx, target.text)
		if err != nil {
			return nil, nil, err
		}
		tags := map[string]string{}
		maps.Copy(tags, stored)
		edit(tags)
		if err := checkTags(tags); err != nil {
			return nil, nil, err
		}
		if maps.Equal(tags, stored) {
			return &struct{}{}, nil, nil
		}
		return &struct{}{}, scheduler.PutTags{Tags: row.Tags{ARN: target.text, Tags: tags}}, nil
	})
	return err
}

// ListTagsForResource gives all tags of a resource.
func (s *Service) ListTagsForResource(
	ctx context.Context, in *deadline.ListTagsForResourceInput,
) (*deadline.ListTagsForResourceOutput, error) {
	target, err := s.parseARN(in.ResourceArn)
	if err != nil {
		return nil, err
	}
	if err := s.exists(ctx, target); err != nil {
		return nil, err
	}
	tags, err := s.tags(ctx, target.text)
	if err != nil {
		return nil, err
	}
	if tags == nil {
		tags = map[string]string{}
	}
	return &deadline.ListTagsForResourceOutput{Tags: tags}, nil
}
