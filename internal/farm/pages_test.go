package farm

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/farmhand-render/farmhand/deadline"
	"github.com/farmhand-render/farmhand/internal/auth"
)

func testTokens(t interface{ Fatal(...any) }, secret string) pageTokens {
	p, err := newPageTokens([]byte(secret))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestListGivesEveryRowOnceInOrder(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := &Service{now: func() time.Time { return time.Unix(1, 0) }, pages: testTokens(t, "secret")}
		rows := rapid.SliceOfDistinct(rapid.IntRange(1, 5000), rapid.ID[int]).Draw(t, "rows")
		slices.Sort(rows)
		modulus := rapid.SampledFrom([]int{1, 2, 7, 5001}).Draw(t, "keep every")
		filtered := modulus > 1 || rapid.Bool().Draw(t, "filtered")
		size := rapid.Int32Range(1, 100).Draw(t, "maxResults")
		var want []int
		for _, v := range rows {
			if v%modulus == 0 {
				want = append(want, v)
			}
		}
		seen := map[string]bool{}
		var got []int
		in := &deadline.ListFarmsInput{MaxResults: &size}
		for {
			page, next, err := list(t.Context(), s, listing[int, int]{
				operation: "List", input: in, maxResults: in.MaxResults, nextToken: in.NextToken,
				read: func(_ context.Context, after, limit int) ([]int, error) {
					i, found := slices.BinarySearch(rows, after)
					if found {
						i++
					}
					return slices.Clone(rows[i:min(len(rows), i+limit)]), nil
				},
				cursor: func(v *int) int { return *v },
				keep:   keepIf(filtered, func(v *int) bool { return *v%modulus == 0 }),
			})
			if err != nil {
				t.Fatal(err)
			}
			if len(page) > int(size) {
				t.Fatalf("a page of %d has %d rows", size, len(page))
			}
			got = append(got, page...)
			if next == nil {
				break
			}
			if seen[*next] || *next == "" {
				t.Fatalf("the token %q is not unique", *next)
			}
			seen[*next] = true
			in.NextToken = next
			// Rows that come and go behind the cursor do not move the pages before them.
			if rapid.Bool().Draw(t, "a row is added before the cursor") && len(got) > 0 && !slices.Contains(rows, 0) {
				rows = append([]int{0}, rows...)
			}
		}
		if !slices.Equal(got, want) {
			t.Fatalf("maxResults %d: got %v, want %v", size, got, want)
		}
	})
}

func TestPageHasTokenOnlyWhenMoreFollows(t *testing.T) {
	t.Parallel()
	s := &Service{now: time.Now, pages: testTokens(t, "secret")}
	for _, total := range []int{0, 1, 99, 100, 101, 200} {
		_, next, err := list(t.Context(), s, listing[int, int]{
			input: &deadline.ListFarmsInput{},
			read: func(_ context.Context, after, limit int) ([]int, error) {
				var rows []int
				for v := after + 1; v <= total && len(rows) < limit; v++ {
					rows = append(rows, v)
				}
				return rows, nil
			},
			cursor: func(v *int) int { return *v },
		})
		if err != nil || (next != nil) != (total > 100) {
			t.Errorf("%d rows: token %v, error %v", total, next, err)
		}
	}
}

func TestFilteredListScansBoundedly(t *testing.T) {
	t.Parallel()
	s := &Service{now: time.Now, pages: testTokens(t, "secret")}
	const total = 3 * maxScanned
	in, pages, read := &deadline.ListFarmsInput{}, 0, 0
	var got []int
	for {
		page, next, err := list(t.Context(), s, listing[int, int]{
			input: in, nextToken: in.NextToken,
			read: func(_ context.Context, after, limit int) ([]int, error) {
				var rows []int
				for v := after + 1; v <= total && len(rows) < limit; v++ {
					rows = append(rows, v)
				}
				read += len(rows)
				return rows, nil
			},
			cursor: func(v *int) int { return *v },
			keep:   func(v *int) bool { return *v == total },
		})
		if err != nil {
			t.Fatal(err)
		}
		pages++
		got = append(got, page...)
		if next == nil {
			break
		}
		in.NextToken = next
	}
	if !slices.Equal(got, []int{total}) || pages < 3 || read != total {
		t.Errorf("got %v in %d pages after %d rows", got, pages, read)
	}
}

func TestPageTokenIsBound(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_700_000_000, 0)
	p := testTokens(t, "secret")
	arguments := func(in any) (sum [32]byte) {
		sum, err := fingerprint(in, "NextToken")
		if err != nil {
			t.Fatal(err)
		}
		return sum
	}
	base := deadline.ListQueuesInput{FarmId: "farm-1", MaxResults: deadline.Ptr[int32](1)}
	key := pageKey{"alice", "ListQueues", arguments(&base)}
	token, err := p.seal(now, key, 42)
	if err != nil {
		t.Fatal(err)
	}
	withToken, otherSize, otherFarm, otherStatus := base, base, base, base
	withToken.NextToken = &token
	otherSize.MaxResults = deadline.Ptr[int32](2)
	otherFarm.FarmId = "farm-2"
	otherStatus.Status = deadline.QueueStatusIdle
	tests := []struct {
		name   string
		tokens pageTokens
		at     time.Time
		key    pageKey
		want   error
	}{
		{"its own request", p, now, pageKey{"alice", "ListQueues", arguments(&withToken)}, nil},
		{"the last second", p, now.Add(pageTokenLife - time.Second), key, nil},
		{"expired", p, now.Add(pageTokenLife), key, errPageToken},
		{"another caller", p, now, pageKey{"bob", "ListQueues", key.arguments}, errPageToken},
		{"another operation", p, now, pageKey{"alice", "ListFleets", key.arguments}, errPageToken},
		{"caller and operation joined otherwise", p, now, pageKey{"aliceL", "istQueues", key.arguments}, errPageToken},
		{"another maxResults", p, now, pageKey{"alice", "ListQueues", arguments(&otherSize)}, errPageToken},
		{"another farm", p, now, pageKey{"alice", "ListQueues", arguments(&otherFarm)}, errPageToken},
		{"another filter", p, now, pageKey{"alice", "ListQueues", arguments(&otherStatus)}, errPageToken},
		{"another installation", testTokens(t, "other"), now, key, errPageToken},
	}
	for _, tt := range tests {
		var cursor int
		if err := tt.tokens.open(tt.at, tt.key, token, &cursor); !errors.Is(err, tt.want) {
			t.Errorf("%s: got %v, want %v", tt.name, err, tt.want)
		} else if err == nil && cursor != 42 {
			t.Errorf("%s: got cursor %d", tt.name, cursor)
		}
	}
}

