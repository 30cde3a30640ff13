package jobattachments

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/zeebo/xxh3"
	"golang.org/x/sync/errgroup"
)

// sendLarge sends a file in parts. Its content is hashed on the way; the object comes to be only when it is what the manifest says.
func (t *uploading) sendLarge(ctx context.Context, f upload) error {
	key := t.Settings.DataKey(f.Hash)
	if t.Checked.seen(t.S3.place(), key) {
		t.meter.skip(f.Size)
		return nil
	}
	there, err := t.S3.exists(ctx, key)
	if err != nil {
		return err
	}
	if there {
		t.skip(key, f.Size)
		return nil
	}
	l := &largeUpload{uploading: t, file: f, key: key}
	err = l.send(ctx)
	if l.resumed && hasStatus(err, http.StatusNotFound) { // what was begun is forgotten there, or another program has finished it
		l.forget()
		if there, err = t.S3.exists(ctx, key); err != nil {
			return err
		}
		if there {
			t.skip(key, f.Size)
			return nil
		}
		l = &largeUpload{uploading: t, file: f, key: key}
		err = l.send(ctx)
	}
	if err != nil {
		return fmt.Errorf("upload %s: %w", f.local, err)
	}
	t.Checked.see(t.S3.place(), key)
	t.meter.done()
	return nil
}

// largeUpload is a large file under way.
type largeUpload struct {
	*uploading
	file    upload
	key     string
	resumed bool
	counted int64 // bytes of parts that were sent before; of the sending goroutine

	mu    sync.Mutex // guards the fields below
	state uploadState
	kept  time.Time
}

// uploadState is what a file in StateDir tells of an upload that is under way.
type uploadState struct {
	Place    string `json:"place"`
	Key      string `json:"key"`
	UploadID string `json:"uploadId"`
	PartSize int64  `json:"partSize"`
	Parts    []part `json:"parts"`
}

func (l *largeUpload) sizeOfParts() int64 {
	size := sizeOfParts(l.PartSize)
	for l.file.Size > size*maxParts {
		size *= 2
	}
	return size
}

func (l *largeUpload) send(ctx context.Context) error {
	source, err := l.from.open(l.file.local)
	if err != nil {
		return err
	}
	defer source.Close() //nolint:errcheck // it was only read
	l.resume()
	if l.state.UploadID == "" {
		if l.state.UploadID, err = l.S3.createUpload(ctx, l.key); err != nil {
			return err
		}
		l.keep()
	}
	err = l.sendParts(ctx, source)
	if err == nil {
		slices.SortFunc(l.state.Parts, func(a, b part) int { return a.Number - b.Number })
		err = l.S3.completeUpload(ctx, l.key, l.state.UploadID, l.state.Parts)
	}
	switch {
	case err == nil:
		l.forget()
	case errors.Is(err, ErrChanged), l.StateDir == "":
		l.meter.moved(-l.counted)
		l.forget()
		// The caller's context may be done, and the parts would cost money for ever.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), abortPatience)
		defer cancel()
		if aborted := l.S3.abortUpload(ctx, l.key, l.state.UploadID); aborted != nil {
			err = errors.Join(err, aborted)
		}
	default:
		l.meter.moved(-l.counted)
		l.keep()
	}
	return err
}

// sendParts reads the file from its beginning to its end and sends the parts that were not sent before. When one fails, those that are under
// way still arrive.
func (l *largeUpload) sendParts(ctx context.Context, source *os.File) error {
	var group errgroup.Group
	group.SetLimit(partsAtOnce)
	var failed atomic.Bool
	err := l.readParts(ctx, source, &failed, func(number int, data []byte, done func()) {
		group.Go(func() error {
			defer done()
			p, err := l.S3.uploadPart(ctx, l.key, l.state.UploadID, number, data, l.meter)
			if err != nil {
				failed.Store(true)
				return err
			}
			l.add(p)
			return nil
		})
	})
	if part := group.Wait(); part != nil && !errors.Is(err, ErrChanged) {
		err = part
	}
	return err
}

// readParts gives the parts of the file to send, which is to call done when it needs the data no more. It stops when a part has failed.
func (l *largeUpload) readParts(
	ctx context.Context, source io.Reader, failed *atomic.Bool, send func(number int, data []byte, done func()),
) error {
	buffers := make(chan []byte, partsAtOnce+1)
	for range cap(buffers) {
		buffers <- nil
	}
	sent := map[int]bool{}
	for _, p := range l.state.Parts {
		sent[p.Number] = true
	}
	hash := xxh3.New128()
	for number, offset := 1, int64(0); offset < l.file.Size && !failed.Load(); number++ {
		var buffer []byte
		select {
		case buffer = <-buffers:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		if buffer == nil {
			buffer = make([]byte, l.state.PartSize)
		}
		data := buffer[:min(l.state.PartSize, l.file.Size-offset)]
		if _, err := io.ReadFull(source, data); errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return ErrChanged
		} else if err != nil {
			return err
		}
		_, _ = hash.Write(data) // never fails
		offset += int64(len(data))
		done := func() { buffers <- buffer }
		if !sent[number] {
			send(number, data, done)
			continue
		}
		l.meter.moved(int64(len(data)))
		l.counted += int64(len(data))
		done()
	}
	if n, _ := source.Read(make([]byte, 1)); !failed.Load() && (n > 0 || hashText(hash.Sum128()) != l.file.Hash) {
		return ErrChanged
	}
	return nil
}

// abortPatience bounds the time for giving up an upload.
const abortPatience = 10 * time.Second

// keepEvery is the least time between writes of what was sent.
const keepEvery = time.Second

// add notes a part that was sent, and from time to time writes down what was sent: the program may be killed.
func (l *largeUpload) add(p part) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.state.Parts = append(l.state.Parts, p)
	if now := time.Now(); now.Sub(l.kept) >= keepEvery {
		l.kept = now
		l.write()
	}
}

// resume takes up what an earlier call has sent.
func (l *largeUpload) resume() {
	l.state = uploadState{Place: l.S3.place(), Key: l.key, PartSize: l.sizeOfParts()}
	if l.StateDir == "" {
		return
	}
	data, err := os.ReadFile(l.statePath())
	if err != nil {
		return // none, or none that helps
	}
	var known uploadState
	if json.Unmarshal(data, &known) != nil || known.Place != l.state.Place || known.Key != l.key || known.PartSize != l.state.PartSize {
		return
	}
	l.state, l.resumed = known, true
}

func (l *largeUpload) statePath() string {
	return filepath.Join(l.StateDir, "upload-"+Hash([]byte(l.S3.place()+l.key))+".json")
}

// keep writes down what was sent. It is an aid: an upload without it begins anew.
func (l *largeUpload) keep() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.write()
}

// write is keep with l.mu held.
func (l *largeUpload) write() {
	data, err := json.Marshal(l.state)
	if l.StateDir == "" || err != nil || os.MkdirAll(l.StateDir, 0o700) != nil {
		return
	}
	_ = os.WriteFile(l.statePath(), data, 0o600)
}

func (l *largeUpload) forget() {
	if l.StateDir != "" {
		_ = os.Remove(l.statePath()) // one that stays names an upload that is not there any more; the next call sees that
	}
}
