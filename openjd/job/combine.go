package job

import (
	"fmt"
	"math"
	"math/bits"
	"slices"

	"github.com/farmhand-render/farmhand/openjd/template"
)

// factor is one part of a combination expression over known dimensions.
type factor struct {
	kind      template.CombinationKind
	dimension int // of a parameter
	parts     []*factor
	length    int64
}

// NewParameterSpace checks a definition and prepares access to its tasks. The cost is that of the definition's text, whatever the
// number of tasks.
func NewParameterSpace(def SpaceDefinition) (*ParameterSpace, error) {
	return newParameterSpace(def, false)
}

// newParameterSpace prepares a space of single tasks, or of whole chunks.
func newParameterSpace(def SpaceDefinition, whole bool) (*ParameterSpace, error) {
	s := &ParameterSpace{definition: def, chunked: -1}
	if len(def.Parameters) == 0 {
		if def.Combination != "" {
			return nil, fmt.Errorf("a combination needs task parameters")
		}
		return s, nil
	}
	if len(def.Parameters) > template.MaxTaskParameters {
		return nil, fmt.Errorf("%d task parameters are more than the %d allowed", len(def.Parameters), template.MaxTaskParameters)
	}
	index := map[string]int{}
	names := make([]string, len(def.Parameters))
	for k, p := range def.Parameters {
		d, err := newDimension(p, whole)
		if err != nil {
			return nil, fmt.Errorf("task parameter %s: %w", p.Name, err)
		}
		if _, repeated := index[p.Name]; repeated {
			return nil, fmt.Errorf("task parameter %s is defined twice", p.Name)
		}
		if d.chunks != nil {
			if s.chunked >= 0 {
				return nil, fmt.Errorf("%s and %s both have chunks, only one task parameter can", def.Parameters[s.chunked].Name, p.Name)
			}
			s.chunked = k
		}
		s.dimensions = append(s.dimensions, d)
		index[p.Name], names[k] = k, p.Name
	}
	combination, err := combinationOf(def, names)
	if err != nil {
		return nil, fmt.Errorf("combination %q: %w", def.Combination, err)
	}
	if s.chunked >= 0 {
		chunk, rest, ok := takeOut(combination, names[s.chunked])
		if !ok {
			return nil, fmt.Errorf("the %s parameter %s cannot be in an association", template.ChunkIntTaskParameter, names[s.chunked])
		}
		if !whole && rest != nil {
			combination = &template.Combination{Kind: template.CombineProduct, Parts: []*template.Combination{rest, chunk}}
		}
	}
	if s.root, err = s.build(combination, index); err != nil {
		return nil, err
	}
	s.setStrides(s.root, 1)
	return s, nil
}

// takeOut splits a product into the parameter of a name and the rest, nil when nothing else is there. ok is false when the parameter
// is in an association.
func takeOut(c *template.Combination, name string) (found, rest *template.Combination, ok bool) {
	switch c.Kind {
	case template.CombineParameter:
		if c.Name == name {
			return c, nil, true
		}
		return nil, c, true
	case template.CombineAssociation:
		return nil, c, !slices.ContainsFunc(c.Parameters(), func(p *template.Combination) bool { return p.Name == name })
	}
	product := &template.Combination{Kind: template.CombineProduct, Offset: c.Offset}
	for _, part := range c.Parts {
		f, r, fine := takeOut(part, name)
		if !fine {
			return nil, nil, false
		}
		if f != nil {
			found = f
		}
		if r != nil {
			product.Parts = append(product.Parts, r)
		}
	}
	if len(product.Parts) > 0 {
		rest = product
	}
	return found, rest, true
}

// combinationOf parses the combination, whose default is the product in order of definition.
func combinationOf(def SpaceDefinition, names []string) (*template.Combination, error) {
	if def.Combination != "" {
		c, err := template.ParseCombination(def.Combination)
		if err != nil {
			return nil, err
		}
		return c, c.Covers(names)
	}
	product := &template.Combination{Kind: template.CombineProduct}
	for _, name := range names {
		product.Parts = append(product.Parts, &template.Combination{Name: name})
	}
	return product, nil
}

// build computes the length of each part, bottom up.
func (s *ParameterSpace) build(c *template.Combination, index map[string]int) (*factor, error) {
	f := &factor{kind: c.Kind, length: 1}
	if c.Kind == template.CombineParameter {
		f.dimension = index[c.Name]
		f.length = s.dimensions[f.dimension].length()
		return f, nil
	}
	for _, part := range c.Parts {
		p, err := s.build(part, index)
		if err != nil {
			return nil, err
		}
		f.parts = append(f.parts, p)
		switch {
		case c.Kind == template.CombineProduct:
			high, low := bits.Mul64(uint64(f.length), uint64(p.length))
			if high != 0 || low > math.MaxInt64 {
				return nil, fmt.Errorf("the parameter space has more tasks than a 64-bit integer can count")
			}
			f.length = int64(low)
		case len(f.parts) == 1:
			f.length = p.length
		case p.length != f.length:
			return nil, fmt.Errorf("the parts of an association must be of one length, found %d and %d", f.length, p.length)
		}
	}
	return f, nil
}

// locate writes to at, by dimension, which value task i of this part takes.
func (f *factor) locate(i int64, at []int64) {
	switch f.kind {
	case template.CombineParameter:
		at[f.dimension] = i
	case template.CombineAssociation:
		for _, part := range f.parts {
			part.locate(i, at)
		}
	default:
		for _, part := range slices.Backward(f.parts) {

			part.locate(i%part.length, at)
			i /= part.length
		}
	}
}

// search returns the first position, from a given one on, at which a dimension holds the wanted value.
type search func(dimension int, from int64) (int64, bool)

// find returns the index of the first task of this part that matches.
func (f *factor) find(match search) (int64, bool) { return f.findFrom(match, 0) }

// findFrom returns the first matching index that is at least from. Lists may repeat a value, so the members of an association can
// each match at several places: they are moved forward in turn until they agree.
func (f *factor) findFrom(match search, from int64) (int64, bool) {
	if from >= f.length {
		return 0, false
	}
	switch f.kind {
	case template.CombineParameter:
		return match(f.dimension, from)
	case template.CombineAssociation:
		return f.findAssociated(match, from)
	default:
		return findProduct(f.parts, match, from)
	}
}

func (f *factor) findAssociated(match search, from int64) (int64, bool) {
	for candidate := from; ; {
		settled := true
		for _, part := range f.parts {
			i, ok := part.findFrom(match, candidate)
			if !ok {
				return 0, false
			}
			if i > candidate {
				candidate, settled = i, false
			}
		}
		if settled {
			return candidate, true
		}
	}
}

// findProduct returns the first matching index of the product of parts that is at least from. The leading part either stays where
// from has it, when it matches there and the rest still finds a match, or moves on and the rest starts again.
func findProduct(parts []*factor, match search, from int64) (int64, bool) {
	if len(parts) == 0 {
		return 0, from == 0
	}
	rest := int64(1)
	for _, p := range parts[1:] {
		rest *= p.length
	}
	lead, offset := from/rest, from%rest
	i, ok := parts[0].findFrom(match, lead)
	if ok && i == lead && offset > 0 {
		if j, found := findProduct(parts[1:], match, offset); found {
			return i*rest + j, true
		}
		i, ok = parts[0].findFrom(match, lead+1)
	}
	if !ok {
		return 0, false
	}
	j, found := findProduct(parts[1:], match, 0)
	return i*rest + j, found
}
