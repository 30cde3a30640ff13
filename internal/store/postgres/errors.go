package postgres

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/farmhand-render/farmhand/internal/store"
)

// codes give the store's error for a class of SQLSTATE, its first two characters, or for a whole code.
var codes = map[string]error{
	"08": store.ErrIO, // the connection
	"23": store.ErrConstraint,
	"25": store.ErrIO, // among them a server that became read-only
	"40": store.ErrBusy,
	"53": store.ErrBusy, // connections, memory
	"55": store.ErrBusy, // a lock
	"57": store.ErrIO,   // the server shuts down or crashed
	"58": store.ErrIO,   // the server's system
	"XX": store.ErrIO,   // among them corrupted data

	"53100": store.ErrFull,
	"54000": store.ErrFull, // a limit of the server
}

// typed wraps an error of PostgreSQL, or of the connection to it, in the store's error for its code.
func typed(err error) error {
	var refused *pgconn.PgError
	switch {
	case err == nil || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded):
		return err
	case errors.As(err, &refused):
		kind := codes[refused.Code]
		if kind == nil && len(refused.Code) == 5 {
			kind = codes[refused.Code[:2]]
		}
		if kind == nil {
			return err
		}
		return fmt.Errorf("%w: %w", kind, err)
	case lost(err):
		return fmt.Errorf("%w: %w", store.ErrIO, err)
	default:
		return err
	}
}

// lost reports whether an error is one of the connection rather than of what was asked over it.
func lost(err error) bool {
	var connecting *pgconn.ConnectError
	var network net.Error
	return errors.As(err, &connecting) || errors.As(err, &network) || errors.Is(err, pgconn.ErrConnClosed) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}