// genuineToken was sealed once; it also shows that tokens outlive a new version of the program.
const genuineToken = "HHQmsDfvGrM-quhwV0U6WRzlwcPnu-mMusm9e7frwkFF6AzF62pjMSKIXri1aqY"

func FuzzPageToken(f *testing.F) {
	p := testTokens(f, "secret")
	now, key := time.Unix(1_700_000_000, 0), pageKey{principal: "alice", operation: "ListJobs"}
	f.Add(genuineToken)
	f.Add("")
	f.Add(genuineToken + "\n")
	f.Add(genuineToken[:len(genuineToken)-1])
	f.Add(strings.ToUpper(genuineToken))
	f.Fuzz(func(t *testing.T, altered string) {
		var cursor json.RawMessage
		if err := p.open(now, key, altered, &cursor); (err == nil) != (altered == genuineToken) {
			t.Fatalf("%q: %v", altered, err)
		}
	})
}

func TestAlteredPageTokenIsRefused(t *testing.T) {
	t.Parallel()
	p := testTokens(t, "secret")
	now, key := time.Now(), pageKey{principal: "alice", operation: "ListJobs"}
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_=\n\r .+/"
	rapid.Check(t, func(t *rapid.T) {
		token, err := p.seal(now, key, rapid.IntRange(0, 1<<40).Draw(t, "cursor"))
		if err != nil {
			t.Fatal(err)
		}
		i := rapid.IntRange(0, len(token)-1).Draw(t, "where")
		letter := string(rapid.SampledFrom([]byte(alphabet)).Draw(t, "letter"))
		altered := rapid.SampledFrom([]string{
			token[:i] + letter + token[i+1:], token[:i] + letter + token[i:], token[:i] + token[i+1:], token[:i], token + letter,
		}).Draw(t, "altered")
		var cursor int
		if err := p.open(now, key, altered, &cursor); err == nil && altered != token {
			t.Fatalf("%q passes for %q", altered, token)
		}
	})
}

// collect walks a list with pages of one and compares with the page of all. It checks that every token but its own fails.
func collect[T any](t *testing.T, page func(size int32, token *string) ([]T, *string, error), id func(*T) string) []string {
	t.Helper()
	var ids []string
	var token *string
	for {
		items, next, err := page(1, token)
		if err != nil {
			t.Fatal(err)
		}
		for i := range items {
			ids = append(ids, id(&items[i]))
		}
		if next == nil {
			break
		}
		if _, _, err := page(2, next); err == nil {
			t.Fatal("a token passes with another maxResults")
		}
		bad := "x" + *next
		_, _, err = page(1, &bad)
		failsOn(t, err, "nextToken")
		token = next
	}
	all, next, err := page(100, nil)
	if err != nil || next != nil {
		t.Fatalf("the page of 100 has the token %v, error %v", next, err)
	}
	var whole []string
	for i := range all {
		whole = append(whole, id(&all[i]))
	}
	if !slices.Equal(ids, whole) {
		t.Fatalf("pages of one give %v, the whole is %v", ids, whole)
	}
	return ids
}

func sorted[T cmp.Ordered](v ...T) []T {
	slices.Sort(v)
	return v
}

func TestTokensOfOthersAreRefused(t *testing.T) {
	t.Parallel()
	f := openFarm(t)
	ctx := t.Context()
	for range 3 {
		f.newFarm()
	}
	in := &deadline.ListFarmsInput{MaxResults: deadline.Ptr[int32](1)}
	first := must(f.ListFarms(ctx, in))(t)
	in.NextToken = first.NextToken
	_, err := f.as(auth.Principal{Kind: auth.Admin, ID: "other"}).ListFarms(ctx, in)
	failsOn(t, err, "nextToken")
	_, err = f.ListMonitors(ctx, &deadline.ListMonitorsInput{MaxResults: in.MaxResults, NextToken: in.NextToken})
	_ = fails[*deadline.ValidationException](t, err)
	f.advance(pageTokenLife - time.Second)
	again := must(f.ListFarms(ctx, in))(t)
	if fmt.Sprint(again.Farms) == fmt.Sprint(first.Farms) || *again.NextToken == *first.NextToken {
		t.Error("the second page repeats the first")
	}
	f.advance(time.Second)
	_, err = f.ListFarms(ctx, in)
	failsOn(t, err, "nextToken")
}
