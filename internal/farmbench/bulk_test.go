package farmbench

import (
	"database/sql"
	"path/filepath"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"

	"github.com/farmhand-render/farmhand/internal/store"
	"github.com/farmhand-render/farmhand/internal/store/postgres"
	"github.com/farmhand-render/farmhand/internal/store/sqlite"
	"github.com/farmhand-render/farmhand/internal/testfarm"
)

// fillStore writes very many rows into the store of a farm whose server is down, and starts that again. The indexes of jobs are made when
// all rows are there, which takes a fraction of the time.
func fillStore(b *testing.B, f *testfarm.Farm, database []string, write func(s store.Store)) {
	b.Helper()
	path := filepath.Join(f.DataDir, "farmhand.db")
	driver, source := "sqlite", path
	indexes := `SELECT 'DROP INDEX ' || name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name = 'job' AND sql <> ''`
	var after []string
	if database != nil {
		driver, source = "pgx", database[1]
		indexes = `SELECT 'DROP INDEX ' || indexrelid::regclass, pg_get_indexdef(indexrelid) FROM pg_index
			WHERE indrelid = 'job'::regclass AND NOT indisunique`
		after = []string{`VACUUM (ANALYZE) job`} // as it does by itself after a while
	}
	db, err := sql.Open(driver, source)
	if err != nil {
		b.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	defer func() { _ = db.Close() }()
	drop, create := texts(b, db, indexes)
	execute(b, db, drop...)

	var s store.Store
	if database == nil {
		s, err = sqlite.Open(b.Context(), path, sqlite.Options{Relaxed: true})
	} else {
		s, err = postgres.Open(b.Context(), database[1], postgres.Options{Relaxed: true})
	}
	if err != nil {
		b.Fatal(err)
	}
	write(s)
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
	if database != nil {
		execute(b, db, `SET maintenance_work_mem = '1GB'`)
	}
	execute(b, db, create...)
	execute(b, db, after...)
	f.Restart(b.Context())
}

// texts reads two columns of texts.
func texts(b *testing.B, db *sql.DB, query string) (first, second []string) {
	b.Helper()
	rows, err := db.QueryContext(b.Context(), query)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var x, y string
		if err := rows.Scan(&x, &y); err != nil {
			b.Fatal(err)
		}
		first, second = append(first, x), append(second, y)
	}
	if err := rows.Err(); err != nil {
		b.Fatal(err)
	}
	return first, second
}

func execute(b *testing.B, db *sql.DB, statements ...string) {
	b.Helper()
	for _, text := range statements {
		if _, err := db.ExecContext(b.Context(), text); err != nil {
			b.Fatalf("%s: %v", text, err)
		}
	}
}
