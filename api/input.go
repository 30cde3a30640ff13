package api

// Input describes one top-level member of an operation's request, for programs that offer it as a flag or a form field.
type Input struct {
	Name     string
	Kind     Kind
	Required bool
	Location Location
	// Enum holds the values of an enumeration, or of a list's elements when they are an enumeration.
	Enum []string
	// Element is the kind of a list's elements or a map's values, "" otherwise.
	Element Kind
	// Min and Max are the bounds of [Shape].
	Min, Max *float64
	// Sensitive values must not be echoed or logged.
	Sensitive bool
	// IdempotencyToken marks the client token, which a client fills in itself.
	IdempotencyToken bool
}

// Inputs describes the members of the operation's request in the order of the model; nil when there is no such operation.
func (m *Model) Inputs(operation string) []Input {
	op := m.operations[operation]
	if op == nil {
		return nil
	}
	members := m.shapes[op.Input].Members
	inputs := make([]Input, 0, len(members))
	for _, member := range members {
		s := m.shapes[member.Shape]
		in := Input{
			Name: member.Name, Kind: s.Kind, Required: member.Required, Location: member.Location, Enum: s.Enum,
			Min: s.Min, Max: s.Max, Sensitive: s.Sensitive, IdempotencyToken: member.IdempotencyToken,
		}
		if element := m.shapes[s.Element]; element != nil {
			in.Element = element.Kind
			if s.Kind == KindList {
				in.Enum = element.Enum
			}
		}
		inputs = append(inputs, in)
	}
	return inputs
}
