package farm

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/farmhand-render/farmhand/deadline"
	"github.com/farmhand-render/farmhand/openjd/template"
)

type userAgentKey struct{}

// WithUserAgent returns a context that knows which program calls, by its User-Agent.
func WithUserAgent(ctx context.Context, agent string) context.Context {
	return context.WithValue(ctx, userAgentKey{}, agent)
}

// extendedAgent is the first version of AWS's worker agent that accepts the members about extensions in entities: [major, minor].
var extendedAgent = [2]int{0, 33}

// knowsExtensions says whether the worker that calls accepts the members about extensions. Old versions of AWS's agent fail when they meet a
// member that they do not expect; every other worker is taken to know the model.
func knowsExtensions(ctx context.Context) bool {
	agent, _ := ctx.Value(userAgentKey{}).(string)
	_, version, ok := strings.Cut(agent, "deadline_worker_agent/")
	if !ok {
		return true
	}
	version, _, _ = strings.Cut(version, " ")
	parts := strings.SplitN(version, ".", 3)
	for i, least := range extendedAgent {
		if i >= len(parts) {
			return false
		}
		n, err := strconv.Atoi(parts[i])
		if err != nil || n < least {
			return false
		}
		if n > least {
			return true
		}
	}
	return true
}

// plainStep writes a step for a worker that is not told of extensions: short forms of scripts are written out. What else needs an extension
// such a worker refuses itself.
func plainStep(authored []byte) (deadline.Document, error) {
	step, err := template.DecodeStepJSON(authored, template.Options{SupportedExtensions: template.ImplementedExtensions()})
	if err != nil {
		return nil, fmt.Errorf("decode the stored template of a step: %w", detached(err))
	}
	if step.Simple == nil || len(step.Simple.Let) > 0 {
		return authored, nil
	}
	step.Script, step.Simple = step.TaskScript(), nil
	return json.Marshal(step)
}
