package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"
	"unicode"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/farmhand-render/farmhand/api"
	"github.com/farmhand-render/farmhand/deadline/client"
)

// apiCommand has a command for every operation, named and flagged as the AWS CLI does.
func (a *app) apiCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "api",
		Short: "Call any operation of the API",
		Long: `Calls one operation of the API and prints its answer as JSON. Commands and flags are named as in the AWS CLI: members of
the request are flags, structures and lists are given as JSON, file://PATH takes a value from a file.`,
		Example: "  farmhand api list-session-actions --farm-id farm-… --queue-id queue-… --job-id job-…",
	}
	model, err := api.Load()
	if err != nil { // the model is part of the program
		cmd.RunE = func(*cobra.Command, []string) error { return fmt.Errorf("read the API model: %w", err) }
		return cmd
	}
	for _, call := range client.Calls() {
		cmd.AddCommand(a.operationCommand(model, call))
	}
	return cmd
}

// operationCommand makes the command of one operation.
func (a *app) operationCommand(model *api.Model, call client.Call) *cobra.Command {
	operation := model.Operation(call.Operation.Name)
	input := model.Shape(operation.Input)
	cmd := &cobra.Command{
		Use:   kebab(operation.Name),
		Short: operation.Method + " " + operation.Path,
		Args:  noArgs,
	}
	values := make(map[string]*memberFlag, len(input.Members))
	for _, m := range input.Members {
		flag := &memberFlag{shape: model.Shape(m.Shape)}
		values[m.Name] = flag
		usage := m.Shape
		if flag.shape.Kind == api.KindEnum {
			usage = strings.Join(flag.shape.Enum, ", ")
		}
		if m.Required {
			usage += " (required)"
		}
		cmd.Flags().Var(flag, kebab(m.Name), usage)
	}
	document := cmd.Flags().String("cli-input-json", "", "the whole request as a JSON object, or file://PATH; flags win over it")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		request, err := a.request(*document, values, cmd.Flags())
		if err != nil {
			return err
		}
		if missing := missingFlags(input, request); len(missing) > 0 {
			return &usageError{fmt.Errorf("%s needs %s", cmd.CommandPath(), strings.Join(missing, ", ")), "see " + cmd.CommandPath() + " --help"}
		}
		c, err := a.connect(cmd.Context())
		if err != nil {
			return err
		}
		return a.printCall(cmd.Context(), c, call, request)
	}
	return cmd
}

// missingFlags names the flags of required members that a request has not.
func missingFlags(input *api.Shape, request map[string]any) []string {
	var missing []string
	for _, m := range input.Members {
		if _, given := request[m.Name]; m.Required && !given {
			missing = append(missing, "--"+kebab(m.Name))
		}
	}
	return missing
}

// request joins the document and the flags that were given.
func (a *app) request(document string, values map[string]*memberFlag, flags *pflag.FlagSet) (map[string]any, error) {
	request := make(map[string]any)
	if document != "" {
		text, err := fromFile(document)
		if err != nil {
			return nil, err
		}
		if err := json.Unmarshal([]byte(text), &request); err != nil {
			return nil, &usageError{fmt.Errorf("--cli-input-json: %w", err), "give one JSON object"}
		}
	}
	for name, flag := range values {
		if !flags.Changed(kebab(name)) {
			continue
		}
		value, err := flag.value()
		if err != nil {
			return nil, &usageError{fmt.Errorf("--%s: %w", kebab(name), err), "it takes " + flag.Type()}
		}
		request[name] = value
	}
	return request, nil
}

func (a *app) printCall(ctx context.Context, c *connection, call client.Call, request map[string]any) error {
	body, err := json.Marshal(request)
	if err != nil {
		return fmt.Errorf("encode the request: %w", err)
	}
	answer, err := call.Call(ctx, c.client, body)
	if err != nil {
		return err
	}
	return a.printJSON(json.RawMessage(answer))
}

// callAndPrint calls an operation by its name.
func (a *app) callAndPrint(ctx context.Context, c *connection, operation string, request map[string]any) error {
	for _, call := range client.Calls() {
		if call.Operation.Name == operation {
			return a.printCall(ctx, c, call, request)
		}
	}
	return fmt.Errorf("the operation %s does not exist", operation)
}

// memberFlag is the value of a request's member as given on the command line.
type memberFlag struct {
	shape *api.Shape
	text  string
}

var _ pflag.Value = (*memberFlag)(nil)

func (f *memberFlag) String() string { return f.text }
func (f *memberFlag) Set(text string) error {
	f.text = text
	return nil
}

// Type is what the flag takes, for the help.
func (f *memberFlag) Type() string {
	switch f.shape.Kind {
	case api.KindInteger, api.KindLong:
		return "integer"
	case api.KindFloat, api.KindDouble:
		return "number"
	case api.KindBoolean:
		return "true or false"
	case api.KindStructure, api.KindUnion, api.KindList, api.KindMap, api.KindDocument:
		return "JSON"
	default:
		return "text"
	}
}

// value is the text as JSON has it.
func (f *memberFlag) value() (any, error) {
	text, err := fromFile(f.text)
	if err != nil {
		return nil, err
	}
	switch f.Type() {
	case "integer":
		return strconv.ParseInt(text, 10, 64)
	case "number":
		return strconv.ParseFloat(text, 64)
	case "true or false":
		return strconv.ParseBool(text)
	case "JSON":
		if !json.Valid([]byte(text)) {
			return nil, fmt.Errorf("%q is not JSON", text)
		}
		return json.RawMessage(text), nil
	default:
		return text, nil
	}
}

// fromFile reads the file that text names with file://, else gives text itself.
func fromFile(text string) (string, error) {
	path, isFile := strings.CutPrefix(text, "file://")
	if !isFile {
		return text, nil
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	return string(data), nil
}

// kebab is the name of an operation or member as the AWS CLI spells it: ListSessionActions gives list-session-actions.
func kebab(name string) string {
	var b strings.Builder
	runes := []rune(name)
	for i, r := range runes {
		if unicode.IsUpper(r) && i > 0 {
			nextLower := i+1 < len(runes) && unicode.IsLower(runes[i+1])
			if !unicode.IsUpper(runes[i-1]) || nextLower {
				b.WriteByte('-')
			}
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}
