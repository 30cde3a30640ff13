package farm

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"time"
)

const (
	// defaultMaxResults is the length of a page when the request does not say.
	defaultMaxResults = 100
	// pageTokenLife is how long a nextToken is good for.
	pageTokenLife = 24 * time.Hour
	// maxScanned bounds the rows that one page of a filtered list looks at. A page that stops there is short, but has a nextToken.
	maxScanned = 2000
)

// listing is one call of a list operation over rows R that are read by keyset cursor C.
type listing[C, R any] struct {
	operation  string
	input      any // pointer to the request structure; all of it but NextToken is bound to the token
	maxResults *int32
	nextToken  *string
	first      C // the cursor before all rows
	// read gives at most limit rows after a cursor, in a fixed order.
	read func(ctx context.Context, after C, limit int) ([]R, error)
	// cursor is the key of a row: reading after it continues with the next row.
	cursor func(*R) C
	// keep says whether a row is in the list; nil keeps all.
	keep func(*R) bool
}

// list gives one page and the nextToken of the page after it, nil on the last. Errors: ValidationException on nextToken; whatever
// read answers.
func list[C, R any](ctx context.Context, s *Service, l listing[C, R]) ([]R, *string, error) {
	key := pageKey{principal: callerID(ctx), operation: l.operation}
	var err error
	if key.arguments, err = fingerprint(l.input, "NextToken"); err != nil {
		return nil, nil, err
	}
	now, after := s.now(), l.first
	if l.nextToken != nil && *l.nextToken != "" {
		if err := s.pages.open(now, key, *l.nextToken, &after); err != nil {
			return nil, nil, invalid("nextToken", "is not valid: it was altered, has expired, or belongs to another request or caller")
		}
	}
	rows, last, err := l.scan(ctx, after)
	if err != nil || last == nil {
		return rows, nil, err
	}
	token, err := s.pages.seal(now, key, *last)
	if err != nil {
		return nil, nil, err
	}
	return rows, &token, nil
}

// scan reads the rows of one page. last is the cursor after which the next page goes on, nil when there is none.
func (l *listing[C, R]) scan(ctx context.Context, after C) (page []R, last *C, err error) {
	limit := defaultMaxResults
	if l.maxResults != nil {
		limit = int(*l.maxResults)
	}
	for scanned := 0; scanned < maxScanned; {
		// One row more than the page holds tells whether there is a next page.
		batch := limit + 1
		if l.keep != nil {
			batch = max(batch, defaultMaxResults)
		}
		rows, err := l.read(ctx, after, batch)
		if err != nil {
			return nil, nil, err
		}
		for i := range rows {
			if l.keep != nil && !l.keep(&rows[i]) {
				continue
			}
			if len(page) == limit {
				end := l.cursor(&page[limit-1])
				return page, &end, nil
			}
			page = append(page, rows[i])
		}
		if len(rows) < batch {
			return page, nil, nil
		}
		scanned += len(rows)
		after = l.cursor(&rows[len(rows)-1])
	}
	return page, &after, nil
}

// fingerprint hashes a request without the named field.
func fingerprint(input any, without string) ([sha256.Size]byte, error) {
	copied := reflect.New(reflect.TypeOf(input).Elem())
	copied.Elem().Set(reflect.ValueOf(input).Elem())
	if field := copied.Elem().FieldByName(without); field.IsValid() {
		field.SetZero()
	}
	text, err := json.Marshal(copied.Interface())
	if err != nil {
		return [sha256.Size]byte{}, fmt.Errorf("fingerprint a request: %w", err)
	}
	return sha256.Sum256(text), nil
}

// pageKey is what a nextToken is bound to.
type pageKey struct {
	principal, operation string
	arguments            [sha256.Size]byte
}

// pageTokens seals cursors into tokens: base64url(nonce, AES-256-GCM(expiry, cursor)). Who calls, the operation and the arguments
// are authenticated with it. The random nonce makes every token another one.
type pageTokens struct{ aead cipher.AEAD }

var errPageToken = errors.New("page token is not valid")

// newPageTokens derives the key of the tokens from a secret of the installation.
func newPageTokens(secret []byte) (pageTokens, error) {
	key, err := hkdf.Key(sha256.New, secret, nil, "farmhand page token 1", 32)
	if err != nil {
		return pageTokens{}, fmt.Errorf("derive the key of page tokens: %w", err)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return pageTokens{}, fmt.Errorf("derive the key of page tokens: %w", err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return pageTokens{}, fmt.Errorf("derive the key of page tokens: %w", err)
	}
	return pageTokens{aead}, nil
}

func (p pageTokens) seal(now time.Time, key pageKey, cursor any) (string, error) {
	text, err := json.Marshal(cursor)
	if err != nil {
		return "", fmt.Errorf("encode a cursor: %w", err)
	}
	plain := binary.BigEndian.AppendUint64(nil, uint64(now.Add(pageTokenLife).Unix()))
	plain = append(plain, text...)
	return base64.RawURLEncoding.EncodeToString(p.aead.Seal(nil, nil, plain, key.bytes())), nil
}

func (p pageTokens) open(now time.Time, key pageKey, token string, cursor any) error {
	sealed, err := base64.RawURLEncoding.Strict().DecodeString(token)
	// The decoder skips line breaks; only the text that seal gave is a token.
	if err != nil || base64.RawURLEncoding.EncodeToString(sealed) != token {
		return errPageToken
	}
	plain, err := p.aead.Open(nil, nil, sealed, key.bytes())
	if err != nil || len(plain) < 8 {
		return errPageToken
	}
	if expiry := binary.BigEndian.Uint64(plain); uint64(now.Unix()) >= expiry {
		return errPageToken
	}
	if err := json.Unmarshal(plain[8:], cursor); err != nil {
		return errPageToken
	}
	return nil
}

// bytes is unambiguous: lengths go before what varies in length.
func (k pageKey) bytes() []byte {
	var b bytes.Buffer
	for _, text := range []string{k.principal, k.operation} {
		b.Write(binary.BigEndian.AppendUint64(nil, uint64(len(text))))
		b.WriteString(text)
	}
	b.Write(k.arguments[:])
	return b.Bytes()
}
