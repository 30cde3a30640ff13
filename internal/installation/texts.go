package installation

import (
	"context"
	"log/slog"
	"time"
)

const (
	textsAtOnce = 200
	textsRest   = 4           // times as long as a part took, so that others come first
	textsRetry  = time.Minute // after an error
)

// addTexts makes the jobs of an older release known to searches for texts, part by part.
func (i *Installation) addTexts(ctx context.Context) error {
	for {
		began := time.Now()
		n, err := i.store.AddTexts(ctx, textsAtOnce)
		pause := textsRest * time.Since(began)
		switch {
		case ctx.Err() != nil:
			return nil //nolint:nilerr // told to stop
		case err == nil && n == 0:
			return nil
		case err != nil:
			i.config.Logger.LogAttrs(ctx, slog.LevelWarn, "searches for texts look at all jobs still", slog.Any("error", err))
			pause = textsRetry
		}
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
		}
	}
}
