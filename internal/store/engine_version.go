package store

import "context"

// Version is in memory, where the writer puts it after each commit.
func (e *sqliteEngine) Version(ctx context.Context) (Version, error) {
	if v := e.version.Load(); v != nil {
		return *v, nil
	}
	return viewVersion(ctx, e)
}

// Version is one statement, so one round trip. A connection that broke while
// idle is View's matter.
func (e *postgresEngine) Version(ctx context.Context) (v Version, err error) {
	if e.life.Err() != nil {
		return v, errClosed
	}
	if err := e.pool.QueryRow(ctx, selectVersion).Scan(&v.Structure, &v.Rights); err != nil {
		return viewVersion(ctx, e)
	}
	return v, nil
}

func viewVersion(ctx context.Context, e engine) (v Version, err error) {
	err = e.View(ctx, nil, func(c conn) (err error) {
		v, err = readVersion(ctx, c)
		return err
	})
	return v, err
}
