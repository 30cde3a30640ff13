package server

import (
	"net/url"
	"strings"
)

// router finds the endpoint of a method and path: a tree with one level per segment of the path.
type router struct{ root node }

// node is a segment of the paths below it. A literal child wins over the label.
type node struct {
	children  map[string]*node
	label     *node
	greedy    bool // the label takes the rest of the path, slashes included
	endpoints map[string]*route
}

// route is an endpoint with the names of its path's labels, in order.
type route struct {
	endpoint *endpoint
	labels   []string
}

// greedyLabel is an ARN, which some clients send with its slashes as they are.
const greedyLabel = "resourceArn"

func newRouter(endpoints []*endpoint) *router {
	r := new(router)
	for _, e := range endpoints {
		r.add(e)
	}
	return r
}

func (r *router) add(e *endpoint) {
	at := &r.root
	var labels []string
	for segment := range strings.SplitSeq(strings.TrimPrefix(e.operation.Path, "/"), "/") {
		if name, isLabel := strings.CutPrefix(segment, "{"); isLabel {
			name = strings.TrimSuffix(name, "}")
			labels = append(labels, name)
			if at.label == nil {
				at.label = new(node)
			}
			at = at.label
			at.greedy = name == greedyLabel
			continue
		}
		if at.children == nil {
			at.children = make(map[string]*node)
		}
		if at.children[segment] == nil {
			at.children[segment] = new(node)
		}
		at = at.children[segment]
	}
	if at.endpoints == nil {
		at.endpoints = make(map[string]*route)
	}
	at.endpoints[e.operation.Method] = &route{endpoint: e, labels: labels}
}

// match gives the endpoint of a percent-encoded path and the decoded values of its labels; nil when there is none. An empty label matches nothing.
func (r *router) match(method, escapedPath string) (*endpoint, map[string]string) {
	rest, ok := strings.CutPrefix(escapedPath, "/")
	if !ok {
		return nil, nil
	}
	at := &r.root
	var values []string
	for more := true; more; {
		var segment string
		segment, rest, more = strings.Cut(rest, "/")
		if child := at.children[segment]; child != nil {
			at = child
			continue
		}
		if at.label == nil || segment == "" {
			return nil, nil
		}
		at = at.label
		if at.greedy && more {
			segment, more = segment+"/"+rest, false
		}
		value, err := url.PathUnescape(segment)
		if err != nil {
			return nil, nil
		}
		values = append(values, value)
	}
	found := at.endpoints[method]
	if found == nil {
		return nil, nil
	}
	labels := make(map[string]string, len(values))
	for i, name := range found.labels {
		labels[name] = values[i]
	}
	return found.endpoint, labels
}
