package restjson_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/farmhand-render/farmhand/awsproto/restjson"
)

type size string

// bound has a member in every place.
type bound struct {
	ID     string
	Size   size
	Token  *string
	Max    *int32
	Names  []string
	Sizes  []size
	Client *string
	Retry  *int32
}

func (v *bound) BindHTTP(b restjson.Bindings) {
	b.Label("id", &v.ID)
	b.Query("size", "size", (*string)(&v.Size))
	b.OptQuery("token", "token", &v.Token)
	b.OptQueryInt32("max", "max", &v.Max)
	b.QueryList("names", "name", &v.Names)
	restjson.BindQueryEnums(b, "sizes", "sizes", &v.Sizes)
	b.OptHeader("client", "X-Client", &v.Client)
	b.OptHeaderInt32("retry", "Retry-After", &v.Retry)
}

func TestWriter(t *testing.T) {
	t.Parallel()
	header := make(http.Header)
	w := restjson.NewWriter("/records/{id}/x", header)
	in := bound{ID: "a/b +%é{id}", Size: "L", Token: new("a/b+c="), Max: new(int32(-1)), Names: []string{"p q", "r&s"}, Sizes: []size{"S"}, Client: new("c"), Retry: new(int32(3))}
	in.BindHTTP(w)
	path, err := w.Path()
	if err != nil {
		t.Fatal(err)
	}
	const want = "/records/a%2Fb%20%2B%25%C3%A9%7Bid%7D/x?size=L&token=a%2Fb%2Bc%3D&max=-1&name=p%20q&name=r%26s&sizes=S"
	if got := path + "?" + w.RawQuery(); got != want {
		t.Errorf("wrote %s\nwant  %s", got, want)
	}
	if diff := cmp.Diff(http.Header{"X-Client": {"c"}, "Retry-After": {"3"}}, header); diff != "" {
		t.Errorf("header (-want +got):\n%s", diff)
	}
	w = restjson.NewWriter("/records/{id}", header)
	new(bound).BindHTTP(w)
	if path, err := w.Path(); err == nil {
		t.Errorf("an empty label gives %s", path)
	}
}

func TestReaderFaults(t *testing.T) {
	t.Parallel()
	for query, want := range map[string]string{
		"max=x": "max", "max=": "max", "max=1&max=2": "max", "max=2147483648": "max", "token=%zz": "", "token=a;b": "", "size=S&size=L": "size",
	} {
		r := restjson.NewReader(nil, query, nil)
		new(bound).BindHTTP(r)
		var fault *restjson.DecodeError
		if !errors.As(r.Err(), &fault) || fault.Fields[0].Name != want {
			t.Errorf("%s: %v, want a fault of %q", query, r.Err(), want)
		}
	}
}

// TestBindRoundTrip: what a writer puts into a request, a reader takes out of it.
func TestBindRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		texts := rapid.SliceOfN(rapid.String(), 1, 3)
		in := bound{
			ID: rapid.StringN(1, -1, -1).Draw(t, "id"), Size: size(rapid.String().Draw(t, "size")), Token: rapid.Ptr(rapid.String(), true).Draw(t, "token"),
			Max: rapid.Ptr(rapid.Int32(), true).Draw(t, "max"), Names: texts.Draw(t, "names"), Retry: rapid.Ptr(rapid.Int32(), true).Draw(t, "retry"),
		}
		header := make(http.Header)
		w := restjson.NewWriter("/{id}", header)
		in.BindHTTP(w)
		path, err := w.Path()
		if err != nil {
			t.Fatal(err)
		}
		id, err := url.PathUnescape(path[1:])
		if err != nil {
			t.Fatal(err)
		}
		r := restjson.NewReader(map[string]string{"id": id}, w.RawQuery(), header)
		var out bound
		out.BindHTTP(r)
		if err := r.Err(); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(in, out); diff != "" {
			t.Errorf("changed (-in +out):\n%s", diff)
		}
	})
}

func ExampleUnmarshal() {
	var v record
	err := restjson.Unmarshal([]byte(`{"name": 5, "rows": [["a", null]]}`), &v, restjson.Limits{})
	if fault, ok := errors.AsType[*restjson.DecodeError](err); ok {
		for _, f := range fault.Fields {
			fmt.Println(f.Name, f.Message)
		}
	}
	// Output:
	// name must be a string
	// rows[0][1] must be a string
	// count is required
}

func ExampleWriter() {
	w := restjson.NewWriter("/2023-10-12/records/{name}", make(http.Header))
	(&record{Name: "a/b", Names: []string{"x", "y z"}}).BindHTTP(w)
	path, err := w.Path()
	fmt.Println(path, w.RawQuery(), err)
	// Output: /2023-10-12/records/a%2Fb n=x&n=y%20z <nil>
}
